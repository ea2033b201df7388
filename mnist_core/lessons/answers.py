"""A visitor's answers to questions of courses, the fault lab and the check, as one file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mnist_core.errors import StoreError
from mnist_core.language import Message
from mnist_core.lessons import check, courses
from mnist_core.lessons.check import CheckAnswers
from mnist_core.lessons.course import RIGHT
from mnist_core.lessons.faults import FAULTS, GIVEN_UP, NUMBERED, Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.lessons.course import Course, Step


@dataclass(frozen=True)
class LessonAnswers:
    """What a visitor has answered. First answers stay.

    Attributes:
        first: the first answer to the question of a step, a place in its choices, by the key of the step.
        seen: the keys of the steps whose explanation was shown.
        faults: the answers in the fault lab.
        check: the answers to the check.
    """

    first: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    seen: frozenset[str] = frozenset()
    faults: Answers = field(default_factory=Answers)
    check: CheckAnswers = field(default_factory=CheckAnswers)

    def answered(self, step: str, answer: int) -> LessonAnswers:
        """These answers, and the first one to the step with this key."""
        return dataclasses.replace(self, first=MappingProxyType({step: answer} | dict(self.first)))

    def with_seen(self, step: str) -> LessonAnswers:
        """These answers, and that the explanation of the step with this key was shown, if it is answered."""
        return (
            self if step in self.seen or step not in self.first else dataclasses.replace(self, seen=self.seen | {step})
        )

    def with_check(self, answers: CheckAnswers) -> LessonAnswers:
        """These answers, with others to the check."""
        return dataclasses.replace(self, check=answers)

    def with_faults(self, answers: Answers) -> LessonAnswers:
        """These answers, with others in the fault lab."""
        return dataclasses.replace(self, faults=answers)

    def is_done(self, step: Step) -> bool:
        """Whether a step is answered and its explanation was shown; for one without a question, the check after."""
        if step.question is None:
            return self.check.after is not None
        return step.key in self.first and step.key in self.seen

    def score(self, course: Course) -> int:
        """How many first answers of a course are right, of `course.questions`."""
        return sum(self.first.get(step.key) == RIGHT for step in course.steps)

    def next_step(self, course: Course) -> int:
        """The place of the first step that is not done, from 0; 0 if all are done."""
        return next((at for at, step in enumerate(course.steps) if not self.is_done(step)), 0)

    def with_older(self, older: LessonAnswers) -> LessonAnswers:
        """These answers, after those that were given before them."""
        lab = Answers({**self.faults.first, **older.faults.first}, self.faults.explained | older.faults.explained)
        both = CheckAnswers(
            older.check.before if older.check.before is not None else self.check.before,
            older.check.after if older.check.after is not None else self.check.after,
        )
        first = MappingProxyType({**self.first, **older.first})
        return LessonAnswers(first, self.seen | older.seen, lab, both)


def pack(answers: LessonAnswers) -> bytes:
    """Return the answers as JSON; nothing if there are none."""
    if answers == LessonAnswers():
        return b""
    raw = {
        "first": dict(answers.first),
        "seen": sorted(answers.seen),
        "faults": {str(number): key for number, key in answers.faults.first.items()},
        "explained": sorted(answers.faults.explained),
        "before": _by_item(answers.check.before),
        "after": _by_item(answers.check.after),
    }
    return json.dumps(raw).encode()


def unpack(data: bytes) -> LessonAnswers:
    """Return the answers that `pack` has written. Answers to questions that no longer exist are left out.

    Raises:
        StoreError: `data` is something else.
    """
    if not data:
        return LessonAnswers()
    try:
        raw = json.loads(data)
        first = {str(key): _place(answer) for key, answer in raw["first"].items() if courses.find_step(str(key))}
        asked = {key: courses.step_of(key).question for key in first}
        kept = {key: answer for key, answer in first.items() if (one := asked[key]) and answer < len(one.choices)}
        lab = {
            int(number): str(key)
            for number, key in raw["faults"].items()
            if 1 <= int(number) <= len(NUMBERED) and (key == GIVEN_UP or key in FAULTS)
        }
        explained = frozenset(_place(number) for number in raw["explained"]) & frozenset(lab)
        return LessonAnswers(
            MappingProxyType(kept),
            frozenset(map(str, raw["seen"])) & frozenset(kept),
            Answers(lab, explained),
            CheckAnswers(_checked(raw["before"]), _checked(raw["after"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = Message("Your answers were saved, but they cannot be read.")
        raise StoreError(problem, "Ask the person who runs this server.") from error


def _place(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("not a place")
    return value


def _by_item(answers: tuple[int, ...] | None) -> dict[str, int] | None:
    return None if answers is None else dict(zip(check.ITEMS, answers, strict=True))


def _checked(raw: Any) -> tuple[int, ...] | None:
    if raw is None:
        return None
    answers = {str(key): _place(answer) for key, answer in raw.items()}
    fits = answers.keys() == check.ITEMS.keys() and all(
        answers[key] < len(item.choices) for key, item in check.ITEMS.items()
    )
    return tuple(answers[key] for key in check.ITEMS) if fits else None
