"""The plan of a class: its tasks in their order, as JSON that can be saved, sent and checked.

There are four kinds of tasks: a question to vote on, a network to train, digits to draw, and something to look at.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core import links
from mnist_core.classes import packed
from mnist_core.config import CLASSES, SEED, SETTINGS, RunConfig
from mnist_core.data import sources
from mnist_core.errors import ConfigError
from mnist_core.language import Message
from mnist_core.lessons import courses
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.course import RIGHT
from mnist_core.lessons.faults import FAULTS
from mnist_core.network import parameter_count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.lessons.course import Question, Step

MAX_TASKS = 40
LEAST_CHOICES, MOST_CHOICES = 2, 5
TEXT_LENGTH, CHOICE_LENGTH = 300, 120
"""The most characters of a teacher's own question and of one of its choices."""
MOST_EACH = 3
"""The most drawings of a digit that a seat is asked for."""
MOST_LINK = 4_000
"""The most characters of a link to a plan: longer ones do not survive all mail programs."""
_MOST_TEXT = 64 * 2**10
LINK_LENGTH = 2_000
"""The most characters of a link to a network."""
FREE = tuple(
    name for name in SETTINGS if name not in {"dataset", "split", "validation_fraction", "training_images", "seed"}
)
"""The settings that a class may change in a network to train. The images stay the same: networks can be compared."""
MOST_SHOWN_PARAMETERS = 500_000
"""The most parameters of a network that trains on a wall."""
_ID = re.compile(r"[a-z0-9-]{1,12}")
_IMAGE = re.compile(r"[0-9]{1,5}")
# What can be switched in a network to train, and what is usual.
_SWITCHES = {"own_seed": True, "predict": True, "ranking": False}


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
class Train:
    """A network to train: everybody changes what is free, trains, and sees how all networks of the class do.

    Args:
        id: unique in the plan: 1 to 12 small letters, digits and dashes.
        link: its settings, as in a link to a network. It holds images back for validation.
        free: names of the settings that may be changed, of `FREE`.
        own_seed: whether each seat has a seed of its own: that of the link plus its number.
        predict: whether everybody guesses the accuracy first.
        accuracy: the validation accuracy to reach, 0 to 1; None for no such goal.
        parameters: the most parameters that count for the goal; None for any number.
        ranking: whether the wall names the best seats at the end.
    """

    id: str
    link: str
    free: tuple[str, ...] = ()
    own_seed: bool = True
    predict: bool = True
    accuracy: float | None = None
    parameters: int | None = None
    ranking: bool = False


@dataclass(frozen=True)
class Draw:
    """Digits to draw: those of all seats become the test set of the class, which every network of it reads.

    Args:
        id: unique in the plan: 1 to 12 small letters, digits and dashes.
        digits: which, 0 to 9, in the order in which they are wanted.
        each: how many of each a seat draws, 1 to 3.
    """

    id: str
    digits: tuple[int, ...]
    each: int = 1


@dataclass(frozen=True)
class Look:
    """Something that all look at: the wall shows it.

    Args:
        id: unique in the plan: 1 to 12 small letters, digits and dashes.
        at: "step/KEY" for a step of a course with its runs; "fault/KEY" for the run of a case of the lab, and what is
            wrong with it; "image/NUMBER" for a test image; "map" of training images; "run" for a network that trains;
            "drawing" of the teacher; "summary" of the lesson.
        link: the settings of the network that trains; empty otherwise.
        image: the teacher's drawing, as `packed.pack_image` writes it; empty otherwise.
    """

    id: str
    at: str
    link: str = ""
    image: str = ""

    @property
    def what(self) -> str:
        """What it is: the part of `at` before the dash."""
        return self.at.partition("/")[0]

    @property
    def key(self) -> str:
        """Which one it is: the part of `at` after the dash, or empty."""
        return self.at.partition("/")[2]


Task = Ask | Train | Draw | Look
# A task of each kind, with the usual settings.
_USUAL: Mapping[str, Task] = {"ask": Ask(""), "train": Train("", ""), "draw": Draw("", ()), "look": Look("", "")}


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


def step_of(task: Task) -> Step | None:
    """The step of a course whose question a task asks, or that it shows; None for all others."""
    if isinstance(task, Look):
        return _step(task.at)
    return _step(task.question) if isinstance(task, Ask) else None


def wanted(task: Draw) -> tuple[int, ...]:
    """The digits that each seat draws, in order."""
    return task.digits * task.each


