"""Draw a digit, and see what networks make of it, and why."""

import streamlit as st

from mnist_core import drawing
from mnist_core.errors import PlaygroundError
from pages.widgets import board, data, own_digits, pictures, reading, session

st.title("Draw a digit")
# Side by side where there is room for both, else one below the other.
both = st.container(horizontal=True, gap="large")
with both.container(width=board.WIDTH):
    st.caption("Draw one digit (0-9)")
    sheet = board.show()
with both.container():
    # The answer stands first, next to the canvas even on a phone; what it depends on is asked for below it.
    answer = st.container()
    settings = st.container()
    # What is folded away is not computed: the answer comes first.
    way = st.expander("How the drawing became 28x28", icon=":material/image:", on_change="rerun", key="way")
    doctor = st.expander("The drawing doctor", icon=":material/stethoscope:", on_change="rerun", key="doctor")
    why = st.expander("Why this answer?", icon=":material/search:", on_change="rerun", key="why")
    alike = st.expander("Training digits like it", icon=":material/apps:", on_change="rerun", key="alike")
    own = st.expander("Your own test set", icon=":material/collections_bookmark:", on_change="rerun", key="own")

drawn = as_mnist = None
name = ""
try:
    with settings:
        predictors = reading.choose()
        with st.container(horizontal=True, vertical_alignment="center"):
            seen = st.container(width=112)
            is_straight = st.toggle(
                "Skip centring (just resize)",
                **session.seeded("straight", session.kept("straight", False)),
                help="Most demos just make the canvas smaller. See what that costs: draw small, or in a corner.",
            )
        session.keep("straight", is_straight)
    name = next(iter(predictors), "")
    if sheet.rgba is not None:
        as_mnist = drawing.to_mnist(sheet.rgba)
        drawn = drawing.to_mnist(sheet.rgba, drawing.STRAIGHT) if is_straight else as_mnist
except PlaygroundError as error:
    answer.error(str(error), icon=":material/error:")

if sheet.rgba is None or drawn is None or drawn.is_empty or as_mnist is None or not name:
    hint = sheet.hint if name else "Choose a network below."
    if hint:
        answer.info(hint)
    for folded in (way, doctor, why, alike):
        folded.caption("Once there is an answer.")
else:
    # On a new server TensorFlow may still be on its way.
    with answer, st.spinner("The network is getting ready ..."):
        found = reading.answers(predictors, drawn.image)
        for warning in drawn.warnings:
            st.caption(f":material/lightbulb: {warning}")
        if not is_straight:
            reading.suggest(predictors, found, drawn.image)
        own_digits.ask(as_mnist.image, sheet.strokes)
    seen.image(pictures.paper(drawn.image, 4), caption="What it sees: 28x28", width=112)
    if way.open:
        with way:
            reading.way(drawn)
    if doctor.open:
        with doctor:
            st.caption(name)
            reading.findings(sheet.rgba, predictors[name])
    if why.open:
        with why:
            st.caption(name)
            reading.why(predictors[name].network, drawn.image, found[name])
    if alike.open:
        with alike:
            dataset = data.get(session.draft().dataset)
            if dataset is not None:
                reading.alike(drawn.image, dataset)
if own.open:
    with own:
        if not own_digits.drawings():
            st.caption("Draw, and say below the answer what it was.")
        own_digits.show(predictors if name else {})
