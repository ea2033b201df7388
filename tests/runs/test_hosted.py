"""A run on a worker and its image in the app, without a network between them: each question may be lost."""

from __future__ import annotations

import dataclasses
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import Dataset
from mnist_core.errors import CapacityError
from mnist_core.network.layers import initial_weights
from mnist_core.runs import hosted
from mnist_core.runs.hosted import Host
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.runs.remote_run import RemoteRun
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, capacity
from tests.samples import blobs, mislabelled_validation, small
from tests.scheduled_runs import (
    STEPS_PER_EPOCH,
    assert_evaluated,
    assert_same_as_alone,
    assert_same_weights,
    wait_for_status,
    wait_until,
)

MINUTES = 600.0
MANY = blobs(3_000)


def long(**changes: Any) -> RunConfig:
    """A run on `MANY` that the test ends: a tenth of a second an epoch."""
    return small(batch_size=1, epochs=100, learning_rate=0.01, **changes)


class Distant:
    """A run in the app whose worker is asked by the test; what passes between them is packed, as on a wire."""

    def __init__(
        self,
        host: Host,
        config: RunConfig | None = None,
        dataset: Dataset | None = None,
        owner: str = "app",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host, self.owner = host, owner
        self.run = RemoteRun(config or small(), dataset or blobs(), clock=clock)
        self.saved: list[int] = []
        self.run.tell(lambda run: self.saved.append(len(run.snapshot.epochs)))

    def begin(self, host: Host | None = None) -> Distant:
        self.host = host or self.host
        self.host.give(self.run.dataset)
        start, run = self.run.go_back(), self.run
        call = self.owner, run.id, run.config, run.dataset.fingerprint, start, run.is_pause_wanted
        self.host.begin(*packed(call))
        return self

    def ask(self, wants_weights: bool = True, is_lost: bool = False) -> hosted.News:
        question = self.run.question(wants_weights)
        news = packed(self.host.news(self.owner, packed({self.run.id: question})))[self.run.id]
        if not is_lost:
            self.run.take(question, news)
        assert isinstance(news, hosted.News)
        return news

    def ask_until(self, condition: Callable[[], bool]) -> None:
        def is_true() -> bool:
            self.ask()
            return condition()

        wait_until(is_true)

    def ask_to_the_end(self) -> None:
        self.ask_until(lambda: not self.run.snapshot.status.is_active)


def packed(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.fixture
def hosts() -> Iterator[Callable[[], Host]]:
    """Makes workers."""
    made: list[Host] = []

    def make(clock: Callable[[], float] = time.monotonic) -> Host:
        made.append(Host(clock))
        return made[-1]

    yield make
    for one in made:
        assert one.close(MINUTES)


@pytest.fixture
def host(hosts: Callable[[], Host]) -> Host:
    return hosts()


def run_here(config: RunConfig, dataset: Dataset, *orders: Callable[[Scheduler, Run], None]) -> Run:
    """The same run in this process."""
    turns = Scheduler()
    run = turns.submit(config, dataset, paused=bool(orders))
    run.tell(lambda _run: None)
    for order in orders:
        order(turns, run)
    wait_for_status(run, Status.FINISHED)
    return run


def test_numbers_are_those_of_the_same_run_alone(host: Host) -> None:
    distant = Distant(host).begin()
    distant.ask_to_the_end()
    assert_same_as_alone(distant.run)
    assert_evaluated(distant.run)
    assert distant.saved[-1] == 2
    assert distant.run.fraction == 1


@pytest.mark.parametrize(
    "config",
    [
        small(optimizer="adam", learning_rate=0.01, validation_fraction=0.25),
        small(validation_fraction=0.25, early_stopping=2, epochs=30, learning_rate=1.0),
    ],
    ids=["adam", "early stopping"],
)
def test_curve_moments_and_best_weights_arrive(host: Host, config: RunConfig) -> None:
    dataset = mislabelled_validation()
    distant = Distant(host, config, dataset).begin()
    distant.ask_to_the_end()
    here = run_here(config, dataset)
    theirs, ours = distant.run.snapshot, here.snapshot
    assert theirs.message == ours.message
    assert theirs.epochs == ours.epochs
    assert distant.run.end == here.end
    # Which moments of the first epoch are kept depends on the speed; those of the start and of each epoch are.
    own, other = distant.run.moments.places, here.moments.places
    assert {one.epoch for one in own} == {one.epoch for one in other}
    for place in set(own) & set(other):
        assert_same_weights(distant.run.moments.weights(place), here.moments.weights(place))
    assert theirs.network is not None
    assert ours.network is not None
    assert_same_weights(theirs.network.weights, ours.network.weights)


def test_lost_answers_change_nothing(host: Host) -> None:
    distant = Distant(host, small(epochs=6)).begin()
    lost = 0
    while distant.run.snapshot.status.is_active:
        distant.ask(is_lost=lost % 3 > 0)
        lost += 1
    assert_same_as_alone(distant.run)


def test_steps_are_done_once_though_the_question_is_repeated(host: Host) -> None:
    distant = Distant(host)
    distant.run.want_pause()
    for _ in range(3):
        distant.run.want_step(StepSize.BATCH)
    distant.begin()
    for _ in range(3):
        distant.ask(is_lost=True)
    distant.ask_until(lambda: len(distant.run.snapshot.points) == 3 and distant.run.snapshot.status is Status.PAUSED)
    distant.run.want_step(StepSize.EPOCH)
    distant.ask_until(lambda: len(distant.run.snapshot.epochs) == 1 and distant.run.snapshot.status is Status.PAUSED)
    assert distant.run.snapshot.points[-1].step == STEPS_PER_EPOCH
    distant.run.want_resume()
    distant.ask_to_the_end()
    assert distant.run.snapshot.epochs == run_here(small(), blobs()).snapshot.epochs


def test_changed_learning_rate_holds_on_the_worker(host: Host) -> None:
    distant = Distant(host)
    distant.run.want_pause()
    distant.run.want_learning_rate(0.01)
    distant.begin()
    distant.run.want_resume()
    distant.ask_to_the_end()
    here = run_here(
        small(), blobs(), lambda turns, run: turns.set_learning_rate(run, 0.01), lambda turns, run: turns.resume(run)
    )
    assert [change.learning_rate for change in distant.run.snapshot.rates] == [0.01]
    assert distant.run.snapshot.epochs == here.snapshot.epochs


def test_changed_learning_rate_holds_on_the_next_worker_too(host: Host, hosts: Callable[[], Host]) -> None:
    distant = Distant(host, long(), MANY).begin()
    distant.ask_until(lambda: bool(distant.run.snapshot.points))
    distant.run.want_learning_rate(0.02)
    distant.ask_until(lambda: bool(distant.run.snapshot.rates))
    distant.begin(hosts())
    assert distant.run.learning_rate == 0.02
    distant.ask_until(lambda: len(distant.run.snapshot.epochs) > 1)
    assert distant.run.snapshot.epochs[-1].learning_rate == 0.02


def test_page_of_a_paused_run_is_left_alone(host: Host) -> None:
    distant = Distant(host)
    distant.run.want_pause()
    distant.run.want_step(StepSize.BATCH)
    distant.begin()
    distant.ask_until(lambda: distant.run.snapshot.status is Status.PAUSED and distant.run.snapshot.sent is not None)
    before = distant.run.snapshot
    assert distant.ask(wants_weights=True).weights is None
    assert distant.run.snapshot is before


def test_stopped_run_is_evaluated_and_says_why(host: Host) -> None:
    distant = Distant(host, long(), MANY).begin()
    distant.ask_until(lambda: bool(distant.run.snapshot.epochs))
    distant.run.want_stop()
    distant.ask_to_the_end()
    assert distant.run.snapshot.status is Status.STOPPED
    assert_evaluated(distant.run)


def test_newest_weights_come_when_they_are_wanted(host: Host) -> None:
    distant = Distant(host, long(), MANY).begin()
    # The first question is already for them: on a busy machine it meets more than one point.
    distant.ask_until(lambda: bool(distant.run.snapshot.points))
    weights = distant.run.snapshot.weights
    assert weights is not None
    assert distant.ask(wants_weights=False).weights is None
    start = initial_weights(distant.run.config)
    assert [array.shape for array in weights] == [array.shape for array in start]
    assert not np.array_equal(weights[0], start[0])
    distant.run.want_stop()
    distant.ask_to_the_end()


def test_run_goes_on_after_its_last_epoch_when_its_worker_is_gone(host: Host, hosts: Callable[[], Host]) -> None:
    distant = Distant(host, long(), MANY).begin()
    distant.ask_until(lambda: len(distant.run.snapshot.epochs) >= 2)
    epochs = len(distant.run.snapshot.epochs)
    distant.begin(hosts())
    shot = distant.run.snapshot
    assert shot.status is Status.WAITING
    assert {point.epoch for point in shot.points} == set(range(1, epochs + 1))
    distant.ask_until(lambda: len(distant.run.snapshot.epochs) >= epochs + 2)
    distant.run.want_stop()
    distant.ask_to_the_end()
    # No epoch is there twice, and all are those of the same run without an interruption.
    done = distant.run.snapshot.epochs
    assert [one.epoch for one in done] == list(range(1, len(done) + 1))
    places = [(point.epoch, point.step) for point in distant.run.snapshot.points]
    assert places == sorted(set(places))
    here = run_here(dataclasses.replace(long(), epochs=len(done)), MANY)
    assert done == here.snapshot.epochs


def test_what_happened_to_a_worker_is_said_for_half_a_minute(host: Host) -> None:
    now = [1_000.0]
    distant = Distant(host, long(), MANY, clock=lambda: now[0]).begin()
    distant.run.say("It is gone.")
    distant.ask_until(lambda: len(distant.run.snapshot.epochs) >= 2)
    assert distant.run.snapshot.message == "It is gone."
    now[0] += 31
    assert distant.run.snapshot.message == "It is gone."  # Nobody has answered since.
    distant.ask()
    assert distant.run.snapshot.message == ""
    distant.run.want_stop()
    distant.ask_to_the_end()


def test_worker_that_leaves_hands_its_runs_over_at_the_end_of_an_epoch(host: Host, hosts: Callable[[], Host]) -> None:
    distant = Distant(host, long(), MANY).begin()
    waiting = Distant(host, owner="another app")
    waiting.run.want_pause()
    waiting.begin()
    distant.ask_until(lambda: bool(distant.run.snapshot.epochs))
    host.leave()
    wait_until(lambda: distant.ask().is_handed_over)
    assert host.untold_runs == 1
    assert waiting.ask().is_handed_over
    assert host.untold_runs == 0
    shot = distant.run.snapshot
    assert shot.points[-1].epoch == len(shot.epochs)
    waiting.begin(hosts())
    waiting.run.want_resume()
    waiting.ask_to_the_end()
    assert_same_as_alone(waiting.run)


def test_runs_that_a_playground_no_longer_asks_for_end(host: Host) -> None:
    one, other = Distant(host, long(), MANY).begin(), Distant(host, long(), MANY).begin()
    # A question that was on the way when a run came says nothing about it.
    one.ask()
    assert host.untold_runs == 2
    questions = {run.id: run.question(wants_weights=False) for run in (one.run, other.run)}
    assert host.news(one.owner, questions).keys() == questions.keys()
    one.ask()
    assert host.untold_runs == 1
    host.news(one.owner, {})
    assert host.untold_runs == 0


def test_runs_of_a_playground_that_is_silent_end(hosts: Callable[..., Host]) -> None:
    now = [0.0]
    host = hosts(lambda: now[0])
    Distant(host, long(), MANY).begin()
    now[0] = hosted.FORGOTTEN_SECONDS
    host.forget_who_is_gone()
    assert host.untold_runs == 1
    now[0] += 1
    host.forget_who_is_gone()
    assert host.untold_runs == 0


def test_worker_without_memory_refuses(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "free_bytes", lambda: 1)
    with pytest.raises(CapacityError):
        Distant(host).begin()
    assert host.untold_runs == 0


def test_last_data_sets_are_kept(host: Host) -> None:
    first, *others = [blobs(seed=seed) for seed in range(5)]
    for dataset in (first, *others):
        host.give(dataset)
    assert [host.has(one.fingerprint) for one in (first, *others)] == [False, True, True, True, True]
