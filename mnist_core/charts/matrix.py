"""Confusion matrices, and the difference of two, as Plotly figures.

Plotly is imported when the first one is drawn, since the Train page shows none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_core.charts.style import ERROR, INK, rgb
from mnist_core.data.sources import DIGITS, classes_of, noun_of
from mnist_core.language import Message
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import plotly.graph_objects as go

HEIGHT = 400
"""The usual height in pixels."""
READABLE = 4.5
"""The least contrast between a number and its cell, from WCAG 2.2, level AA."""
# Of the class names and of the titles, in pixels.
_FONT_SIZE = 12
# Of a cell with its whole row; the page's background still shows through.
_STRONGEST = 0.9


class _Cell(NamedTuple):
    """A cell: its strength from -1 (all `ERROR`) to 1 (all `INK`), its text and its hover text."""

    strength: float
    text: str
    tooltip: str


def confusion_matrix(
    confusion: npt.NDArray[np.int64],
    texts: Sequence[Sequence[str]],
    classes: Sequence[int],
    colors: tuple[str, str],
    noun: str = "digit",
    chosen: tuple[int, int] | None = None,
    only_errors: bool = False,
    height: int = HEIGHT,
    names: Sequence[str] = DIGITS,
) -> go.Figure:
    """A confusion matrix.

    A cell's color is blue on the diagonal and orange elsewhere. Its strength is the square root of the cell's share
    of its row, so the same share looks the same in every matrix, and rare mistakes are still seen.

    Args:
        confusion: (10, 10) counts, rows are the true digits, columns the answers.
        texts: the text of each cell; a cell without text gets no color.
        classes: the rows and columns to show.
        colors: the page's background and text color, as "#rrggbb".
        noun: the word for a row: "digit" or "class".
        chosen: the true digit and the answer of the cell to frame.
        only_errors: whether to leave out the diagonal.
        height: in pixels.
        names: the ten class names.
    """
    totals = np.maximum(confusion.sum(axis=1), 1)

    def cell(true: int, answer: int) -> _Cell | None:
        if only_errors and true == answer:
            return None
        count, total = int(confusion[true, answer]), int(totals[true])
        share, text = count / total, texts[true][answer]
        strength = share**0.5 if text else 0.0
        tooltip = _(
            "{count:,} of {total:,} images of {true} read as {answer} ({share:.1%})",
            count=count,
            total=total,
            true=names[true],
            answer=names[answer],
            share=share,
        )
        return _Cell(strength if true == answer else -strength, text, tooltip)

    cells = [[cell(true, answer) for answer in classes] for true in classes]
    place = None if chosen is None else (classes.index(chosen[0]), classes.index(chosen[1]))
    return _figure(cells, [names[one] for one in classes], colors, noun, place, height)


def enlarge(figure: go.Figure, font_size: int) -> None:
    """Change a matrix for a wall: its class names get this size, in pixels; numbers so large do not fit into cells."""
    large = {"tickfont_size": font_size, "title_font_size": font_size}
    figure.update_xaxes(**large)
    figure.update_yaxes(**large)
    figure.update_traces(visible=False, selector={"type": "scatter"})
    margin, more = figure.layout.margin, font_size / _FONT_SIZE
    figure.update_layout(margin={"l": more * margin.l, "t": more * margin.t})


def difference_matrix(
    difference: npt.NDArray[np.int64],
    colors: tuple[str, str],
    height: int = HEIGHT,
    names: Sequence[str] = DIGITS,
) -> go.Figure:
    """One confusion matrix minus another: blue where the first has more, orange where the second has.

    Args:
        difference: (10, 10), rows the true digit, columns the answer.
        colors: the page's background and text color, as "#rrggbb".
        height: in pixels.
        names: the ten class names.
    """
    most = max(1, int(abs(difference).max()))

    def cell(true: int, answer: int) -> _Cell:
        count = int(difference[true, answer])
        strength = (abs(count) / most) ** 0.5
        text = f"{count:+d}".replace("-", "−") if count else ""
        tooltip = _(
            "{true} read as {answer}: {difference}",
            true=names[true],
            answer=names[answer],
            difference=text or _("no difference"),
        )
        return _Cell(strength if count > 0 else -strength, text, tooltip)

    digits = classes_of(names)
    cells = [[cell(true, answer) for answer in digits] for true in digits]
    return _figure(cells, [names[digit] for digit in digits], colors, noun_of(names), None, height)


def _figure(
    cells: Sequence[Sequence[_Cell | None]],
    names: Sequence[str],
    colors: tuple[str, str],
    noun: str,
    chosen: tuple[int, int] | None,
    height: int,
) -> go.Figure:
    """Colored cells with numbers. They fill the whole plot area, since the page finds the clicked cell by position."""
    import plotly.graph_objects as go

    ground, text_color = colors
    # Mixed with the page's background. Cells are opaque, so the contrast of their numbers is known.
    ends = [_mixed(ground, color, _STRONGEST) for color in (ERROR, INK)]
    figure = go.Figure(
        go.Heatmap(
            z=[[cell and cell.strength for cell in row] for row in cells],
            x=list(names),
            y=list(names),
            zmin=-1,
            zmax=1,
            colorscale=[[0, ends[0]], [0.5, ground], [1, ends[1]]],
            showscale=False,
            xgap=2,
            ygap=2,
            text=[[cell.tooltip if cell else "" for cell in row] for row in cells],
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
        )
    )
    written = [
        (true, answer, cell.text, _readable(_mixed(ground, ends[cell.strength > 0], abs(cell.strength)), text_color))
        for true, row in zip(names, cells, strict=True)
        for answer, cell in zip(names, row, strict=True)
        if cell and cell.text
    ]
    # The longest text must fit into a cell on a phone.
    longest = max((len(text) for _, _, text, _ in written), default=1)
    figure.add_scatter(
        x=[answer for _, answer, _, _ in written],
        y=[true for true, _, _, _ in written],
        text=[text for _, _, text, _ in written],
        mode="text",
        textfont={"color": [color for _, _, _, color in written], "size": min(13, max(9, 56 // longest))},
        hoverinfo="skip",
        showlegend=False,
    )
    if chosen is not None:
        row, column = chosen
        figure.add_shape(
            type="rect",
            x0=column - 0.46,
            x1=column + 0.46,
            y0=row - 0.46,
            y1=row + 0.46,
            line={"color": text_color, "width": 3},
        )
    axis = {
        "type": "category",
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "tickmode": "array",
        "tickvals": list(names),
        "automargin": False,
        "tickfont": {"color": text_color, "size": _FONT_SIZE},
    }
    title = {"font": {"color": text_color, "size": _FONT_SIZE}, "standoff": 9}
    # Class names need more room than digits; above the columns they are vertical.
    room = 7 * (max(map(len, names)) - 1)
    angle = {"tickangle": -90} if room else {}
    figure.update_xaxes(
        **axis, **angle, side="top", range=[-0.5, len(names) - 0.5], title={"text": _("answer"), **title}
    )
    figure.update_yaxes(
        **axis, range=[len(names) - 0.5, -0.5], title={"text": _("true {noun}", noun=Message(noun)), **title}
    )
    figure.update_layout(
        height=height,
        margin={"l": 44 + room, "r": 4, "t": 40 + room, "b": 4},
        dragmode=False,
        paper_bgcolor=ground,
        plot_bgcolor=ground,
        hoverlabel={"bgcolor": ground, "bordercolor": text_color, "font": {"color": text_color}},
    )
    return figure


def _mixed(ground: str, color: str, strength: float) -> str:
    parts = [round((1 - strength) * a + strength * b) for a, b in zip(rgb(ground), rgb(color), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _readable(cell: str, text: str) -> str:
    """The page's text color if it is readable on the cell; otherwise black or white, whichever is readable."""
    if contrast(cell, text) >= READABLE:
        return text
    return max("#000000", "#ffffff", key=lambda other: contrast(cell, other))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colors "#rrggbb", 1 to 21. Source: WCAG 2."""
    darker, brighter = sorted((_luminance(one), _luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    shares = [part / 255 for part in rgb(color)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
