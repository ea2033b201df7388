"""Charts of the Learn page, as Vega-Lite descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_core.charts.style import ERROR, INK, QUIET
from mnist_core.charts.training import large_type, series
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEIGHT = 280


def _number(field: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, **more}


def _within(low: float, high: float) -> dict[str, Any]:
    return {"scale": {"domain": [low, high], "nice": False}}


def trend(
    across: str,
    along: str,
    ends: tuple[float, float],
    height: tuple[float, float],
    is_log: bool = False,
    lines: Sequence[str] = (),
    pixels: int | None = None,
    font_size: int | None = None,
) -> dict[str, Any]:
    """One quantity against another, for data with the columns `across`, `along`, name and series.

    Args:
        across: the column on the horizontal axis.
        along: the column on the vertical axis; "accuracy" is shown in percent.
        ends: the ends of the horizontal axis.
        height: the ends of the vertical axis.
        is_log: whether the horizontal axis is logarithmic.
        lines: the values of the column series. Each has its own line and color. Empty for a single line.
        pixels: its height; None for the usual one.
        font_size: of its texts, in pixels, on a projector, without a legend; None for the usual one.
    """
    is_share = along == "accuracy"
    scale = {"domain": list(ends), "nice": False} | ({"type": "log", "base": 2} if is_log else {})
    point: dict[str, Any] = {"size": 60 if font_size is None else 10 * font_size, "filled": True}
    color: dict[str, Any] = {"value": INK}
    if lines:
        # In large type it would cover the lines.
        legend = {"title": None, "orient": "bottom-right"} if is_share and font_size is None else None
        color = {"field": "series", "type": "nominal", "scale": series(lines), "legend": legend}
    return {
        "height": pixels or _HEIGHT,
        "config": {} if font_size is None else large_type(font_size),
        "mark": {"type": "line", "point": point if lines else {**point, "color": INK}},
        "encoding": {
            "color": color,
            "x": _number(across, across, scale=scale, axis={"tickMinStep": 1, "grid": False, "format": "d"}),
            "y": _number(along, **_within(*height), axis={"format": ".0%" if is_share else "~g"}),
            "tooltip": [
                {"field": "name", "type": "nominal", "title": _("network")},
                _number(along, _(along), format=".2%" if is_share else ".3g"),
            ],
        },
    }


def curve_with_point(reach: float, bottom: float, top: float) -> dict[str, Any]:
    """A curve and one point on it, for data with the columns x, y and is_point (whether the row is the point)."""
    return _curve_and_dot(
        _number("x", **_within(-reach, reach), axis={"grid": False}), _number("y", **_within(bottom, top))
    )


def loss_curve(reach: float, top: float) -> dict[str, Any]:
    """A loss over the score of the right digit, with a point on it.

    For data with the columns score, value and is_point (whether the row is the point). Scores are from -reach to reach.
    """
    return _curve_and_dot(
        _number("score", _("score of the right digit"), **_within(-reach, reach), axis={"grid": False}),
        _number("value", **_within(0, top)),
    )


def error_and_slope() -> dict[str, Any]:
    """The error of a neuron over one weight, a point on it and the slope there.

    For data with the columns weight, error and is_point, and two more rows with weight and slope.
    """
    chart = _curve_and_dot(
        _number("weight", _("this weight"), **_within(-1, 1.5), axis={"grid": False}),
        _number("error", _("error"), **_within(0, 2)),
    )
    slope = {
        "transform": [{"filter": "isValid(datum.slope)"}],
        "mark": {"type": "line", "clip": True, "color": ERROR, "strokeWidth": 3},
        "encoding": {"y": _number("slope", _("error"))},
    }
    return {**chart, "height": 220, "layer": [*chart["layer"], slope]}


def _curve_and_dot(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "height": _HEIGHT,
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "transform": [{"filter": "datum.is_point === false"}],
                "mark": {"type": "line", "clip": True, "color": QUIET, "strokeWidth": 2},
            },
            {
                "transform": [{"filter": "datum.is_point === true"}],
                "mark": {"type": "point", "filled": True, "size": 160, "color": INK, "opacity": 1, "clip": True},
            },
        ],
    }


def descent_path(reach: float) -> dict[str, Any]:
    """A loss curve and the steps of gradient descent on it.

    For data with the columns weight, loss and step. A step below 0 marks a row of the curve.
    """
    return {
        "height": _HEIGHT,
        "encoding": {
            "x": _number("weight", _("weight"), **_within(-reach, reach), axis={"grid": False}),
            "y": _number("loss", _("loss"), **_within(0, reach**2)),
        },
        "layer": [
            {
                "transform": [{"filter": "datum.step < 0"}],
                "mark": {"type": "line", "clip": True, "color": QUIET, "strokeWidth": 2},
            },
            {
                "transform": [{"filter": "datum.step >= 0"}],
                "mark": {
                    "type": "line",
                    "clip": True,
                    "color": INK,
                    "strokeWidth": 1,
                    "point": {"filled": True, "size": 70, "color": INK},
                },
                "encoding": {
                    "order": {"field": "step"},
                    "tooltip": [_number("step", _("step")), _number("loss", _("loss"), format=".4f")],
                },
            },
        ],
    }


def classes_with_line(names: Sequence[str], noun: str, is_boundary: bool) -> dict[str, Any]:
    """Points of two classes and a line through or between them.

    For data with the columns width, ink, class and is_line. The rows with is_line are the ends of the line; they have
    no class.

    Args:
        names: the names of the two classes.
        noun: the title of the legend, "digit" or "class".
        is_boundary: whether the line separates the classes. Otherwise it goes through the points of both.
    """
    kind = {
        "field": "class",
        "type": "nominal",
        "scale": {"domain": list(names), "range": [INK, ERROR]},
        "legend": {"title": _(noun), "orient": "top-left"},
    }
    return {
        "height": _HEIGHT,
        "encoding": {
            "x": _number("width", _("width in pixels"), **_within(0, 24), axis={"grid": False}),
            "y": _number("ink", _("inked pixels"), **_within(0, 220)),
        },
        "layer": [
            {
                "transform": [{"filter": "!datum.is_line"}],
                "mark": {"type": "point", "filled": True, "size": 24, "opacity": 0.7, "clip": True, "color": QUIET},
                "encoding": {"color": kind} if is_boundary else {},
            },
            {
                "transform": [{"filter": "datum.is_line"}],
                "mark": {"type": "line", "clip": True, "strokeWidth": 3, "color": QUIET if is_boundary else INK},
            },
        ],
    }


def threshold_histograms(names: Sequence[str], most: int) -> dict[str, Any]:
    """Two histograms and a threshold, for data with the columns value, kind and threshold.

    Args:
        names: the two classes.
        most: the upper end of the vertical axis, a count.
    """
    return {
        "height": _HEIGHT,
        "layer": [
            {
                "mark": {"type": "bar", "opacity": 0.75},
                "encoding": {
                    "x": _number("value", _("value of the test"), bin={"step": 0.04, "extent": [0, 1]}),
                    "y": {
                        "aggregate": "count",
                        "type": "quantitative",
                        "title": _("mushrooms"),
                        "stack": None,
                        **_within(0, most),
                    },
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": list(names), "range": [INK, ERROR]},
                        "legend": {"title": None, "orient": "top-right"},
                    },
                },
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": QUIET},
                "encoding": {"x": _number("threshold", _("value of the test"), aggregate="max", **_within(0, 1))},
            },
        ],
    }
