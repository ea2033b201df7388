"""Learning curves as Vega-Lite descriptions, their rows of data and the ends of their axes.

The axes are part of the rows, not of the description, so they can change while the chart stays in the browser.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.charts.style import ERROR, INK, QUIET, RUN_COLORS
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PUBLISHED = Message("published")
"""The name of what was printed: its values are drawn as points."""
ACCURACY, LOSS = Message("accuracy"), Message("loss")
TRAINING, VALIDATION = Message("training images"), Message("validation images")
IMAGE_COLORS = INK, ERROR
"""Of a single run on training images, and on validation images."""
_HEIGHT = 280
_AXIS = "axis"
# The name under which Streamlit passes the rows.
_DATA = "source"
# Possible lower ends of the accuracy axis, and round numbers for the upper end of the loss axis.
_FLOORS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_TOPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
# Guessing among ten digits costs a cross-entropy of 2.3.
_GUESSING = 2.5


@dataclass(frozen=True)
class Point:
    """One point of a curve.

    Attributes:
        epoch: the epochs so far.
        across: its place on the horizontal axis: its epoch, or the seconds so far.
        accuracy: 0 to 1; None if it is not known.
        loss: of the same images.
        images: `TRAINING` or `VALIDATION`.
        run: its name.
        ends: of a mean of several runs, the lowest and the highest "accuracy" and "loss".
    """

    epoch: float
    across: float
    accuracy: float | None
    loss: float
    images: str
    run: str
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def series(names: Sequence[str]) -> dict[str, Any]:
    """The colors of several runs: one each, and gray for published figures."""
    own = [name for name in names if name != PUBLISHED]
    colors = dict(zip(own, RUN_COLORS * len(own), strict=False)) | {PUBLISHED: QUIET}
    return {"domain": list(names), "range": [colors[name] for name in names]}


def ends(name: str, points: Sequence[Point], is_over: bool) -> tuple[float, float]:
    """The ends of the vertical axis of "accuracy" or "loss", as round numbers.

    The axis fits the points after the first epoch. If all runs have ended, a run shorter than 2.5 epochs is fitted
    from two fifths of its length. Single outliers, and runs far worse than the best one, are ignored.

    Args:
        name: "accuracy" or "loss".
        points: of all runs.
        is_over: whether all runs have ended.
    """
    runs = [[point for point in points if point.run == run] for run in dict.fromkeys(point.run for point in points)]
    found = [_end_of(name, run, is_over) for run in runs]
    if name == "accuracy":
        return min(found, default=0.0), 1.0
    limit = max(_GUESSING, 4 * min(found, default=0.0))
    return 0.0, max((top for top in found if top <= limit), default=_GUESSING)


def description(name: str, points: Sequence[Point]) -> str:
    """What the curve of one run shows, in one or two sentences for those who cannot see it.

    Args:
        name: "accuracy" or "loss".
        points: of the run, in any order.

    Example:
        >>> description("accuracy", points)
        'Accuracy on training images rises from 12% to 92% in 20 epochs. On validation images it ends at 91%.'
    """
    training, validation = (_values(name, points, images) for images in (TRAINING, VALIDATION))
    if not training:
        return _("{name} on training images: no points yet.", name=_(name.capitalize()))

    def text(value: float) -> str:
        return format_number(value, ".0%" if name == "accuracy" else ".2f")

    (_at, first), (epoch, last) = training[0], training[-1]
    epochs = f"{epoch:.1f}".removesuffix(".0")
    duration = _("1 epoch") if epochs == "1" else _("{epochs:g} epochs", epochs=float(epochs))
    values = {"name": _(name.capitalize()), "first": text(first), "last": text(last), "duration": duration}
    if text(first) == text(last):
        course = _("{name} on training images is {last} after {duration}.", **values)
    elif last > first:
        course = _("{name} on training images rises from {first} to {last} in {duration}.", **values)
    else:
        course = _("{name} on training images falls from {first} to {last} in {duration}.", **values)
    if not validation:
        return course
    return f"{course} {_('On validation images it ends at {last}.', last=text(validation[-1][1]))}"


def _values(name: str, points: Sequence[Point], images: str) -> list[tuple[float, float]]:
    """Epoch and value of the points on these images, by epoch, without those that are no numbers."""
    found = [(point.epoch, getattr(point, name)) for point in points if point.images == images]
    return sorted((epoch, value) for epoch, value in found if value is not None and math.isfinite(value))


def _end_of(name: str, points: Sequence[Point], is_over: bool) -> float:
    reached = max(point.epoch for point in points)
    begin = min(1.0, 0.4 * reached) if is_over else 1.0
    later = [point for point in points if point.epoch > begin]
    values = [x for x in (getattr(point, name) for point in later or points) if x is not None and math.isfinite(x)]
    if not values:
        return 0.0 if name == "accuracy" else _GUESSING
    if name == "accuracy":
        lowest = float(np.quantile(values, 0.02)) if later else 0.0
        return max(floor for floor in _FLOORS if floor <= lowest)
    usual = max(3 * float(np.quantile(values, 0.9)), 0.0 if later else _GUESSING)
    return _round_up(max(value for value in values if value <= usual))


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(value))
    return float(f"{next((top for top in _TOPS if top * scale >= value), 10.0) * scale:.2g}")


def rows(
    name: str, points: Sequence[Point], end: float, height: tuple[float, float], note_width: int | None = None
) -> list[dict[str, Any]]:
    """The rows that `learning_curves` draws.

    Args:
        name: "accuracy" or "loss".
        points: of all runs.
        end: the end of the horizontal axis.
        height: the ends of the vertical axis; points outside are drawn at the edge.
        note_width: the most characters of a line of the note about them; None for a single line.
    """
    low, high = height
    reached: dict[tuple[str, str], float] = {}
    for point in points:
        key = point.run, point.images
        reached[key] = max(point.epoch, reached.get(key, 0.0))
    drawn = []
    is_cut = False
    for point in points:
        value = getattr(point, name)
        if value is None:
            continue
        is_cut |= value > high
        band = [min(max(end, low), high) for end in point.ends[name]] if name in point.ends else [None, None]
        drawn.append(
            {
                "across": point.across,
                "epoch": point.epoch,
                "drawn": min(max(value, low), high) if math.isfinite(value) else high,
                "value": value,
                "images": _(point.images),
                "run": point.run,
                "is_last": reached[point.run, point.images] == point.epoch,
                "note": "",
                "lowest": band[0],
                "highest": band[1],
            }
        )
    note = _("higher values are cut off at {high:g}", high=high) if is_cut else ""
    if note_width is not None:
        note = textwrap.fill(note, note_width)
    corner = {"epoch": 0.0, "value": 0.0, "images": _AXIS, "run": "", "is_last": False}
    drawn.append({**corner, "across": end / 2, "drawn": high, "note": note})
    return [{**row, "low": low, "high": high, "end": end} for row in drawn]


def enlarged(spec: dict[str, Any], font_size: int, has_names: bool = True) -> dict[str, Any]:
    """The description of `learning_curves` for a projector: thick lines, with the names of the runs at their ends.

    Args:
        spec: the description.
        font_size: of the texts, in pixels.
        has_names: whether the names are shown.
    """
    names = {
        "transform": [{"filter": "datum.is_last && datum.images !== 'axis'"}],
        "mark": {"type": "text", "align": "right", "dx": -10, "dy": -1.4 * font_size, "fontSize": font_size},
        "encoding": {"text": {"field": "run", "type": "nominal"}},
    }
    layers = [_with_font(layer, font_size) for layer in spec["layer"]]
    return {**spec, "layer": [*layers, names] if has_names else layers, "config": large_type(font_size)}


def large_type(font_size: int) -> dict[str, Any]:
    """The config of a chart with texts of this size, in pixels, and thick lines."""
    return {
        "line": {"strokeWidth": 5},
        "axis": {"labelFontSize": font_size, "titleFontSize": font_size},
        "legend": {"labelFontSize": font_size, "labelLimit": 0, "symbolSize": 8 * font_size},
    }


def _with_font(layer: dict[str, Any], font_size: int) -> dict[str, Any]:
    """A layer of text with this size; others as they are."""
    mark = layer["mark"]
    is_text = isinstance(mark, dict) and mark["type"] == "text"
    return {**layer, "mark": {**mark, "fontSize": font_size}} if is_text else layer


def learning_curves(
    name: str,
    names: Sequence[str],
    across: str = "epoch",
    shows_validation: bool = False,
    has_legend: bool = True,
    text_color: str = "#31333f",
    height: int = _HEIGHT,
    names_images: bool = True,
) -> dict[str, Any]:
    """Curves of runs, which grow during training, for the data of `rows`.

    Training images are solid lines, validation images dashed lines, and published figures points. Hover anywhere to
    see the values of the nearest point.

    Args:
        name: "accuracy" or "loss".
        names: the runs, one color each. A single run has two colors: for training and for validation images.
        across: the quantity on the horizontal axis.
        shows_validation: whether there are curves of validation images.
        has_legend: whether the accuracy chart has a legend with the names of the runs.
        text_color: of the note about values outside the chart.
        height: in pixels.
        names_images: whether a legend says which curves are of validation images, if there are any.
    """
    is_share = name == "accuracy"
    kinds = [_(TRAINING), _(VALIDATION)] if shows_validation else [_(TRAINING)]
    # In the corner of the chart that curves leave free.
    corner: dict[str, Any] = {"title": None, "orient": "bottom-right" if is_share else "top-right"}
    corner["symbolOpacity"] = 1  # Otherwise its symbols are as pale as the band of several seeds.
    of_images = corner if shows_validation and names_images else None
    is_single = len(names) == 1
    dash = {"domain": kinds, "range": [[1, 0], [5, 4]][: len(kinds)]}
    color = {"field": "run", "scale": series(names), "legend": corner if is_share and has_legend else None}
    if is_single:
        color = {"field": "images", "scale": {"domain": kinds, "range": [*IMAGE_COLORS][: len(kinds)]}}
        color["legend"] = of_images
    is_point = "datum.images !== 'axis'"
    is_curve = f"{is_point} && datum.run !== '{PUBLISHED}'"
    near = {"type": "point", "on": "pointermove,click", "nearest": True, "clear": "pointerout"}
    is_near = {"param": "near", "empty": False}
    value = {"field": "value", "type": "quantitative", "title": _(name), "format": ".2%" if is_share else ".4f"}
    tooltip = [{"field": "run", "type": "nominal", "title": _("run")}] if not is_single else []
    tooltip += [
        {"field": "images", "type": "nominal", "title": _("images")},
        {"field": "across", "type": "quantitative", "title": _(across), "format": ".2f"},
        value,
    ]
    return {
        "height": height,
        "data": {"name": _DATA},
        "params": [
            # Every row has the ends of the axes: the browser gets the description before any row.
            {"name": end, "expr": f"length(data('{_DATA}')) ? data('{_DATA}')[0].{end} : {first}"}
            for end, first in (("low", 0), ("high", 1), ("end", 1))
        ],
        "encoding": {
            "x": {
                "field": "across",
                "type": "quantitative",
                "title": _(across),
                "scale": {"domain": [0, {"expr": "end"}], "nice": False},
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": {
                "field": "drawn",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [{"expr": "low"}, {"expr": "high"}], "nice": False},
                "axis": {"format": ".0%" if is_share else "~g"},
            },
            "color": {"type": "nominal", **color},
        },
        "layer": [
            {  # From the lowest to the highest of several seeds.
                "transform": [{"filter": f"{is_curve} && isValid(datum.lowest)"}],
                "mark": {"type": "area", "clip": True, "opacity": 0.2, "line": False},
                "encoding": {
                    "y": {"field": "lowest", "type": "quantitative"},
                    "y2": {"field": "highest"},
                    "detail": {"field": "images", "type": "nominal"},
                },
            },
            {
                "transform": [{"filter": is_curve}],
                "mark": {"type": "line", "clip": True},
                "encoding": {
                    "strokeDash": {
                        "field": "images",
                        "type": "nominal",
                        "scale": dash,
                        "legend": of_images,
                    },
                },
            },
            {  # Dots at the newest points, since a single point is not a line. Validation images have few points.
                "transform": [{"filter": f"({is_curve} && datum.is_last) || datum.run === '{PUBLISHED}'"}],
                "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
            },
            {
                "transform": [{"filter": "datum.images === 'axis'"}],
                "mark": {"type": "text", "baseline": "top", "dy": 4, "fontSize": 11, "lineBreak": "\n"},
                "encoding": {"text": {"field": "note", "type": "nominal"}, "color": {"value": text_color}},
            },
            {
                "transform": [{"filter": is_point}],
                "mark": "rule",
                "encoding": {
                    "y": None,
                    "color": {"value": QUIET},
                    "opacity": {"condition": {**is_near, "value": 0.7}, "value": 0},
                },
            },
            {
                "transform": [{"filter": is_point}],
                "mark": {"type": "point", "filled": True, "size": 60},
                "params": [{"name": "near", "select": near}],
                "encoding": {
                    "opacity": {"condition": {**is_near, "value": 1}, "value": 0},
                    "tooltip": tooltip,
                },
            },
        ],
    }
