"""Data sets: small files in folders, and MNIST itself if it is available."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import Dataset, datasets
from mnist_core.data.sources import SOURCES, DataSource, has_published_figures
from mnist_core.errors import ConfigError, DataError
from tests import mirror, small_files
from tests.jargon import assert_no_jargon
from tests.small_files import (
    CONTENTS,
    FILES,
    PACKED,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    assert_small_mnist,
    describe,
    file_names,
    idx_by_hand,
    small_source,
    write_files,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_files.isolate(tmp_path, monkeypatch)


# --- Dataset


def test_read_only_arrays_leave_the_callers_writable() -> None:
    images = TRAIN_IMAGES.copy()
    dataset = Dataset("own", images, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "here")
    with pytest.raises(ValueError, match="read-only"):
        dataset.train_images[0] = 0
    images[0] = 0


def test_fingerprint_depends_only_on_images_labels_and_groups() -> None:
    dataset = Dataset("own", TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "here")
    copied = Dataset("other", TRAIN_IMAGES.copy(), TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "there", "a notice")
    assert copied.fingerprint == dataset.fingerprint
    changes: list[dict[str, Any]] = [{"train_groups": np.zeros(60, np.int32)}]
    for field in ("train_images", "train_labels", "test_images", "test_labels"):
        array = getattr(dataset, field).copy()
        array.flat[-1] ^= 1
        changes.append({field: array})
    others = [dataclasses.replace(dataset, **change).fingerprint for change in changes]
    assert len({dataset.fingerprint, *others}) == 6


@pytest.mark.parametrize(
    ("field", "array"),
    [
        ("train_images", TRAIN_IMAGES.astype(np.float32)),
        ("train_images", TRAIN_IMAGES.reshape(60, 784)),
        ("train_images", TRAIN_IMAGES[:, :27]),
        ("train_images", TRAIN_IMAGES[:0]),
        ("train_images", np.uint8(3)),
        ("train_images", TRAIN_IMAGES[:59]),
        ("train_labels", TRAIN_LABELS[:59]),
        ("train_labels", TRAIN_LABELS.astype(np.int64)),
        ("train_labels", np.eye(10, dtype=np.uint8)[TRAIN_LABELS]),
        ("train_labels", np.where(np.arange(60) == 59, 10, TRAIN_LABELS).astype(np.uint8)),
        ("test_images", TEST_IMAGES[:19]),
        ("test_labels", np.full(20, 255, np.uint8)),
        ("train_groups", np.arange(60)),
        ("train_groups", np.arange(59, dtype=np.int32)),
    ],
)
def test_invalid_arrays(field: str, array: np.ndarray) -> None:
    arrays = {
        "train_images": TRAIN_IMAGES,
        "train_labels": TRAIN_LABELS,
        "test_images": TEST_IMAGES,
        "test_labels": TEST_LABELS,
    }
    with pytest.raises(DataError) as caught:
        Dataset("own", **arrays | {field: array}, provenance="here")
    assert caught.value.received is not None


@pytest.mark.parametrize("names", [("0",) * 10, tuple("012345678"), tuple("0123456789X")])
def test_invalid_class_names(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="ten class names"):
        Dataset("own", TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "here", class_names=names)


# --- The table of data sets


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_data_source_of_the_table(source: DataSource) -> None:
    assert SOURCES[source.name] is source
    assert datasets.NAMES[source.name] == source.title
    assert RunConfig(dataset=source.name).dataset == source.name  # A name that runs and links accept.
    assert len(set(source.class_names)) == len(source.class_names) == 10
    if source.files:
        assert [name.split("-")[1] for name in (file.name for file in source.files)] == ["images", "labels"] * 2
        assert source.mirrors
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in source.mirrors)
    assert len({file.sha256 for file in source.files}) == len(source.files)


def test_data_set_has_class_names_of_its_source(tmp_path: Path) -> None:
    names = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    dataset = datasets.load_source(
        DataSource("fashion", "Fashion", tuple(FILES), (), names), write_files(tmp_path / "mine")
    )
    assert dataset.class_names == names
    assert datasets.load("embedded").class_names == tuple("0123456789")


def test_articles_have_figures_for_mnist_only() -> None:
    assert [name for name in SOURCES if has_published_figures(name)] == ["mnist"]
    assert not has_published_figures("own")


# --- MNIST itself


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    folder = os.environ.get("MNIST_DATA_DIR")
    if not folder:
        pytest.skip("MNIST_DATA_DIR is not set")
    return datasets.load("mnist", folder)


def test_mnist_class_counts(mnist: Dataset) -> None:
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.train_labels).tolist() == train
    assert np.bincount(mnist.test_labels).tolist() == test
    assert mnist.notice is None


def test_mnist_labels_shown_in_the_tutorials(mnist: Dataset) -> None:
    assert mnist.train_labels[[8, 999]].tolist() == [1, 6]
    assert mnist.test_labels[[0, 11]].tolist() == [7, 6]


def test_mnist_pixels(mnist: Dataset) -> None:
    # The well-known mean and standard deviation of MNIST.
    parts = np.array_split(mnist.train_images.reshape(60_000, 784), 60)
    shares = sum(np.bincount(part.ravel(), minlength=256) for part in parts) / mnist.train_images.size
    values = np.arange(256) / 255
    mean = shares @ values
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(shares @ (values - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)
    assert mnist.train_images[:, [0, -1]].mean() < 0.1  # The background is 0.


# --- Where MNIST is looked for


@pytest.mark.parametrize(
    "files",
    [
        PACKED,
        CONTENTS,
        {name.replace("-idx", ".idx"): content for name, content in CONTENTS.items()},
        {f"{name}.gz": content for name, content in CONTENTS.items()},  # Unpacked, but still named .gz.
    ],
    ids=["gz", "raw", "dotted", "misnamed"],
)
def test_folder_with_files_packed_or_not(tmp_path: Path, files: dict[str, bytes]) -> None:
    dataset = datasets.load_source(small_source(), write_files(tmp_path / "mine", files))
    assert_small_mnist(dataset)
    assert dataset.notice is None
    assert str(tmp_path / "mine") in dataset.provenance


def test_folder_given_without_the_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks train-images-idx3-ubyte\.gz, train-labels") as caught:
        datasets.load("mnist", tmp_path)
    assert str(tmp_path) in caught.value.problem
    with pytest.raises(DataError, match="lacks"):
        datasets.load("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (PACKED["t10k-labels-idx1-ubyte.gz"][:-5], "ends too early"),
        (CONTENTS["t10k-labels-idx1-ubyte"][:-1] + b"\x03", "not what was published"),
        (bytes(5000), "limit"),
    ],
    ids=["empty", "cut-off", "changed", "too-large"],
)
def test_folder_given_with_a_damaged_file(tmp_path: Path, data: bytes, problem: str) -> None:
    folder = write_files(tmp_path / "mine", PACKED | {"t10k-labels-idx1-ubyte.gz": data})
    with pytest.raises(DataError, match=problem) as caught:
        datasets.load_source(small_source(), folder)
    assert "t10k-labels-idx1-ubyte.gz" in caught.value.problem


def test_mismatched_files(tmp_path: Path) -> None:
    contents = CONTENTS | {"train-labels-idx1-ubyte": idx_by_hand(TRAIN_LABELS[:59])}
    with pytest.raises(DataError, match="train_labels"):
        datasets.load_source(small_source(files=describe(contents)), write_files(tmp_path / "mine", contents))


def test_folder_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(write_files(tmp_path / "mine")))
    write_files(Path("data"), {FILES[0].name: b"not even looked at"})
    dataset = datasets.load_source(small_source())
    assert_small_mnist(dataset)
    assert dataset.notice is None


def test_folder_data(cache: Path) -> None:
    write_files(Path("data"))
    write_files(cache, {FILES[0].name: b"not even looked at"})
    dataset = datasets.load_source(small_source())
    assert_small_mnist(dataset)
    assert dataset.notice is None


def test_cache(cache: Path) -> None:
    write_files(cache / "mnist")
    write_files(cache, {FILES[0].name: b"not even looked at"})
    dataset = datasets.load_source(small_source())
    assert_small_mnist(dataset)
    assert dataset.notice is None


def test_mnist_in_the_cache_of_an_earlier_version(cache: Path) -> None:
    write_files(cache)
    dataset = datasets.load_source(small_source())
    assert_small_mnist(dataset)
    assert dataset.notice is None


def test_wrong_folders_are_reported(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_files(cache)
    write_files(Path("data"), {f"{FILES[1].name}.gz": b"damaged"})
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "nowhere"))
    dataset = datasets.load_source(small_source())
    assert_small_mnist(dataset)
    for message in (dataset.notice or "", caplog.text):
        assert "MNIST_DATA_DIR was skipped" in message
        assert "The folder data was skipped" in message
    assert str(tmp_path / "nowhere") in caplog.text
    assert_no_jargon(dataset.notice or "")  # Shown to visitors.


def test_corrupted_cache_is_fetched_again(cache: Path, good_mirror: mirror.Mirror) -> None:
    write_files(cache, PACKED | {f"{FILES[2].name}.gz": b"damaged"})
    dataset = datasets.load_source(small_source(good_mirror.url))
    assert_small_mnist(dataset)
    assert dataset.notice is None
    assert good_mirror.asked == [f"{FILES[2].name}.gz"]


def test_data_sets_with_equal_file_names_have_own_folders(cache: Path, good_mirror: mirror.Mirror) -> None:
    write_files(cache)  # MNIST, as an earlier version cached it.
    labels = np.roll(TRAIN_LABELS, 1)
    contents = CONTENTS | {FILES[1].name: idx_by_hand(labels)}
    write_files(cache / "kuzushiji", contents)
    other = small_source(name="kuzushiji", files=describe(contents))
    dataset = datasets.load_source(other)
    assert dataset.name == "kuzushiji"
    np.testing.assert_array_equal(dataset.train_labels, labels)
    third = datasets.load_source(small_source(good_mirror.url, name="third"))
    assert third.name == "third"
    assert file_names(cache) == {"kuzushiji", "third", *PACKED}
    assert_small_mnist(datasets.load_source(small_source()))


@pytest.mark.parametrize("name", ["mnist", "kuzushiji"])
def test_environment_folder_with_one_folder_per_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "mine"))
    write_files(tmp_path / "mine" / name)
    dataset = datasets.load_source(small_source(name=name))
    assert (dataset.name, dataset.notice) == (name, None)
    assert str(tmp_path / "mine" / name) in dataset.provenance


def test_environment_folder_with_only_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_mirror: mirror.Mirror
) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(write_files(tmp_path / "mine")))
    dataset = datasets.load_source(small_source(good_mirror.url, name="kuzushiji"))
    assert (dataset.name, dataset.notice) == ("kuzushiji", None)
    assert len(good_mirror.asked) == 4  # MNIST's folder is not used for it.


def test_download_if_nothing_is_found(cache: Path, good_mirror: mirror.Mirror) -> None:
    assert_small_mnist(datasets.load_source(small_source(good_mirror.url)))
    assert_small_mnist(datasets.load_source(small_source()))  # From the cache.
    assert file_names(cache) == {"mnist"}
    assert file_names(cache / "mnist") == set(PACKED)


def test_embedded_digits_if_everything_fails(cache: Path) -> None:
    with mirror.running(PACKED, mirror.fails_with_500) as server:
        dataset = datasets.load_source(small_source(mirror.closed_url(), server.url))
    assert dataset.name == "embedded"
    assert dataset.notice is not None
    assert "embedded digits, not MNIST" in dataset.notice
    assert "cannot be reached" in dataset.notice
    assert "answered 500" in dataset.notice
    assert not file_names(cache)


def test_embedded_digits_if_cache_is_not_writable(
    tmp_path: Path, good_mirror: mirror.Mirror, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "file" / "cache"))
    dataset = datasets.load_source(small_source(good_mirror.url))
    assert dataset.name == "embedded"
    assert "cannot be saved" in (dataset.notice or "")
    assert_no_jargon(dataset.notice or "")
    assert str(tmp_path / "file" / "cache") in caplog.text


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match="mnist, embedded") as caught:
        datasets.load("fashion")
    assert caught.value.field == "dataset"
