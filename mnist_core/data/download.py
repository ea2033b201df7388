"""Fetching MNIST's files from their public mirrors, verified and whole, and finding them again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pooch
import requests

from mnist_core.data import idx
from mnist_core.errors import DataError, DownloadError

logger = logging.getLogger(__name__)


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
    get = pooch.HTTPDownloader(chunk_size=_PIECE, timeout=2 * timeout, headers={"Accept-Encoding": "identity"})

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
        logger.warning("%s cannot be written to: %s", folder, error)
        raise DownloadError(
            f"MNIST cannot be kept in the cache: {error.strerror}.",
            "Make room there, or name another folder in MNIST_CACHE_DIR.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def find(folder: Path, file: DataFile) -> Path | None:
    """Return where a folder holds a file, under one of the names it is known by; None if it does not."""
    names = [file.name, file.name.replace("-idx", ".idx")]  # the second is how Kaggle's archive unpacks
    paths = [folder / f"{name}{suffix}" for name in names for suffix in (".gz", "")]
    return next((path for path in paths if os.path.isfile(path)), None)


def _is_sound(folder: Path, file: DataFile) -> bool:
    """Tell whether a folder holds a file with the content that it must have."""
    path = find(folder, file)
    if path is None:
        return False
    try:
        idx.read(path, max_bytes=file.limit, sha256=file.sha256)
    except DataError:
        return False
    return True
