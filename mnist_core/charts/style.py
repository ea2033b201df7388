"""What charts share: colors, and the axis of the ten classes.

All charts except those of `charts.matrix` are Vega-Lite descriptions. The browser keeps them while their data change.

The same thing has the same color everywhere: `INK` for what is right or speaks for a digit, `ERROR` for mistakes or
what speaks against it. People with red-green color blindness can distinguish the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

INK = "#2f6fde"
ERROR = "#e07a1f"
QUIET = "#8a94a6"
RUN_COLORS = (INK, ERROR, "#008f5f", "#7830fc", "#cc003c", "#a8309c")
"""One for each compared run. All pairs differ with red-green color blindness too, also from `QUIET`."""


def class_axis(names: Sequence[str]) -> dict[str, Any]:
    """The encoding of the axis below ten bars, for the column digit. Longer names are slanted, so that all fit."""
    # Vega leaves out labels that it expects to overlap, as if they were not slanted.
    slanted = {"labelAngle": -45, "labelOverlap": False}
    return {
        "field": "digit",
        "type": "nominal",
        "scale": {"domain": list(names)},
        "title": None,
        "axis": {"labelAngle": 0} if max(map(len, names)) == 1 else slanted,
    }


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue of a color "#rrggbb", 0 to 255 each."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
