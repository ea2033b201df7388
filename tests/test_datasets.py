"""Data sets: small files of the test's own over a real web server, and MNIST itself where it is at hand."""

import gzip
import hashlib
import os
import struct
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, zoom
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from mnist_core import datasets, embedded
from mnist_core.datasets import DataFile, Dataset, DownloadProgress
from mnist_core.errors import ConfigError, DataError, DownloadError
from tests import mirror


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


def put(folder: Path, files: dict[str, bytes] = PACKED) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def check_small(dataset: Dataset) -> None:
    assert dataset.name == "mnist"
    np.testing.assert_array_equal(dataset.train_images, TRAIN_IMAGES)
    np.testing.assert_array_equal(dataset.train_labels, TRAIN_LABELS)
    np.testing.assert_array_equal(dataset.test_images, TEST_IMAGES)
    np.testing.assert_array_equal(dataset.test_labels, TEST_LABELS)
    assert dataset.train_groups is None


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, no folder in the environment, no proxy, and a cache that is not there yet."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def good() -> Iterator[mirror.Mirror]:
    with mirror.running(PACKED) as server:
        yield server


# --- Dataset


def test_arrays_are_read_only_and_the_callers_are_not() -> None:
    images = TRAIN_IMAGES.copy()
    dataset = Dataset("own", images, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "here")
    with pytest.raises(ValueError, match="read-only"):
        dataset.train_images[0] = 0
    images[0] = 0


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
def test_arrays_that_are_no_data_set(field: str, array: np.ndarray) -> None:
    arrays = {
        "train_images": TRAIN_IMAGES,
        "train_labels": TRAIN_LABELS,
        "test_images": TEST_IMAGES,
        "test_labels": TEST_LABELS,
    }
    with pytest.raises(DataError) as caught:
        Dataset("own", **arrays | {field: array}, provenance="here")
    assert caught.value.received is not None


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


def test_mnist_labels_that_the_tutorials_name(mnist: Dataset) -> None:
    assert mnist.train_labels[[8, 999]].tolist() == [1, 6]
    assert mnist.test_labels[[0, 11]].tolist() == [7, 6]


def test_mnist_pixels(mnist: Dataset) -> None:
    # The mean and standard deviation by which everybody normalises MNIST.
    parts = np.array_split(mnist.train_images.reshape(60_000, 784), 60)
    shares = sum(np.bincount(part.ravel(), minlength=256) for part in parts) / mnist.train_images.size
    values = np.arange(256) / 255
    mean = shares @ values
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(shares @ (values - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)
    assert mnist.train_images[:, [0, -1]].mean() < 0.1  # background is 0


def test_mnist_splits(mnist: Dataset) -> None:
    kite = datasets.split(mnist, "kite")
    assert (len(kite.train_indices), len(kite.test_images)) == (45_000, 15_000)
    held_out = np.setdiff1d(np.arange(60_000), kite.train_indices)
    np.testing.assert_array_equal(kite.test_images, mnist.train_images[held_out])
    np.testing.assert_array_equal(kite.test_labels, mnist.train_labels[held_out])
    assert np.bincount(kite.test_labels).min() > 1_300


# --- Where MNIST is looked for


@pytest.mark.parametrize(
    "files",
    [
        PACKED,
        CONTENTS,
        {name.replace("-idx", ".idx"): content for name, content in CONTENTS.items()},
        {f"{name}.gz": content for name, content in CONTENTS.items()},  # unpacked, but still called .gz
    ],
    ids=["gz", "raw", "dotted", "misnamed"],
)
def test_folder_with_the_files_in_any_form(tmp_path: Path, files: dict[str, bytes]) -> None:
    dataset = datasets.load_mnist(put(tmp_path / "mine", files), files=FILES)
    check_small(dataset)
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
        (PACKED["t10k-labels-idx1-ubyte.gz"][:-5], "breaks off"),
        (CONTENTS["t10k-labels-idx1-ubyte"][:-1] + b"\x03", "not what was published"),
        (bytes(5000), "limit"),
    ],
)
def test_folder_given_with_a_damaged_file(tmp_path: Path, data: bytes, problem: str) -> None:
    folder = put(tmp_path / "mine", PACKED | {"t10k-labels-idx1-ubyte.gz": data})
    with pytest.raises(DataError, match=problem) as caught:
        datasets.load_mnist(folder, files=FILES)
    assert "t10k-labels-idx1-ubyte.gz" in caught.value.problem


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    contents = CONTENTS | {"train-labels-idx1-ubyte": idx_by_hand(TRAIN_LABELS[:59])}
    with pytest.raises(DataError, match="train_labels"):
        datasets.load_mnist(put(tmp_path / "mine", contents), files=describe(contents))


