"""Digits as pen strokes, and the canvas that they leave when drawn with a pen of any width."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

Strokes = tuple["npt.NDArray[np.float64]", ...]

CANVAS = 280
_FINER = 2  # drawn so much larger, then averaged, as a browser smooths its edges
_MAX_FILE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class PenDigit:
    """One digit as somebody wrote it.

    Args:
        label: the digit.
        strokes: one array (points, 2) float64 for each stroke: x, and y growing downwards, in any unit.
        writer: who wrote it.
    """

    label: int
    strokes: Strokes
    writer: str


def read_jsonl(path: Path) -> list[PenDigit]:
    """Read a file with one digit a line: ``{"label": 7, "strokes": [[[x, y], ...], ...], "writer": "w1"}``.

    Raises:
        DataError: naming the line that is not of this form; or when the file cannot be read or is too large.
    """
    remedy = 'Give a file with {"label": 0-9, "strokes": [[[x, y], ...], ...], "writer": "..."} on each line.'
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise DataError(f"{path} is too large.", f"At most {_MAX_FILE_BYTES:,} bytes are read.", f"{size:,} bytes")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}.", remedy) from error
    digits = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                digits.append(_pen_digit(json.loads(line)))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
                raise DataError(f"Line {number} of {path} is not a pen digit: {error!r}.", remedy) from error
    return digits


def to_jsonl(digits: Iterable[PenDigit]) -> str:
    """The text that `read_jsonl` reads, coordinates rounded to a tenth."""
    return "".join(
        json.dumps(
            {
                "label": one.label,
                "strokes": [np.round(stroke, 1).tolist() for stroke in one.strokes],
                "writer": one.writer,
            }
        )
        + "\n"
        for one in digits
    )


def from_canvas(objects: Sequence[Mapping[str, Any]]) -> Strokes:
    """The strokes among what was drawn on a canvas, in its pixels; nothing else than lines drawn by hand is taken.

    Args:
        objects: as Fabric.js describes them: ``{"path": [["M", x, y], ["Q", x, y, x, y], ...]}``, each command ending
            with the point that it leads to, and where the middle of it is now, ``left`` and ``top``.
    """
    strokes = []
    for one in objects:
        points = [command[-2:] for command in one.get("path") or [] if len(command) >= 3]
        if points:
            strokes.append(_where_it_is(np.array(points, np.float64), one))
    return tuple(stroke for stroke in strokes if np.isfinite(stroke).all())


def _where_it_is(points: npt.NDArray[np.float64], one: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """The points of a path that may have been moved, stretched and turned since it was drawn."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = np.array(
        [one.get(f"scale{axis}", 1) * (-1 if one.get(f"flip{axis}") else 1) for axis in ("X", "Y")], np.float64
    )
    turn = np.radians(one.get("angle", 0))
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = ((points - middle) * scale) @ np.array([[cosine, sine], [-sine, cosine]])
    now = np.array([one.get("left", middle[0]), one.get("top", middle[1])], np.float64)
    return np.asarray(turned + now)


def by_writers(digits: Sequence[PenDigit], patterns: Sequence[str]) -> list[PenDigit]:
    """The digits of those writers whose name fits one of the `patterns`, such as ``uji[0-3]?``."""
    return [one for one in digits if any(fnmatch.fnmatchcase(one.writer, pattern) for pattern in patterns)]


def _pen_digit(raw: Any) -> PenDigit:
    label, writer = raw["label"], raw.get("writer", "")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label <= 9:
        raise ValueError(f"label {label!r}")
    strokes = tuple(np.array(stroke, np.float64) for stroke in raw["strokes"])
    if not strokes or not all(x.ndim == 2 and x.shape[1] == 2 and len(x) and np.isfinite(x).all() for x in strokes):
        raise ValueError("strokes are lists of [x, y]")
    return PenDigit(label, strokes, str(writer))


def placed(strokes: Strokes, size: float, centre: tuple[float, float] = (0.5, 0.5)) -> Strokes:
    """The strokes scaled and moved onto a canvas of 1 by 1, their aspect ratio kept.

    Args:
        strokes: in any unit.
        size: the longer side of the box around all points, as a share of the canvas.
        centre: where the middle of that box lies, (x, y).
    """
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max((high - low).max(), 1e-9)
    return tuple((stroke - (low + high) / 2) * scale + centre for stroke in strokes)


def drawn(strokes: Strokes, pen: float, side: int = CANVAS) -> npt.NDArray[np.uint8]:
    """What a canvas shows after these strokes: black on white, with a round pen.

    Args:
        strokes: points on a canvas of 1 by 1, from `placed`.
        pen: the line's width in pixels of a canvas of `CANVAS` pixels; it grows with `side`.
        side: pixels of each side.

    Returns:
        (side, side, 4) uint8, opaque.
    """
    full = side * _FINER
    width = pen * full / CANVAS
    image = Image.new("L", (full, full), 255)
    pencil = ImageDraw.Draw(image)
    for stroke in strokes:
        line = [(float(x) * full, float(y) * full) for x, y in stroke]
        pencil.line(line, fill=0, width=max(1, round(width)))
        for x, y in line:  # round ends and joints; Pillow counts the last pixel in
            pencil.ellipse((x - width / 2, y - width / 2, x + width / 2 - 1, y + width / 2 - 1), fill=0)
    grey = np.asarray(image.reduce(_FINER))
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
