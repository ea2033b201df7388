"""How a class goes through its plan: only the teacher moves it, by one button whose label is the next move.

A question goes from ready to open, shut and shown; after the first vote the class may talk and vote again. What to do
then follows from the share of right answers (C. H. Crouch and E. Mazur, "Peer instruction: ten years of experience and
results", 2001): talking helps most if some are right and some are not. Other tasks have one round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_core.classes.plan import Ask, Draw, Look, Train, question_of, to_json
from mnist_core.language import Message
from mnist_core.store.class_records import OPEN, READY, SHOWN, SHUT, Class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_core.classes.plan import Task

MANY_RIGHT, FEW_RIGHT = 0.8, 0.3
"""From this share of right answers on there is little to talk about; below the other one, too few could explain it."""


class _Labels(NamedTuple):
    """The labels of moves to begin a task, to end it, and to go on with it."""

    begin: str
    end: str
    longer: str


_BEGIN: Mapping[str, Any] = {"phase": OPEN, "round": 1}
_LABELS = {
    Train: _Labels(Message("Let them train"), Message("End the training"), Message("Train longer")),
    Draw: _Labels(Message("Let them draw"), Message("End the drawing"), Message("Draw longer")),
}


@dataclass(frozen=True)
class Move:
    """A move of the teacher.

    Args:
        label: of the button.
        changes: what it changes in the class, for `Classes.move`; empty for the end of the lesson.
        advice: why it is the next move; empty for none.
    """

    label: str
    changes: Mapping[str, Any]
    advice: str = ""


def moves(plan: Sequence[Task], now: Class, votes: Mapping[int, int], seats: int, done: int = 0) -> tuple[Move, ...]:
    """The moves that are possible, the one to take first.

    Args:
        plan: the tasks of the class.
        now: the class.
        votes: the choices by seat in the current round.
        seats: how many seats there are.
        done: how many of them have trained a network to its end, or drawn all digits.
    """
    task = plan[now.at]
    if now.phase == SHOWN:
        return _onward(plan, now)
    if isinstance(task, Look):
        return _to_show(task, plan, now)
    if isinstance(task, Ask):
        return _through_vote(task, plan, now, votes, seats)
    begin, end, longer = _LABELS[type(task)]
    if now.phase == READY:
        return (Move(begin, _BEGIN), *_to_others(plan, now))
    if now.phase == OPEN:
        label = Message("{end} (done: {count} of {seats})", end=end, count=done, seats=seats)
        return (Move(label, {"phase": SHUT}),)
    return Move(Message("Show the result"), {"phase": SHOWN}), Move(longer, {"phase": OPEN})


def _onward(plan: Sequence[Task], now: Class) -> tuple[Move, ...]:
    following = now.at + 1
    if following < len(plan):
        return (Move(Message("Next task"), start_of(plan, following)), *_to_others(plan, now)[1:])
    return (Move(Message("End the lesson"), {}), *_to_others(plan, now))


def _through_vote(
    task: Ask, plan: Sequence[Task], now: Class, votes: Mapping[int, int], seats: int
) -> tuple[Move, ...]:
    if now.phase == READY:
        return (Move(Message("Open the vote"), _BEGIN), *_to_others(plan, now))
    if now.phase == OPEN:
        label = Message("Close the vote ({count} of {seats})", count=len(votes), seats=seats)
        return (Move(label, {"phase": SHUT}),)
    return _after_vote(task, now, votes)


def share_right(task: Ask, votes: Mapping[int, int]) -> float | None:
    """The share of right votes, 0 to 1; None if no answer is right, or nobody has voted."""
    right = question_of(task).right
    if right is None or not votes:
        return None
    return sum(choice == right for choice in votes.values()) / len(votes)


def _to_show(task: Look, plan: Sequence[Task], now: Class) -> tuple[Move, ...]:
    """Only a case of the lab has an answer to be shown later."""
    if now.phase == READY:
        phase = OPEN if task.what == "fault" else SHOWN
        return (Move(Message("Show it"), {"phase": phase, "round": 1}), *_to_others(plan, now))
    return (Move(Message("Show the answer"), {"phase": SHOWN}),)


def _after_vote(task: Ask, now: Class, votes: Mapping[int, int]) -> tuple[Move, ...]:
    show, again = Move(Message("Show the answer"), {"phase": SHOWN}), {"phase": OPEN, "round": 2}
    share = share_right(task, votes)
    talk = Move(Message("Talk, then vote again"), again)
    if now.round > 1 or not task.twice:
        return (show,)
    if share is None:
        return show, talk
    if share > MANY_RIGHT:
        return Move(show.label, show.changes, Message("{share:.0%} are right: show it.", share=share)), talk
    if share < FEW_RIGHT:
        advice = Message("Only {share:.0%} are right: explain first, then vote again.", share=share)
        if not share:
            advice = Message("Nobody is right: explain first, then vote again.")
        return Move(Message("Vote again"), again, advice), show
    advice = Message("{share:.0%} are right: let them convince their neighbours, then vote again.", share=share)
    return Move(talk.label, talk.changes, advice), show


def _to_others(plan: Sequence[Task], now: Class) -> tuple[Move, ...]:
    """To the task after this one and to that before, where there is one."""
    found = []
    if now.at + 1 < len(plan):
        found.append(Move(Message("Skip"), start_of(plan, now.at + 1)))
    if now.at:
        found.append(Move(Message("Back"), start_of(plan, now.at - 1)))
    return tuple(found)


def start_of(plan: Sequence[Task], at: int) -> dict[str, Any]:
    """The changes that go to the task at a place of the plan, for `Classes.move`."""
    return {"at": at, "task": plan[at].id, "phase": READY, "round": 1}


def added(plan: tuple[Task, ...], now: Class, task: Task) -> dict[str, Any]:
    """The changes that add a task after the current one, for `Classes.move`."""
    return {"plan": to_json((*plan[: now.at + 1], task, *plan[now.at + 1 :]))}


def removed(plan: tuple[Task, ...], now: Class) -> dict[str, Any]:
    """The changes that remove the current task and go to the next one, for `Classes.move`. A plan has one at least."""
    left = plan[: now.at] + plan[now.at + 1 :]
    return {"plan": to_json(left), **start_of(left, min(now.at, len(left) - 1))}