def test_folder_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(put(tmp_path / "mine")))
    put(Path("data"), {FILES[0].name: b"not even looked at"})
    dataset = datasets.load_mnist(files=FILES, mirrors=[])
    check_small(dataset)
    assert dataset.notice is None


def test_folder_data(cache: Path) -> None:
    put(Path("data"))
    put(cache, {FILES[0].name: b"not even looked at"})
    dataset = datasets.load_mnist(files=FILES, mirrors=[])
    check_small(dataset)
    assert dataset.notice is None


def test_cache(cache: Path) -> None:
    put(cache)
    dataset = datasets.load_mnist(files=FILES, mirrors=[])
    check_small(dataset)
    assert dataset.notice is None


def test_wrong_folders_are_told_of(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(cache)
    put(Path("data"), {f"{FILES[1].name}.gz": b"damaged"})
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path / "nowhere"))
    dataset = datasets.load_mnist(files=FILES, mirrors=[])
    check_small(dataset)
    for told in (dataset.notice or "", caplog.text):
        assert "MNIST_DATA_DIR was passed over" in told
        assert str(tmp_path / "nowhere") in told
        assert "The folder data was passed over" in told


def test_spoilt_cache_is_fetched_again(cache: Path, good: mirror.Mirror) -> None:
    put(cache, PACKED | {f"{FILES[2].name}.gz": b"spoilt"})
    dataset = datasets.load_mnist(files=FILES, mirrors=[good.url])
    check_small(dataset)
    assert dataset.notice is None
    assert good.asked == [f"{FILES[2].name}.gz"]


def test_download_when_there_is_nothing(cache: Path, good: mirror.Mirror) -> None:
    check_small(datasets.load_mnist(files=FILES, mirrors=[good.url]))
    check_small(datasets.load_mnist(files=FILES, mirrors=[]))  # from the cache
    assert names_in(cache) == set(PACKED)


def test_embedded_digits_when_everything_fails(cache: Path) -> None:
    with mirror.running(PACKED, mirror.fails) as server:
        dataset = datasets.load_mnist(files=FILES, mirrors=[mirror.closed_url(), server.url])
    assert dataset.name == "embedded"
    assert dataset.notice is not None
    assert "embedded digits, not MNIST" in dataset.notice
    assert "cannot be reached" in dataset.notice
    assert "answered 500" in dataset.notice
    assert not names_in(cache)


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match="mnist, embedded") as caught:
        datasets.load("fashion")
    assert caught.value.field == "dataset"


# --- Downloads


def test_fetch_twice_asks_once(tmp_path: Path, good: mirror.Mirror) -> None:
    folder = datasets.fetch(tmp_path / "deep" / "down", [good.url], files=FILES)
    assert folder == tmp_path / "deep" / "down"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == PACKED
    assert good.asked == list(PACKED)
    datasets.fetch(folder, [good.url], files=FILES)
    datasets.fetch(folder, [], files=[])
    assert len(good.asked) == 4


def test_fetch_into_the_cache(cache: Path, good: mirror.Mirror) -> None:
    assert datasets.fetch(mirrors=[good.url], files=FILES) == cache
    assert names_in(cache) == set(PACKED)


def test_progress_on_the_callers_thread(tmp_path: Path, good: mirror.Mirror) -> None:
    told: list[DownloadProgress] = []
    threads = set()

    def note(progress: DownloadProgress) -> None:
        told.append(progress)
        threads.add(threading.get_ident())

    datasets.fetch(tmp_path, [good.url], progress=note, files=FILES)
    assert threads == {threading.get_ident()}
    assert all(0 < p.received <= p.total and p.mirror == good.url for p in told)
    complete = {p.name: p.received for p in told if p.received == p.total}
    assert complete == {name.removesuffix(".gz"): len(data) for name, data in PACKED.items()}


