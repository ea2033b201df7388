"""What a workspace holds besides runs: drawings and a data set of its own; SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from mnist_core.errors import StoreError
from mnist_core.store import files
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from tests.stored_runs import Clock, execute_sql, run_ids, save_run

MINE, YOURS = new_workspace(), new_workspace()
DAY = 86_400.0
RUN = 4 * (28 * 28 * 16 + 16 + 160 + 10)
"""About the bytes of a run of `save_run`."""


def test_file_is_loaded_unchanged_in_its_workspace_alone(url: str) -> None:
    RunStore(url).files.save(MINE, "drawings", b"\0ink\xff")
    store = RunStore(url)
    assert store.files.load(MINE, "drawings") == b"\0ink\xff"
    assert store.files.names(MINE) == {"drawings"}
    assert store.files.load(MINE, "data") is None
    assert store.files.load(YOURS, "drawings") is None
    assert store.files.names(YOURS) == set()


def test_newer_file_replaces_the_older(url: str) -> None:
    store = RunStore(url)
    for data in (b"one", b"two", b"3"):
        store.files.save(MINE, "drawings", data)
        assert store.files.load(MINE, "drawings") == data
    assert execute_sql(url, "SELECT count(*) FROM playground_files") == [(1,)]


def test_empty_file_removes_it(url: str) -> None:
    store = RunStore(url)
    store.files.save(MINE, "drawings", b"ink")
    store.files.save(MINE, "drawings", b"")
    store.files.save(MINE, "drawings", b"")
    assert store.files.load(MINE, "drawings") is None
    assert store.files.names(MINE) == set()


def test_damaged_file_is_refused(url: str) -> None:
    store = RunStore(url)
    store.files.save(MINE, "drawings", b"ink")
    execute_sql(url, "UPDATE playground_files SET checksum = checksum + 1")
    with pytest.raises(StoreError, match="damaged"):
        store.files.load(MINE, "drawings")


def test_file_above_the_limit_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 4)
    store = RunStore(url)
    store.files.save(MINE, "data", b"1234")
    with pytest.raises(StoreError, match="too large"):
        store.files.save(MINE, "data", b"12345")
    assert store.files.load(MINE, "data") == b"1234"


def test_files_count_towards_the_quota_of_a_workspace(url: str, clock: Clock) -> None:
    store = RunStore(url, max_bytes=int(2.5 * RUN), clock=clock)
    for name in "ab":
        clock.forward(1)
        save_run(store, MINE, name)
    store.files.save(MINE, "drawings", bytes(RUN // 4))
    assert run_ids(store, MINE) == ["a", "b"]
    store.files.save(MINE, "data", bytes(RUN // 2))
    assert run_ids(store, MINE) == ["b"]
    store.pin(MINE, "b")
    with pytest.raises(StoreError, match="workspace is full"):
        store.files.save(MINE, "data", bytes(2 * RUN))
    assert store.files.load(MINE, "data") == bytes(RUN // 2)


def test_files_of_abandoned_workspaces_are_removed_for_others(url: str, clock: Clock) -> None:
    store = RunStore(url, max_total_bytes=2 * RUN, clock=clock)
    store.files.save(YOURS, "drawings", bytes(RUN))
    clock.forward(60)
    store.files.save(MINE, "drawings", bytes(RUN // 2))
    clock.forward(2 * DAY)
    store.quotas.visit(MINE)  # Its owner has returned.
    save_run(store, MINE, "new")
    assert store.files.names(YOURS) == set()
    assert store.files.names(MINE) == {"drawings"}
    assert run_ids(store, MINE) == ["new"]


def test_files_that_nobody_has_visited_for_long_are_purged(url: str, clock: Clock) -> None:
    store = RunStore(url, max_age_days=90, clock=clock)
    store.files.save(MINE, "drawings", b"mine")
    store.files.save(YOURS, "drawings", b"yours")
    clock.forward(60 * DAY)
    store.quotas.visit(MINE)
    clock.forward(31 * DAY)
    store.quotas.purge()
    assert store.files.names(MINE) == {"drawings"}
    assert store.files.names(YOURS) == set()
    assert execute_sql(url, "SELECT count(*) FROM playground_workspaces") == [(1,)]
