"""What the seats of a class have handed in: votes, guesses, networks and drawings; and what is kept after the end."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mnist_core.config import RunConfig
from mnist_core.errors import PlaygroundError
from mnist_core.store.quotas import remove_runs
from mnist_core.store.records import read_config
from mnist_core.store.tables import ACTIVE, entries, runs, seats
from mnist_core.store.takeover import alive_servers
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class TrainedRun:
    """A run that a seat has handed in, as it was saved last: after its last epoch.

    Attributes:
        run: its id.
        created: when it was handed in, in seconds since 1970.
        config: its settings, as `RunConfig.to_json` writes them; empty until it is saved.
        status: the value of its `Status`; empty until it is saved.
        epochs: how many it has finished.
        accuracy, validation_accuracy: after the last one, 0 to 1; None before the first one.
        is_interrupted: whether it has not ended and its server is gone; another one may go on with it.
    """

    run: str
    created: float
    config: str
    status: str
    epochs: int
    accuracy: float | None
    validation_accuracy: float | None
    is_interrupted: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether it is saved as one that has ended."""
        return bool(self.status) and not Status(self.status).is_active


@dataclass(frozen=True)
class SavedDrawing:
    """A drawing that a seat has handed in.

    Attributes:
        n: its place among the drawings of the task, from 0.
        label: the digit that was wanted, 0 to 9.
        is_hidden: whether the teacher has taken it out.
        changed: when it was handed in, in seconds since 1970; a new drawing in its place has another time.
        data: the drawing itself, as `drawing.test_set.pack` writes it; empty on a board.
    """

    n: int
    label: int
    is_hidden: bool
    changed: float
    data: bytes = b""


@dataclass(frozen=True)
class ClassRun:
    """A network of a class that has ended.

    Attributes:
        seat: the number of the seat that has trained it.
        workspace: the key of the workspace that it is saved in.
        run: it as it was saved.
    """

    seat: int
    workspace: str
    run: TrainedRun


@dataclass(frozen=True)
class Work:
    """What a seat has handed in for a task.

    Attributes:
        seat: its number; after the end of the class another one, so that nobody can be recognized.
        task: the id of the task.
        votes: its choices by round.
        guess: the accuracy that it has guessed, 0 to 1; None for none.
        runs: its runs, the oldest first; after the end without ids and times.
        drawings: its drawings that the teacher has not taken out, by place; after the end without times.
        seconds: from the opening of the task, or of the vote, to the first thing handed in; None if it is not known.
    """

    seat: int
    task: str
    votes: Mapping[int, int]
    guess: float | None
    runs: tuple[TrainedRun, ...]
    drawings: tuple[SavedDrawing, ...] = ()
    seconds: float | None = None


def votes_for(connection: Connection, class_id: str, task: str) -> dict[int, dict[int, int]]:
    """The choice of each seat, by round and seat."""
    query = _entries(class_id, task, entries.c.round, entries.c.seat, entries.c.choice)
    found: dict[int, dict[int, int]] = {}
    for round_, seat, choice in connection.execute(query.where(entries.c.choice.is_not(None))):
        found.setdefault(round_, {})[seat] = choice
    return found


def first_times(connection: Connection, class_id: str, task: str, round_: int) -> dict[int, float]:
    """When each seat has first handed in something, in this round if it is a vote; in seconds since 1970, by seat."""
    counts = sa.or_(entries.c.choice.is_(None), entries.c.round == round_)
    query = _entries(class_id, task, entries.c.seat, sa.func.min(entries.c.created).label("first"))
    return {row.seat: row.first for row in connection.execute(query.where(counts).group_by(entries.c.seat))}


def seconds_for(connection: Connection, class_id: str, task: str) -> dict[int, float]:
    """How many seconds after the opening each seat has first handed in something, by seat, where it is known."""
    query = _entries(class_id, task, entries.c.seat, entries.c.seconds).where(entries.c.seconds.is_not(None))
    # The first entry of a seat comes last.
    return {row.seat: row.seconds for row in connection.execute(query.order_by(entries.c.created.desc()))}


