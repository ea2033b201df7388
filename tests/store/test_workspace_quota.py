"""The quota of a workspace, and the age limit: which runs are removed; SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from mnist_core.errors import RunNotFoundError, StoreError
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import blobs, small
from tests.stored_runs import Clock, assert_unchanged, execute_sql, run_ids, save_run, state_after

PLAIN = small(epochs=10)
MINE, YOURS = new_workspace(), new_workspace()
DAY = 86_400.0


def test_oldest_ended_run_is_removed(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=3, clock=clock)
    save_run(store, YOURS, "other")
    for name in "abcde":
        clock.forward(1)
        save_run(store, MINE, name)
    assert run_ids(store, MINE) == ["c", "d", "e"]
    assert run_ids(store, YOURS) == ["other"]
    assert execute_sql(url, "SELECT count(DISTINCT run) FROM playground_parts") == [(4,)]


def test_pinned_and_active_runs_are_never_removed(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=3, clock=clock)
    save_run(store, MINE, "pinned")
    store.pin(MINE, "pinned")
    save_run(store, MINE, "running", status=None)
    for name in "abc":
        clock.forward(1)
        save_run(store, MINE, name)
    assert run_ids(store, MINE) == ["c", "pinned", "running"]


def test_deleted_run_is_removed_first(url: str, clock: Clock) -> None:
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


def test_workspace_full_of_pinned_runs_refuses_a_new_one(url: str, clock: Clock) -> None:
    store = RunStore(url, max_runs=2, clock=clock)
    for name in "ab":
        save_run(store, MINE, name)
        store.pin(MINE, name)
    with pytest.raises(StoreError, match="workspace is full"):
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


def test_epoch_without_space_leaves_the_one_before(url: str, clock: Clock) -> None:
    adam = small(epochs=10, optimizer="adam")
    size = 4 * (28 * 28 * 16 + 16 + 160 + 10)
    store = RunStore(url, "here", max_bytes=5 * size, clock=clock)
    save_run(store, MINE, "a", status=None, config=adam)
    before = store.load(MINE, "a")
    store.create(MINE, "b", adam, blobs())
    with pytest.raises(StoreError, match="workspace is full"):
        store.save_epoch(MINE, "b", state_after(adam, 1))
    assert store.load(MINE, "b").state is None
    assert_unchanged(before, store.load(MINE, "a"))
    # The end of the run is saved anyway.
    store.finish(MINE, "b", Status.FAILED, message="No room.")
    assert store.load(MINE, "b").summary.status is Status.FAILED


def test_old_runs_are_purged_unless_pinned(url: str, clock: Clock) -> None:
    store = RunStore(url, max_age_days=30, clock=clock)
    save_run(store, MINE, "old")
    save_run(store, MINE, "pinned")
    save_run(store, YOURS, "left", status=None)
    store.pin(MINE, "pinned")
    clock.forward(20 * DAY)
    save_run(store, YOURS, "new")
    clock.forward(11 * DAY)
    assert store.quotas.purge() == 2
    assert run_ids(store, MINE) == ["pinned"]
    assert run_ids(store, YOURS) == ["new"]


# --- Left behind by their server ---
