"""Ended runs as they were earlier, compared with points counted by hand."""

from __future__ import annotations

import pytest

from mnist_core.runs import replay, scheduler
from mnist_core.runs.network_run import Run
from tests.samples import blobs, small
from tests.scheduled_runs import run_to_end


@pytest.fixture
def two(by_hand: scheduler.Scheduler) -> dict[str, Run]:
    """Runs of two and of four epochs, at their end."""
    runs = {str(epochs): by_hand.submit(small(epochs=epochs, validation_fraction=0.25), blobs()) for epochs in (2, 4)}
    for run in runs.values():
        run_to_end(by_hand, run)
    return runs


def places(shown: replay.Replayed) -> list[float]:
    started = shown.snapshot.started
    assert started is not None
    return [point.epoch - 1 + point.step / started.steps_per_epoch for point in shown.snapshot.points]


def test_run_as_it_was_after_an_epoch(two: dict[str, Run]) -> None:
    whole, early = replay.after(two["4"], 4), replay.after(two["4"], 2.5)
    assert whole.snapshot is two["4"].snapshot
    assert places(early) == [place for place in places(whole) if place <= 2.5]
    assert [one.epoch for one in early.snapshot.epochs] == [1, 2]
    assert early.snapshot.evaluation is None
    assert early.snapshot.network is None
    assert replay.after(two["4"], 0).snapshot.points == ()


def test_parallel_runs_grow_by_the_same_epochs(two: dict[str, Run]) -> None:
    half = replay.frame(two, 0.5)
    assert half["2"].snapshot is two["2"].snapshot
    assert max(places(half["4"])) == 2
    assert all(shown.snapshot is two[name].snapshot for name, shown in replay.frame(two, 1).items())


def test_sequential_runs_grow_one_after_the_other(two: dict[str, Run]) -> None:
    assert list(replay.frame(two, 0.25, in_turn=True)) == ["2"]
    assert max(places(replay.frame(two, 0.25, in_turn=True)["2"])) <= 1
    later = replay.frame(two, 0.75, in_turn=True)
    assert later["2"].snapshot is two["2"].snapshot
    assert [one.epoch for one in later["4"].snapshot.epochs] == [1, 2]


def test_replay_without_runs_is_empty() -> None:
    assert replay.frame({}, 0.5) == {}