def guesses_for(connection: Connection, class_id: str, task: str) -> dict[int, float]:
    """What each seat has guessed, by seat."""
    query = _entries(class_id, task, entries.c.seat, entries.c.guess).where(entries.c.guess.is_not(None))
    return {row.seat: row.guess for row in connection.execute(query)}


def runs_for(connection: Connection, class_id: str, task: str, now: float) -> dict[int, tuple[TrainedRun, ...]]:
    """The runs of each seat as they are at the time `now`, the oldest first, by seat."""
    found: dict[int, tuple[TrainedRun, ...]] = {}
    for one in _class_runs(connection, class_id, task, now):
        found[one.seat] = (*found.get(one.seat, ()), one.run)
    return found


def ended_runs(connection: Connection, class_id: str) -> list[ClassRun]:
    """All runs of a class that are saved as ended, by task and seat, the oldest first."""
    # No time, since they need no server.
    return [one for one in _class_runs(connection, class_id, None, 0.0) if one.run.has_ended]


def remove_runs_of(connection: Connection, class_id: str) -> frozenset[tuple[str, str]]:
    """Remove all runs that were handed in, those of seats that were taken away too, except pinned ones.

    Returns:
        The keys of their workspaces and their ids. Some may not be saved yet.
    """
    named = sa.select(entries.c.workspace, entries.c.run).where(
        entries.c["class"] == class_id, entries.c.run.is_not(None)
    )
    is_named = sa.tuple_(runs.c.workspace, runs.c.id).in_(named)
    # Lock them, so that whoever saves one of them does not hold what is removed first.
    saved = sa.select(runs.c.workspace, runs.c.id, runs.c.is_pinned).where(is_named)
    rows = connection.execute(saved.order_by(runs.c.workspace, runs.c.id).with_for_update()).all()
    remove_runs(connection, sa.and_(is_named, ~runs.c.is_pinned))
    pinned = {(row.workspace, row.id) for row in rows if row.is_pinned}
    return frozenset((row.workspace, row.run) for row in connection.execute(named)) - pinned


def drawings_for(
    connection: Connection, class_id: str, task: str, of_seats: Collection[int] | None = None
) -> dict[int, tuple[SavedDrawing, ...]]:
    """The drawings of each seat, by place, by seat. If seats are given, only theirs, with their data."""
    columns = [entries.c.seat, entries.c.n, entries.c.label, entries.c.hidden, entries.c.changed]
    query = _entries(class_id, task, *columns, *([] if of_seats is None else [entries.c.data]))
    if of_seats is not None:
        query = query.where(entries.c.seat.in_(of_seats))
    found: dict[int, tuple[SavedDrawing, ...]] = {}
    for seat, n, label, hidden, changed, *data in connection.execute(
        query.where(entries.c.label.is_not(None)).order_by(entries.c.seat, entries.c.n)
    ):
        found[seat] = (*found.get(seat, ()), SavedDrawing(n, label, bool(hidden), changed, *data))
    return found


def work_of(connection: Connection, class_id: str, now: float, has_data: bool = True) -> list[Work]:
    """All that was handed in until the time `now`, by task and seat; with the data of drawings, or without."""
    tasks = connection.execute(
        sa.select(entries.c.task)
        .where(entries.c["class"] == class_id)
        .group_by(entries.c.task)
        .order_by(entries.c.task)
    )
    found = []
    for task in tasks.scalars().all():
        which = connection, class_id, task
        votes, guesses, runs_ = votes_for(*which), guesses_for(*which), runs_for(*which, now)
        seconds = seconds_for(*which)
        drawn = drawings_for(*which)
        if drawn and has_data:
            drawn = drawings_for(*which, of_seats=list(drawn))
        drawings = {seat: tuple(one for one in given if not one.is_hidden) for seat, given in drawn.items()}
        numbers = {seat for given in votes.values() for seat in given} | set(guesses) | set(runs_) | set(drawings)
        for seat in sorted(numbers):
            own = {round_: given[seat] for round_, given in votes.items() if seat in given}
            given = guesses.get(seat), runs_.get(seat, ()), drawings.get(seat, ()), seconds.get(seat)
            found.append(Work(seat, task, own, *given))
    return found


