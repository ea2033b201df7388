"""Classes: lessons that a teacher leads, with a seat for each browser, and what the seats hand in.

Only the owner's workspace moves a class, and each move names the revision that it started from: of two desks that move
at the same time, the second is refused. What a seat hands in counts only while the task, its round and the class's
phase are as the seat saw them, which is checked in the transaction that saves it.
"""

from __future__ import annotations

import dataclasses
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import (
    ClassClosedError,
    ClassFullError,
    ClassMovedError,
    ClassNotFoundError,
    ConfigError,
    RunNotFoundError,
    StoreError,
    WorkspaceError,
)
from mnist_core.language import Message
from mnist_core.store import handed_in, reading
from mnist_core.store.records import checked_text
from mnist_core.store.tables import classes, entries, seats
from mnist_core.store.workspaces import SYMBOLS, share_token, spoken_code, workspace_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.network import TrainedNetwork
    from mnist_core.store.database import Database
    from mnist_core.store.handed_in import ClassRun, SavedDrawing, TrainedRun, Work
    from mnist_core.training import EpochMetrics

CODE_LENGTH = 6
MAX_SEATS, MAX_OPEN, MAX_ON_SERVER = 60, 3, 20
"""The most seats of a class, open classes of a workspace, and open classes of a database."""
MAX_RUNS = 30
"""The most runs that a seat can hand in for a task."""
MAX_DRAWINGS, MAX_OF_SEAT, MAX_DRAWING_BYTES = 2_000, 30, 8 * 2**10
"""The most drawings of a class, and of a seat in a task, and the largest one."""
KEPT_DAYS = 30
"""How long an ended class is kept, without its seats."""
TITLE_LENGTH, PLAN_LENGTH = 200, 64 * 2**10
"""The most characters of a title and of a plan."""
IDLE_SECONDS = 4 * 3600.0
"""A class that nobody has touched for so long has ended: nobody can join a forgotten class the next morning."""
EMPTY_SECONDS = 3600.0
"""A class that has ended by itself keeps its seats until nobody was there for so long: the clock may be set back."""
AWAY_SECONDS = 20.0
"""A browser that was not seen for so long is away."""
READY, OPEN, SHUT, SHOWN = "ready", "open", "shut", "shown"
PHASES = (READY, OPEN, SHUT, SHOWN)
"""The phases of a task."""
_MOVABLE = frozenset({"title", "plan", "at", "task", "phase", "round", "doors", "paused"})
_MOST_DRAWS = 20
_CLOSED, _MOVED_ON = Message("This task is closed."), Message("The class has moved on.")


@dataclass(frozen=True)
class Class:
    """A class, as its owner knows it.

    Attributes:
        id: 32 hexadecimal digits. It opens nothing by itself.
        code: six letters and digits to join by; None once the class has ended.
        title: the owner's own name for it, which nobody else sees.
        plan: the tasks, as `mnist_core.classes` writes them.
        at, task: the current task: its place in the plan, counted from 0, and its id.
        phase: one of `PHASES`.
        round: which vote of the task, 1 or 2.
        doors: whether new seats can be taken.
        paused: whether the students are asked to look up.
        revision: grows by 1 with each change of the above.
        created, moved: when, in seconds since 1970; `moved` is also the last change.
        ended: when it ended; None while it goes on.
        shown: the ids of the tasks whose result was shown, with a space between them.
    """

    id: str
    code: str | None
    title: str
    plan: str
    at: int
    task: str
    phase: str
    round: int
    doors: bool
    paused: bool
    revision: int
    created: float
    moved: float
    ended: float | None
    shown: str = ""

    @property
    def shown_tasks(self) -> frozenset[str]:
        """The ids of the tasks whose result was shown."""
        return frozenset(self.shown.split())


@dataclass(frozen=True)
class Seat:
    """A browser in a class.

    Attributes:
        number: from 1, in the order of joining.
        name: drawn, unique in the class.
        redrawn: whether it has another name than the first one: it can be drawn again once.
        seen: when the browser was last there, in seconds since 1970.
        hand: since when it asks for help; None if it does not.
        removed: whether the teacher has taken the seat away.
        token: the SHA-256 of the token of its browser.
        pretend: whether nobody sits there: a teacher tries a plan.
        missed: the ids of the tasks whose result was shown before the seat was taken, with spaces between them;
            without those that were opened again since.
    """

    number: int
    name: str
    redrawn: bool
    seen: float
    hand: float | None
    removed: bool
    token: str = ""
    pretend: bool = False
    missed: str = ""

    @property
    def missed_tasks(self) -> frozenset[str]:
        """The ids of the tasks that were over before the seat was taken."""
        return frozenset(self.missed.split())


