"""HDF5 files written by h5py, and files with cyclic structures."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from mnist_core.network import hdf5
from mnist_core.network.hdf5 import File, UnfitError

RANDOM = np.random.default_rng(5)


def written(change: Callable[[h5py.File], None], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        change(file)
    return buffer.getvalue()


def one(file: h5py.File) -> None:
    file["layers/dense/vars/0"] = ARRAY


ARRAY = RANDOM.normal(size=(3, 5)).astype(np.float32)
PATH = ["layers", "dense", "vars", "0"]
GOOD = written(one)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (3, 3, 2, 4), (784, 16)])
def test_array_of_any_shape_matches_h5py(shape: tuple[int, ...]) -> None:
    array = RANDOM.normal(size=shape).astype(np.float32)

    def change(file: h5py.File) -> None:
        file["a/b"] = array

    np.testing.assert_array_equal(File(written(change)).array(["a", "b"], shape, "x"), array)


@pytest.mark.parametrize("count", [1, 8, 9, 100, 400])
def test_large_group_is_read_completely(count: int) -> None:
    """So many entries that their names need several tree nodes and a heap that has grown."""
    arrays = {f"layer_{i}": RANDOM.normal(size=(2,)).astype(np.float32) for i in range(count)}

    def change(file: h5py.File) -> None:
        for name, array in arrays.items():
            file[f"layers/{name}/0"] = array
            file[f"layers/{name}"].attrs["name"] = name

    file = File(written(change))
    for name in list(arrays)[:: max(1, count // 50)]:
        np.testing.assert_array_equal(file.array(["layers", name, "0"], (2,), name), arrays[name])


def test_missing_entry_is_refused() -> None:
    for path in (["layers"], ["x"], [*PATH, "x"], ["layers", "x"]):
        with pytest.raises(UnfitError, match="it lacks the weights"):
            File(GOOD).array(path, (3, 5), "the weights")
    with pytest.raises(UnfitError, match="the weights do not fit"):
        File(GOOD).array(PATH, (5, 3), "the weights")


@pytest.mark.parametrize("content", [b"", b"weights", b"\x89HDF\r\n\x1a\n", GOOD[:96], bytes(4096)])
def test_file_that_is_not_hdf5_is_refused(content: bytes) -> None:
    with pytest.raises(UnfitError):
        File(content).array(PATH, (3, 5), "x")


def test_newer_format_is_refused_by_name() -> None:
    with pytest.raises(UnfitError, match="another version"):
        File(written(one, libver="latest"))


# --- cyclic structures


def places(signature: bytes) -> list[int]:
    return [found.start() for found in re.finditer(signature, GOOD)]


def patched(*changes: tuple[int, str, int]) -> bytes:
    content = bytearray(GOOD)
    for at, form, number in changes:
        struct.pack_into(form, content, at, number)
    return bytes(content)


def free_space_that_goes_round() -> bytes:
    """In each heap the first free block points to itself: the HDF5 library follows it until memory is full."""
    changes = []
    for heap in places(b"HEAP"):
        _, free, data = struct.unpack_from("<QQQ", GOOD, heap + 8)
        changes.append((data + free, "<Q", free))
    return patched(*changes)


def test_cyclic_free_space_is_not_followed() -> None:
    assert free_space_that_goes_round() != GOOD
    np.testing.assert_array_equal(File(free_space_that_goes_round()).array(PATH, (3, 5), "x"), ARRAY)


CYCLES = {
    "tree": patched(*((tree + 32, "<Q", tree) for tree in places(b"TREE"))),
    "wide tree": patched(*((tree + 6, "<H", 2**16 - 1) for tree in places(b"TREE"))),
    "wide leaf": patched(*((leaf + 6, "<H", 2**16 - 1) for leaf in places(b"SNOD"))),
    "group": patched(*((leaf + 16, "<Q", struct.unpack_from("<Q", GOOD, 64)[0]) for leaf in places(b"SNOD"))),
    "header": b"",
}


def continued_header(start: int) -> bytes:
    """The root's header continues at `start`, with the maximum number of messages."""
    (root,) = struct.unpack_from("<Q", GOOD, 64)
    content = bytearray(patched((root + 2, "<H", 2**16 - 1), (root + 8, "<I", 2**31)))
    struct.pack_into("<HHI", content, root + 16, 16, 16, 0)
    struct.pack_into("<QQ", content, root + 24, root + 16 if start < 0 else start, 24)
    return bytes(content)


CYCLES["header"] = continued_header(-1)
CYCLES["header elsewhere"] = continued_header(2**63)


@pytest.mark.parametrize("name", CYCLES)
def test_cyclic_structure_is_refused(name: str) -> None:
    assert CYCLES[name] != GOOD
    with pytest.raises(UnfitError):
        File(CYCLES[name]).array(PATH, (3, 5), "x")


def test_work_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST_WORK", 20)
    with pytest.raises(UnfitError, match="damaged"):
        File(GOOD).array(PATH, (3, 5), "x")