def keep(works: Sequence[Work]) -> str:
    """What is kept of an ended class, as text for `kept`: without names, and in another order of seats."""
    numbers = list(range(1, 1 + len({one.seat for one in works})))
    secrets.SystemRandom().shuffle(numbers)
    others = dict(zip(sorted({one.seat for one in works}), numbers, strict=True))
    rows = [_anonymous(one, others[one.seat]) for one in works]
    return json.dumps(sorted(rows, key=lambda one: (one["task"], one["seat"])))


def _anonymous(one: Work, seat: int) -> dict[str, Any]:
    """A work as it is kept: with another seat, and without what leads to a seat or to a visitor's runs.

    That is the id of a run, its time, its seed, which says the number of the seat, its exact accuracy, and parts of
    seconds.
    """
    runs = [
        dataclasses.asdict(
            dataclasses.replace(
                run,
                run="",
                created=0.0,
                config=_without_seed(run.config),
                status=run.status if run.has_ended else Status.STOPPED.value,
                accuracy=None,
                validation_accuracy=None if run.validation_accuracy is None else round(run.validation_accuracy, 3),
                is_interrupted=False,
            )
        )
        for run in one.runs
    ]
    drawings = [
        {"n": drawing.n, "label": drawing.label, "data": base64.b64encode(drawing.data).decode()}
        for drawing in one.drawings
    ]
    return {
        "seat": seat, "task": one.task, "votes": one.votes, "guess": one.guess, "runs": runs, "drawings": drawings,
        "seconds": None if one.seconds is None else round(one.seconds),
    }  # fmt: skip


def _without_seed(config_text: str) -> str:
    """A config as text with the usual seed; empty if it cannot be read."""
    try:
        return dataclasses.replace(read_config(config_text), seed=RunConfig.seed).to_json() if config_text else ""
    except PlaygroundError:
        return ""


def kept(text: str) -> list[Work]:
    """What `keep` has written, by task and seat."""
    found = [
        Work(
            row["seat"],
            row["task"],
            {int(round_): choice for round_, choice in row["votes"].items()},
            row["guess"],
            tuple(TrainedRun(**run) for run in row["runs"]),
            # Classes that ended before there were drawings and seconds have none.
            tuple(
                SavedDrawing(one["n"], one["label"], False, 0.0, base64.b64decode(one["data"]))
                for one in row.get("drawings", ())
            ),
            row.get("seconds"),
        )
        for row in json.loads(text)
    ]
    return sorted(found, key=lambda one: (one.task, one.seat))


def _class_runs(connection: Connection, class_id: str, task: str | None, now: float) -> list[ClassRun]:
    is_interrupted = sa.and_(runs.c.status.in_(ACTIVE), runs.c.server.not_in(alive_servers(now)))
    columns = runs.c.config, runs.c.status, runs.c.epochs, runs.c.accuracy, runs.c.validation_accuracy, is_interrupted
    is_same = sa.and_(runs.c.workspace == entries.c.workspace, runs.c.id == entries.c.run)
    query = (
        _entries(class_id, task, entries.c.seat, entries.c.workspace, entries.c.run, entries.c.created, *columns)
        .outerjoin(runs, is_same)
        .where(entries.c.run.is_not(None), runs.c.deleted.is_(None))
        .order_by(entries.c.task, entries.c.seat, entries.c.n)
    )
    return [ClassRun(seat, workspace, _saved_run(*rest)) for seat, workspace, *rest in connection.execute(query)]


def _saved_run(
    run: str, created: float, config: str | None, status: str | None, epochs: int | None, *rest: float | None
) -> TrainedRun:
    """A run from its columns, which are empty if it is not saved yet."""
    accuracy, validation_accuracy, is_interrupted = rest
    return TrainedRun(
        run, created, config or "", status or "", epochs or 0, accuracy, validation_accuracy, bool(is_interrupted)
    )


def _entries(class_id: str, task: str | None, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """What was handed in for a task, or for all, without the seats that were taken away."""
    query = (
        sa.select(*columns)
        .select_from(entries)
        .join(seats, sa.and_(seats.c["class"] == entries.c["class"], seats.c.number == entries.c.seat))
        .where(seats.c.removed.is_(False), entries.c["class"] == class_id)
    )
    return query if task is None else query.where(entries.c.task == task)