@functools.lru_cache(256)  # Pages ask in each rerun.
def config_of(task: Train | Look) -> RunConfig:
    """The network of a task, as its link says; the usual one without a link.

    Raises:
        ConfigError: naming the setting that is misspelt, unreadable or refused.
    """
    config = links.read(urllib.parse.parse_qs(task.link.rpartition("?")[2], keep_blank_values=True))
    return RunConfig() if config is None else config


def drawing_of(task: Look) -> npt.NDArray[np.uint8]:
    """The teacher's drawing that is looked at: (28, 28) uint8, 255 = ink, as the networks get it.

    Raises:
        ValueError: none is looked at, or it is damaged; not for a plan that `from_json` has read.
    """
    return packed.unpack_image(task.image)


def config_for(task: Train, seat: int, chosen: RunConfig | None = None) -> RunConfig:
    """The network that a seat trains.

    Args:
        task: what the class trains.
        seat: the number of the seat.
        chosen: what the seat has chosen; only its free settings count. None for no change.
    """
    config = config_of(task)
    free = {name: getattr(chosen, name) for name in task.free} if chosen is not None else {}
    seed = (config.seed + seat) % int(SEED.high + 1) if task.own_seed else config.seed
    return dataclasses.replace(config, **free, seed=seed)


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


def to_json(plan: tuple[Task, ...]) -> str:
    """A plan as text; settings with their usual value are left out."""
    rows = []
    for task in plan:
        kind, usual = next((kind, one) for kind, one in _USUAL.items() if type(one) is type(task))
        values = {field.name: getattr(task, field.name) for field in dataclasses.fields(task)}
        changed = {name: value for name, value in values.items() if value != getattr(usual, name)}
        rows.append({"id": task.id, "kind": kind, **changed})
    return json.dumps(rows, ensure_ascii=False)


def from_json(text: str) -> tuple[Task, ...]:
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


def plan_link(plan: tuple[Task, ...]) -> str:
    """A plan as the value of a parameter in an address: letters, digits, ``-`` and ``_``."""
    return packed.pack(to_json(plan).encode())


def from_link(text: str) -> tuple[Task, ...]:
    """The plan of `plan_link`.

    Raises:
        ConfigError: for anything that is not one.
    """
    try:
        found = packed.unpack(text, _MOST_TEXT).decode()
    except ValueError as error:
        raise ConfigError("plan", "is not a link to a plan.", "Copy the whole link again.") from error
    return from_json(found)


def _known(name: str) -> Question | None:
    step = _step(name)
    if step is not None:
        return step.question
    kind, _slash, key = name.partition("/")
    return ITEMS.get(key) if kind == "check" else None


def _step(name: str) -> Step | None:
    kind, _slash, key = name.partition("/")
    return courses.step_of(key) if kind == "step" and courses.find_step(key) is not None else None


def _task(row: Any, field: str) -> Task:
    kind = row.get("kind") if isinstance(row, Mapping) else None
    if not isinstance(kind, str) or kind not in _USUAL:
        raise ConfigError(
            field, "is not a task that this version knows.", "Update the playground, or leave it out.", row
        )
    known = {one.name for one in dataclasses.fields(_USUAL[kind])} | {"kind"}
    unknown = set(map(str, row)) - known
    if unknown:
        raise ConfigError(f"{field}.{min(unknown)}", "is not a setting of this task.", "Leave it out.")
    task_id = row.get("id")
    if not isinstance(task_id, str) or not _ID.fullmatch(task_id):
        raise ConfigError(f"{field}.id", "is not an id.", "Use 1 to 12 small letters, digits and dashes.", task_id)
    if kind == "ask":
        return _ask(task_id, row, field)
    if kind == "train":
        return _train(task_id, row, field)
    return _draw(task_id, row, field) if kind == "draw" else _look(task_id, row, field)


def _ask(task_id: str, row: Mapping[str, Any], field: str) -> Ask:
    twice = _switch(row, "twice", field, usual=True)
    question = row.get("question", "")
    if question:
        if not isinstance(question, str) or _known(question) is None:
            raise ConfigError(f"{field}.question", "names no question.", "Use step/KEY or check/KEY.", question)
        if {"text", "choices", "right"} & set(row):
            raise ConfigError(field, "has two questions.", "Leave out its text, or the question that it names.")
        return Ask(task_id, question, twice=twice)
    text = _own(row.get("text"), f"{field}.text", TEXT_LENGTH)
    return Ask(task_id, "", text, *_own_choices(row, field), twice=twice)


