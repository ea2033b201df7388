"""Classical models train in turns beside networks: results, progress and end."""

from __future__ import annotations

import dataclasses
import gc
import logging
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from mnist_core.config import RunConfig
from mnist_core.data import splits
from mnist_core.errors import CapacityError, ConfigError, DataError
from mnist_core.runs import classical_run, job
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.job import Job
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, capacity, classical
from tests.samples import blobs, small
from tests.scheduled_runs import ENDED, assert_same_as_alone, run_to_end, take_turns, wait_for_status
from tests.sklearn_models import TEST_PIXELS, TRAIN_PIXELS, sklearn_model


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "_IMAGES_A_PIECE", 70)
    monkeypatch.setattr(classical, "_NEIGHBOURS_A_PIECE", 40)


@pytest.fixture
def one_piece_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "TURN_SECONDS", -1.0)


def right(kind: str) -> list[bool]:
    """Which test images scikit-learn gets right when it is trained in one go."""
    model = sklearn_model(kind, seed=0).fit(TRAIN_PIXELS, blobs().train_labels)
    return list(model.predict_proba(TEST_PIXELS).argmax(axis=1) == blobs().test_labels)


def status(run: Job) -> Status:
    return run.snapshot.status


def is_stopping(run: Job) -> bool:
    return run.is_stopping


# To the end


@pytest.mark.parametrize("kind", classical.KINDS)
def test_same_answers_as_scikit_learn(kind: str, scheduler: Scheduler) -> None:
    run = scheduler.submit_classical(kind, blobs())
    assert (run.title, run.number, run.snapshot.counted) == (classical.KINDS[kind], 0, classical.COUNTED[kind])
    wait_for_status(run, *ENDED)
    shot = run.snapshot
    assert (shot.status, shot.message, shot.fraction, run.fraction) == (Status.FINISHED, "", 1.0, 1.0)
    assert shot.evaluation is not None
    assert list(shot.evaluation.predicted == blobs().test_labels) == right(kind)
    assert shot.points[-1].accuracy == shot.evaluation.accuracy
    assert shot.points[-1].done == shot.whole


def test_all_kinds_run_beside_a_network(scheduler: Scheduler) -> None:
    network = scheduler.submit(small(), blobs())
    models = [scheduler.submit_classical(kind, blobs()) for kind in classical.KINDS]
    for run in (network, *models):
        wait_for_status(run, *ENDED)
    assert_same_as_alone(network)
    for model in models:
        assert model.snapshot.status is Status.FINISHED
    assert scheduler.active_runs == 0


