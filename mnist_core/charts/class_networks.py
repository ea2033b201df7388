"""The picture of all networks of a class, as a Vega-Lite description."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from mnist_core.charts.comparison import ERRORS, LEAST_ERROR, trade_off
from mnist_core.charts.style import INK, QUIET, RUN_COLORS
from mnist_core.language import Message
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SELECTION = "spotlight"
"""The name of the selection of a point."""
_ROOM = 1.3
_GOAL = RUN_COLORS[2]
_VALIDATION, _DRAWINGS = Message("validation accuracy"), Message("our drawings")


def networks(
    own: Sequence[str],
    parameters: Sequence[float],
    errors: Sequence[float],
    goal: tuple[float | None, int | None] = (None, None),
    spread: Sequence[tuple[int, float, float]] = (),
    font_size: int = 14,
    height: int = 280,
    can_select: bool = False,
) -> dict[str, Any]:
    """Accuracy against parameters, as in `comparison.trade_off`, for data with its columns and the column run.

    The axes have round ends, so that the picture stays in place while networks learn.

    Args:
        own: the name of the points with a color; empty for none.
        parameters: of all networks.
        errors: 1 - accuracy of all networks.
        goal: the accuracy to reach, 0 to 1, and the most parameters, as lines; None for none.
        spread: of networks that differ in the seed: their parameters, the lowest and the highest accuracy.
        font_size: of all texts, in pixels.
        height: in pixels.
        can_select: whether a point can be selected, as `SELECTION`.
    """
    accuracy, most = goal
    costs = [*parameters, *([most] if most is not None else [])] or [1_000.0, 100_000.0]
    ends = 2.0 ** math.floor(math.log2(min(costs) / _ROOM)), 2.0 ** math.ceil(math.log2(max(costs) * _ROOM))
    wrong = [*errors, *([1 - accuracy] if accuracy is not None else [])] or [0.5, 0.05]
    wrong = [max(one, LEAST_ERROR) for one in wrong]
    # The ticks of the axis are its possible ends.
    low = min((one for one in ERRORS if one >= min(1.0, _ROOM * max(wrong))), default=1.0)
    high = max((one for one in ERRORS if one <= min(wrong) / _ROOM), default=LEAST_ERROR / _ROOM)
    spec = trade_off(Message("parameters"), own, ends, (low, high), is_log=True)
    line, points = spec["layer"]
    line["mark"]["strokeWidth"] = font_size / 7
    points["encoding"]["size"]["condition"]["value"] = 7 * font_size
    points["encoding"]["size"]["value"] = 4 * font_size
    points["encoding"]["tooltip"] = points["encoding"]["tooltip"][1:]  # Nobody is named.
    if can_select:
        points["params"] = [{"name": SELECTION, "select": {"type": "point", "fields": ["run"], "toggle": False}}]
    layers = [*_spread(spread, font_size), *_goal(accuracy, most, font_size), *spec["layer"]]
    axis = {"labelFontSize": font_size, "titleFontSize": font_size}
    return {**spec, "height": height, "layer": layers, "config": {"axis": axis}}


def by_drawings(
    rows: Sequence[Mapping[str, Any]], own: str, font_size: int = 14, height: int = 280, can_select: bool = False
) -> dict[str, Any]:
    """The share of a class's drawings that each network reads right, against its validation accuracy.

    Args:
        rows: of each network: run, name, validation and drawings, both from 0 to 1, and is_best for a larger point.
        own: the name of the points with a color; empty for a color for all.
        font_size: of all texts, in pixels.
        height: in pixels.
        can_select: whether a point can be selected, as `SELECTION`.
    """

    def axis(field: str, title: str) -> dict[str, Any]:
        shares = [row[field] for row in rows] or [0.0]
        # A round end below the lowest, so that the points have room and the picture stays in place.
        low = max(0.0, math.floor(10 * min(shares) - 0.2) / 10)
        return {
            "field": field,
            "type": "quantitative",
            "title": _(title),
            "scale": {"domain": [low, 1], "nice": False, "clamp": True},
            "axis": {"format": ".0%", "tickCount": 4, "labelFontSize": font_size, "titleFontSize": font_size},
        }

    layer: dict[str, Any] = {
        "mark": {"type": "point", "filled": True, "opacity": 0.8},
        "encoding": {
            "x": axis("validation", _VALIDATION),
            "y": axis("drawings", _DRAWINGS),
            "color": {"condition": {"test": f"datum.name === {json.dumps(own)}", "value": INK}, "value": QUIET},
            "size": {"condition": {"test": "datum.is_best", "value": 16 * font_size}, "value": 6 * font_size},
            "tooltip": [
                {"field": "validation", "type": "quantitative", "format": ".1%", "title": _(_VALIDATION)},
                {"field": "drawings", "type": "quantitative", "format": ".1%", "title": _(_DRAWINGS)},
            ],
        },
    }
    if can_select:
        layer["params"] = [{"name": SELECTION, "select": {"type": "point", "fields": ["run"], "toggle": False}}]
    return {"height": height, "data": {"values": list(rows)}, "layer": [layer]}


def _spread(spread: Sequence[tuple[int, float, float]], font_size: int) -> list[dict[str, Any]]:
    if not spread:
        return []
    rows = [
        {"cost": cost, "worst": max(1 - low, LEAST_ERROR), "best": max(1 - high, LEAST_ERROR)}
        for cost, low, high in spread
    ]
    return [
        {
            "data": {"values": rows},
            "mark": {"type": "rule", "strokeWidth": font_size, "opacity": 0.35, "color": QUIET, "strokeCap": "round"},
            "encoding": {"y": {"field": "worst", "type": "quantitative"}, "y2": {"field": "best"}},
        }
    ]


def _goal(accuracy: float | None, most: int | None, font_size: int) -> list[dict[str, Any]]:
    """The lines of the goal."""
    mark = {"type": "rule", "color": _GOAL, "strokeWidth": max(1.5, font_size / 10), "opacity": 0.8}
    lines = []
    if accuracy is not None:
        across = {"x": {"value": 0}, "x2": {"value": "width"}, "y": {"field": "error", "type": "quantitative"}}
        lines.append(
            {"data": {"values": [{"error": max(1 - accuracy, LEAST_ERROR)}]}, "mark": mark, "encoding": across}
        )
    if most is not None:
        up = {"y": {"value": 0}, "y2": {"value": "height"}, "x": {"field": "cost", "type": "quantitative"}}
        lines.append({"data": {"values": [{"cost": most}]}, "mark": mark, "encoding": up})
    return lines
