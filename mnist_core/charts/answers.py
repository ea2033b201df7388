"""Bars of a network's ten answers, as Vega-Lite descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_core.charts.style import ERROR, INK, QUIET, class_axis
from mnist_core.data.sources import DIGITS, noun_of
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_PROBABILITY: Mapping[str, Any] = {
    "field": "probability",
    "type": "quantitative",
    "scale": {"domain": [0, 1]},
    "title": None,
    "axis": {"format": ".0%"},
}


def answer_bars(names: Sequence[str] = DIGITS) -> dict[str, Any]:
    """Ten bars that move, as a Vega-Lite description for data with the columns digit, probability and best.

    Args:
        names: the ten class names.
    """
    return {
        "height": 200,
        "mark": {"type": "bar", "cornerRadius": 2},
        "encoding": {
            "x": class_axis(names),
            "y": dict(_PROBABILITY),
            "color": {
                "field": "best",
                "type": "nominal",
                "scale": {"domain": [True, False], "range": [INK, QUIET]},
                "legend": None,
            },
            "tooltip": [
                {"field": "digit", "type": "nominal", "title": _(noun_of(names))},
                {"field": "probability", "type": "quantitative", "title": _("probability"), "format": ".2%"},
            ],
        },
    }


def checked_answer_bars(names: Sequence[str] = DIGITS) -> dict[str, Any]:
    """Ten bars that stand still, as a Vega-Lite description for data with the columns digit, probability and kind.

    The column kind says what a bar shows: the "right" answer, a "wrong" one, or any "other" digit.

    Args:
        names: the ten class names.
    """
    spec = answer_bars(names)
    spec["encoding"]["color"] = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["right", "wrong", "other"], "range": [INK, ERROR, QUIET]},
        "legend": None,
    }
    return spec


def answers_over_epochs(right: str, wrong: str, end: float) -> dict[str, Any]:
    """Curves of two answers over a run, as a Vega-Lite description for data with the columns epoch, probability, digit.

    Args:
        right: the class name of the right answer, which is blue.
        wrong: that of a wrong one, which is orange.
        end: the end of the axis, in epochs.
    """
    return {
        "height": 160,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "scale": {"domain": [0, end], "nice": False},
                "title": _("epoch"),
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": dict(_PROBABILITY),
            "color": {
                "field": "digit",
                "type": "nominal",
                "scale": {"domain": [right, wrong], "range": [INK, ERROR]},
                "title": None,
            },
            "tooltip": [
                {"field": "digit", "type": "nominal", "title": _("answer")},
                {"field": "epoch", "type": "quantitative", "title": _("epoch"), "format": ".2f"},
                {"field": "probability", "type": "quantitative", "title": _("probability"), "format": ".2%"},
            ],
        },
    }
