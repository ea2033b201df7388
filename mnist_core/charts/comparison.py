"""Charts of the Compare page, as Vega-Lite descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_core.charts.style import QUIET
from mnist_core.charts.training import series
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_HEIGHT = 280
ERRORS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""The marks of the vertical axis of `trade_off`. Each is about half of the one before."""

LEAST_ERROR = 0.0005
"""Without any error, a run would be infinitely high on the logarithmic axis of `trade_off`: it is drawn here."""


def trade_off_columns(
    costs: Sequence[float], accuracies: Sequence[float], front: Collection[int]
) -> dict[str, list[float]]:
    """The columns of `trade_off` but the name, a row for each run.

    Args:
        costs: of the runs.
        accuracies: of the runs, 0 to 1.
        front: the places of those that no other run beats.
    """
    return {
        "cost": list(costs),
        "accuracy": list(accuracies),
        "error": [max(1 - accuracy, LEAST_ERROR) for accuracy in accuracies],
        "pareto_front": [at in front for at in range(len(costs))],
    }


def trade_off(
    title: str, chosen: Sequence[str], ends: tuple[float, float], height: tuple[float, float], is_log: bool = False
) -> dict[str, Any]:
    """Accuracy against cost: one point for each run, and a stepped line along the Pareto front.

    For data with the columns name, cost, accuracy, error (1 - accuracy, above 0) and pareto_front (whether no other run
    beats it). The vertical axis is logarithmic in the error. Otherwise one bad run would squeeze the good ones.

    Args:
        title: the name of the cost, with its unit.
        chosen: names of the runs with a color of their own, see `charts.training.series`; the others are gray.
        ends: the ends of the horizontal axis.
        height: the largest error, at the lower end of the vertical axis, and the smallest, at its upper end.
        is_log: whether the horizontal axis is logarithmic.
    """
    is_chosen = {"field": "name", "oneOf": list(chosen)}
    scale = {"domain": list(ends), "nice": False} | ({"type": "log"} if is_log else {})
    across = {"field": "cost", "type": "quantitative", "title": _(title)}
    return {
        "height": _HEIGHT,
        "encoding": {
            "x": across | {"scale": scale, "axis": {"grid": False, "format": "~s", "tickCount": 5}},
            "y": {
                "field": "error",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": list(height), "nice": False, "type": "log"},
                "axis": {"values": list(ERRORS), "labelExpr": "format(1 - datum.value, '.1~%')"},
            },
        },
        "layer": [
            {
                "transform": [{"filter": "datum.pareto_front"}],
                # A run is the best at its cost until a more expensive run is more accurate.
                "mark": {"type": "line", "interpolate": "step-after", "color": QUIET, "strokeDash": [5, 4]},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {
                    "color": {
                        "condition": {
                            "test": is_chosen,
                            "field": "name",
                            "type": "nominal",
                            "scale": series(chosen),
                            "legend": None,
                        },
                        "value": QUIET,
                    },
                    "size": {"condition": {"test": is_chosen, "value": 140}, "value": 60},
                    "tooltip": [
                        {"field": "name", "type": "nominal", "title": _("run")},
                        {"field": "accuracy", "type": "quantitative", "title": _("accuracy"), "format": ".2%"},
                        across | {"format": ",.1~f"},
                    ],
                },
            },
        ],
    }
