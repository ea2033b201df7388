"""The seats of a class: who joins, is there, leaves, or asks for help."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mnist_core.errors import ClassClosedError, ClassFullError, ClassNotFoundError
from mnist_core.language import Message
from mnist_core.store.class_records import (
    MAX_SEATS,
    Class,
    Seat,
    class_of,
    class_row,
    is_current,
    is_of_browser,
    is_recent,
    is_seat,
    lock_class,
    seat_of,
    seats_of,
    token_key,
)
from mnist_core.store.tables import classes, seats
from mnist_core.store.workspaces import spoken_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mnist_core.store.database import Database


class Seating:
    """The methods of `Classes` for browsers that take part."""

    _database: Database
    _clock: Callable[[], float]

    def find(self, code: str) -> Class:
        """The class with a code, typed or scanned: case, spaces and dashes do not matter, O is 0, I and L are 1.

        Raises:
            ClassNotFoundError: no class has this code now.
        """
        with self._database.reading() as connection:
            return class_of(class_row(connection, classes.c.code == spoken_code(code), is_current(self._clock())))

    def join(self, class_id: str, token: str, draw: Callable[[frozenset[str]], str], is_pretend: bool = False) -> Seat:
        """Take a seat, or the same one again.

        Args:
            class_id: the class, of `find`.
            token: of the seat, `seat_token`.
            draw: returns a name that is not among the given ones.
            is_pretend: whether nobody sits there: a teacher tries a plan.

        Raises:
            ClassNotFoundError: the class has ended.
            ClassClosedError: its doors are closed.
            ClassFullError: all its seats are taken.
        """
        key = token_key(token)
        with self._database.writing() as connection:
            # Lock the class: two browsers that join at once must not get the same number.
            query = sa.select(classes).where(classes.c.id == class_id, is_current(self._clock())).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                raise ClassNotFoundError
            known = connection.execute(sa.select(seats).where(seats.c["class"] == class_id)).all()
            own = next((one for one in known if one.token == key), None)
            if own is not None and not own.removed:
                return seat_of(own)
            if not row.doors:
                raise ClassClosedError("The doors of this class are closed.", "Ask your teacher to open them.")
            if own is None and sum(not one.removed for one in known) >= MAX_SEATS:
                raise ClassFullError(
                    Message("The class is full ({most}).", most=MAX_SEATS), "Look on with somebody else."
                )
            name, now = draw(frozenset(one.name for one in known)), self._clock()
            if own is not None:
                values = {"removed": False, "name": name, "redrawn": False, "seen": now}
                connection.execute(seats.update().where(*is_seat(class_id, own.number)).values(**values))
                return Seat(own.number, name, False, now, None, False, key)
            number = 1 + max((one.number for one in known), default=0)
            found = Seat(number, name, False, now, None, False, key, is_pretend, f" {row.shown} " if row.shown else "")
            connection.execute(seats.insert().values({"class": class_id, **dataclasses.asdict(found)}))
            return found

    def seat(self, class_id: str, token: str) -> Seat | None:
        """The seat of a browser; None if it has none, or it was taken away."""
        query = sa.select(seats).where(*is_of_browser(class_id, token), seats.c.removed.is_(False))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else seat_of(row)

    def seated(self, token: str) -> Class | None:
        """The class that goes on and was started last, of those in which a seat has this token; None for none."""
        query = (
            sa.select(classes)
            .join(seats, seats.c["class"] == classes.c.id)
            .where(seats.c.token == token_key(token), seats.c.removed.is_(False), is_current(self._clock()))
        )
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(classes.c.created.desc()).limit(1)).one_or_none()
        return None if row is None else class_of(row)

    def take_over(self, class_id: str, number: int, token: str) -> Seat:
        """Give a seat whose browser is away to another one, which has lost its token.

        Raises:
            ClassNotFoundError: there is no such seat.
            ClassClosedError: its browser is there.
        """
        now = self._clock()
        with self._database.writing() as connection:
            lock_class(connection, class_id)
            which = (*is_seat(class_id, number), seats.c.removed.is_(False))
            row = connection.execute(sa.select(seats).where(*which).with_for_update()).one_or_none()
            if row is None:
                raise ClassNotFoundError
            if is_recent(row.seen, now) or row.pretend:
                raise ClassClosedError("Somebody uses this seat.", "Choose another one.")
            connection.execute(seats.delete().where(*is_of_browser(class_id, token)))
            connection.execute(seats.update().where(*which).values(token=token_key(token), seen=now))
        return dataclasses.replace(seat_of(row), seen=now, token=token_key(token))

    def redraw(self, class_id: str, token: str, draw: Callable[[frozenset[str]], str]) -> Seat:
        """Draw another name for a seat, once; later calls change nothing.

        Raises:
            ClassNotFoundError: the browser has no seat there.
        """
        with self._database.writing() as connection:
            lock_class(connection, class_id)
            known = connection.execute(sa.select(seats).where(seats.c["class"] == class_id)).all()
            own = next((one for one in known if one.token == token_key(token) and not one.removed), None)
            if own is None:
                raise ClassNotFoundError
            if own.redrawn:
                return seat_of(own)
            name = draw(frozenset(one.name for one in known))
            connection.execute(seats.update().where(*is_seat(class_id, own.number)).values(name=name, redrawn=True))
            return dataclasses.replace(seat_of(own), name=name, redrawn=True)

    def leave(self, class_id: str, token: str) -> None:
        """Give a seat up, with what it has handed in. No error if there is none."""
        with self._database.writing() as connection:
            connection.execute(seats.delete().where(*is_of_browser(class_id, token)))

    def raise_hand(self, class_id: str, token: str, is_up: bool) -> None:
        """Ask for help, or no longer. The time of the first call stays."""
        which = is_of_browser(class_id, token)
        with self._database.writing() as connection:
            if is_up:
                connection.execute(seats.update().where(*which, seats.c.hand.is_(None)).values(hand=self._clock()))
            else:
                connection.execute(seats.update().where(*which).values(hand=None))

    def seats(self, class_id: str) -> list[Seat]:
        """The seats that were not taken away, by number."""
        with self._database.reading() as connection:
            return seats_of(connection, class_id)

    def note_seen(self, seen: Mapping[str, Iterable[int]]) -> None:
        """Note that these seats, by class, are there now; without those that somebody is changing.

        It waits for none of them, so it cannot wait for somebody who waits for it. All are noted again soon.
        """
        now = self._clock()
        with self._database.writing() as connection:
            for class_id, numbers in seen.items():
                of_class = seats.c["class"] == class_id
                free = sa.select(seats.c.number).where(of_class, seats.c.number.in_(list(numbers)))
                locked = connection.execute(free.with_for_update(skip_locked=True)).scalars().all()
                connection.execute(seats.update().where(of_class, seats.c.number.in_(locked)).values(seen=now))
