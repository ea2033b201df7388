"""The panel that draws a run in the browser. It is sent once, and asks `frame_route` for one frame after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts.style import ERROR, INK, QUIET
from pages.widgets.common import live_frame
from pages.widgets.state import saved_runs

if TYPE_CHECKING:
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run

_CODE = Path(__file__).with_suffix(".js")
_STYLE = Path(__file__).with_suffix(".css")

_PANEL = st.components.v2.component(
    "live_panel",
    html=f'<div class="live" style="--ink: {INK}; --error: {ERROR}; --quiet: {QUIET}"></div>',
    css=_STYLE.read_text(),
    js=_CODE.read_text(),
)


def panel(run: Run, previous: Run | None) -> None:
    """The progress of a run, its curves, first layer and answers, as they change; behind them the previous curve."""
    _draw(live_frame.live_run(run, saved_runs.trouble_of(run)).scene(run, previous))


def untrained_panel(config: RunConfig, dataset: Dataset) -> None:
    """The same of a network before it is trained: empty curves, random weights, and guesses."""
    _draw(live_frame.untrained(config, dataset).scene())


def _draw(scene: bytes) -> None:
    with st.container(key="live-panel"):
        # The panel asks for the page when the run has ended, for example; there is nothing else to do then.
        _PANEL(data=scene, key="live-panel-parts", on_outdated_change=lambda: None)
