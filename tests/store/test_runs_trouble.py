"""The disk is full, the database is locked or unreachable, or something in it is damaged."""

from __future__ import annotations

import pickle
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import Pool

from mnist_core.errors import StoreError
from mnist_core.network import TrainedNetwork
from mnist_core.store.migrations import SCHEMA_VERSION
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.postgres import Postgres
from tests.samples import blobs, small
from tests.stored_runs import (
    assert_same_state,
    assert_unchanged,
    curve_points,
    execute_sql,
    random_evaluation,
    run_ids,
    save_run,
    state_after,
)

PLAIN = small(epochs=10)
EARLY = small(epochs=10, optimizer="momentum", validation_fraction=0.25, early_stopping=3)
MINE = new_workspace()
SECRET = "hunter2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


# --- The database itself ---


def test_full_disk_leaves_the_epoch_before(file: Path) -> None:
    """SQLite gives the same error for a full disk as for a file that must not grow."""
    store = RunStore(f"sqlite:///{file}")
    save_run(store, MINE, "one", 1, None)
    before = store.load(MINE, "one")
    store.close()
    limits = [sqlite3.connect(file).execute("PRAGMA page_count").fetchone()[0]]

    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={limits[-1]}")

    event.listen(Pool, "connect", limit)
    try:
        large = small(epochs=10, optimizer="adam", layers=PLAIN.layers * 6)
        with pytest.raises(StoreError, match="disk with the saved runs is full"):
            store.create(MINE, "two", large, blobs(), start=state_after(large, 0))
        assert run_ids(store, MINE) == ["one"]
        assert_unchanged(before, store.load(MINE, "one"))
        store.close()
        limits.append(2**30)
        store.save_epoch(MINE, "one", state_after(PLAIN, 2))
        assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 2))
    finally:
        event.remove(Pool, "connect", limit)


def test_locked_file_can_be_read_and_is_written_later(file: Path) -> None:
    store = RunStore(f"sqlite:///{file}", patience=0.01)
    save_run(store, MINE, "one", 1, None)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database of saved runs is busy"):
        store.save_epoch(MINE, "one", state_after(PLAIN, 2))
    assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 1))
    other.execute("COMMIT")
    store.save_epoch(MINE, "one", state_after(PLAIN, 2))
    assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 2))


def test_locked_row_in_postgresql_can_be_read_and_is_written_later(postgres_server: Postgres) -> None:
    url = postgres_server.new_database()
    store = RunStore(url, patience=0.05)
    save_run(store, MINE, "one", 1, None)
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as other:
        other.exec_driver_sql("SELECT * FROM playground_runs FOR UPDATE")
        with pytest.raises(StoreError, match="database of saved runs is busy"):
            store.save_epoch(MINE, "one", state_after(PLAIN, 2))
        assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 1))
    store.save_epoch(MINE, "one", state_after(PLAIN, 2))


def test_file_is_in_write_ahead_mode(file: Path) -> None:
    save_run(RunStore(f"sqlite:///{file}"), MINE, "one")
    assert sqlite3.connect(file).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_folder_is_made(tmp_path: Path) -> None:
    store = RunStore(f"sqlite:///{tmp_path / 'a' / 'b' / 'runs.db'}")
    save_run(store, MINE, "one")
    assert run_ids(store, MINE) == ["one"]


def test_file_instead_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("not a folder")
    with pytest.raises(StoreError):
        RunStore(f"sqlite:///{tmp_path / 'a' / 'runs.db'}").list(MINE)


def test_other_file_is_refused_and_left_alone(file: Path) -> None:
    content = b"A shopping list, not a database. " * 100
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        RunStore(f"sqlite:///{file}").list(MINE)
    assert file.read_bytes() == content