def test_progress_while_a_file_is_on_its_way(tmp_path: Path) -> None:
    told: list[DownloadProgress] = []
    big = [DataFile("big", "0" * 64, 10**9, 10**6)]
    with mirror.running({"big.gz": b""}, mirror.trickles) as server:

        def note(progress: DownloadProgress) -> None:
            told.append(progress)
            if len(told) == 3:
                server.released.set()

        with pytest.raises(DownloadError):
            datasets.fetch(tmp_path, [server.url], progress=note, files=big)
    received = [p.received for p in told]
    assert received == sorted(set(received))
    assert {p.total for p in told[:1]} == {10**6}


def test_error_in_the_progress_callback_is_the_callers(tmp_path: Path, good: mirror.Mirror) -> None:
    def stop(progress: DownloadProgress) -> None:
        raise OSError("closed")

    with pytest.raises(OSError, match="closed"):
        datasets.fetch(tmp_path / "new", [good.url], progress=stop, files=FILES)
    assert not names_in(tmp_path / "new")


BROKEN = {
    mirror.truncates: "broke off",
    mirror.truncates_silently: "sent something else",
    mirror.corrupts: "sent something else",
    mirror.greets: "sent something else",
    mirror.floods: "sent more than the file can hold",
    mirror.fails: "answered 500",
    mirror.lies_about_length: "cannot be",
}
SLOW = {
    mirror.stalls: "did not answer|stopped sending",
    mirror.keeps_silent: "did not answer for 0.3 s",
    mirror.drips: "did not answer for 0.3 s",
}


@pytest.mark.parametrize(
    ("behave", "reason"), (BROKEN | SLOW).items(), ids=lambda b: getattr(b, "__name__", "")
)
def test_broken_mirror(tmp_path: Path, behave: mirror.Behaviour, reason: str) -> None:
    timeout = 0.3 if behave in SLOW else datasets.TIMEOUT
    with (
        mirror.running(PACKED, behave) as server,
        pytest.raises(DownloadError, match=reason) as caught,
    ):
        datasets.fetch(tmp_path / "new", [server.url], timeout, files=FILES)
    assert "127.0.0.1" in caught.value.problem
    assert not names_in(tmp_path / "new")


@pytest.mark.parametrize("behave", [mirror.truncates, mirror.corrupts, mirror.stalls, mirror.fails])
def test_second_mirror_after_the_first(tmp_path: Path, good: mirror.Mirror, behave: mirror.Behaviour) -> None:
    timeout = 2.0 if behave in SLOW else datasets.TIMEOUT
    with mirror.running(PACKED, behave) as bad:
        datasets.fetch(tmp_path / "new", [bad.url, good.url], timeout, files=FILES)
    assert names_in(tmp_path / "new") == set(PACKED)
    assert len(bad.asked) == 1  # once is enough to give it up


def test_second_mirror_for_what_the_first_lacks(tmp_path: Path, good: mirror.Mirror) -> None:
    lacking = dict(list(PACKED.items())[:2])
    with mirror.running(lacking) as first:
        datasets.fetch(tmp_path / "new", [first.url, good.url], files=FILES)
    assert names_in(tmp_path / "new") == set(PACKED)
    assert good.asked == list(PACKED)[2:]


def test_nobody_listens_and_not_found(tmp_path: Path) -> None:
    with mirror.running({}) as empty, pytest.raises(DownloadError) as caught:
        datasets.fetch(tmp_path, [mirror.closed_url(), empty.url], files=FILES)
    assert "cannot be reached; 127.0.0.1" in caught.value.problem
    assert "answered 404" in caught.value.problem


def test_steady_but_endless(tmp_path: Path) -> None:
    big = [DataFile("big", "0" * 64, 10**9, 10**9)]
    with (
        mirror.running({"big.gz": b""}, mirror.trickles) as server,
        pytest.raises(DownloadError, match="too slow"),
    ):
        datasets.fetch(tmp_path, [server.url], deadline=0.5, files=big)


