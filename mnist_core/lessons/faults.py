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
from mnist_core.language import Message
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
    if not has_own_start(key):
        return None
    config = FAULTS[key].config
    kernel, bias, *others = initial_weights(config)
    return TrainingState((kernel, bias + _DEAD_BIAS, *others), engine.initial_slots(config), 0)


def has_own_start(key: str) -> bool:
    """Whether the case with this key begins at the state of `start`, and not like any other run."""
    return key == "dead"


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
            "Guessing among ten digits gives a loss of 2.3. This loss begins more than ten times as high.",
            "Then the loss comes down, so the steps are not too large. Something else makes the first answers so "
            "wrong and so sure. What does each weight multiply?",
        ),
        symptom="With pixels from 0 to 255 the loss begins more than ten times as high as the loss of guessing, 2.3.",
        explanation="The pixels were numbers from 0 to 255, as in the file, and not from 0 to 1. With such inputs "
        "even small weights give huge sums. Huge sums become answers that are very sure and mostly wrong. That is "
        "why the loss began far above 2.3. The steps of Adam have about the same size whatever the numbers are, so "
        "the network learned anyway. But it ended with about twice as many mistakes as with scaled pixels. Plain "
        "gradient descent would do even worse.",
        cure="Divide the pixels by 255 before training.",
    ),
    Fault(
        key="inverted",
        name="The training images have black and white swapped",
        config=_HEALTHY,
        hints=(
            "Does the matrix fit the curves?",
            "The validation accuracy says that the network reads new images well. Guessing would read one test image "
            "in ten. How many are on the diagonal of the matrix?",
            "So the test images must differ from all the images for training and validation. One look at both would "
            "show how.",
        ),
        symptom="With swapped images the validation accuracy is high, but the matrix has almost no diagonal.",
        explanation="Black and white were swapped in the training images, but not in the test images. The validation "
        "images are taken from the training images, so they were swapped too, and the curves did not show it. In the "
        "matrix the diagonal is almost empty. To this network a test image is the opposite of what it learned, so it "
        "does worse than guessing.",
        cure="Use one form for all images: high numbers for ink, low ones for paper. Look at some training and test "
        "images before you train.",
    ),
    Fault(
        key="labels",
        name="The training labels are shuffled",
        config=_HEALTHY,
        hints=(
            "Compare the training accuracy with the validation accuracy.",
            "The training accuracy rises slowly, so the network learns something. The validation accuracy stays at "
            "one in ten, and the validation loss even rises.",
            "In the matrix every digit is read as every other digit. The network has learned something, but it does "
            "not depend on what the images show.",
        ),
        symptom="With shuffled labels the validation accuracy stays at about 10%, as if the network guessed.",
        explanation="Each training image had the label of another image, so there was nothing to learn from the "
        "images. The network could only memorise the answers, one image at a time. So the training accuracy slowly "
        "rose above 10%, and the validation accuracy did not move. The validation loss rose, because the network "
        "got more confident in answers that mean nothing. The matrix has no diagonal, and its answers are spread "
        "over the columns.",
        cure="Look at some images with their labels, especially after you have reordered images or labels.",
    ),
    Fault(
        key="sorted",
        name="The images are sorted by digit and not shuffled",
        config=dataclasses.replace(_HEALTHY, order="file"),
        hints=(
            "Look at the points within one epoch, and then at the points of the next.",
            "The very first point shows almost no mistakes, and the points after it are much worse. In every epoch "
            "the curves rise and fall in about the same way. The validation accuracy stays far behind.",
            "Most answers in the matrix are the highest digits. Which digits did the network see last, and what "
            "happened to the digits before them?",
        ),
        symptom="With sorted images the training curves go up and down within every epoch.",
        explanation="The training images were sorted, all zeros first and all nines last, and they were not "
        "shuffled. For a while each batch had only one digit. Then the quickest way to a low loss is to give this "
        "digit as every answer. The next digit undid this. So the training curves went up and down within each "
        "epoch. They looked far better than the validation curves, which count all digits. At the end the network "
        "remembered the last digits best: eights and nines fill more than half of the matrix.",
        cure="Shuffle the training images in each epoch.",
    ),
    Fault(
        key="leak",
        name="Test images are among the training images",
        config=_HEALTHY,
        hints=(
            "The curves look as they should. Count the mistakes in the matrix.",
            "Compare the accuracy on the test images with the accuracy on the validation images. The network should "
            "not have learned from either of them.",
            "It reads the test images as well as the images that it was trained on. But it reads the validation "
            "images worse.",
        ),
        symptom="With test images among the training images the matrix has almost no mistakes.",
        explanation="The test images were among the training images. The network was fitted to them too, so the "
        "matrix shows almost no mistakes. The validation images were not among them. There the network makes the usual "
        "mistakes of a network of this kind, so their accuracy is the honest one. If a result is too good, look for "
        "the reason.",
        cure="Never train on test images or copies of them.",
    ),
    Fault(
        key="high",
        name="The learning rate is far too high",
        config=dataclasses.replace(_HEALTHY, learning_rate=0.1),
        hints=(
            "Look at how the curves move, not only at where they end.",
            "At its first point the loss is above 2.3, the loss of guessing. It comes down once. Then it goes up and "
            "down at a high level and does not get better.",
            "One column of the matrix has far more than a tenth of the answers. The network was pushed around until "
            "most of it no longer answered.",
        ),
        symptom="With a rate that is far too high the loss jumps up and down and never gets low.",
        explanation="The learning rate was 0.1, a hundred times the usual rate for Adam. Steps of that size jump "
        "over the goal. The first steps made the loss higher than that of guessing. They also pushed most of the "
        "hidden neurons so far that they now always answer 0, for every image. The few other neurons were still "
        "pushed around, so the curves stayed jagged. They cannot tell many digits apart, so the matrix puts these "
        "digits together.",
        cure="Divide the learning rate by ten, and again, until the loss falls steadily.",
    ),
    Fault(
        key="low",
        name="The learning rate is far too low",
        config=dataclasses.replace(_HEALTHY, learning_rate=2e-6),
        hints=(
            "Look at the shape of the curves. How would they continue?",
            "Training and validation both go in the right direction. The loss falls nearly along a straight line, "
            "and at the end it is almost as steep as at the beginning.",
            "In the matrix some digits are already read, and others almost never. What the network has learned is "
            "right, but it has not learned much.",
        ),
        symptom="With a rate that is far too low the loss falls slowly, almost along a straight line.",
        explanation="The learning rate was 0.000002, five hundred times less than usual for Adam. Every step went in "
        "the right direction, but no step went far. So the loss fell slowly, almost along a straight line, and it "
        "was still falling when the run ended. The matrix is that of a network that has only started to learn: a "
        "diagonal with gaps, and mistakes all around.",
        cure="Multiply the learning rate by ten, and again, until the loss falls quickly and then flattens out.",
    ),
    Fault(
        key="dead",
        name="The hidden neurons never answer (dead ReLUs)",
        config=_HEALTHY,
        hints=(
            "Look for the point at which the network begins to learn.",
            "The loss is 2.3 at the first point and at the last one. That is the loss of guessing among ten digits.",
            "The matrix has a single column. The answer is always the same, as if nothing of the image reached the "
            "output.",
        ),
        symptom="With dead ReLUs the loss stays at 2.3, from the first point to the last.",
        explanation="The hidden neurons began with biases of -10, so no image could bring their sums above 0. A ReLU "
        "answers 0 to every sum below 0, and where it answers 0 it passes no gradient back. So none of these neurons "
        "could ever change. The network could only learn the biases of its output, which means how frequent each "
        "digit is. So the curves are flat from the first point on, and the matrix has one column.",
        cure="Start with biases of 0 and small weights; a leaky ReLU always lets a little through.",
    ),
    Fault(
        key="nothing",
        name="Nothing is wrong",
        config=_HEALTHY,
        hints=(
            "Follow each curve from its first point to its last, and ask at every bend what could be the reason.",
            "The loss is soon below 2.3, the loss of guessing. It falls quickly and flattens out. The validation "
            "accuracy follows, and ends a few percentage points below the training accuracy.",
            "The matrix has a full diagonal and a few mistakes outside it: not very many, but some.",
        ),
        symptom="In a healthy run the loss falls and flattens out. The validation accuracy ends a little below the "
        "training accuracy. The matrix has a full diagonal and a few mistakes.",
        explanation="Nothing was wrong with this run. The accuracy rises quickly and flattens out. The validation "
        "accuracy ends a few percentage points lower. The weights were fitted to the training images, so they fit "
        "new images a little less well. A small gap is normal. The matrix has a strong diagonal and a few "
        "mistakes, which is usual for a small network after few images.",
        cure="Nothing to fix. More images, or augmentation, would make it better.",
    ),
)

FAULTS: Mapping[str, Fault] = types.MappingProxyType({fault.key: fault for fault in _CASES})
"""The cases by key."""
NUMBERED = ("low", "inverted", "nothing", "high", "labels", "dead", "leak", "sorted", "raw")
"""The cases in the order of their numbers, from 1. A number identifies a case without revealing its fault."""
GIVEN_UP = ""
"""The first answer in a case that was explained before the visitor chose an answer."""


def key_of_case(text: str) -> str:
    """Return the key of the case with this number, as links contain it.

    Raises:
        DataError: there is no case with this number.
    """
    if not re.fullmatch("[1-9]", text) or int(text) > len(NUMBERED):
        raise DataError(
            "The fault lab has no such case.", Message("Choose one from 1 to {count}.", count=len(NUMBERED)), text
        )
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
