"""Classical models that the tutorials mention, from scikit-learn, trained one piece of work at a time.

As with `training.loop.train`, nothing runs between two pieces: stop pulling to pause, close the generator to stop.
Each piece carries the answers to the test images so far. The models themselves are not saved.
"""

from __future__ import annotations

import threading
import types
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import CLASSES, IMAGE_SIZE, check_choice
from mnist_core.data import splits
from mnist_core.language import Message
from mnist_core.training import logistic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mnist_core.data import Dataset

Answers = NDArray[np.float32]

TREES = 100
ROUNDS = 100
NEIGHBOURS = 5
_IMAGES_A_PIECE = 5_000
# The distances of this many images to 60,000 training images take a few tenths of a second.
_NEIGHBOURS_A_PIECE = 100
# How many images at once are converted to float32 and classified.
_BLOCK = 1_000


@dataclass(frozen=True, eq=False)
class Piece:
    """So much of the work is done.

    Args:
        done: trees, rounds or images so far, see `COUNTED`; 0 when only the pixels are ready.
        whole: all of them.
        answers: (m, 10) float32, the probabilities for the first m test images: those read so far by the neighbours,
            none when nothing is done, else all. 0 for digits that were never seen.
    """

    done: int
    whole: int
    answers: Answers


class Pixels:
    """The training and the test images of a split as (n, 784) float32 from 0 to 1, each made when it is first needed.

    Get it from `pixels`, so that all who need the same share it.
    """

    def __init__(self, dataset: Dataset, split: str) -> None:
        self.dataset = dataset
        self.parts = splits.split(dataset, split)
        self.nbytes = (len(self.parts.train_indices) + len(self.parts.test_images)) * IMAGE_SIZE**2 * 4
        self._lock = threading.Lock()
        self._is_claimed = False
        self._made: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def claim(self) -> bool:
        """Return True for the first caller only."""
        with self._lock:
            is_first, self._is_claimed = not self._is_claimed, True
        return is_first

    def get(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The training images and the test images, read-only."""
        with self._lock:
            if self._made is None:
                train = _flat(self.dataset.train_images, self.parts.train_indices)
                self._made = train, _flat(self.parts.test_images, np.arange(len(self.parts.test_images)))
            return self._made


# By the identity of the data set, which its pixels keep alive.
_pixels: weakref.WeakValueDictionary[tuple[int, str], Pixels] = weakref.WeakValueDictionary()
_pixels_lock = threading.Lock()


def pixels(dataset: Dataset, split: str = "official") -> Pixels:
    """Return the shared `Pixels` of a data set and a split. They are freed with the last reference.

    Raises:
        ConfigError: there is no such split.
    """
    with _pixels_lock:
        key = (id(dataset), split)
        found = _pixels.get(key)
        if found is None:
            found = _pixels[key] = Pixels(dataset, split)
        return found


def learn(kind: str, dataset: Dataset, split: str = "official", seed: int = 0) -> Iterator[Piece]:
    """Train a classical model on the training images, and let it read the test images.

    Args:
        kind: a key of `KINDS`.
        dataset: what to learn from.
        split: a key of `config.SPLITS`.
        seed: decides what is random.

    Yields:
        A `Piece` with nothing done, for making ready; one for each piece of work; the last one has all answers.

    Raises:
        ConfigError: there is no such kind or split.
    """
    check_choice("kind", kind, KINDS)
    return _learn(kind, pixels(dataset, split), seed)


def _learn(kind: str, images: Pixels, seed: int) -> Iterator[Piece]:
    labels = images.dataset.train_labels[images.parts.train_indices]
    yield from _LEARNERS[kind](*images.get(), labels, seed)


def _flat(images: NDArray[np.uint8], indices: NDArray[np.integer]) -> NDArray[np.float32]:
    """In blocks, since a copy of all on the way would be as large again."""
    found = np.empty((len(indices), IMAGE_SIZE**2), np.float32)
    for part in _blocks(len(indices)):
        block = images[indices[part]]
        np.divide(block.reshape(len(block), -1), np.float32(255), out=found[part])
    found.flags.writeable = False
    return found


def _blocks(count: int, size: int = _BLOCK) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _answers(known: NDArray[Any], probabilities: NDArray[Any]) -> Answers:
    """Put (n, k) probabilities, or what is in proportion to them, into the columns of the `known` digits."""
    found = np.zeros((len(probabilities), CLASSES), np.float32)
    found[:, known] = probabilities / probabilities.sum(axis=1, keepdims=True)
    return found


def _forest(
    train: NDArray[np.float32], test: NDArray[np.float32], labels: NDArray[np.uint8], seed: int
) -> Iterator[Piece]:
    """One tree after the other; the forest is the same as if all were grown at once."""
    from sklearn.ensemble import RandomForestClassifier

    yield Piece(0, TREES, _NONE)
    forest = RandomForestClassifier(0, warm_start=True, random_state=seed)
    known = np.unique(labels)
    sums = np.zeros((len(test), len(known)))
    for trees in range(1, TREES + 1):
        forest.set_params(n_estimators=trees).fit(train, labels)
        sums += forest.estimators_[-1].predict_proba(test)
        # A tree that has answered is let go, more than a megabyte each; for the next, only how many there were counts.
        forest.estimators_[-1] = None
        yield Piece(trees, TREES, _answers(known, sums))


def _logistic(
    train: NDArray[np.float32], test: NDArray[np.float32], labels: NDArray[np.uint8], seed: int
) -> Iterator[Piece]:
    """What the network without hidden layers is, found in another way."""
    del seed  # Nothing in it is random.
    yield Piece(0, ROUNDS, _NONE)
    known, places = np.unique(labels, return_inverse=True)
    answers = _answers(known, np.ones((len(test), len(known))))
    done = 0
    for done, point in zip(range(1, ROUNDS + 1), logistic.fit(train, places, len(known)), strict=False):
        scores = logistic.scores(point, test)
        answers = _answers(known, np.exp(scores - scores.max(axis=1, keepdims=True)))
        yield Piece(done, ROUNDS, answers)
    if done < ROUNDS:  # It converged earlier.
        yield Piece(ROUNDS, ROUNDS, answers)


def _bayes(
    train: NDArray[np.float32], test: NDArray[np.float32], labels: NDArray[np.uint8], seed: int
) -> Iterator[Piece]:
    from sklearn.naive_bayes import GaussianNB

    del seed  # Nothing in it is random.
    yield Piece(0, len(train), _NONE)
    # Pixels that are always blank have no variance; without any, one odd pixel would decide alone.
    model = GaussianNB(var_smoothing=0.1)
    known = np.unique(labels)
    for part in _blocks(len(train), _IMAGES_A_PIECE):
        with np.errstate(all="ignore"):  # Images that are all the same; what comes of it is checked as every answer is.
            model.partial_fit(train[part], labels[part], classes=known)
            answers = np.concatenate([_answers(known, model.predict_proba(test[x])) for x in _blocks(len(test))])
        yield Piece(part.stop, len(train), answers)


def _neighbours(
    train: NDArray[np.float32], test: NDArray[np.float32], labels: NDArray[np.uint8], seed: int
) -> Iterator[Piece]:
    """Nearest neighbours: fitting only stores the images; prediction does the work."""
    from sklearn.neighbors import KNeighborsClassifier

    del seed  # Nothing in it is random.
    model = KNeighborsClassifier(min(NEIGHBOURS, len(train)), algorithm="brute").fit(train, labels)
    yield Piece(0, len(test), _NONE)
    answers = np.zeros((len(test), CLASSES), np.float32)
    for part in _blocks(len(test), _NEIGHBOURS_A_PIECE):
        answers[part] = _answers(model.classes_, model.predict_proba(test[part]))
        yield Piece(part.stop, len(test), answers[: part.stop])


_NONE: Final = np.zeros((0, CLASSES), np.float32)

_LEARNERS: Final[Mapping[str, Callable[..., Iterator[Piece]]]] = {
    "forest": _forest,
    "logistic": _logistic,
    "bayes": _bayes,
    "neighbours": _neighbours,
}

KINDS: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "forest": Message("Random forest"),
        "logistic": Message("Logistic regression"),
        "bayes": Message("Naive Bayes"),
        "neighbours": Message("k nearest neighbours"),
    }
)
"""The models' names, each with the title to show."""

COUNTED: Final[Mapping[str, str]] = types.MappingProxyType(
    {"forest": "trees", "logistic": "rounds", "bayes": Message("training images"), "neighbours": Message("test images")}
)
"""What `Piece.done` counts."""
