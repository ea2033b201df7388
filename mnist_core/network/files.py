"""Save a network as a file, and load one as untrusted input.

There are two formats. NPZ holds the arrays and the run's config; `TrainedNetwork.to_npz` writes it. ``.keras`` can be
opened with `keras.models.load_model` and has the config in its metadata. Loading trusts nothing: the layers come from
our own config, never from the file's description of them. No code and no pickle in a file is ever run. Sizes are
checked before anything is unpacked.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, NetworkFileError
from mnist_core.language import Message
from mnist_core.network import hdf5, optimizers
from mnist_core.network.hdf5 import UnfitError
from mnist_core.network.layers import Weights, plan, weight_shapes
from mnist_core.network.model import TrainedNetwork, parameter_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MAX_BYTES: Final = 128 * 2**20
"""The largest file that is read, compressed or not: enough for 33 million weights."""

# The most that a config or a file's metadata may take, and what an HDF5 file needs besides its numbers.
_TEXT_BYTES = 2**18
_SLACK_BYTES = 2**20
_MOST_ENTRIES = 32
_METADATA, _LAYERS, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_RUN = "mnist_playground_run"  # the key of our config in the metadata; Keras ignores it
_REMEDY = Message("Choose a .keras or .npz file that the playground has saved.")


def keras_file(network: TrainedNetwork) -> bytes:
    """The network as a ``.keras`` file for `keras.models.load_model`, compiled with the run's settings.

    Its input is (n, 28, 28), from 0 to 1 or from 0 to 255 as its config says. Its labels are one-hot, as from
    `keras.utils.to_categorical`. The optimizer's state is not saved.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        model = network.to_keras()
        model.compile(**optimizers.compile_arguments(network.config))
        model.save(path)
        content = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as saved, zipfile.ZipFile(buffer, "w") as archive:
        for entry in saved.infolist():
            data = saved.read(entry)
            if entry.filename == _METADATA:
                data = json.dumps(json.loads(data) | {_RUN: dataclasses.asdict(network.config)}).encode()
            archive.writestr(entry, data)
    return buffer.getvalue()


