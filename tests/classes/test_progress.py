"""How seats get on with a network to train."""

from __future__ import annotations

import dataclasses
import math

import pytest

from mnist_core.classes import Train, progress
from mnist_core.classes.progress import Stage
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.store.class_records import OPEN, SHUT, Board, Class, Seat
from mnist_core.store.handed_in import TrainedRun
from mnist_core.training import Status

TASK = Train("n1", "layers=none&validation_fraction=0.1", accuracy=0.9, parameters=10_000)
NOW = Class("a" * 32, "ABC234", "", "[]", 0, "n1", OPEN, 1, True, False, 1, 0.0, 1_000.0, None)
SMALL, LARGE = RunConfig(layers=()), RunConfig(layers=(LayerConfig(units=32),))
# Counted by hand: 784 x 10 + 10, and 784 x 32 + 32 + 32 x 10 + 10.
PARAMETERS = {SMALL: 7_850, LARGE: 25_450}


def run(
    accuracy: float | None = 0.85,
    config: RunConfig = SMALL,
    status: Status = Status.FINISHED,
    created: float = 1_010.0,
    name: str = "run",
) -> TrainedRun:
    return TrainedRun(name, created, config.to_json(), status.value, 3, 0.99, accuracy)


def board(*runs: tuple[TrainedRun, ...]) -> Board:
    """A class in which seat 1 has handed in the first of `runs`, seat 2 the second, and so on."""
    seats = tuple(Seat(number, f"otter {number}", False, 0.0, None, False) for number in range(1, len(runs) + 1))
    return Board(NOW, seats, {}, runs={number: given for number, given in enumerate(runs, 1) if given})


def progress_of(*runs: tuple[TrainedRun, ...], now: float = 1_020.0) -> list[progress.Progress]:
    return list(progress.progress_of(TASK, board(*runs), now).values())


def test_stages() -> None:
    not_saved = TrainedRun("run", 1_010.0, "", "", 0, None, None)
    found = progress_of((), (not_saved,), (run(status=Status.RUNNING),), (run(), run(status=Status.WAITING)), (run(),))
    assert [one.stage for one in found] == [Stage.NOT_BEGUN, *[Stage.TRAINING] * 3, Stage.DONE]
    assert [one.runs for one in found] == [0, 1, 1, 2, 1]
    assert [one.has_trained for one in found] == [False, False, False, True, True]


def test_run_that_was_never_saved_is_left_out_after_a_minute() -> None:
    lost = TrainedRun("run", 1_010.0, "", "", 0, None, None)
    assert [one.stage for one in progress_of((lost,), now=1_069.0)] == [Stage.TRAINING]
    assert [one.stage for one in progress_of((lost,), now=1_070.0)] == [Stage.NOT_BEGUN]


@pytest.mark.parametrize(
    ("firsts", "now", "late"),
    [
        ({}, 2_000.0, set()),  # Nobody has handed in anything: the task may be hard.
        ({1: 1_010.0, 2: 1_020.0}, 1_060.0, set()),  # A minute is for everybody.
        ({1: 1_010.0, 2: 1_020.0}, 1_061.0, {3}),
        ({1: 1_040.0, 2: 1_060.0}, 1_100.0, set()),  # Half took 50 s, so twice as long.
        ({1: 1_040.0, 2: 1_060.0}, 1_101.0, {3}),
        ({1: 1_010.0, 2: 1_020.0, 3: 1_200.0}, 1_300.0, set()),
    ],
)
def test_who_has_handed_in_nothing_long_after_the_others(firsts: dict[int, float], now: float, late: set[int]) -> None:
    there = dataclasses.replace(board((), (), ()), firsts=firsts)
    assert progress.late_seats(there, now) == late
    shut = dataclasses.replace(there, now=dataclasses.replace(NOW, phase=SHUT))
    assert progress.late_seats(shut, now) == set()


def test_run_whose_server_is_gone_does_not_train() -> None:
    lost = dataclasses.replace(run(0.8, status=Status.RUNNING), is_interrupted=True)
    found = progress_of((lost,), (run(), lost), (lost, run(status=Status.RUNNING)))
    assert [one.stage for one in found] == [Stage.NOT_BEGUN, Stage.DONE, Stage.TRAINING]
    assert [one.runs for one in found] == [0, 1, 1]
    assert [one.best for one in found] == [0.8, 0.85, 0.85]


def test_best_of_several_networks() -> None:
    [one] = progress_of((run(0.7), run(0.8), run(0.75)))
    assert one.best == 0.8


