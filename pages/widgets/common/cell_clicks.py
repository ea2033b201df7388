"""Clicks and taps on the cells of a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.widgets.state import controls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Plotly sends no selection for a heatmap, and on a touch screen it takes the point that was hovered last for the one
# that is tapped. So the cell is taken from the place of the click, which browsers send after a tap too. The chart is
# looked up at the click: Streamlit may have mounted it again.
_LISTEN = st.components.v2.component(
    "cell_clicks",
    js="""export default function ({ data, setTriggerValue }) {
        let last = { cell: "", time: 0 };
        const take = event => {
            const { clientX: x, clientY: y } = event;
            const chart = document.querySelector(`.st-key-${data.chart}`);
            const plot = chart?.querySelector(".nsewdrag");
            if (!plot || !chart.contains(document.elementFromPoint(x, y))) return;
            const { left, top, width, height } = plot.getBoundingClientRect();
            const count = data.classes.length;
            const column = Math.floor(count * (x - left) / width);
            const row = Math.floor(count * (y - top) / height);
            const cell = [data.classes[row], data.classes[column]];
            // With a mouse, Plotly replaces the browser's click by one of its own; after a tap, both may come.
            const is_repeat = String(cell) === last.cell && event.timeStamp - last.time < 500;
            last = { cell: String(cell), time: event.timeStamp };
            if (!cell.includes(undefined) && !is_repeat) setTriggerValue("cell", cell);
        };
        // Before Plotly, which keeps some clicks to itself.
        document.addEventListener("click", take, true);
        return () => document.removeEventListener("click", take, true);
    }""",
)


def listen_for_cell_clicks(chart: str, classes: Sequence[int], on_choose: Callable[[int, int], None]) -> None:
    """Call `on_choose` with the true digit and the answer of a cell that is clicked or tapped.

    Args:
        chart: the key of the chart, whose plot area is filled by the rows and the columns.
        classes: the rows and columns.
        on_choose: called before the page is shown again.
    """
    key = f"{chart}-clicks"

    def take() -> None:
        cell = clicked_cell(controls.chosen(key)["cell"], classes)
        if cell is not None:
            on_choose(*cell)

    _LISTEN(data={"chart": chart, "classes": list(classes)}, key=key, on_cell_change=take)


def clicked_cell(sent: Any, classes: Sequence[int]) -> tuple[int, int] | None:
    """The cell that the browser has sent; None if it is no cell of this matrix, since a browser may send anything."""
    if not isinstance(sent, (list, tuple)) or len(sent) != 2:
        return None
    if any(type(one) is not int or one not in classes for one in sent):
        return None
    return sent[0], sent[1]
