"""How the seats of a class get on with a task, from what they have handed in."""

from __future__ import annotations

import enum
import functools
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core import network
from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.evaluation import seeds
from mnist_core.language import Message
from mnist_core.store.class_records import OPEN
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_core.classes.plan import Train
    from mnist_core.store.class_records import Board
    from mnist_core.store.handed_in import TrainedRun, Work

LEAST_SECONDS = 60.0
"""Nobody is stuck before this time, or before twice the time in which half of the others have handed in something."""
UNSAVED_SECONDS = 60.0
"""A run that is not saved after this time is not counted."""
SAME_RUNS = 5
"""So many runs without a change of settings: somebody waits for luck."""
_GUESSING, _BAD_RUNS = 0.2, 2  # Ten digits are guessed right in 10 % of all cases.


class Stage(enum.IntEnum):
    """What a seat does, in the order in which it may need help."""

    STUCK = 0
    NOT_BEGUN = 1
    TRAINING = 2
    DONE = 3


@dataclass(frozen=True)
class Network:
    """A run of a seat, as a point of the picture of all networks.

    Attributes:
        seat: the number of the seat.
        run: the run's id.
        config: its settings.
        parameters: how many it learns.
        accuracy: on the images held back for validation, 0 to 1, after its last epoch so far.
        is_active: whether it has not ended: it trains, or was interrupted.
    """

    seat: int
    run: str
    config: RunConfig
    parameters: int
    accuracy: float
    is_active: bool


@dataclass(frozen=True)
class Progress:
    """How a seat gets on.

    Attributes:
        stage: what it does.
        runs: how many runs it has handed in.
        best: the highest validation accuracy of its networks, 0 to 1; None before the first epoch.
        has_trained: whether one of its runs has ended.
        has_reached: whether one of its networks that have ended reaches the goal.
        trouble: why it may be stuck; empty if it is not.
    """

    stage: Stage
    runs: int
    best: float | None
    has_trained: bool
    has_reached: bool
    trouble: str = ""


def networks_of(board: Board) -> list[Network]:
    """All networks of a class that have finished an epoch, by seat, the oldest of each first."""
    return networks_by(board.runs)


def networks_by(runs: Mapping[int, Sequence[TrainedRun]]) -> list[Network]:
    """The networks among the runs of seats that have finished an epoch, in the same order."""
    found = (_network(seat, run) for seat, given in runs.items() for run in given)
    return [one for one in found if one is not None]


def comparable(networks: Sequence[Network]) -> list[Network]:
    """Networks with the same validation images, in the same order; of several such groups the largest."""
    groups: dict[tuple[str, str, float], list[Network]] = {}
    for one in networks:
        images = one.config.dataset, one.config.split, one.config.validation_fraction
        groups.setdefault(images, []).append(one)
    return max(groups.values(), key=len, default=[])


def networks_in(work: Work) -> list[Network]:
    """The networks in what a seat has handed in for a task, the oldest first."""
    return networks_by({work.seat: work.runs})


def progress_of(task: Train, board: Board, now: float) -> dict[int, Progress]:
    """How each seat gets on, by its number.

    Args:
        task: what the class trains.
        board: what was handed in.
        now: in seconds since 1970.
    """
    by_seat: dict[int, list[Network]] = {}
    for one in networks_of(board):
        by_seat.setdefault(one.seat, []).append(one)
    runs = {seat: [one for one in given if _counts(one, now)] for seat, given in board.runs.items()}
    is_late = _is_late(board, [given[0].created for given in runs.values() if given], now)
    return {
        seat.number: _progress(task, runs.get(seat.number, ()), by_seat.get(seat.number, ()), is_late)
        for seat in board.seats
    }


def late_seats(board: Board, now: float) -> frozenset[int]:
    """The seats that have handed in nothing for an open task, long after others have; at the time `now`."""
    if board.now.phase != OPEN or not _is_late(board, list(board.firsts.values()), now):
        return frozenset()
    return frozenset(seat.number for seat in board.seats if seat.number not in board.firsts)