def test_mirror_that_unpacks_on_the_way(tmp_path: Path) -> None:
    with mirror.running(PACKED, mirror.unpacks) as server:
        datasets.fetch(tmp_path / "new", [server.url], files=FILES)
    check_small(datasets.load_mnist(tmp_path / "new", files=FILES))


def test_mirror_with_gzip_of_its_own(tmp_path: Path) -> None:
    repacked = {f"{name}.gz": gzip.compress(content, 9, mtime=1) for name, content in CONTENTS.items()}
    with mirror.running(repacked) as server:
        datasets.fetch(tmp_path / "new", [server.url], files=FILES)
    check_small(datasets.load_mnist(tmp_path / "new", files=FILES))


def test_several_fetch_at_once(tmp_path: Path, good: mirror.Mirror) -> None:
    folder = tmp_path / "shared"
    together = threading.Barrier(4)
    errors: list[Exception] = []

    def fetch() -> None:
        together.wait()
        try:
            datasets.fetch(folder, [good.url], files=FILES)
        except DownloadError as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == PACKED


def test_folder_that_cannot_be_made(tmp_path: Path, good: mirror.Mirror) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be kept") as caught:
        datasets.fetch(tmp_path / "file" / "cache", [good.url], files=FILES)
    assert "MNIST_CACHE_DIR" in caught.value.remedy
    assert len(good.asked) == 1  # no other mirror would help


def test_disk_full(tmp_path: Path, good: mirror.Mirror) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files stands in for a full disk: the write stops halfway with an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(DownloadError, match="cannot be kept"):
            datasets.fetch(tmp_path / "new", [good.url], files=FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not names_in(tmp_path / "new")


def test_cache_that_cannot_be_written_leads_to_the_embedded_digits(
    tmp_path: Path, good: mirror.Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "file" / "cache"))
    dataset = datasets.load_mnist(files=FILES, mirrors=[good.url])
    assert dataset.name == "embedded"
    assert "cannot be kept" in (dataset.notice or "")


# --- Embedded digits


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
        assert images[:, [0, -1]].mean() < 1  # background is 0
        assert 0.12 < (images > 127).mean() < 0.18  # MNIST: 0.13


def test_embedded_originals_lie_as_mnist_digits_do(digits: Dataset) -> None:
    for images in (digits.test_images, digits.train_images[:1_437]):
        ink = images.astype(float)
        total = ink.sum(axis=(1, 2))
        rows, columns = ink.sum(axis=2) @ np.arange(28) / total, ink.sum(axis=1) @ np.arange(28) / total
        assert np.abs(rows - 14).max() < 0.5
        assert np.abs(columns - 14).max() < 0.5
        for image in images:
            height, width = np.ptp(np.nonzero(image), axis=1) + 1
            assert 18 <= max(height, width) <= 21  # 20, and a row more when it does not fall on whole pixels


def test_embedded_groups_are_originals_and_none_is_tested(digits: Dataset) -> None:
    source = load_digits()
    groups = digits.train_groups
    assert groups is not None
    np.testing.assert_array_equal(digits.train_labels, source.target[groups])
    trained, copies = np.unique(groups, return_counts=True)
    assert len(trained) == 1_437
    assert set(copies) == {8, 9}
    np.testing.assert_array_equal(groups[:1_437], trained)  # each original once, unwidened
    held_out = np.setdiff1d(np.arange(1_797), trained)
    np.testing.assert_array_equal(digits.test_labels, source.target[held_out])


def test_embedded_test_images_show_the_originals_that_were_held_out(digits: Dataset) -> None:
    """Each is more like its original than like 99 % of all the others, by a comparison of its own."""
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
    """Each ink box, reduced to 8x8, with zero mean and unit length."""
    rows = []
    for image in images:
        y, x = np.nonzero(image > 0.4 * image.max())
        box = image[y.min() : y.max() + 1, x.min() : x.max() + 1]
        small = zoom(box, (8 / box.shape[0], 8 / box.shape[1]), order=1, mode="nearest", grid_mode=True)
        rows.append((small - small.mean()).ravel() / (8 * small.std()))
    return np.stack(rows)


