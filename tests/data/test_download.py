"""Downloading small files from a local web server."""

import gzip
import threading
from pathlib import Path

import pytest

from mnist_core.data import datasets, download
from mnist_core.data.download import DownloadProgress
from mnist_core.data.sources import DataFile
from mnist_core.errors import DownloadError
from tests import mirror, small_files
from tests.small_files import CONTENTS, PACKED, assert_small_mnist, file_names, small_source


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_files.isolate(tmp_path, monkeypatch)


def test_second_fetch_uses_the_cache(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    folder = download.fetch(small_source(good_mirror.url), tmp_path / "deep" / "down")
    assert folder == tmp_path / "deep" / "down"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == PACKED
    assert good_mirror.asked == list(PACKED)
    download.fetch(small_source(good_mirror.url), folder)
    download.fetch(small_source(files=[]), folder)
    assert len(good_mirror.asked) == 4


def test_fetch_into_the_cache(cache: Path, good_mirror: mirror.Mirror) -> None:
    assert download.fetch(small_source(good_mirror.url)) == cache / "mnist"
    assert file_names(cache) == {"mnist"}
    assert file_names(cache / "mnist") == set(PACKED)


def test_progress_on_the_callers_thread(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    updates: list[DownloadProgress] = []
    threads = set()

    def note(progress: DownloadProgress) -> None:
        updates.append(progress)
        threads.add(threading.get_ident())

    download.fetch(small_source(good_mirror.url), tmp_path, progress=note)
    assert threads == {threading.get_ident()}
    assert all(0 < p.received <= p.total and p.mirror == good_mirror.url for p in updates)
    complete = {p.name: p.received for p in updates if p.received == p.total}
    assert complete == {name.removesuffix(".gz"): len(data) for name, data in PACKED.items()}


def test_progress_during_a_download(tmp_path: Path) -> None:
    updates: list[DownloadProgress] = []
    big = [DataFile("big", "0" * 64, 10**9, 10**6)]
    with mirror.running({"big.gz": b""}, mirror.never_finishes) as server:

        def note(progress: DownloadProgress) -> None:
            updates.append(progress)
            if len(updates) == 3:
                server.released.set()

        with pytest.raises(DownloadError):
            download.fetch(small_source(server.url, files=big), tmp_path, progress=note)
    received = [p.received for p in updates]
    assert received == sorted(set(received))
    assert {p.total for p in updates[:1]} == {10**6}


def test_error_in_the_progress_callback_is_raised(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    def stop(progress: DownloadProgress) -> None:
        raise OSError("closed")

    with pytest.raises(OSError, match="closed"):
        download.fetch(small_source(good_mirror.url), tmp_path / "new", progress=stop)
    assert not file_names(tmp_path / "new")


BROKEN = {
    mirror.truncates: "closed the connection",
    mirror.truncates_silently: "sent something else",
    mirror.corrupts: "sent something else",
    mirror.shows_login_page: "sent something else",
    mirror.sends_zeros_for_ever: "sent more than the file can hold",
    mirror.fails_with_500: "answered 500",
    mirror.sends_wrong_length: "cannot be",
}
SLOW = {
    mirror.stalls: "did not answer|stopped sending",
    mirror.never_answers: "did not answer for 0.3 s",
    mirror.sends_byte_by_byte: "did not answer for 0.3 s",
}


@pytest.mark.parametrize(("behave", "reason"), (BROKEN | SLOW).items(), ids=lambda b: getattr(b, "__name__", ""))
def test_broken_mirror(tmp_path: Path, behave: mirror.Behaviour, reason: str) -> None:
    timeout = 0.3 if behave in SLOW else download.TIMEOUT
    with (
        mirror.running(PACKED, behave) as server,
        pytest.raises(DownloadError, match=reason) as caught,
    ):
        download.fetch(small_source(server.url), tmp_path / "new", timeout)
    assert "127.0.0.1" in caught.value.problem
    assert not file_names(tmp_path / "new")


@pytest.mark.parametrize("behave", [mirror.truncates, mirror.corrupts, mirror.stalls, mirror.fails_with_500])
def test_second_mirror_after_the_first(tmp_path: Path, good_mirror: mirror.Mirror, behave: mirror.Behaviour) -> None:
    timeout = 2.0 if behave in SLOW else download.TIMEOUT
    with mirror.running(PACKED, behave) as bad:
        download.fetch(small_source(bad.url, good_mirror.url), tmp_path / "new", timeout)
    assert file_names(tmp_path / "new") == set(PACKED)
    assert len(bad.asked) == 1  # No second attempt.


def test_second_mirror_for_missing_files(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    lacking = dict(list(PACKED.items())[:2])
    with mirror.running(lacking) as first:
        download.fetch(small_source(first.url, good_mirror.url), tmp_path / "new")
    assert file_names(tmp_path / "new") == set(PACKED)
    assert good_mirror.asked == list(PACKED)[2:]


def test_connection_refused_and_not_found(tmp_path: Path) -> None:
    with mirror.running({}) as empty, pytest.raises(DownloadError) as caught:
        download.fetch(small_source(mirror.closed_url(), empty.url), tmp_path)
    assert "cannot be reached; 127.0.0.1" in caught.value.problem
    assert "answered 404" in caught.value.problem


def test_endless_response(tmp_path: Path) -> None:
    big = [DataFile("big", "0" * 64, 10**9, 10**9)]
    with (
        mirror.running({"big.gz": b""}, mirror.never_finishes) as server,
        pytest.raises(DownloadError, match="too slow"),
    ):
        download.fetch(small_source(server.url, files=big), tmp_path, deadline=0.5)


def test_mirror_with_gzip_content_encoding(tmp_path: Path) -> None:
    with mirror.running(PACKED, mirror.declares_gzip_encoding) as server:
        download.fetch(small_source(server.url), tmp_path / "new")
    assert_small_mnist(datasets.load_source(small_source(), tmp_path / "new"))


def test_mirror_with_different_gzip_bytes(tmp_path: Path) -> None:
    repacked = {f"{name}.gz": gzip.compress(content, 9, mtime=1) for name, content in CONTENTS.items()}
    with mirror.running(repacked) as server:
        download.fetch(small_source(server.url), tmp_path / "new")
    assert_small_mnist(datasets.load_source(small_source(), tmp_path / "new"))


def test_concurrent_fetches(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    folder = tmp_path / "shared"
    together = threading.Barrier(4)
    errors: list[Exception] = []

    def fetch() -> None:
        together.wait()
        try:
            download.fetch(small_source(good_mirror.url), folder)
        except DownloadError as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == PACKED


def test_folder_that_cannot_be_made(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be saved") as caught:
        download.fetch(small_source(good_mirror.url), tmp_path / "file" / "cache")
    assert "MNIST_CACHE_DIR" in caught.value.remedy
    assert len(good_mirror.asked) == 1  # Another mirror would not help.


def test_disk_full(tmp_path: Path, good_mirror: mirror.Mirror) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on file sizes simulates a full disk: the write stops halfway with an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(DownloadError, match="cannot be saved"):
            download.fetch(small_source(good_mirror.url), tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not file_names(tmp_path / "new")