def _is_late(board: Board, firsts: Sequence[float], now: float) -> bool:
    """Whether those who have handed in nothing until now may be stuck, if the others first did at these times."""
    if not firsts:
        return False
    # The last move has opened the task, unless the teacher has switched something since.
    opened = min([board.now.moved, *firsts])
    return now - opened > max(LEAST_SECONDS, 2 * (statistics.median(firsts) - opened))


def _counts(run: TrainedRun, now: float) -> bool:
    """Whether a run goes on, or has ended; one that was removed, or could not be saved, has no status."""
    return not run.is_interrupted and (bool(run.status) or now - run.created < UNSAVED_SECONDS)


def reaches(task: Train, one: Network) -> bool:
    """Whether a network that has ended reaches the goal of a task; without a goal none does."""
    if one.is_active or (task.accuracy is None and task.parameters is None):
        return False
    return one.accuracy >= (task.accuracy or 0.0) and one.parameters <= (task.parameters or math.inf)


def has_reached(task: Train, work: Work) -> bool:
    """Whether a seat has reached the goal of a task."""
    return any(reaches(task, one) for one in networks_in(work))


def spread_of_seeds(networks: Sequence[Network]) -> list[tuple[int, float, float]]:
    """Networks with the same settings and different seeds: their parameters, the lowest and the highest accuracy.

    Only networks that have ended count.
    """
    groups: dict[RunConfig, dict[int, Network]] = {}
    for one in networks:
        if not one.is_active:
            groups.setdefault(seeds.without_seed(one.config), {})[one.config.seed] = one
    found = [list(group.values()) for group in groups.values() if len(group) > 1]
    return [
        (group[0].parameters, min(one.accuracy for one in group), max(one.accuracy for one in group)) for group in found
    ]


def best_seats(networks: Sequence[Network], count: int) -> list[Network]:
    """The best network of each seat that has ended, the best seats first, at most `count`."""
    best: dict[int, Network] = {}
    for one in networks:
        if not one.is_active and (one.seat not in best or one.accuracy > best[one.seat].accuracy):
            best[one.seat] = one
    return sorted(best.values(), key=lambda one: (-one.accuracy, one.parameters))[:count]


def last_of_each(networks: Sequence[Network]) -> Mapping[int, Network]:
    """The newest network of each seat, by seat."""
    return {one.seat: one for one in networks}


def _progress(task: Train, runs: Sequence[TrainedRun], networks: Sequence[Network], is_late: bool) -> Progress:
    best = max((one.accuracy for one in networks), default=None)
    has_reached = any(reaches(task, one) for one in networks)
    stage = Stage.NOT_BEGUN if not runs else Stage.DONE if runs[-1].has_ended else Stage.TRAINING
    trouble = "" if has_reached else _trouble(runs, is_late)
    has_trained = any(one.has_ended for one in runs)
    return Progress(Stage.STUCK if trouble else stage, len(runs), best, has_trained, has_reached, trouble)


def _trouble(runs: Sequence[TrainedRun], is_late: bool) -> str:
    if not runs:
        return Message("no network yet") if is_late else ""
    ended = [one for one in runs if one.has_ended]
    if len(ended) >= _BAD_RUNS and all(_is_bad(one) for one in ended[-_BAD_RUNS:]):
        return Message("the last networks have learned nothing")
    if len(runs) >= SAME_RUNS and len({one.config for one in runs[-SAME_RUNS:]}) == 1:
        return Message("trains the same network again and again")
    return ""


def _is_bad(run: TrainedRun) -> bool:
    accuracy = run.validation_accuracy
    return run.status == Status.FAILED.value or accuracy is None or not accuracy >= _GUESSING


def _network(seat: int, run: TrainedRun) -> Network | None:
    accuracy, read = run.validation_accuracy, _read(run.config)
    if read is None or accuracy is None or not math.isfinite(accuracy):
        return None
    return Network(seat, run.run, *read, accuracy, is_active=not run.has_ended)


@functools.lru_cache(2_000)
def _read(text: str) -> tuple[RunConfig, int] | None:
    """The config of a saved run and its parameters; None if it is not saved yet, or cannot be read."""
    try:
        config = RunConfig.from_json(text) if text else None
    except ConfigError:
        return None
    return None if config is None else (config, network.parameter_count(config))
