"""Choose a network, train it, and watch it learn."""

import streamlit as st

from mnist_core import network
from mnist_core.config import RunConfig
from mnist_core.data import Dataset, splits
from mnist_core.language import gettext as _
from pages.widgets.common import editor, link_sharing, live, projector, run_text
from pages.widgets.state import data_sets, editor_state, visitor_runs
from pages.widgets.train import large_view, launch, network_menu


def show_costs(config: RunConfig, dataset: Dataset | None) -> None:
    """Parameters, time and memory of the run, in one line."""
    images = 60_000
    if dataset is not None:
        parts = splits.split_for(dataset, config)
        images = len(parts.train_indices)
    st.caption(
        _(
            "{parameters:,} parameters to learn · about {duration} · {megabytes:,.0f} MB",
            parameters=network.parameter_count(config),
            duration=run_text.duration_text(launch.expected_seconds(config, images)),
            megabytes=network.training_bytes(config) / 2**20,
        )
    )


def workbench() -> None:
    """The editor, the run, and everything that is known of it, in view at once."""
    header = st.container(key="header", horizontal=True, vertical_alignment="bottom", gap="small")
    arrival = link_sharing.open_link()
    with st.container(key="workbench"):
        left, right = st.columns([5, 3], gap="medium")
    with header:
        st.title(_("Build a network, watch it learn"), width="content")
        menu = st.container(width=240)
        with st.container(width=160):
            config = editor.data_set_menu(editor_state.draft())
        share = st.container(width="content")
        with st.container(width="content"):
            projector.projector_button()
    with right, st.container(key="editor", gap="xsmall"):
        heading = st.container(horizontal=True, vertical_alignment="center")
        config = editor.layer_rows(config)
        with st.container(horizontal=True):
            editor.add_layer_button(config)
            change = st.container(width="content")
        config = editor.main_controls(config)
        with st.container(horizontal=True, gap="xsmall"):
            config = editor.more_settings(config)
            editor.keras_program(config)
        costs = st.container()
        images = st.container()
    editor_state.set_draft(config)
    with menu:
        network_menu.preset_menu(config)
    with share:
        link_sharing.share_popover(config, arrival)
    with left:
        trouble = st.container(gap="xsmall")
    with trouble:
        dataset = data_sets.get(config.dataset)
        run = visitor_runs.current_run()
        is_active = run is not None and visitor_runs.is_network_active(run)
        if not is_active:
            launch.interrupted_runs()
    with heading:
        st.markdown(f"**{launch.editor_heading(config, dataset, run)}**", width="content")
        network_menu.undo_buttons(config)
    with costs:
        show_costs(config, dataset)
    with change:
        if run is not None and is_active:
            launch.train_changed_button(config, dataset, run, trouble)
    with left:
        live.live_view(run, config, dataset, lambda: launch.train_buttons(config, dataset, trouble), images)


launch.restore_last_run()
if projector.is_on():
    large_view.large_view()
else:
    workbench()
