"""Download the files of a data set from public mirrors, verify them, and find them on disk."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pooch
import requests

from mnist_core.data import idx
from mnist_core.data.sources import MNIST, DataFile, DataSource
from mnist_core.errors import DataError, DownloadError
from mnist_core.language import Message

logger = logging.getLogger(__name__)


TIMEOUT: Final = 10.0
"""A mirror fails after this many seconds without an answer or without another 16 KB."""

DEADLINE: Final = 300.0
"""A mirror fails after this many seconds, even if it still sends."""

_CHUNK: Final = 16 * 1024


@dataclass(frozen=True)
class DownloadProgress:
    """The state of one download.

    Args:
        name: the file, without ``.gz``.
        mirror: the URL of the mirror.
        received: bytes so far.
        total: bytes of the whole file, about right until the download is complete.
    """

    name: str
    mirror: str
    received: int
    total: int


Progress = Callable[[DownloadProgress], None]


def cache_folder(source: DataSource) -> Path:
    """Return the folder that caches a data set's files.

    It is a folder with the data set's name in MNIST_CACHE_DIR, or else in the user's cache folder. An earlier version
    cached MNIST in that folder itself; its files are still used.
    """
    root = Path(os.environ.get("MNIST_CACHE_DIR") or pooch.os_cache("mnist-playground"))
    folder = folder_in(root, source)
    return folder if has_files(folder, source) else root / source.name


def folder_in(root: Path, source: DataSource) -> Path:
    """Return the folder below `root` with a data set's files.

    It has the data set's name. MNIST's files may also be in `root` itself. No other data set's may: many have files
    with the same names.
    """
    folder = root / source.name
    return root if source.name == MNIST.name and not has_files(folder, source) else folder


def has_files(folder: Path, source: DataSource) -> bool:
    """Tell whether a folder has any of a data set's files."""
    return any(find(folder, file) for file in source.files)


def fetch(
    source: DataSource,
    directory: str | Path | None = None,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    *,
    deadline: float = DEADLINE,
) -> Path:
    """Download the files of a data set that are missing or damaged in a folder. Return the folder.

    A file stays in memory until its content is verified. Then it is written under a temporary name and renamed, so
    no reader sees an incomplete file, and several processes can download into the same folder.

    Args:
        source: the data set.
        directory: the folder to download into; created if necessary. None for `cache_folder(source)`.
        timeout: seconds without an answer or without another 16 KB after which a mirror fails.
        progress: called in the caller's thread, about ten times a second.
        deadline: seconds after which a mirror fails even if it still sends.

    Raises:
        DownloadError: every mirror failed, or the folder cannot be written to.
    """
    folder = cache_folder(source) if directory is None else Path(directory)
    missing = [file for file in source.files if not _is_valid(folder, file)]
    failures = []
    for mirror in source.mirrors:
        end = time.monotonic() + deadline
        try:
            while missing:
                _write(folder, source, missing[0], _download(mirror, missing[0], timeout, end, progress))
                del missing[0]
        except _MirrorError as error:
            logger.warning("%s: %s %s (%s)", mirror, missing[0].name, error, error.__cause__)
            failures.append(f"{urlsplit(mirror).netloc} {error}")
    if not missing:
        return folder
    raise DownloadError(
        Message(
            "{title} could not be fetched: {reasons}.",
            title=source.title,
            reasons="; ".join(failures) or "no mirror was given",
        ),
        Message(
            "Check the connection and try again, or put its {count} files into the folder data/{name}.",
            count=len(source.files),
            name=source.name,
        ),
    )


class _MirrorError(Exception):
    """What went wrong, as the rest of a sentence that starts with the mirror's name."""


class _LimitedBuffer:
    """A file in memory that refuses more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.data = bytearray()

    def write(self, chunk: bytes) -> None:
        if len(self.data) + len(chunk) > self.limit:
            raise _MirrorError("sent more than the file can hold")
        self.data += chunk

    def flush(self) -> None:
        """Do nothing. The downloader calls this."""


def _download(mirror: str, file: DataFile, timeout: float, end: float, progress: Progress | None) -> bytes:
    """Download a file from a mirror and verify its content. `end` is a time of `time.monotonic()`."""
    buffer = _LimitedBuffer(file.limit)
    outcome: concurrent.futures.Future[None] = concurrent.futures.Future()
    # The file is already compressed. Compressing it again for the transfer would bypass the limit.
    # The socket's timeout is longer than ours. It only ends a thread that nobody waits for.
    get = pooch.HTTPDownloader(chunk_size=_CHUNK, timeout=2 * timeout, headers={"Accept-Encoding": "identity"})

    def run() -> None:
        try:
            outcome.set_result(get(f"{mirror.rstrip('/')}/{file.name}.gz", buffer, None))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            outcome.set_exception(error)

    # A socket's timeout restarts with each address and each received byte. Only a second thread can limit the
    # whole download, from the name lookup to the last byte.
    threading.Thread(target=run, name="download", daemon=True).start()
    received, last_heard = 0, time.monotonic()
    try:
        while not concurrent.futures.wait([outcome], timeout=min(0.1, timeout)).done:
            if len(buffer.data) > received:
                received, last_heard = len(buffer.data), time.monotonic()
                if progress is not None:
                    progress(DownloadProgress(file.name, mirror, received, max(received, file.packed_size)))
            elif time.monotonic() > last_heard + timeout:
                raise _MirrorError(f"{'stopped sending' if received else 'did not answer'} for {timeout:g} s")
            if time.monotonic() > end:
                raise _MirrorError("is too slow")
    finally:
        buffer.limit = 0  # Stops the thread if it still downloads.
    if (error := outcome.exception()) is not None:
        raise _MirrorError(_describe(error)) from error

    data = bytes(buffer.data)
    try:
        idx.parse(data, max_bytes=file.limit, sha256=file.sha256)
    except DataError as error:
        raise _MirrorError(Message("sent something else as {name}", name=file.name)) from error
    if progress is not None:
        progress(DownloadProgress(file.name, mirror, len(data), len(data)))
    return data


def _describe(error: BaseException) -> str:
    match error:
        case _MirrorError():
            return str(error)
        case requests.HTTPError(response=requests.Response() as response):
            return f"answered {response.status_code}"
        case requests.exceptions.ChunkedEncodingError():
            return "closed the connection"
        case OSError() | ValueError():
            return "cannot be reached"
    raise error


def _write(folder: Path, source: DataSource, file: DataFile, data: bytes) -> None:
    partial = folder / f".{file.name}.{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(folder / f"{file.name}.gz")
    except OSError as error:
        logger.warning("%s cannot be written to: %s", folder, error)
        raise DownloadError(
            Message("{title} cannot be saved in the cache: {strerror}.", title=source.title, strerror=error.strerror),
            "Make room there, or name another folder in MNIST_CACHE_DIR.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def find(folder: Path, file: DataFile) -> Path | None:
    """Return the path of a file in a folder, under any of its usual names; None if it is not there."""
    names = [file.name, file.name.replace("-idx", ".idx")]  # The second is the name in Kaggle's archive.
    paths = [folder / f"{name}{suffix}" for name in names for suffix in (".gz", "")]
    return next((path for path in paths if os.path.isfile(path)), None)


def _is_valid(folder: Path, file: DataFile) -> bool:
    """Tell whether a folder has a file with the published content."""
    path = find(folder, file)
    if path is None:
        return False
    try:
        idx.read(path, max_bytes=file.limit, sha256=file.sha256)
    except DataError:
        return False
    return True
