"""Which run gets the next turn, how long a turn is, and when unwatched runs end.

The worker's own loop runs in the test's thread, on a clock of the test's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_core import training
from mnist_core.runs import job, network_run
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.network_run import Run
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, loop
from tests.samples import blobs, small
from tests.scheduled_runs import assert_evaluated, assert_same_weights, take_turns

# Powers of two, so that sums are exact.
SHORT, LONG = 0.125, 0.625
POINT = training.Progress(1, 1, 2.3, 0.1, 1000.0, None)

real_take_turn = Run.take_turn


class EnoughError(Exception):
    """Ends the endless loop of the worker."""


class Worker:
    """A job without training: a turn only moves the clock and adds a point."""

    def __init__(self, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scheduler = scheduler
        self.now = 1000.0
        self.costs: dict[Run, float | None] = {}  # None: what it is given.
        self.given: list[tuple[Run, float, float | None]] = []
        self.stopped_in_turn: Run | None = None
        self._left = 0

        def take_turn(run: Run, seconds: float, chunk_seconds: float | None = None) -> None:
            self.given.append((run, seconds, chunk_seconds))
            run.stop_if_forgotten()
            cost = self.costs[run]
            self.now += seconds if cost is None else cost
            run._publish(points=(POINT,))
            if run.is_stopping:
                real_take_turn(run, seconds, chunk_seconds)
            if run is self.stopped_in_turn:
                scheduler.stop(run)

        monkeypatch.setattr(Run, "take_turn", take_turn)
        monkeypatch.setattr(scheduling, "TURN_SECONDS", SHORT)
        monkeypatch.setattr(scheduling, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(scheduler, "_workers", 2)
        monkeypatch.setattr(scheduler._lock, "wait_for", self._wait_for)

    def _wait_for(self, is_ready: Callable[[], Any]) -> None:
        if not self._left or not is_ready():
            raise EnoughError
        self._left -= 1

    def take(self, turns: int) -> list[Run]:
        """Take this many turns, or as many as there are; return the jobs that had them."""
        before, self._left = len(self.given), turns
        with pytest.raises(EnoughError):
            self.scheduler._work()
        return [run for run, _, _ in self.given[before:]]

    def submit(self, cost: float | None = SHORT, **how: Any) -> Run:
        run = self.scheduler.submit(small(), blobs(), **how)
        self.costs[run] = cost
        return run


@pytest.fixture
def worker(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(by_hand, monkeypatch)


# The same time for all


def test_turns_five_times_as_long_come_a_fifth_as_often(worker: Worker) -> None:
    slow, quick, other = worker.submit(LONG), worker.submit(), worker.submit()
    worker.take(600)  # A scheduler may take some turns to know.
    turns = Counter(worker.take(11 * 12))
    assert turns[slow] == pytest.approx(12, abs=1)
    assert turns[quick] == pytest.approx(60, abs=3)
    assert turns[other] == pytest.approx(turns[quick], abs=1)


def test_long_turn_is_balanced_by_the_other_run(worker: Worker) -> None:
    once_slow, quick = worker.submit(), worker.submit()
    worker.take(20)
    worker.costs[once_slow] = LONG
    assert worker.take(1) == [once_slow]
    worker.costs[once_slow] = SHORT
    turns = Counter(worker.take(203))
    assert turns[quick] - turns[once_slow] == pytest.approx((LONG - SHORT) / SHORT + 1, abs=1)


def test_run_that_was_alone_gets_a_turn_in_each_round_of_a_class(worker: Worker) -> None:
    alone = worker.submit(None)
    worker.take(20)
    others = [worker.submit(None) for _ in range(29)]
    for _ in range(5):
        assert Counter(worker.take(30)) == dict.fromkeys([alone, *others], 1)


def test_slow_turn_of_a_busy_machine_costs_few_rounds(worker: Worker) -> None:
    held_up, *others = (worker.submit() for _ in range(10))
    worker.take(100)
    worker.costs[held_up] = 200 * SHORT
    while worker.take(1) != [held_up]:
        pass
    worker.costs[held_up] = SHORT
    turns = Counter(worker.take(4 * 10))
    assert turns[held_up] >= 1
    assert all(turns[other] >= 4 for other in others)


def test_new_run_does_not_catch_up_on_old_time(worker: Worker) -> None:
    old = [worker.submit(), worker.submit()]
    worker.take(100)
    newcomer = worker.submit()
    assert Counter(worker.take(30)) == {old[0]: 10, old[1]: 10, newcomer: 10}


def test_new_run_goes_first_once(worker: Worker) -> None:
    old = [worker.submit() for _ in range(10)]
    worker.take(24)
    newcomer = worker.submit()
    turns = worker.take(1 + 6 + 11)
    assert turns[0] == newcomer
    assert turns[1:7] == old[4:]
    assert Counter(turns[7:]) == dict.fromkeys([*old, newcomer], 1)


def test_resumed_run_does_not_catch_up_on_its_pause(worker: Worker) -> None:
    away, *others = (worker.submit() for _ in range(3))
    worker.take(6)
    worker.scheduler.pause(away)
    assert worker.take(60).count(away) == 1
    assert away.snapshot.status is Status.PAUSED
    worker.scheduler.resume(away)
    turns = worker.take(30)
    assert Counter(turns) == {away: 10, others[0]: 10, others[1]: 10}
    assert away in turns[:3]


@pytest.mark.parametrize("cost", [SHORT, LONG])
def test_pausing_and_resuming_gains_no_turn(cost: float, worker: Worker) -> None:
    restless, quiet = worker.submit(cost), worker.submit()
    worker.take(600)
    turns: Counter[Run] = Counter()
    for _ in range(20):
        worker.scheduler.pause(restless)
        worker.scheduler.resume(restless)
        turns.update(worker.take(6))
    assert turns[restless] <= 120 * SHORT / (cost + SHORT) + 1
    assert turns[quiet] == 120 - turns[restless]


# Stop goes first


def test_stopped_run_gets_the_next_turn(worker: Worker) -> None:
    runs = [worker.submit() for _ in range(5)]
    worker.take(10)
    worker.scheduler.stop(runs[4])
    assert runs[4].is_stopping
    assert worker.take(1) == [runs[4]]
    assert runs[4].snapshot.status is Status.STOPPED
    assert worker.take(8) == runs[:4] * 2


def test_run_stopped_during_its_turn_gets_the_next_one(worker: Worker) -> None:
    runs = [worker.submit() for _ in range(5)]
    worker.stopped_in_turn = runs[0]
    assert worker.take(3) == [runs[0], runs[0], runs[1]]
    assert runs[0].snapshot.status is Status.STOPPED


def test_several_stopped_runs_go_first(worker: Worker) -> None:
    runs = [worker.submit() for _ in range(6)]
    worker.take(6)
    worker.scheduler.stop(runs[5])
    worker.scheduler.stop(runs[3])
    assert set(worker.take(2)) == {runs[3], runs[5]}
    assert worker.take(4) == [runs[0], runs[1], runs[2], runs[4]]


def test_stop_of_a_paused_run_goes_first(worker: Worker) -> None:
    paused = worker.submit(paused=True)
    waiting = [worker.submit() for _ in range(3)]
    assert worker.take(3) == waiting
    worker.scheduler.stop(paused)
    assert worker.take(1) == [paused]
    assert paused.snapshot.status is Status.STOPPED


# Watched runs first


class Tab:
    """A browser's tab that is open or closed."""

    def __init__(self) -> None:
        self.is_open = True

    def __call__(self) -> bool:
        return self.is_open


