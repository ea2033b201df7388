"""Hand in votes, guesses, runs and drawings for a task of a class.

What a seat hands in counts only while the task, its round and the class's phase are as the seat saw them, which is
checked in the transaction that saves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mnist_core.errors import ClassClosedError, ClassFullError, ClassNotFoundError, ConfigError
from mnist_core.language import Message
from mnist_core.store.class_records import (
    MAX_DRAWING_BYTES,
    MAX_DRAWINGS,
    MAX_OF_SEAT,
    MAX_RUNS,
    OPEN,
    class_row,
    is_current,
    is_entry,
    is_of_browser,
)
from mnist_core.store.tables import classes, entries, seats
from mnist_core.store.workspaces import workspace_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database
    from mnist_core.store.handed_in import SavedDrawing

_CLOSED, _MOVED_ON = Message("This task is closed."), Message("The class has moved on.")


class HandingIn:
    """The methods of `Classes` that hand something in."""

    _database: Database
    _clock: Callable[[], float]

    def vote(self, class_id: str, token: str, task: str, round_: int, choice: int) -> None:
        """Save or change a vote.

        Args:
            class_id: the class.
            token: of the seat, `seat_token`.
            task: the id of the task that the voter has seen.
            round_: which vote of it.
            choice: a place among the choices, from 0.

        Raises:
            ClassClosedError: the vote is closed, or the class has moved on.
            ClassNotFoundError: the browser has no seat there, or the class has ended.
        """
        with self._database.writing() as connection:
            which = self._open_to(connection, class_id, token, task, round_)
            self._put(connection, {**which, "n": 0}, choice=choice)

    def guess(self, class_id: str, token: str, task: str, accuracy: float) -> None:
        """Save or change a guess, 0 to 1, of the accuracy that a seat's network will have.

        Raises:
            ClassClosedError: the task is closed, or the class has moved on.
            ClassNotFoundError: the browser has no seat there, or the class has ended.
        """
        with self._database.writing() as connection:
            which = self._open_to(connection, class_id, token, task, 1)
            self._put(connection, {**which, "n": 0}, guess=accuracy)

    def hand_in_run(self, class_id: str, token: str, task: str, workspace: str, run_id: str) -> None:
        """Hand in a run. A run that the seat has handed in already stays as it is.

        Args:
            class_id: the class.
            token: of the seat, `seat_token`.
            task: the id of the task.
            workspace: the token of the workspace in which the run is, or will be, saved.
            run_id: the run.

        Raises:
            ClassClosedError: the task is closed, or the class has moved on.
            ClassFullError: the seat has handed in as many runs as it may.
            ClassNotFoundError: the browser has no seat there, or the class has ended.
        """
        owner = workspace_key(workspace)
        with self._database.writing() as connection:
            which = self._open_to(connection, class_id, token, task, 1)
            given = connection.execute(
                sa.select(entries.c.n, entries.c.run).where(*is_entry(which), entries.c.run.is_not(None))
            ).all()
            if any(one.run == run_id for one in given):
                return
            if len(given) >= MAX_RUNS:
                raise ClassFullError(
                    Message("You have trained {most} networks in this task.", most=MAX_RUNS), "Look at their results."
                )
            number = 1 + max((one.n for one in given), default=0)
            self._put(connection, {**which, "n": number}, workspace=owner, run=run_id)

    def hand_in_drawing(self, class_id: str, token: str, task: str, drawing: SavedDrawing) -> None:
        """Hand in a drawing, in the place of the one that the seat may have handed in there before.

        Args:
            class_id: the class.
            token: of the seat, `seat_token`.
            task: the id of the task.
            drawing: with its place, from 0, its label, 0 to 9, and its data, at most 8 KB. The rest does not count.

        Raises:
            ClassClosedError: the task is closed, or the class has moved on.
            ClassFullError: the class has as many drawings as it may have.
            ClassNotFoundError: the browser has no seat there, or the class has ended.
            ConfigError: the drawing is too large, or its place or its label is none.
        """
        if not 0 <= drawing.n < MAX_OF_SEAT or not 0 <= drawing.label <= 9:
            raise ConfigError("drawing", "has no such place.", "Reload the page, then draw again.")
        if len(drawing.data) > MAX_DRAWING_BYTES:
            raise ConfigError("drawing", "is too large.", "Draw with fewer lines.")
        with self._database.writing() as connection:
            which = self._open_to(connection, class_id, token, task, 1) | {"n": drawing.n}
            of_class = sa.select(sa.func.count()).select_from(entries).where(entries.c["class"] == class_id)
            others = of_class.where(entries.c.label.is_not(None), sa.not_(sa.and_(*is_entry(which))))
            if int(connection.execute(others).scalar_one()) >= MAX_DRAWINGS:
                problem = Message("This class has {most:,} drawings, which is the most.", most=MAX_DRAWINGS)
                raise ClassFullError(problem, "Look at the front.")
            self._put(connection, which, label=drawing.label, data=drawing.data, hidden=False)

    def take_back_drawing(self, class_id: str, token: str, task: str, n: int) -> None:
        """Delete a drawing of a seat's own, in any phase.

        Raises:
            ClassNotFoundError: the browser has no seat there, or the class has ended.
        """
        with self._database.writing() as connection:
            class_row(connection, classes.c.id == class_id, is_current(self._clock()))
            own = sa.select(seats.c.number).where(*is_of_browser(class_id, token), seats.c.removed.is_(False))
            number = connection.execute(own).scalar_one_or_none()
            if number is None:
                raise ClassNotFoundError
            which = {"class": class_id, "task": task, "round": 1, "seat": number, "n": n}
            connection.execute(entries.delete().where(*is_entry(which), entries.c.label.is_not(None)))

    def _open_to(self, connection: Connection, class_id: str, token: str, task: str, round_: int) -> dict[str, Any]:
        """What begins the key of an entry of a seat, if the seat can hand in something now."""
        # Shared with other seats, but not with a move: an entry comes before the move, or not at all.
        query = sa.select(classes).where(classes.c.id == class_id, is_current(self._clock()))
        row = connection.execute(query.with_for_update(read=True)).one_or_none()
        own = connection.execute(
            sa.select(seats.c.number)
            .where(*is_of_browser(class_id, token), seats.c.removed.is_(False))
            # Lock the seat: of two tabs that vote at once, the second changes the vote of the first.
            .with_for_update()
        ).scalar_one_or_none()
        if row is None or own is None:
            raise ClassNotFoundError
        if (row.phase, row.task, row.round) != (OPEN, task, round_):
            raise ClassClosedError(_CLOSED if row.task == task else _MOVED_ON, "Look at the front.")
        return {"class": class_id, "task": task, "round": round_, "seat": own}

    def _put(self, connection: Connection, which: Mapping[str, object], **values: object) -> None:
        """Save an entry, or change it."""
        now = self._clock()
        changed = entries.update().where(*is_entry(which)).values(**values, changed=now)
        if not connection.execute(changed).rowcount:
            # Not `moved`: closing the doors, for example, changes that too. A clock may have been set back.
            since = sa.literal(now) - classes.c.opened
            seconds = sa.select(sa.case((since < 0, 0.0), else_=since)).where(classes.c.id == which["class"])
            row = {**which, **values, "seconds": seconds.scalar_subquery(), "created": now, "changed": now}
            connection.execute(entries.insert().values(row))
