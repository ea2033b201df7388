"""A data set looked at: how often each digit comes, its mean image, and maps on which like lies beside like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import CLASSES

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data.datasets import Dataset

# Enough to see the groups, few enough for some seconds of work and for a browser to draw.
MAP_IMAGES = 2_000
_COMPONENTS = 50
_NEIGHBOURS = 30
_ROUNDS = 500


@dataclass(frozen=True, eq=False)
class ImageMap:
    """Training images as points of a plane.

    Args:
        indices: (n,) int64 into `Dataset.train_images`, ascending.
        points: (n, 2) float64; the axes mean nothing beyond near and far.
    """

    indices: npt.NDArray[np.int64]
    points: npt.NDArray[np.float64]


def class_counts(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How many of (n,) labels are each digit: (10,) int64."""
    return np.bincount(labels, minlength=CLASSES)


def mean_images(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The mean of the images of each digit, blank for one that does not occur.

    Args:
        images: (n, 28, 28) uint8.
        labels: (n,) uint8, 0 to 9.

    Returns:
        (10, 28, 28) float32 in [0, 1].
    """
    means = np.zeros((CLASSES, *images.shape[1:]), np.float32)
    for digit in np.unique(labels):
        means[digit] = images[labels == digit].mean(axis=0, dtype=np.float64) / 255
    return means


def pca_map(dataset: Dataset) -> ImageMap:
    """The two directions in which the images differ most (principal components; Pearson, 1901)."""
    indices = _sample(dataset)
    return ImageMap(indices, _components(dataset, indices, 2))


def tsne_map(dataset: Dataset) -> ImageMap:
    """Neighbours among the images as neighbours on the plane: t-SNE (van der Maaten and Hinton, 2008).

    Made from the first fifty principal components, as its authors do. It takes some seconds.
    """
    from sklearn.manifold import TSNE

    indices = _sample(dataset)
    components = _components(dataset, indices, _COMPONENTS)
    perplexity = min(_NEIGHBOURS, (len(indices) - 1) / 3)
    points = TSNE(2, perplexity=perplexity, init="pca", max_iter=_ROUNDS, random_state=0).fit_transform(components)
    return ImageMap(indices, points.astype(np.float64))


def _sample(dataset: Dataset) -> npt.NDArray[np.int64]:
    count = len(dataset.train_images)
    return np.sort(np.random.default_rng(0).permutation(count)[:MAP_IMAGES])


def _components(dataset: Dataset, indices: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.float64]:
    from sklearn.decomposition import PCA

    flat = dataset.train_images[indices].reshape(len(indices), -1).astype(np.float64) / 255
    return np.asarray(PCA(min(count, *flat.shape), random_state=0).fit_transform(flat))
