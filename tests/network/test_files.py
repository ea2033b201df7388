"""Downloaded and uploaded networks: valid files compared with Keras, and manipulated files."""

from __future__ import annotations

import io
import json
import math
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mnist_core import network
from mnist_core.config import OPTIMIZERS, LayerConfig, RunConfig
from mnist_core.errors import ConfigError, NetworkFileError
from mnist_core.evaluation import metrics
from mnist_core.evaluation.predictor import SHIPPED
from mnist_core.network import TrainedNetwork, files
from mnist_core.network.files import keras_file, read_config, read_file, read_network
from tests.jargon import assert_no_jargon
from tests.network.test_network_files import HOSTILE, TINY, Trap
from tests.samples import blobs, small, untrained

MIXED = (LayerConfig("conv", 3), LayerConfig("conv_only", 4, "gelu", 0.2), LayerConfig(units=8), LayerConfig(units=5))
NETWORKS = {
    "dense": small(),
    "no-hidden-layer": small(layers=()),
    "mixed": small(layers=MIXED, l2=0.01, loss="mean_squared_error"),
    "raw": small(pixels="raw"),
}


def check_same(found: TrainedNetwork, expected: TrainedNetwork) -> None:
    assert found.config == expected.config
    for a, b in zip(found.weights, expected.weights, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b)
    images = blobs().test_images
    np.testing.assert_array_equal(found.predict(images), expected.predict(images))


@pytest.mark.parametrize("save", [TrainedNetwork.to_npz, keras_file], ids=["npz", "keras"])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_round_trip(name: str, save: Callable[[TrainedNetwork], bytes]) -> None:
    trained = untrained(NETWORKS[name])
    check_same(read_network(save(trained), "file"), trained)


def test_saved_file_is_read(tmp_path: Path) -> None:
    trained = untrained(small())
    trained.save(tmp_path / "network.npz")
    check_same(read_network((tmp_path / "network.npz").read_bytes(), "network.npz"), trained)


def test_shipped_network_is_read() -> None:
    check_same(read_network(SHIPPED.read_bytes(), "digits.npz"), read_file(SHIPPED))


def test_arrays_in_fortran_order_are_read() -> None:
    trained = untrained(small())
    turned = TrainedNetwork(trained.config, tuple(np.asfortranarray(weight) for weight in trained.weights))
    check_same(read_network(turned.to_npz(), "file"), trained)


