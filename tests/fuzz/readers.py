"""Every reader of outside data, with valid inputs to start from and mutations of them.

A reader takes bytes, because failing inputs are saved in files. It either returns after checking the accepted result,
or raises one of `mnist_core.errors`.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnist_core import links, presets
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import Dataset, idx, uploads
from mnist_core.drawing import photo, preprocessing, strokes
from mnist_core.errors import ShareNotFoundError
from mnist_core.lessons import answers, courses
from mnist_core.lessons.answers import LessonAnswers
from mnist_core.lessons.check import ITEMS, CheckAnswers
from mnist_core.lessons.faults import Answers
from mnist_core.network import TrainedNetwork, files, parameter_count
from mnist_core.network.layers import initial_weights
from mnist_core.store import workspaces
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation

RANDOM = np.random.default_rng(1)
IMAGES = RANDOM.integers(0, 256, (12, 28, 28), np.uint8)
LABELS = (np.arange(12) % 10).astype(np.uint8)


@dataclass(frozen=True)
class Reader:
    """A reader of the project and its inputs.

    Attributes:
        seeds: returns valid inputs.
        mutation: damages an input.
        read: reads an input.
    """

    seeds: Callable[[], Sequence[bytes]]
    mutation: Mutation
    read: Callable[[bytes], None]


def packed(array: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


# --- data sets


def check_dataset(dataset: Dataset) -> None:
    """Check that a data set fulfils its contract."""
    for images, labels in (
        (dataset.train_images, dataset.train_labels),
        (dataset.test_images, dataset.test_labels),
    ):
        assert images.dtype == labels.dtype == np.uint8
        assert images.shape == (len(labels), 28, 28)
        assert len(labels)
        assert labels.max() <= 9


def read_idx(data: bytes) -> None:
    other = {"b-labels": idx.pack(LABELS)} if data[3:4] == b"\3" or data[:1] == b"\x1f" else {"b": idx.pack(IMAGES)}
    check_dataset(uploads.read({"a": data} | other))


def read_npz(data: bytes) -> None:
    check_dataset(uploads.read({"a.npz": data}))


def idx_seeds() -> Sequence[bytes]:
    return [idx.pack(IMAGES), idx.pack(LABELS), gzip.compress(idx.pack(IMAGES), 1)]


def npz_seeds() -> Sequence[bytes]:
    four = npz(x_train=IMAGES[:8], y_train=LABELS[:8], x_test=IMAGES[8:], y_test=LABELS[8:].astype(np.int64))
    return [four, npz(x_train=IMAGES, y_train=LABELS), npz(x_train=np.uint8(1), y_train=LABELS)]


# --- networks and settings

NETWORKS = (
    RunConfig(layers=()),
    RunConfig(layers=(LayerConfig(units=2), LayerConfig(units=3, activation="tanh"))),
    RunConfig(layers=(LayerConfig("conv", 1), LayerConfig("conv_only", 2), LayerConfig("conv", 1))),
)
# Its file is mostly structure, with few weights.
SMALLEST = NETWORKS[-1]


def saved(config: RunConfig, save: Callable[[TrainedNetwork], bytes]) -> bytes:
    return save(TrainedNetwork(config, initial_weights(config)))


@functools.cache
def keras_seed() -> bytes:
    """A file without its time stamp, so that the same mutations always change the same bytes."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved(SMALLEST, files.keras_file))) as source,
        zipfile.ZipFile(buffer, "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "metadata.json":
                content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
            target.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def read_network(data: bytes) -> None:
    network = files.read_network(data, "file")
    assert sum(weight.size for weight in network.weights) == parameter_count(network.config)
    assert all(weight.dtype == np.float32 and np.isfinite(weight).all() for weight in network.weights)


def read_settings(data: bytes) -> None:
    config = files.read_config(data, "file")
    assert RunConfig.from_json(config.to_json()) == config


def read_link(data: bytes) -> None:
    query = urllib.parse.parse_qs(data.decode(errors="replace"), keep_blank_values=True)
    config = links.read(query)
    if config is not None:
        assert RunConfig.from_query(config.to_query()) == config


def link_seeds() -> Sequence[bytes]:
    configs = [preset.config for preset in presets.PRESETS.values()]
    return [links.to_config("", config)[1:].encode() for config in configs]


# --- drawings

LINE = [["M", 90, 40], ["Q", 90, 40, 90.5, 41], ["Q", 92, 99, 93, 120], ["L", 95, 200.25]]
CANVAS = {
    "version": "6.0", "background": "#ffffff", "objects": [
        {"type": "Path", "path": LINE, "left": 92.5, "top": 120.1, "scaleX": 1, "scaleY": 1, "angle": 0, "flipX": False,
         "strokeWidth": 18, "stroke": "#000000"},
        {"type": "Path", "path": LINE[:2], "left": 20, "top": 20, "scaleX": 2, "angle": 30, "flipY": True},
    ],
}  # fmt: skip
DIGIT = strokes.render((np.array([[0.5, 0.15], [0.5, 0.85]]),), 20, side=64)


def read_canvas(data: bytes) -> None:
    try:
        drawn = json.loads(data)
    except RecursionError:
        return  # Streamlit's parser refuses it before it reaches us.
    for stroke in strokes.from_canvas(drawn):
        assert stroke.ndim == 2
        assert stroke.shape[1] == 2
        assert np.isfinite(stroke).all()


def read_lines(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.jsonl")
        path.write_bytes(data)
        for digit in strokes.read_jsonl(path):
            assert 0 <= digit.label <= 9
            assert digit.strokes
            strokes.render(strokes.fit_to_canvas(digit.strokes, 0.6), 18, side=28)


def check_drawing(rgba: Any) -> None:
    found = preprocessing.to_mnist(rgba)
    assert found.image.shape == (28, 28)
    assert 0 <= found.image.min() <= found.image.max() <= 1


def read_photo(data: bytes) -> None:
    check_drawing(photo.read(data))


def read_canvas_picture(data: bytes) -> None:
    check_drawing(photo.read_canvas(data))


def read_pixels(data: bytes) -> None:
    """Read bytes as a picture of any size, with any number of channels."""
    sides, rest = (data + bytes(4))[:3], np.frombuffer(data + bytes(4), np.uint8, offset=3)
    height, width, channels = sides[0] % 80, sides[1] % 80, (4, 4, 4, 3, 1, 0)[sides[2] % 6]
    pixels = np.resize(rest, height * width * channels)
    check_drawing(pixels.reshape(height, width, channels).astype((np.uint8, np.uint8, np.float32)[sides[2] // 6 % 3]))


def photo_seeds() -> Sequence[bytes]:
    grey = np.asarray(Image.fromarray(DIGIT).convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        packed(DIGIT, "PNG"),
        packed(grey, "PNG"),
        packed(grey, "JPEG", exif=exif),
        packed(DIGIT[..., :3], "JPEG", progressive=True),
    ]


# --- secrets and progress


def as_text(data: bytes) -> str:
    return data.decode(errors="replace")


def read_token(data: bytes) -> None:
    token = as_text(data)
    assert workspaces.is_workspace(token) == (len(workspaces.workspace_key(token)) == 64)
    assert len(workspaces.share_token(token, token)) == 22


def read_code(data: bytes) -> None:
    token = workspaces.from_recovery_code(as_text(data))
    assert workspaces.from_recovery_code(workspaces.recovery_code(token)) == token


@functools.cache
def shares() -> Any:
    from mnist_core.store.runs import RunStore

    return RunStore("sqlite://").shares


def read_share(data: bytes) -> None:
    try:
        shares().check(as_text(data))
    except ShareNotFoundError:
        raise
    raise AssertionError("a share of an empty store was opened")


def read_step(data: bytes) -> None:
    course, _, step = as_text(data).partition("&")
    found = courses.linked_step(course, step)
    assert found is None or found[1] < len(courses.COURSES[found[0]].steps)


def answer_seeds() -> Sequence[bytes]:
    lab, check = Answers({1: "low", 4: ""}, frozenset({1})), CheckAnswers((0,) * len(ITEMS), (1,) * len(ITEMS))
    return [answers.pack(LessonAnswers({"neuron": 2, "sure": 0}, frozenset({"sure"}), lab, check))]


def read_answers(data: bytes) -> None:
    found = answers.unpack(data)
    assert answers.unpack(answers.pack(found)) == found


def token_seeds() -> Sequence[bytes]:
    return [b"AAAAAAAAAAAAAAAAAAAAAA", b"x-_9abcdefghijklmnopqr"]


def code_seeds() -> Sequence[bytes]:
    return [workspaces.recovery_code(token.decode()).encode() for token in token_seeds()]


def inside_network(name: str) -> Mutation:
    return mutations.tree if name.endswith(".json") else mutations.hdf5


ANY_TEXT = mutations.one_of(mutations.text, mutations.text, mutations.damage)
ANY_JSON = mutations.one_of(mutations.tree, mutations.tree, mutations.tree, mutations.damage)
ANY_PICTURE = mutations.one_of(
    mutations.damage, lambda random, data: (mutations.png if data[1:4] == b"PNG" else mutations.damage)(random, data)
)

READERS: dict[str, Reader] = {
    "idx": Reader(idx_seeds, mutations.one_of(mutations.damage, mutations.damage, mutations.gzipped), read_idx),
    "npz-set": Reader(npz_seeds, mutations.zipped(lambda _: mutations.damage), read_npz),
    "keras": Reader(lambda: [keras_seed()], mutations.zipped(inside_network, 0.95), read_network),
    "npz-network": Reader(
        lambda: [saved(config, TrainedNetwork.to_npz) for config in NETWORKS],
        mutations.zipped(lambda _: mutations.damage),
        read_network,
    ),
    "settings": Reader(lambda: [c.to_json().encode() for c in NETWORKS], ANY_JSON, read_settings),
    "link": Reader(link_seeds, ANY_TEXT, read_link),
    "canvas": Reader(lambda: [json.dumps(CANVAS).encode()], mutations.tree, read_canvas),
    "strokes": Reader(
        lambda: [json.dumps({"label": 7, "strokes": [[[0, 0], [9, 1]], [[4, 20]]], "writer": "w"}).encode()],
        ANY_JSON,
        read_lines,
    ),
    "photo": Reader(photo_seeds, ANY_PICTURE, read_photo),
    "canvas-picture": Reader(lambda: [packed(DIGIT, "PNG")], ANY_PICTURE, read_canvas_picture),
    "pixels": Reader(lambda: [bytes([28, 28, 0]) + DIGIT.tobytes()[:4096]], mutations.damage, read_pixels),
    "token": Reader(token_seeds, ANY_TEXT, read_token),
    "recovery-code": Reader(code_seeds, ANY_TEXT, read_code),
    "share": Reader(token_seeds, ANY_TEXT, read_share),
    "step": Reader(lambda: [b"kite&9", b"&sure"], ANY_TEXT, read_step),
    "answers": Reader(answer_seeds, ANY_JSON, read_answers),
}
