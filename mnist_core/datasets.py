"""The data sets: MNIST from a folder, the cache or a mirror, and the embedded digits when there is no MNIST.

Every image is (28, 28) uint8, 0 = background and 255 = ink; every label is a uint8 from 0 to 9.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import numpy as np
import pooch
import requests

from mnist_core import embedded, idx
from mnist_core.config import SPLITS, VALIDATION_FRACTION, check_choice
from mnist_core.errors import DataError, DownloadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Fixed for good and apart from any run's seed: all runs with the same split are judged on the same images.
_KITE_SEED: Final = 45_000
_KITE_TEST_FRACTION: Final = 0.25
_VALIDATION_SEED: Final = 784


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of digits with their labels, for training and for testing. The arrays are read-only.

    Args:
        name: a key of `NAMES`.
        train_images: (n, 28, 28) uint8.
        train_labels: (n,) uint8, 0 to 9.
        test_images: (m, 28, 28) uint8.
        test_labels: (m,) uint8, 0 to 9.
        provenance: where it came from, in words to show.
        notice: why it is not, or not from where, it was asked for; None if it is.
        train_groups: (n,) int32. Images with the same number were made from one original and must never be
            divided between training and held-out parts. None if every image is an original.

    Raises:
        DataError: an array has the wrong type or shape or is empty, counts disagree, or a label is above 9.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    provenance: str
    notice: str | None = None
    train_groups: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        self._freeze("train_images", np.uint8, (28, 28))
        self._freeze("train_labels", np.uint8, count=len(self.train_images))
        self._freeze("test_images", np.uint8, (28, 28))
        self._freeze("test_labels", np.uint8, count=len(self.test_images))
        if self.train_groups is not None:
            self._freeze("train_groups", np.int32, count=len(self.train_images))
        highest = max(self.train_labels.max(), self.test_labels.max())
        if highest > 9:
            raise DataError("A label is no digit.", "Use labels from 0 to 9.", int(highest))

    def _freeze(self, field: str, dtype: type, rest: tuple[int, ...] = (), count: int | None = None) -> None:
        """Check an array's type and shape, and put a read-only view in its place."""
        array = np.asarray(getattr(self, field))
        number = len(array) if array.ndim else 0
        expected = (number if count is None else count, *rest)
        shape = " x ".join(["n above 0" if count is None else str(count), *map(str, rest)])
        if array.dtype != dtype or array.shape != expected or not number:
            raise DataError(
                f"{field} must be a {dtype.__name__} array of shape {shape}.",
                "Use files in the form of MNIST's that belong together.",
                f"{array.shape} of {array.dtype}",
            )
        object.__setattr__(self, field, _read_only(array))


@dataclass(frozen=True, eq=False)
class Split:
    """Which images of a data set are for what. The arrays are read-only.

    Args:
        train_indices: (k,) int32 into `Dataset.train_images`, ascending.
        validation_indices: (v,) int32, likewise; empty if no validation part was asked for.
        test_images: (t, 28, 28) uint8.
        test_labels: (t,) uint8.
    """

    train_indices: NDArray[np.int32]
    validation_indices: NDArray[np.int32]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def split(dataset: Dataset, kind: str = "official", validation_fraction: float = 0.0) -> Split:
    """Divide a data set into training, validation and test images: the same for every run that asks the same.

    Args:
        dataset: what to divide.
        kind: a key of `SPLITS`. ``"official"``: its own test images. ``"kite"``: a quarter of its training
            images; siblings (`Dataset.train_groups`) stay together, so that the share is not always exact.
        validation_fraction: share of the remaining training images, 0 to 0.5; likewise.

    Raises:
        ConfigError: `kind` or `validation_fraction` is not one of these.
        DataError: all training images are siblings, so that none can be held out.
    """
    check_choice("split", kind, SPLITS)
    VALIDATION_FRACTION.check("validation_fraction", validation_fraction)
    return _split(dataset, kind, float(validation_fraction))


@functools.lru_cache(maxsize=16)  # pages ask anew several times a second
def _split(dataset: Dataset, kind: str, validation_fraction: float) -> Split:
    train, images, labels = _without_test(dataset, kind)
    train, validation = _divide(dataset, train, validation_fraction, _VALIDATION_SEED)
    return Split(_read_only(train), _read_only(validation), images, labels)


