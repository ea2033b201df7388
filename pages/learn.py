"""The tutorials relived: three courses, their figures beside ours, their questions, and runs that went wrong."""

import streamlit as st

from pages.widgets import data, fault_lab, lessons, published, questions, session

VIEWS = ["Courses", "Published against yours", "Questions", "Fault lab"]

st.title("Learn how it works")
view = st.segmented_control(
    "View", VIEWS, key=session.seed_kept("learn-view", VIEWS[0]), required=True, label_visibility="collapsed"
)
session.keep("learn-view", view)
dataset = data.get(session.first_config().dataset)
if dataset is not None:
    if view == "Courses":
        lessons.show(dataset)
    elif view == "Published against yours":
        published.show(dataset)
    elif view == "Questions":
        questions.show(dataset)
    else:
        fault_lab.show(dataset)
lessons.remember()
