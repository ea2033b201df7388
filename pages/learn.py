"""Courses, runs with a fault, the tutorials' figures next to ours, and a check before and after."""

from collections.abc import Callable

import streamlit as st

from mnist_core.data import Dataset
from mnist_core.language import gettext as _
from pages.widgets.common import address, segments
from pages.widgets.learn import check, fault_lab, lessons, published, words
from pages.widgets.state import data_sets, editor_state

VIEWS: dict[str, Callable[[Dataset], None]] = {
    lessons.VIEW: lessons.courses_view,
    fault_lab.VIEW: fault_lab.fault_lab_view,
    published.VIEW: published.published_view,
    check.VIEW: check.check_view,
    words.VIEW: words.glossary_view,
}
# As links contain them. The courses and the fault lab are known by their step and their case.
SLUGS: dict[str, str] = {published.VIEW: "tutorials", check.VIEW: "check", words.VIEW: "glossary"}

slug = address.arrived_by_address("view")
asked = [view for view in SLUGS if SLUGS[view] == slug]
asked += [lessons.VIEW] if lessons.go_to_step_in_address() else []
asked += [fault_lab.VIEW] if fault_lab.go_to_case_in_address() else []
if asked:
    lessons.go_to_view(asked[-1])
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title(_("Learn"), width="content")
    view = segments.segmented_choice(_("View"), "learn-view", list(VIEWS))
dataset = data_sets.get(editor_state.first_config().dataset)
if dataset is not None:
    VIEWS[view](dataset)
    lessons.storage_notice()
address.write_address(
    view=SLUGS.get(view, ""),
    course="",  # Only links to earlier versions have it.
    step=lessons.step_for_address(view == lessons.VIEW),
    lab=fault_lab.case_for_address(view == fault_lab.VIEW),
)
