"""A lesson without browsers: a teacher at the desk, a wall, and students, for `benchmarks.visitors --page class`.

The students scan the code while the first vote is open, vote on each question, and follow every move. At last they all
train the same network. They choose as the pretend students of a desk do, see `pretend_choices`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.crowds import Crowd, Plan, Seen
from benchmarks.page_files import VisitError
from benchmarks.protocol import Client
from mnist_core import links
from mnist_core.classes import Ask, Train, plan_link, pretend_choices, question_of
from mnist_core.lessons.courses import COURSES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mnist_core.config import RunConfig

QUESTIONS = 3
FREE: tuple[str, ...] = ("epochs",)
"""What can be changed in the network: nothing that pretend students change, so that all train the same one."""
_GUESS = "Your guess first: which share of the validation images will it read right?"


@dataclass(eq=False)
class Lesson:
    """What everybody has seen in a lesson; times in seconds.

    Attributes:
        plan: how the students behave.
        crowd: the students.
        pause: how long the teacher waits before each move.
        code: of the class.
        scanned: for each student, from scanning the code until a vote can be given.
        saved: for each vote, until its page says that it is saved.
        on_desk: for each vote, until the desk counts it.
        moves: for each move of the teacher and each screen, until the screen shows it.
        errors: what went wrong at the desk and on the wall.
    """

    plan: Plan
    crowd: Crowd
    pause: float
    code: str = ""
    scanned: list[float] = field(default_factory=list)
    saved: list[float] = field(default_factory=list)
    on_desk: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def lead(address: str, plan: Plan, crowd: Crowd, pause: float = 3.0) -> Lesson:
    """Hold a lesson of a few votes and one network at a server; returns what was seen.

    Args:
        address: the server's.
        plan: how the students behave.
        crowd: empty; the students are added.
        pause: how long the teacher waits before each move, in seconds.
    """
    lesson = Lesson(plan, crowd, pause)
    questions, network = _tasks(plan.config)
    desk = Client(address, f"plan={plan_link((*questions, network))}", "class", plan.patience, errors=lesson.errors)
    wall: Client | None = None
    students: list[Client] = []
    try:
        await desk.open()
        await desk.press("Start a class")
        lesson.code = await desk.wait_for("the code of the class", lambda: _code(desk))
        wall = Client(address, await _wall_query(desk), "class", plan.patience, errors=lesson.errors)
        await wall.open()
        await _press(desk, "Open the vote")
        students = [Client(address, f"join={lesson.code}", "class", plan.patience) for _ in range(plan.count)]
        seen = [crowd.add(Seen(student)) for student in students]
        await _all(lesson, students, lambda number, one: _scan(lesson, number, one))
        for question in questions:
            if question is not questions[0]:
                await _move(lesson, desk, [*students, wall], "Open the vote", _can_vote, _voted_of)
            await _vote(lesson, desk, students, question)
            await _move(lesson, desk, [*students, wall], "Close the vote", _is_closed, _asks_to_talk)
            await _move(lesson, desk, [*students, wall], "Show the answer", _has_answer, _has_chart)
            if question is not questions[-1]:
                await _move(lesson, desk, [*students, wall], "Next task", _looks_up, lambda one: not _has_chart(one))
        await _train(lesson, desk, students, seen, network)
    except VisitError as error:
        lesson.errors.append(str(error))
    finally:
        for one in (desk, wall, *students):
            if one is not None:
                await one.close()
    return lesson


def _tasks(config: RunConfig) -> tuple[list[Ask], Train]:
    """The first questions of the first course, and the network."""
    names = [f"step/{step.key}" for step in COURSES["how"].steps if step.question is not None]
    asks = [Ask(f"q{at}", name) for at, name in enumerate(names[:QUESTIONS], 1)]
    return asks, Train("n1", links.to_config("", config), FREE)


# --- What they do ------------------------------------------------------------------------------------------------


async def _scan(lesson: Lesson, number: int, student: Client) -> None:
    await asyncio.sleep(lesson.plan.share(number - 1, lesson.plan.arrive))
    began = time.perf_counter()
    await student.open()
    await student.wait_for("a choice to vote for", lambda: _can_vote(student) or None)
    lesson.scanned.append(time.perf_counter() - began)


async def _vote(lesson: Lesson, desk: Client, students: list[Client], task: Ask) -> None:
    """All vote; the desk counts them in the order in which they came."""
    given: list[float] = []
    counted: list[float] = []

    async def vote(number: int, student: Client) -> None:
        await asyncio.sleep(pretend_choices.delay(number, lesson.plan.clicks))
        text = question_of(task).choices[pretend_choices.vote(number, task, 1)]
        label = await student.wait_for(f'the choice "{text}"', lambda: _choice(student, text))
        given.append(began := time.perf_counter())
        await student.press(label)
        await student.wait_for("the vote to be saved", lambda: _says(student, "Your vote is saved.") or None)
        lesson.saved.append(time.perf_counter() - began)

    async def count() -> None:
        for number in range(1, len(students) + 1):
            await desk.wait_for(f"vote {number} at the desk", lambda least=number: _votes(desk) >= least or None)  # type: ignore[misc]
            counted.append(time.perf_counter())

    counting = asyncio.create_task(count())
    try:
        await _all(lesson, students, vote)
        await counting
    finally:
        counting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await counting
    lesson.on_desk += [shown - pressed for pressed, shown in zip(sorted(given), counted, strict=True)]


async def _move(
    lesson: Lesson,
    desk: Client,
    screens: list[Client],
    label: str,
    on_page: Callable[[Client], bool],
    on_wall: Callable[[Client], bool],
) -> None:
    """The teacher moves, and every screen follows; the last one is the wall."""
    await asyncio.sleep(lesson.pause)
    began = time.perf_counter()
    await _press(desk, label)

    async def follow(number: int, screen: Client) -> None:
        is_there = on_wall if number == len(screens) else on_page
        await screen.wait_for(f'what "{label}" changes', lambda: is_there(screen) or None)
        lesson.moves.append(time.perf_counter() - began)

    await _all(lesson, screens, follow)


async def _train(lesson: Lesson, desk: Client, students: list[Client], seen: list[Seen], task: Train) -> None:
    """All guess, and train the network, which holds images back, for `plan.seconds`."""
    await _press(desk, "Next task")
    await _press(desk, "Let them train")

    async def train(number: int, student: Client) -> None:
        try:
            await student.slide(_GUESS, 100 * pretend_choices.guess(number, task))
            await student.press("That is my guess")
            await student.see_button("Train")
            if "layers" in task.free:
                await student.enter("Units", pretend_choices.network(number, task).layers[0].units)
        finally:  # The others do not wait for somebody who has given up.
            lesson.crowd.note_ready()
            lesson.crowd.note_started()
        await lesson.crowd.all_ready.wait()
        await asyncio.sleep(pretend_choices.delay(number, lesson.plan.clicks))
        own = seen[number - 1]
        own.trains = True
        own.watch()
        await student.press("Train")
        await student.wait_for("the first point", lambda: own.points or None)
        await asyncio.sleep(max(0.0, own.pressed + lesson.plan.seconds - time.perf_counter()))
        await student.press("Stop")
        await student.see_button("Train")

    await _all(lesson, students, train)


async def _all(lesson: Lesson, clients: list[Client], act: Callable[[int, Client], Coroutine[Any, Any, None]]) -> None:
    """Let all act at the same time, with their numbers from 1; what fails is noted, and the others go on."""
    for found in await asyncio.gather(*(act(*one) for one in enumerate(clients, 1)), return_exceptions=True):
        if isinstance(found, VisitError):
            lesson.errors.append(str(found))
        elif isinstance(found, BaseException):
            raise found


async def _press(desk: Client, label: str) -> None:
    """Press the button of the desk whose label begins so: some count votes."""
    button = await desk.wait_for(
        f'the button "{label}"',
        lambda: next(
            (one for one in desk.elements("button") if one.label.startswith(label) and not one.disabled), None
        ),
    )
    await desk.press(button.label)


# --- What their pages show ---------------------------------------------------------------------------------------


def _code(desk: Client) -> str | None:
    texts = (one.body for one in desk.elements("markdown"))
    return next((found[1] for text in texts if (found := re.fullmatch(r"\*\*([0-9A-Z]{6})\*\*", text))), None)


async def _wall_query(desk: Client) -> str:
    link = await desk.wait_for("the link to the wall", lambda: next(iter(desk.elements("link_button")), None))
    return urlsplit(str(link.url)).query


def _votes(desk: Client) -> int:
    """How many votes the desk's button counts."""
    labels = [one.label for one in desk.elements("button")]
    found = (re.fullmatch(r"Close the vote \((\d+) of \d+\)", label) for label in labels)
    return next((int(one[1]) for one in found if one), 0)


def _says(client: Client, words: str) -> bool:
    return words in client.text


def _choice(student: Client, text: str) -> str | None:
    """The label of the button of a choice."""
    labels = (one.label for one in student.elements("button"))
    return next((label for label in labels if label.endswith(f"\u2002{text}")), None)


def _can_vote(student: Client) -> bool:
    return any("-vote-" in one.id for one in student.elements("button"))


def _is_closed(student: Client) -> bool:
    return _says(student, "Your vote:")


def _has_answer(student: Client) -> bool:
    return any(True for _ in student.elements("alert"))


def _looks_up(student: Client) -> bool:
    return _says(student, "Look at the front.")


def _voted_of(wall: Client) -> bool:
    return _says(wall, "have voted")


def _asks_to_talk(wall: Client) -> bool:
    return _says(wall, "Convince your neighbour")


def _has_chart(wall: Client) -> bool:
    return any(True for _ in wall.elements("arrow_vega_lite_chart")) or any(
        True for _ in wall.elements("vega_lite_chart")
    )
