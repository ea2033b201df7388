"""What the Data page shows of a data set, compared with scikit-learn and counts by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from mnist_core.data import datasets, exploration
from tests.samples import blobs


def test_counts_by_hand() -> None:
    labels = np.array([3, 0, 3, 9, 3], np.uint8)
    assert exploration.class_counts(labels).tolist() == [1, 0, 0, 3, 0, 0, 0, 0, 0, 1]


def test_mean_image_of_two_and_of_no_images() -> None:
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 4, 5], images[2, 4, 5], images[1, 0, 0] = 255, 51, 255
    means = exploration.mean_images(images, np.array([7, 1, 7], np.uint8))
    assert means[7, 4, 5] == pytest.approx((255 + 51) / 2 / 255)
    assert means[1, 0, 0] == 1
    assert not means[[0, 2, 3, 4, 5, 6, 8, 9]].any()


def test_pca_matches_the_covariance_matrix() -> None:
    found = exploration.pca_map(blobs())
    flat = blobs().train_images[found.indices].reshape(len(found.indices), -1) / 255
    largest = np.linalg.eigvalsh(np.cov(flat, rowvar=False))[::-1][:2]
    np.testing.assert_allclose(found.points.var(axis=0, ddof=1), largest, rtol=1e-6)


def test_map_keeps_neighbours_close() -> None:
    dataset = datasets.load("embedded")
    found = exploration.tsne_map(dataset)
    assert len(found.indices) == exploration.MAP_IMAGES
    flat = dataset.train_images[found.indices].reshape(len(found.indices), -1)
    assert trustworthiness(flat, found.points) > 0.9
    labels = dataset.train_labels[found.indices]
    nearest = KNeighborsClassifier(5).fit(found.points[::2], labels[::2])
    assert nearest.score(found.points[1::2], labels[1::2]) > 0.85


def test_maps_of_few_images() -> None:
    dataset = dataclasses.replace(blobs(), train_images=blobs().train_images[:5], train_labels=blobs().train_labels[:5])
    for found in (exploration.pca_map(dataset), exploration.tsne_map(dataset)):
        assert found.points.shape == (5, 2)
        assert np.isfinite(found.points).all()
