"""Pen strokes: files read line by line, and canvases whose ink is computed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.drawing import strokes, to_mnist
from mnist_core.errors import DataError

SEVEN = {"label": 7, "strokes": [[[0, 0], [10, 0], [4, 20]], [[2, 10], [8, 10]]], "writer": "anna"}


def written(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "digits.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_digit_is_read_with_its_strokes(tmp_path: Path) -> None:
    (seven,) = strokes.read_jsonl(written(tmp_path, SEVEN, ""))
    assert (seven.label, seven.writer) == (7, "anna")
    assert [stroke.tolist() for stroke in seven.strokes] == SEVEN["strokes"]


def test_writer_is_optional(tmp_path: Path) -> None:
    (seven,) = strokes.read_jsonl(written(tmp_path, {k: v for k, v in SEVEN.items() if k != "writer"}))
    assert seven.writer == ""


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("not json", id="no JSON"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param({**SEVEN, "label": 10}, id="label 10"),
        pytest.param({**SEVEN, "label": True}, id="label true"),
        pytest.param({**SEVEN, "label": "7"}, id="label as text"),
        pytest.param({"label": 7}, id="no strokes"),
        pytest.param({**SEVEN, "strokes": []}, id="empty"),
        pytest.param({**SEVEN, "strokes": [[]]}, id="empty stroke"),
        pytest.param({**SEVEN, "strokes": [[[1, 2, 3]]]}, id="three coordinates"),
        pytest.param({**SEVEN, "strokes": [[[1, "a"]]]}, id="a letter"),
        pytest.param('{"label": 7, "strokes": [[[1, NaN]]]}', id="not a number"),
        pytest.param({**SEVEN, "strokes": 3}, id="strokes as a number"),
        pytest.param("[" * 100_000, id="deeply nested"),
    ],
)
def test_malformed_line_is_refused_by_number(tmp_path: Path, line: Any) -> None:
    with pytest.raises(DataError, match=r"Line 2 of .*digits\.jsonl"):
        strokes.read_jsonl(written(tmp_path, SEVEN, line))


def test_unreadable_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        strokes.read_jsonl(tmp_path / "none.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        strokes.read_jsonl(tmp_path / "bytes")
    monkeypatch.setattr(strokes, "_MAX_FILE_BYTES", 10)
    with pytest.raises(DataError, match="too large"):
        strokes.read_jsonl(written(tmp_path, SEVEN))


def test_writers_selected_by_pattern(tmp_path: Path) -> None:
    lines = [{**SEVEN, "writer": name} for name in ("uji07", "uji38", "uji41")]
    digits = strokes.read_jsonl(written(tmp_path, *lines))
    assert [one.writer for one in strokes.select_writers(digits, ["uji[0-3]?"])] == ["uji07", "uji38"]
    assert [one.writer for one in strokes.select_writers(digits, ["*41", "uji07"])] == ["uji07", "uji41"]


def test_strokes_keep_their_aspect_ratio() -> None:
    placed = strokes.fit_to_canvas((np.array([[0.0, 0.0], [10.0, 20.0]]), np.array([[5.0, 10.0]])), 0.5, (0.4, 0.6))
    np.testing.assert_allclose(placed[0], [[0.4 - 0.125, 0.6 - 0.25], [0.4 + 0.125, 0.6 + 0.25]])
    np.testing.assert_allclose(placed[1], [[0.4, 0.6]])


def test_single_point_is_centred() -> None:
    np.testing.assert_allclose(strokes.fit_to_canvas((np.array([[7.0, 7.0]]),), 0.5)[0], [[0.5, 0.5]])


def test_straight_line_ink_is_length_times_width() -> None:
    canvas = strokes.render((np.array([[0.25, 0.5], [0.75, 0.5]]),), 20)
    assert canvas.shape == (280, 280, 4)
    assert (canvas[..., 3] == 255).all()
    ink = 1 - canvas[..., 0] / 255
    # 140 by 20, and a half disc of diameter 20 at each end.
    assert ink.sum() == pytest.approx(140 * 20 + np.pi * 100, rel=0.02)
    assert ink[140, 140] == 1
    assert not ink[128].any()


def test_single_point_is_a_dot_of_pen_width() -> None:
    ink = 1 - strokes.render((np.array([[0.5, 0.5]]),), 18)[..., 0] / 255
    assert ink.sum() == pytest.approx(np.pi * 81, rel=0.05)


def test_smaller_canvas_gives_nearly_the_same_digit() -> None:
    lines = strokes.fit_to_canvas((np.array([[0.0, 0.0], [10.0, 0.0], [4.0, 20.0]]),), 0.6)
    large, small = (to_mnist(strokes.render(lines, 18, side)).image for side in (280, 112))
    assert small.sum() == pytest.approx(large.sum(), rel=0.05)
    assert np.corrcoef(large.ravel(), small.ravel())[0, 1] > 0.9
