"""Databases that do not answer, or let nobody write, for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from mnist_core.store.database import Database


@contextlib.contextmanager
def without_folder(database: Database) -> Iterator[None]:
    """Take the folder of an SQLite database away, as if its disk was gone, and put it back at the end."""
    assert database.file is not None
    folder = database.file.parent
    away = folder.with_name(f"{folder.name}-away")
    database.close()  # An open connection would find the file in its new place.
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Lock the classes of a database: others can read them, but change nothing."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "BEGIN EXCLUSIVE" if is_sqlite else "LOCK TABLE playground_classes IN EXCLUSIVE MODE"
        )
        yield
