"""A training state as a file, so that a long training can be interrupted and continued.

A checkpoint is a ZIP archive with the parts of `codec.pack_state`: plain arrays and JSON, no pickle. It also
names the recipe and the data of the run. Another recipe or other data are refused.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final

from mnist_core.config import RunConfig
from mnist_core.errors import NetworkFileError, PlaygroundError
from mnist_core.language import Message
from mnist_core.network import files
from mnist_core.network.model import write_whole
from mnist_core.training import codec

if TYPE_CHECKING:
    from pathlib import Path

    from mnist_core.training.events import TrainingState

_REMEDY: Final = "Name another file with --checkpoint, or delete it to start from the first epoch."
_RECIPE, _DATA = "recipe", "data"


def save(path: Path, recipe: RunConfig, fingerprint: str, state: TrainingState) -> None:
    """Write a checkpoint; a file of this name is replaced only by a complete one.

    Args:
        path: the file.
        recipe: the run, with all its epochs.
        fingerprint: `Dataset.fingerprint` of what it learns from.
        state: the last finished epoch's.

    Raises:
        OSError: the file cannot be written.
    """
    parts = {
        _RECIPE: recipe.to_json().encode(),
        _DATA: fingerprint.encode(),
        **codec.pack_state(recipe, state),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    write_whole(path, buffer.getvalue())


def load(path: Path, recipe: RunConfig, fingerprint: str) -> TrainingState | None:
    """The state in a checkpoint of this recipe and this data; None where there is no such file yet.

    Raises:
        NetworkFileError: the file cannot be read, is damaged, or belongs to another recipe or other data.
    """
    try:
        with path.open("rb") as file:
            data = file.read(files.MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NetworkFileError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror), _REMEDY
        ) from error
    if len(data) > files.MAX_BYTES:
        raise NetworkFileError(
            Message("{path} is larger than {most} MB.", path=path, most=files.MAX_BYTES // 2**20), _REMEDY
        )
    parts = _parts(path, data)
    if _recipe(path, parts.pop(_RECIPE, b"")) != recipe:
        raise NetworkFileError(
            Message("{path} belongs to another recipe: other layers, epochs or settings.", path=path), _REMEDY
        )
    if parts.pop(_DATA, b"") != fingerprint.encode():
        raise NetworkFileError(
            Message("{path} belongs to other data: other digits, writers or another seed.", path=path), _REMEDY
        )
    try:
        return codec.unpack_state(recipe, parts)
    except PlaygroundError as error:
        raise _damaged(path, error.problem) from error


def _parts(path: Path, data: bytes) -> codec.Parts:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            # Checkpoints are not compressed, so no entry can be larger than the file.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise _damaged(path, "it is compressed.")
            names = [entry.filename for entry in entries]
            if len(set(names)) < len(names) or not set(names) <= {_RECIPE, _DATA, *codec.PARTS}:
                raise _damaged(path, "it holds something else.")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _damaged(path, f"{error}.") from error


def _recipe(path: Path, text: bytes) -> RunConfig:
    try:
        # Compared as a config, not as text: later versions may write more settings.
        return RunConfig.from_json(text.decode("utf-8", "replace"))
    except PlaygroundError as error:
        raise _damaged(path, error.problem) from error


def _damaged(path: Path, reason: object) -> NetworkFileError:
    return NetworkFileError(
        Message("{path} cannot be read as a checkpoint: {reason}", path=path, reason=reason), _REMEDY
    )
