"""A small MNIST: four IDX files, packed or not, and a folder in which no other data is found."""

import gzip
import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import Dataset
from mnist_core.data.sources import DataFile, DataSource


def idx_by_hand(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


RANDOM = np.random.RandomState(7)
TRAIN_IMAGES = RANDOM.randint(0, 256, (60, 28, 28)).astype(np.uint8)
TRAIN_LABELS = (np.arange(60) % 10).astype(np.uint8)
TEST_IMAGES = RANDOM.randint(0, 256, (20, 28, 28)).astype(np.uint8)
TEST_LABELS = (np.arange(20) % 10).astype(np.uint8)
CONTENTS = {
    "train-images-idx3-ubyte": idx_by_hand(TRAIN_IMAGES),
    "train-labels-idx1-ubyte": idx_by_hand(TRAIN_LABELS),
    "t10k-images-idx3-ubyte": idx_by_hand(TEST_IMAGES),
    "t10k-labels-idx1-ubyte": idx_by_hand(TEST_LABELS),
}
PACKED = {f"{name}.gz": gzip.compress(content, 1) for name, content in CONTENTS.items()}
FILES = [
    DataFile(name, hashlib.sha256(content).hexdigest(), len(content), len(PACKED[f"{name}.gz"]))
    for name, content in CONTENTS.items()
]


def describe(contents: dict[str, bytes]) -> list[DataFile]:
    return [DataFile(n, hashlib.sha256(c).hexdigest(), len(c), len(c)) for n, c in contents.items()]


def small_source(*mirrors: str, files: Sequence[DataFile] = FILES, name: str = "mnist") -> DataSource:
    return DataSource(name, name.upper(), tuple(files), mirrors)


def write_files(folder: Path, files: dict[str, bytes] = PACKED) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def assert_small_mnist(dataset: Dataset) -> None:
    assert dataset.name == "mnist"
    np.testing.assert_array_equal(dataset.train_images, TRAIN_IMAGES)
    np.testing.assert_array_equal(dataset.train_labels, TRAIN_LABELS)
    np.testing.assert_array_equal(dataset.test_images, TEST_IMAGES)
    np.testing.assert_array_equal(dataset.test_labels, TEST_LABELS)
    assert dataset.train_groups is None


def isolate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use an empty working folder, no data folder in the environment, no proxy, and a new cache; return the cache."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"
