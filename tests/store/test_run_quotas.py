"""What makes room for what, and which runs count as left behind; the same for SQLite and for PostgreSQL."""

from __future__ import annotations

import threading

import pytest

from mnist_core.errors import RunNotFoundError, StoreError
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import blobs, small
from tests.stored_runs import Clock, assert_same_state, assert_unchanged, execute_sql, run_ids, save_run, state_after

PLAIN = small(epochs=10)
MINE, YOURS = new_workspace(), new_workspace()
DAY = 86_400.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_oldest_ended_run_makes_room(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=3, clock=clock)
    save_run(store, YOURS, "other")
    for name in "abcde":
        clock.forward(1)
        save_run(store, MINE, name)
    assert run_ids(store, MINE) == ["c", "d", "e"]
    assert run_ids(store, YOURS) == ["other"]
    assert execute_sql(url, "SELECT count(DISTINCT run) FROM playground_parts") == [(4,)]


def test_pinned_and_running_runs_never_make_room(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=3, clock=clock)
    save_run(store, MINE, "pinned")
    store.pin(MINE, "pinned")
    save_run(store, MINE, "running", status=None)
    for name in "abc":
        clock.forward(1)
        save_run(store, MINE, name)
    assert run_ids(store, MINE) == ["c", "pinned", "running"]


def test_deleted_run_makes_room_before_any_other(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=3, clock=clock)
    for name in "abc":
        clock.forward(1)
        save_run(store, MINE, name)
    store.pin(MINE, "c")
    store.delete(MINE, "c")
    save_run(store, MINE, "d")
    assert run_ids(store, MINE) == ["a", "b", "d"]
    with pytest.raises(RunNotFoundError):
        store.restore(MINE, "c")


def test_workspace_full_of_pinned_runs_takes_no_more(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=2, clock=clock)
    for name in "ab":
        save_run(store, MINE, name)
        store.pin(MINE, name)
    with pytest.raises(StoreError, match="full of runs that are pinned"):
        store.create(MINE, "c", PLAIN, blobs())
    assert run_ids(store, MINE) == ["a", "b"]
    save_run(store, YOURS, "c")
    store.pin(MINE, "a", False)
    save_run(store, MINE, "c")
    assert run_ids(store, MINE) == ["b", "c"]


def test_bytes_are_limited_too(url: str, clock: Clock) -> None:
    size = 4 * (28 * 28 * 16 + 16 + 160 + 10)
    store = RunStore(url, max_bytes=3 * size, clock=clock)
    for name in "abcd":
        clock.forward(1)
        save_run(store, MINE, name)
    assert run_ids(store, MINE) == ["c", "d"]  # Two and a curve each; three would be too much.
    assert sum(run.size for run in store.list(MINE)) <= 3 * size


def test_epoch_without_room_leaves_the_one_before(url: str, clock: Clock) -> None:
    adam = small(epochs=10, optimizer="adam")
    size = 4 * (28 * 28 * 16 + 16 + 160 + 10)
    store = RunStore(url, "here", max_bytes=5 * size, clock=clock)
    save_run(store, MINE, "a", status=None, config=adam)
    before = store.load(MINE, "a")
    store.create(MINE, "b", adam, blobs())
    with pytest.raises(StoreError, match="full of runs"):
        store.save_epoch(MINE, "b", state_after(adam, 1))
    assert store.load(MINE, "b").state is None
    assert_unchanged(before, store.load(MINE, "a"))
    # How it ended is known all the same.
    store.finish(MINE, "b", Status.FAILED, message="No room.")
    assert store.load(MINE, "b").summary.status is Status.FAILED


def test_old_runs_go_unless_they_are_pinned(url: str, clock: Clock) -> None:
    store = RunStore(url, max_age_days=30, clock=clock)
    save_run(store, MINE, "old")
    save_run(store, MINE, "pinned")
    save_run(store, YOURS, "left", status=None)
    store.pin(MINE, "pinned")
    clock.forward(20 * DAY)
    save_run(store, YOURS, "new")
    clock.forward(11 * DAY)
    assert store.purge() == 2
    assert run_ids(store, MINE) == ["pinned"]
    assert run_ids(store, YOURS) == ["new"]


# --- Left behind by their server ---


def test_run_is_left_behind_once_its_server_is_silent(url: str, clock: Clock) -> None:
    here, there = RunStore(url, "here", clock=clock), RunStore(url, "there", clock=clock)
    state = save_run(there, MINE, "one", 3, None)
    save_run(there, MINE, "ended", 3)
    assert here.unfinished(MINE, grace=60) == ()
    clock.forward(59)
    there.beat()
    clock.forward(59)
    assert here.unfinished(MINE, grace=60) == ()
    with pytest.raises(RunNotFoundError):
        here.take_over(MINE, "one", grace=60)
    clock.forward(2)
    assert [run.id for run in here.unfinished(MINE, grace=60)] == ["one"]
    assert here.unfinished(YOURS, grace=60) == ()
    assert_same_state(here.take_over(MINE, "one", grace=60).state, state)


def test_server_that_is_alone_need_not_wait(url: str, clock: Clock) -> None:
    save_run(RunStore(url, "before", clock=clock), MINE, "one", 3, None)
    assert [run.id for run in RunStore(url, "after", clock=clock).unfinished(MINE, grace=0)] == ["one"]


def test_own_run_that_nobody_holds_any_more_is_left_behind(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", clock=clock)
    save_run(store, MINE, "held", 1, None)
    save_run(store, MINE, "forgotten", 1, None)
    assert [run.id for run in store.unfinished(MINE, running={"held"})] == ["forgotten"]
    with pytest.raises(RunNotFoundError):
        store.take_over(MINE, "held", running={"held"})
    assert store.take_over(MINE, "forgotten", running={"held"}).summary.status is Status.WAITING


def test_deleted_run_is_not_left_behind(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", clock=clock)
    save_run(store, MINE, "one", 1, None)
    store.delete(MINE, "one")
    assert store.unfinished(MINE, grace=0) == ()
    with pytest.raises(RunNotFoundError):
        store.take_over(MINE, "one", grace=0)


def test_server_that_comes_back_late_cannot_overwrite(url: str, clock: Clock) -> None:
    here, there = RunStore(url, "here", clock=clock), RunStore(url, "there", clock=clock)
    save_run(there, MINE, "one", 3, None)
    clock.forward(61)
    here.take_over(MINE, "one")
    with pytest.raises(StoreError, match="Another server"):
        there.save_epoch(MINE, "one", state_after(PLAIN, 4))
    with pytest.raises(StoreError, match="Another server"):
        there.finish(MINE, "one", Status.FAILED)
    here.save_epoch(MINE, "one", state_after(PLAIN, 5))
    assert there.load(MINE, "one").summary.epochs == 5


def test_of_several_servers_one_takes_over(url: str, clock: Clock) -> None:
    save_run(RunStore(url, "gone", clock=clock), MINE, "one", 3, None)
    clock.forward(61)
    stores = [RunStore(url, f"server-{number}", clock=clock) for number in range(6)]
    together = threading.Barrier(len(stores))
    outcomes: list[object] = []

    def work(store: RunStore) -> None:
        together.wait()
        try:
            outcomes.append(store.take_over(MINE, "one").summary.id)
        except RunNotFoundError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(["one", *[str(RunNotFoundError)] * 5])