@pytest.mark.parametrize("name", NETWORKS)
def test_keras_loads_the_file_with_same_answers(name: str, tmp_path: Path) -> None:
    trained = untrained(NETWORKS[name])
    path = tmp_path / "network.keras"
    path.write_bytes(keras_file(trained))
    model = keras.models.load_model(path)
    assert [type(layer) for layer in model.layers] == [type(layer) for layer in trained.to_keras().layers]
    images = blobs().test_images
    pixels = images.astype(np.float32) if name == "raw" else images / np.float32(255)
    np.testing.assert_allclose(model.predict(pixels, verbose=0), trained.predict(images), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("changes", [{}, {"l2": 0.01, "loss": "mean_squared_error"}], ids=["plain", "penalty"])
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_keras_evaluates_and_fits_without_compiling(optimizer: str, changes: dict[str, Any], tmp_path: Path) -> None:
    trained = untrained(small(optimizer=optimizer, learning_rate=0.025, **changes))
    path = tmp_path / "network.keras"
    path.write_bytes(keras_file(trained))
    model = keras.models.load_model(path)
    dataset = blobs()
    images, labels = dataset.test_images / np.float32(255), keras.utils.to_categorical(dataset.test_labels, 10)
    found = model.evaluate(images, labels, verbose=0, return_dict=True)
    expected = metrics.evaluate_on_test(trained, dataset)
    assert found["accuracy"] == pytest.approx(expected.accuracy)
    loss = trained.config.loss if changes else "loss"
    assert found[loss] == pytest.approx(expected.loss, rel=1e-4)
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(0.025)
    model.fit(images, labels, epochs=2, verbose=0)
    assert model.evaluate(images, labels, verbose=0, return_dict=True)["loss"] < found["loss"]
    check_same(read_network(path.read_bytes(), "file"), trained)


def test_keras_loads_the_file_in_safe_mode(tmp_path: Path) -> None:
    path = tmp_path / "network.keras"
    path.write_bytes(keras_file(untrained(small())))
    assert keras.models.load_model(path, safe_mode=True) is not None


# --- manipulated files


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return buffer.getvalue()


GOOD = untrained(small())
KERAS = entries(keras_file(GOOD))
RUN = json.loads(KERAS["metadata.json"])
FIRST = "layers/dense/vars/0"


def with_metadata(**changes: Any) -> bytes:
    return archive(KERAS | {"metadata.json": json.dumps(RUN | changes).encode()})


def with_config(**changes: Any) -> bytes:
    config = RUN["mnist_playground_run"] | changes
    return with_metadata(mnist_playground_run=config)


def with_weights(change: Callable[[h5py.File], None]) -> bytes:
    """A valid file with a change in its weights."""
    buffer = io.BytesIO(KERAS["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    return archive(KERAS | {"model.weights.h5": buffer.getvalue()})


def with_first(**options: Any) -> bytes:
    """A valid file with another array instead of the first weights."""

    def change(file: h5py.File) -> None:
        del file[FIRST]
        file.create_dataset(FIRST, **options)

    return with_weights(change)


def replaced(path: str, link: Any) -> bytes:
    def change(file: h5py.File) -> None:
        file.move(path, "elsewhere")
        file[path] = link

    return with_weights(change)


def external_data(file: h5py.File) -> None:
    del file[FIRST]
    file.create_dataset(FIRST, (784, 16), np.float32, external=[("/etc/passwd", 0, 784 * 16 * 4)])


def virtual_data(file: h5py.File) -> None:
    del file[FIRST]
    layout = h5py.VirtualLayout((784, 16), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (784, 16), np.float32)
    file.create_virtual_dataset(FIRST, layout)


def never_written(file: h5py.File) -> None:
    del file[FIRST]
    file.create_dataset(FIRST, (784, 16), np.float32)


def group_for_an_array(file: h5py.File) -> None:
    del file[FIRST]
    file.create_group(FIRST)


def array_for_a_group(file: h5py.File) -> None:
    del file["layers"]
    file.create_dataset("layers", (1,))


def saved_by_keras(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


def stock_model() -> bytes:
    return saved_by_keras(GOOD.to_keras())


def lambda_model() -> bytes:
    """A model with a Lambda layer: its file contains Python byte code."""
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x * 2.0)]
    return saved_by_keras(keras.Sequential(layers))


def with_our_metadata(data: bytes) -> bytes:
    """A foreign file that claims to be one of ours."""
    return archive(entries(data) | {"metadata.json": KERAS["metadata.json"]})


def twice(name: str) -> bytes:
    buffer = io.BytesIO(archive(KERAS))
    with zipfile.ZipFile(buffer, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(name, KERAS[name])
    return buffer.getvalue()


WIDE = [{"kind": "conv_only", "units": 128}, {"kind": "dense", "units": 2048}]
TAMPERED: dict[str, Callable[[], bytes]] = {
    "lambda": lambda_model,
    "lambda-with-our-config": lambda: with_our_metadata(lambda_model()),
    "somebody-elses-model": stock_model,
    "truncated": lambda: archive(KERAS)[:-100],
    "no-weights": lambda: archive({k: v for k, v in KERAS.items() if k != "model.weights.h5"}),
    "one-entry-more": lambda: archive(KERAS | {"assets/vocabulary.txt": b"x"}),
    "name-that-climbs": lambda: archive(KERAS | {"../../evil": b"x"}),
    "absolute-name": lambda: archive(KERAS | {"/etc/cron.d/evil": b"x"}),
    "entry-twice": lambda: twice("model.weights.h5"),
    "many-entries": lambda: archive({f"{i}": b"" for i in range(100)} | KERAS),
    "bomb": lambda: archive(KERAS | {"model.weights.h5": bytes(2**26)}, zipfile.ZIP_DEFLATED),
    "metadata-bomb": lambda: archive(KERAS | {"metadata.json": b" " * 2**26}, zipfile.ZIP_DEFLATED),
    "lzma-bomb": lambda: archive(KERAS | {"metadata.json": b" " * 2**26}, zipfile.ZIP_LZMA),
    "bzip2": lambda: archive(KERAS, zipfile.ZIP_BZIP2),
    "metadata-no-json": lambda: archive(KERAS | {"metadata.json": b"{"}),
    "metadata-a-list": lambda: archive(KERAS | {"metadata.json": b"[]"}),
    "metadata-deeply-nested": lambda: archive(KERAS | {"metadata.json": b"[" * 200_000}),
    "config-a-text": lambda: with_metadata(mnist_playground_run="kite"),
    "config-unknown-setting": lambda: with_config(depth=3),
    "config-refused": lambda: with_config(batch_size=-1),
    "config-of-another-network": lambda: with_config(layers=[{"units": 17}]),
    "config-with-more-layers": lambda: with_config(layers=[{"units": 16}, {"units": 16}]),
    "config-of-a-gigabyte": lambda: with_config(layers=WIDE),
    "weights-no-hdf5": lambda: archive(KERAS | {"model.weights.h5": b"weights"}),
    "weights-empty": lambda: archive(KERAS | {"model.weights.h5": b""}),
    "weights-cut": lambda: archive(KERAS | {"model.weights.h5": KERAS["model.weights.h5"][:-20_000]}),
    "wrong-shape": lambda: with_first(data=np.zeros((16, 784), np.float32)),
    "doubles": lambda: with_first(data=np.zeros((784, 16), np.float64)),
    "big-endian": lambda: with_first(data=np.zeros((784, 16), ">f4")),
    "texts": lambda: with_first(data=["x"] * 784, dtype=h5py.string_dtype()),
    "references": lambda: with_first(shape=(784, 16), dtype=h5py.ref_dtype),
    "not-finite": lambda: with_first(data=np.full((784, 16), np.nan, np.float32)),
    "infinite": lambda: with_first(data=np.full((784, 16), np.inf, np.float32)),
    "terabytes-promised": lambda: with_first(shape=(2**20, 2**20), dtype=np.float32),
    "packed": lambda: with_first(data=np.zeros((784, 16), np.float32), compression="gzip"),
    "never-written": lambda: with_weights(never_written),
    "external-file": lambda: with_weights(external_data),
    "virtual": lambda: with_weights(virtual_data),
    "external-link": lambda: replaced(FIRST, h5py.ExternalLink("other.h5", "/x")),
    "external-link-on-the-way": lambda: replaced("layers", h5py.ExternalLink("other.h5", "/layers")),
    "soft-link": lambda: replaced(FIRST, h5py.SoftLink("/elsewhere")),
    "group-for-an-array": lambda: with_weights(group_for_an_array),
    "array-for-a-group": lambda: with_weights(array_for_a_group),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_keras_file_is_refused(name: str) -> None:
    with pytest.raises(NetworkFileError) as caught:
        read_network(TAMPERED[name](), "upload.keras")
    assert str(caught.value).startswith("upload.keras")
    assert_no_jargon(str(caught.value))
    assert caught.value.remedy == "Choose a .keras or .npz file that the playground has saved."


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_npz_file_is_refused(name: str) -> None:
    with pytest.raises(NetworkFileError) as caught:
        read_network(HOSTILE[name], "upload.npz")
    assert_no_jargon(str(caught.value))
    assert not Trap.sprung


def test_error_messages_name_the_reason() -> None:
    reasons = {
        "somebody-elses-model": "layers of other programs are not loaded",
        "external-link": "lacks the weights of its layer dense",
        "external-file": "stored in an unusual way",
        "virtual": "stored in an unusual way",
        "packed": "stored in an unusual way",
        "never-written": "stored in an unusual way",
        "lzma-bomb": "packed in an unusual way",
        "bomb": "unpacks to 67,108,864 bytes",
        "many-entries": "more than a network",
        "config-of-a-gigabyte": "is too large",
        "not-finite": "not finite numbers",
        "config-refused": "batch_size",
    }
    for name, reason in reasons.items():
        with pytest.raises(NetworkFileError, match=reason):
            read_network(TAMPERED[name](), "upload")


def test_layers_in_the_file_are_ignored() -> None:
    """The description of the layers in the file is replaced by one for which Keras would run code."""
    described = entries(lambda_model())["config.json"]
    check_same(read_network(archive(KERAS | {"config.json": described}), "file"), GOOD)


def test_extra_weight_entries_are_ignored() -> None:
    def change(file: h5py.File) -> None:
        file["extra"] = h5py.ExternalLink("/etc/passwd", "/")

    check_same(read_network(with_weights(change), "file"), GOOD)


def test_file_above_the_limit_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with pytest.raises(NetworkFileError, match="is larger than"):
        read_network(GOOD.to_npz(), "file")


@hypothesis_settings(max_examples=100)
@given(st.data())
def test_damage_is_detected_or_harmless(data: st.DataObject) -> None:
    """A file with a few changed bytes is refused, or read as a network."""
    content = bytearray(data.draw(st.sampled_from([TINY, TINY_KERAS])))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        trained = read_network(bytes(content), "file")
    except NetworkFileError:
        return
    assert all(np.isfinite(weight).all() for weight in trained.weights)
    assert sum(math.prod(weight.shape) for weight in trained.weights) == network.parameter_count(trained.config)


TINY_KERAS = keras_file(untrained(small(layers=(LayerConfig("conv", 1),) * 3)))


def test_config_round_trip() -> None:
    config = RunConfig(layers=MIXED, seed=7)
    assert read_config(config.to_json().encode(), "run.json") == config


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"\xff\xfe", NetworkFileError), (b" " * 2**20, NetworkFileError), (b"{", ConfigError), (b"[]", ConfigError)],
)
def test_invalid_config_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        read_config(data, "run.json")
    assert_no_jargon(str(caught.value))
