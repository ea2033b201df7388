"""One function a picture. They draw what is handed to them and compute nothing about networks.

What stands still is a Plotly figure; what moves is a Vega-Lite description, which the browser keeps while its data
change. Their scales are fixed from the start, so that nothing jumps. The first page has nothing of Plotly's, which
would keep its visitors waiting for another second.

The same thing has the same colour everywhere: `INK` for what the network gets right or speaks for a digit, `ERROR` for
mistakes or what speaks against it. Both are told apart by people who do not tell red from green.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import ACTIVATIONS, CLASSES

if TYPE_CHECKING:
    import numpy.typing as npt
    import plotly.graph_objects as go

    from mnist_core.config import RunConfig

INK = "#2f6fde"
ERROR = "#e07a1f"
QUIET = "#8a94a6"
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
_DIGITS = [str(digit) for digit in range(CLASSES)]
_IS_VALIDATION = "datum.images === 'validation'"
# A column of the network's picture shows so many units at most.
_MOST_DOTS = 9


def live_curve(name: str, epochs: int, top: float, shows_validation: bool) -> dict[str, Any]:
    """A curve that grows, as a Vega-Lite description for data with the columns epoch, `name` and images.

    Args:
        name: the column to draw.
        epochs: where the horizontal axis ends.
        top: where the vertical axis ends.
        shows_validation: whether a second curve, for the validation images, is to be expected.
    """
    names = ["training", "validation"] if shows_validation else ["training"]
    free_corner = "bottom-right" if name == "accuracy" else "top-right"
    return {
        "height": 220,
        "layer": [
            {"mark": {"type": "line", "clip": True}},
            {
                "mark": {"type": "point", "filled": True, "size": 36},
                "transform": [{"filter": _IS_VALIDATION}],
            },
        ],
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "scale": {"domain": [0, epochs], "nice": False},
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": {
                "field": name,
                "type": "quantitative",
                "scale": {"domain": [0, top], "nice": False},
                "title": None,
                "axis": {"format": ".0%" if name == "accuracy" else "~g"},
            },
            "color": {
                "field": "images",
                "type": "nominal",
                "scale": {"domain": names, "range": [INK, ERROR][: len(names)]},
                # Inside, in the corner that the curve leaves free.
                "legend": {"title": None, "orient": free_corner} if shows_validation else None,
            },
            "tooltip": [
                {"field": "images", "type": "nominal"},
                {"field": "epoch", "type": "quantitative", "format": ".2f"},
                {"field": name, "type": "quantitative", "format": ".4f"},
            ],
        },
    }


def live_bars() -> dict[str, Any]:
    """Ten bars that move, as a Vega-Lite description for data with the columns digit, probability and best."""
    return {
        "height": 200,
        "mark": {"type": "bar", "cornerRadius": 2},
        "encoding": {
            "x": {
                "field": "digit",
                "type": "nominal",
                "scale": {"domain": _DIGITS},
                "title": None,
                "axis": {"labelAngle": 0},
            },
            "y": {
                "field": "probability",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "title": None,
                "axis": {"format": ".0%"},
            },
            "color": {
                "field": "best",
                "type": "nominal",
                "scale": {"domain": [True, False], "range": [INK, QUIET]},
                "legend": None,
            },
            "tooltip": [
                {"field": "digit", "type": "nominal"},
                {"field": "probability", "type": "quantitative", "format": ".2%"},
            ],
        },
    }


def network_diagram(config: RunConfig, text_color: str) -> dict[str, Any]:
    """The network from its pixels to its ten answers, as a Vega-Lite description that holds its data.

    A column for each layer, with at most nine of its units drawn.

    Args:
        config: the network.
        text_color: of the words below the columns.
    """
    columns = [("784", "pixels", 784, QUIET)]
    columns += [
        (
            f"{layer.units}",
            ("filters, " if layer.is_convolution else "") + ACTIVATIONS[layer.activation],
            layer.units,
            INK,
        )
        for layer in config.layers
    ]
    columns.append((f"{CLASSES}", "digits", CLASSES, ERROR))
    heights = [_dot_heights(units) for _, _, units, _ in columns]
    lines = [
        {"x": x, "y": a, "x2": x + 1, "y2": b}
        for x in range(len(columns) - 1)
        for a in heights[x]
        for b in heights[x + 1]
    ]
    dots, names, gaps, rates = [], [], [], []
    for x, (count, name, units, color) in enumerate(columns):
        layer = config.layers[x - 1] if 0 < x <= len(config.layers) else None
        shape = "square" if layer and layer.is_convolution else "circle"
        dots += [{"x": x, "y": y, "color": color, "shape": shape, "unit": f"{units} {name}"} for y in heights[x]]
        names.append({"x": x, "count": count, "name": name})
        if units > _MOST_DOTS:
            gaps.append({"x": x, "text": "⋮"})
        if layer and layer.dropout:
            rates.append({"x": x, "text": f"drops {layer.dropout:.0%}"})
    place = {"type": "quantitative", "axis": None}
    across = {"field": "x", **place, "scale": {"domain": [-0.6, len(columns) - 0.4], "nice": False}}
    along = {"field": "y", **place, "scale": {"domain": [-7.2, 6], "nice": False}}

    def words(rows: list[dict[str, Any]], field: str, y: float, **look: Any) -> dict[str, Any]:
        return {
            "data": {"values": rows},
            "mark": {"type": "text", "color": text_color, **look},
            "encoding": {"x": across, "y": {"datum": y, **place}, "text": {"field": field}},
        }

    return {
        "height": 260,
        "view": {"stroke": None},
        "layer": [
            {
                "data": {"values": lines},
                "mark": {"type": "rule", "strokeWidth": 0.6, "color": QUIET, "opacity": 0.35},
                "encoding": {"x": across, "y": along, "x2": {"field": "x2"}, "y2": {"field": "y2"}},
            },
            {
                "data": {"values": dots},
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {
                    "x": across,
                    "y": along,
                    "color": {"field": "color", "type": "nominal", "scale": None},
                    "shape": {"field": "shape", "type": "nominal", "scale": None},
                    "tooltip": {"field": "unit", "type": "nominal", "title": "This column"},
                },
            },
            words(gaps, "text", 0, fontSize=18),
            words(names, "count", -5.7, fontWeight="bold"),
            words(names, "name", -6.6),
            words(rates, "text", 5.4),
        ],
    }


def _dot_heights(units: int) -> list[float]:
    if units <= _MOST_DOTS:
        return [(units - 1) / 2 - place for place in range(units)]
    # A gap in the middle stands for all that are not drawn.
    return [float(place) for place in (4, 3, 2, 1, -1, -2, -3, -4)]


def confusion_matrix(matrix: npt.NDArray[np.float64], texts: list[list[str]], text_color: str) -> go.Figure:
    """A confusion matrix whose cells can be chosen with a click.

    Args:
        matrix: (10, 10), rows are the true digits, columns the answers; it gives the shade.
        texts: what stands in each cell.
        text_color: of the numbers beside the diagonal, where the page's own ground shines through.

    Returns:
        A figure; each selectable point has ``customdata`` ``[true, answer]``. A heatmap sends no selections, so
        transparent squares lie over it.
    """
    import plotly.graph_objects as go

    diagonal = np.eye(CLASSES, dtype=bool)
    right = np.where(diagonal, matrix, np.nan)
    wrong = np.where(diagonal, np.nan, matrix)
    figure = go.Figure()
    for values, color in ((right, INK), (wrong, ERROR)):
        top = float(np.nanmax(values)) or 1.0
        figure.add_heatmap(
            z=values, x=_DIGITS, y=_DIGITS, zmin=0, zmax=top, showscale=False, hoverinfo="skip",
            colorscale=[[0, with_alpha(color, 0.0)], [1, with_alpha(color, 0.85)]], xgap=1, ygap=1,
        )  # fmt: skip
    on_diagonal = [(digit, digit) for digit in range(CLASSES)]
    elsewhere = [(true, answer) for true in range(CLASSES) for answer in range(CLASSES) if true != answer]
    # The diagonal is dark, so its numbers are white.
    for cells, color in ((on_diagonal, "white"), (elsewhere, text_color)):
        figure.add_scatter(
            x=[_DIGITS[answer] for _, answer in cells],
            y=[_DIGITS[true] for true, _ in cells],
            text=[texts[true][answer] for true, answer in cells],
            customdata=[[true, answer] for true, answer in cells],
            mode="markers+text",
            textfont={"size": 11, "color": color},
            marker={"symbol": "square", "size": 30, "opacity": 0, "color": QUIET},
            hovertemplate="a %{customdata[0]} read as %{customdata[1]}<br>%{text}<extra></extra>",
            # Choosing a cell marks it and leaves the other numbers as they are.
            selected={"marker": {"opacity": 0.4}, "textfont": {"color": color}},
            unselected={"marker": {"opacity": 0}, "textfont": {"color": color}},
        )
    # No titles: on a phone the cells need the room. The page says what rows and columns are.
    ends = [-0.5, CLASSES - 0.5]
    figure.update_xaxes(type="category", range=ends, side="top", fixedrange=True, showgrid=False, ticks="")
    figure.update_yaxes(type="category", range=ends[::-1], fixedrange=True, showgrid=False, ticks="")
    figure.update_layout(showlegend=False, height=430, margin=_MARGIN, dragmode=False, clickmode="event+select")
    return figure


def probability_bars(probabilities: npt.NDArray[np.float32], true_digit: int | None = None) -> go.Figure:
    """Ten bars.

    Args:
        probabilities: (10,) in [0, 1].
        true_digit: its bar is drawn in `INK`, and the answer's in `ERROR` where it is another; None for no such.
    """
    import plotly.graph_objects as go

    answer = int(np.argmax(probabilities))
    colors = [QUIET] * CLASSES
    colors[answer] = INK if true_digit in (None, answer) else ERROR
    if true_digit is not None:
        colors[true_digit] = INK
    figure = go.Figure(
        go.Bar(
            x=_DIGITS,
            y=probabilities.tolist(),
            marker={"color": colors},
            hovertemplate="%{x}: %{y:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", fixedrange=True)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_layout(height=220, margin=_MARGIN, showlegend=False)
    return figure


def mosaic(pictures: npt.NDArray[np.float32], columns: int = 4, side: int = 56) -> npt.NDArray[np.uint8]:
    """Signed pictures side by side as one image: `INK` above 0, `ERROR` below, transparent at 0.

    Args:
        pictures: (k, h, w) in [-1, 1].
        columns: pictures in a row.
        side: pixels of each, every value a square.

    Returns:
        (rows * (side + 4), columns * (side + 4), 4) uint8 RGBA.
    """
    scale = np.arange(side) * pictures.shape[1] // side
    large = pictures[:, scale][:, :, scale]
    tiles = np.zeros((*large.shape, 4), np.uint8)
    tiles[..., :3] = np.where((large > 0)[..., None], _rgb(INK), _rgb(ERROR))
    tiles[..., 3] = np.clip(np.abs(large) * 255, 0, 255)
    tiles = np.pad(tiles, ((0, -len(tiles) % columns), (2, 2), (2, 2), (0, 0)))
    rows = len(tiles) // columns
    cell = side + 4
    grid = tiles.reshape(rows, columns, cell, cell, 4).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * cell, columns * cell, 4))


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def with_alpha(color: str, alpha: float) -> str:
    """A colour such as `INK` that lets its ground shine through; `alpha` is 0 for all of it, 1 for nothing."""
    return "rgba({},{},{},{})".format(*_rgb(color), alpha)
