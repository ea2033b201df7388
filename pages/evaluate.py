"""How good a network or a classical model is, and where it errs."""

import pandas as pd
import streamlit as st

from mnist_core import evaluation, figures
from mnist_core.config import CLASSES
from mnist_core.datasets import Split
from mnist_core.evaluation import Evaluation
from pages.widgets import bring_back, downloads, pictures, runs, session, sharing, theme

DIGITS = list(range(CLASSES))


def choose_cell() -> None:
    """Take over the cell that was clicked in the matrix; a second click, which unselects it, means it again."""
    points = session.chosen("matrix")["selection"]["points"]
    cell = points[0]["customdata"] if points else session.chosen("clicked-cell")
    if cell:
        session.choose("clicked-cell", cell)
        session.choose("cell-true", int(cell[0]))
        session.choose("cell-answer", int(cell[1]))


def show_matrix(result: Evaluation) -> None:
    """The confusion matrix, in the view that is wanted."""
    views = list(evaluation.CONFUSION_VIEWS)
    view = st.segmented_control("Show", views, default=views[0], required=True, label_visibility="collapsed")
    matrix = evaluation.CONFUSION_VIEWS[view](result.confusion)
    is_share = matrix.dtype.kind == "f"
    texts = [[("" if not x else f"{100 * x:.1f}" if is_share else str(x)) for x in row] for row in matrix]
    figure = figures.confusion_matrix(matrix.astype(float), texts, theme.text_color())
    st.plotly_chart(figure, key="matrix", on_select=choose_cell, config={"displayModeBar": False})
    unit = "In percent of each row. " if is_share else ""
    st.caption(f"Rows are the true digits, columns the answers. {unit}Click a cell to see its images.")


def show_cell(result: Evaluation, split: Split) -> None:
    """The images in one cell of the matrix; at first the most frequent mistake."""
    true, answer = divmod(int(evaluation.errors_only(result.confusion).argmax()), CLASSES)
    left, right = st.columns(2)
    true = left.selectbox("True digit", DIGITS, **session.seeded_choice("cell-true", true, DIGITS))
    answer = right.selectbox("Read as", DIGITS, **session.seeded_choice("cell-answer", answer, DIGITS))
    indices = result.cell(true, answer)
    st.markdown(f"**{len(indices):,} images of a {true} read as {answer}**")
    pictures.readings(result, split.test_images, indices)


def show_digits(result: Evaluation) -> None:
    """Precision, recall, F1 and support of each digit."""
    st.caption(
        "Precision: of all it called this digit, how many were. Recall: of all that are this digit, how many it "
        "found. F1 is their harmonic mean; support is how many there are."
    )
    table = pd.DataFrame(result.per_class).rename(columns=lambda name: "F1" if name == "f1" else name.capitalize())
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(table, hide_index=True, column_config={"Precision": share, "Recall": share, "F1": share})


def show_one(result: Evaluation, split: Split) -> None:
    """One test image with its ten probabilities."""
    index = st.number_input("Test image", 0, len(result.labels) - 1, **session.seeded("one-image", 0))
    picture, bars = st.columns([1, 3], vertical_alignment="center")
    picture.image(pictures.paper(split.test_images[index], 5), width=140, caption=f"a {result.labels[index]}")
    figure = figures.probability_bars(result.probabilities[index], int(result.labels[index]))
    bars.plotly_chart(figure, key="one-bars", config={"displayModeBar": False})


st.title("Find its errors")
run = sharing.opened() if sharing.is_asked() else runs.choose()
if run is not None and run.snapshot.evaluation is not None:
    result = run.snapshot.evaluation
    split = run.split
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric("Test accuracy", f"{result.accuracy:.2%}")
        st.metric("Test loss", f"{result.loss:.4f}")
        st.metric("Mistakes", f"{len(result.mistakes):,} of {len(result.labels):,}")
        if not sharing.is_asked():
            sharing.offer(run)
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_matrix(result)
    with right:
        show_cell(result, split)
    if run in session.networks():
        st.page_link("pages/draw.py", label="Draw a digit for it", icon=":material/draw:")
    digits, surest, one = st.tabs(["Digit by digit", "Surest mistakes", "One image"])
    with digits:
        show_digits(result)
    with surest:
        pictures.readings(result, split.test_images, result.mistakes)
    with one:
        show_one(result, split)
    downloads.offer(run)
if not sharing.is_asked():
    bring_back.offer()
