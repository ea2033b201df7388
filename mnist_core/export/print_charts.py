"""A run's figures for paper, as SVG and as PNG: its curves and its confusion matrix.

The pages draw theirs in the browser, and a browser inside the server would take more memory than a run. These few
lines, boxes and words are drawn here, in the colours of `figures`.
"""

from __future__ import annotations

import html
import io
import math
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from mnist_core.charts.style import ERROR, INK, QUIET
from mnist_core.config import CLASSES
from mnist_core.training.loop import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from mnist_core.training import EpochMetrics, Progress

WIDTH: Final = 460
"""Of every figure, in pixels of a screen."""

_HEIGHT = 270
_TEXT, _PALE = "#31333f", "#e3e6ec"
_FONT = 12
# A PNG has so many pixels for each of the figure's, and is drawn at twice that so that its edges are smooth.
_SCALE, _FINER = 2, 2
_ANCHORS = {"start": "l", "middle": "m", "end": "r"}
_MOST_POINTS = 240

Point = tuple[float, float]


class Sheet:
    """A white sheet with a few marks on it, to be had in two formats.

    Args:
        title: what it shows, for those who cannot see it.
        height: in pixels, as `WIDTH` is.
    """

    def __init__(self, title: str, height: int) -> None:
        self.title = title
        self.height = height
        self._tags: list[str] = []
        fine = _SCALE * _FINER
        self._picture = Image.new("RGB", (WIDTH * fine, height * fine), "white")
        self._pen = ImageDraw.Draw(self._picture)
        self._fine = fine

    def line(self, points: Sequence[Point], color: str, width: float = 1.0) -> None:
        """A line through points, each (x, y) from the top left corner."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._tags.append(f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width:g}"/>')
        fine = [(x * self._fine, y * self._fine) for x, y in points]
        self._pen.line(fine, color, round(width * self._fine), joint="curve")

    def box(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """A filled box; `x` and `y` are its top left corner."""
        self._tags.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>')
        corners = [side * self._fine for side in (x, y, x + width, y + height)]
        self._pen.rectangle([corners[0], corners[1], corners[2] - 1, corners[3] - 1], color)

    def dot(self, x: float, y: float, color: str) -> None:
        """A small disc with its middle at (x, y)."""
        self._tags.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')
        self._pen.ellipse([self._fine * side for side in (x - 3, y - 3, x + 3, y + 3)], color)

    def words(self, x: float, y: float, text: str, anchor: str = "middle", color: str = _TEXT) -> None:
        """A line of text; at `x` it has its ``"start"``, ``"middle"`` or ``"end"``, at `y` the foot of its letters."""
        self._tags.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{html.escape(text)}</text>'
        )
        font = ImageFont.load_default(_FONT * self._fine)
        self._pen.text((x * self._fine, y * self._fine), text, color, font, anchor=f"{_ANCHORS[anchor]}s")

    def svg(self) -> str:
        """The sheet as SVG, which can stand in a page as it is."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
            f'height="{self.height}" role="img" font-family="sans-serif" font-size="{_FONT}">'
            f'<title>{html.escape(self.title)}</title><rect width="100%" height="100%" fill="white"/>'
            f"{''.join(self._tags)}</svg>"
        )

    def png(self) -> bytes:
        """The sheet as PNG, twice as wide and high in pixels as it is meant to be shown."""
        buffer = io.BytesIO()
        size = (WIDTH * _SCALE, self.height * _SCALE)
        self._picture.resize(size, Image.Resampling.LANCZOS).save(buffer, "PNG", dpi=(192, 192))
        return buffer.getvalue()


def curve(name: str, epochs: Sequence[EpochMetrics], points: Sequence[Progress], steps_per_epoch: int) -> Sheet:
    """How a run's loss or accuracy went, on the images that it learned from and on its validation images.

    Args:
        name: ``"loss"`` or ``"accuracy"``.
        epochs: the finished epochs.
        points: the live curve, one point at least.
        steps_per_epoch: how many steps an epoch has.
    """
    shown = thinned(points, _MOST_POINTS)
    training = [(p.epoch - 1 + p.step / steps_per_epoch, float(getattr(p, name))) for p in shown]
    validation = [
        (float(metrics.epoch), float(value))
        for metrics in epochs
        if (value := getattr(metrics, f"validation_{name}")) is not None
    ]
    last = math.ceil(training[-1][0])
    top = 1.0 if name == "accuracy" else max(0.01, 1.05 * max(value for _, value in training + validation))
    sheet = Sheet(f"{name.capitalize()} over the epochs", _HEIGHT)
    left, right, above, below = 52, WIDTH - 16, 28, _HEIGHT - 40

    def place(point: Point) -> Point:
        return left + point[0] / last * (right - left), below - min(point[1] / top, 1.0) * (below - above)

    sheet.words(8, 14, name.capitalize(), "start")
    for value in _ticks(top):
        y = place((0, value))[1]
        sheet.line([(left, y), (right, y)], _PALE)
        sheet.words(left - 6, y + 4, f"{value:.0%}" if name == "accuracy" else f"{value:g}", "end")
    for epoch in _ticks(last):
        if epoch == int(epoch):
            sheet.words(place((epoch, 0))[0], below + 17, f"{epoch:g}")
    sheet.words((left + right) / 2, _HEIGHT - 6, "epoch")
    sheet.line([place(point) for point in training], INK, 1.5)
    for point in validation:
        sheet.dot(*place(point), ERROR)
    if validation:
        sheet.line([place(point) for point in validation], ERROR, 1.5)
        foot = below - 24 if name == "accuracy" else above + 12
        for row, (text, color) in enumerate((("training", INK), ("validation", ERROR))):
            sheet.words(right - 6, foot + 16 * row, text, "end", color)
    return sheet


def confusion(matrix: npt.NDArray[np.int64]) -> Sheet:
    """A confusion matrix of counts; a cell is the darker the larger its share of its true digit.

    Args:
        matrix: (10, 10), rows the true digits, columns the answers.
    """
    side, left, above = 38, 60, 44
    sheet = Sheet("Confusion matrix: rows are the true digits, columns the answers", above + CLASSES * side + 8)
    sheet.words(left + CLASSES * side / 2, 14, "answer")
    sheet.words(8, above - 8, "true", "start")
    for true, row in enumerate(matrix.tolist()):
        sheet.words(left + (true + 0.5) * side, above - 8, str(true))
        sheet.words(left - 10, above + (true + 0.5) * side + 4, str(true), "end")
        for answer, count in enumerate(row):
            share = count / max(sum(row), 1)
            # Of mistakes a tenth is a lot.
            shade = share if answer == true else min(1.0, 10 * share)
            color = _mixed(INK if answer == true else ERROR, 0.85 * shade)
            sheet.box(left + answer * side + 0.5, above + true * side + 0.5, side - 1, side - 1, color)
            if count:
                ink = "#ffffff" if answer == true and shade > 0.5 else _TEXT
                sheet.words(left + (answer + 0.5) * side, above + (true + 0.5) * side + 4, str(count), color=ink)
    sheet.line([(left, above), (left + CLASSES * side, above)], QUIET)
    sheet.line([(left, above), (left, above + CLASSES * side)], QUIET)
    return sheet


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 to `top`, four to eleven of them."""
    size = 10 ** math.floor(math.log10(top))
    step = next(size * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if top / (size * part) < 8)
    return [float(f"{step * i:.6g}") for i in range(int(top / step * 1.0001) + 1)]


def _mixed(color: str, share: float) -> str:
    """A colour on white, so much of it."""
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in parts)
