"""Checkpoints of a training, and invalid files."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_core import training
from mnist_core.errors import NetworkFileError
from mnist_core.training import checkpoint
from tests.samples import blobs, small

RECIPE = small(optimizer="adam", learning_rate=0.001, epochs=3)
DATA = "0" * 64


def state_after_an_epoch() -> training.TrainingState:
    for event in training.train(RECIPE, blobs()):
        if isinstance(event, training.EpochEnded):
            return event.state
    raise AssertionError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.checkpoint"
    checkpoint.save(path, RECIPE, DATA, state_after_an_epoch())
    return path


def test_state_round_trip(saved: Path) -> None:
    before, after = state_after_an_epoch(), checkpoint.load(saved, RECIPE, DATA)
    assert after is not None
    for left, right in zip(before.weights + before.slots, after.weights + after.slots, strict=True):
        np.testing.assert_array_equal(left, right)
    assert (after.step, after.history, after.rates) == (before.step, before.history, before.rates)


def test_missing_file_starts_from_scratch(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "none", RECIPE, DATA) is None


def test_full_disk_keeps_the_previous_checkpoint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(saved, RECIPE, DATA, state_after_an_epoch())
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_other_recipe_or_data_is_refused(saved: Path) -> None:
    with pytest.raises(NetworkFileError, match="another recipe"):
        checkpoint.load(saved, dataclasses.replace(RECIPE, seed=1), DATA)
    with pytest.raises(NetworkFileError, match="other data"):
        checkpoint.load(saved, RECIPE, "1" * 64)


def test_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    path.write_bytes(pickle.dumps({"weights": [1, 2]}))
    with pytest.raises(NetworkFileError, match="cannot be read as a checkpoint"):
        checkpoint.load(path, RECIPE, DATA)


@pytest.mark.parametrize("length", [0, 10, 2000, -30])
def test_truncated_file_is_refused(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(NetworkFileError, match="cannot be read as a checkpoint"):
        checkpoint.load(saved, RECIPE, DATA)


def test_changed_byte_is_refused(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    saved.write_bytes(data)
    with pytest.raises(NetworkFileError, match="cannot be read as a checkpoint"):
        checkpoint.load(saved, RECIPE, DATA)


def test_zip_bomb_is_not_unpacked(saved: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights", bytes(10**7))
    saved.write_bytes(buffer.getvalue())
    with pytest.raises(NetworkFileError, match="compressed"):
        checkpoint.load(saved, RECIPE, DATA)


def test_other_archives_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("more", b"x")
    with pytest.raises(NetworkFileError, match="something else"):
        checkpoint.load(saved, RECIPE, DATA)


def test_weights_of_another_size_are_refused(saved: Path) -> None:
    change(saved, "weights", lambda content: content[:-4])
    with pytest.raises(NetworkFileError, match="cannot be read as a checkpoint"):
        checkpoint.load(saved, RECIPE, DATA)


def test_checkpoint_older_than_a_setting(saved: Path) -> None:
    def older(content: bytes) -> bytes:
        recipe = json.loads(content)
        del recipe["order"]  # RECIPE has the default.
        return json.dumps(recipe).encode()

    change(saved, "recipe", older)
    assert checkpoint.load(saved, RECIPE, DATA) is not None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"epochs": 0}'])
def test_invalid_recipe_is_refused(saved: Path, content: bytes) -> None:
    change(saved, "recipe", lambda _: content)
    with pytest.raises(NetworkFileError, match="cannot be read as a checkpoint"):
        checkpoint.load(saved, RECIPE, DATA)


def change(saved: Path, part: str, how: Callable[[bytes], bytes]) -> None:
    """Rewrite the file with one changed part."""
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = how(parts[part])
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="cannot be read"):
        checkpoint.load(tmp_path, RECIPE, DATA)
