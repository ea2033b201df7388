"""What the visitors of `benchmarks.visitors` do on the pages, and what they see."""

from __future__ import annotations

import asyncio
import base64
import io
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from benchmarks.crowds import Crowd, Plan, Seen
from benchmarks.page_files import VisitError
from benchmarks.protocol import Client
from mnist_core.drawing import strokes
from mnist_core.lessons.courses import COURSES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mnist_core.config import RunConfig
    from mnist_core.lessons.course import Question, Step

_HEADING = {"": "Build a network", "draw": "Draw a digit", "learn": "Learn", "compare": "Compare"}
_LINES = (((80, 60), (200, 60), (120, 230)), ((100, 150), (180, 150)), ((140, 40), (140, 240)))
_PEN, _PAUSE_SECONDS = 18, 1.0
TRAIN_SECONDS, COMPARE_SECONDS = (5.0, 15.0), (2.0, 4.0)
"""How long somebody who wanders trains and looks at Compare: from, to."""
# The component that reports whether the visitor wants less motion.
_MOTION = "motion-preference"
_ANSWERED, _RATED = ("It reads", "Not sure", "does not look like"), ("Right!", "Not quite.")


@dataclass(eq=False)
class Visit:
    """One visitor's time on the pages."""

    client: Client
    seen: Seen
    plan: Plan
    crowd: Crowd
    number: int
    began: float

    async def heading(self, page: str) -> None:
        """Wait until a page's heading is there."""
        text = _HEADING[page]
        await self.client.wait_for(
            f'the heading "{text}"',
            lambda: next((one for one in self.client.elements("heading") if one.body.startswith(text)), None),
        )

    async def timed(self, what: str, act: Awaitable[object], find: Callable[[], Any]) -> None:
        """Do something and note how long the page takes to show it, which `find` finds."""
        began = time.perf_counter()
        await act
        await self.client.wait_for(what, find)
        self.seen.controls.append(time.perf_counter() - began)

    async def until(self, seconds: float) -> None:
        """Wait until this many seconds after the click."""
        await asyncio.sleep(max(0.0, self.seen.pressed + seconds - time.perf_counter()))


async def train(visit: Visit) -> None:
    """Train, change a control half-way, and clear the run."""
    client, seen = visit.client, visit.seen
    await client.press("Train")
    visit.crowd.note_started()
    await client.wait_for("the first point", lambda: seen.points or None)
    await visit.until(visit.plan.seconds / 2)
    visit.crowd.first_change.set()
    changed = "Train the changed network"
    await visit.timed(
        "the page to show the changed seed",
        client.enter("Epochs", 50 + visit.number % 50),
        lambda: client.labelled("button", changed),
    )
    seen.steps.append("control")
    await client.wait_for("the second point", lambda: seen.points[1:] or None)
    await visit.until(visit.plan.seconds)


async def leave_training(visit: Visit) -> None:
    """Clear the run. Otherwise it would continue for ten minutes after its tab is closed."""
    if visit.client.labelled("button", "Reset") is not None:
        await visit.client.press("Reset")
        await visit.client.see_button("Train")


async def draw(visit: Visit) -> None:
    """Draw one digit after the other, with a pause after each line."""
    visit.crowd.note_started()
    while time.perf_counter() - visit.seen.pressed < visit.plan.seconds:
        await strokes_of_a_digit(visit)
        await visit.client.press("Clear")
        await visit.client.wait_for("the empty canvas", lambda: _says(visit.client, ("after each stroke",)))


async def strokes_of_a_digit(visit: Visit) -> None:
    """Draw three lines, and wait for the answer to each."""
    client = visit.client
    for count in range(1, len(_LINES) + 1):
        shown = _picture(client)
        await visit.timed(
            "the answer to a stroke",
            client.set_state("canvas", {"drawing": drawing(_LINES[:count])}),
            lambda before=shown: (_picture(client) != before and _says(client, _ANSWERED)) or None,  # type: ignore[misc]
        )
        visit.seen.steps.append("stroke")
        visit.crowd.first_change.set()
        await asyncio.sleep(_PAUSE_SECONDS)


async def learn(visit: Visit) -> None:
    """Answer the question of a step of a course, train its runs, and read the explanation."""
    client, plan = visit.client, visit.plan
    visit.crowd.note_started()
    question = _asked(visit)
    await visit.timed(
        "the runs of the step after the answer",
        client.choose(question.text, question.right),
        lambda: any(_runs_of_step(client)) or None,
    )
    visit.seen.steps.append("answer")
    visit.crowd.first_change.set()
    if client.labelled("button", "Start"):
        await client.press("Start")
    elif client.component(_MOTION):  # The server has trained it for others; it asks whether to replay it.
        await client.set_state(_MOTION, {"is_reduced": False})
    deadline = visit.seen.pressed + plan.seconds
    while time.perf_counter() < deadline and not _says(client, _RATED):
        await asyncio.sleep(0.25)
    if _says(client, _RATED):
        visit.seen.steps.append("explanation")