def left_behind(worker: Worker, count: int = 1, cost: float = SHORT) -> tuple[list[Run], Tab]:
    """Runs that have had a turn since their tab was closed."""
    tab = Tab()
    runs = [worker.submit(cost, is_watched=tab) for _ in range(count)]
    tab.is_open = False
    worker.take(count)
    return runs, tab


def test_watched_runs_share_all_turns(worker: Worker) -> None:
    left_behind(worker, 30)
    watched = [worker.submit(), worker.submit()]
    assert Counter(worker.take(200)) == {watched[0]: 100, watched[1]: 100}


def test_unwatched_runs_take_what_is_left(worker: Worker) -> None:
    left, _ = left_behind(worker, 3)
    watched = worker.submit()
    worker.take(10)
    worker.scheduler.pause(watched)
    assert Counter(worker.take(31)) == {watched: 1} | dict.fromkeys(left, 10)


def test_run_whose_tab_closes_gets_one_more_turn(worker: Worker) -> None:
    tab = Tab()
    leaving, _ = worker.submit(is_watched=tab), worker.submit()
    worker.take(20)
    tab.is_open = False
    assert worker.take(100).count(leaving) == 1


@pytest.mark.parametrize("is_new_tab", [False, True])
def test_run_that_is_watched_again_shares_at_once(is_new_tab: bool, worker: Worker) -> None:
    (left,), tab = left_behind(worker)
    worker.take(100)  # With the whole machine for itself, which does not count later.
    watched = worker.submit()
    worker.take(100)
    if is_new_tab:
        left.watch(Tab())
    else:
        tab.is_open = True
    worker.take(round(scheduling.LOOK_SECONDS / SHORT))
    turns = Counter(worker.take(100))
    assert turns[left] == pytest.approx(50, abs=1)
    assert turns[watched] == 100 - turns[left]


