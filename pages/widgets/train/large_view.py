"""The Train page for a projector: the buttons, the results, the curves, the images and the network."""

from __future__ import annotations

import streamlit as st

from mnist_core import presets
from mnist_core.language import gettext as _
from pages.widgets.common import link_sharing, live, projector, run_picker
from pages.widgets.state import data_sets, editor_state, visitor_runs
from pages.widgets.train import launch


def large_view() -> None:
    """Draw the page, with the network that is in the editor, or that a link has brought."""
    link_sharing.open_link()
    config = editor_state.draft()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{run_picker.escape_markdown(_(presets.title_of(config)))}**", width="content")
        projector.projector_button()
    trouble = st.container()
    with trouble:
        dataset = data_sets.get(config.dataset)
    run = visitor_runs.current_run()
    live.live_view(run, config, dataset, lambda: launch.train_buttons(config, dataset, trouble))
