"""Choose a network, train it, and watch it learn."""

import streamlit as st

from mnist_core import network, presets
from mnist_core.charts.network import network_diagram
from mnist_core.config import RunConfig
from mnist_core.data import Dataset, splits
from pages.widgets.common import link_sharing, live, live_frame, theme
from pages.widgets.state import data_sets, editor_state, visitor_runs
from pages.widgets.train import editor, launch, network_menu


def show_costs(config: RunConfig, dataset: Dataset | None) -> None:
    """Parameters, time and memory of the run, in one line."""
    images = 60_000
    if dataset is not None:
        parts = splits.split_for(dataset, config)
        images = len(parts.train_indices)
    st.caption(
        f"{network.parameter_count(config):,} parameters to learn · "
        f"about {live_frame.duration_text(launch.expected_seconds(config, images))} · "
        f"{network.training_bytes(config) / 2**20:,.0f} MB"
    )


def show_summary(config: RunConfig) -> None:
    """The layers as Keras lists them."""
    rows = [
        f"| {row.name} | {' x '.join(map(str, row.output_shape))} | {row.parameters:,} |"
        for row in network.summary(config)
    ]
    st.markdown("\n".join(["| Layer | Output | Parameters |", "|:--|:--|--:|", *rows]))


st.title("Build a network, watch it learn")
launch.restore_last_run()
arrival = link_sharing.open_link()
left, right = st.columns([3, 2], gap="large")
with left:
    menu = st.container()
    main = st.container()
with right:
    picture = st.container()
    with st.expander("Layers", icon=":material/tune:"):
        config = editor.layer_controls(editor_state.draft())
    with st.expander("Training settings", icon=":material/speed:"):
        config = editor.section_controls(config, "training")
    with st.expander("Training data", icon=":material/image:"):
        config = editor.section_controls(config, "data")
    editor_state.set_draft(config)
    with st.expander("Layer by layer", icon=":material/table_rows:"):
        show_summary(config)
    editor.keras_program(config)
with menu, st.container(horizontal=True, vertical_alignment="bottom"):
    network_menu.preset_menu(config)
    link_sharing.share_popover(config, arrival)
with main:
    trouble = st.container()
with trouble:
    dataset = data_sets.get(config.dataset)
    run = visitor_runs.current_run()
    is_active = run is not None and run.snapshot.status.is_active
    if not is_active:
        launch.interrupted_runs()
with picture:
    st.markdown(f"**{launch.editor_heading(config, dataset, run)}**")
    st.vega_lite_chart(
        network_diagram(config, theme.text_color()),
        key="diagram",
        alt=f"Diagram of the network in the editor: {presets.layers_of(config)}.",
    )
    show_costs(config, dataset)
    with st.container(horizontal=True):
        network_menu.undo_button(config)
        if run is not None and is_active:
            launch.train_changed_button(config, dataset, run, trouble)
with main:
    live.live_view(run, config, dataset, lambda: launch.train_buttons(config, dataset, trouble))
