"""The embedded digits compared with the originals that they are made from."""

import warnings
from collections.abc import Iterable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from mnist_core.data import Dataset, datasets, embedded, splits


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("embedded")


def test_embedded_form(digits: Dataset) -> None:
    assert digits.name == "embedded"
    assert list(datasets.NAMES) == ["mnist", "embedded"]
    assert digits.train_images.shape == (12_000, 28, 28)
    assert digits.test_images.shape == (360, 28, 28)
    assert np.bincount(digits.test_labels).tolist() == [36] * 10
    assert np.bincount(digits.train_labels).min() > 1_100
    assert digits.notice is None
    for images in (digits.train_images, digits.test_images):
        assert (images.max(axis=(1, 2)) == 255).all()
        assert images[:, [0, -1]].mean() < 1  # The background is 0.
        assert 0.12 < (images > 127).mean() < 0.18  # MNIST: 0.13


def test_embedded_originals_are_centred_like_mnist(digits: Dataset) -> None:
    for images in (digits.test_images, digits.train_images[:1_437]):
        ink = images.astype(float)
        total = ink.sum(axis=(1, 2))
        rows, columns = ink.sum(axis=2) @ np.arange(28) / total, ink.sum(axis=1) @ np.arange(28) / total
        assert np.abs(rows - 14).max() < 0.5
        assert np.abs(columns - 14).max() < 0.5
        for image in images:
            height, width = np.ptp(np.nonzero(image), axis=1) + 1
            assert 18 <= max(height, width) <= 21  # 20, or one row more if it is not aligned to whole pixels.


def test_embedded_groups_are_originals_not_in_the_test_set(digits: Dataset) -> None:
    source = load_digits()
    groups = digits.train_groups
    assert groups is not None
    np.testing.assert_array_equal(digits.train_labels, source.target[groups])
    trained, copies = np.unique(groups, return_counts=True)
    assert len(trained) == 1_437
    assert set(copies) == {8, 9}
    np.testing.assert_array_equal(groups[:1_437], trained)  # Each original once, not widened.
    held_out = np.setdiff1d(np.arange(1_797), trained)
    np.testing.assert_array_equal(digits.test_labels, source.target[held_out])


def test_embedded_test_images_are_held_out_originals(digits: Dataset) -> None:
    """Each image is more similar to its original than to 99 % of the others, by an independent measure."""
    assert digits.train_groups is not None
    held_out = np.setdiff1d(np.arange(1_797), digits.train_groups)
    originals = np.pad(load_digits().images, ((0, 0), (1, 1), (1, 1)))
    enlarged = [zoom(image, 2.5, order=1, mode="grid-constant", grid_mode=True) for image in originals]
    likeness = signatures(gaussian_filter(digits.test_images / 255, (0, 1.2, 1.2))) @ signatures(enlarged).T
    own = likeness[np.arange(360), held_out]
    rank = (likeness > own[:, None]).sum(axis=1)
    assert (rank < 18).mean() > 0.97
    assert np.median(rank) == 0


def signatures(images: Iterable[np.ndarray]) -> np.ndarray:
    """Return each ink box, resized to 8x8, with zero mean and unit length."""
    rows = []
    for image in images:
        y, x = np.nonzero(image > 0.4 * image.max())
        box = image[y.min() : y.max() + 1, x.min() : x.max() + 1]
        small = zoom(box, (8 / box.shape[0], 8 / box.shape[1]), order=1, mode="nearest", grid_mode=True)
        rows.append((small - small.mean()).ravel() / (8 * small.std()))
    return np.stack(rows)


def test_embedded_is_deterministic(digits: Dataset) -> None:
    np.random.seed(1)  # noqa: NPY002 - somebody else's use of the global generator
    again = embedded.make()
    np.testing.assert_array_equal(again.train_images, digits.train_images)
    np.testing.assert_array_equal(again.test_images, digits.test_images)


def test_embedded_can_be_learned(digits: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It need not converge.
        model = LogisticRegression(C=0.1, max_iter=30)
        model.fit(downsampled(digits.train_images[:4_000]), digits.train_labels[:4_000])
    assert model.score(downsampled(digits.test_images), digits.test_labels) > 0.92


def downsampled(images: np.ndarray) -> np.ndarray:
    """Return images (n, 28, 28) as vectors (n, 196) of the means of 2x2 pixels, to fit faster."""
    return np.asarray(images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255)


@pytest.mark.parametrize("fraction", [0.0, 0.2])
def test_groups_in_the_embedded_digits(digits: Dataset, fraction: float) -> None:
    assert digits.train_groups is not None
    split = splits.split(digits, "kite", fraction)
    families = [set(digits.train_groups[part]) for part in (split.train_indices, split.validation_indices)]
    assert not families[0] & families[1]
    assert len(split.test_images) == pytest.approx(3_000, abs=5)
    assert len(split.validation_indices) == pytest.approx(9_000 * fraction, abs=10)