def read_network(data: bytes, name: str) -> TrainedNetwork:
    """Load the network from a file that `TrainedNetwork.to_npz` or `keras_file` wrote.

    Args:
        data: the content of the file.
        name: the file's name, for messages.

    Raises:
        NetworkFileError: for any other file: damaged, too large, with missing or extra parts, or with arrays that do
            not fit its config or are not finite.
    """
    if len(data) > MAX_BYTES:
        raise NetworkFileError(
            Message("{name} is larger than {most} MB.", name=name, most=MAX_BYTES // 2**20),
            _REMEDY,
            Message("{count:,} bytes", count=len(data)),
        )
    # This mark precedes each entry in the list of a ZIP archive. Listing millions of entries would fill the memory.
    if data.count(b"PK\x01\x02") > _MOST_ENTRIES:
        raise NetworkFileError(Message("{name} holds more than a network.", name=name), _REMEDY)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "config.npy" in names:
                return _from_npz(archive)
            if _METADATA in names:
                return _from_keras(archive)
            raise UnfitError("it holds neither a network's weights nor its config")
    except (UnfitError, ConfigError) as error:
        raise NetworkFileError(
            Message("{name} cannot be read as a trained network: {error}.", name=name, error=error), _REMEDY
        ) from error
    except Exception as error:
        # zipfile and NumPy raise a dozen kinds of exceptions for damaged files, with no common base class.
        raise NetworkFileError(
            Message("{name} cannot be read as a trained network, it may be damaged.", name=name), _REMEDY
        ) from error


def read_file(path: Path) -> TrainedNetwork:
    """Load the network from a file on this machine, as `read_network` does.

    Raises:
        NetworkFileError: also when the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        remedy = "Name a file that is there, or make one: python -m mnist_core train --preset kite."
        raise NetworkFileError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror), remedy
        ) from error
    return read_network(data, str(path))


def read_config(data: bytes, name: str) -> RunConfig:
    """Load the config from a file that `RunConfig.to_json` wrote.

    Raises:
        NetworkFileError: when the file is too large or is not text.
        ConfigError: as `RunConfig.from_json`.
    """
    remedy = Message("Choose a .json file that the playground has saved.")
    if len(data) > _TEXT_BYTES:
        raise NetworkFileError(
            Message("{name} is too large for a config.", name=name), remedy, Message("{count:,} bytes", count=len(data))
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NetworkFileError(Message("{name} is not a text file.", name=name), remedy) from error
    return RunConfig.from_json(text)


def _checked(config: RunConfig) -> RunConfig:
    if 4 * parameter_count(config) > MAX_BYTES:
        raise UnfitError(
            Message("a network of {parameters:,} weights is too large", parameters=parameter_count(config))
        )
    return config


def _check_entries(archive: zipfile.ZipFile, expected: Sequence[str]) -> None:
    """Allow only these entries, each once. The names of entries are never used as paths."""
    names = archive.namelist()
    if sorted(names) != sorted(expected):
        raise UnfitError("it holds other parts than the files that the playground saves")


def _content(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of an entry, at most `most` bytes."""
    entry = archive.getinfo(name)
    # With other compression methods, zipfile unpacks everything before it checks the size.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnfitError(Message("{name} is packed in an unusual way", name=name))
    if entry.file_size > most:
        raise UnfitError(
            Message(
                "{name} unpacks to {file_size:,} bytes, more than the {most:,} that it may take",
                name=name,
                file_size=entry.file_size,
                most=most,
            )
        )
    return archive.read(entry)


def _from_npz(archive: zipfile.ZipFile) -> TrainedNetwork:
    text = _array("config.npy", _content(archive, "config.npy", _TEXT_BYTES), "U", ())
    config = _checked(RunConfig.from_json(str(text)))
    shapes = weight_shapes(config.layers)
    names = [f"weight_{i:02d}.npy" for i in range(len(shapes))]
    _check_entries(archive, ["config.npy", *names])
    weights = []
    for name, shape in zip(names, shapes, strict=True):
        content = _content(archive, name, 4 * math.prod(shape) + _TEXT_BYTES)
        weights.append(_finite(name, _array(name, content, "f", shape)))
    return TrainedNetwork(config, tuple(weights))


def _array(name: str, content: bytes, kind: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The array in an NPY file, of text ("U") or float32 ("f"). The sizes in its header are checked, not trusted."""
    stream = io.BytesIO(content)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise UnfitError(Message("{name} is stored in an unusual way", name=name))
    found, is_fortran, dtype = readers[version](stream)
    size = len(content) - stream.tell()
    fits = dtype.kind == kind and (kind == "U" or dtype == np.float32) and dtype.itemsize * math.prod(shape) == size
    if found != shape or not fits:
        raise UnfitError(Message("{name} does not fit the network's settings", name=name))
    array = np.frombuffer(content, dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if is_fortran else "C")


def _from_keras(archive: zipfile.ZipFile) -> TrainedNetwork:
    _check_entries(archive, [_METADATA, _LAYERS, _WEIGHTS])
    metadata = json.loads(_content(archive, _METADATA, _TEXT_BYTES))
    if not isinstance(metadata, dict) or _RUN not in metadata:
        raise UnfitError("it has no settings of a playground run, and layers of other programs are not loaded")
    config = _checked(RunConfig.from_json(json.dumps(metadata[_RUN])))
    content = _content(archive, _WEIGHTS, 4 * parameter_count(config) + _SLACK_BYTES)
    return TrainedNetwork(config, _weights_in_hdf5(content, config))


def _weights_in_hdf5(content: bytes, config: RunConfig) -> Weights:
    """The weights at the paths where Keras saves our layers; anything else in the file is ignored."""
    learning = [layer for layer in plan(config.layers) if layer.weight_shapes]
    kinds = [layer.kind.lower() for layer in learning]
    weights: list[npt.NDArray[np.float32]] = []
    file = hdf5.File(content)
    for place, (kind, layer) in enumerate(zip(kinds, learning, strict=True)):
        number = kinds[:place].count(kind)
        name = f"{kind}_{number}" if number else kind
        what = Message("the weights of its layer {name}", name=name)
        for which, shape in enumerate(layer.weight_shapes):
            weights.append(_finite(what, file.array(["layers", name, "vars", str(which)], shape, what)))
    return tuple(weights)


def _finite(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if not np.isfinite(array).all():
        raise UnfitError(Message("{name}: some are not finite numbers", name=name))
    return np.ascontiguousarray(array, np.float32)