def test_other_split(by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("neighbours", blobs(), "kite")
    run_to_end(by_hand, run)
    split = splits.split(blobs(), "kite")
    assert run.split is split
    model = KNeighborsClassifier(5).fit(TRAIN_PIXELS[split.train_indices], blobs().train_labels[split.train_indices])
    answers = model.predict(split.test_images.reshape(len(split.test_images), -1) / np.float32(255))
    assert run.snapshot.evaluation is not None
    assert run.snapshot.evaluation.accuracy == sklearn.metrics.accuracy_score(split.test_labels, answers)


def test_only_the_evaluation_stays(by_hand: Scheduler) -> None:
    dataset = dataclasses.replace(blobs())
    run = by_hand.submit_classical("neighbours", dataset)
    take_turns(by_hand, run)
    pixels = weakref.ref(classical.pixels(dataset))
    run_to_end(by_hand, run)
    gc.collect()
    assert pixels() is None
    assert run.snapshot.evaluation is not None


# What a page shows


@pytest.mark.usefixtures("one_piece_a_turn")
def test_neighbours_show_the_accuracy_on_the_images_read_so_far(by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("neighbours", blobs())
    assert (run.snapshot.status, run.snapshot.whole, run.seconds_left) == (Status.WAITING, 0, None)
    take_turns(by_hand, run)
    assert (run.snapshot.status, run.snapshot.whole) == (Status.WAITING, 90)
    assert not run.wait_until_begun(0.0)
    take_turns(by_hand, run, 2)
    assert run.wait_until_begun(0.0)
    assert run.snapshot.status is Status.RUNNING
    assert run.fraction == pytest.approx(80 / 90)
    take_turns(by_hand, run)
    expected = right("neighbours")
    assert [point.done for point in run.snapshot.points] == [40, 80, 90]
    for point in run.snapshot.points:
        assert point.accuracy == pytest.approx(sum(expected[: point.done]) / point.done)


@pytest.mark.usefixtures("one_piece_a_turn")
def test_time_of_turns_and_time_in_all(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0

    def pieces(*_: Any) -> Iterator[classical.Piece]:
        nonlocal now
        for done in range(5):
            now += 2.0
            yield classical.Piece(done, 4, np.full((90 * bool(done), 10), 0.1, np.float32))

    monkeypatch.setattr(classical, "learn", pieces)
    monkeypatch.setattr(classical_run, "time", SimpleNamespace(monotonic=lambda: now))
    run = by_hand.submit_classical("bayes", blobs())
    shown = []
    for _ in range(5):
        now += 100.0  # Others have their turn.
        take_turns(by_hand, run)
        shown.append((run.snapshot.work_seconds, run.snapshot.seconds, run.seconds_left))
    assert shown == [(0, 0, None), (2, 102, 306), (4, 204, 204), (6, 306, pytest.approx(102)), (8, 408, 0)]


@pytest.mark.usefixtures("one_piece_a_turn")
def test_turn_does_as_many_pieces_as_fit_and_at_least_one(by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("forest", blobs())
    take_turns(by_hand, run, 4)
    assert [point.done for point in run.snapshot.points] == [1, 2, 3]
    run.take_turn(1000.0)
    assert run.snapshot.status is Status.FINISHED


# Stopping


@pytest.mark.usefixtures("one_piece_a_turn")
def test_stopped_forest_is_evaluated_with_its_trees_so_far(by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("forest", blobs())
    take_turns(by_hand, run, 8)
    by_hand.stop(run)
    assert run.is_stopping
    take_turns(by_hand, run)
    shot = run.snapshot
    assert (shot.status, shot.message) == (Status.STOPPED, "Stopped after 7 of 100 trees.")
    model = RandomForestClassifier(7, random_state=0).fit(TRAIN_PIXELS, blobs().train_labels)
    assert shot.evaluation is not None
    np.testing.assert_allclose(shot.evaluation.probabilities, model.predict_proba(TEST_PIXELS), atol=1e-6)


@pytest.mark.usefixtures("one_piece_a_turn")
def test_stopped_neighbours_are_not_evaluated(by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("neighbours", blobs())
    take_turns(by_hand, run, 2)
    by_hand.stop(run)
    take_turns(by_hand, run)
    shot = run.snapshot
    assert (shot.status, shot.evaluation) == (Status.STOPPED, None)
    assert shot.message.startswith("Stopped after 40 of 90 test images. Its accuracy")


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.usefixtures("one_piece_a_turn")
def test_stopped_before_the_first_point(turns: int, by_hand: Scheduler) -> None:
    run = by_hand.submit_classical("logistic", blobs())
    take_turns(by_hand, run, turns)
    by_hand.stop(run)
    take_turns(by_hand, run)
    shot = run.snapshot
    assert (shot.status, shot.evaluation) == (Status.STOPPED, None)
    assert shot.message == "Stopped before it learned anything."
    assert run.wait_until_begun(0.0)


# Watching


@pytest.mark.usefixtures("one_piece_a_turn")
def test_run_continues_while_anybody_watches(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", "30")
    now = 1000.0
    monkeypatch.setattr(job, "time", SimpleNamespace(monotonic=lambda: now))
    here = {"first": True, "second": True}
    run = by_hand.submit_classical("forest", blobs(), is_watched=lambda: here["first"])
    run.watch(lambda: here["second"])
    here["first"] = False
    for _ in range(3):
        take_turns(by_hand, run)
        now += 100.0
    assert status(run) is Status.RUNNING
    here["second"] = False
    take_turns(by_hand, run)
    assert status(run) is Status.STOPPED
    assert run.snapshot.message == ("Stopped: nobody watched it for 30 seconds. Stopped after 2 of 100 trees.")


@pytest.mark.usefixtures("one_piece_a_turn")
def test_run_stops_when_the_last_watcher_leaves(by_hand: Scheduler) -> None:
    watchers = [lambda: True, lambda: True, lambda: False]
    run = by_hand.submit_classical("forest", blobs(), is_watched=watchers[0])
    for watcher in (*watchers[1:], watchers[1]):
        run.watch(watcher)
    by_hand.leave(run, lambda: True)  # Who never watched.
    by_hand.leave(run, watchers[0])
    assert not is_stopping(run)
    by_hand.leave(run, watchers[1])  # The one that is left is not there.
    assert is_stopping(run)
    take_turns(by_hand, run)
    assert status(run) is Status.STOPPED


def test_leaving_a_network_that_others_watch_changes_nothing(by_hand: Scheduler) -> None:
    def first() -> bool:
        return True

    run = by_hand.submit(small(), blobs(), is_watched=first)
    run.watch()
    by_hand.leave(run, first)
    run_to_end(by_hand, run)
    assert_same_as_alone(run)


# Failing, and what fits


@pytest.mark.parametrize(
    ("error", "words"),
    [(DataError("No images.", "Get some."), "Get some."), (MemoryError(), "out of memory"), (KeyError("x"), "log")],
)
def test_failure_is_shown_and_other_runs_continue(
    error: Exception,
    words: str,
    scheduler: Scheduler,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = classical.learn

    def learn(kind: str, *how: Any) -> Iterator[classical.Piece]:
        pieces = real(kind, *how)
        yield next(pieces)
        yield next(pieces)
        if kind == "bayes":
            raise error
        yield from pieces

    monkeypatch.setattr(classical, "learn", learn)
    with caplog.at_level(logging.ERROR):
        broken = [scheduler.submit_classical("bayes", blobs()) for _ in range(4)]
        for run in broken:
            wait_for_status(run, *ENDED)
            assert (run.snapshot.status, run.snapshot.evaluation) == (Status.FAILED, None)
            assert words in run.snapshot.message
    assert len(caplog.records) == (0 if isinstance(error, DataError) else 4)
    healthy = scheduler.submit_classical("neighbours", blobs())
    wait_for_status(healthy, *ENDED)
    assert healthy.snapshot.status is Status.FINISHED


@pytest.mark.parametrize("kind", classical.KINDS)
def test_convergence_warnings_are_not_logged(kind: str, scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    run = scheduler.submit_classical(kind, blobs())
    wait_for_status(run, *ENDED)
    assert not caplog.records


@pytest.mark.parametrize(("kind", "split"), [("svm", "official"), ("forest", "half")])
def test_unknown_kind_or_split_is_refused(kind: str, split: str, by_hand: Scheduler) -> None:
    with pytest.raises(ConfigError):
        by_hand.submit_classical(kind, blobs(), split)
    assert by_hand.active_runs == 0


def test_classical_runs_count_as_active(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_ACTIVE_RUNS", 2)
    held = [by_hand.submit(small(), blobs()), by_hand.submit_classical("bayes", blobs())]
    with pytest.raises(CapacityError, match="already has 2 runs in training"):
        by_hand.submit_classical("forest", blobs())
    with pytest.raises(CapacityError, match="already has 2 runs in training"):
        by_hand.submit(small(), blobs())
    assert by_hand.active_runs == len(held)


def test_shared_pixels_are_counted_once(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = (300 + 90) * 784 * 4
    dataset = dataclasses.replace(blobs())
    runs = [by_hand.submit_classical(kind, dataset) for kind in classical.KINDS]
    first, *others = (run.promised_bytes for run in runs)
    assert set(others) == {first - pixels}
    monkeypatch.setattr(capacity, "free_bytes", lambda: 128 * 2**20 + 4 * others[0] + pixels)
    with pytest.raises(CapacityError, match="needs about") as caught:
        by_hand.submit_classical("bayes", dataset)
    assert "other runs have ended" in caught.value.remedy


def test_seconds_of_an_epoch_without_other_runs(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    assert run.snapshot.seconds_an_epoch is None
    run_to_end(by_hand, run)
    paces = sorted(point.samples_per_second for point in run.snapshot.points)
    assert len(paces) == 20  # A tenth of them, the two quickest, are as fast as the one that is taken or faster.
    assert run.snapshot.seconds_an_epoch == pytest.approx(300 / paces[18])


def test_split_of_a_network(by_hand: Scheduler) -> None:
    config: RunConfig = small(split="kite", validation_fraction=0.25)
    run = by_hand.submit(config, blobs())
    assert run.split is splits.split(blobs(), "kite", 0.25)
    assert isinstance(by_hand.submit_classical("bayes", blobs()), ClassicalRun)
