"""Explore a data set: class counts, mean images, and maps that place similar images near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import CLASSES

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data.datasets import Dataset

# Enough to see the clusters. More would take longer than some seconds, and be too many for a browser.
MAP_IMAGES = 2_000
_COMPONENTS = 50
_NEIGHBOURS = 30
_ROUNDS = 500


@dataclass(frozen=True, eq=False)
class ImageMap:
    """Training images as points in the plane.

    Args:
        indices: (n,) int64 into `Dataset.train_images`, ascending.
        points: (n, 2) float64. Only distances have a meaning, not the axes.
    """

    indices: npt.NDArray[np.int64]
    points: npt.NDArray[np.float64]


def class_counts(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return how often each digit occurs in (n,) labels: (10,) int64."""
    return np.bincount(labels, minlength=CLASSES)


def mean_images(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the mean image of each digit, blank for a digit that does not occur.

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
    """Map the images by their first two principal components (Pearson, 1901)."""
    indices = _sample(dataset)
    return ImageMap(indices, _components(dataset, indices, 2))


def tsne_map(dataset: Dataset) -> ImageMap:
    """Map the images by t-SNE (van der Maaten and Hinton, 2008), which keeps neighbours near each other.

    It starts from the first fifty principal components, as the authors do, and takes some seconds.
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
