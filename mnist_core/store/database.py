"""The database of saved runs: its connections, transactions and error messages.

SQLite uses write-ahead mode, so that pages can read while a run is being saved. Other databases of SQLAlchemy work too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, make_url

from mnist_core.errors import StoreError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

logger = logging.getLogger(__name__)

# Lock: only one server migrates a PostgreSQL database at a time. Any number will do.
_SCHEMA_LOCK = 0x6D6E697374
# Measured: with SQLite's defaults (4,096 bytes a page, 2 MB of cache), saving 5 MB takes three to four times as long.
_PAGE_BYTES = 32_768
_CACHE_KILOBYTES = 8_000
_JOURNAL_BYTES = 64 * 2**20


def configured_url() -> str:
    """The address of this server's database: the setting ``DATABASE_URL``, else a file in the folder ``runs``."""
    return os.environ.get("DATABASE_URL") or "sqlite:///runs/playground.db"


class _Turns:
    """Threads that wait for a turn get it in the order in which they came.

    SQLite has no such order: who finds it locked tries again up to 100 ms later. Measured with sixty students who hand
    in a run while the same runs are saved: one in twenty waited for more than 2.2 s.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self.waiting: deque[threading.Event] = deque()

    @contextlib.contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """A turn for the body of a `with` statement.

        Raises:
            StoreError: it did not come within `patience` seconds.
        """
        self._take(patience)
        try:
            yield
        finally:
            with self._lock:
                if self.waiting:
                    self.waiting.popleft().set()
                else:
                    self._is_taken = False

    def _take(self, patience: float) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            own = threading.Event()
            self.waiting.append(own)
        if own.wait(patience):
            return
        with self._lock:
            if own.is_set():  # It came just now.
                return
            self.waiting.remove(own)
        logger.warning("No turn to write came within %g seconds", patience)
        raise StoreError(*_BUSY)


class Database:
    """One database. Safe to use from any thread.

    It is opened when it is first needed, so the server can start before the database does.

    Args:
        url: as in SQLAlchemy, such as ``sqlite:///runs.db``; ``postgres://`` and ``postgresql://`` use psycopg.
        patience: seconds to wait for a lock that others hold.

    Raises:
        StoreError: nothing can be saved at this address.
    """

    def __init__(self, url: str, patience: float = 10.0) -> None:
        self._patience = patience
        self._is_ready = False
        self._opening = threading.Lock()
        self._turns: _Turns | None = None  # Of the threads that write, if the database lets only one write.
        address = _address(url)
        try:
            if address.get_backend_name() == "sqlite":
                self._engine = self._sqlite(address)
                self._turns = _Turns()
            else:
                self._engine = self._server(address)
        except (exc.ArgumentError, ImportError) as error:
            raise StoreError(
                "The address names a kind of database that is not installed here.",
                "Use an address like sqlite:///runs.db or postgresql://user:password@host/name.",
                address.drivername,
            ) from error
        self._writer = self._engine.execution_options(playground_writes=True)

    def _sqlite(self, address: URL) -> Engine:
        if address.database in (None, "", ":memory:") or "memory" in address.query.values():
            raise StoreError(
                "A database in memory does not save anything.", "Name a file, as in sqlite:///runs.db.", str(address)
            )
        # Each open connection has its own cache, so few stay open; opening one takes a millisecond.
        engine = sa.create_engine(
            address,
            connect_args={"timeout": self._patience},
            pool_size=2,
            max_overflow=30,
            pool_timeout=self._patience,
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            # SQLAlchemy begins the transactions; sqlite3 must not begin its own.
            connection.isolation_level = None
            for setting in (
                f"page_size={_PAGE_BYTES}",
                f"cache_size=-{_CACHE_KILOBYTES}",
                "journal_mode=WAL",
                "synchronous=NORMAL",
                f"journal_size_limit={_JOURNAL_BYTES}",
                "foreign_keys=ON",
            ):
                connection.execute(f"PRAGMA {setting}")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # SQLite refuses a transaction that first reads and then writes if another has written in between.
            writes = connection.get_execution_options().get("playground_writes")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def _server(self, address: URL) -> Engine:
        settings: dict[str, Any] = {}
        is_postgres = address.get_backend_name() == "postgresql"
        if is_postgres and address.get_driver_name() == "psycopg":
            # Connection poolers do not support prepared statements. The timeouts detect a server that is gone.
            settings = {
                "prepare_threshold": None,
                "connect_timeout": max(2, round(self._patience)),
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            }
        engine = sa.create_engine(
            address, connect_args=settings, pool_pre_ping=True, pool_timeout=self._patience, pool_recycle=1_800
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            if not is_postgres:
                return
            if connection.get_execution_options().get("playground_writes"):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(self._patience * 1_000))}")
            else:
                # A run and its arrays are read by two statements. Without this, a save could come between them.
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        return engine

    @property
    def waiting_writers(self) -> int:
        """How many threads wait for their turn to write; 0 for a database that orders them itself."""
        return len(self._turns.waiting) if self._turns else 0

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database; None for another kind."""
        address = self._engine.url
        if address.get_backend_name() != "sqlite" or not address.database or address.database.startswith("file:"):
            return None
        return Path(address.database)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the database as it was at its first statement.

        Raises:
            StoreError: it cannot be read, or was written by a newer version of the playground.
        """
        self._open()
        with self._transaction(self._engine) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is saved completely, or not at all after any error.

        Raises:
            StoreError: it cannot be written, or was written by a newer version of the playground.
        """
        self._open()
        turn = self._turns.turn(self._patience) if self._turns else contextlib.nullcontext()
        with turn, self._transaction(self._writer) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections; the next transaction opens new ones."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            logger.warning("The database refused: %s", error.orig)
            raise _error(error.orig) from error
        except exc.TimeoutError as error:
            logger.warning("No connection to the database became free: %s", error)
            raise _error(error) from error

    def _open(self) -> None:
        """Create the tables of a new database, update an old one, refuse a newer one."""
        from mnist_core.store import migrations  # Alembic is slow to import.

        with self._opening:
            if self._is_ready:
                return
            self._make_folder()
            with self._transaction(self._writer) as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
                migrations.upgrade(connection)
            self._is_ready = True

    def _make_folder(self) -> None:
        if self.file is not None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                logger.warning("The database's folder cannot be made: %s", error)
                raise _error(error) from error


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        # Do not repeat the address: it may contain a password.
        raise StoreError(
            "The address of the database cannot be read.",
            "Use an address like sqlite:///runs.db or postgresql://user:password@host/name.",
        ) from error
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    return address


