"""What comes out of a lesson for each seat: points, and a code that carries them to a list outside."""

from __future__ import annotations

import functools
import hmac
from typing import TYPE_CHECKING

from mnist_core.classes import progress
from mnist_core.classes.plan import Ask, Draw, Look, Train, question_of, wanted
from mnist_core.store.class_records import MAX_SEATS
from mnist_core.store.workspaces import SYMBOLS, spoken_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mnist_core.classes.plan import Task
    from mnist_core.store.class_records import Seat
    from mnist_core.store.classes import Classes
    from mnist_core.store.handed_in import Work

_GROUPS, _GROUP = 2, 4


def points_of(plan: Sequence[Task], works: Iterable[Work]) -> int:
    """The points of a seat: one for each task of which it has done its part.

    That is a right last vote, a network that reaches the goal, or has ended if there is none, and all drawings.

    Args:
        plan: the tasks of the class.
        works: what the seat has handed in.
    """
    by_task = {one.task: one for one in works}
    return sum(task.id in by_task and _is_done(task, by_task[task.id]) for task in plan)


def most_points(plan: Sequence[Task]) -> int:
    """The points of a seat that has done its part of each task."""
    return sum(_has_point(task) for task in plan)


def missed_by(seat: Seat, plan: Sequence[Task]) -> list[Task]:
    """The tasks that were over before a seat was taken, of those for which something can be handed in."""
    return [task for task in plan if task.id in seat.missed_tasks and not isinstance(task, Look)]


@functools.lru_cache(64)
def result_key(of: Classes, class_id: str) -> bytes:
    """`Classes.result_key`, read once: it stays the same, and each card asks for it every few seconds.

    Raises:
        ClassNotFoundError: there is no such class, or it was deleted.
    """
    return of.result_key(class_id)


def result_code(key: bytes, seat: int, points: int) -> str:
    """The code for the points of a seat: two groups of four letters and digits, with a dash.

    Args:
        key: of the class, `result_key`.
        seat: the number of the seat, from 1.
        points: of `points_of`.
    """
    digest = int.from_bytes(hmac.digest(key, f"{seat} {points}".encode(), "sha256")[:5], "big")
    symbols = "".join(SYMBOLS[digest >> 5 * place & 31] for place in reversed(range(_GROUPS * _GROUP)))
    return f"{symbols[:_GROUP]}-{symbols[_GROUP:]}"


def all_codes(key: bytes, plan: Sequence[Task]) -> dict[str, tuple[int, int]]:
    """The seat and the points of every code that a class can have, by the code without its dash.

    Look for what `spoken_code` makes of a typed one.
    """
    return {
        spoken_code(result_code(key, seat, points)): (seat, points)
        # A seat that was taken away keeps its number, so there may be more than `MAX_SEATS`.
        for seat in range(1, 2 * MAX_SEATS + 1)
        for points in range(most_points(plan) + 1)
    }


def _has_point(task: Task) -> bool:
    return question_of(task).right is not None if isinstance(task, Ask) else isinstance(task, (Train, Draw))


def _is_done(task: Task, work: Work) -> bool:
    if isinstance(task, Ask):
        right = question_of(task).right
        return right is not None and bool(work.votes) and work.votes[max(work.votes)] == right
    if isinstance(task, Train):
        if task.accuracy is None and task.parameters is None:
            return any(one.has_ended for one in work.runs)
        return progress.has_reached(task, work)
    return isinstance(task, Draw) and len(work.drawings) >= len(wanted(task))
