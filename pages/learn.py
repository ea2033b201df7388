"""The tutorials relived: three courses, their figures beside ours, their questions, and runs that went wrong."""

import streamlit as st

from pages.widgets.common import segments
from pages.widgets.learn import fault_lab, lessons, published, questions
from pages.widgets.state import data_sets, editor_state

VIEWS = {
    lessons.VIEW: lessons.show,
    "Published": published.show,
    "Questions": questions.show,
    fault_lab.VIEW: fault_lab.show,
}

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Learn", width="content")
    first = fault_lab.VIEW if fault_lab.is_asked_for() else None
    view = segments.choose("View", "learn-view", list(VIEWS), first=first)
dataset = data_sets.get(editor_state.first_config().dataset)
if dataset is not None:
    VIEWS[view](dataset)
lessons.remember(view == lessons.VIEW)
fault_lab.remember(view == fault_lab.VIEW)
