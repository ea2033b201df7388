"""Load a data set from a folder, the cache or a mirror. If all fail, load the embedded digits instead.

Every image is (28, 28) uint8, 0 = background and 255 = ink; every label is a uint8 from 0 to 9.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.config import CLASSES, check_choice
from mnist_core.data import embedded, idx
from mnist_core.data.download import TIMEOUT, Progress, cache_folder, fetch, find, folder_in, has_files
from mnist_core.data.sources import DIGITS, EMBEDDED, MNIST, SOURCES, DataSource, classes_of
from mnist_core.errors import DataError, DownloadError
from mnist_core.language import Message
from mnist_core.lazy import lazy_property

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of digits with their labels, for training and for testing. The arrays are read-only.

    Args:
        name: a key of `NAMES`, or "own" for uploaded files.
        train_images: (n, 28, 28) uint8.
        train_labels: (n,) uint8, 0 to 9.
        test_images: (m, 28, 28) uint8.
        test_labels: (m,) uint8, 0 to 9.
        provenance: where it came from, as a text to show.
        notice: why it is not the data set, or not from the folder, that was asked for; None if it is.
        train_groups: (n,) int32. Images with the same number were made from one original, so they must all be in the
            same part of a split. None if every image is an original.
        class_names: a name for each of a network's ten outputs, the name of label 0 first; see `sources.ten_names`.

    Raises:
        DataError: an array is empty or has the wrong type or shape, counts disagree, a label has no class, or there
            are not ten different names.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    provenance: str
    notice: str | None = None
    train_groups: NDArray[np.int32] | None = None
    class_names: tuple[str, ...] = DIGITS

    def __post_init__(self) -> None:
        self._freeze("train_images", np.uint8, (28, 28))
        self._freeze("train_labels", np.uint8, count=len(self.train_images))
        self._freeze("test_images", np.uint8, (28, 28))
        self._freeze("test_labels", np.uint8, count=len(self.test_images))
        if self.train_groups is not None:
            self._freeze("train_groups", np.int32, count=len(self.train_images))
        if len(set(self.class_names)) != CLASSES or len(self.class_names) != CLASSES:
            raise DataError(
                "A data set has ten class names.",
                "Give ten different names.",
                Message("{count} names", count=len(self.class_names)),
            )
        highest, last = max(self.train_labels.max(), self.test_labels.max()), classes_of(self.class_names)[-1]
        if highest > last:
            raise DataError("A label has no class.", Message("Use labels from 0 to {last}.", last=last), int(highest))

    @lazy_property
    def fingerprint(self) -> str:
        """SHA-256 of images, labels and groups, 64 hexadecimal digits. Names and provenance do not change it.

        Computed at the first use, which takes a tenth of a second for MNIST.
        """
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels, self.train_groups):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def _freeze(self, field: str, dtype: type, rest: tuple[int, ...] = (), count: int | None = None) -> None:
        """Check an array's type and shape, and replace it by a read-only view."""
        array = np.asarray(getattr(self, field))
        number = len(array) if array.ndim else 0
        expected = (number if count is None else count, *rest)
        shape = " x ".join([Message("n above 0") if count is None else str(count), *map(str, rest)])
        if array.dtype != dtype or array.shape != expected or not number:
            raise DataError(
                Message(
                    "{field} must be a {name} array of shape {shape}.", field=field, name=dtype.__name__, shape=shape
                ),
                "Use files in the form of MNIST's that belong together.",
                Message("{shape} of {dtype}", shape=array.shape, dtype=array.dtype),
            )
        object.__setattr__(self, field, read_only(array))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array."""
    view = array.view()
    view.setflags(write=False)
    return view


def load(name: str = "mnist", directory: str | Path | None = None, progress: Progress | None = None) -> Dataset:
    """Load a data set. Every call reads its files again.

    Args:
        name: a key of `sources.SOURCES`.
        directory: the folder with the four files, with or without ``.gz``. None to try these places in order: the
            folder in the environment variable MNIST_DATA_DIR, the folder ``data``, the cache, and the mirrors. In
            the first three, the files are in a folder with the data set's name; MNIST's may also be there
            directly. If all fail, the embedded digits are loaded instead, and `Dataset.notice` gives the reasons.
        progress: called in the caller's thread while a file is being downloaded.

    Raises:
        ConfigError: there is no data set with this name.
        DataError: files in `directory` are missing or damaged.

    Example:
        >>> dataset = load("embedded")
        >>> dataset.train_images.shape
        (12000, 28, 28)
    """
    check_choice("dataset", name, NAMES)
    return load_source(SOURCES[name], directory, progress)


def load_source(
    source: DataSource,
    directory: str | Path | None = None,
    progress: Progress | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Dataset:
    """Load a data set, as `load` does. `timeout` is as in `fetch`."""
    if not source.files:
        return _make_embedded()
    if directory is not None:
        return _from_folder(source, Path(directory))

    cache = cache_folder(source)
    places: list[tuple[str, Path]] = [
        (Message("The folder data"), folder_in(Path("data"), source)),
        (Message("The cache"), cache),
    ]
    places = [place for place in places if has_files(place[1], source)]
    if root := os.environ.get("MNIST_DATA_DIR"):
        folder = folder_in(Path(root), source)
        # The variable may be set for MNIST only, so another data set can be missing there.
        if source.name == MNIST.name or has_files(folder, source):
            places.insert(0, ("MNIST_DATA_DIR", folder))

    complaints: list[str] = []
    for place, folder in places:
        try:
            return _from_folder(source, folder, complaints)
        except DataError as error:
            logger.warning("%s was skipped: %s", place, error)
            if folder != cache:  # A damaged cache is downloaded again; no need to say so.
                complaints.append(
                    Message("{place} was skipped: its files are missing or damaged.", place=place)
                )  # The log says more.
    try:
        return _from_folder(source, fetch(source, cache, timeout, progress), complaints)
    except (DownloadError, DataError) as error:
        logger.warning("The embedded digits replace %s: %s", source.title, error)
        reasons = [
            Message("These are the embedded digits, not {title}.", title=source.title),
            *complaints,
            error.message,
        ]
        return _make_embedded(notice=_joined(reasons))


def _make_embedded(notice: str | None = None) -> Dataset:
    made = embedded.make()
    provenance = Message("1,797 handwritten digits that come with scikit-learn")
    return Dataset(EMBEDDED.name, *made[:4], provenance, notice, made.train_groups, EMBEDDED.class_names)


def _joined(sentences: Sequence[str]) -> str:
    """Sentences one after the other, each of which can still be translated."""
    return functools.reduce(lambda text, one: Message("{text} {one}", text=text, one=one), sentences)


def _from_folder(source: DataSource, folder: Path, complaints: Sequence[str] = ()) -> Dataset:
    paths = {file: find(folder, file) for file in source.files}
    if missing := [f"{file.name}.gz" for file, path in paths.items() if path is None]:
        raise DataError(
            Message("The folder {folder} lacks {files}.", folder=folder, files=", ".join(missing)),
            Message(
                "Put the {count} files of {title} there, or name the folder that has them.",
                count=len(source.files),
                title=source.title,
            ),
        )
    train_images, train_labels, test_images, test_labels = (
        idx.read(path, max_bytes=file.limit, sha256=file.sha256) for file, path in paths.items() if path is not None
    )
    return Dataset(
        source.name,
        train_images,
        train_labels,
        test_images,
        test_labels,
        provenance=Message("files in {folder}", folder=folder),
        notice=_joined(complaints) if complaints else None,
        class_names=source.class_names,
    )


NAMES: Final[Mapping[str, str]] = {source.name: source.title for source in SOURCES.values()}
"""The title to show of each data set, by its name."""
