"""Draw a digit, and see what a network makes of it."""

import pandas as pd
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_core import drawing, figures
from mnist_core.drawing import Drawing
from mnist_core.errors import PlaygroundError
from mnist_core.prediction import Predictor
from pages.widgets import pictures, runs, session

CANVAS = 280


def show_answer(predictor: Predictor, drawn: Drawing) -> None:
    """The digit, the ten probabilities, and the image that they are about."""
    prediction = predictor(drawn.image)
    (digit, probability), (second, _) = prediction.top(2)
    answer, image = st.columns([2, 1], vertical_alignment="center")
    with answer:
        st.subheader(f"It reads a {digit}", anchor=False)
        sure = f"{probability:.1%} sure" if probability < 0.9995 else "over 99.9% sure"
        st.markdown(f"{sure}; next would be {second}")
    image.image(pictures.paper(drawn.image, 5), caption="What it sees: 28x28", width=112)
    table = pd.DataFrame({"digit": [str(d) for d in range(10)], "probability": prediction.probabilities})
    table["best"] = table.index == digit
    st.vega_lite_chart(table, figures.live_bars())


def show_steps(drawn: Drawing) -> None:
    """The way from the canvas to 28x28."""
    for warning in drawn.warnings:
        st.caption(f":material/lightbulb: {warning}")
    with st.expander("How the drawing became 28x28", icon=":material/image:"):
        for step in drawn.steps:
            picture, text = st.columns([1, 3], vertical_alignment="center")
            picture.image(pictures.paper(step.image, max(1, 196 // max(step.image.shape))), width=84)
            text.markdown(f"**{step.name}**  \n{step.explanation}")


st.title("Draw a digit")
left, right = st.columns([1, 2], gap="large")
with left:
    st.caption("One digit, please:")
    canvas = st_canvas(
        stroke_width=18,
        stroke_color="#000000",
        background_color="#ffffff",
        width=CANVAS,
        height=CANVAS,
        return_image_data=True,
        initial_drawing=session.kept_drawing(),
        key="canvas",
    )
    session.keep_drawing(canvas.json_data)
with right:
    run = runs.choose()
    try:
        drawn = None if canvas.image_data is None else drawing.to_mnist(canvas.image_data)
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
        drawn = None
    if run is not None and (drawn is None or drawn.is_empty):
        st.caption("Draw in the white square with the mouse, a pen or a finger. It answers after each stroke.")
    elif run is not None and drawn is not None and run.snapshot.network is not None:
        show_answer(Predictor(run.snapshot.network), drawn)
        show_steps(drawn)
