"""The structure of a course: steps with a text, an activity, and a question to answer before the result.

A step only names its activity. The Learn page draws it.
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
"""The concepts that the tutorials teach. Together the courses cover all of them."""


_OPEN = "abcd"
_MARKS = {mark: answer for marks in ("0123", _OPEN) for answer, mark in enumerate(marks)}


@dataclass(frozen=True)
class Question:
    """A question to answer before the result is shown.

    Args:
        text: the question.
        choices: two to four answers.
        right: index of the right answer, counted from 0.
        why: the explanation, shown after the answer. Markdown.
    """

    text: str
    choices: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True)
class Trial:
    """A run that a step asks for, and its name in charts and tables."""

    name: str
    config: RunConfig


@dataclass(frozen=True)
class Step:
    """One step of a course.

    Args:
        title: a few words.
        text: the introduction, Markdown.
        concepts: the concepts of `CONCEPTS` that it teaches.
        question: asked before the result.
        config: the network of the step, for the Train page.
        activity: name of what can be tried, which the Learn page knows; empty if there are only runs.
        trials: the runs to compare. The learner starts them after the answer.
        article: a key of `articles.ARTICLES`, whose printed log is drawn in the same chart as the run; empty for none.
        floor: the lower end of the accuracy axis, 0 to below 1. Above 0 if the runs differ by little.
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
    """A course that follows one tutorial.

    Args:
        name: its name in the menu.
        source: the tutorial.
        summary: what the course teaches, one sentence.
        steps: from first to last.
    """

    name: str
    source: str
    summary: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Progress:
    """A visitor's progress in a course.

    Args:
        answers: the first answer to each step's question; None if there is none yet.
        open_steps: answered steps, counted from 0, whose runs the visitor has not seen to the end.
    """

    answers: tuple[int | None, ...]
    open_steps: frozenset[int] = frozenset()

    def is_done(self, step: int) -> bool:
        """Whether a step, counted from 0, is answered and the visitor has seen its runs."""
        return self.answers[step] is not None and step not in self.open_steps

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(map(self.is_done, range(len(self.answers))))

    @property
    def next_step(self) -> int:
        """The first step that is not done, counted from 0; the last step if all are done."""
        return next((i for i in range(len(self.answers)) if not self.is_done(i)), len(self.answers) - 1)

    def score(self, course: Course) -> int:
        """How many first answers are right."""
        return sum(answer == step.question.right for answer, step in zip(self.answers, course.steps, strict=True))

    def to_text(self) -> str:
        """A short text for a link, one character for each step: a digit for the answer, a letter in open steps."""
        marks = (_OPEN[answer or 0] if i in self.open_steps else str(answer) for i, answer in enumerate(self.answers))
        return "".join("-" if answer is None else mark for answer, mark in zip(self.answers, marks, strict=True))

    @classmethod
    def from_text(cls, course: Course, text: str) -> Progress:
        """Read the progress from a text of `to_text`.

        Raises:
            DataError: the text does not fit the course.
        """
        answers = tuple(_MARKS.get(mark) for mark in text)
        fits = len(text) == len(course.steps) and all(
            mark == "-" or (answer is not None and answer < len(step.question.choices))
            for mark, answer, step in zip(text, answers, course.steps, strict=True)
        )
        if not fits:
            raise DataError(
                f"The progress in the link does not fit the course {course.name}.",
                "The course starts again at its first step.",
            )
        return cls(answers, frozenset(i for i, mark in enumerate(text) if mark in _OPEN))