@functools.lru_cache(maxsize=2)  # held-out images are copies, 12 MB for MNIST: not one for each fraction
def _without_test(
    dataset: Dataset, kind: str
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the indices of the training images that are not for testing, and the test images and labels."""
    train = np.arange(len(dataset.train_images), dtype=np.int32)
    if kind == "official":
        return train, dataset.test_images, dataset.test_labels
    train, test = _divide(dataset, train, _KITE_TEST_FRACTION, _KITE_SEED)
    return train, _read_only(dataset.train_images[test]), _read_only(dataset.train_labels[test])


def _divide(
    dataset: Dataset, indices: NDArray[np.int32], fraction: float, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Divide ascending indices of training images into those to keep and about `fraction` to hold out."""
    if fraction == 0:
        return indices, indices[:0]
    groups = indices if dataset.train_groups is None else dataset.train_groups[indices]
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise DataError(
            "No image can be held out: all training images stem from one original.",
            "Use a data set with more images, the official split and no validation images.",
            f"{len(indices)} images",
        )
    # RandomState's stream is frozen for good, Generator's may change with NumPy.
    order = np.random.RandomState(seed).permutation(len(sizes))
    distance = np.abs(sizes[order].cumsum() - fraction * len(indices))
    chosen = np.zeros(len(sizes), bool)
    chosen[order[: min(int(distance.argmin()) + 1, len(sizes) - 1)]] = True
    return indices[~chosen[group]], indices[chosen[group]]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True)
class DataFile:
    """A published file: its name without ``.gz``; SHA-256 and size of its content; its size with gzip."""

    name: str
    sha256: str
    size: int
    packed_size: int

    @property
    def limit(self) -> int:
        """The most bytes to accept, compressed or not: gzip makes incompressible content a little larger."""
        return self.size + self.size // 1000 + 1024


