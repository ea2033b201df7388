"""What the visitors of `benchmarks.visitors` do on the pages, and what they see."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from benchmarks.protocol import Client, VisitError
from mnist_core import presets
from mnist_core.charts.training import TRAINING
from mnist_core.drawing import strokes
from mnist_core.lessons.courses import COURSES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamlit.proto.Element_pb2 import Element

    from mnist_core.config import RunConfig

# Long enough that no run ends during the measurement.
CONFIG = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)
_HEADING = {"": "Build a network", "draw": "Draw a digit", "learn": "Learn", "compare": "Compare"}
_LINES = (((80, 60), (200, 60), (120, 230)), ((100, 150), (180, 150)), ((140, 40), (140, 240)))
_PEN, _PAUSE_SECONDS = 18, 1.0
_ANSWERED, _RATED = ("It reads", "Not sure", "does not look like"), ("Right!", "Not quite.")


@dataclass(frozen=True)
class Plan:
    """How the visitors behave.

    Attributes:
        count: how many there are.
        seconds: how long each of them uses the page.
        arrive: within how many seconds they arrive.
        clicks: within how many seconds they begin, once all are there.
        patience: how long a visitor waits for anything, in seconds.
        config: what is in the editor of those who train.
    """

    count: int
    seconds: float
    arrive: float = 0.0
    clicks: float = 3.0
    patience: float = 60.0
    config: RunConfig = CONFIG

    def share(self, number: int, seconds: float) -> float:
        """When visitor `number` acts, if all act evenly within `seconds`."""
        return seconds * number / max(1, self.count - 1)


@dataclass(eq=False)
class Seen:
    """What one visitor has seen; times in seconds.

    Attributes:
        trains: whether they train a network of their own.
        text: from the start until the page's heading was there.
        ready: from the start until the page could be used.
        pressed: the time of the click on Train, by `time.perf_counter`.
        points: for each change of the curve, the time and the epochs so far.
        controls: how long the page took to show each changed control, stroke or answer.
        steps: what was completed, such as "stroke".
        polls: how long each poll took.
        errors: what went wrong.
    """

    trains: bool = False
    text: float = 0.0
    ready: float = 0.0
    pressed: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)
    controls: list[float] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def take(self, element: Element) -> None:
        """Note a curve that has grown."""
        epochs = newest_epoch(element) if self.pressed else None
        if epochs is not None and (not self.points or epochs > self.points[-1][1]):
            self.points.append((time.perf_counter(), epochs))

    @property
    def gaps(self) -> list[float]:
        """The times between points."""
        return [b[0] - a[0] for a, b in zip(self.points, self.points[1:], strict=False)]

    def epochs_at(self, moment: float) -> float:
        """How many epochs were trained by then, interpolated between the points."""
        if not self.points:
            return 0.0
        times, epochs = zip((self.pressed, 0.0), *self.points, strict=True)
        return float(np.interp(moment, times, epochs))


class Crowd:
    """Lets the visitors of a plan wait for each other, and notes when they act.

    Attributes:
        seen: what each has seen so far, in the order of arrival.
        all_ready: set when all can begin, or have given up.
        all_begun: set when all have begun, or have given up.
        first_change: set when the first of them changes something.
    """

    def __init__(self, plan: Plan) -> None:
        self._awaited = plan.count
        self.seen: list[Seen] = []
        self.all_ready, self.all_begun, self.first_change = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._beginning = plan.count

    def note_ready(self) -> None:
        """A visitor is ready, or has given up before."""
        self._awaited -= 1
        if self._awaited <= 0:
            self.all_ready.set()

    def note_begun(self) -> None:
        """A visitor has pressed the first button, or has given up before."""
        self._beginning -= 1
        if self._beginning <= 0:
            self.all_begun.set()


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
        """Wait until so many seconds after the click."""
        await asyncio.sleep(max(0.0, self.seen.pressed + seconds - time.perf_counter()))


async def train(visit: Visit) -> None:
    """Train, change a control half-way, and clear the run."""
    client, seen = visit.client, visit.seen
    await client.press("Train")
    visit.crowd.note_begun()
    await visit.until(visit.plan.seconds / 2)
    visit.crowd.first_change.set()
    changed = "Train the changed network"
    await visit.timed(
        "the page to show the changed seed",
        client.enter("Seed", 100 + visit.number),
        lambda: client.labelled("button", changed),
    )
    seen.steps.append("control")
    await visit.until(visit.plan.seconds)
    if not seen.points:
        seen.errors.append(f"There was no point within {visit.plan.seconds:g} s.")


async def leave_training(visit: Visit) -> None:
    """Clear the run: if its tab is closed, it goes on for ten minutes."""
    if visit.client.labelled("button", "Reset") is not None:
        await visit.client.press("Reset")
        await visit.client.see_button("Train")


async def draw(visit: Visit) -> None:
    """Draw lines with a pause after each, and clear the canvas after three."""
    client = visit.client
    visit.crowd.note_begun()
    lines: list[Any] = []
    while time.perf_counter() - visit.seen.pressed < visit.plan.seconds:
        lines.append(_LINES[len(lines)])
        shown = _picture(client)
        await visit.timed(
            "the answer to a stroke",
            client.set_state("canvas", {"drawing": drawing(lines)}),
            lambda before=shown: (_picture(client) != before and _says(client, _ANSWERED)) or None,  # type: ignore[misc]
        )
        visit.seen.steps.append("stroke")
        visit.crowd.first_change.set()
        await asyncio.sleep(_PAUSE_SECONDS)
        if len(lines) == len(_LINES):
            lines = []
            await client.press("Clear")
            await client.wait_for("the empty canvas", lambda: _says(client, ("after each stroke",)))


async def learn(visit: Visit) -> None:
    """Answer the question of a step of a course, train its runs, and read the explanation."""
    client, plan = visit.client, visit.plan
    visit.crowd.note_begun()
    question = _step(visit.number)[2].question
    await visit.timed(
        "the runs of the step after the answer",
        client.choose(question.text, question.choices[0]),
        lambda: client.labelled("button", "Start") or client.labelled("button", "Stop") or _says(client, _RATED),
    )
    visit.seen.steps.append("answer")
    visit.crowd.first_change.set()
    if client.labelled("button", "Start"):
        await client.press("Start")
    deadline = visit.seen.pressed + plan.seconds
    while time.perf_counter() < deadline and not _says(client, _RATED):
        await asyncio.sleep(0.25)
    if _says(client, _RATED):
        visit.seen.steps.append("explanation")


def _step(number: int) -> tuple[str, int, Any]:
    """A step with runs for a visitor: its course, its place from 1, and the step."""
    steps = [
        (key, at, step) for key, course in COURSES.items() for at, step in enumerate(course.steps, 1) if step.trials
    ]
    return steps[number % len(steps)]


def _query(page: str, number: int, config: RunConfig) -> str:
    if page == "learn":
        course, step, _ = _step(number)
        return urlencode({"course": course, "step": step})
    return urlencode(config.to_query()) if page == "" else ""


PAGES = {"train": "", "draw": "draw", "learn": "learn"}
_DO = {"train": train, "draw": draw, "learn": learn}


async def come(address: str, number: int, plan: Plan, crowd: Crowd, kind: str) -> Seen:
    """One visitor comes, uses a page and leaves.

    Args:
        address: the server's.
        number: which visitor it is, from 0.
        plan: how all of them behave.
        crowd: the others.
        kind: a key of `PAGES`.
    """
    seen, page = Seen(trains=kind == "train"), PAGES[kind]
    crowd.seen.append(seen)
    client = Client(address, _query(page, number, plan.config), page, seen.take, plan.patience, seen.errors, seen.polls)
    is_ready = has_begun = False
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
            seen.pressed = time.perf_counter()
            has_begun = True
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
        if not has_begun:
            crowd.note_begun()
        await client.close()
    return seen


async def ready(visit: Visit, kind: str) -> None:
    """Wait until the page can be used."""
    client = visit.client
    if kind == "train":
        await client.see_button("Train")
    elif kind == "draw":
        await client.wait_for("the canvas", lambda: _picture(client) or None)
    else:
        text = _step(visit.number)[2].question.text
        await client.wait_for("the question of the step", lambda: client.labelled("radio", text))


def newest_epoch(element: Element) -> float | None:
    """How many epochs the curve of the accuracy shows; None for another element."""
    if element.WhichOneof("type") != "vega_lite_chart":
        return None
    chart = element.vega_lite_chart
    if '"accuracy"' not in chart.spec or '"loss"' in chart.spec:
        return None
    data = chart.data.data or b"".join(one.data.data for one in chart.datasets)
    if not data:
        return None
    import pyarrow as pa  # type: ignore[import-untyped]

    table = pa.ipc.open_stream(data).read_all()
    if not {"images", "epoch"} <= set(table.column_names):
        return None
    rows = zip(table.column("images").to_pylist(), table.column("epoch").to_pylist(), strict=True)
    return max((epoch for images, epoch in rows if images == TRAINING), default=None)


def drawing(lines: list[Any]) -> dict[str, Any]:
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
