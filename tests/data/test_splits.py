"""Splits compared with plain sets of indices."""

import hashlib
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.config import RunConfig
from mnist_core.data import Dataset, datasets, splits
from mnist_core.errors import ConfigError, DataError
from tests.small_files import TEST_IMAGES, TEST_LABELS


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    folder = os.environ.get("MNIST_DATA_DIR")
    if not folder:
        pytest.skip("MNIST_DATA_DIR is not set")
    return datasets.load("mnist", folder)


def test_mnist_splits(mnist: Dataset) -> None:
    kite = splits.split(mnist, "kite")
    assert (len(kite.train_indices), len(kite.test_images)) == (45_000, 15_000)
    held_out = np.setdiff1d(np.arange(60_000), kite.train_indices)
    np.testing.assert_array_equal(kite.test_images, mnist.train_images[held_out])
    np.testing.assert_array_equal(kite.test_labels, mnist.train_labels[held_out])
    assert np.bincount(kite.test_labels).min() > 1_300


def blank(count: int, groups: np.ndarray | None = None) -> Dataset:
    """Images that differ only in their first two pixels."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    labels = np.zeros(count, np.uint8)
    return Dataset("blank", images, labels, TEST_IMAGES, TEST_LABELS, "here", train_groups=groups)


def numbers(images: np.ndarray) -> np.ndarray:
    return np.asarray(images[:, 0, 0].astype(int) * 256 + images[:, 0, 1])


def test_official_split() -> None:
    dataset = blank(100)
    split = splits.split(dataset)
    assert split.train_indices.tolist() == list(range(100))
    assert split.train_indices.dtype == np.int32
    assert split.validation_indices.shape == (0,)
    assert split.test_images is dataset.test_images
    assert split.test_labels is dataset.test_labels


@pytest.fixture(scope="module")
def sixty_thousand() -> Dataset:
    return blank(60_000)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.2, 0.5])
def test_kite_counts(sixty_thousand: Dataset, fraction: float) -> None:
    split = splits.split(sixty_thousand, "kite", fraction)
    assert len(split.test_images) == len(split.test_labels) == 15_000
    assert len(split.validation_indices) == round(45_000 * fraction)
    everything = np.concatenate([split.train_indices, split.validation_indices, numbers(split.test_images)])
    np.testing.assert_array_equal(np.sort(everything), np.arange(60_000))


def test_kite_test_images_are_fixed(sixty_thousand: Dataset) -> None:
    split = splits.split(sixty_thousand, "kite")
    assert numbers(split.test_images)[:8].tolist() == [8, 11, 13, 14, 22, 34, 37, 38]
    assert hashlib.sha256(split.train_indices.astype("<i4").tobytes()).hexdigest()[:16] == "8c32ee08397f1d36"


def test_splits_are_cached_and_read_only(sixty_thousand: Dataset) -> None:
    split = splits.split(sixty_thousand, "kite", 0.1)
    assert splits.split(sixty_thousand, "kite", 0.1) is split
    assert splits.split(sixty_thousand, "kite", 0.2).test_images is split.test_images
    for array in (split.train_indices, split.validation_indices, split.test_images, split.test_labels):
        assert not array.flags.writeable


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=300).filter(lambda groups: len(set(groups)) > 3),
    st.sampled_from(["official", "kite"]),
    st.floats(0.0, 0.5),
)
def test_groups_stay_together(groups: list[int], kind: str, fraction: float) -> None:
    group = np.array(groups, np.int32)
    split = splits.split(blank(len(groups), group), kind, fraction)
    test = numbers(split.test_images) if kind == "kite" else np.array([], int)
    parts = [split.train_indices, split.validation_indices, test]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    families = [set(group[part]) for part in parts]
    assert sum(map(len, families)) == len(set(groups))
    assert len(parts[0])
    assert len(parts[1]) or not fraction
    assert len(parts[2]) or kind == "official"


@pytest.mark.parametrize("kind", ["official", "kite"])
def test_limited_split_uses_the_first_training_images(kind: str) -> None:
    dataset = blank(100)
    whole, part = splits.split(dataset, kind, 0.2), splits.split(dataset, kind, 0.2, 7)
    assert part.train_indices.tolist() == whole.train_indices.tolist()[:7]
    assert part.validation_indices.tolist() == whole.validation_indices.tolist()
    np.testing.assert_array_equal(part.test_images, whole.test_images)
    assert splits.split(dataset, kind, 0.2, 1000).train_indices.tolist() == whole.train_indices.tolist()


def test_split_uses_the_three_settings_of_a_run() -> None:
    dataset = blank(100)
    config = RunConfig(split="kite", validation_fraction=0.2, training_images=7)
    assert splits.split_for(dataset, config) is splits.split(dataset, "kite", 0.2, 7)


@pytest.mark.parametrize("count", [-1, 1_000_001, 1.0, "7"])
def test_invalid_number_of_training_images(count: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        splits.split(blank(10), training_images=count)
    assert caught.value.field == "training_images"


@pytest.mark.parametrize(
    ("kind", "fraction", "field"),
    [
        ("torres", 0.0, "split"),
        (["kite"], 0.0, "split"),
        ("kite", -0.1, "validation_fraction"),
        ("kite", 0.51, "validation_fraction"),
        ("kite", float("nan"), "validation_fraction"),
        ("kite", "0.1", "validation_fraction"),
    ],
)
def test_invalid_split_settings(kind: str, fraction: float, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        splits.split(blank(10), kind, fraction)
    assert caught.value.field == field


def test_single_group_cannot_be_split() -> None:
    dataset = blank(10, np.zeros(10, np.int32))
    assert len(splits.split(dataset).train_indices) == 10
    for kind, fraction in (("kite", 0.0), ("official", 0.1)):
        with pytest.raises(DataError, match="one original"):
            splits.split(dataset, kind, fraction)
