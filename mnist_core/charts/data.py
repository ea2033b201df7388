"""Charts of a data set, as Vega-Lite descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_core.charts.style import ERROR, INK, QUIET, class_axis
from mnist_core.config import IMAGE_SIZE
from mnist_core.data.sources import DIGITS, noun_of
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

BYTES_PER_ROW = 16


def file_bytes(rows: int, kinds: Sequence[str], text_color: str) -> dict[str, Any]:
    """The bytes of a file in rows of sixteen; hover over a byte to see what it means.

    For data with the columns row, column, hex, byte, value, kind, meaning.

    Args:
        rows: the number of rows.
        kinds: the values of the column kind: those of the header first, that of the numbers last.
        text_color: of the hexadecimal digits.
    """
    place = {"type": "ordinal", "axis": None}
    shared = {
        "x": {"field": "column", **place},
        "y": {"field": "row", **place},
        "tooltip": [
            {"field": "byte", "type": "nominal", "title": _("byte")},
            {"field": "hex", "type": "nominal", "title": _("hexadecimal")},
            {"field": "value", "type": "nominal", "title": _("value")},
            {"field": "meaning", "type": "nominal", "title": _("meaning")},
        ],
    }
    colors = [INK, ERROR] * len(kinds)
    return {
        "height": 26 * rows,
        "view": {"stroke": None},
        "encoding": shared,
        "layer": [
            {
                "mark": {"type": "rect", "stroke": None, "cornerRadius": 2},
                "encoding": {
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": list(kinds), "range": [*colors[: len(kinds) - 1], QUIET]},
                        "legend": None,
                    },
                    "opacity": {"condition": {"test": f"datum.kind === '{kinds[-1]}'", "value": 0.15}, "value": 0.45},
                },
            },
            {
                "mark": {"type": "text", "color": text_color, "font": "monospace"},
                "encoding": {"text": {"field": "hex"}, "size": {"value": {"expr": "min(13, width / 26)"}}},
            },
        ],
    }


def class_balance(most: int, parts: Sequence[str], names: Sequence[str] = DIGITS) -> dict[str, Any]:
    """The number of images of each digit, for data with the columns digit, images and part.

    Args:
        most: the largest number.
        parts: the two values of the column part, in the order of the bars.
        names: the ten class names.
    """
    return {
        "height": 240,
        "mark": {"type": "bar", "cornerRadius": 2},
        "encoding": {
            "x": class_axis(names),
            "xOffset": {"field": "part", "sort": [*parts]},
            "y": {
                "field": "images",
                "type": "quantitative",
                "title": None,
                "axis": {"format": ",d"},
                "scale": {"domain": [0, most]},
            },
            "color": {
                "field": "part",
                "type": "nominal",
                "scale": {"domain": [*parts], "range": [INK, ERROR]},
                "legend": {"title": None, "orient": "top"},
            },
            "tooltip": [
                {"field": "digit", "type": "nominal", "title": _(noun_of(names))},
                {"field": "part", "type": "nominal", "title": _("images")},
                {"field": "images", "type": "quantitative", "title": _("count"), "format": ",d"},
            ],
        },
    }


def pixel_values() -> dict[str, Any]:
    """The pixels of an image as gray squares with numbers, for data with the columns row, column, value and scaled."""
    place = {"type": "ordinal", "axis": {"labelOverlap": True, "labelAngle": 0, "ticks": False}, "title": None}
    return {
        "height": 20 * IMAGE_SIZE,
        "encoding": {
            "x": {"field": "column", **place, "scale": {"domain": list(range(IMAGE_SIZE))}},
            "y": {"field": "row", **place, "scale": {"domain": list(range(IMAGE_SIZE))}},
            "tooltip": [
                {"field": "row", "type": "ordinal", "title": _("row")},
                {"field": "column", "type": "ordinal", "title": _("column")},
                {"field": "value", "type": "quantitative", "title": _("value")},
                {"field": "scaled", "type": "quantitative", "title": _("scaled"), "format": ".3f"},
            ],
        },
        "layer": [
            {
                "mark": "rect",
                "encoding": {
                    "color": {
                        "field": "value",
                        "type": "quantitative",
                        "scale": {"domain": [0, 255], "range": ["#eeeeee", "#000000"]},
                        "legend": None,
                    },
                },
            },
            {
                "mark": {"type": "text"},
                "encoding": {
                    "text": {"field": "value", "type": "quantitative"},
                    "size": {"value": {"expr": "min(10, width / 62)"}},
                    "color": {
                        "condition": [
                            {"test": "datum.value > 110", "value": "white"},
                            {"test": "datum.value > 0", "value": "#333333"},
                        ],
                        "value": "#999999",
                    },
                },
            },
        ],
    }


def digit_map(across: tuple[float, float], along: tuple[float, float], names: Sequence[str] = DIGITS) -> dict[str, Any]:
    """Images as points of a plane, each shown as its digit, for data with the columns x, y, digit, index and image.

    The column image holds the URL of a picture, which Vega's tooltip shows.

    Args:
        across: the lowest and the highest x.
        along: the lowest and the highest y.
        names: the ten class names.
    """
    place: dict[str, Any] = {"type": "quantitative", "axis": None}
    look = {"nice": False, "zero": False, "padding": 8}
    return {
        "height": 520,
        "mark": {"type": "text", "fontSize": 11, "fontWeight": "bold"},
        "encoding": {
            "x": {"field": "x", **place, "scale": {"domain": list(across), **look}},
            "y": {"field": "y", **place, "scale": {"domain": list(along), **look}},
            "text": {"field": "digit", "type": "nominal"},
            "color": {
                "field": "digit",
                "type": "nominal",
                "scale": {"domain": list(names), "scheme": "tableau10"},
                "legend": None,
            },
            "tooltip": [
                {"field": "image", "type": "nominal"},  # Vega shows a picture in place of this name.
                {"field": "digit", "type": "nominal", "title": _(noun_of(names))},
                {"field": "index", "type": "nominal", "title": _("index")},
            ],
        },
    }
