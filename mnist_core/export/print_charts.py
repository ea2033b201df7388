"""The charts of a run for print, as SVG and PNG: its curves and its confusion matrix.

They are drawn by Matplotlib, without a browser on the server. It is imported when the first chart is drawn, which takes
about 0.25 s and 28 MB. Only its `Figure` is used, not pyplot, whose global state is not for threads.
"""

from __future__ import annotations

import functools
import html
import io
import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mnist_core.charts.style import ERROR, INK, QUIET
from mnist_core.data.sources import DIGITS, classes_of, noun_of
from mnist_core.evaluation.metrics import classes_in
from mnist_core.training.loop import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mnist_core.training import EpochMetrics, Progress

WIDTH: Final = 460
"""The width of every chart in CSS pixels."""

_HEIGHT: Final = 270
_TEXT, _GRID = "#31333f", "#e3e6ec"
_DPI: Final = 96  # CSS pixels per inch
_PNG_SCALE: Final = 2
_LEAST_CELLS: Final = 5  # A matrix of few classes does not get huge cells.
_POINT: Final = 72 / _DPI  # Matplotlib's lengths are in points.
_FONT_SIZE: Final = 12 * _POINT
_MOST_POINTS: Final = 240
# Matplotlib's settings are global, and so is its text layout.
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class PrintChart:
    """A chart that can be saved in two formats.

    Args:
        title: the text for people who cannot see it.
        figure: the Matplotlib figure.
    """

    title: str
    figure: Figure

    def svg(self) -> str:
        """The chart as an ``<svg>`` element to put into a page. The same chart always gives the same text."""
        # The same text each time: no date. A page that asks for nothing: no address.
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        buffer = io.StringIO()
        with _lock:
            self.figure.savefig(buffer, format="svg", metadata=metadata)
        text = buffer.getvalue()
        # A page needs no XML declaration, and no chart contains a link.
        tag, _, content = text[text.index("<svg") :].partition(">")
        tag = tag.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', ' role="img"')
        return f"{tag}><title>{html.escape(self.title)}</title>{content}"

    def png(self) -> bytes:
        """The chart as a PNG file with two pixels for each CSS pixel."""
        buffer = io.BytesIO()
        with _lock:
            self.figure.savefig(buffer, format="png", dpi=_PNG_SCALE * _DPI, metadata={"Software": None})
        return buffer.getvalue()


def curve(name: str, epochs: Sequence[EpochMetrics], points: Sequence[Progress], steps_per_epoch: int) -> PrintChart:
    """The loss or accuracy of a run over the epochs, on the training images and on the validation images.

    Args:
        name: ``"loss"`` or ``"accuracy"``.
        epochs: the finished epochs.
        points: the live curve, at least one point.
        steps_per_epoch: steps in an epoch.
    """
    from matplotlib.patches import Ellipse
    from matplotlib.ticker import MaxNLocator

    shown = thinned(points, _MOST_POINTS)
    training = [(p.epoch - 1 + p.step / steps_per_epoch, float(getattr(p, name))) for p in shown]
    validation = [
        (float(metrics.epoch), float(value))
        for metrics in epochs
        if (value := getattr(metrics, f"validation_{name}")) is not None
    ]
    last = math.ceil(training[-1][0])
    is_accuracy = name == "accuracy"
    top = 1.0 if is_accuracy else max(0.01, 1.05 * max(value for _, value in training + validation))
    left, right, above, below = 52, WIDTH - 16, 28, _HEIGHT - 40
    with _lock:
        figure, axes = _blank(_HEIGHT, left, right, above, below)
        axes.set_xlim(0, last)
        axes.set_ylim(0, top)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:.0%}" if is_accuracy else "{x:g}")
        axes.grid(axis="y", color=_GRID, linewidth=_POINT, clip_on=False)
        axes.set_xlabel("epoch", labelpad=1)
        figure.text(8 / WIDTH, 1 - 14 / _HEIGHT, name.capitalize())
        axes.plot(*zip(*training, strict=True), color=INK, linewidth=1.5 * _POINT, clip_on=False)
        if validation:
            axes.plot(*zip(*validation, strict=True), color=ERROR, linewidth=1.5 * _POINT, clip_on=False)
            size = 6 * last / (right - left), 6 * top / (below - above)
            for place in validation:
                axes.add_patch(Ellipse(place, *size, color=ERROR, linewidth=0, clip_on=False))
            foot = below - 24 if is_accuracy else above + 12
            for row, (text, color) in enumerate((("training", INK), ("validation", ERROR))):
                figure.text((right - 6) / WIDTH, 1 - (foot + 16 * row) / _HEIGHT, text, color=color, ha="right")
    return PrintChart(f"{name.capitalize()} over the epochs", figure)


