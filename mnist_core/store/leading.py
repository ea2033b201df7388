"""What a teacher does with a class: start it, move it, look at its work, and end it.

Only the owner's workspace moves a class, and each move names the revision that it started from: of two desks that move
at the same time, the second is refused.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import ClassFullError, ClassMovedError, ClassNotFoundError, ConfigError, StoreError
from mnist_core.language import Message
from mnist_core.store import handed_in
from mnist_core.store.class_records import (
    MAX_ON_SERVER,
    MAX_OPEN,
    OPEN,
    PHASES,
    PLAN_LENGTH,
    READY,
    SHOWN,
    SHUT,
    TITLE_LENGTH,
    Class,
    as_of_now,
    class_of,
    class_row,
    is_current,
    is_entry,
    is_recent,
    is_seat,
    lock_class,
    new_code,
    wall_token,
)
from mnist_core.store.records import checked_text
from mnist_core.store.tables import classes, entries, seats
from mnist_core.store.workspaces import workspace_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database
    from mnist_core.store.handed_in import Work

_MOVABLE = frozenset({"title", "plan", "at", "task", "phase", "round", "doors", "paused"})
_MOST_DRAWS = 20


class Leading:
    """The methods of `Classes` for the owner of a class."""

    _database: Database
    _clock: Callable[[], float]

    def create(self, workspace: str, title: str, plan: str, task: str) -> Class:
        """Start a class with open doors, before its first task.

        Args:
            workspace: the owner's token.
            title: at most 200 characters.
            plan: at most 64 KB.
            task: the id of the first task.

        Raises:
            ClassFullError: the workspace, or the server, has as many open classes as it may have.
            ConfigError: the title or the plan is too long.
        """
        owner, now, class_id = workspace_key(workspace), self._clock(), uuid.uuid4().hex
        values: dict[str, Any] = {
            **_checked({"title": title, "plan": plan}),
            **{"id": class_id, "owner": owner, "wall": workspace_key(wall_token(workspace, class_id))},
            **{"at": 0, "task": task, "phase": READY, "round": 1, "doors": True, "paused": False},
            **{"revision": 1, "created": now, "moved": now},
        }
        with self._database.writing() as connection:
            of_owner = classes.c.owner == owner
            if _count(connection, is_current(self._clock()), of_owner) >= MAX_OPEN:
                raise ClassFullError(
                    Message("You already lead {most} classes.", most=MAX_OPEN), "End one of them, then start this one."
                )
            if _count(connection, is_current(self._clock())) >= MAX_ON_SERVER:
                raise ClassFullError(
                    Message("This server already has {most} classes.", most=MAX_ON_SERVER),
                    "Wait until one of them has ended.",
                )
            for _ in range(_MOST_DRAWS):
                try:
                    with connection.begin_nested():
                        connection.execute(classes.insert().values(**values, code=new_code()))
                    return class_of(class_row(connection, classes.c.id == class_id))
                except exc.IntegrityError:  # Another class has this code.
                    continue
        raise StoreError("No free code was found.", "Try again.")

    def led_by(self, workspace: str) -> list[Class]:
        """The classes of an owner, the newest first, ended ones too."""
        columns = [classes.c[field.name] for field in dataclasses.fields(Class)]
        query = sa.select(*columns).where(classes.c.owner == workspace_key(workspace))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(classes.c.created.desc())).all()
        return [as_of_now(class_of(row), self._clock()) for row in rows]

    def owned(self, workspace: str, class_id: str) -> Class:
        """A class of an owner, ended or not.

        Raises:
            ClassNotFoundError: the workspace leads no such class.
        """
        which = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace))
        with self._database.reading() as connection:
            return as_of_now(class_of(class_row(connection, *which)), self._clock())

    def move(self, workspace: str, class_id: str, revision: int, **changes: object) -> Class:
        """Change where a class is; returns it as it is then.

        Args:
            workspace: the owner's token.
            class_id: the class.
            revision: that of the class from which the owner moves.
            changes: new values of `Class`: title, plan, at, task, phase, round, doors, paused.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
            ClassMovedError: another desk of the owner has moved it since.
        """
        unknown = set(changes) - _MOVABLE
        if unknown:
            raise ValueError(f"{sorted(unknown)} cannot be changed")
        with self._database.writing() as connection:
            return self._moved(connection, workspace, class_id, revision, changes)

    def begin_again(self, workspace: str, class_id: str, revision: int) -> Class:
        """Throw away what was handed in for the current task, and go back to before it; returns the class.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
            ClassMovedError: another desk of the owner has moved it since.
        """
        with self._database.writing() as connection:
            now = self._moved(connection, workspace, class_id, revision, {"phase": READY, "round": 1})
            now = _with_shown(connection, now, now.shown_tasks - {now.task})
            _give_another_chance(connection, now)
            connection.execute(entries.delete().where(entries.c["class"] == class_id, entries.c.task == now.task))
        return now

    def remove_seat(self, workspace: str, class_id: str, number: int) -> None:
        """Take a seat away: its browser no longer takes part, and may join again while the doors are open.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
        """
        with self._database.writing() as connection:
            self._owned(connection, workspace, class_id)
            connection.execute(seats.update().where(*is_seat(class_id, number)).values(removed=True, hand=None))
            # Its drawings do not come back with it.
            drawn = entries.update().where(entries.c["class"] == class_id, entries.c.seat == number)
            connection.execute(drawn.where(entries.c.label.is_not(None)).values(hidden=True))

    def remove_pretend(self, workspace: str, class_id: str) -> None:
        """Take all pretend students away, with what they have handed in.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
        """
        with self._database.writing() as connection:
            self._owned(connection, workspace, class_id)
            lock_class(connection, class_id)
            connection.execute(seats.delete().where(seats.c["class"] == class_id, seats.c.pretend.is_(True)))

    def take_up_pretend(self, workspace: str, class_id: str) -> bool:
        """Act for the pretend students from now on; returns whether that is so.

        Only if nobody has noted for `AWAY_SECONDS` that they are there: of several servers, one acts for them.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
        """
        now = self._clock()
        pretended = (seats.c["class"] == class_id, seats.c.pretend.is_(True), seats.c.removed.is_(False))
        with self._database.writing() as connection:
            self._owned(connection, workspace, class_id)
            lock_class(connection, class_id)
            seen = connection.execute(sa.select(seats.c.seen).where(*pretended)).scalars().all()
            if not seen or any(is_recent(one, now) for one in seen):
                return False
            connection.execute(seats.update().where(*pretended).values(seen=now))
            return True

    def hide_drawing(self, workspace: str, class_id: str, task: str, seat: int, n: int, is_hidden: bool = True) -> None:
        """Take a drawing out, so that only its seat and the owner see it, or put it back.

        Raises:
            ClassNotFoundError: the workspace leads no such class, or it has ended.
        """
        which = {"class": class_id, "task": task, "round": 1, "seat": seat, "n": n}
        with self._database.writing() as connection:
            self._owned(connection, workspace, class_id)
            connection.execute(entries.update().where(*is_entry(which)).values(hidden=is_hidden))

    def end(self, workspace: str, class_id: str, delete: bool = False) -> frozenset[tuple[str, str]]:
        """End a class: its code opens nothing any more, and its seats are gone at once.

        What they have handed in is kept for 30 days, without names and in another order of seats. With `delete`, it is
        gone at once too, and if the class went on, so are the runs that were handed in, without pinned ones.

        Returns:
            The runs that are gone, by the keys of their workspaces and their ids. Who still trains or saves one of them
            must not save it again: `Saver.drop`.

        Raises:
            ClassNotFoundError: the workspace leads no such class.
        """
        owned = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace))
        with self._database.writing() as connection:
            # Locked, so that nothing is handed in between reading and deleting.
            row = connection.execute(sa.select(classes).where(*owned).with_for_update()).one_or_none()
            if row is None:
                raise ClassNotFoundError
            if delete:
                goes_on = as_of_now(class_of(row), self._clock()).ended is None
                going = handed_in.remove_runs_of(connection, class_id) if goes_on else frozenset()
                connection.execute(classes.delete().where(*owned))
                return going
            if row.ended is None:
                self._end(connection, row, self._clock())
        return frozenset()

    def work(self, workspace: str, class_id: str) -> list[Work]:
        """All that was handed in, by task and seat; after the end without names and in another order of seats.

        Raises:
            ClassNotFoundError: the workspace leads no such class.
        """
        owned = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace))
        with self._database.reading() as connection:
            class_row(connection, *owned)
            kept = connection.execute(sa.select(classes.c.kept).where(*owned)).scalar_one()
            return handed_in.work_of(connection, class_id, self._clock()) if kept is None else handed_in.kept(kept)

    def _moved(
        self, connection: Connection, workspace: str, class_id: str, revision: int, changes: Mapping[str, object]
    ) -> Class:
        """Change a class if it still has the revision; returns it as it is then."""
        where = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace), is_current(self._clock()))
        values = {**_checked(changes), "revision": revision + 1, "moved": self._clock()}
        if changes.get("phase") == OPEN:
            # A task that goes on after it was closed was opened before.
            goes_on = sa.and_(
                classes.c.phase.in_((OPEN, SHUT)),
                *(classes.c[name] == changes.get(name, classes.c[name]) for name in ("task", "round")),
            )
            values["opened"] = sa.case((goes_on, classes.c.opened), else_=values["moved"])
        moved = connection.execute(classes.update().where(*where, classes.c.revision == revision).values(**values))
        row = connection.execute(sa.select(classes).where(*where)).one_or_none()
        if row is None:
            raise ClassNotFoundError
        if not moved.rowcount:
            raise ClassMovedError
        now = class_of(row)
        if now.phase == OPEN:
            _give_another_chance(connection, now)
        # What was shown once is known to all, whatever comes after it.
        return _with_shown(connection, now, now.shown_tasks | {now.task}) if now.phase == SHOWN else now

    def _owned(self, connection: Connection, workspace: str, class_id: str) -> None:
        class_row(
            connection, classes.c.id == class_id, classes.c.owner == workspace_key(workspace), is_current(self._clock())
        )

    def _end(self, connection: Connection, row: sa.Row[Any], ended: float) -> None:
        """End a class: keep what was handed in, and delete the seats, with all that says whose it was."""
        kept = handed_in.keep(handed_in.work_of(connection, row.id, self._clock()))
        values = {"ended": ended, "code": None, "revision": row.revision + 1, "kept": kept}
        connection.execute(classes.update().where(classes.c.id == row.id).values(**values))
        connection.execute(seats.delete().where(seats.c["class"] == row.id))


def _checked(values: Mapping[str, object]) -> dict[str, Any]:
    found = dict(values)
    for name, most in (("title", TITLE_LENGTH), ("plan", PLAN_LENGTH)):
        if name in found:
            found[name] = checked_text(name, str(found[name]), most)
    if found.get("phase", READY) not in PHASES:
        raise ConfigError("phase", "is not a phase of a task.", Message("Use one of {names}.", names=", ".join(PHASES)))
    return found


def _count(connection: Connection, *which: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(classes).where(*which)).scalar_one())


def _with_shown(connection: Connection, now: Class, tasks: frozenset[str]) -> Class:
    """The class with these tasks as those whose result was shown."""
    shown = " ".join(sorted(tasks))
    if shown != now.shown:
        connection.execute(classes.update().where(classes.c.id == now.id).values(shown=shown))
    return dataclasses.replace(now, shown=shown)


def _give_another_chance(connection: Connection, now: Class) -> None:
    """Nobody has missed the current task any more: it is, or will be, open again."""
    task = f" {now.task} "
    missed = seats.update().where(seats.c["class"] == now.id, seats.c.missed.contains(task, autoescape=True))
    connection.execute(missed.values(missed=sa.func.replace(seats.c.missed, task, " ")))