@dataclass(frozen=True)
class Board:
    """A class with its seats, and what they have handed in for the current task.

    Attributes:
        now: the class.
        seats: those that were not taken away, by number.
        votes: the choice of each seat, by round and seat.
        guesses: the accuracy that each seat has guessed, 0 to 1, by seat.
        runs: the runs of each seat, the oldest first, by seat. Deleted ones are left out.
        drawings: the drawings of each seat, by place, by seat; without their data, which `Classes.drawings` reads.
        firsts: when each seat has first handed in something, in the current round if it is a vote; by seat.
    """

    now: Class
    seats: tuple[Seat, ...]
    votes: Mapping[int, Mapping[int, int]]
    guesses: Mapping[int, float] = dataclasses.field(default_factory=dict)
    runs: Mapping[int, tuple[TrainedRun, ...]] = dataclasses.field(default_factory=dict)
    drawings: Mapping[int, tuple[SavedDrawing, ...]] = dataclasses.field(default_factory=dict)
    firsts: Mapping[int, float] = dataclasses.field(default_factory=dict)


class Classes:
    """The classes of one `RunStore`. Safe to use from any thread; the same errors as its methods.

    Args:
        database: where they are saved.
        clock: the time in seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # --- The owner ---------------------------------------------------------------------------------------------

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
            if _count(connection, self._is_current(), of_owner) >= MAX_OPEN:
                raise ClassFullError(
                    Message("You already lead {most} classes.", most=MAX_OPEN), "End one of them, then start this one."
                )
            if _count(connection, self._is_current()) >= MAX_ON_SERVER:
                raise ClassFullError(
                    Message("This server already has {most} classes.", most=MAX_ON_SERVER),
                    "Wait until one of them has ended.",
                )
            for _ in range(_MOST_DRAWS):
                try:
                    with connection.begin_nested():
                        connection.execute(classes.insert().values(**values, code=new_code()))
                    return _class_of(_row(connection, classes.c.id == class_id))
                except exc.IntegrityError:  # Another class has this code.
                    continue
        raise StoreError("No free code was found.", "Try again.")

    def led_by(self, workspace: str) -> list[Class]:
        """The classes of an owner, the newest first, ended ones too."""
        columns = [classes.c[field.name] for field in dataclasses.fields(Class)]
        query = sa.select(*columns).where(classes.c.owner == workspace_key(workspace))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(classes.c.created.desc())).all()
        return [self._as_of_now(_class_of(row)) for row in rows]

    def owned(self, workspace: str, class_id: str) -> Class:
        """A class of an owner, ended or not.

        Raises:
            ClassNotFoundError: the workspace leads no such class.
        """
        which = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace))
        with self._database.reading() as connection:
            return self._as_of_now(_class_of(_row(connection, *which)))

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
            connection.execute(seats.update().where(*_seat(class_id, number)).values(removed=True, hand=None))
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
            _lock(connection, class_id)
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
            _lock(connection, class_id)
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
            connection.execute(entries.update().where(*_equal(which)).values(hidden=is_hidden))

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
                goes_on = self._as_of_now(_class_of(row)).ended is None
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
            _row(connection, *owned)
            kept = connection.execute(sa.select(classes.c.kept).where(*owned)).scalar_one()
            return handed_in.work_of(connection, class_id, self._clock()) if kept is None else handed_in.kept(kept)

    # --- The seats ---------------------------------------------------------------------------------------------

    def find(self, code: str) -> Class:
        """The class with a code, typed or scanned: case, spaces and dashes do not matter, O is 0, I and L are 1.

        Raises:
            ClassNotFoundError: no class has this code now.
        """
        with self._database.reading() as connection:
            return _class_of(_row(connection, classes.c.code == spoken_code(code), self._is_current()))

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
        key = _key_of(token)
        with self._database.writing() as connection:
            # Lock the class: two browsers that join at once must not get the same number.
            query = sa.select(classes).where(classes.c.id == class_id, self._is_current()).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                raise ClassNotFoundError
            known = connection.execute(sa.select(seats).where(seats.c["class"] == class_id)).all()
            own = next((one for one in known if one.token == key), None)
            if own is not None and not own.removed:
                return _seat_of(own)
            if not row.doors:
                raise ClassClosedError("The doors of this class are closed.", "Ask your teacher to open them.")
            if own is None and sum(not one.removed for one in known) >= MAX_SEATS:
                raise ClassFullError(
                    Message("The class is full ({most}).", most=MAX_SEATS), "Look on with somebody else."
                )
            name, now = draw(frozenset(one.name for one in known)), self._clock()
            if own is not None:
                values = {"removed": False, "name": name, "redrawn": False, "seen": now}
                connection.execute(seats.update().where(*_seat(class_id, own.number)).values(**values))
                return Seat(own.number, name, False, now, None, False, key)
            number = 1 + max((one.number for one in known), default=0)
            found = Seat(number, name, False, now, None, False, key, is_pretend, f" {row.shown} " if row.shown else "")
            connection.execute(seats.insert().values({"class": class_id, **dataclasses.asdict(found)}))
            return found

    def seat(self, class_id: str, token: str) -> Seat | None:
        """The seat of a browser; None if it has none, or it was taken away."""
        query = sa.select(seats).where(*_of_browser(class_id, token), seats.c.removed.is_(False))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _seat_of(row)

    def seated(self, token: str) -> Class | None:
        """The class that goes on and was started last, of those in which a seat has this token; None for none."""
        query = (
            sa.select(classes)
            .join(seats, seats.c["class"] == classes.c.id)
            .where(seats.c.token == _key_of(token), seats.c.removed.is_(False), self._is_current())
        )
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(classes.c.created.desc()).limit(1)).one_or_none()
        return None if row is None else _class_of(row)

    def take_over(self, class_id: str, number: int, token: str) -> Seat:
        """Give a seat whose browser is away to another one, which has lost its token.

        Raises:
            ClassNotFoundError: there is no such seat.
            ClassClosedError: its browser is there.
        """
        now = self._clock()
        with self._database.writing() as connection:
            _lock(connection, class_id)
            which = (*_seat(class_id, number), seats.c.removed.is_(False))
            row = connection.execute(sa.select(seats).where(*which).with_for_update()).one_or_none()
            if row is None:
                raise ClassNotFoundError
            if is_recent(row.seen, now) or row.pretend:
                raise ClassClosedError("Somebody uses this seat.", "Choose another one.")
            connection.execute(seats.delete().where(*_of_browser(class_id, token)))
            connection.execute(seats.update().where(*which).values(token=_key_of(token), seen=now))
        return dataclasses.replace(_seat_of(row), seen=now, token=_key_of(token))

    def redraw(self, class_id: str, token: str, draw: Callable[[frozenset[str]], str]) -> Seat:
        """Draw another name for a seat, once; later calls change nothing.

        Raises:
            ClassNotFoundError: the browser has no seat there.
        """
        with self._database.writing() as connection:
            _lock(connection, class_id)
            known = connection.execute(sa.select(seats).where(seats.c["class"] == class_id)).all()
            own = next((one for one in known if one.token == _key_of(token) and not one.removed), None)
            if own is None:
                raise ClassNotFoundError
            if own.redrawn:
                return _seat_of(own)
            name = draw(frozenset(one.name for one in known))
            connection.execute(seats.update().where(*_seat(class_id, own.number)).values(name=name, redrawn=True))
            return dataclasses.replace(_seat_of(own), name=name, redrawn=True)

    def leave(self, class_id: str, token: str) -> None:
        """Give a seat up, with what it has handed in. No error if there is none."""
        with self._database.writing() as connection:
            connection.execute(seats.delete().where(*_of_browser(class_id, token)))

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
                sa.select(entries.c.n, entries.c.run).where(*_equal(which), entries.c.run.is_not(None))
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
            others = of_class.where(entries.c.label.is_not(None), sa.not_(sa.and_(*_equal(which))))
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
            _row(connection, classes.c.id == class_id, self._is_current())
            own = sa.select(seats.c.number).where(*_of_browser(class_id, token), seats.c.removed.is_(False))
            number = connection.execute(own).scalar_one_or_none()
            if number is None:
                raise ClassNotFoundError
            which = {"class": class_id, "task": task, "round": 1, "seat": number, "n": n}
            connection.execute(entries.delete().where(*_equal(which), entries.c.label.is_not(None)))

    def raise_hand(self, class_id: str, token: str, is_up: bool) -> None:
        """Ask for help, or no longer. The time of the first call stays."""
        which = _of_browser(class_id, token)
        with self._database.writing() as connection:
            if is_up:
                connection.execute(seats.update().where(*which, seats.c.hand.is_(None)).values(hand=self._clock()))
            else:
                connection.execute(seats.update().where(*which).values(hand=None))

    # --- What pages show ---------------------------------------------------------------------------------------

    def board(self, class_id: str, task: str = "") -> Board:
        """A class by its id with all that its pages show, in one look at the database.

        With `task`, an id, as if that task was the current one.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
        """
        with self._database.reading() as connection:
            now = self._as_of_now(_class_of(_row(connection, classes.c.id == class_id)))
            now = dataclasses.replace(now, task=task or now.task)
            return Board(
                now,
                tuple(_seats(connection, class_id)),
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
            _row(connection, classes.c.id == class_id)
            return handed_in.work_of(connection, class_id, self._clock(), has_data=False)

    def result_key(self, class_id: str) -> bytes:
        """The secret that the result codes of a class are made with, 32 bytes. It must not leave the server.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
        """
        with self._database.reading() as connection:
            # Not from the wall's token, which stands in the address of a screen that all can see.
            owner = _row(connection, classes.c.id == class_id).owner
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
            return self._as_of_now(_class_of(_row(connection, classes.c.wall == _key_of(token))))

    def seats(self, class_id: str) -> list[Seat]:
        """The seats that were not taken away, by number."""
        with self._database.reading() as connection:
            return _seats(connection, class_id)

    def tidy(self) -> None:
        """End the classes that nobody has touched for too long, and delete those that have ended long ago.

        The seats of one are gone then, so it is not done while somebody is there, see `EMPTY_SECONDS`: if only the
        clock says that it is so late, the class goes on as soon as the clock is right.
        """
        now = self._clock()
        somebody = sa.exists().where(
            seats.c["class"] == classes.c.id, seats.c.seen.between(now - EMPTY_SECONDS, now + EMPTY_SECONDS)
        )
        idle = (_is_open(), classes.c.moved <= now - IDLE_SECONDS, sa.not_(somebody))
        with self._database.writing() as connection:
            for row in connection.execute(sa.select(classes).where(*idle).with_for_update(skip_locked=True)).all():
                self._end(connection, row, row.moved + IDLE_SECONDS)
            connection.execute(classes.delete().where(classes.c.ended <= now - KEPT_DAYS * 86_400))

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

    # ------------------------------------------------------------------------------------------------------------

    def _open_to(self, connection: Connection, class_id: str, token: str, task: str, round_: int) -> dict[str, Any]:
        """What begins the key of an entry of a seat, if the seat can hand in something now."""
        # Shared with other seats, but not with a move: an entry comes before the move, or not at all.
        query = sa.select(classes).where(classes.c.id == class_id, self._is_current())
        row = connection.execute(query.with_for_update(read=True)).one_or_none()
        own = connection.execute(
            sa.select(seats.c.number)
            .where(*_of_browser(class_id, token), seats.c.removed.is_(False))
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
        changed = entries.update().where(*_equal(which)).values(**values, changed=now)
        if not connection.execute(changed).rowcount:
            # Not `moved`: closing the doors, for example, changes that too. A clock may have been set back.
            since = sa.literal(now) - classes.c.opened
            seconds = sa.select(sa.case((since < 0, 0.0), else_=since)).where(classes.c.id == which["class"])
            row = {**which, **values, "seconds": seconds.scalar_subquery(), "created": now, "changed": now}
            connection.execute(entries.insert().values(row))

    def _moved(
        self, connection: Connection, workspace: str, class_id: str, revision: int, changes: Mapping[str, object]
    ) -> Class:
        """Change a class if it still has the revision; returns it as it is then."""
        where = (classes.c.id == class_id, classes.c.owner == workspace_key(workspace), self._is_current())
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
        now = _class_of(row)
        if now.phase == OPEN:
            _give_another_chance(connection, now)
        # What was shown once is known to all, whatever comes after it.
        return _with_shown(connection, now, now.shown_tasks | {now.task}) if now.phase == SHOWN else now

    def _owned(self, connection: Connection, workspace: str, class_id: str) -> None:
        _row(connection, classes.c.id == class_id, classes.c.owner == workspace_key(workspace), self._is_current())

    def _is_current(self) -> sa.ColumnElement[bool]:
        return sa.and_(_is_open(), classes.c.moved > self._clock() - IDLE_SECONDS)

    def _as_of_now(self, one: Class) -> Class:
        """The class; ended if nobody has touched it for too long."""
        end = one.moved + IDLE_SECONDS
        is_idle = one.ended is None and end <= self._clock()
        return dataclasses.replace(one, ended=end, code=None) if is_idle else one

    def _end(self, connection: Connection, row: sa.Row[Any], ended: float) -> None:
        """End a class: keep what was handed in, and delete the seats, with all that says whose it was."""
        kept = handed_in.keep(handed_in.work_of(connection, row.id, self._clock()))
        values = {"ended": ended, "code": None, "revision": row.revision + 1, "kept": kept}
        connection.execute(classes.update().where(classes.c.id == row.id).values(**values))
        connection.execute(seats.delete().where(seats.c["class"] == row.id))


def new_code() -> str:
    """A random code of six letters and digits, one of a thousand million; none looks like another."""
    return "".join(secrets.choice(SYMBOLS) for _ in range(CODE_LENGTH))


def is_recent(seen: float, now: float) -> bool:
    """Whether a browser that was seen at a time is there now.

    Not if it is a time long after `now`: then the clock was set back, and a browser that is there is seen again soon.
    """
    return abs(now - seen) < AWAY_SECONDS


def wall_token(workspace: str, class_id: str) -> str:
    """The token of the wall of a class, always the same: 22 letters, digits, ``-`` and ``_``.

    Raises:
        WorkspaceError: `workspace` is not the token of a workspace.
    """
    return share_token(workspace, f"wall {class_id}")


def seat_token(workspace: str) -> str:
    """The token of a browser's seats, always the same: 22 letters, digits, ``-`` and ``_``. It opens nothing else.

    Raises:
        WorkspaceError: `workspace` is not the token of a workspace.
    """
    return share_token(workspace, "seat")


def _checked(values: Mapping[str, object]) -> dict[str, Any]:
    found = dict(values)
    for name, most in (("title", TITLE_LENGTH), ("plan", PLAN_LENGTH)):
        if name in found:
            found[name] = checked_text(name, str(found[name]), most)
    if found.get("phase", READY) not in PHASES:
        raise ConfigError("phase", "is not a phase of a task.", Message("Use one of {names}.", names=", ".join(PHASES)))
    return found


def _key_of(token: str) -> str:
    try:
        return workspace_key(token)
    except WorkspaceError as error:
        raise ClassNotFoundError from error


def _is_open() -> sa.ColumnElement[bool]:
    return classes.c.ended.is_(None)


def _count(connection: Connection, *which: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(classes).where(*which)).scalar_one())


def _row(connection: Connection, *which: sa.ColumnElement[bool]) -> sa.Row[Any]:
    # Without what is kept: with its drawings it may be large.
    columns = [column for column in classes.c if column.name != "kept"]
    row = connection.execute(sa.select(*columns).where(*which)).one_or_none()
    if row is None:
        raise ClassNotFoundError
    return row


def _lock(connection: Connection, class_id: str) -> None:
    """Lock a class. Whoever changes several of its seats, or a name, does so first, as `join` and `end` do.

    Otherwise two of them could wait for each other, or draw the same name.
    """
    connection.execute(sa.select(classes.c.id).where(classes.c.id == class_id).with_for_update())


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


def _class_of(row: sa.Row[Any]) -> Class:
    return Class(**{field.name: row._mapping[field.name] for field in dataclasses.fields(Class)})


def _seats(connection: Connection, class_id: str) -> list[Seat]:
    query = sa.select(seats).where(seats.c["class"] == class_id, seats.c.removed.is_(False))
    return [_seat_of(row) for row in connection.execute(query.order_by(seats.c.number)).all()]


def _equal(which: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    return [entries.c[name] == value for name, value in which.items()]


def _seat(class_id: str, number: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return seats.c["class"] == class_id, seats.c.number == number


def _of_browser(class_id: str, token: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return seats.c["class"] == class_id, seats.c.token == _key_of(token)


def _seat_of(row: sa.Row[Any]) -> Seat:
    return Seat(**{field.name: row._mapping[field.name] for field in dataclasses.fields(Seat)})