def test_newer_schema_is_refused_and_left_alone(url: str) -> None:
    save_run(RunStore(url), MINE, "one")
    execute_sql(url, "UPDATE playground_schema_version SET version = :version", version=SCHEMA_VERSION + 1)
    store = RunStore(url)
    for attempt in (store.list, store.unfinished, lambda token: store.delete(token, "one")):
        with pytest.raises(StoreError, match="a newer version of the playground"):
            attempt(MINE)
    assert execute_sql(url, "SELECT count(*) FROM playground_runs WHERE deleted IS NULL") == [(1,)]
    execute_sql(url, "UPDATE playground_schema_version SET version = :version", version=SCHEMA_VERSION)
    assert run_ids(store, MINE) == ["one"]


def test_tables_of_other_programs_are_left_alone(url: str) -> None:
    execute_sql(url, "CREATE TABLE runs (distance integer)")
    execute_sql(url, "INSERT INTO runs VALUES (42)")
    save_run(RunStore(url), MINE, "one")
    assert execute_sql(url, "SELECT * FROM runs") == [(42,)]


def test_unreachable_server_is_reported_without_its_password(tmp_path: Path) -> None:
    store = RunStore(f"postgresql://me:{SECRET}@/runs?host={tmp_path}")
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        store.list(MINE)
    assert SECRET not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_database_server_that_starts_later_is_found(postgres_server: Postgres) -> None:
    store = RunStore(postgres_server.url("comes_later"))
    with pytest.raises(StoreError):
        store.list(MINE)
    postgres_server.new_database("comes_later")
    save_run(store, MINE, "one")
    assert run_ids(store, MINE) == ["one"]


def test_lost_connection_is_replaced(postgres_server: Postgres) -> None:
    url = postgres_server.new_database()
    store = RunStore(url)
    save_run(store, MINE, "one")
    execute_sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND datname = current_database()")  # fmt: skip
    assert run_ids(store, MINE) == ["one"]


def test_address_in_the_form_that_hosts_give(postgres_server: Postgres) -> None:
    url = postgres_server.new_database()
    for scheme in ("postgres", "postgresql"):
        save_run(RunStore(url.replace("postgresql+psycopg", scheme)), MINE, scheme)
    assert run_ids(RunStore(url), MINE) == ["postgres", "postgresql"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "runs.db",
        "sqlite://",
        "sqlite:///:memory:",
        f"nosuch://me:{SECRET}@host/runs",
        f"mysql+nosuch://me:{SECRET}@host/runs",
        f"postgresql://me:{SECRET}@host:port/runs",
    ],
)
def test_address_that_saves_nothing_is_refused(address: str) -> None:
    with pytest.raises(StoreError) as caught:
        RunStore(address)
    assert SECRET not in str(caught.value)


# --- What stands in it ---


