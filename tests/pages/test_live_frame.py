"""The bytes that the live panel draws, decoded by hand."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.frames import unpacked
from mnist_core.config import LayerConfig
from mnist_core.data import splits
from mnist_core.errors import StoreError
from mnist_core.network import backend, to_keras
from mnist_core.network.layers import Weights, initial_weights
from mnist_core.runs.network_run import Run
from mnist_core.runs.scheduler import Scheduler
from mnist_core.runs.snapshot import Snapshot
from mnist_core.training import Status
from pages.widgets.common import live_frame
from pages.widgets.server import frame_route
from tests.pages.visitor import panel_frame, panel_scene, press, train_briefly, wait_for_end
from tests.samples import blobs, small
from tests.scheduled_runs import run_to_end, take_turns


@pytest.fixture
def by_hand() -> Scheduler:
    return Scheduler(workers=0)


def saved() -> str:
    return ""


def scene(run: Run) -> dict[str, Any]:
    """What all parts of the panel get once."""
    source = live_frame.live_run(run, saved)
    return unpacked(source.images) | unpacked(source.network) | unpacked(source.curves(run))


def frame(run: Run, shot: Snapshot | None = None, after: int = 0) -> dict[str, Any]:
    """The frame of a run, or of the run as if it had another snapshot."""
    run._snapshot = shot or run.snapshot
    data = live_frame.live_run(run, saved).frame(after)
    assert data is not None
    return unpacked(data)


def ended(scheduler: Scheduler, **changes: Any) -> Run:
    run = scheduler.submit(small(**changes), blobs())
    run_to_end(scheduler, run)
    assert run.snapshot.status is Status.FINISHED
    return run


@pytest.mark.parametrize("kind", ["float32", "int16", "uint8"])
def test_arrays_of_any_length_are_aligned(kind: str) -> None:
    arrays = {f"a{length}": np.arange(length).astype(kind) for length in range(6)}
    found = unpacked(live_frame.pack({"text": "é"}, **arrays))
    assert found["text"] == "é"
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_curves_are_those_of_the_run(by_hand: Scheduler) -> None:
    run = ended(by_hand, validation_fraction=0.25)
    shot = run.snapshot
    found = frame(run)
    assert shot.started is not None
    steps = shot.started.steps_per_epoch
    expected = [(point.epoch - 1 + point.step / steps, point.accuracy, point.loss) for point in shot.points]
    np.testing.assert_allclose(found["training"], expected, rtol=1e-6)
    epochs = [(one.epoch, one.validation_accuracy, one.validation_loss) for one in shot.epochs]
    np.testing.assert_allclose(found["validation"], np.array(epochs, float), rtol=1e-6)


def test_answers_are_those_of_the_network_in_keras(by_hand: Scheduler) -> None:
    run = ended(by_hand)
    network = run.snapshot.network
    assert network is not None
    model = to_keras(run.config)
    model.set_weights(network.weights)
    expected = model.predict(run.split.test_images[:12] / np.float32(255), verbose=0)
    found = frame(run)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-4, atol=1e-6)


def test_moment_shows_the_answers_of_a_run_that_ended_there(by_hand: Scheduler) -> None:
    run, short = by_hand.submit(small(epochs=3), blobs()), ended(by_hand, epochs=1)
    run.tell(lambda _: None)  # Somebody saves it, so it keeps moments.
    run_to_end(by_hand, run)
    live, found = live_frame.live_run(run, saved), frame(run)
    assert found["moments"][0] == [1, 0]
    assert [1, 10] in found["moments"]
    assert found["steps"] == 10
    then = unpacked(live.moment((1, 10)) or b"")
    np.testing.assert_allclose(then["probabilities"], frame(short)["probabilities"], atol=0.003)
    assert np.abs(then["probabilities"] - found["probabilities"]).max() > 0.1
    start = unpacked(live.moment((1, 0)) or b"")
    np.testing.assert_allclose(start["pictures"].astype(int), scene(run)["pictures"], atol=3)


def test_weights_of_a_unit_at_a_moment(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=2), blobs())
    run.tell(lambda _: None)
    run_to_end(by_hand, run)
    live, start = live_frame.live_run(run, saved), initial_weights(run.config)
    then, now = live.unit(0, 3, (1, 0)), live.unit(0, 3)
    assert then is not None
    assert then != now
    column = start[0][:, 3]
    np.testing.assert_allclose(unpacked(then)["weights"].ravel(), column * 127 / np.abs(column).max(), atol=0.6)


def test_moments_that_are_not_there(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended(by_hand)
    live = live_frame.live_run(run, saved)
    assert live.moment((7, 3)) is None
    assert live.unit(0, 0, (7, 3)) is None
    monkeypatch.setattr(run.moments, "weights", Mock(side_effect=StoreError("The database is away.", "Wait.")))
    assert live.moment((1, 10)) is None


@pytest.mark.parametrize("layers", [(LayerConfig("dense", 20),), (LayerConfig("conv", 3),), ()])
def test_pictures_are_the_weights_in_equal_steps(by_hand: Scheduler, layers: tuple[LayerConfig, ...]) -> None:
    run = ended(by_hand, layers=layers, epochs=1)
    weights, start = run.snapshot.weights, initial_weights(run.config)
    assert weights is not None
    sent = frame(run)["pictures"], scene(run)["pictures"]
    step = 8 * np.abs(start[0]).max() / 32767
    for pictures, kernel in zip(sent, (weights[0], start[0]), strict=True):
        units = [kernel[..., unit].reshape(pictures.shape[1:]) for unit in range(len(pictures))]
        assert len(units) == min(16, kernel.shape[-1])
        np.testing.assert_allclose(pictures * step, units, atol=0.6 * step)


def with_weights(run: Run, weights: Weights) -> Snapshot:
    """The run's snapshot as if it had these weights."""
    position = run.snapshot.position
    assert position is not None
    return dataclasses.replace(
        run.snapshot, position=dataclasses.replace(position, sets=(weights,), is_dense=False), network=None
    )


