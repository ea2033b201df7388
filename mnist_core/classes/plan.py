"""The plan of a class: its tasks in their order, as JSON that can be saved, sent and checked.

So far there is one kind of task, a question to vote on: one of the courses or of the check, or the teacher's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.errors import ConfigError
from mnist_core.language import Message
from mnist_core.lessons import courses
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.course import RIGHT

if TYPE_CHECKING:
    from mnist_core.lessons.course import Question, Step

MAX_TASKS = 40
LEAST_CHOICES, MOST_CHOICES = 2, 5
TEXT_LENGTH, CHOICE_LENGTH = 300, 120
"""The most characters of a teacher's own question and of one of its choices."""
_ID = re.compile(r"[a-z0-9-]{1,12}")


@dataclass(frozen=True)
class Ask:
    """A question to vote on.

    Args:
        id: unique in the plan: 1 to 12 small letters, digits and dashes.
        question: "step/KEY" for that of a step of a course, "check/KEY" for an item of the check; empty for an own one.
        text: the teacher's own question, shown as it stands; empty if `question` names one.
        choices: 2 to 5 choices of the own question.
        right: the place of the right one among them; None if none is right.
        twice: whether there can be a second vote after talking.
    """

    id: str
    question: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()
    right: int | None = None
    twice: bool = True


@dataclass(frozen=True)
class Asked:
    """What a class votes on.

    Args:
        text: the question.
        choices: all answers.
        right: the place of the right one; None if none is.
        why: the explanation, Markdown; empty for none.
        replies: what to say about each choice; empty for the right one.
        is_own: whether a teacher has typed it: then it is shown as it stands, not as Markdown and not translated.
    """

    text: str
    choices: tuple[str, ...]
    right: int | None
    why: str
    replies: tuple[str, ...]
    is_own: bool


def question_of(task: Ask) -> Asked:
    """The question of a task, with all its answers."""
    found = _known(task.question)
    if found is None:
        return Asked(task.text, task.choices, task.right, "", ("",) * len(task.choices), is_own=True)
    replies = tuple(found.reply(place) for place in range(len(found.choices)))
    return Asked(found.text, found.choices, RIGHT, found.why, replies, is_own=False)


def step_of(task: Ask) -> Step | None:
    """The step of a course whose question a task asks; None for the check and for own questions."""
    return _step(task.question)


def order_of(task: Ask, class_id: str) -> list[int]:
    """The places of the choices in the order in which a class sees them: the same for all, so that they can talk.

    The teacher's own choices stay as they were typed.
    """
    found = _known(task.question)
    return list(range(len(task.choices))) if found is None else found.shuffled(class_id)


def known_questions() -> dict[str, Question]:
    """All questions that a task can name, in the order of the courses, then those of the check."""
    steps = {
        f"step/{step.key}": step.question for one in courses.COURSES.values() for step in one.steps if step.question
    }
    return steps | {f"check/{key}": item for key, item in ITEMS.items()}


def to_json(plan: tuple[Ask, ...]) -> str:
    """A plan as text; settings with their usual value are left out."""
    usual = Ask("")
    rows = []
    for task in plan:
        values = {name: getattr(task, name) for name in ("question", "text", "choices", "right", "twice")}
        rows.append(
            {"id": task.id, "kind": "ask", **{k: v for k, v in values.items() if v != getattr(usual, k)}},
        )
    return json.dumps(rows, ensure_ascii=False)


def from_json(text: str) -> tuple[Ask, ...]:
    """The plan that `to_json` has written, or that somebody sent.

    Raises:
        ConfigError: naming the task, for anything that is not a plan.
    """
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError("plan", "is not valid JSON.", "Copy the whole plan again.", text) from error
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_TASKS:
        raise ConfigError("plan", "is not a list of tasks.", Message("Give 1 to {most} tasks.", most=MAX_TASKS))
    plan = tuple(_task(row, f"plan[{number}]") for number, row in enumerate(rows))
    if len({task.id for task in plan}) < len(plan):
        raise ConfigError("plan", "has two tasks with one id.", "Give each task its own id.")
    return plan


def _known(name: str) -> Question | None:
    step = _step(name)
    if step is not None:
        return step.question
    kind, _slash, key = name.partition("/")
    return ITEMS.get(key) if kind == "check" else None


def _step(name: str) -> Step | None:
    kind, _slash, key = name.partition("/")
    return courses.step_of(key) if kind == "step" and courses.find_step(key) is not None else None


def _task(row: Any, field: str) -> Ask:
    if not isinstance(row, Mapping) or row.get("kind") != "ask":
        raise ConfigError(
            field, "is not a task that this version knows.", "Update the playground, or leave it out.", row
        )
    unknown = set(map(str, row)) - {"id", "kind", "question", "text", "choices", "right", "twice"}
    if unknown:
        raise ConfigError(f"{field}.{min(unknown)}", "is not a setting of a question.", "Leave it out.")
    task_id, twice = row.get("id"), row.get("twice", True)
    if not isinstance(task_id, str) or not _ID.fullmatch(task_id):
        raise ConfigError(f"{field}.id", "is not an id.", "Use 1 to 12 small letters, digits and dashes.", task_id)
    if not isinstance(twice, bool):
        raise ConfigError(f"{field}.twice", "must be true or false.", "Leave it out for true.", twice)
    question = row.get("question", "")
    if question:
        if not isinstance(question, str) or _known(question) is None:
            raise ConfigError(f"{field}.question", "names no question.", "Use step/KEY or check/KEY.", question)
        if {"text", "choices", "right"} & set(row):
            raise ConfigError(field, "has two questions.", "Leave out its text, or the question that it names.")
        return Ask(task_id, question, twice=twice)
    text = _own(row.get("text"), f"{field}.text", TEXT_LENGTH)
    return Ask(task_id, "", text, *_own_choices(row, field), twice=twice)


def _own_choices(row: Mapping[str, Any], field: str) -> tuple[tuple[str, ...], int | None]:
    raw, right = row.get("choices"), row.get("right")
    if not isinstance(raw, list) or not LEAST_CHOICES <= len(raw) <= MOST_CHOICES:
        remedy = Message("Give {least} to {most} choices.", least=LEAST_CHOICES, most=MOST_CHOICES)
        raise ConfigError(f"{field}.choices", "are not the choices of a question.", remedy, raw)
    choices = tuple(_own(one, f"{field}.choices", CHOICE_LENGTH) for one in raw)
    if len(set(choices)) < len(choices):
        raise ConfigError(f"{field}.choices", "has one choice twice.", "Give different choices.")
    is_place = isinstance(right, int) and not isinstance(right, bool) and 0 <= right < len(choices)
    if right is not None and not is_place:
        raise ConfigError(f"{field}.right", "is not the place of a choice.", "Count from 0, or leave it out.", right)
    return choices, right


def _own(value: object, field: str, most: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > most or not text.isprintable():
        raise ConfigError(field, "is not a text.", Message("Write 1 to {most} ordinary letters.", most=most), value)
    return text