def test_leaving_and_coming_back_gains_no_turn(worker: Worker) -> None:
    tab = Tab()
    restless, quiet = worker.submit(is_watched=tab), worker.submit()
    turns: Counter[Run] = Counter()
    for _ in range(20):
        tab.is_open = not tab.is_open
        turns.update(worker.take(10))
    assert turns[restless] <= turns[quiet]


def test_ten_minutes_end_without_a_turn(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_UNWATCHED_SECONDS", raising=False)
    monkeypatch.setattr(job, "time", SimpleNamespace(monotonic=lambda: worker.now))
    began = worker.now
    (left,), _ = left_behind(worker)
    watched = worker.submit(80 * SHORT)
    while left.snapshot.status.is_active:
        worker.take(1)
    assert [run for run, _, _ in worker.given[1:]] == [watched] * 60 + [left]
    assert worker.now - began == pytest.approx(600, abs=1)
    assert left.snapshot.message == "Stopped: nobody watched it for 10 minutes."


def test_unwatched_runs_do_not_shorten_turns(worker: Worker) -> None:
    left_behind(worker, 50)
    watched = worker.submit()
    assert worker.take(1) == [watched]
    assert worker.given[-1][1] == scheduling.TURN_SECONDS


# How long a turn is


@pytest.mark.parametrize(
    ("workers", "runs", "seconds"),
    [(2, 1, SHORT), (2, 7, SHORT), (2, 40, 0.04), (2, 100, 0.016), (1, 3, SHORT), (1, 50, 0.016), (4, 100, 0.032)],
)
def test_turns_are_shorter_with_many_runs(workers: int, runs: int, seconds: float, worker: Worker) -> None:
    worker.scheduler._workers = workers
    active = [worker.submit() for _ in range(runs)]
    assert worker.take(runs) == active
    for _, given, chunk in worker.given:
        assert given == pytest.approx(seconds)
        assert given <= scheduling.TURN_SECONDS
        assert chunk == pytest.approx(min(seconds, loop.CHUNK_SECONDS))
    # The turns of all runs, divided among the workers, take no longer than a round.
    assert sum(given for _, given, _ in worker.given) / workers <= scheduling.ROUND_SECONDS + 1e-9


def test_paused_runs_do_not_shorten_turns(worker: Worker) -> None:
    paused = [worker.submit(paused=True) for _ in range(50)]
    worker.submit()
    worker.take(1)
    assert worker.given[-1][1] == scheduling.TURN_SECONDS
    for run in paused:
        worker.scheduler.resume(run)
    worker.take(1)
    assert worker.given[-1][1] == pytest.approx(1.6 / 51)


def test_chunks_are_as_long_as_the_turn(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    for given, expected in ((0.02, 0.02), (0.0, 0.0), (None, loop.CHUNK_SECONDS)):
        run.take_turn(0.0, given)
        assert run._dials.chunk_seconds == expected


# Runs that nobody watches


class Visitor:
    """Whether anybody watches, and the time."""

    def __init__(self) -> None:
        self.is_here = True
        self.now = 1000.0


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    monkeypatch.delenv("MNIST_UNWATCHED_SECONDS", raising=False)
    made = Visitor()
    for module in (job, network_run):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now))
    # One chunk per turn, on a clock that does not move during it.
    monkeypatch.setattr(scheduling, "TURN_SECONDS", -1.0)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    return made


