"""Make a data set of a visitor's own drawings: a few of each class are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.data import uploads
from mnist_core.data.datasets import Dataset
from mnist_core.data.sources import classes_of
from mnist_core.errors import DataError
from mnist_core.language import Message
from mnist_core.network.augmentation import augment
from mnist_core.network.backend import load_tensorflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from mnist_core.drawing.test_set import LabelledDrawing

TRAINING_IMAGES = 6_000
"""About how many training images the drawings become, for enough steps an epoch."""
LEAST_OF_EACH = 2
"""The fewest drawings of a class: one to learn from, one to test with."""
TEST_SHARE = 1 / 5
_STRENGTH = 0.6  # of `augment`
_BLOCK = 500  # Images augmented at once; limits the memory to about 50 MB.
_SEED = 28


def make_dataset(drawings: Sequence[LabelledDrawing], class_names: tuple[str, ...]) -> Dataset:
    """Make a data set of drawings.

    A fifth of each class, at least one, becomes the test images, as it was drawn. The others become training images,
    each with the same number of variants that are turned, slanted, moved and drawn with another pen. The same drawings
    always give the same data set.

    Args:
        drawings: at least `LEAST_OF_EACH` of each class.
        class_names: the names of the ten outputs, see `sources.ten_names`.

    Returns:
        A `Dataset` named "own". Variants of one drawing have one number in `train_groups`.

    Raises:
        DataError: a class has too few drawings.
    """
    labels = np.array([one.label for one in drawings], np.uint8)
    random = np.random.default_rng(_SEED)
    test: list[int] = []
    for label in classes_of(class_names):
        (own,) = np.nonzero(labels == label)
        if len(own) < LEAST_OF_EACH:
            raise DataError(
                Message("There are too few drawings of {name}.", name=class_names[label]),
                Message("Draw at least {least_of_each} of each class. Ten are better.", least_of_each=LEAST_OF_EACH),
                f"{len(own)}",
            )
        test += random.permutation(own)[: max(1, round(len(own) * TEST_SHARE))].tolist()
    test.sort()
    training = np.setdiff1d(np.arange(len(drawings)), test)
    images = np.stack([one.image for one in drawings])
    originals = np.repeat(training, max(1, TRAINING_IMAGES // len(training)))
    varied = _varied(images[originals])
    # The first copy of each stays as it was drawn.
    first = np.flatnonzero(np.diff(originals, prepend=-1))
    varied[first] = images[training]
    order = random.permutation(len(originals))
    return Dataset(
        uploads.NAME,
        varied[order],
        labels[originals][order],
        images[test],
        labels[test],
        Message("{count} drawings of your own", count=len(drawings)),
        train_groups=originals[order].astype(np.int32),
        class_names=class_names,
    )


def _varied(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    load_tensorflow()
    import tensorflow as tf

    made = []
    for start in range(0, len(images), _BLOCK):
        part = images[start : start + _BLOCK].reshape(-1, IMAGE_SIZE**2).astype(np.float32) / 255
        key = tf.constant(_SEED + start, tf.uint32)
        made.append(np.clip(augment(tf.constant(part), key, tf.constant(_STRENGTH)).numpy(), 0, 1))
    grey = np.concatenate(made).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    return np.asarray(np.rint(grey * 255), np.uint8)
