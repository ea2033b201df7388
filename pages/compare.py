"""Compare runs: a table, their curves in one chart, and races."""

import streamlit as st

from mnist_core.language import gettext as _
from pages.widgets.common import projector, segments
from pages.widgets.compare import overlay, race, run_card, run_table
from pages.widgets.state import controls, data_sets, editor_state, recovery, saved_runs


def show_runs(rows: list[run_table.Row]) -> None:
    """The table of runs, buttons for the chosen ones, and charts that compare them."""
    run_card.deletion_notice()
    saved_runs.storage_notices()
    if not rows:
        st.info(_("You have not trained a network yet. It takes a few seconds."), icon=":material/info:")
        with st.container(horizontal=True):
            if st.button(_("Train one"), icon=":material/play_circle:", type="primary"):
                st.switch_page("pages/train.py")
            st.button(_("Race several"), icon=":material/sports_score:", on_click=go_to_race)
        return
    shown, chosen = run_table.runs_table(rows)
    if len(chosen) == 1:
        run_card.run_buttons(chosen[0].runs)
        run_card.run_details(chosen[0])
    overlay.chosen_runs_view(shown, chosen)
    if len(chosen) > 1:
        run_card.run_buttons([run for row in chosen for run in row.runs])


def go_to_race() -> None:
    """Switch to the race in the next rerun."""
    controls.set_value("compare-view", race.VIEW)


with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(_("Compare runs"), width="content")
    switch = st.container(width="content")
first = race.VIEW if race.is_race_in_address() else run_table.VIEW
view = segments.segmented_choice(_("View"), "compare-view", [run_table.VIEW, race.VIEW], first=first)
rows = run_table.table_rows(saved_runs.summaries())
if view == run_table.VIEW:
    race.clear_address()
    show_runs(rows)
    recovery.recovery_panel()
else:
    with switch:
        projector.projector_button()
    dataset = data_sets.get(editor_state.draft().dataset)
    if dataset is not None:
        race.race_view(dataset, rows)
