"""The tutorials relived: three courses, their figures beside ours, their questions, and runs that went wrong."""

import streamlit as st

from pages.widgets import data, fault_lab, lessons, published, questions, session

VIEWS = {
    lessons.VIEW: lessons.show,
    "Published against yours": published.show,
    "Questions": questions.show,
    "Fault lab": fault_lab.show,
}

st.title("Learn by doing")
view = st.segmented_control(
    "View",
    list(VIEWS),
    **session.seeded_segment("learn-view", lessons.VIEW, list(VIEWS)),
    required=True,
    label_visibility="collapsed",
)
session.keep("learn-view", view)
dataset = data.get(session.first_config().dataset)
if dataset is not None:
    VIEWS[str(view)](dataset)
lessons.remember()
