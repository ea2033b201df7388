"""Databases of earlier versions are upgraded; SQLite and PostgreSQL.

`databases` holds dumps of what the code of commit 779423b really wrote, by both kinds: three runs of one workspace,
"finished" (shared, pinned, with a network and an evaluation), "running" and "deleted".
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

from mnist_core.config import LayerConfig
from mnist_core.errors import StoreError
from mnist_core.store import migrations
from mnist_core.store.runs import RunStore
from mnist_core.store.tables import metadata
from mnist_core.store.workspaces import share_token
from mnist_core.training import Status
from tests.samples import blobs, small
from tests.stored_runs import (
    Clock,
    after_statement,
    as_tuples,
    assert_same_arrays,
    assert_same_evaluation,
    assert_same_state,
    curve_points,
    execute_sql,
    random_evaluation,
    run_ids,
    save_run,
    state_after,
)

DUMPS = Path(__file__).parent / "databases"
WORKSPACE = "a_workspace_of_its_own"
CONFIG = small(epochs=10, layers=(LayerConfig("conv", 2),) * 3, optimizer="momentum", seed=7)
NEWEST = "0010"


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that commit 779423b wrote, one of each kind."""
    dump = (DUMPS / f"{request.param}.sql").read_text()
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "old.db")
        connection.executescript(dump)
        connection.close()
        return f"sqlite:///{tmp_path / 'old.db'}"
    url = str(request.getfixturevalue("postgres_server").new_database())
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection_:
        connection_.exec_driver_sql(dump)
    return url


def tables(url: str) -> set[str]:
    return set(sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_table_names())