def _runs_of_step(client: Client) -> list[Any]:
    """What the page offers after the answer: to start, to stop, or to see a replay; or it explains the answer."""
    buttons = [client.labelled("button", label) for label in ("Start", "Stop")]
    return [*buttons, client.component(_MOTION), _says(client, _RATED)]


async def wander(address: str, number: int, plan: Plan, crowd: Crowd) -> None:
    """One seat of a class, for `plan.seconds`: one visitor after the other trains, draws, compares and leaves."""
    end, moments = time.perf_counter() + plan.seconds, random.Random(number)
    await asyncio.sleep(plan.share(number, plan.clicks))
    while time.perf_counter() < end:
        client = Client(address, _query("", number, plan.config), patience=plan.patience)
        seen = crowd.add(Seen(client, trains=True))
        visit = Visit(client, seen, plan, crowd, number, time.perf_counter())
        try:
            await round_of_pages(visit, moments)
        except VisitError as error:
            seen.errors.append(str(error))
        finally:
            await client.close()


async def round_of_pages(visit: Visit, moments: random.Random) -> None:
    """Come, train for a while, stop, draw and compare."""
    client, seen = visit.client, visit.seen
    await client.open()
    await visit.heading("")
    seen.text = time.perf_counter() - visit.began
    await client.see_button("Train")
    seen.ready = time.perf_counter() - visit.began
    seen.watch()
    await client.press("Train")
    await client.wait_for("the first point", lambda: seen.points or None)
    await asyncio.sleep(moments.uniform(*TRAIN_SECONDS))
    await client.press("Stop")
    await client.see_button("Train")
    seen.is_watching = False
    await client.go_to("draw")
    await visit.heading("draw")
    await strokes_of_a_digit(visit)
    await client.go_to("compare")
    await visit.heading("compare")
    await asyncio.sleep(moments.uniform(*COMPARE_SECONDS))
    seen.steps.append("visit")


def _step(number: int) -> Step:
    """A step with runs for a visitor."""
    steps = [step for course in COURSES.values() for step in course.steps if step.trials and not step.classical]
    return steps[number % len(steps)]


def _asked(visit: Visit) -> Question:
    question = _step(visit.number).question
    assert question is not None  # Steps with runs ask.
    return question


def _query(page: str, number: int, config: RunConfig) -> str:
    if page == "learn":
        return urlencode({"step": _step(number).key})
    return urlencode(config.to_query()) if page == "" else ""


PAGES = {"train": "", "draw": "draw", "learn": "learn"}
_DO = {"train": train, "draw": draw, "learn": learn}


async def come(address: str, number: int, plan: Plan, crowd: Crowd, kind: str) -> None:
    """One visitor comes, uses a page and leaves.

    Args:
        address: the server's.
        number: which visitor it is, from 0.
        plan: how all of them behave.
        crowd: the others.
        kind: a key of `PAGES`.
    """
    page = PAGES[kind]
    client = Client(address, _query(page, number, plan.config), page, plan.patience)
    seen = crowd.add(Seen(client, trains=kind == "train"))
    is_ready = has_started = False
    try:
        await asyncio.sleep(plan.share(number, plan.arrive))
        visit = Visit(client, seen, plan, crowd, number, time.perf_counter())
        await client.open()
        await visit.heading(page)
        seen.text = time.perf_counter() - visit.began
        await ready(visit, kind)
        seen.ready = time.perf_counter() - visit.began
        is_ready = True
        crowd.note_ready()
        if plan.seconds:
            await crowd.all_ready.wait()
            await asyncio.sleep(plan.share(number, plan.clicks))
            seen.watch()
            seen.is_watching = seen.trains
            has_started = True
            try:
                await _DO[kind](visit)
            finally:
                if kind == "train":
                    await leave_training(visit)
    except VisitError as error:
        seen.errors.append(str(error))
    finally:
        if not is_ready:
            crowd.note_ready()
        if not has_started:
            crowd.note_started()
        await client.close()


async def ready(visit: Visit, kind: str) -> None:
    """Wait until the page can be used."""
    client = visit.client
    if kind == "train":
        await client.see_button("Train")
    elif kind == "draw":
        await client.wait_for("the canvas", lambda: _picture(client) or None)
    else:
        text = _asked(visit).text
        await client.wait_for("the question of the step", lambda: client.labelled("radio", text))


def drawing(lines: Sequence[Any]) -> dict[str, Any]:
    """Lines as the canvas sends them: their paths, and the picture of all of them."""
    paths = [[["M" if at == 0 else "L", *point] for at, point in enumerate(line)] for line in lines]
    rgba = strokes.render(tuple(np.array(line) / strokes.CANVAS for line in lines), _PEN)
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    objects = [{"type": "Path", "path": path, "strokeWidth": _PEN, "stroke": "#000000"} for path in paths]
    return {
        "raw": {"objects": objects},
        "data": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
    }


def _picture(client: Client) -> str:
    """The picture that the networks get."""
    return next((str(one.imgs[0].url) for one in client.elements("imgs") if one.imgs), "")


def _says(client: Client, words: tuple[str, ...]) -> bool | None:
    """True if a message on the page has one of the words; else None."""
    return any(word in one.body for one in client.elements("alert") for word in words) or None