def confusion(matrix: npt.NDArray[np.int64], names: Sequence[str] = DIGITS) -> PrintChart:
    """A confusion matrix of counts, of the classes and other answers. A cell is darker the larger its share of its row.

    Args:
        matrix: (10, 10), rows are the true classes, columns the answers.
        names: the ten class names.
    """
    from matplotlib.patches import Rectangle

    classes = sorted({*classes_of(names), *classes_in(matrix)})
    matrix, names = matrix[np.ix_(classes, classes)], [names[label] for label in classes]
    room = 7 * (max(map(len, names)) - 1)  # Names of classes need more room than a digit.
    left, above = 60 + room, 44 + room
    side = (WIDTH - 20 - left) / max(len(names), _LEAST_CELLS)
    right, below = left + len(names) * side, above + len(names) * side
    height = below + 8
    with _lock:
        figure, axes = _blank(height, left, right, above, below)
        axes.set_xlim(0, len(names))
        axes.set_ylim(len(names), 0)
        middles = [one + 0.5 for one in range(len(names))]
        axes.set_xticks(middles, names, rotation=90 if room else 0)
        axes.set_yticks(middles, names)
        axes.xaxis.tick_top()
        axes.tick_params(top=False, pad=3)
        figure.text((left + right) / 2 / WIDTH, 1 - 14 / height, "answer", ha="center")
        figure.text(8 / WIDTH, 1 - (above - 8) / height, "true")
        axes.spines[["top", "left"]].set(visible=True, color=QUIET, linewidth=_POINT)
        gap = 1 / side
        for true, row in enumerate(matrix.tolist()):
            for answer, count in enumerate(row):
                share = count / max(sum(row), 1)
                # Ten percent is a lot for a mistake.
                shade = share if answer == true else min(1.0, 10 * share)
                color = (INK if answer == true else ERROR, 0.85 * shade)
                corner = answer + gap / 2, true + gap / 2
                axes.add_patch(Rectangle(corner, 1 - gap, 1 - gap, facecolor=color, linewidth=0, clip_on=False))
                if count:
                    ink = "white" if answer == true and shade > 0.5 else _TEXT
                    axes.text(answer + 0.5, true + 0.5, str(count), color=ink, ha="center", va="center")
    noun = "classes" if noun_of(names) == "class" else "digits"
    return PrintChart(f"Confusion matrix: rows are the true {noun}, columns the answers", figure)


def _blank(height: float, left: float, right: float, above: float, below: float) -> tuple[Figure, Axes]:
    """A white figure with empty axes, whose edges are given in CSS pixels from the top left corner."""
    _set_up()
    from matplotlib.figure import Figure

    figure = Figure((WIDTH / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes(
        (left / WIDTH, 1 - below / height, (right - left) / WIDTH, (below - above) / height), frameon=True
    )
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(left=False, bottom=False, pad=6 * _POINT)
    return figure, axes


@functools.cache
def _set_up() -> None:
    """Import Matplotlib and set its defaults. Nothing else in the project uses it."""
    import matplotlib

    matplotlib.rcParams.update(
        {
            "font.family": "sans-serif",
            "font.size": _FONT_SIZE,
            "axes.labelsize": _FONT_SIZE,
            "xtick.labelsize": _FONT_SIZE,
            "ytick.labelsize": _FONT_SIZE,
            "text.color": _TEXT,
            "axes.labelcolor": _TEXT,
            "xtick.labelcolor": _TEXT,
            "ytick.labelcolor": _TEXT,
            "path.simplify": False,
            "svg.fonttype": "none",  # Text stays text, which can be searched and read aloud.
            "svg.hashsalt": "mnist-playground",  # The same ids each time.
            "text.parse_math": False,
        }
    )
