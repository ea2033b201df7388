"""The structure of a course: steps with a text, a question to answer, and then something to see that answers it.

A step only names its activity. The Learn page draws it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mnist_core.presets import title_of

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

CONCEPTS = (
    "supervised learning",
    "regression and classification",
    "file format",
    "tensors",
    "scaling",
    "flattening",
    "one-hot labels",
    "splits",
    "three roles of data",
    "neuron",
    "layers",
    "activation",
    "counting parameters",
    "softmax",
    "loss",
    "optimizer",
    "learning rate",
    "metric",
    "epochs and batches",
    "overfitting",
    "dropout",
    "confusion matrix",
    "true and false positives",
    "recall",
    "misleading accuracy",
    "deep and shallow",
    "convolution",
)
"""The concepts that the tutorials teach. Together the courses cover all of them."""

RIGHT = 0
"""The place of the right answer among the choices of every question."""


class Wrong(NamedTuple):
    """A wrong answer, and what to say to people who chose it."""

    text: str
    reply: str


@dataclass(frozen=True)
class Question:
    """A question to answer before the result is shown.

    Args:
        text: the question.
        right: the right answer.
        why: the explanation, shown after the answer. Markdown.
        wrong: one to three answers that people believe.
        try_it: what the reader can do now in the step, in sentences. A class, which has only the question, skips it.
    """

    text: str
    right: str
    why: str
    wrong: tuple[Wrong, ...]
    try_it: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """All answers, the right one at `RIGHT`. Show them in the order of `shuffled`."""
        return (self.right, *(one.text for one in self.wrong))

    def reply(self, answer: int) -> str:
        """What to say about an answer, a place in `choices`; empty for the right one."""
        return "" if answer == RIGHT else self.wrong[answer - 1].reply

    def shuffled(self, seed: str) -> list[int]:
        """The places in `choices`, in an order that depends on the seed and the question alone."""
        places = list(range(len(self.choices)))
        random.Random(f"{seed} {self.text}").shuffle(places)
        return places


@dataclass(frozen=True)
class Trial:
    """A run that a step asks for.

    Args:
        name: its name in charts and tables.
        config: what is trained.
        fault: a key of `faults.FAULTS`, whose data it trains on; empty for the usual data.
    """

    name: str
    config: RunConfig
    fault: str = ""


@dataclass(frozen=True)
class Trend:
    """A chart of the trials' results over the setting in which they differ.

    Args:
        across: the setting, the horizontal axis.
        places: the value of each trial on it.
        series: the name of each trial's line; empty if there is only one line.
        is_log: whether the axis is logarithmic.
    """

    across: str
    places: tuple[int, ...]
    series: tuple[str, ...] = ()
    is_log: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a course. What can be tried and the runs are shown after the answer.

    Args:
        key: its name in links, unique among all courses.
        title: a few words.
        text: the introduction, Markdown. It does not give the answer away.
        question: asked before the result; None for the step that only has the check.
        minutes: how long it takes, in minutes.
        concepts: the concepts of `CONCEPTS` that it teaches.
        activity: name of what can be tried, which the Learn page knows; empty if there are only runs.
        trials: the runs to compare. All visitors of a server share them.
        own: what the visitor trains with a seed of their own; None if nothing.
        config: the network to open on the Train page; None if the step is not about one.
        article: a key of `articles.ARTICLES`, whose printed log is drawn in the same chart as the run; empty for none.
        floor: the lower end of the accuracy axis, 0 to below 1. Above 0 if the runs differ by little.
        trend: shown instead of the curves; None for the curves. Its runs train one after the other, so that their
            times can be compared.
        classical: the classical models to compare with, keys of `classical.KINDS`.
    """

    key: str
    title: str
    text: str
    question: Question | None
    minutes: int
    concepts: tuple[str, ...] = ()
    activity: str = ""
    trials: tuple[Trial, ...] = ()
    own: RunConfig | None = None
    config: RunConfig | None = None
    article: str = ""
    floor: float = 0.0
    trend: Trend | None = None
    classical: tuple[str, ...] = ()

    @property
    def has_runs(self) -> bool:
        """Whether the explanation waits for runs."""
        return bool(self.trials or self.own or self.classical)

    @property
    def trials_of_class(self) -> tuple[Trial, ...]:
        """What a class watches: the runs of the step, or the network that each reader trains, with the usual seed."""
        if self.own is not None and not self.activity:
            return (Trial(title_of(self.own), self.own),)
        return self.trials


@dataclass(frozen=True)
class Course:
    """A course about one idea.

    Args:
        name: its name in the menu, short.
        summary: what it is about, one sentence.
        steps: from first to last.
        known: what you know after it, one sentence each.
    """

    name: str
    summary: str
    steps: tuple[Step, ...]
    known: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """How long it takes, in minutes."""
        return sum(step.minutes for step in self.steps)

    @property
    def questions(self) -> int:
        """How many of its steps ask a question."""
        return sum(step.question is not None for step in self.steps)

    def place(self, key: str) -> int | None:
        """The place of the step with this key, from 0; None if it is not in this course."""
        return next((at for at, step in enumerate(self.steps) if step.key == key), None)