def test_embedded_is_always_the_same(digits: Dataset) -> None:
    np.random.seed(1)  # noqa: NPY002 - somebody else's use of the global generator
    again = embedded.make()
    np.testing.assert_array_equal(again.train_images, digits.train_images)
    np.testing.assert_array_equal(again.test_images, digits.test_images)


def test_embedded_can_be_learned(digits: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        model = LogisticRegression(C=0.1, max_iter=30)
        model.fit(quartered(digits.train_images[:4_000]), digits.train_labels[:4_000])
    assert model.score(quartered(digits.test_images), digits.test_labels) > 0.92


def quartered(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) as vectors (n, 196) of the means of 2x2 pixels: the same, faster."""
    return np.asarray(images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255)


# --- Splits


def blank(count: int, groups: np.ndarray | None = None) -> Dataset:
    """Images that are told apart by their first two pixels alone."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    labels = np.zeros(count, np.uint8)
    return Dataset("blank", images, labels, TEST_IMAGES, TEST_LABELS, "here", train_groups=groups)


def numbers(images: np.ndarray) -> np.ndarray:
    return np.asarray(images[:, 0, 0].astype(int) * 256 + images[:, 0, 1])


def test_official_split() -> None:
    dataset = blank(100)
    split = datasets.split(dataset)
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
    split = datasets.split(sixty_thousand, "kite", fraction)
    assert len(split.test_images) == len(split.test_labels) == 15_000
    assert len(split.validation_indices) == round(45_000 * fraction)
    everything = np.concatenate([split.train_indices, split.validation_indices, numbers(split.test_images)])
    np.testing.assert_array_equal(np.sort(everything), np.arange(60_000))


def test_kite_test_images_are_fixed_for_good(sixty_thousand: Dataset) -> None:
    split = datasets.split(sixty_thousand, "kite")
    assert numbers(split.test_images)[:8].tolist() == [8, 11, 13, 14, 22, 34, 37, 38]
    assert hashlib.sha256(split.train_indices.astype("<i4").tobytes()).hexdigest()[:16] == "8c32ee08397f1d36"


def test_splits_are_remembered_and_read_only(sixty_thousand: Dataset) -> None:
    split = datasets.split(sixty_thousand, "kite", 0.1)
    assert datasets.split(sixty_thousand, "kite", 0.1) is split
    assert datasets.split(sixty_thousand, "kite", 0.2).test_images is split.test_images
    for array in (split.train_indices, split.validation_indices, split.test_images, split.test_labels):
        assert not array.flags.writeable


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=300).filter(lambda groups: len(set(groups)) > 3),
    st.sampled_from(["official", "kite"]),
    st.floats(0.0, 0.5),
)
def test_siblings_stay_together(groups: list[int], kind: str, fraction: float) -> None:
    group = np.array(groups, np.int32)
    split = datasets.split(blank(len(groups), group), kind, fraction)
    test = numbers(split.test_images) if kind == "kite" else np.array([], int)
    parts = [split.train_indices, split.validation_indices, test]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    families = [set(group[part]) for part in parts]
    assert sum(map(len, families)) == len(set(groups))
    assert len(parts[0])
    assert len(parts[1]) or not fraction
    assert len(parts[2]) or kind == "official"


@pytest.mark.parametrize("fraction", [0.0, 0.2])
def test_siblings_in_the_embedded_digits(digits: Dataset, fraction: float) -> None:
    assert digits.train_groups is not None
    split = datasets.split(digits, "kite", fraction)
    families = [set(digits.train_groups[part]) for part in (split.train_indices, split.validation_indices)]
    assert not families[0] & families[1]
    assert len(split.test_images) == pytest.approx(3_000, abs=5)
    assert len(split.validation_indices) == pytest.approx(9_000 * fraction, abs=10)


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
def test_settings_of_a_split_that_do_not_exist(kind: str, fraction: float, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        datasets.split(blank(10), kind, fraction)
    assert caught.value.field == field


def test_nothing_can_be_held_out_of_one_family() -> None:
    dataset = blank(10, np.zeros(10, np.int32))
    assert len(datasets.split(dataset).train_indices) == 10
    for kind, fraction in (("kite", 0.0), ("official", 0.1)):
        with pytest.raises(DataError, match="one original"):
            datasets.split(dataset, kind, fraction)
