"""Another image than the twelve inside the network, held against the whole test set and stock Keras."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from benchmarks.frames import unpacked
from mnist_core.network import to_keras
from mnist_core.network.layers import initial_weights
from mnist_core.runs.network_run import Run
from mnist_core.runs.scheduler import Scheduler
from pages.widgets.common import live_frame
from tests.samples import blobs, small
from tests.scheduled_runs import run_to_end

BRIEF = small(learning_rate=0.01)
DRAWING = np.random.default_rng(3).integers(0, 256, (28, 28), np.uint8)


@pytest.fixture(scope="module")
def ended() -> Run:
    scheduler = Scheduler(workers=0)  # Nothing trains beside it.
    run = scheduler.submit(BRIEF, blobs())
    run.tell(lambda _: None)  # A run that nobody saves keeps no moments.
    run_to_end(scheduler, run)
    return run


def of(data: bytes | None) -> dict[str, Any]:
    assert data is not None
    return unpacked(data)


def live(run: Run) -> live_frame.LiveRun:
    return live_frame.live_run(run, lambda: "")


def in_keras(run: Run, image: Any) -> Any:
    assert run.snapshot.network is not None
    model = to_keras(run.config)
    model.set_weights(list(run.snapshot.network.weights))
    return model.predict(image[np.newaxis] / np.float32(255), verbose=0)


def test_test_image_by_its_index(ended: Run) -> None:
    found = of(live(ended).image(41))
    assert (found["index"], found["label"]) == (41, blobs().test_labels[41])
    np.testing.assert_array_equal(found["image"], blobs().test_images[41:42])
    np.testing.assert_allclose(found["probabilities"], in_keras(ended, blobs().test_images[41]), rtol=1e-3, atol=1e-5)
    assert found["activations0"].shape == (1, 16)
    assert "stuck" not in found


def test_one_of_the_twelve_is_the_same_as_in_a_frame(ended: Run) -> None:
    whole, alone = of(live(ended).frame()), of(live(ended).image(5))
    np.testing.assert_allclose(alone["probabilities"][0], whole["probabilities"][5], rtol=1e-4)
    assert {name for name in alone if name.startswith(("activations", "links"))} <= set(whole)


def test_drawing(ended: Run) -> None:
    found = of(live(ended).image(DRAWING.tobytes()))
    assert (found["index"], found["label"]) == (-1, -1)
    np.testing.assert_array_equal(found["image"][0], DRAWING)
    np.testing.assert_allclose(found["probabilities"], in_keras(ended, DRAWING), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("which", [90, 10**9, b"", bytes(783), bytes(785)])
def test_image_that_does_not_exist(ended: Run, which: int | bytes) -> None:
    assert live(ended).image(which) is None


def test_mistakes_come_in_order_and_begin_again(ended: Run) -> None:
    assert ended.snapshot.network is not None
    answers = ended.snapshot.network.predict(blobs().test_images.astype(np.float32) / 255).argmax(axis=1)
    wrong = np.flatnonzero(answers != blobs().test_labels).tolist()
    assert 3 < len(wrong) < 87
    after, found = 89, []
    for _ in wrong:
        after = of(live(ended).mistake(after))["index"]
        found.append(after)
    assert found == wrong
    assert of(live(ended).mistake(after))["index"] == wrong[0]


def test_mistakes_are_found_beyond_the_first_block(ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [of(live(ended).mistake(after))["index"] for after in range(89)]
    monkeypatch.setattr(live_frame, "_BLOCK", 2)
    assert [of(live(ended).mistake(after))["index"] for after in range(89)] == expected


def test_no_mistake_left() -> None:
    scheduler = Scheduler(workers=0)
    easy = dataclasses.replace(blobs(), test_images=blobs().train_images[:40], test_labels=blobs().train_labels[:40])
    run = scheduler.submit(small(epochs=60), easy)
    run_to_end(scheduler, run)
    assert run.snapshot.evaluation is not None
    assert run.snapshot.evaluation.accuracy == 1.0
    found = of(live(run).mistake(3))
    assert found["index"] == -1
    assert "image" not in found


def test_image_at_a_kept_moment(ended: Run) -> None:
    place = ended.past_moments[0]
    then, at_the_end = of(live(ended).image(41, place)), of(live(ended).image(41))
    assert not np.allclose(then["probabilities"], at_the_end["probabilities"])
    model = to_keras(ended.config)
    model.set_weights(list(ended.moments.weights(place) or ()))
    expected = model.predict(blobs().test_images[41:42] / np.float32(255), verbose=0)
    np.testing.assert_allclose(then["probabilities"], expected, rtol=1e-3, atol=1e-5)
    assert of(live(ended).mistake(0, place))["index"] >= 0
    assert live(ended).image(41, (99, 0)) is None
    assert live(ended).mistake(0, (99, 0)) is None


def test_network_before_its_training() -> None:
    source = live_frame.untrained(BRIEF, blobs())
    found = of(source.image(41))
    model = to_keras(BRIEF)
    model.set_weights(list(initial_weights(BRIEF)))
    expected = model.predict(blobs().test_images[41:42] / np.float32(255), verbose=0)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-3, atol=1e-5)
    assert of(source.mistake(0))["index"] >= 1
    assert of(source.image(DRAWING.tobytes()))["label"] == -1


def test_changes_of_the_weights_between_two_pictures() -> None:
    """Two frames of a run that is driven by hand; the whole first kernel is small enough to compare with."""
    scheduler = Scheduler(workers=0)
    run = scheduler.submit(small(epochs=3, layers=()), blobs())
    shown, batches = [], []
    while run.snapshot.status.is_active:
        run.take_turn(0.0, 0.0)
        live(run)._pictures_at = -np.inf
        found = of(live(run).frame())
        if run.snapshot.points and run.snapshot.position is not None:
            point = run.snapshot.points[-1]
            shown.append(run.snapshot.position.weights[0].copy())
            batches.append((point.epoch - 1) * 10 + point.step)
            if len(shown) > 1 and "changes" in found and batches[-1] > batches[-2]:
                expected = np.linalg.norm(shown[-1] - shown[-2]) / np.linalg.norm(shown[-2])
                assert found["batches"] == batches[-1] - batches[-2]
                assert found["changes"] == pytest.approx([expected], rel=0.1)
    assert len(shown) > 3