def assert_up_to_date(url: str) -> None:
    """The schema is that of `tables` (compared by Alembic), and the database has the newest revision."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.REVISION_TABLE})
        assert context.get_current_heads() == (NEWEST,)
        assert compare_metadata(context, metadata) == []


def test_runs_of_an_old_database_are_read(old_url: str) -> None:
    store = RunStore(old_url, clock=Clock())
    assert run_ids(store, WORKSPACE) == ["finished", "running"]
    state = state_after(CONFIG, 3)

    finished = store.load(WORKSPACE, "finished")
    assert finished.config == CONFIG
    assert finished.versions == {"python": "3.11.7", "tensorflow": "2.21.0"}
    summary = finished.summary
    assert (summary.number, summary.title, summary.notes) == (1, "The finished one", "Wide, and it's good.")
    assert (summary.is_pinned, summary.status, summary.message) == (True, Status.FINISHED, "Done.")
    assert (summary.epochs, summary.loss, summary.accuracy) == (3, 1 / 9, 8 / 9)
    assert finished.network is not None
    assert_same_arrays(finished.network.weights, state.weights)
    assert_same_evaluation(finished.evaluation, random_evaluation(9))
    assert as_tuples(finished.points) == as_tuples(curve_points(3))
    finished.check_dataset(blobs())

    assert_same_state(store.load(WORKSPACE, "running").state, state)
    assert store.shares.load(share_token(WORKSPACE, "finished")).summary.title == "The finished one"


def test_runs_of_an_old_database_continue(old_url: str) -> None:
    clock = Clock()
    store = RunStore(old_url, clock=clock)
    store.restore(WORKSPACE, "deleted")
    clock.forward(60)
    assert_same_state(store.take_over(WORKSPACE, "running").state, state_after(CONFIG, 3))
    store.save_epoch(WORKSPACE, "running", state_after(CONFIG, 4))
    store.shares.unshare(WORKSPACE, "finished")
    assert store.load(WORKSPACE, "running").summary.epochs == 4
    assert run_ids(store, WORKSPACE) == ["deleted", "finished", "running"]
    assert_up_to_date(old_url)


def test_database_from_before_shares(old_url: str) -> None:
    """The first databases had the same schema version, and no table of shares."""
    execute_sql(old_url, "DROP TABLE playground_shares")
    store = RunStore(old_url, clock=Clock())
    assert run_ids(store, WORKSPACE) == ["finished", "running"]
    store.shares.load(store.shares.share(WORKSPACE, "finished"))
    assert_up_to_date(old_url)


def test_last_database_without_revisions(url: str) -> None:
    """It has neither the table of Alembic nor those of later revisions."""
    save_run(RunStore(url), WORKSPACE, "one")
    execute_sql(url, f"DROP TABLE {migrations.REVISION_TABLE}")
    later = ("playground_entries", "playground_seats", "playground_classes")
    for table in ("playground_files", "playground_check_counts", *later):
        execute_sql(url, f"DROP TABLE {table}")
    store = RunStore(url)
    assert run_ids(store, WORKSPACE) == ["one"]
    assert_up_to_date(url)


def test_empty_database_gets_the_newest_schema(url: str) -> None:
    assert RunStore(url).list(WORKSPACE) == ()
    assert_up_to_date(url)
    assert tables(url) == {*metadata.tables, migrations.REVISION_TABLE}


def test_current_database_is_unchanged(url: str) -> None:
    RunStore(url).list(WORKSPACE)
    statements: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        statements.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", look)
    try:
        RunStore(url).list(WORKSPACE)
    finally:
        sa.event.remove(Engine, "before_cursor_execute", look)
    changes = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")
    assert [statement for statement in statements if statement.lstrip().startswith(changes)] == []


def test_newer_revision_is_refused_and_unchanged(url: str) -> None:
    save_run(RunStore(url), WORKSPACE, "one")
    execute_sql(url, f"UPDATE {migrations.REVISION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of the playground.*Update the playground"):
        RunStore(url).delete(WORKSPACE, "one")
    assert execute_sql(url, f"SELECT version_num FROM {migrations.REVISION_TABLE}") == [("9999",)]
    assert execute_sql(url, "SELECT count(*) FROM playground_runs WHERE deleted IS NULL") == [(1,)]


def test_failed_migration_leaves_the_old_database(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    last = migrations.revisions().get_revision("head").module
    with monkeypatch.context() as patch:
        patch.setattr(last, "upgrade", lambda op: op.execute("CREATE TABLE nothing"))
        with pytest.raises(StoreError):
            RunStore(old_url).list(WORKSPACE)
    assert not tables(old_url) & {migrations.REVISION_TABLE, "playground_workspaces"}
    assert run_ids(RunStore(old_url, clock=Clock()), WORKSPACE) == ["finished", "running"]
    assert_up_to_date(old_url)


def test_servers_that_start_at_once_on_an_empty_database(url: str) -> None:
    start_two_servers(url)
    assert_up_to_date(url)


def test_servers_that_start_at_once_on_an_old_database(old_url: str) -> None:
    start_two_servers(old_url)
    assert_up_to_date(old_url)
    assert run_ids(RunStore(old_url, clock=Clock()), WORKSPACE) == ["finished", "running"]


def start_two_servers(url: str) -> None:
    """The second starts while the first is in the middle of its migration, and does not migrate again."""
    arrived, errors, created = threading.Event(), [], []

    def second() -> None:
        try:
            RunStore(url).list(WORKSPACE)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    other = threading.Thread(target=second)

    def begin() -> None:
        other.start()
        assert arrived.wait(60)

    def look(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if threading.current_thread() is other:
            arrived.set()
        if "playground_workspaces (" in statement:
            created.append(threading.current_thread())

    sa.event.listen(Engine, "before_cursor_execute", look)
    try:
        with after_statement("playground_shares (", begin):
            RunStore(url).list(WORKSPACE)
        other.join()
    finally:
        sa.event.remove(Engine, "before_cursor_execute", look)
    assert errors == []
    assert created == [threading.current_thread()]


BEFORE_OPENING = """
import sys
import app, pages.widgets.state.workspace, pages.widgets.common.editor
assert "sqlalchemy" not in sys.modules
from mnist_core.store.runs import RunStore
store = RunStore("sqlite:///" + sys.argv[1])
print("alembic" in sys.modules)
store.list("A" * 22)
print("alembic" in sys.modules)
"""


def test_alembic_is_imported_with_the_first_database(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.run(
        [sys.executable, "-c", BEFORE_OPENING, str(tmp_path / "runs.db")],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.stdout.split() == ["False", "True"], child.stderr
