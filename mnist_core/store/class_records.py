"""What is saved of a class: its state, its seats, and how many there can be; and its rows in the database."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mnist_core.errors import ClassNotFoundError, WorkspaceError
from mnist_core.store.tables import classes, entries, seats
from mnist_core.store.workspaces import SYMBOLS, share_token, workspace_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.store.handed_in import SavedDrawing, TrainedRun

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


# --- Rows --------------------------------------------------------------------------------------------------------


def token_key(token: str) -> str:
    """What the database has of a seat's or a wall's token.

    Raises:
        ClassNotFoundError: it is not a token.
    """
    try:
        return workspace_key(token)
    except WorkspaceError as error:
        raise ClassNotFoundError from error


def is_open() -> sa.ColumnElement[bool]:
    """Whether a class was not ended."""
    return classes.c.ended.is_(None)


def is_current(now: float) -> sa.ColumnElement[bool]:
    """Whether a class goes on at the time `now`."""
    return sa.and_(is_open(), classes.c.moved > now - IDLE_SECONDS)


def as_of_now(one: Class, now: float) -> Class:
    """The class at the time `now`; ended if nobody has touched it for too long."""
    end = one.moved + IDLE_SECONDS
    is_idle = one.ended is None and end <= now
    return dataclasses.replace(one, ended=end, code=None) if is_idle else one


def class_row(connection: Connection, *which: sa.ColumnElement[bool]) -> sa.Row[Any]:
    """The row of the one class for which all this is true.

    Raises:
        ClassNotFoundError: there is none.
    """
    # Without what is kept: with its drawings it may be large.
    columns = [column for column in classes.c if column.name != "kept"]
    row = connection.execute(sa.select(*columns).where(*which)).one_or_none()
    if row is None:
        raise ClassNotFoundError
    return row


def lock_class(connection: Connection, class_id: str) -> None:
    """Lock a class. Whoever changes several of its seats, or a name, does so first, as `join` and `end` do.

    Otherwise two of them could wait for each other, or draw the same name.
    """
    connection.execute(sa.select(classes.c.id).where(classes.c.id == class_id).with_for_update())


def class_of(row: sa.Row[Any]) -> Class:
    """The class that a row of the table is."""
    return Class(**{field.name: row._mapping[field.name] for field in dataclasses.fields(Class)})


def seats_of(connection: Connection, class_id: str) -> list[Seat]:
    """The seats that were not taken away, by number."""
    query = sa.select(seats).where(seats.c["class"] == class_id, seats.c.removed.is_(False))
    return [seat_of(row) for row in connection.execute(query.order_by(seats.c.number)).all()]


def is_entry(which: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    """Which entry it is, by the columns of its key."""
    return [entries.c[name] == value for name, value in which.items()]


def is_seat(class_id: str, number: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which seat it is, by its number."""
    return seats.c["class"] == class_id, seats.c.number == number


def is_of_browser(class_id: str, token: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which seat it is, by the token of its browser."""
    return seats.c["class"] == class_id, seats.c.token == token_key(token)


def seat_of(row: sa.Row[Any]) -> Seat:
    """The seat that a row of the table is."""
    return Seat(**{field.name: row._mapping[field.name] for field in dataclasses.fields(Seat)})
