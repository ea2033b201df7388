"""How the visitors of `benchmarks.visitors` behave together, and what each of them sees."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import presets

if TYPE_CHECKING:
    from benchmarks.protocol import Client
    from mnist_core.config import RunConfig

# Long enough that no run ends during the measurement.
CONFIG = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)


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
        is_watching: whether they look at the curve.
        points: for each change of the curve, the time and the epochs so far.
        controls: how long the page took to show each changed control, stroke or answer.
        steps: what was completed, such as "stroke".
        errors: what went wrong.
        client: their tab.
    """

    client: Client

    trains: bool = False
    text: float = 0.0
    ready: float = 0.0
    pressed: float = 0.0
    is_watching: bool = False
    points: list[tuple[float, float]] = field(default_factory=list)
    controls: list[float] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def polls(self) -> list[float]:
        """How long each poll of a fragment took."""
        return self.client.polls

    @property
    def frames(self) -> list[float]:
        """How long each frame took."""
        return self.client.frames.times

    def watch(self) -> None:
        """Note that they click now, and look at the curve from now on."""
        self.pressed, self.is_watching = time.perf_counter(), True

    def take(self, frame: dict[str, Any]) -> None:
        """Note a curve that has grown."""
        curve = frame.get("training", ())
        if self.is_watching and len(curve):
            epochs = float(curve[:, 0].max())
            if not self.points or epochs > self.points[-1][1]:
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
    """Lets the visitors of a plan wait for each other, and records when they act.

    Attributes:
        seen: what each has seen so far, in the order of arrival.
        all_ready: set when all can start, or have given up.
        all_started: set when all have started, or have given up.
        first_change: set when the first of them changes something.
    """

    def __init__(self, plan: Plan) -> None:
        self._awaited = plan.count
        self.seen: list[Seen] = []
        self.all_ready, self.all_started, self.first_change = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._starting = plan.count

    def add(self, seen: Seen) -> Seen:
        """Add a visitor; from now on, record what they see and what goes wrong."""
        seen.client.on_frame, seen.client.errors = seen.take, seen.errors
        self.seen.append(seen)
        return seen

    def note_ready(self) -> None:
        """A visitor is ready, or has given up before."""
        self._awaited -= 1
        if self._awaited <= 0:
            self.all_ready.set()

    async def all_training(self) -> None:
        """Return when all who train have a point and the others have started."""
        await self.all_started.wait()
        while any(one.is_watching and not one.points for one in self.seen):
            await asyncio.sleep(0.05)

    def note_started(self) -> None:
        """A visitor has pressed the first button, or has given up before."""
        self._starting -= 1
        if self._starting <= 0:
            self.all_started.set()
