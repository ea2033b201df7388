"""Runs that all visitors share: started once, found again, and dropped when there are too many."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref

import pytest

from mnist_core.config import LayerConfig
from mnist_core.data import splits
from mnist_core.errors import CapacityError, ConfigError
from mnist_core.network import parameter_count
from mnist_core.runs import run_cache
from mnist_core.runs.job import Job
from mnist_core.runs.run_cache import RunCache
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, classical
from tests.samples import blobs, small
from tests.scheduled_runs import run_to_end, take_turns, wait_for_status, wait_until


@pytest.fixture
def shared(by_hand: Scheduler) -> RunCache:
    return RunCache(by_hand)


def test_same_config_finds_the_same_run(shared: RunCache, by_hand: Scheduler) -> None:
    network, model = shared.network(small(), blobs()), shared.classical("bayes", blobs())
    assert shared.network(small(), blobs()) is network
    assert shared.classical("bayes", blobs(), "official") is model
    assert (network.title, network.number) == ("", 0)
    assert (model.title, model.number) == ("Naive Bayes", 0)
    assert by_hand.active_runs == 2
    for run in (network, model):
        run_to_end(by_hand, run)
    assert shared.network(small(), blobs()) is network
    assert shared.classical("bayes", blobs()) is model


def test_other_configs_find_other_runs(shared: RunCache) -> None:
    other = dataclasses.replace(blobs())
    networks = [shared.network(config, data) for config in (small(), small(seed=1)) for data in (blobs(), other)]
    assert len({run.id for run in networks}) == 4
    models = [
        shared.classical(kind, data, split)
        for kind in ("bayes", "forest")
        for data in (blobs(), other)
        for split in ("official", "kite")
    ]
    assert len({run.id for run in models}) == 8


def test_finding_starts_nothing(shared: RunCache, by_hand: Scheduler) -> None:
    assert shared.find_network(small(), blobs()) is None
    assert shared.find_classical("bayes", blobs()) is None
    assert by_hand.active_runs == 0
    network, model = shared.network(small(), blobs()), shared.classical("bayes", blobs(), "kite")
    assert shared.find_network(small(), blobs()) is network
    assert shared.find_classical("bayes", blobs(), "kite") is model
    assert shared.find_classical("bayes", blobs()) is None


@pytest.mark.parametrize("has_answered", [False, True])
def test_stopped_run_is_started_again(has_answered: bool, shared: RunCache, by_hand: Scheduler) -> None:
    run = shared.classical("forest", blobs())
    by_hand.stop(run)
    if has_answered:
        take_turns(by_hand, run)
        assert run.snapshot.status is Status.STOPPED
    assert shared.find_classical("forest", blobs()) is None
    assert shared.classical("forest", blobs()) is not run


def test_failed_run_is_started_again(shared: RunCache, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(classical, "learn", lambda *_: iter([]))
        run = shared.classical("forest", blobs())
        take_turns(by_hand, run)
    assert run.snapshot.status is Status.FAILED
    assert shared.find_classical("forest", blobs()) is None
    again = shared.classical("forest", blobs())
    run_to_end(by_hand, again)
    assert again.snapshot.status is Status.FINISHED
    assert shared.find_classical("forest", blobs()) is again


def test_run_stops_when_the_last_visitor_leaves(shared: RunCache, by_hand: Scheduler) -> None:
    def first() -> bool:
        return True

    def second() -> bool:
        return True

    run = shared.network(small(), blobs(), first)
    assert shared.network(small(), blobs(), second) is run
    stopping = []
    for leaving in (first, second):
        by_hand.leave(run, leaving)
        stopping.append(run.is_stopping)
    assert stopping == [False, True]
    assert shared.network(small(), blobs(), second) is not run


def test_refused_run_leaves_nothing_behind(shared: RunCache, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError):
        shared.classical("svm", blobs())
    with monkeypatch.context() as full:
        full.setenv("MNIST_MEMORY_MB", "1")
        with pytest.raises(CapacityError):
            shared.classical("bayes", blobs())
    assert shared.find_classical("bayes", blobs()) is None
    assert shared.classical("bayes", blobs()).snapshot.status is Status.WAITING


def test_least_recently_used_run_is_dropped_first(by_hand: Scheduler) -> None:
    answers = len(blobs().test_images) * (10 * 4 + 8 + 8)
    shared = RunCache(by_hand, 2 * answers)
    under_way = shared.classical("forest", blobs())
    sets = [dataclasses.replace(blobs()) for _ in range(3)]
    ended = []
    for dataset in sets[:2]:
        ended.append(shared.classical("neighbours", dataset))
        run_to_end(by_hand, ended[-1])
    assert shared.find_classical("neighbours", sets[0]) is ended[0]
    ended.append(shared.classical("neighbours", sets[2]))
    run_to_end(by_hand, ended[-1])
    assert shared.find_classical("neighbours", sets[2]) is ended[2]
    assert [shared.find_classical("neighbours", dataset) for dataset in sets] == [ended[0], None, ended[2]]
    assert shared.find_classical("forest", blobs()) is under_way


def test_runs_of_large_networks_take_the_place_of_many(by_hand: Scheduler) -> None:
    answers, large = len(blobs().test_images) * (10 * 4 + 8 + 8), small(layers=(LayerConfig("dense", 256),))
    shared = RunCache(by_hand, 4 * parameter_count(large) + 3 * answers)
    models = [shared.classical(kind, blobs()) for kind in ("neighbours", "bayes", "forest")]
    for run in models:
        run_to_end(by_hand, run)
    assert [shared.find_classical(run.kind, blobs()) for run in models] == models
    network = shared.network(large, blobs())
    run_to_end(by_hand, network)
    assert shared.find_network(large, blobs()) is network
    assert [shared.find_classical(run.kind, blobs()) for run in models] == [None, *models[1:]]


def test_run_that_alone_takes_too_much_stays_while_it_is_used(by_hand: Scheduler) -> None:
    shared = RunCache(by_hand, 0)
    run = shared.classical("neighbours", blobs())
    run_to_end(by_hand, run)
    for _ in range(2):
        assert shared.find_classical("neighbours", blobs()) is run
    assert shared.find_classical("bayes", blobs()) is None
    assert shared.find_classical("neighbours", blobs()) is None


def test_uploaded_data_is_dropped_with_its_runs(scheduler: Scheduler) -> None:
    shared = RunCache(scheduler, 0)
    dataset = dataclasses.replace(blobs())
    run = shared.classical("neighbours", dataset)
    wait_for_status(run, Status.FINISHED)
    gone = weakref.ref(dataset)
    del run, dataset
    splits._split.cache_clear()
    splits._without_test.cache_clear()
    gc.collect()
    assert gone() is not None
    assert shared.find_classical("bayes", blobs()) is None

    def is_gone() -> bool:
        gc.collect()
        return gone() is None

    wait_until(is_gone)  # A worker may not yet have put it down.


def test_many_threads_get_one_run(shared: RunCache, by_hand: Scheduler) -> None:
    together = threading.Barrier(8)
    found: list[Job] = []

    def ask() -> None:
        together.wait()
        found.append(shared.classical("bayes", blobs()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({run.id for run in found}) == 1
    assert by_hand.active_runs == 1


def test_there_is_one_for_the_process() -> None:
    assert run_cache.shared() is run_cache.shared()


def test_its_memory_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_SHARED_MEGABYTES", "3")
    run_cache.shared.cache_clear()
    assert run_cache.shared()._most_bytes == 3 * 2**20
    run_cache.shared.cache_clear()
