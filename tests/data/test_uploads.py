"""Data sets from uploaded files: which are accepted, and which are refused with a helpful message."""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
import pytest

from mnist_core.data import idx, uploads
from mnist_core.errors import DataError
from tests.jargon import assert_no_jargon

RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.integers(0, 256, (70, 28, 28), np.uint8)
LABELS = RANDOM.integers(0, 10, 70).astype(np.uint8)
FOUR = {
    "train-images-idx3-ubyte.gz": gzip.compress(idx.pack(IMAGES[:60])),
    "train-labels-idx1-ubyte.gz": gzip.compress(idx.pack(LABELS[:60])),
    "t10k-images-idx3-ubyte.gz": gzip.compress(idx.pack(IMAGES[60:])),
    "t10k-labels-idx1-ubyte.gz": gzip.compress(idx.pack(LABELS[60:])),
}


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_four_mnist_files_in_any_order() -> None:
    dataset = uploads.read(dict(reversed(FOUR.items())))
    np.testing.assert_array_equal(dataset.train_images, IMAGES[:60])
    np.testing.assert_array_equal(dataset.train_labels, LABELS[:60])
    np.testing.assert_array_equal(dataset.test_images, IMAGES[60:])
    np.testing.assert_array_equal(dataset.test_labels, LABELS[60:])
    assert dataset.name == "own"
    assert "t10k-labels-idx1-ubyte.gz" in dataset.provenance


def test_two_files_hold_out_a_seventh() -> None:
    files = {"my-images": idx.pack(IMAGES), "my-labels": idx.pack(LABELS)}
    dataset, again = uploads.read(files), uploads.read(files)
    assert (len(dataset.train_images), len(dataset.test_images)) == (60, 10)
    np.testing.assert_array_equal(dataset.test_images, again.test_images)
    both = np.concatenate([dataset.train_images, dataset.test_images])
    labels = [*dataset.train_labels, *dataset.test_labels]
    pairs = {(image.tobytes(), label) for image, label in zip(both, labels, strict=True)}
    assert pairs == {(image.tobytes(), label) for image, label in zip(IMAGES, LABELS, strict=True)}


def test_npz_of_keras() -> None:
    data = npz(x_train=IMAGES[:60], y_train=LABELS[:60].astype(np.int64), x_test=IMAGES[60:], y_test=LABELS[60:])
    dataset = uploads.read({"mnist.npz": data})
    np.testing.assert_array_equal(dataset.train_labels, LABELS[:60])
    np.testing.assert_array_equal(dataset.test_images, IMAGES[60:])


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "images and labels to train on"),
        ({"a": idx.pack(IMAGES)}, "images and labels to train on"),
        ({"t10k-images": idx.pack(IMAGES), "t10k-labels": idx.pack(LABELS)}, "images and labels to train on"),
        ({"a": idx.pack(IMAGES), "b": idx.pack(IMAGES)}, "Two files contain the same kind of data: images"),
        ({"a": idx.pack(IMAGES), "b": idx.pack(LABELS[:-1])}, "one label for each image"),
        ({"a": idx.pack(IMAGES), "b": idx.pack(LABELS + 5)}, "A label is not from 0 to 9"),
        ({"a": idx.pack(IMAGES[:, :14]), "b": idx.pack(LABELS)}, "These are 14 x 28"),
        ({"a": idx.pack(IMAGES.astype(np.float32)), "b": idx.pack(LABELS)}, "These are decimal numbers"),
        ({"a": idx.pack(IMAGES[:1]), "b": idx.pack(LABELS[:1])}, "too few images"),
        ({"a": b"hello", "b": idx.pack(LABELS)}, "a: This is not an IDX file"),
        (
            {"a": idx.pack(IMAGES), "b": idx.pack(LABELS), "test-a": idx.pack(IMAGES)},
            "or their labels are missing",
        ),
        ({"a.npz": b"hello"}, "cannot be read as an NPZ file"),
        ({"a.npz": npz(x_train=IMAGES, y_train=LABELS), "b": b""}, "NPZ file alone"),
        ({"a.npz": npz(x_train=IMAGES)}, "images and labels to train on"),
        ({"a.npz": npz(x_train=IMAGES, y_train=LABELS * 0.5)}, "whole numbers"),
        ({"a.npz": npz(x_train=IMAGES, y_train=np.array([{}] * 70))}, "cannot be read as an NPZ file"),
        ({"a.npz": npz(x_train=np.uint8(1), y_train=LABELS)}, "images are missing"),
        ({"a.npz": npz(x_train=IMAGES, y_train=np.uint8(1))}, "one number for each image. Received: a single value"),
        ({"a.npz": npz(x_train=IMAGES, y_train=np.eye(10)[LABELS])}, "one number for each image. Received: 70 x 10"),
        ({"a.npz": npz(x_train=IMAGES.reshape(70, 784), y_train=LABELS)}, "These are rows of 784 numbers"),
        ({"a.npz": npz(x_train=IMAGES[..., None], y_train=LABELS)}, "These are 28 x 28 x 1"),
        ({"a.npz": npz(x_train=IMAGES.astype(np.int64), y_train=LABELS)}, "These are larger whole numbers"),
        ({"a.npz": npz(x_train=IMAGES.astype(str), y_train=LABELS)}, "These are texts"),
        ({"a.npz": npz(x_train=IMAGES[:0], y_train=LABELS[:0])}, "no images in the file"),
        ({"a.npz": npz(x_train=IMAGES, y_train=LABELS, x_test=np.uint8(1), y_test=LABELS)}, "images are missing"),
        ({"a.npz": npz(x_train=np.zeros((90_000, 28, 28), np.uint8), y_train=LABELS)}, "unpacks to more than 64 MB"),
        ({"a": gzip.compress(idx.pack(np.zeros((90_000, 28, 28), np.uint8)))}, "larger than the limit"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_invalid_files_are_refused_in_plain_words(files: dict[str, bytes], problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        uploads.read(files)
    assert_no_jargon(str(caught.value))