@pytest.mark.parametrize(
    ("accuracy", "config", "status", "has_reached"),
    [
        (0.9, SMALL, Status.FINISHED, True),
        (0.95, SMALL, Status.STOPPED, True),
        (0.899, SMALL, Status.FINISHED, False),
        (0.95, LARGE, Status.FINISHED, False),
        (0.95, SMALL, Status.RUNNING, False),
    ],
)
def test_goal(accuracy: float, config: RunConfig, status: Status, has_reached: bool) -> None:
    [one] = progress_of((run(accuracy, config, status),))
    assert one.has_reached is has_reached


def test_goal_of_one_kind_and_none() -> None:
    [best] = progress.networks_of(board((run(0.95, LARGE),)))
    assert progress.reaches(dataclasses.replace(TASK, parameters=None), best)
    assert not progress.reaches(dataclasses.replace(TASK, accuracy=None), best)
    assert not progress.reaches(dataclasses.replace(TASK, accuracy=None, parameters=None), best)


def test_nobody_is_stuck_in_the_first_minute() -> None:
    early = (run(created=1_001.0),)
    assert progress_of(early, (), now=1_060.0)[1].stage is Stage.NOT_BEGUN
    late = progress_of(early, (), now=1_061.0)[1]
    assert (late.stage, late.trouble) == (Stage.STUCK, "no network yet")


def test_slow_class_has_twice_its_median_time() -> None:
    given = [(run(created=1_000.0 + seconds),) for seconds in (20, 100, 300)]
    assert progress_of(*given, (), now=1_200.0)[3].stage is Stage.NOT_BEGUN
    assert progress_of(*given, (), now=1_201.0)[3].stage is Stage.STUCK


def test_nobody_is_stuck_before_anybody_has_begun() -> None:
    assert {one.stage for one in progress_of((), (), now=9_999.0)} == {Stage.NOT_BEGUN}


@pytest.mark.parametrize(
    "bad", [run(0.1), run(0.5, status=Status.FAILED), run(math.nan), run(None, status=Status.STOPPED)]
)
def test_two_bad_networks_in_a_row(bad: TrainedRun) -> None:
    assert progress_of((run(), bad, bad))[0].stage is Stage.STUCK
    assert progress_of((bad, run(), bad))[0].stage is Stage.DONE
    assert progress_of((bad,))[0].stage is Stage.DONE
    # The second one is still under way.
    assert progress_of((bad, run(0.1, status=Status.RUNNING)))[0].stage is Stage.TRAINING


def test_five_networks_without_a_change() -> None:
    assert progress_of((run(),) * 4)[0].stage is Stage.DONE
    [stuck] = progress_of((run(),) * 5)
    assert (stuck.stage, stuck.trouble) == (Stage.STUCK, "trains the same network again and again")
    assert progress_of((*(run(),) * 4, run(config=LARGE)))[0].stage is Stage.DONE
    # With the goal reached, they may try their luck.
    assert progress_of((run(0.95),) * 5)[0].stage is Stage.DONE


def test_networks_of_the_picture() -> None:
    damaged = dataclasses.replace(run(), config="{")
    seen = board((run(0.7), run(None)), (run(0.8, LARGE, Status.RUNNING), run(math.nan), damaged))
    found = progress.networks_of(seen)
    assert [(one.seat, one.accuracy, one.parameters, one.is_active) for one in found] == [
        (1, 0.7, PARAMETERS[SMALL], False),
        (2, 0.8, PARAMETERS[LARGE], True),
    ]


def test_spread_of_seeds() -> None:
    seeds = [dataclasses.replace(SMALL, seed=seed) for seed in (1, 2, 3, 3)]
    runs = [(run(accuracy, config),) for accuracy, config in zip((0.8, 0.9, 0.7, 0.85), seeds, strict=True)]
    # The second network with seed 3 counts; one that still trains, and one of its kind, do not.
    others = (run(0.1, seeds[0], Status.RUNNING), run(0.5, LARGE))
    found = progress.spread_of_seeds(progress.networks_of(board(*runs, others)))
    assert found == [(PARAMETERS[SMALL], 0.8, 0.9)]


def test_best_seats() -> None:
    seen = board((run(0.7), run(0.9)), (run(0.9, LARGE),), (run(0.99, status=Status.RUNNING), run(0.8)), ())
    best = progress.best_seats(progress.networks_of(seen), 2)
    assert [(one.seat, one.accuracy) for one in best] == [(1, 0.9), (2, 0.9)]


def test_networks_with_other_validation_images_are_not_compared() -> None:
    fashion = dataclasses.replace(LARGE, dataset="fashion")
    more = dataclasses.replace(SMALL, validation_fraction=0.4)
    seen = board((run(0.7), run(0.9, fashion)), (run(0.6, LARGE), run(0.5, more)), (run(0.8),))
    found = progress.comparable(progress.networks_of(seen))
    assert [(one.seat, one.accuracy) for one in found] == [(1, 0.7), (2, 0.6), (3, 0.8)]
    assert progress.comparable([]) == []
