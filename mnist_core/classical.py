"""The models that the tutorials name beside networks, from scikit-learn, trained a piece at a time.

As with `training.train`, nothing happens between two pieces: who does not pull pauses it, who closes it stops it.
"""

from __future__ import annotations

import types
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core import datasets
from mnist_core.config import CLASSES, check_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from mnist_core.datasets import Dataset

TREES = 100
_TREES_A_PIECE = 10
NEIGHBOURS = 5
_ITERATIONS = 60
_ITERATIONS_A_PIECE = 10
_IMAGES_A_PIECE = 5_000
# Answers are computed for so many images at once.
_BLOCK = 1_000


@dataclass(frozen=True, eq=False)
class Model:
    """A classical model that has learned something; an `evaluation.Classifier`.

    Args:
        kind: a key of `KINDS`.
        estimator: scikit-learn's, fitted.
    """

    kind: str
    estimator: Any

    def predict(self, images: npt.NDArray[np.uint8], /) -> npt.NDArray[np.float32]:
        """The ten probabilities of each of (n, 28, 28) images, (n, 10) float32; 0 for digits that it never saw."""
        flat = _flat(images)
        found = np.zeros((len(flat), CLASSES), np.float32)
        for start in range(0, len(flat), _BLOCK):
            part = slice(start, start + _BLOCK)
            found[part, self.estimator.classes_.astype(int)] = self.estimator.predict_proba(flat[part])
        found /= found.sum(axis=1, keepdims=True)  # float32 is not quite exact.
        return found


@dataclass(frozen=True)
class Piece:
    """So much of the training is done.

    Args:
        done: pieces so far.
        pieces: all of them.
        model: what it has become; it goes on learning when the next piece is asked for.
    """

    done: int
    pieces: int
    model: Model


def learn(kind: str, dataset: Dataset, split: str = "official", seed: int = 0) -> Iterator[Piece]:
    """Train a classical model on the training images, as pixels from 0 to 1.

    Args:
        kind: a key of `KINDS`.
        dataset: what to learn from.
        split: a key of `config.SPLITS`.
        seed: decides what is random.

    Yields:
        A `Piece` for each piece of the training, the last one with the finished model.

    Raises:
        ConfigError: there is no such kind or split.
    """
    check_choice("kind", kind, KINDS)
    parts = datasets.split(dataset, split)
    images = _flat(dataset.train_images[parts.train_indices])
    labels = dataset.train_labels[parts.train_indices]
    return _LEARNERS[kind](images, labels, seed)


def _flat(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _forest(images: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], seed: int) -> Iterator[Piece]:
    """Trees in batches: each goes on from the one before, to the same forest as all at once."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(0, warm_start=True, random_state=seed)
    for trees in range(_TREES_A_PIECE, TREES + 1, _TREES_A_PIECE):
        forest.set_params(n_estimators=trees).fit(images, labels)
        yield Piece(trees // _TREES_A_PIECE, TREES // _TREES_A_PIECE, Model("forest", forest))


def _logistic(images: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], seed: int) -> Iterator[Piece]:
    """What the network without hidden layers is, found by L-BFGS, some rounds at a time."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=_ITERATIONS_A_PIECE, warm_start=True, random_state=seed)
    pieces = _ITERATIONS // _ITERATIONS_A_PIECE
    for piece in range(1, pieces + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # It goes on in the next piece.
            model.fit(images, labels)
        yield Piece(piece, pieces, Model("logistic", model))


def _bayes(images: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], seed: int) -> Iterator[Piece]:
    from sklearn.naive_bayes import GaussianNB

    del seed  # Nothing in it is random.
    # Pixels that are always blank have no variance; without any, one odd pixel would decide alone.
    model = GaussianNB(var_smoothing=0.1)
    pieces = -(-len(images) // _IMAGES_A_PIECE)
    for piece in range(pieces):
        part = slice(piece * _IMAGES_A_PIECE, (piece + 1) * _IMAGES_A_PIECE)
        model.partial_fit(images[part], labels[part], classes=np.unique(labels))
        yield Piece(piece + 1, pieces, Model("bayes", model))


def _neighbours(images: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], seed: int) -> Iterator[Piece]:
    from sklearn.neighbors import KNeighborsClassifier

    del seed  # Nothing in it is random.
    yield Piece(1, 1, Model("neighbours", KNeighborsClassifier(NEIGHBOURS).fit(images, labels)))


_LEARNERS: Final[Mapping[str, Callable[..., Iterator[Piece]]]] = {
    "forest": _forest,
    "logistic": _logistic,
    "bayes": _bayes,
    "neighbours": _neighbours,
}

KINDS: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "forest": "Random forest",
        "logistic": "Logistic regression",
        "bayes": "Naive Bayes",
        "neighbours": "k nearest neighbours",
    }
)
"""The models' names, each with the title to show."""
