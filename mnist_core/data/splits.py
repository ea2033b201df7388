"""How the images of a data set are divided into training, validation and test images."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mnist_core.config import SPLITS, TRAINING_IMAGES, VALIDATION_FRACTION, check_choice
from mnist_core.data.datasets import read_only
from mnist_core.errors import DataError
from mnist_core.language import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_core.config import RunConfig
    from mnist_core.data.datasets import Dataset

# Never change these. They do not depend on a run's seed, so all runs with the same split use the same test images.
_KITE_SEED: Final = 45_000
_KITE_TEST_FRACTION: Final = 0.25
_VALIDATION_SEED: Final = 784


@dataclass(frozen=True, eq=False)
class Split:
    """The training, validation and test images of a data set. The arrays are read-only.

    Args:
        train_indices: (k,) int32 into `Dataset.train_images`, ascending.
        validation_indices: (v,) int32 into `Dataset.train_images`, ascending; empty without a validation set.
        test_images: (t, 28, 28) uint8.
        test_labels: (t,) uint8.
    """

    train_indices: NDArray[np.int32]
    validation_indices: NDArray[np.int32]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def split(
    dataset: Dataset, kind: str = "official", validation_fraction: float = 0.0, training_images: int = 0
) -> Split:
    """Divide a data set into training, validation and test images. The same arguments always give the same images.

    Args:
        dataset: the data set to divide.
        kind: a key of `SPLITS`. ``"official"`` tests on the data set's own test images, ``"kite"`` on a quarter of
            its training images. Images of one group (`Dataset.train_groups`) stay together, so the share may be
            slightly off.
        validation_fraction: share of the remaining training images to validate on, 0 to 0.5.
        training_images: train on this many of the remaining images, the first ones; 0 for all. Test and validation
            images do not depend on it.

    Raises:
        ConfigError: `kind`, `validation_fraction` or `training_images` is invalid.
        DataError: all training images are in one group, so none can be held out.
    """
    check_choice("split", kind, SPLITS)
    VALIDATION_FRACTION.check("validation_fraction", validation_fraction)
    TRAINING_IMAGES.check("training_images", training_images)
    return _split(dataset, kind, float(validation_fraction), training_images)


def split_for(dataset: Dataset, config: RunConfig) -> Split:
    """Divide a data set as `config` says; see `split`."""
    return split(dataset, config.split, config.validation_fraction, config.training_images)


@functools.lru_cache(maxsize=16)  # Pages ask several times a second.
def _split(dataset: Dataset, kind: str, validation_fraction: float, training_images: int) -> Split:
    train, images, labels = _without_test(dataset, kind)
    train, validation = _divide(dataset, train, validation_fraction, _VALIDATION_SEED)
    train = train[: training_images or len(train)]
    return Split(read_only(train), read_only(validation), images, labels)


@functools.lru_cache(maxsize=2)  # Test images are copies, 12 MB for MNIST; share them between validation fractions.
def _without_test(dataset: Dataset, kind: str) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the indices of the images left for training, the test images and the test labels."""
    train = np.arange(len(dataset.train_images), dtype=np.int32)
    if kind == "official":
        return train, dataset.test_images, dataset.test_labels
    train, test = _divide(dataset, train, _KITE_TEST_FRACTION, _KITE_SEED)
    return train, read_only(dataset.train_images[test]), read_only(dataset.train_labels[test])


def _divide(
    dataset: Dataset, indices: NDArray[np.int32], fraction: float, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Divide ascending indices of training images into the rest and a held-out part of about `fraction`."""
    if fraction == 0:
        return indices, indices[:0]
    groups = indices if dataset.train_groups is None else dataset.train_groups[indices]
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise DataError(
            "No image can be held out: all training images were made from one original.",
            "Use a data set with more images, the official split and no validation images.",
            Message("{count} images", count=len(indices)),
        )
    # NumPy never changes RandomState's stream; Generator's may change.
    order = np.random.RandomState(seed).permutation(len(sizes))
    distance = np.abs(sizes[order].cumsum() - fraction * len(indices))
    chosen = np.zeros(len(sizes), bool)
    chosen[order[: min(int(distance.argmin()) + 1, len(sizes) - 1)]] = True
    return indices[~chosen[group]], indices[chosen[group]]