def _train(task_id: str, row: Mapping[str, Any], field: str) -> Train:
    link, free = row.get("link"), row.get("free", [])
    if not isinstance(link, str) or len(link) > LINK_LENGTH:
        remedy = Message("Give a link of at most {most} characters.", most=LINK_LENGTH)
        raise ConfigError(f"{field}.link", "is not a link to a network.", remedy, link)
    if not isinstance(free, list) or not all(isinstance(name, str) and name in FREE for name in free):
        remedy = Message("Choose from {names}.", names=", ".join(FREE))
        raise ConfigError(f"{field}.free", "are not settings that a class can change.", remedy, free)
    switches = {name: _switch(row, name, field, usual=usual) for name, usual in _SWITCHES.items()}
    goal = {
        "accuracy": _number(row, "accuracy", field, 0, 1),
        "parameters": _number(row, "parameters", field, 1, 10**9),
    }
    if goal["parameters"] is not None:
        goal["parameters"] = round(goal["parameters"])
    task = Train(task_id, link, tuple(name for name in FREE if name in free), **switches, **goal)  # type: ignore[arg-type]
    config = config_of(task)
    if not config.validation_fraction:
        raise ConfigError(
            f"{field}.link", "holds no images back for validation.", "Set validation_fraction=0.2 in the link.", link
        )
    if config.dataset not in sources.SOURCES:
        raise ConfigError(f"{field}.link", "uses a data set of your own.", "Use one that everybody has.", link)
    return task


def _draw(task_id: str, row: Mapping[str, Any], field: str) -> Draw:
    digits, each = row.get("digits"), row.get("each", 1)
    is_digits = isinstance(digits, list) and all(type(one) is int and 0 <= one < CLASSES for one in digits)
    if not is_digits or not digits or len(set(digits)) < len(digits):
        raise ConfigError(f"{field}.digits", "are not digits to draw.", "Give different digits from 0 to 9.", digits)
    if type(each) is not int or not 1 <= each <= MOST_EACH:
        remedy = Message("Give a number from {least:,} to {most:,}, or leave it out.", least=1, most=MOST_EACH)
        raise ConfigError(f"{field}.each", "is not how many of each to draw.", remedy, each)
    return Draw(task_id, tuple(digits), each)


def _look(task_id: str, row: Mapping[str, Any], field: str) -> Look:
    at, link, image = row.get("at"), row.get("link", ""), row.get("image", "")
    task = Look(task_id, *(one if isinstance(one, str) else "" for one in (at, link, image)))
    is_known = {
        "step": _step(task.at) is not None,
        "fault": task.key in FAULTS,
        "image": bool(_IMAGE.fullmatch(task.key)),
    }.get(task.what, task.at in ("drawing", "map", "run", "summary"))
    if not is_known:
        raise ConfigError(
            f"{field}.at",
            "names nothing that can be shown.",
            "Use step/KEY, fault/KEY, image/NUMBER, drawing, map, run or summary.",
            at,
        )
    if task.link != link or len(task.link) > LINK_LENGTH or (task.link and task.at != "run"):
        raise ConfigError(f"{field}.link", "is not a link to a network.", "Leave it out.", link)
    if parameter_count(config_of(task)) > MOST_SHOWN_PARAMETERS:
        # The server keeps what a wall shows, for all to see.
        remedy = Message("Show one with at most {most:,} parameters.", most=MOST_SHOWN_PARAMETERS)
        raise ConfigError(f"{field}.link", "is a large network for a wall.", remedy)
    if task.at != "drawing":
        if image:
            raise ConfigError(f"{field}.image", "is not a setting of this task.", "Leave it out.", image)
        return task
    try:
        drawing_of(task)
    except ValueError as error:
        raise ConfigError(f"{field}.image", "is not a drawing.", "Draw it again at the desk.", image) from error
    return task


def _switch(row: Mapping[str, Any], name: str, field: str, usual: bool) -> bool:
    value = row.get(name, usual)
    if not isinstance(value, bool):
        remedy = Message("Leave it out for {usual}.", usual=str(usual).lower())
        raise ConfigError(f"{field}.{name}", "must be true or false.", remedy, value)
    return value


def _number(row: Mapping[str, Any], name: str, field: str, least: float, most: float) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        remedy = Message("Give a number from {least:,} to {most:,}, or leave it out.", least=least, most=most)
        raise ConfigError(f"{field}.{name}", "is not a goal.", remedy, value)
    return value


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
