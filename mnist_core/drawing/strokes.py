"""Read and write digits as pen strokes, and render them as a canvas would."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.errors import DataError, DrawingError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

Strokes = tuple["npt.NDArray[np.float64]", ...]

CANVAS = 280
MAX_POINTS = 20_000
"""Most points of one drawing on the canvas. A minute of scribbling gives about 4,000."""
_FINER = 2  # rendered at this scale, then averaged to smooth the edges as a browser does
_FARTHEST = 1e6  # in pixels; a canvas has 280
_MAX_FILE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class PenDigit:
    """A digit as pen strokes.

    Args:
        label: the digit.
        strokes: for each stroke (points, 2) float64: x to the right, y downwards, in any unit.
        writer: the name of the writer.
    """

    label: int
    strokes: Strokes
    writer: str


def read_jsonl(path: Path) -> list[PenDigit]:
    """Read a file with one digit per line: ``{"label": 7, "strokes": [[[x, y], ...], ...], "writer": "w1"}``.

    Raises:
        DataError: a line has another form, or the file cannot be read or is too large.
    """
    remedy = 'Give a file with {"label": 0-9, "strokes": [[[x, y], ...], ...], "writer": "..."} on each line.'
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise DataError(
                Message("{path} is too large.", path=path),
                Message("At most {most:,} bytes are read.", most=_MAX_FILE_BYTES),
                Message("{size:,} bytes", size=size),
            )
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(Message("{path} cannot be read as text: {error}.", path=path, error=error), remedy) from error
    digits = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                digits.append(_pen_digit(json.loads(line)))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
                raise DataError(
                    Message(
                        "Line {number} of {path} is not a pen digit: {error}.",
                        number=number,
                        path=path,
                        error=repr(error),
                    ),
                    remedy,
                ) from error
    return digits


def to_jsonl(digits: Iterable[PenDigit]) -> str:
    """Return digits as text in the format of `read_jsonl`, with coordinates rounded to a tenth."""
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


def from_canvas(drawing: object) -> Strokes:
    """Return the strokes drawn on a canvas, in its pixels. Shapes other than freehand lines have none.

    Args:
        drawing: the JSON of Fabric.js: ``{"objects": [{"path": [["M", x, y], ["Q", x, y, x, y], ...]}, ...]}``. Each
            command ends with its end point; ``left`` and ``top`` are the present middle of the path. None for a canvas
            that has not been used.

    Raises:
        DrawingError: `drawing` has another form, a coordinate is not a number or too large, or there are more than
            `MAX_POINTS` points.
    """
    if drawing is None:
        return ()
    objects = drawing.get("objects", []) if isinstance(drawing, dict) else None
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise _unreadable()
    paths = [(one, one.get("path") or []) for one in objects]
    for _, path in paths:
        if not isinstance(path, list) or not all(isinstance(command, list) for command in path):
            raise _unreadable()
    count = sum(len(path) for _, path in paths)
    if count > MAX_POINTS:
        what = f"The drawing has more than {MAX_POINTS:,} points."
        raise DrawingError(what, "Draw with fewer or shorter lines.", Message("{count:,} points", count=count))
    strokes = []
    for one, path in paths:
        points = [[_number(value) for value in command[-2:]] for command in path if len(command) >= 3]
        if points:
            strokes.append(_transformed(np.array(points, np.float64), one))
    return tuple(strokes)


def _transformed(points: npt.NDArray[np.float64], one: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Apply a path's move, scaling and rotation since it was drawn to its points."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = np.array([_number(one.get(f"scale{axis}", 1)) * (-1 if one.get(f"flip{axis}") else 1) for axis in "XY"])
    turn = np.radians(_number(one.get("angle", 0)))
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = ((points - middle) * scale) @ np.array([[cosine, sine], [-sine, cosine]])
    now = np.array([_number(one.get("left", middle[0])), _number(one.get("top", middle[1]))])
    return np.asarray(turned + now)


def _number(value: object) -> float:
    """Check a number of a canvas's JSON. The limit prevents overflows in later sums and products."""
    # NaN fails the comparison, too.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _FARTHEST:
        raise _unreadable()
    return float(value)


def _unreadable() -> DrawingError:
    return DrawingError("The drawing cannot be read.", "Clear the canvas and draw again.")


def select_writers(digits: Sequence[PenDigit], patterns: Sequence[str]) -> list[PenDigit]:
    """Return the digits of the writers whose name matches one of the `patterns`, such as ``uji[0-3]?``."""
    return [one for one in digits if any(fnmatch.fnmatchcase(one.writer, pattern) for pattern in patterns)]


def _pen_digit(raw: Any) -> PenDigit:
    label, writer = raw["label"], raw.get("writer", "")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label <= 9:
        raise ValueError(f"label {label!r}")
    strokes = tuple(np.array(stroke, np.float64) for stroke in raw["strokes"])
    if not strokes or not all(x.ndim == 2 and x.shape[1] == 2 and len(x) and np.isfinite(x).all() for x in strokes):
        raise ValueError("strokes are lists of [x, y]")
    return PenDigit(label, strokes, str(writer))


def fit_to_canvas(strokes: Strokes, size: float, centre: tuple[float, float] = (0.5, 0.5)) -> Strokes:
    """Scale and move strokes onto a canvas of 1 by 1, keeping their aspect ratio.

    Args:
        strokes: the strokes, in any unit.
        size: the longer side of the box around all points, as a share of the canvas.
        centre: the middle of that box, (x, y).
    """
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max((high - low).max(), 1e-9)
    return tuple((stroke - (low + high) / 2) * scale + centre for stroke in strokes)


def render(strokes: Strokes, pen: float, side: int = CANVAS) -> npt.NDArray[np.uint8]:
    """Render strokes as a canvas does: black on white, with a round pen.

    Args:
        strokes: points on a canvas of 1 by 1, from `fit_to_canvas`.
        pen: the line width in pixels of a canvas with `CANVAS` pixels; it is scaled with `side`.
        side: width and height of the image in pixels.

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
        for x, y in line:  # round ends and joints; Pillow includes the last pixel
            pencil.ellipse((x - width / 2, y - width / 2, x + width / 2 - 1, y + width / 2 - 1), fill=0)
    grey = np.asarray(image.reduce(_FINER))
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