class Trap:
    """Records that somebody unpickled it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def keep_whole(store: RunStore, name: str = "network") -> None:
    """A run with a part of every kind: ended, or active for the parts that only training reads with the others."""
    store.create(MINE, "one", EARLY, blobs())
    store.save_epoch(MINE, "one", state_after(EARLY, 3, best=True), curve_points(3))
    if name in FOR_TRAINING:
        return
    network = TrainedNetwork(EARLY, state_after(EARLY, 4).weights)
    store.finish(MINE, "one", Status.STOPPED, network=network, evaluation=random_evaluation(), rates=())


FOR_TRAINING = ["weights", "slots", "best"]
AT_THE_END = ["network", "history", "points", "rates", "answers", "labels"]
NAMES = [*FOR_TRAINING, *AT_THE_END]


def damage(url: str, name: str, change: Callable[[bytes], bytes], with_checksum: bool) -> None:
    ((data,),) = execute_sql(url, "SELECT data FROM playground_parts WHERE name = :name", name=name)
    changed = change(bytes(data))
    assert changed != bytes(data)
    statement = "UPDATE playground_parts SET data = :data, checksum = :checksum WHERE name = :name"
    checksum = zlib.crc32(changed if with_checksum else bytes(data))
    execute_sql(url, statement, data=changed, checksum=checksum, name=name)


def test_every_part_has_a_damage_test(url: str) -> None:
    keep_whole(RunStore(url))
    names = sorted(row[0] for row in execute_sql(url, "SELECT name FROM playground_parts"))
    assert names == sorted(["weights", *AT_THE_END])
    RunStore(url).load(MINE, "one")


def test_damaged_last_epoch_does_not_hide_the_network(url: str) -> None:
    store = RunStore(url)
    keep_whole(store)
    damage(url, "weights", lambda data: data[:-1], with_checksum=True)
    found = store.load(MINE, "one")
    assert found.network is not None
    assert found.load_weights is not None
    with pytest.raises(StoreError, match="weights cannot be read"):
        found.load_weights()


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bit_is_noticed(url: str, name: str) -> None:
    store = RunStore(url)
    keep_whole(store, name)
    damage(url, name, lambda data: data[:-1] + bytes([data[-1] ^ 1]), with_checksum=False)
    with pytest.raises(StoreError, match="cannot be read"):
        store.load(MINE, "one")
    assert run_ids(store, MINE) == ["one"]
    store.delete(MINE, "one")


# A run without points is one too, and labels have no numbers but whole ones.
FOREIGN = [
    (name, kind)
    for name in NAMES
    for kind in ("shorter", "longer", "empty", "pickle", "not finite")
    if (name, kind) not in {("points", "empty"), ("labels", "not finite")}
]


@pytest.mark.parametrize(("name", "kind"), FOREIGN)
def test_foreign_part_is_refused(url: str, name: str, kind: str, tmp_path: Path) -> None:
    """Its checksum is right, as in a deliberate change."""
    trace = tmp_path / "trace"
    nan = np.float64(np.nan).tobytes() if name == "points" else np.float32(np.nan).tobytes()
    changes: dict[str, Callable[[bytes], bytes]] = {
        "shorter": lambda data: data[:-1],
        "longer": lambda data: data + data[:3] + b"]",
        "empty": lambda data: b"",
        "pickle": lambda data: pickle.dumps(Trap(trace)),
        "not finite": lambda data: nan + data[len(nan) :],
    }
    store = RunStore(url)
    keep_whole(store, name)
    damage(url, name, changes[kind], with_checksum=True)
    with pytest.raises(StoreError, match="cannot be read"):
        store.load(MINE, "one")
    assert not trace.exists()


FOREIGN_HISTORIES = {
    "no object": b"[]",
    "deep": b"[" * 100_000,
    "not whole": b'{"step": 30}',
    "negative step": b'{"step": -1, "epochs": [], "rates": []}',
    "wrong order": b'{"step": 30, "epochs": [[2, 0.5, 0.5, null, null, 0.1]], "rates": []}',
    "text for a number": b'{"step": 30, "epochs": [[1, "0.5", 0.5, null, null, 0.1]], "rates": []}',
    "rate out of range": b'{"step": 30, "epochs": [], "rates": [[1, 1, 1e9]]}',
    "another number of epochs": b'{"step": 10, "epochs": [[1, 0.5, 0.5, null, null, 0.1]], "rates": []}',
}


@pytest.mark.parametrize("case", FOREIGN_HISTORIES)
def test_foreign_history_is_refused(url: str, case: str) -> None:
    store = RunStore(url)
    keep_whole(store)
    damage(url, "history", lambda _: FOREIGN_HISTORIES[case], with_checksum=True)
    with pytest.raises(StoreError, match="history cannot be read"):
        store.load(MINE, "one")


@pytest.mark.parametrize("name", NAMES[:5])
def test_missing_part_is_noticed(url: str, name: str) -> None:
    store = RunStore(url)
    keep_whole(store, name)
    execute_sql(url, "DELETE FROM playground_parts WHERE name = :name", name=name)
    with pytest.raises(StoreError, match="cannot be read"):
        store.load(MINE, "one")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"layers": 3}', '{"unknown": 1}', small(layers=()).to_json()])
def test_unreadable_config_affects_only_its_own_run(url: str, text: str) -> None:
    store = RunStore(url)
    save_run(store, MINE, "other")
    keep_whole(store)
    execute_sql(url, "UPDATE playground_runs SET config = :text WHERE id = 'one'", text=text)
    with pytest.raises(StoreError, match="cannot be read"):
        store.load(MINE, "one")
    assert run_ids(store, MINE) == ["one", "other"]
    store.load(MINE, "other")
