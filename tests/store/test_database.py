"""Those who write at the same time get their turns in order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from mnist_core.errors import StoreError
from mnist_core.store.database import Database
from mnist_core.store.tables import servers
from tests.scheduled_runs import wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/runs.db", patience=0.05)


def test_writers_get_their_turns_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    database, order = Database(f"sqlite:///{tmp_path}/runs.db"), []

    def write(number: int) -> None:
        with database.writing():
            order.append(number)

    with ThreadPoolExecutor(8) as pool:
        with database.writing():
            for number in range(8):
                pool.submit(write, number)
                wait_until(lambda place=number: database.waiting_writers > place)  # type: ignore[misc]
        # Who comes now finds the database free for a moment at most.
        write(8)
    assert order == list(range(9))
    assert database.waiting_writers == 0


def test_writer_whose_turn_does_not_come_leaves_the_line(database: Database) -> None:
    with database.writing() as first:
        first.execute(servers.insert().values(id="one", seen=1.0))
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="database of saved runs is busy"):
            pool.submit(write_server, database, "two").result()
        assert database.waiting_writers == 0
    write_server(database, "three")
    with database.reading() as connection:
        assert connection.execute(sa.select(servers.c.id).order_by(servers.c.id)).scalars().all() == ["one", "three"]


def test_turn_is_given_back_after_an_error(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing():
        raise ZeroDivisionError
    write_server(database, "one")


def write_server(database: Database, name: str) -> None:
    with database.writing() as connection:
        connection.execute(servers.insert().values(id=name, seen=1.0))
