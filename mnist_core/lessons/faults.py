"""The fault lab: training runs with exactly one fault, which the curves and the confusion matrix reveal.

Apart from their fault, all cases are the same run of a few seconds. Faults in the data change the training images only.
The test images stay as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import threading
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import LayerConfig, RunConfig, check_choice
from mnist_core.data import splits
from mnist_core.errors import DataError
from mnist_core.network.layers import initial_weights
from mnist_core.training import TrainingState, engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mnist_core.data import Dataset

# A case trains on the first images only, so that its run takes a few seconds.
MOST_IMAGES = 12_000
_SEED = 9
# At the start of a run the sum of a hidden unit is between -3 and 3 for every image.
_DEAD_BIAS = np.float32(-10.0)

_HEALTHY = RunConfig(
    layers=(LayerConfig(units=128),),
    optimizer="adam",
    learning_rate=0.001,
    batch_size=32,
    epochs=12,
    validation_fraction=0.1,
)


@dataclass(frozen=True)
class Fault:
    """A case of the lab.

    Args:
        key: its key in `FAULTS`.
        name: the answer to choose.
        config: the run. It trains on the data of `corrupted` and begins at the state of `start`.
        hints: from vague to clear. Each points at something in the curves or the matrix.
        symptom: how such a run looks, one sentence, for people who chose this answer in another case.
        explanation: what was wrong, and how to see it.
        cure: what to do about it, one sentence.
    """

    key: str
    name: str
    config: RunConfig
    hints: tuple[str, ...]
    symptom: str
    explanation: str
    cure: str


def corrupted(key: str, dataset: Dataset) -> Dataset:
    """Return the data of a case, for training and for testing.

    The result is always the same, and all callers share one copy.

    Args:
        key: a key of `FAULTS`.
        dataset: any data set. Only its first `MOST_IMAGES` training images are used. Its test images stay unchanged.

    Raises:
        ConfigError: there is no such case.
        DataError: no validation images can be set aside.
    """
    check_choice("fault", key, FAULTS)
    with _corruption_lock:  # Build the shared copy only once.
        return _corrupted(dataset, key if key in _CORRUPTIONS else "")


def start(key: str) -> TrainingState | None:
    """Return the state at which a case begins, or None if it begins like any other run.

    Raises:
        ConfigError: there is no such case.
    """
    check_choice("fault", key, FAULTS)
    if key != "dead":
        return None
    config = FAULTS[key].config
    kernel, bias, *others = initial_weights(config)
    return TrainingState((kernel, bias + _DEAD_BIAS, *others), engine.initial_slots(config), 0)


_corruption_lock = threading.Lock()


# Five versions of each of the two data sets in `SOURCES`, at most 30 MB for each set. Clean cases share a version.
@functools.lru_cache(maxsize=10)
def _corrupted(dataset: Dataset, key: str) -> Dataset:
    groups = dataset.train_groups
    part = dataclasses.replace(
        dataset,
        train_images=dataset.train_images[:MOST_IMAGES],
        train_labels=dataset.train_labels[:MOST_IMAGES],
        train_groups=None if groups is None else groups[:MOST_IMAGES],
    )
    return _CORRUPTIONS[key](part) if key else part


def _inverted(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, train_images=255 - dataset.train_images)


def _with_shuffled_labels(dataset: Dataset) -> Dataset:
    labels = np.random.default_rng(_SEED).permutation(dataset.train_labels)
    return dataclasses.replace(dataset, train_labels=labels)


def _with_test_images(dataset: Dataset) -> Dataset:
    """Replace training images by the test images. None of them becomes a validation image."""
    places = splits.split_for(dataset, _HEALTHY).train_indices
    places = places[: len(dataset.test_images)]
    images, labels = dataset.train_images.copy(), dataset.train_labels.copy()
    images[places] = dataset.test_images[: len(places)]
    labels[places] = dataset.test_labels[: len(places)]
    return dataclasses.replace(dataset, train_images=images, train_labels=labels)


def _sorted(dataset: Dataset) -> Dataset:
    order = np.argsort(dataset.train_labels, kind="stable")
    groups = dataset.train_groups
    return dataclasses.replace(
        dataset,
        train_images=dataset.train_images[order],
        train_labels=dataset.train_labels[order],
        train_groups=None if groups is None else groups[order],
    )


_CORRUPTIONS: Mapping[str, Callable[[Dataset], Dataset]] = types.MappingProxyType(
    {"inverted": _inverted, "labels": _with_shuffled_labels, "leak": _with_test_images, "sorted": _sorted}
)

_CASES = (
    Fault(
        key="raw",
        name="The pixel values are not scaled",
        config=dataclasses.replace(_HEALTHY, pixels="raw"),
        hints=(
            "Look at where the loss begins.",
            "Guessing among ten digits costs a loss of 2.3. This loss begins more than ten times as high.",
            "From there it comes down, so the steps are not too large. Something else makes the first answers so "
            "wrong and so sure: what does each weight get to multiply?",
        ),
        symptom="With pixels from 0 to 255 the loss begins more than ten times as high as guessing would cost, 2.3.",
        explanation="The pixels came as they stand in the file, from 0 to 255, and not from 0 to 1. Weights that "
        "start out small then add up to huge sums, and huge sums become answers that are quite sure and mostly wrong: "
        "that is why the loss began far above 2.3. Adam takes steps of much the same size whatever the numbers are, "
        "so the network learned all the same, but it ended with about twice the mistakes that it makes with scaled "
        "pixels. Plain gradient descent would have fared worse.",
        cure="Divide the pixels by 255 before training.",
    ),
    Fault(
        key="inverted",
        name="The training images have black and white swapped",
        config=_HEALTHY,
        hints=(
            "Does the matrix fit the curves?",
            "The validation accuracy says that new images are read well. Guessing would read one test image in ten; "
            "count how many the diagonal of the matrix holds.",
            "So the test images must differ from all the images that the network was trained and validated on, in a "
            "way that one look at both would show.",
        ),
        symptom="With swapped images the validation accuracy is high, and yet the matrix has hardly any diagonal.",
        explanation="Black and white were swapped in the training images and not in the test images. Validation "
        "images are set aside from the training images, so they were swapped as well and nothing in the curves gave "
        "it away. In the matrix the diagonal is almost empty: to this network a test image is the opposite of what it "
        "learned, and it does worse than guessing.",
        cure="Bring all images into one form, here high numbers for ink and low ones for paper, and look at a few "
        "training and test images before training.",
    ),
    Fault(
        key="labels",
        name="The training labels are shuffled",
        config=_HEALTHY,
        hints=(
            "Compare what becomes of the training accuracy with what becomes of the validation accuracy.",
            "The training accuracy creeps up, so something is being learned. The validation accuracy stays at one in "
            "ten, and the validation loss even rises.",
            "In the matrix every digit is taken for every other. Whatever the network has learned, what the images "
            "show does not decide it.",
        ),
        symptom="With shuffled labels the validation accuracy stays at about 10 %, as if the network guessed.",
        explanation="Each training image had the label of some other one, so there was nothing to learn from the "
        "images. What a network can still do is to learn answers by heart, one image at a time: hence the training "
        "accuracy that creeps above 10 %, the validation accuracy that does not move and the validation loss that "
        "rises, as it gets surer of answers that mean nothing. The matrix has no diagonal, and its answers are spread "
        "over the columns.",
        cure="Look at some images with their labels, above all after images or labels have been reordered.",
    ),
    Fault(
        key="sorted",
        name="The images come sorted by digit and are not shuffled",
        config=dataclasses.replace(_HEALTHY, order="file"),
        hints=(
            "Look at the points within one epoch, and then at those of the next.",
            "The very first point is almost without a mistake, and the ones after it are much worse. In every epoch "
            "the curves rise and fall in much the same way, and the validation accuracy stays far behind.",
            "The highest digits take most of the matrix. Which digits did the network see last, and what has become "
            "of those before them?",
        ),
        symptom="With sorted images the training curves go up and down within every epoch.",
        explanation="The training images came sorted, all zeros first and all nines last, and were not shuffled. For "
        "a while each batch held one digit only, and to answer that digit always is then the quickest way to a low "
        "loss; the next digit undid it. So the training curves went up and down within each epoch, and looked far "
        "better than the validation curves, for which all digits count. At the end the last digits were remembered "
        "best: the eights and nines fill more than half of the matrix.",
        cure="Shuffle the training images in each epoch.",
    ),
    Fault(
        key="leak",
        name="Test images are among the training images",
        config=_HEALTHY,
        hints=(
            "The curves look as they should. Count the mistakes in the matrix.",
            "Compare the share of test images that are read right with that of the validation images. The network "
            "should have learned from neither.",
            "It reads the test images as well as the images that it was trained on, and the validation images worse.",
        ),
        symptom="With test images among the training images the matrix has almost no mistakes.",
        explanation="The test images had been put among the training images. The network was fitted to them like to "
        "the rest, and the matrix shows hardly a mistake, if any. The validation images had been kept apart, and "
        "there the network makes the mistakes that one of its kind makes: their accuracy is the honest one. A result "
        "that is too good is a reason to search.",
        cure="Never train on test images or copies of them.",
    ),
    Fault(
        key="high",
        name="The learning rate is far too high",
        config=dataclasses.replace(_HEALTHY, learning_rate=0.1),
        hints=(
            "Look at how the curves move, and not only at where they end.",
            "At its first point the loss is above 2.3, which is what guessing costs. It comes down once, and then "
            "goes up and down at a high level without getting anywhere.",
            "One column of the matrix has taken in far more than its tenth. The network was thrown about until most "
            "of it no longer answered.",
        ),
        symptom="With a rate that is far too high the loss jumps up and down and never gets low.",
        explanation="The learning rate was 0.1, a hundred times what is usual for Adam. Steps of that size leap over "
        "what they are looking for: the first ones drove the loss above that of guessing, and pushed most of the "
        "hidden neurons so far that they answer 0 to every image, for ever. The few that were left kept being thrown "
        "about, so the curves stayed jagged, and the matrix lumps digits together that they could not tell apart.",
        cure="Divide the learning rate by ten, and again, until the loss falls steadily.",
    ),
    Fault(
        key="low",
        name="The learning rate is far too low",
        config=dataclasses.replace(_HEALTHY, learning_rate=2e-6),
        hints=(
            "Look at the shape of the curves, and think of how they would go on.",
            "Training and validation go the right way together. The loss falls nearly along a straight line, and "
            "almost as steeply at the end as at the beginning.",
            "In the matrix some digits are read already and others hardly ever. What the network has learned is "
            "right; there is not much of it.",
        ),
        symptom="With a rate that is far too low the loss falls slowly, almost along a straight line.",
        explanation="The learning rate was 0.000002, five hundred times less than is usual for Adam. Every step went "
        "the right way and none went far, so the loss fell slowly, hardly bent, and was still falling when the run "
        "ended. The matrix is that of a network that has only begun: a diagonal with gaps in it, and mistakes all "
        "around.",
        cure="Multiply the learning rate by ten, and again, until the loss falls quickly and then flattens out.",
    ),
    Fault(
        key="dead",
        name="The hidden neurons never answer (dead ReLUs)",
        config=_HEALTHY,
        hints=(
            "Look for the point at which the network begins to learn.",
            "The loss is 2.3 at the first point and at the last one: just what guessing among ten digits costs.",
            "The matrix has a single column: the answer is the same whatever the image shows, as though none of it "
            "reached the output.",
        ),
        symptom="With dead ReLUs the loss stays at 2.3, from the first point to the last.",
        explanation="The hidden neurons began with biases of -10, more than any image could make up for. A ReLU "
        "answers 0 to every sum below zero, and where it answers 0 it passes no gradient back, so not one of these "
        "neurons could ever change. All that was left to learn were the biases of the output, that is, how frequent "
        "each digit is: hence flat curves from the first point on, and one column in the matrix.",
        cure="Start biases at 0 and weights small; a leaky ReLU always lets a little through.",
    ),
    Fault(
        key="nothing",
        name="Nothing is wrong",
        config=_HEALTHY,
        hints=(
            "Follow each curve from its first point to its last, and ask at every turn what could have caused it.",
            "The loss soon lies below the 2.3 of guessing, falls quickly and flattens out. The validation accuracy "
            "goes along and ends a few percent below the training accuracy.",
            "The matrix has a full diagonal and a few mistakes beside it: neither very many nor none.",
        ),
        symptom="In a healthy run the loss falls and flattens out, the validation accuracy ends a little below the "
        "training accuracy, and the matrix has a full diagonal and a few mistakes.",
        explanation="Nothing was wrong with this run. The curves rise quickly and flatten out. The validation "
        "accuracy ends a few percentage points lower: the weights were fitted to the training images, so they fit "
        "those a little better than new ones. A small gap is normal. The matrix has a strong diagonal and a few "
        "mistakes, as a small network makes after few images.",
        cure="Nothing to mend. More images, or augmentation, would take it further.",
    ),
)

FAULTS: Mapping[str, Fault] = types.MappingProxyType({fault.key: fault for fault in _CASES})
"""The cases by key."""
NUMBERED = ("low", "inverted", "nothing", "high", "labels", "dead", "leak", "sorted", "raw")
"""The cases in the order of their numbers, from 1. A number identifies a case without revealing its fault."""
GIVEN_UP = ""
"""The first answer in a case that was explained before the visitor chose an answer."""
_OPEN = "abcdefghij"
_MARKS = {letter: str(answer) for answer, letter in enumerate(_OPEN)}


def key_of_case(text: str) -> str:
    """Return the key of the case with this number, as links contain it.

    Raises:
        DataError: there is no case with this number.
    """
    if not re.fullmatch("[1-9]", text) or int(text) > len(NUMBERED):
        raise DataError("The fault lab has no such case.", f"Choose one from 1 to {len(NUMBERED)}.", text)
    return NUMBERED[int(text) - 1]


@dataclass(frozen=True)
class Answers:
    """A visitor's answers in the fault lab.

    Attributes:
        first: the first answer (a key) by the number of the case; `GIVEN_UP` if there was none.
        explained: the numbers of the cases whose fault has been explained. All of them are in `first`.
    """

    first: Mapping[int, str] = field(default_factory=dict)
    explained: frozenset[int] = frozenset()

    def is_right(self, number: int) -> bool:
        """Whether the first answer to a case was right."""
        return self.first.get(number) == NUMBERED[number - 1]

    def to_text(self) -> str:
        """A short text for a link, one character for each case: a digit for the answer, a letter in open cases."""
        marks = []
        for number in range(1, len(NUMBERED) + 1):
            key = self.first.get(number)
            answer = 0 if key == GIVEN_UP else NUMBERED.index(key) + 1 if key is not None else None
            marks.append("-" if answer is None else str(answer) if number in self.explained else _OPEN[answer])
        return "".join(marks)

    @classmethod
    def from_text(cls, text: str) -> Answers:
        """Read the answers from a text of `to_text`.

        Raises:
            DataError: `to_text` did not write this text.
        """
        if not re.fullmatch(f"[-0-9b-j]{{{len(NUMBERED)}}}", text):
            raise DataError(
                "The answers in the link do not fit the fault lab.", "The lab starts without answers.", text
            )
        marks = {number: mark for number, mark in enumerate(text, 1) if mark != "-"}
        keys = (GIVEN_UP, *NUMBERED)
        first = {number: keys[int(_MARKS.get(mark, mark))] for number, mark in marks.items()}
        # A right answer is always explained.
        explained = {
            number for number, mark in marks.items() if mark.isdigit() or first[number] == NUMBERED[number - 1]
        }
        return cls(first, frozenset(explained))