def watched_run(scheduler: Scheduler, visitor: Visitor) -> Run:
    """A run of many epochs that has some points."""
    run = scheduler.submit(small(epochs=50), blobs(), is_watched=lambda: visitor.is_here)
    take_turns(scheduler, run, 4)
    assert run.snapshot.points
    return run


def test_unwatched_run_ends_after_ten_minutes_and_keeps_its_network(by_hand: Scheduler, visitor: Visitor) -> None:
    run = watched_run(by_hand, visitor)
    visitor.is_here = False
    visitor.now += 599.5
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.RUNNING
    learned = run.snapshot.weights
    visitor.now += 0.5
    take_turns(by_hand, run)
    shot = run.snapshot
    assert shot.status is Status.STOPPED
    assert shot.message == "Stopped: nobody watched it for 10 minutes."
    assert shot.network is not None
    assert learned is not None
    assert_same_weights(shot.network.weights, learned)
    assert_evaluated(run)


def test_watched_run_continues_without_a_limit(by_hand: Scheduler, visitor: Visitor) -> None:
    run = watched_run(by_hand, visitor)
    always = by_hand.submit(small(epochs=50), blobs())
    for _ in range(5):
        visitor.now += 10_000.0
        take_turns(by_hand, run)
        take_turns(by_hand, always)
    assert run.snapshot.status is always.snapshot.status is Status.RUNNING


def test_watching_again_restarts_the_ten_minutes(by_hand: Scheduler, visitor: Visitor) -> None:
    run = watched_run(by_hand, visitor)
    shown = []
    for is_here, seconds in ((False, 500.0), (True, 0.0), (False, 500.0), (True, 99.0), (False, 599.0), (False, 1.0)):
        visitor.is_here = is_here
        visitor.now += seconds
        take_turns(by_hand, run)
        shown.append(run.snapshot.status)
    assert shown == [Status.RUNNING] * 5 + [Status.STOPPED]


def test_run_stopped_by_hand_does_not_mention_watching(by_hand: Scheduler, visitor: Visitor) -> None:
    run = watched_run(by_hand, visitor)
    visitor.is_here = False
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert (run.snapshot.status, run.snapshot.message) == (Status.STOPPED, "")


@pytest.mark.parametrize(
    ("setting", "how_long"), [("30", "30 seconds"), ("60", "60 seconds"), ("120", "2 minutes"), ("0", "0 seconds")]
)
def test_setting_for_unwatched_runs(
    setting: str, how_long: str, by_hand: Scheduler, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", setting)
    run = watched_run(by_hand, visitor)
    visitor.is_here = False
    if float(setting):
        visitor.now += float(setting) - 1
        take_turns(by_hand, run)
        assert run.snapshot.status is Status.RUNNING
        visitor.now += 1.0
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.STOPPED
    assert f"nobody watched it for {how_long}." in run.snapshot.message


@pytest.mark.parametrize("setting", ["", "soon", "-5", "nan", "inf", "1e3", "²"])
def test_invalid_settings_are_ignored(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", setting)
    assert job.unwatched_seconds() == job.UNWATCHED_SECONDS == 600.0