_BUSY = Message("The database of saved runs is busy."), Message("Try again in a minute.")
# Signs in the messages of SQLite and the codes of PostgreSQL, with the problem and the remedy to show.
_MEANINGS = (
    (
        ("disk is full", "53100", "no space left"),
        Message("The disk with the saved runs is full."),
        Message("Delete runs that you do not need, or ask the person who runs this server for more space."),
    ),
    (
        ("is locked", "55P03", "40P01", "40001"),
        *_BUSY,
    ),
    (
        ("malformed", "not a database"),
        Message("The database of saved runs is damaged."),
        Message(
            "Ask the person who runs this server to restore a backup, or to move the file away and start with a new "
            "one."
        ),
    ),
    (
        ("readonly", "read-only", "unable to open", "permission denied", "42501", "25006"),
        Message("The database of saved runs cannot be written."),
        Message("Ask the person who runs this server to give it a folder that it can write to."),
    ),
)


def _error(cause: BaseException | None) -> StoreError:
    """The error to show. Its cause is only logged, since it may contain hosts and users."""
    message = f"{cause} {getattr(cause, 'sqlstate', '')}"
    for signs, problem, remedy in _MEANINGS:
        if any(sign.lower() in message.lower() for sign in signs):
            return StoreError(problem, remedy)
    return StoreError(
        "The database of saved runs cannot be reached, or returns an error.",
        "Try again in a minute. The server's log has the details.",
    )
