"""Clicks and taps on the cells of a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.widgets.state import controls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Plotly sends no selection for a heatmap. On a touch screen it reports the last hovered point instead of the tapped
# one. So we compute the cell from the position of the click, which browsers also send after a tap. We look the chart
# up at each click, because Streamlit may have mounted it again.
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
            // With a mouse, Plotly replaces the browser's click with its own; after a tap both may arrive.
            const is_repeat = String(cell) === last.cell && event.timeStamp - last.time < 500;
            last = { cell: String(cell), time: event.timeStamp };
            if (!cell.includes(undefined) && !is_repeat) setTriggerValue("cell", cell);
        };
        // Listen before Plotly, which stops some clicks.
        document.addEventListener("click", take, true);
        return () => document.removeEventListener("click", take, true);
    }""",
)


def listen_for_cell_clicks(chart: str, classes: Sequence[int], on_choose: Callable[[int, int], None]) -> None:
    """Call `on_choose` with the row and the column of a cell when it is clicked or tapped.

    Args:
        chart: key of the chart. Its cells must fill the plot area.
        classes: the rows and columns.
        on_choose: called before the next rerun.
    """
    key = f"{chart}-clicks"

    def take() -> None:
        cell = clicked_cell(controls.value_of(key)["cell"], classes)
        if cell is not None:
            on_choose(*cell)

    _LISTEN(data={"chart": chart, "classes": list(classes)}, key=key, on_cell_change=take)


def clicked_cell(sent: Any, classes: Sequence[int]) -> tuple[int, int] | None:
    """The cell in untrusted input from a browser; None if this matrix has no such cell."""
    if not isinstance(sent, (list, tuple)) or len(sent) != 2:
        return None
    if any(type(one) is not int or one not in classes for one in sent):
        return None
    return sent[0], sent[1]
