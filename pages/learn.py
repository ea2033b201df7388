"""The tutorials relived: three courses, their figures beside ours, their questions, and runs that went wrong."""

import streamlit as st

from pages.widgets import data, fault_lab, lessons, published, questions, segments, session

VIEWS = {
    lessons.VIEW: lessons.show,
    "Published against yours": published.show,
    "Questions": questions.show,
    "Fault lab": fault_lab.show,
}

st.title("Learn by doing")
view = segments.choose("View", "learn-view", list(VIEWS))
dataset = data.get(session.first_config().dataset)
if dataset is not None:
    VIEWS[view](dataset)
lessons.remember()
