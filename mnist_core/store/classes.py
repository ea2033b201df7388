"""Classes: lessons that a teacher leads, with a seat for each browser, and what the seats hand in."""

from __future__ import annotations

import dataclasses
import hmac
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mnist_core.errors import RunNotFoundError
from mnist_core.store import handed_in, reading
from mnist_core.store.class_records import (
    EMPTY_SECONDS,
    IDLE_SECONDS,
    KEPT_DAYS,
    Board,
    Class,
    as_of_now,
    class_of,
    class_row,
    is_open,
    seats_of,
    token_key,
)
from mnist_core.store.handing_in import HandingIn
from mnist_core.store.leading import Leading
from mnist_core.store.seating import Seating
from mnist_core.store.tables import classes, seats

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mnist_core.network import TrainedNetwork
    from mnist_core.store.database import Database
    from mnist_core.store.handed_in import ClassRun, SavedDrawing, Work
    from mnist_core.training import EpochMetrics


class Classes(Leading, Seating, HandingIn):
    """The classes of one `RunStore`. Safe to use from any thread; the same errors as its methods.

    Args:
        database: where they are saved.
        clock: the time in seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def board(self, class_id: str, task: str = "") -> Board:
        """A class by its id with all that its pages show, in one look at the database.

        With `task`, an id, as if that task was the current one.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
        """
        with self._database.reading() as connection:
            now = as_of_now(class_of(class_row(connection, classes.c.id == class_id)), self._clock())
            now = dataclasses.replace(now, task=task or now.task)
            return Board(
                now,
                tuple(seats_of(connection, class_id)),
                handed_in.votes_for(connection, class_id, now.task),
                handed_in.guesses_for(connection, class_id, now.task),
                handed_in.runs_for(connection, class_id, now.task, self._clock()),
                handed_in.drawings_for(connection, class_id, now.task),
                handed_in.first_times(connection, class_id, now.task, now.round),
            )

    def drawings(self, class_id: str, task: str, of_seats: Collection[int]) -> dict[int, tuple[SavedDrawing, ...]]:
        """The drawings of these seats for a task with their data, by place, by seat."""
        with self._database.reading() as connection:
            return handed_in.drawings_for(connection, class_id, task, of_seats)

    def work_of(self, class_id: str) -> list[Work]:
        """All that was handed in, by task and seat; drawings without their data.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
        """
        with self._database.reading() as connection:
            class_row(connection, classes.c.id == class_id)
            return handed_in.work_of(connection, class_id, self._clock(), has_data=False)

    def result_key(self, class_id: str) -> bytes:
        """The secret that the result codes of a class are made with, 32 bytes. It must not leave the server.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
        """
        with self._database.reading() as connection:
            # Not from the wall's token, which stands in the address of a screen that all can see.
            owner = class_row(connection, classes.c.id == class_id).owner
        return hmac.digest(str(owner).encode(), f"result codes {class_id}".encode(), "sha256")

    def ended_runs(self, class_id: str) -> list[ClassRun]:
        """All networks that seats of a class have trained to their end, by task and seat, the oldest first."""
        with self._database.reading() as connection:
            return handed_in.ended_runs(connection, class_id)

    def network(self, one: ClassRun) -> TrainedNetwork:
        """The network that a run of a class has ended with.

        Raises:
            RunNotFoundError: it was deleted, or has no network.
            StoreError: also if it is damaged.
        """
        with self._database.reading() as connection:
            found = reading.load_network(connection, one.workspace, one.run.run)
        if found is None:
            raise RunNotFoundError
        return found

    def history(self, class_id: str, run_id: str) -> tuple[EpochMetrics, ...]:
        """The epochs of a run that a seat has handed in.

        Raises:
            RunNotFoundError: no seat has handed it in, or it was deleted.
            StoreError: also if it is damaged.
        """
        with self._database.reading() as connection:
            found = [one for one in handed_in.ended_runs(connection, class_id) if one.run.run == run_id]
            if not found:
                raise RunNotFoundError
            stored = reading.load_run(self._database, connection, found[0].workspace, run_id)
        return stored.state.history if stored.state is not None else ()

    def on_wall(self, token: str) -> Class:
        """The class of the wall's token, which may only look.

        Raises:
            ClassNotFoundError: it opens none.
        """
        with self._database.reading() as connection:
            return as_of_now(class_of(class_row(connection, classes.c.wall == token_key(token))), self._clock())

    def tidy(self) -> None:
        """End the classes that nobody has touched for too long, and delete those that have ended long ago.

        The seats of one are gone then, so it is not done while somebody is there, see `EMPTY_SECONDS`: if only the
        clock says that it is so late, the class goes on as soon as the clock is right.
        """
        now = self._clock()
        somebody = sa.exists().where(
            seats.c["class"] == classes.c.id, seats.c.seen.between(now - EMPTY_SECONDS, now + EMPTY_SECONDS)
        )
        idle = (is_open(), classes.c.moved <= now - IDLE_SECONDS, sa.not_(somebody))
        with self._database.writing() as connection:
            for row in connection.execute(sa.select(classes).where(*idle).with_for_update(skip_locked=True)).all():
                self._end(connection, row, row.moved + IDLE_SECONDS)
            connection.execute(classes.delete().where(classes.c.ended <= now - KEPT_DAYS * 86_400))
