"""A check of ten questions, before and after the first course, which shows whether the playground teaches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mnist_core.lessons.course import RIGHT, Question, Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE, AFTER = "before", "after"

ITEMS: Final[Mapping[str, Question]] = {
    "file": Question(
        "What is in the file of a trained network?",
        "Only its weights and biases",
        "The images have changed the weights, and then they are no longer needed.",
        (
            Wrong("The training images, packed", "They would not fit into it."),
            Wrong("A rule for each digit", "A network makes no rules. It has numbers."),
            Wrong("A list of all possible images", "There are more possible images than any file could hold."),
        ),
    ),
    "drawing": Question(
        "You draw 50 digits and choose the correct answer for each. The network …",
        "… stays as it is until it is trained again",
        "Answering changes no weight.",
        (
            Wrong("… gets better with each drawing", "Answering changes no weight."),
            Wrong("… gets better with each correct answer", "Only training changes the weights."),
        ),
    ),
    "sure": Question(
        'It answers "4, 99.9%". Then …',
        "… it can still be wrong",
        "The shares only compare ten digits with each other. The image need not be a digit at all.",
        (
            Wrong("… it is a 4 in 999 of 1,000 cases", "The share is not such a promise."),
            Wrong("… it was right on 99.9% of its training images", "The share is about this image only."),
        ),
    ),
    "choice": Question(
        "A reads 100% of its training images and 90% of new ones. B reads 95% and 94%. Tomorrow "
        "you want to read new digits. Which one do you take?",
        "B",
        "Tomorrow's digits are new, and B reads new ones better.",
        (
            Wrong("A", "Its 100% are on images that it has trained on."),
            Wrong("It makes no difference", "On new images they differ by 4 percentage points."),
        ),
    ),
    "gap": Question(
        "A network reads 100% of its training images and 98% of new ones. It has …",
        "… learned well: the gap is small",
        "A network that only memorises fails on new images.",
        (
            Wrong("… only memorised its training images", "Then it could not read 98% of new images."),
            Wrong("… been tested in a wrong way", "New images are the right test."),
        ),
    ),
    "layers": Question(
        "Five hidden layers instead of one: is that better?",
        "It depends: only a test can tell",
        "More layers are something to try.",
        (
            Wrong(
                "Yes, because more layers can learn more",
                "With a good learning rate, one layer can read as much as five.",
            ),
            Wrong("No: more layers only need more time", "With small steps, more layers can learn faster."),
        ),
    ),
    "change": Question(
        "How does training change a weight?",
        "By a small step that makes the answers less wrong",
        "The gradient says which direction that is.",
        (
            Wrong("A programmer sets it", "Nobody could set a hundred thousand numbers."),
            Wrong("It tries many random values and keeps the best of them", "That would take far too long."),
            Wrong("It takes over the value of its pixel", "Pixels are inputs. Weights multiply them."),
        ),
    ),
    "mushrooms": Question(
        "95 of 100 mushrooms are edible. A test calls all of them edible. It is …",
        "… useless for finding the poisonous ones",
        "Its accuracy is 95%, and it finds none of the five.",
        (
            Wrong("… good: 95% right", "It finds none of the five poisonous mushrooms."),
            Wrong("… broken: a useless test should be right in 50%", "95 of its 100 answers are right."),
        ),
    ),
    "best": Question(
        "You keep the best of 20 networks by the test images. On new images it will do …",
        "… probably a little worse",
        "It won partly by luck on these test images.",
        (
            Wrong("… as well as on the test images", "It won partly by luck on these test images."),
            Wrong("… better", "Nothing makes new images suit it more."),
        ),
    ),
    "seeds": Question(
        "Two people train the same network from different random weights. They get …",
        "… different weights and nearly the same accuracy",
        "Many sets of weights read digits about equally well.",
        (
            Wrong("… the same weights", "They start at different places and end at different places."),
            Wrong("… different weights and quite different accuracy", "After enough steps they end close together."),
        ),
    ),
}
"""The items by key, in their order."""


@dataclass(frozen=True)
class CheckAnswers:
    """A visitor's answers, which cannot be changed after they were handed in.

    Attributes:
        before: the answer to each item, places in its `choices`, in the order of `ITEMS`; None before it was handed in.
        after: the same after the course.
    """

    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None

    def hand_in(self, answers: tuple[int, ...], time: str) -> CheckAnswers:
        """These answers and new ones for `BEFORE` or `AFTER`; those that were handed in earlier stay."""
        if time == BEFORE:
            return self if self.before is not None else replace(self, before=answers)
        return self if self.after is not None else replace(self, after=answers)


def score(answers: tuple[int, ...]) -> int:
    """How many of the answers to all items are right."""
    return sum(answer == RIGHT for answer in answers)


def counts_table(counts: Mapping[tuple[str, str, int], int]) -> str:
    """How all visitors answered, as a table in plain text.

    Args:
        counts: how often each answer was given, by time, item and the answer's place.
    """
    lines = [f"{'':10} {BEFORE:>16} {AFTER:>16}   most frequent wrong answer"]
    for key, item in ITEMS.items():
        cells = []
        for time in (BEFORE, AFTER):
            given = [counts.get((time, key, place), 0) for place in range(len(item.choices))]
            every = sum(given)
            cells.append(f"{given[RIGHT] / every:4.0%} of {every:5,}" if every else "-")
        wrong = {
            text: sum(counts.get((time, key, place), 0) for time in (BEFORE, AFTER))
            for place, text in enumerate(item.choices)
            if place != RIGHT
        }
        most = max(wrong, key=wrong.__getitem__)
        lines.append(f"{key:10} {cells[0]:>16} {cells[1]:>16}   {most if wrong[most] else '-'}")
    return "\n".join(lines)
