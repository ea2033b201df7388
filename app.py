"""The MNIST playground: page set-up and navigation. Start it with `make run` or `streamlit run app.py`."""

import streamlit as st

from pages.widgets import warmup

st.set_page_config("MNIST playground", page_icon="✏️", layout="wide")
warmup.start()

st.navigation(
    [
        st.Page("pages/train.py", title="Train", icon=":material/play_circle:", default=True),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/grid_on:"),
        st.Page("pages/draw.py", title="Draw", icon=":material/draw:"),
    ],
    position="top",
).run()
