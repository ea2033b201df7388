"""Confusion matrices, and the difference of two, as Vega-Lite descriptions. As in `figures`, they compute nothing.

Vega-Lite, because a tap means the cell under the finger, and because the chart stays while its data change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.figures import ERROR, INK, rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

CELL = "cell"
"""The name of the selection: a list with one dictionary of "true" and "answer", both as text."""
READABLE = 4.5
"""The least contrast between a number and its cell, from WCAG 2.2, level AA."""
# Of a cell that holds its whole row; a page's ground still shows through.
_STRONGEST = 0.9


def confusion_cells(
    confusion: npt.NDArray[np.int64],
    texts: Sequence[Sequence[str]],
    classes: Sequence[int],
    colors: tuple[str, str],
    chosen: tuple[int, int] | None = None,
) -> list[dict[str, Any]]:
    """The cells of a confusion matrix, as data for `matrix`.

    A cell's colour is blue on the diagonal and orange elsewhere. Its strength is the square root of the cell's share
    of its row, so the same share looks the same in every matrix, and rare mistakes are still seen.

    Args:
        confusion: (10, 10) counts, rows are the true digits, columns the answers.
        texts: what stands in each cell; one without text gets no colour.
        classes: the rows and columns to show.
        colors: of the page's ground and of its text, as "#rrggbb".
        chosen: the true digit and the answer of the cell that gets a frame.
    """
    totals = np.maximum(confusion.sum(axis=1), 1)
    cells = []
    for true in classes:
        for answer in classes:
            text, count = texts[true][answer], int(confusion[true, answer])
            share = count / int(totals[true])
            color = INK if true == answer else ERROR
            cells.append(
                {
                    **_look(color, share**0.5 if text else 0.0, colors),
                    "true": str(true),
                    "answer": str(answer),
                    "text": text,
                    "told": f"{count:,} of {int(totals[true]):,} images of {true} read as {answer} ({share:.1%})",
                    "is_chosen": (true, answer) == chosen,
                }
            )
    return cells


def difference_cells(difference: npt.NDArray[np.int64], colors: tuple[str, str]) -> list[dict[str, Any]]:
    """The cells of one confusion matrix minus another: blue where the first has more, orange where the second has.

    Args:
        difference: (10, 10), rows the true digit, columns the answer.
        colors: of the page's ground and of its text, as "#rrggbb".
    """
    most = max(1, int(abs(difference).max()))
    return [
        {
            **_look(INK if count > 0 else ERROR, (abs(count) / most) ** 0.5, colors),
            "true": str(true),
            "answer": str(answer),
            "text": f"{count:+d}".replace("-", "−") if count else "",
            "told": f"{true} read as {answer}: {f'{count:+d}'.replace('-', '−') if count else 'no difference'}",
            "is_chosen": False,
        }
        for true, row in enumerate(difference.tolist())
        for answer, count in enumerate(row)
    ]


def matrix(classes: Sequence[int], noun: str = "digit", can_choose: bool = False, height: int = 400) -> dict[str, Any]:
    """A matrix of coloured cells with numbers, for data with the columns true, answer, text, told and the colours.

    Args:
        classes: the rows and columns.
        noun: what a row is called: "digit" or "class".
        can_choose: whether a click chooses a cell, under the name `CELL`.
        height: in pixels.
    """
    names = [str(one) for one in classes]
    axis = {"domain": False, "ticks": False, "grid": False, "labelAngle": 0, "labelFlush": False}
    band = {"domain": names, "paddingInner": 0.04, "paddingOuter": 0}
    # A click on a cell that is chosen already must not unchoose it.
    choice = {"name": CELL, "select": {"type": "point", "fields": ["true", "answer"], "toggle": False, "clear": False}}
    return {
        "height": height,
        "view": {"stroke": None},
        "encoding": {
            "x": {
                "field": "answer",
                "type": "nominal",
                "title": "answer",
                "scale": band,
                "axis": {**axis, "orient": "top"},
            },
            "y": {"field": "true", "type": "nominal", "title": f"true {noun}", "scale": band, "axis": axis},
            "tooltip": {"field": "told", "type": "nominal"},
            "description": {"field": "told", "type": "nominal"},
        },
        "layer": [
            {
                "mark": {"type": "rect", **({"cursor": "pointer"} if can_choose else {})},
                "encoding": {"color": {"field": "color", "type": "nominal", "scale": None}},
                **({"params": [choice]} if can_choose else {}),
            },
            {
                "mark": {"type": "text", **({"cursor": "pointer"} if can_choose else {})},
                "encoding": {
                    "text": {"field": "text", "type": "nominal"},
                    "color": {"field": "text_color", "type": "nominal", "scale": None},
                    # Five characters fit into a cell on a phone.
                    "size": {"value": {"expr": f"min(13, width / {3.2 * len(names)})"}},
                },
            },
            {
                "transform": [{"filter": "datum.is_chosen"}],
                "mark": {"type": "rect", "fillOpacity": 0, "strokeWidth": 3},
                "encoding": {"stroke": {"field": "frame", "type": "nominal", "scale": None}},
            },
        ],
    }


def _look(color: str, strength: float, colors: tuple[str, str]) -> dict[str, str]:
    """A cell's colour, of that strength from 0 to 1 on the page's ground, and one of text that can be read on it."""
    ground, text = colors
    cell = _mixed(ground, color, _STRONGEST * strength)
    return {"color": cell, "text_color": _readable(cell, text), "frame": text}


def _mixed(ground: str, color: str, strength: float) -> str:
    parts = [round((1 - strength) * a + strength * b) for a, b in zip(rgb(ground), rgb(color), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _readable(cell: str, text: str) -> str:
    """The page's text colour if it can be read on the cell, else black or white, one of which always can be."""
    if contrast(cell, text) >= READABLE:
        return text
    return max("#000000", "#ffffff", key=lambda other: contrast(cell, other))


def contrast(one: str, other: str) -> float:
    """How well two colours, "#rrggbb" each, stand out from each other: WCAG's contrast ratio, 1 to 21."""
    darker, brighter = sorted((_luminance(one), _luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    shares = [part / 255 for part in rgb(color)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
