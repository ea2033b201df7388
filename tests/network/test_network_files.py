"""Network files: valid, damaged and malicious."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.errors import NetworkFileError
from mnist_core.network.files import read_file
from mnist_core.network.layers import initial_weights
from tests.samples import small, untrained


def test_save_and_load(tmp_path: Path) -> None:
    trained = untrained(RunConfig(layers=(LayerConfig("conv", 2), *[LayerConfig(units=3)] * 5), dataset="embedded"))
    path = tmp_path / "new" / "folder" / "network.npz"
    trained.save(path)
    again = read_file(path)
    assert again.config == trained.config
    assert len(again.weights) == 14
    for a, b in zip(again.weights, trained.weights, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b)
    assert [entry.name for entry in path.parent.iterdir()] == ["network.npz"]


def test_save_replaces_an_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    path.write_bytes(b"old")
    untrained(small(seed=5)).save(path)
    assert read_file(path).config.seed == 5


@pytest.mark.parametrize("when", ["write_bytes", "replace"])
def test_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    path = tmp_path / "network.npz"
    path.write_bytes(b"old")
    write = Path.write_bytes

    def fails(self: Path, *arguments: Any) -> None:
        if when == "write_bytes":
            write(self, b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, when, fails)
    with pytest.raises(OSError, match="No space left"):
        untrained(small()).save(path)
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["network.npz"]
    assert path.read_bytes() == b"old"


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """An NPY file with the header `text` and only a few bytes of data."""
    header = text.encode("latin1").ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2 if version[0] == 1 else 4, "little") + header + bytes(64)


GOOD = {"config.npy": npy(np.array(small().to_json()))} | {
    f"weight_{i:02d}.npy": npy(weight) for i, weight in enumerate(initial_weights(small()))
}


def archive(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def without(name: str) -> dict[str, bytes]:
    return {key: content for key, content in GOOD.items() if key != name}


def with_header(text: str, version: bytes = b"\x01\x00") -> bytes:
    return archive(GOOD | {"weight_00.npy": npy_header(text, version)})


class Trap:
    """Records that it was unpickled."""

    sprung = False

    @staticmethod
    def spring() -> str:
        Trap.sprung = True
        return "{}"

    def __reduce__(self) -> Any:
        return Trap.spring, ()


def garbled_deflate() -> bytes:
    data = bytearray(archive(GOOD, zipfile.ZIP_DEFLATED))
    start = data.index(b"weight_00.npy") + len("weight_00.npy")
    data[start : start + 40] = b"\xff" * 40
    return bytes(data)


def with_flag(offset: int, value: int) -> bytes:
    """A valid file with a changed field in every entry, in the entry and in the directory at the end."""
    data = bytearray(archive(GOOD))
    for magic, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        at = data.find(magic)
        while at >= 0:
            data[at + shift + offset] = value
            at = data.find(magic, at + 4)
    return bytes(data)


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "text": b"this is no network",
    "npy-alone": npy(np.zeros(3)),
    "pickle": pickle.dumps(Trap()),
    "empty-zip": archive({}),
    "truncated": archive(GOOD)[:-200],
    "cut-in-half": archive(GOOD)[: len(archive(GOOD)) // 2],
    "tail-only": archive(GOOD)[-200:],
    "no-config": archive(without("config.npy")),
    "no-weights": archive({"config.npy": GOOD["config.npy"]}),
    "one-weight-missing": archive(without("weight_02.npy")),
    "one-weight-more": archive(GOOD | {"weight_99.npy": npy(np.zeros(1))}),
    "wrong-shape": archive(GOOD | {"weight_00.npy": npy(np.zeros((16, 784)))}),
    "pickled-config": archive(GOOD | {"config.npy": npy(np.array(Trap(), dtype=object))}),
    "pickled-weight": archive(GOOD | {"weight_01.npy": npy(np.array([Trap()] * 16, dtype=object))}),
    "raw-pickle-entry": archive(GOOD | {"weight_01.npy": pickle.dumps(Trap())}),
    "weight-of-text": archive(GOOD | {"weight_01.npy": npy(np.array(["x"] * 16))}),
    "weight-of-records": archive(GOOD | {"weight_01.npy": npy(np.zeros(16, [("a", "f4"), ("b", "f4")]))}),
    "weight-of-dates": archive(GOOD | {"weight_01.npy": npy(np.zeros(16, "M8[s]"))}),
    "weight-of-complex-numbers": archive(GOOD | {"weight_01.npy": npy(np.ones(16, complex) * 1j)}),
    "weight-not-finite": archive(GOOD | {"weight_01.npy": npy(np.full(16, np.nan, np.float32))}),
    "weight-too-large-for-float32": archive(GOOD | {"weight_01.npy": npy(np.full(16, 1e300))}),
    "weight-without-npy": archive(without("weight_01.npy") | {"weight_01": b"raw bytes"}),
    "weight-empty": archive(GOOD | {"weight_01.npy": b""}),
    "weight-header-cut": archive(GOOD | {"weight_01.npy": GOOD["weight_01.npy"][:20]}),
    "weight-data-cut": archive(GOOD | {"weight_01.npy": GOOD["weight_01.npy"][:-1]}),
    "config-empty-array": archive(GOOD | {"config.npy": npy(np.zeros(0))}),
    "config-of-bytes": archive(GOOD | {"config.npy": npy(np.array(b"{}"))}),
    "config-not-json": archive(GOOD | {"config.npy": npy(np.array("kite"))}),
    "config-unknown-field": archive(GOOD | {"config.npy": npy(np.array('{"layers": [], "depth": 3}'))}),
    "config-refused": archive(GOOD | {"config.npy": npy(np.array('{"batch_size": -1}'))}),
    "config-of-another-network": archive(GOOD | {"config.npy": npy(np.array("{}"))}),
    "header-terabytes": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
    "header-no-memory": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}"),
    "header-overflow": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}"),
    "header-negative": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 16)}"),
    "header-no-dict": with_header("[1, 2]"),
    "header-no-python": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': ("),
    "header-call": with_header("{'descr': '<f4', 'fortran_order': print(), 'shape': (1,)}"),
    "header-nested": archive(
        GOOD | {"weight_00.npy": b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"(" * 9000}
    ),
    "header-minus": archive(
        GOOD | {"weight_00.npy": b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"-" * 8999 + b"1"}
    ),
    "header-version-9": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", b"\x09\x00"),
    "garbled-deflate": garbled_deflate(),
    "encrypted": with_flag(6, 1),
    "unknown-compression": with_flag(8, 99),
    "claims-deflate": with_flag(8, zipfile.ZIP_DEFLATED),
    "claims-lzma": with_flag(8, zipfile.ZIP_LZMA),
    "needs-zip-9.9": with_flag(4, 99),
}


def test_trap_runs_code_when_unpickled() -> None:
    """The tests above rely on it."""
    pickle.loads(pickle.dumps(Trap()))
    assert Trap.sprung
    Trap.sprung = False


def test_missing_file_or_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.npz", tmp_path):
        with pytest.raises(NetworkFileError, match="cannot be read"):
            read_file(path)


def test_zip_bomb(tmp_path: Path) -> None:
    data = bytearray(archive(GOOD, zipfile.ZIP_DEFLATED))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (2**31).to_bytes(4, "little")  # The unpacked size in the directory.
    path = tmp_path / "bomb.npz"
    path.write_bytes(data)
    with pytest.raises(NetworkFileError, match="unpacks to 2,147,483,648 bytes"):
        read_file(path)


def tiny_file() -> bytes:
    """A network with as few weights as possible, so that damage often hits the rest of the file."""
    config = small(layers=(LayerConfig("conv", 1),) * 3)
    return archive(
        {"config.npy": npy(np.array(config.to_json()))}
        | {f"weight_{i:02d}.npy": npy(weight) for i, weight in enumerate(initial_weights(config))}
    )


TINY = tiny_file()
