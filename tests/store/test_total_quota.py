"""The quota of all workspaces together: which runs are removed when the database is full; SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_core.errors import StoreError
from mnist_core.store import quotas
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from tests.samples import blobs, small
from tests.stored_runs import Clock, execute_sql, run_ids, save_run, state_after

MINE, YOURS, THEIRS = (new_workspace() for _ in range(3))
SIZE = 4 * (28 * 28 * 16 + 16 + 160 + 10)
"""The weights of a run of `keep`; its curve and history have less than a tenth of that."""
DAY = 86_400.0


def test_runs_of_abandoned_workspaces_are_removed_first(url: str, clock: Clock) -> None:
    store = RunStore(url, max_total_bytes=int(4.5 * SIZE), clock=clock)
    save_run(store, MINE, "old")
    clock.forward(60)
    save_run(store, YOURS, "once")
    clock.forward(2 * DAY)
    store.quotas.visit(MINE)
    save_run(store, THEIRS, "a")
    save_run(store, THEIRS, "b")
    assert run_ids(store, YOURS) == ["once"]
    save_run(store, THEIRS, "c")
    assert (run_ids(store, MINE), run_ids(store, YOURS)) == (["old"], [])
    save_run(store, THEIRS, "d")
    assert (run_ids(store, MINE), run_ids(store, THEIRS)) == ([], ["a", "b", "c", "d"])
    clock.forward(1)
    save_run(store, THEIRS, "e")
    assert run_ids(store, THEIRS) == ["b", "c", "d", "e"]
    assert execute_sql(url, "SELECT count(DISTINCT run) FROM playground_parts") == [(4,)]


def test_new_class_keeps_its_runs_when_old_ones_can_go(url: str, clock: Clock) -> None:
    store = RunStore(url, max_total_bytes=int(2.5 * SIZE), clock=clock)
    save_run(store, MINE, "old")
    clock.forward(2 * DAY)
    store.quotas.visit(MINE)
    for name in ("a", "b"):
        clock.forward(60)
        save_run(store, YOURS, name)
    assert (run_ids(store, MINE), run_ids(store, YOURS)) == ([], ["a", "b"])


def test_new_run_is_refused_when_all_are_pinned_or_active(url: str, clock: Clock) -> None:
    before = RunStore(url, clock=clock)
    save_run(before, MINE, "pinned")
    before.pin(MINE, "pinned")
    save_run(before, YOURS, "running", status=None)
    clock.forward(DAY)
    store = RunStore(url, max_total_bytes=int(1.5 * SIZE), clock=clock)
    with pytest.raises(StoreError, match="no space for more runs"):
        store.create(THEIRS, "c", small(epochs=10), blobs())
    assert (run_ids(store, MINE), run_ids(store, YOURS), run_ids(store, THEIRS)) == (["pinned"], ["running"], [])
    store.pin(MINE, "pinned", False)
    store.create(THEIRS, "c", small(epochs=10), blobs())
    assert (run_ids(store, MINE), run_ids(store, YOURS)) == ([], ["running"])


def test_first_epoch_without_space_is_refused_and_later_ones_replace_it(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", max_total_bytes=int(1.5 * SIZE), clock=clock)
    store.create(MINE, "one", small(epochs=10), blobs())
    store.create(YOURS, "two", small(epochs=10), blobs())
    store.save_epoch(MINE, "one", state_after(small(epochs=10), 1))
    with pytest.raises(StoreError, match="no space for more runs"):
        store.save_epoch(YOURS, "two", state_after(small(epochs=10), 1))
    assert store.load(YOURS, "two").state is None
    store.save_epoch(MINE, "one", state_after(small(epochs=10), 2))


def test_deleted_runs_are_removed_first_and_not_counted(url: str, clock: Clock) -> None:
    store = RunStore(url, max_total_bytes=int(2.5 * SIZE), clock=clock)
    save_run(store, MINE, "a")
    clock.forward(1)
    save_run(store, YOURS, "b")
    store.delete(YOURS, "b")
    save_run(store, THEIRS, "c")
    assert (run_ids(store, MINE), run_ids(store, THEIRS)) == (["a"], ["c"])
    assert store.quotas.take_removed(YOURS) == 0


def test_removed_runs_are_reported_once(url: str, clock: Clock) -> None:
    store = RunStore(url, max_total_bytes=int(2.5 * SIZE), clock=clock)
    for name in ("a", "b"):
        save_run(store, MINE, name)
    assert store.quotas.take_removed(MINE) == 0
    for name in ("c", "d"):
        clock.forward(1)
        save_run(store, YOURS, name)
    assert [store.quotas.take_removed(MINE) for _ in range(2)] == [2, 0]
    assert store.quotas.take_removed(YOURS) == 0


def test_free_disk_space_limits_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(f"sqlite:///{tmp_path / 'runs.db'}", max_total_bytes=10**9, max_disk_share=0.25)
    save_run(store, MINE, "a")
    taken = (tmp_path / "runs.db").stat().st_size
    monkeypatch.setattr(quotas, "free_bytes", lambda _folder: 10 * 2**20 - taken)
    assert store.quotas.total_limit() == 2.5 * 2**20
    monkeypatch.setattr(quotas, "free_bytes", lambda _folder: -taken)
    with pytest.raises(StoreError, match="no space for more runs"):
        save_run(store, MINE, "b", config=small(epochs=10, layers=()), status=None)


def test_database_from_before_the_total_quota(url: str, clock: Clock) -> None:
    store = RunStore(url, clock=clock)
    save_run(store, MINE, "a")
    store.close()
    for table in (
        "playground_workspaces",
        "playground_files",
        "playground_check_counts",
        "playground_entries",
        "playground_seats",
        "playground_classes",
        "playground_revision",
    ):
        execute_sql(url, f"DROP TABLE {table}")
    clock.forward(2 * DAY)
    later = RunStore(url, max_total_bytes=int(2.5 * SIZE), clock=clock)
    later.quotas.visit(MINE)
    first, seen = execute_sql(url, "SELECT first, seen FROM playground_workspaces")[0]
    assert seen - first == 2 * DAY
    save_run(later, MINE, "b")
    assert run_ids(later, MINE) == ["a", "b"]


def test_old_workspaces_without_runs_are_removed(url: str, clock: Clock) -> None:
    store = RunStore(url, max_age_days=30, clock=clock)
    save_run(store, MINE, "a")
    store.quotas.visit(YOURS)
    clock.forward(31 * DAY)
    store.quotas.visit(THEIRS)
    store.quotas.purge()
    assert execute_sql(url, "SELECT count(*) FROM playground_workspaces") == [(1,)]
