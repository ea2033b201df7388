"""The histogram of the votes of a class, as a Vega-Lite description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_core.charts.style import INK, QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence


def histogram(
    letters: Sequence[str], votes: Sequence[str], most: int, text_color: str, font_size: int, height: int
) -> dict[str, Any]:
    """Bars for each choice, one for each vote, with the counts above them.

    For data with the columns letter, vote and count.

    Args:
        letters: the choices, from left to right.
        votes: the names of the votes; the bars of the last one are coloured.
        most: the highest count that fits.
        text_color: of the counts.
        font_size: of all texts, in pixels.
        height: of the bars, in pixels.
    """
    colors = {"domain": list(votes), "range": [QUIET, INK][-len(votes) :]}
    legend = {
        "title": None,
        "orient": "top",
        "labelFontSize": font_size,
        "labelLimit": 0,
        "columns": 1,
        "symbolSize": 10 * font_size,
    }
    place: dict[str, Any] = {
        "x": {
            "field": "letter",
            "type": "nominal",
            "sort": None,
            "scale": {"domain": list(letters)},
            "title": None,
            "axis": {"labelAngle": 0, "labelFontSize": font_size, "ticks": False, "domain": True},
        },
        "xOffset": {"field": "vote", "type": "nominal", "scale": {"domain": list(votes)}},
        "y": {
            "field": "count",
            "type": "quantitative",
            "title": None,
            "axis": None,
            "scale": {"domain": [0, max(most, 1)], "nice": False},
        },
    }
    return {
        "height": height,
        "padding": {"top": round(1.6 * font_size)},
        "encoding": place,
        "layer": [
            {
                "mark": {"type": "bar", "clip": False},
                "encoding": {
                    "color": {
                        "field": "vote",
                        "type": "nominal",
                        "scale": colors,
                        "legend": legend if len(votes) > 1 else None,
                    }
                },
            },
            {
                "mark": {"type": "text", "dy": -0.7 * font_size, "fontSize": font_size, "color": text_color},
                "encoding": {"text": {"field": "count", "type": "quantitative"}},
            },
        ],
        "config": {"view": {"stroke": None}},
    }
