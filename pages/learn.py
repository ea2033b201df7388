"""Three courses, the tutorials' figures next to ours, their open questions, and runs with a fault."""

import streamlit as st

from pages.widgets.common import segments
from pages.widgets.learn import fault_lab, lessons, published, questions
from pages.widgets.state import data_sets, editor_state

VIEWS = {
    lessons.VIEW: lessons.courses_view,
    "Published": published.published_view,
    "Questions": questions.questions_view,
    fault_lab.VIEW: fault_lab.fault_lab_view,
}

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Learn", width="content")
    first = fault_lab.VIEW if fault_lab.is_case_in_address() else None
    view = segments.segmented_choice("View", "learn-view", list(VIEWS), first=first)
dataset = data_sets.get(editor_state.first_config().dataset)
if dataset is not None:
    VIEWS[view](dataset)
lessons.progress_to_address(view == lessons.VIEW)
fault_lab.case_to_address(view == fault_lab.VIEW)
