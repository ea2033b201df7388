"""A visitor's own test set: its drawings, and the contents of its files."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import idx
from mnist_core.drawing import strokes, test_set
from mnist_core.errors import DataError, DrawingError
from tests.samples import untrained

IMAGES = np.random.default_rng(8).random((4, 28, 28)).astype(np.float32)
LINES = (np.array([[10.0, 20.0], [30.04, 40.0]]), np.array([[1.0, 2.0]]))


def collected() -> list[test_set.LabelledDrawing]:
    drawings: list[test_set.LabelledDrawing] = []
    for image, label in zip(IMAGES, (3, 0, 9, 3), strict=True):
        drawings = test_set.add_drawing(drawings, image, label, LINES if label == 9 else ())
    return drawings


def test_drawings_keep_their_order() -> None:
    assert [one.label for one in collected()] == [3, 0, 9, 3]
    np.testing.assert_array_equal(collected()[2].image, np.round(IMAGES[2] * 255))


def test_relabelled_drawing_is_kept_once() -> None:
    drawings = test_set.add_drawing(collected(), IMAGES[1], 6, ())
    assert [one.label for one in drawings] == [3, 9, 3, 6]


def test_correct_answers_counted_by_hand() -> None:
    network = untrained(RunConfig())
    answers = network.predict(np.round(IMAGES * 255).astype(np.uint8)).argmax(axis=1)
    expected = sum(int(answer == label) for answer, label in zip(answers, (3, 0, 9, 3), strict=True))
    assert test_set.count_correct(network, collected()) == expected
    assert test_set.count_correct(network, []) == 0


def test_archive_holds_idx_files() -> None:
    with zipfile.ZipFile(io.BytesIO(test_set.to_idx_zip(collected()))) as archive:
        assert archive.namelist() == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
        images, labels = (idx.parse(archive.read(name)) for name in archive.namelist())
    np.testing.assert_array_equal(images, np.round(IMAGES * 255))
    assert labels.tolist() == [3, 0, 9, 3]


def test_strokes_file_round_trip(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(test_set.to_jsonl(collected()))
    (nine,) = strokes.read_jsonl(tmp_path / "mine.jsonl")
    assert nine.label == 9
    for stroke, line in zip(nine.strokes, LINES, strict=True):
        np.testing.assert_allclose(stroke, line, atol=0.05)


def test_lines_on_a_canvas_become_strokes() -> None:
    objects: list[dict[str, Any]] = [
        {"type": "Path", "path": [["M", 1, 2], ["Q", 9, 9, 3, 4], ["L", 5.5, 6]]},
        {"type": "Rect", "left": 3},
        {"path": []},
        {"path": [["M", 7, 8], ["Z"]]},
    ]
    drawing = {"version": "6.0", "objects": objects}
    assert [stroke.tolist() for stroke in strokes.from_canvas(drawing)] == [[[1, 2], [3, 4], [5.5, 6]], [[7, 8]]]


def test_transformed_line_keeps_its_place() -> None:
    line = {"path": [["M", 10, 10], ["L", 30, 10], ["L", 30, 20]], "left": 20, "top": 15}
    (as_drawn,) = strokes.from_canvas({"objects": [line]})
    assert as_drawn.tolist() == [[10, 10], [30, 10], [30, 20]]
    (moved,) = strokes.from_canvas({"objects": [{**line, "left": 120, "top": 65}]})
    assert moved.tolist() == [[110, 60], [130, 60], [130, 70]]
    (stretched,) = strokes.from_canvas({"objects": [{**line, "scaleX": 2, "scaleY": 0.5}]})
    assert stretched.tolist() == [[0, 12.5], [40, 12.5], [40, 17.5]]
    (turned,) = strokes.from_canvas({"objects": [{**line, "angle": 90}]})  # Clockwise, as on a canvas.
    np.testing.assert_allclose(turned, [[25, 5], [25, 25], [15, 25]], atol=1e-9)
    (mirrored,) = strokes.from_canvas({"objects": [{**line, "flipX": True}]})
    assert mirrored.tolist() == [[30, 10], [10, 10], [10, 20]]


LINE = [["M", 1, 2], ["L", 3, 4]]


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param([], id="a list"),
        pytest.param("drawing", id="a text"),
        pytest.param(7, id="a number"),
        pytest.param({"objects": None}, id="no objects"),
        pytest.param({"objects": {"path": LINE}}, id="one object"),
        pytest.param({"objects": ["path"]}, id="a text for an object"),
        pytest.param({"objects": [{"path": "MLQ"}]}, id="a text for a path"),
        pytest.param({"objects": [{"path": {"M": 1}}]}, id="an object for a path"),
        pytest.param({"objects": [{"path": ["M12", "L34"]}]}, id="texts for commands"),
        pytest.param({"objects": [{"path": [["M", 1, 2], ["L", 3, [4]]]}]}, id="uneven"),
        pytest.param({"objects": [{"path": [["M", 1, None], ["L", 3, 4]]}]}, id="no number"),
        pytest.param({"objects": [{"path": [["M", 1, "2"], ["L", 3, 4]]}]}, id="a text for a number"),
        pytest.param({"objects": [{"path": [["M", True, 2], ["L", 3, 4]]}]}, id="true"),
        pytest.param({"objects": [{"path": [["M", math.nan, 2], ["L", 3, 4]]}]}, id="NaN"),
        pytest.param({"objects": [{"path": [["M", 1, 2], ["L", 3, math.inf]]}]}, id="infinite"),
        pytest.param({"objects": [{"path": [["M", 1, 1e300], ["L", 3, 4]]}]}, id="far away"),
        pytest.param({"objects": [{"path": [["M", 1, 10**400], ["L", 3, 4]]}]}, id="beyond a float"),
        pytest.param({"objects": [{"path": LINE, "scaleX": "wide"}]}, id="a text for a scale"),
        pytest.param({"objects": [{"path": LINE, "scaleY": 1e300}]}, id="a huge scale"),
        pytest.param({"objects": [{"path": LINE, "angle": None}]}, id="no angle"),
        pytest.param({"objects": [{"path": LINE, "left": [1, 2]}]}, id="a list for a place"),
        pytest.param({"objects": [{"path": LINE * 10_001}]}, id="too many points"),
        pytest.param({"objects": [{"path": LINE * 5}] * 2_001}, id="too many points in many strokes"),
    ],
)
def test_invalid_canvas_data_is_refused(drawing: object) -> None:
    with pytest.raises(DrawingError) as caught:
        strokes.from_canvas(drawing)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("drawing", [None, {}, {"objects": []}, {"objects": [{}]}, {"objects": [{"path": None}]}])
def test_canvas_without_lines_has_no_strokes(drawing: object) -> None:
    assert strokes.from_canvas(drawing) == ()


def test_packed_drawing_is_read_back() -> None:
    image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    lines = (np.array([[1.0, 2.5], [3.26, 4.0]]), np.array([[5.0, 6.0]]))
    found = test_set.unpack(test_set.pack(image, lines, 8_192), 7)
    assert found.label == 7
    assert np.array_equal(found.image, image)
    assert [one.tolist() for one in found.strokes] == [[[1.0, 2.5], [3.3, 4.0]], [[5.0, 6.0]]]
    assert test_set.unpack(test_set.pack(image, (), 8_192), 7).strokes == ()


@pytest.mark.parametrize("points", [(20_000,), (1,) * 5_000])
def test_long_drawing_is_packed_small_with_the_ends_of_its_lines(points: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    lines = tuple(random.uniform(0, 280, (count, 2)) for count in points)
    data = test_set.pack(np.zeros((28, 28), np.uint8), lines, 8_192)
    assert len(data) <= 8_192
    kept = test_set.unpack(data, 0).strokes
    assert len(kept) in (0, len(lines))
    for old, new in zip(lines, kept, strict=False):
        assert np.array_equal(np.round(old[[0, -1]], 1), new[[0, -1]])


@pytest.mark.parametrize(
    "data",
    [b"", bytes(784), bytes(783) + zlib.compress(b"[]"), bytes(784) + zlib.compress(b"{}")[:-3], bytes(784) + b"zip"]
    + [bytes(784) + zlib.compress(text) for text in (b"7", b"[7]", b'[["a", "b"]]', b"[[[1, 2], [3]]]", b"[" * 9_999)],
)
def test_damaged_packed_drawing_is_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        test_set.unpack(data, 3)