def begun(scheduler: Scheduler) -> Run:
    run = scheduler.submit(small(), blobs(), paused=True)
    scheduler.step(run)
    take_turns(scheduler, run)
    return run


def test_points_that_come_before_the_first_weights(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    weights = run.snapshot.weights
    assert weights is not None
    shot = dataclasses.replace(run.snapshot, position=None, state=None)
    shots = []
    for step, sent in enumerate((None, weights, tuple(2 * array for array in weights))):
        last = dataclasses.replace(shot.points[-1], step=shot.points[-1].step + step)
        shots.append(dataclasses.replace(shot, points=(*shot.points[:-1], last), sent=sent))
    assert "changes" not in frame(run, shots[0])
    assert "changes" not in frame(run, shots[1])
    assert frame(run, shots[2])["changes"][0] == pytest.approx(1.0)


def test_only_a_changed_weight_shows_a_change(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    kernel, *others = initial_weights(run.config)
    changed = kernel.copy()
    changed[28, 3] += 0.01  # Row 1, column 0 of the fourth unit.
    found = frame(run, with_weights(run, (changed, *others)))
    change = found["pictures"].astype(int) - scene(run)["pictures"]
    assert np.argwhere(change).tolist() == [[3, 1, 0]]


def test_weights_that_are_not_numbers_are_blank(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    bad = tuple(np.full_like(array, np.nan) for array in initial_weights(run.config))
    assert not frame(run, with_weights(run, bad))["pictures"].any()


def test_only_a_newer_frame_has_curves_and_pictures(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    first = frame(run)
    assert len(first["training"]) == 0
    assert "pictures" not in first
    by_hand.step(run)
    take_turns(by_hand, run)
    second = frame(run, after=first["version"])
    assert len(second["training"]) == 1
    assert second["pictures"].any()
    same = frame(run, after=second["version"])
    assert same["version"] == second["version"]
    assert "training" not in same
    assert "pictures" not in same
    assert same["text"] == second["text"]


def test_pictures_of_one_snapshot_are_made_once(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Mock(wraps=live_frame._pictures)
    monkeypatch.setattr(live_frame, "_pictures", pictures)
    run = begun(by_hand)
    for _ in range(3):
        frame(run)
    assert pictures.call_count == 1


@pytest.mark.usefixtures("one_point_a_chunk")
def test_pictures_are_made_less_often_on_a_busy_server(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("pages.widgets.common.live_frame.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("mnist_core.runs.scheduler.shared", lambda: SimpleNamespace(watched_runs=30))
    run = by_hand.submit(small(epochs=100), blobs())
    run.take_turn(0.0)  # The first turn only starts it.
    has_pictures = []
    for now[0] in (1.0, 2.0, 3.1, 4.0):  # 30 runs at 15 pictures a second: every two seconds.
        run.take_turn(0.0)
        assert run.snapshot.status is Status.RUNNING
        has_pictures.append("pictures" in frame(run))
    assert has_pictures == [True, False, True, False]
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert "pictures" in frame(run)  # The last one always has them.


def test_run_is_not_kept_alive_by_its_frames() -> None:
    by_hand = Scheduler(workers=0)
    run = begun(by_hand)
    live = live_frame.live_run(run, saved)
    live.frame()
    gone = weakref.ref(run)
    del run, by_hand
    gc.collect()
    assert gone() is None
    assert live.frame() is None


def test_old_snapshot_is_not_held(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    old = weakref.ref(run.snapshot)
    frame(run)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert old() is None


def test_scene_has_the_test_images_and_the_start(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    found = scene(run)
    np.testing.assert_array_equal(found["images"], blobs().test_images[:12])
    np.testing.assert_array_equal(found["labels"], blobs().test_labels[:12])
    by_hand.step(run)
    take_turns(by_hand, run)
    after = frame(run)
    assert (found["pictures"] != after["pictures"]).any()
    assert found["pictures"].shape == after["pictures"].shape


def test_weights_of_a_unit_are_the_newest_ones(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    live = live_frame.live_run(run, saved)

    def weights() -> Any:
        return unpacked(live.unit(0, 3) or b"")["weights"]

    def steps(kernel: Any) -> Any:
        return np.rint(kernel[:, 3].reshape(1, 28, 28) * (127 / np.abs(kernel[:, 3]).max()))

    np.testing.assert_allclose(weights(), steps(initial_weights(run.config)[0]), atol=1)
    by_hand.step(run)
    take_turns(by_hand, run)
    assert run.snapshot.position is not None
    np.testing.assert_allclose(weights(), steps(run.snapshot.position.weights[0]), atol=1)
    by_hand.resume(run)
    run_to_end(by_hand, run)
    assert run.snapshot.network is not None
    np.testing.assert_allclose(weights(), steps(run.snapshot.network.weights[0]), atol=1)
    assert live.unit(0, 10_000) is None


def test_paused_run_is_newer_only_after_an_order(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    live = live_frame.live_run(run, saved)
    assert live.is_newer(0)
    version = frame(run)["version"]
    assert not live.is_newer(version)
    run._pause_wanted = False  # The order alone, before the run has obeyed.
    assert live.is_newer(version)
    version = frame(run)["version"]
    assert not live.is_newer(version)
    by_hand.resume(run)
    take_turns(by_hand, run)
    assert live.is_newer(version)
    assert live.is_newer(frame(run)["version"] + 1)  # A version of another server.


def test_page_is_outdated_when_the_run_is_paused_ends_or_cannot_be_saved(by_hand: Scheduler) -> None:
    trouble = [""]
    run = by_hand.submit(small(), blobs())
    live = live_frame.live_run(run, lambda: trouble[0])
    states = [scene(run)["page"]]

    def note() -> None:
        data = live.frame()
        assert data is not None
        page = unpacked(data)["page"]
        assert page == scene(run)["page"]
        states.append(page)

    note()
    assert states[0] == states[1]
    by_hand.pause(run)
    note()
    trouble[0] = "The disk is full."
    note()
    by_hand.stop(run)
    take_turns(by_hand, run)
    note()
    assert len(set(states)) == 4


def test_text_of_an_active_and_of_an_ended_run(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=2), blobs())
    run.title, run.number = "*My* run", 3
    assert frame(run)["text"] == "*My* run · preparing (only the first time) …"
    by_hand.step(run)
    take_turns(by_hand, run)
    assert frame(run)["text"].startswith("*My* run · epoch 1 of 2 · paused")
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert frame(run)["text"] == "*My* run · run 3, stopped during epoch 1 of 2"


def test_page_sends_the_scene_with_the_address_of_its_frames(app: AppTest) -> None:
    run = train_briefly(app)
    sent = panel_scene(app)
    assert sent == live_frame.live_run(run, saved).curves(run)
    source = frame_route._sources[unpacked(sent)["address"].removeprefix("live-frame/")]
    assert unpacked(source.frame(0) or b"")["text"] == frame(run)["text"]


# Before the first run


def test_scene_before_training_is_that_of_the_run(by_hand: Scheduler) -> None:
    dataset = blobs()
    untrained = live_frame.untrained(small(), dataset)
    before = unpacked(untrained.images) | unpacked(untrained.network) | unpacked(untrained.curves())
    started = scene(by_hand.submit(small(), dataset))
    assert before.keys() == started.keys()
    for name in before.keys() - {"address", "page"}:
        np.testing.assert_array_equal(before[name], started[name])


def test_answers_before_training_are_those_of_keras() -> None:
    dataset = blobs()
    found = unpacked(live_frame.untrained(small(), dataset).frame(0))
    model = to_keras(small())
    model.set_weights(list(initial_weights(small())))
    expected = model.predict(dataset.test_images[: live_frame.SAMPLES] / np.float32(255), verbose=0)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-4, atol=1e-6)
    assert not found["isActive"]
    assert "Not trained yet" in found["text"]


def test_answers_before_training_wait_for_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    source = live_frame.untrained(small(), blobs())
    monkeypatch.setattr(backend, "is_loaded", lambda: False)
    assert not source.is_newer(0)
    found = unpacked(source.frame(0))
    assert "probabilities" not in found
    assert (found["version"], found["isActive"]) == (0, True)  # The browser asks again.
    monkeypatch.setattr(backend, "is_loaded", lambda: True)
    assert source.is_newer(found["version"])
    assert not source.is_newer(unpacked(source.frame(0))["version"])


def test_curves_of_a_run_elsewhere_do_not_wait_for_tensorflow(
    by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(by_hand)
    monkeypatch.setattr(backend, "is_loaded", lambda: False)
    first = frame(run)
    assert len(first["training"]) == 1
    assert "probabilities" not in first
    monkeypatch.setattr(backend, "is_loaded", lambda: True)
    assert live_frame.live_run(run, saved).is_newer(first["version"])
    second = frame(run, after=first["version"])
    assert second["pictures"].any()
    assert len(second["probabilities"]) == live_frame.SAMPLES
    assert not live_frame.live_run(run, saved).is_newer(second["version"])


def test_same_network_of_two_visitors_is_computed_once() -> None:
    dataset = blobs()
    first = live_frame.untrained(small(), dataset)
    assert live_frame.untrained(small(), dataset) is first
    assert live_frame.untrained(small(learning_rate=0.5, batch_size=7), dataset) is first
    assert live_frame.untrained(small(seed=1), dataset) is not first
    assert live_frame.untrained(small(), dataclasses.replace(dataset)) is not first


def test_few_untrained_networks_are_remembered() -> None:
    dataset = dataclasses.replace(blobs())  # No other test has it.
    first, *others = (weakref.ref(live_frame.untrained(small(seed=seed), dataset)) for seed in range(65))
    gc.collect()
    assert first() is None
    assert all(other() for other in others)
    data = weakref.ref(dataset)
    del dataset
    splits._split.cache_clear()  # They keep the last data sets.
    splits._without_test.cache_clear()
    gc.collect()
    assert data() is None
    assert not any(other() for other in others)


def test_page_before_the_first_run_shows_the_network_in_the_editor(app: AppTest) -> None:
    before = panel_frame(app)
    assert len(before["probabilities"]) == live_frame.SAMPLES
    next(number for number in app.number_input if number.label == "Seed").set_value(7).run()
    assert panel_frame(app)["probabilities"].tolist() != before["probabilities"].tolist()
    assert [metric.value for metric in app.metric] == ["–", "–"]


# The previous run


def test_curve_of_the_previous_run_is_behind_the_new_one(app: AppTest) -> None:
    first = train_briefly(app)
    next(number for number in app.number_input if number.label == "Seed").set_value(7).run()
    press(app, "Train")
    wait_for_end(app)
    sent = panel_scene(app)
    assert first.snapshot.started is not None
    steps = first.snapshot.started.steps_per_epoch
    expected = [(point.epoch - 1 + point.step / steps, point.accuracy, point.loss) for point in first.snapshot.points]
    np.testing.assert_allclose(unpacked(sent)["previous"], expected, atol=1e-3)


def test_first_run_has_no_previous_one(app: AppTest) -> None:
    run = train_briefly(app)
    sent = panel_scene(app)
    assert unpacked(sent)["previous"] == []
    assert sent == live_frame.live_run(run, saved).curves(run)


def test_page_that_was_drawn_before_the_end_is_outdated(by_hand: Scheduler) -> None:
    run = begun(by_hand)
    live = live_frame.live_run(run, saved)
    drawn = live.page(run)
    assert unpacked(live.curves(run, drawn))["page"] == frame(run)["page"]
    by_hand.stop(run)
    take_turns(by_hand, run)  # While the page's script draws.
    assert unpacked(live.curves(run, drawn))["page"] != frame(run)["page"]


def test_run_that_ends_while_its_frame_is_made_is_asked_for_again(
    by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(by_hand)
    live, places = live_frame.live_run(run, saved), live_frame._places
    drawn = live.page(run)

    def end_meanwhile(group: Any) -> Any:
        by_hand.stop(run)
        take_turns(by_hand, run)
        return places(group)

    monkeypatch.setattr(live_frame, "_places", end_meanwhile)
    found = frame(run)
    assert run.snapshot.status is Status.STOPPED
    assert found["isActive"] or found["page"] != drawn  # Otherwise the page keeps its Pause button for ever.


def test_previous_run_whose_loss_is_no_number(by_hand: Scheduler) -> None:
    run, broken = ended(by_hand), ended(by_hand, seed=1)
    point = dataclasses.replace(broken.snapshot.points[0], loss=np.nan)
    broken._snapshot = dataclasses.replace(broken.snapshot, points=(point,))
    found = unpacked(live_frame.live_run(run, saved).curves(run, previous=broken))["previous"]
    assert [row[2] for row in found] == [None]


# For those who cannot see it


def test_what_a_screen_reader_says_during_a_run(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=2), blobs())
    said = [frame(run)["spoken"]]
    while run.snapshot.status.is_active:
        take_turns(by_hand, run)
        if frame(run)["spoken"] != said[-1]:
            said.append(frame(run)["spoken"])
    shot = run.snapshot
    assert shot.evaluation is not None
    first = f"Epoch 1 of 2: {shot.epochs[0].accuracy:.0%} of the training images right."
    last = f"The run has ended. It reads {shot.evaluation.accuracy:.1%} of the test images right."
    assert said[0] == "Training has started."
    assert said[-1] == last
    assert set(said[1:-1]) <= {first, first.replace("Epoch 1", "Epoch 2")}


def test_curves_are_described_in_words(by_hand: Scheduler) -> None:
    described = frame(ended(by_hand, epochs=3))["descriptions"]
    assert described["accuracy"].startswith("Accuracy on training images ")
    assert "3 epochs" in described["loss"]
