"""The data sets: MNIST from a folder, the cache or a mirror, and the embedded digits when there is no MNIST.

Every image is (28, 28) uint8, 0 = background and 255 = ink; every label is a uint8 from 0 to 9.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.config import check_choice
from mnist_core.data import embedded, idx
from mnist_core.data.download import FILES, MIRRORS, TIMEOUT, DataFile, Progress, cache_folder, fetch, find
from mnist_core.errors import DataError, DownloadError
from mnist_core.lazy import lazy_property

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


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

    @lazy_property
    def fingerprint(self) -> str:
        """SHA-256 of images, labels and groups, 64 hexadecimal digits: equal for data that teach and test the same.

        Computed when first asked for, which takes a tenth of a second for MNIST.
        """
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels, self.train_groups):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

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
        object.__setattr__(self, field, read_only(array))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array."""
    view = array.view()
    view.setflags(write=False)
    return view


def load(name: str = "mnist", directory: str | Path | None = None, progress: Progress | None = None) -> Dataset:
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
    places = [place for place in places if any(find(place[1], file) for file in files)]
    if asked := os.environ.get("MNIST_DATA_DIR"):
        places.insert(0, ("MNIST_DATA_DIR", Path(asked)))

    complaints: list[str] = []
    for place, folder in places:
        try:
            return _from_folder(folder, files, complaints)
        except DataError as error:
            logger.warning("%s was passed over: %s", place, error)
            if folder != cache:  # a spoilt cache is fetched again, which nobody needs to know
                complaints.append(f"{place} was passed over: its files are missing or damaged.")  # the log says more
    try:
        return _from_folder(fetch(cache, mirrors, timeout, progress, files=files), files, complaints)
    except (DownloadError, DataError) as error:
        logger.warning("The embedded digits stand in for MNIST: %s", error)
        return load_embedded(notice=" ".join(["These are the embedded digits, not MNIST.", *complaints, str(error)]))


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
    paths = {file: find(folder, file) for file in files}
    if missing := [f"{file.name}.gz" for file, path in paths.items() if path is None]:
        raise DataError(
            f"The folder {folder} lacks {', '.join(missing)}.",
            "Put MNIST's four files there, or name the folder that holds them.",
        )
    arrays = [
        idx.read(path, max_bytes=file.limit, sha256=file.sha256) for file, path in paths.items() if path is not None
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
