"""The panel that draws a run in the browser, and the feed that sends it new frames.

The panel has the code and is sent once. The feed is a few lines that pass a frame on to it, so a poll sends little more
than the frame.
"""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts.style import ERROR, INK, QUIET
from pages.widgets.common import live_frame

if TYPE_CHECKING:
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot

_CODE = Path(__file__).with_suffix(".js")
_STYLE = Path(__file__).with_suffix(".css")

_PANEL = st.components.v2.component(
    "live_panel",
    html=f'<div class="live" style="--ink: {INK}; --error: {ERROR}; --quiet: {QUIET}"></div>',
    css=_STYLE.read_text(),
    js=_CODE.read_text(),
)
_FEED = st.components.v2.component(
    "live_feed",
    js="""export default function ({ data }) {
        window.liveFrame = data;
        window.dispatchEvent(new Event("live-frame"));
    }""",
)


def panel(run: Run) -> None:
    """The curves, the first layer and the answers of a run. They change with each call of `feed`."""
    with st.container(key="live-panel"):
        # The browser asks for the page again when no frame has come for too long; there is nothing else to do then.
        _PANEL(data=live_frame.scene(run), key="live-panel-parts", on_stale_change=lambda: None)


def feed(run: Run, shot: Snapshot) -> None:
    """Send a snapshot of the run to the panel."""
    # The time behind the frame: the browser would take no notice of the same bytes twice, nor that polls still come.
    _FEED(data=live_frame.frame(run, shot) + struct.pack("<d", time.monotonic()), key="live-feed")
