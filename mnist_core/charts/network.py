"""Pictures of a network: its layers as a diagram, and what is inside as signed images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.charts.style import ERROR, INK, QUIET, rgb
from mnist_core.config import ACTIVATIONS, CLASSES
from mnist_core.data.sources import SOURCES, noun_of
from mnist_core.language import format_number
from mnist_core.language import gettext as _

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.config import RunConfig

# The most units that a column of the diagram shows.
_MOST_DOTS = 10


def network_diagram(config: RunConfig, text_color: str) -> dict[str, Any]:
    """The network from its pixels to its ten answers, as a Vega-Lite description that holds its data.

    A column for each layer, with at most nine of its units drawn.

    Args:
        config: the network. The last column has "digits" or "classes" below it, as its data set has.
        text_color: of the text below the columns.
    """
    columns = [("784", "pixels", 784, QUIET)]
    columns += [
        (
            f"{layer.units}",
            (_("filters") + "\n" if layer.is_convolution else "")
            + _(ACTIVATIONS[layer.activation].label).replace(" ", "\n"),
            layer.units,
            INK,
        )
        for layer in config.layers
    ]
    source = SOURCES.get(config.dataset)
    is_digits = source is not None and noun_of(source.class_names) == "digit"  # An upload may have any ten classes.
    columns.append((f"{CLASSES}", _("digits") if is_digits else _("classes"), CLASSES, ERROR))
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
        unit = f"{units} {name}".replace("\n", " ")
        dots += [{"x": x, "y": y, "color": color, "shape": shape, "unit": unit} for y in heights[x]]
        names.append({"x": x, "count": count, "name": name})
        if units > _MOST_DOTS:
            gaps.append({"x": x, "text": "⋮"})
        if layer and layer.dropout:
            rates.append({"x": x, "text": _("dropout") + "\n" + format_number(layer.dropout, ".0%")})
    place = {"type": "quantitative", "axis": None}
    across = {"field": "x", **place, "scale": {"domain": [-0.6, len(columns) - 0.4], "nice": False}}
    along = {"field": "y", **place, "scale": {"domain": [-8.8, 6.6], "nice": False}}

    def words(rows: list[dict[str, Any]], field: str, y: float, **look: Any) -> dict[str, Any]:
        return {
            "data": {"values": rows},
            # On several lines, so that the words of many layers stay apart.
            "mark": {"type": "text", "color": text_color, "lineBreak": "\n", "lineHeight": 12, **look},
            "encoding": {"x": across, "y": {"datum": y, **place}, "text": {"field": field}},
        }

    return {
        "height": 280,
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
                    "tooltip": {"field": "unit", "type": "nominal", "title": _("This column")},
                },
            },
            words(gaps, "text", 0, fontSize=18),
            words(names, "count", -5.7, fontWeight="bold"),
            words(names, "name", -6.6),
            words(rates, "text", 6.0, fontSize=10),
        ],
    }


def _dot_heights(units: int) -> list[float]:
    if units <= _MOST_DOTS:
        return [(units - 1) / 2 - place for place in range(units)]
    # A gap in the middle stands for the units that are not drawn.
    return [float(place) for place in (4, 3, 2, 1, -1, -2, -3, -4)]


def signed_mosaic(pictures: npt.NDArray[np.float32], columns: int = 4, side: int = 56) -> npt.NDArray[np.uint8]:
    """Signed pictures in a grid, as one image: `INK` above 0, `ERROR` below, transparent at 0.

    Args:
        pictures: (k, h, w) in [-1, 1].
        columns: pictures in a row.
        side: the width of a picture in pixels; each value is a square.

    Returns:
        (rows * (side + 4), columns * (side + 4), 4) uint8 RGBA.
    """
    scale = np.arange(side) * pictures.shape[1] // side
    large = pictures[:, scale][:, :, scale]
    tiles = np.zeros((*large.shape, 4), np.uint8)
    tiles[..., :3] = np.where((large > 0)[..., None], rgb(INK), rgb(ERROR))
    tiles[..., 3] = np.clip(np.abs(large) * 255, 0, 255)
    tiles = np.pad(tiles, ((0, -len(tiles) % columns), (2, 2), (2, 2), (0, 0)))
    rows = len(tiles) // columns
    cell = side + 4
    grid = tiles.reshape(rows, columns, cell, cell, 4).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * cell, columns * cell, 4))
