"""What a course is: steps with a text, something to try, and a question to answer before the result is shown.

What is to be tried is named here and drawn by the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.errors import DataError

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
"""What the tutorials teach; together the courses cover all of it."""


@dataclass(frozen=True)
class Question:
    """What is asked before the result is shown.

    Args:
        text: the question.
        choices: two to four answers.
        right: which of them is right, counted from 0.
        why: what to know about it, shown after the answer.
    """

    text: str
    choices: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True)
class Trial:
    """A run that a step asks for, and what it is called beside others."""

    name: str
    config: RunConfig


@dataclass(frozen=True)
class Step:
    """One step of a course.

    Args:
        title: a few words.
        text: what to read first, Markdown.
        concepts: those of `CONCEPTS` that it teaches.
        question: asked before the result.
        config: the network that it is about, for the Train page.
        activity: what can be tried, a name that the Learn page knows; empty where there are only runs.
        trials: runs to start after the answer, to be compared.
        article: a key of `articles.ARTICLES`, whose printed log is drawn beside the run; empty for none.
        floor: the accuracy at which the curves' axis begins, 0 to below 1, where the runs differ by little.
    """

    title: str
    text: str
    concepts: tuple[str, ...]
    question: Question
    config: RunConfig
    activity: str = ""
    trials: tuple[Trial, ...] = ()
    article: str = ""
    floor: float = 0.0


@dataclass(frozen=True)
class Course:
    """A tutorial relived.

    Args:
        name: how the menu calls it.
        source: the tutorial.
        summary: what one will have learned, a sentence.
        steps: from first to last.
    """

    name: str
    source: str
    summary: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Progress:
    """How far somebody is in a course: the answer to each step's question, None where there is none yet."""

    answers: tuple[int | None, ...]

    @property
    def done(self) -> int:
        """How many steps are answered."""
        return sum(answer is not None for answer in self.answers)

    @property
    def next_step(self) -> int:
        """The first step without an answer, the last step if there is none."""
        return next((i for i, answer in enumerate(self.answers) if answer is None), len(self.answers) - 1)

    def to_text(self) -> str:
        """A short text for a link: a character for each step."""
        return "".join("-" if answer is None else str(answer) for answer in self.answers)

    @classmethod
    def from_text(cls, course: Course, text: str) -> Progress:
        """The progress written by `to_text`.

        Raises:
            DataError: when the text does not fit the course.
        """
        fits = len(text) == len(course.steps) and all(
            mark == "-" or (mark.isascii() and mark.isdigit() and int(mark) < len(step.question.choices))
            for mark, step in zip(text, course.steps, strict=True)
        )
        if not fits:
            raise DataError(
                f"The progress in the link does not fit the course {course.name}.",
                "The course starts again at its first step.",
            )
        return cls(tuple(None if mark == "-" else int(mark) for mark in text))