# fmt: off
FILES: Final = (
    DataFile("train-images-idx3-ubyte",
             "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016, 9_912_422),
    DataFile("train-labels-idx1-ubyte",
             "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008, 28_881),
    DataFile("t10k-images-idx3-ubyte",
             "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016, 1_648_877),
    DataFile("t10k-labels-idx1-ubyte",
             "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008, 4_542),
)
# fmt: on
"""MNIST (LeCun, Cortes, Burges): training images and labels, test images and labels, 60,000 and 10,000."""

MIRRORS: Final = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
"""Where MNIST is published, in the order in which to try."""

TIMEOUT: Final = 10.0
"""Seconds without an answer or another 16 KB after which a mirror is given up."""

DEADLINE: Final = 300.0
"""Seconds after which a mirror is given up however steadily it sends."""

_PIECE: Final = 16 * 1024


@dataclass(frozen=True)
class DownloadProgress:
    """Of the file `name` from `mirror`, `received` of `total` bytes are here; equal when it is complete."""

    name: str
    mirror: str
    received: int
    total: int


Progress = Callable[[DownloadProgress], None]


def cache_folder() -> Path:
    """Return where downloads are kept: the folder in MNIST_CACHE_DIR, else the system's place for caches."""
    return Path(os.environ.get("MNIST_CACHE_DIR") or pooch.os_cache("mnist-playground"))


def fetch(
    directory: str | Path | None = None,
    mirrors: Sequence[str] = MIRRORS,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    *,
    deadline: float = DEADLINE,
    files: Sequence[DataFile] = FILES,
) -> Path:
    """Download those of MNIST's files that a folder lacks or that are damaged there, and return the folder.

    A file stays in memory until its content is verified, then is written under a name of its own and renamed:
    nobody sees part of a file, and several processes may fetch into one folder at once.

    Args:
        directory: where to; None for `cache_folder()`. Made if need be.
        mirrors: addresses of folders, each tried when the one before has failed.
        timeout: seconds without an answer or another 16 KB after which a mirror has failed.
        progress: called on the caller's thread, some ten times a second.
        deadline: seconds after which a mirror has failed even if it still sends.
        files: what to fetch.

    Raises:
        DownloadError: every mirror failed, or the folder cannot be written to.
    """
    folder = cache_folder() if directory is None else Path(directory)
    missing = [file for file in files if not _is_sound(folder, file)]
    failures = []
    for mirror in mirrors:
        end = time.monotonic() + deadline
        try:
            while missing:
                _write(folder, missing[0], _download(mirror, missing[0], timeout, end, progress))
                del missing[0]
        except _MirrorError as error:
            logger.warning("%s: %s %s (%s)", mirror, missing[0].name, error, error.__cause__)
            failures.append(f"{urlsplit(mirror).netloc} {error}")
    if not missing:
        return folder
    raise DownloadError(
        f"MNIST could not be fetched: {'; '.join(failures) or 'no mirror was given'}.",
        "Check the connection and try again, or put its four files into the folder data.",
    )


class _MirrorError(Exception):
    """What a mirror did wrong, to follow its name in a sentence."""


class _Arriving:
    """A file in memory that takes no more than it should."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.data = bytearray()

    def write(self, piece: bytes) -> None:
        if len(self.data) + len(piece) > self.limit:
            raise _MirrorError("sent more than the file can hold")
        self.data += piece

    def flush(self) -> None:
        """Do nothing: a downloader expects a file."""


def _download(mirror: str, file: DataFile, timeout: float, end: float, progress: Progress | None) -> bytes:
    """Return a file as it comes from a mirror, its content verified; `end` is on the monotonic clock."""
    arriving = _Arriving(file.limit)
    outcome: concurrent.futures.Future[None] = concurrent.futures.Future()
    # As the file is compressed itself, compressing it on the way would only come between it and the limit.
    # The socket's timeout is the longer one: it merely ends a thread that has been given up.
    get = pooch.HTTPDownloader(
        chunk_size=_PIECE, timeout=2 * timeout, headers={"Accept-Encoding": "identity"}
    )

    def run() -> None:
        try:
            outcome.set_result(get(f"{mirror.rstrip('/')}/{file.name}.gz", arriving, None))
        except BaseException as error:  # noqa: BLE001 - told on the caller's thread
            outcome.set_exception(error)

    # A socket's timeout starts anew with each address tried and each byte received. Only a watch from outside
    # bounds the whole, from looking up the name to the last byte.
    threading.Thread(target=run, name="download", daemon=True).start()
    received, heard = 0, time.monotonic()
    try:
        while not concurrent.futures.wait([outcome], timeout=min(0.1, timeout)).done:
            if len(arriving.data) > received:
                received, heard = len(arriving.data), time.monotonic()
                if progress is not None:
                    progress(DownloadProgress(file.name, mirror, received, max(received, file.packed_size)))
            elif time.monotonic() > heard + timeout:
                raise _MirrorError(f"{'stopped sending' if received else 'did not answer'} for {timeout:g} s")
            if time.monotonic() > end:
                raise _MirrorError("is too slow")
    finally:
        arriving.limit = 0  # whatever ended the wait, the thread gets no further
    if (error := outcome.exception()) is not None:
        raise _MirrorError(_fault(error)) from error

    data = bytes(arriving.data)
    try:
        idx.parse(data, max_bytes=file.limit, sha256=file.sha256)
    except DataError as error:
        raise _MirrorError(f"sent something else as {file.name}") from error
    if progress is not None:
        progress(DownloadProgress(file.name, mirror, len(data), len(data)))
    return data


def _fault(error: BaseException) -> str:
    match error:
        case _MirrorError():
            return str(error)
        case requests.HTTPError(response=requests.Response() as response):
            return f"answered {response.status_code}"
        case requests.exceptions.ChunkedEncodingError():
            return "broke off the connection"
        case OSError() | ValueError():
            return "cannot be reached"
    raise error


def _write(folder: Path, file: DataFile, data: bytes) -> None:
    partial = folder / f".{file.name}.{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(folder / f"{file.name}.gz")
    except OSError as error:
        raise DownloadError(
            f"MNIST cannot be kept in {folder}: {error.strerror or error}.",
            "Make room there, or name another folder in MNIST_CACHE_DIR.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _find(folder: Path, file: DataFile) -> Path | None:
    """Return where a folder holds a file, under one of the names it is known by; None if it does not."""
    names = [file.name, file.name.replace("-idx", ".idx")]  # the second is how Kaggle's archive unpacks
    paths = [folder / f"{name}{suffix}" for name in names for suffix in (".gz", "")]
    return next((path for path in paths if os.path.isfile(path)), None)


def _is_sound(folder: Path, file: DataFile) -> bool:
    path = _find(folder, file)
    if path is None:
        return False
    try:
        idx.read(path, max_bytes=file.limit, sha256=file.sha256)
    except DataError:
        return False
    return True


def load(
    name: str = "mnist", directory: str | Path | None = None, progress: Progress | None = None
) -> Dataset:
    """Load a data set; every call reads it afresh.

    Args:
        name: a key of `NAMES`.
        directory: for MNIST, the folder that holds its four files, with or without ``.gz``. None to take the
            first that serves: the folder in the environment variable MNIST_DATA_DIR, ``data``, the cache, a
            download, and last the embedded digits. `Dataset.notice` then says what was passed over and why.
        progress: called on the caller's thread while a file is being downloaded.

    Raises:
        ConfigError: there is no data set of this name.
        DataError: files in `directory` are missing or damaged.
    """
    check_choice("dataset", name, NAMES)
    _, loader = _LOADERS[name]
    return loader(directory, progress)


def load_mnist(
    directory: str | Path | None = None,
    progress: Progress | None = None,
    *,
    files: Sequence[DataFile] = FILES,
    mirrors: Sequence[str] = MIRRORS,
    timeout: float = TIMEOUT,
) -> Dataset:
    """Load MNIST as `load` says; `files`, `mirrors` and `timeout` are as for `fetch`."""
    if directory is not None:
        return _from_folder(Path(directory), files)

    cache = cache_folder()
    places = [("The folder data", Path("data")), ("The cache", cache)]
    places = [place for place in places if any(_find(place[1], file) for file in files)]
    if asked := os.environ.get("MNIST_DATA_DIR"):
        places.insert(0, ("MNIST_DATA_DIR", Path(asked)))

    complaints: list[str] = []
    for place, folder in places:
        try:
            return _from_folder(folder, files, complaints)
        except DataError as error:  # noqa: PERF203 - at most three rounds
            logger.warning("%s was passed over: %s", place, error)
            if folder != cache:  # a spoilt cache is fetched again, which nobody needs to know
                complaints.append(f"{place} was passed over: {error}")
    try:
        return _from_folder(fetch(cache, mirrors, timeout, progress, files=files), files, complaints)
    except (DownloadError, DataError) as error:
        logger.warning("The embedded digits stand in for MNIST: %s", error)
        return load_embedded(
            notice=" ".join(["These are the embedded digits, not MNIST.", *complaints, str(error)])
        )


def load_embedded(
    directory: str | Path | None = None, progress: Progress | None = None, *, notice: str | None = None
) -> Dataset:
    """Make the embedded set: 12,000 training and 360 test images; see `mnist_core.embedded`.

    It needs neither folder nor download: `directory` and `progress` are there to fit the other loaders.
    """
    made = embedded.make()
    provenance = "1,797 handwritten digits that come with scikit-learn"
    return Dataset("embedded", *made[:4], provenance, notice, made.train_groups)


def _from_folder(folder: Path, files: Sequence[DataFile], complaints: Sequence[str] = ()) -> Dataset:
    paths = {file: _find(folder, file) for file in files}
    if missing := [f"{file.name}.gz" for file, path in paths.items() if path is None]:
        raise DataError(
            f"The folder {folder} lacks {', '.join(missing)}.",
            "Put MNIST's four files there, or name the folder that holds them.",
        )
    arrays = [
        idx.read(path, max_bytes=file.limit, sha256=file.sha256)
        for file, path in paths.items()
        if path is not None
    ]
    provenance = f"files in {folder}"
    train_images, train_labels, test_images, test_labels = arrays
    notice = " ".join(complaints) or None
    return Dataset("mnist", train_images, train_labels, test_images, test_labels, provenance, notice)


_LOADERS: Final[Mapping[str, tuple[str, Callable[[str | Path | None, Progress | None], Dataset]]]] = {
    "mnist": ("MNIST", load_mnist),
    "embedded": ("Embedded digits", load_embedded),
}

NAMES: Final[Mapping[str, str]] = {name: title for name, (title, _) in _LOADERS.items()}
"""The data sets' names, each with the title to show."""
