"""The results of a run: confusion matrix, images of a cell, metrics of each class, one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from mnist_core.data import uploads
from mnist_core.data.sources import classes_of, noun_of
from mnist_core.evaluation import metrics
from pages.widgets.common import pictures
from pages.widgets.common.image_buttons import ImageButton, image_buttons
from pages.widgets.evaluate import why
from pages.widgets.state import controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.data import Split
    from mnist_core.evaluation import Evaluation
    from mnist_core.evaluation.metrics import Indices
    from mnist_core.runs.job import Job


_MOST_IMAGES = 24


def class_noun(run: Job) -> str:
    """The word for a class: "digit", or "class" if the images are the visitor's own or not digits."""
    return "class" if run.dataset.name == uploads.NAME else noun_of(run.dataset.class_names)


def _choose_cell(true: int, answer: int) -> None:
    """Choose the cell that was clicked in the matrix."""
    controls.set_value("cell-true", true)
    controls.set_value("cell-answer", answer)


def matrix_view(result: Evaluation, noun: str, names: Sequence[str]) -> None:
    """The confusion matrix in the chosen view, with a frame around the chosen cell."""
    views = list(metrics.CONFUSION_VIEWS)
    titles = {views[1]: f"Shares of each true {noun}"}
    view = st.segmented_control(
        "Show",
        views,
        default=views[0],
        required=True,
        format_func=lambda name: titles.get(name, name),
        label_visibility="collapsed",
        wrap=False,
    )
    matrix = metrics.CONFUSION_VIEWS[view](result.confusion)
    texts = [[metrics.share_text(x) if matrix.dtype.kind == "f" else str(x or "") for x in row] for row in matrix]
    pictures.clickable_matrix(
        result.confusion,
        texts,
        "matrix",
        noun,
        chosen=_cell(result),
        on_choose=_choose_cell,
        only_errors=view == views[-1],
        names=names,
    )
    st.caption(f"{pictures.matrix_legend(noun)} Click a cell to see its images.")


def _cell(result: Evaluation) -> tuple[int, int]:
    """The chosen cell; at first the most frequent mistake."""
    classes = metrics.classes_in(result.confusion)
    first, second = divmod(int(metrics.errors_only(result.confusion).argmax()), len(result.confusion))
    if first not in classes or second not in classes:  # There is no mistake and no image of a 0.
        first = second = classes[0]
    true = controls.value_of(controls.seed("cell-true", first, classes))
    answer = controls.value_of(controls.seed("cell-answer", second, classes))
    return true, answer


def cell_images(result: Evaluation, split: Split, noun: str, names: Sequence[str]) -> None:
    """The images in one cell of the matrix."""
    classes = metrics.classes_in(result.confusion)
    true, answer = _cell(result)
    left, right = st.columns(2)
    for place, label, name, value in (
        (left, f"True {noun}", "cell-true", true),
        (right, "Read as", "cell-answer", answer),
    ):
        place.selectbox(label, classes, format_func=names.__getitem__, **controls.seeded_choice(name, value, classes))
    indices = result.cell(true, answer)
    count = f"{len(indices):,} {'image' if len(indices) == 1 else 'images'}"
    st.markdown(f"**{count} of {pictures.with_article(true, names)} read as {names[answer]}**")
    read_images(result, split, indices, names, "cell-images")


def read_images(result: Evaluation, split: Split, indices: Indices, names: Sequence[str], key: str) -> None:
    """The test images at `indices`, at most 24, with label, answer and probability. A click on one explains it."""
    shown = indices[:_MOST_IMAGES].tolist()
    buttons = []
    for i in shown:
        label, answer = int(result.labels[i]), int(result.predicted[i])
        caption = (
            f"{names[label]} → {pictures.tick(label == answer)} {names[answer]} {result.probabilities[i].max():.0%}"
        )
        text = f"Test image {i}: {pictures.with_article(label, names)}, read as {names[answer]}."
        buttons.append(ImageButton(i, pictures.ink_url(split.test_images[i], 4), caption, text))
    image_buttons(buttons, key, why.explain)
    if len(indices) > len(shown):
        st.caption(f"Click an image to see why. The top {_MOST_IMAGES} of {len(indices):,}, the most confident first.")
    elif shown:
        st.caption("Click an image to see why.")


def class_metrics(result: Evaluation, noun: str, names: Sequence[str]) -> None:
    """Precision, recall, F1 and support of each class."""
    three = pictures.with_article(min(3, classes_of(names)[-1]), names)
    st.caption(
        f"**Precision**: of all images it called {three}, how many are {three}. **Recall**: of all images of {three}, "
        f"how many it called {three}. **F1**: the harmonic mean of the two. "
        f"**Support**: how many test images of this {noun} there are."
    )
    table = pd.DataFrame(result.per_class).rename(columns=lambda name: "F1" if name == "f1" else name.capitalize())
    table = table[table["Digit"].isin(metrics.classes_in(result.confusion))]
    if noun_of(names) == "class":
        table["Digit"] = [names[label] for label in table["Digit"]]
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table.rename(columns={"Digit": noun.capitalize()}),
        hide_index=True,
        column_config={"Precision": share, "Recall": share, "F1": share},
        alt=f"Precision, recall, F1 and support of each {noun}.",
    )


def one_test_image(result: Evaluation, split: Split, names: Sequence[str]) -> None:
    """One test image with its ten probabilities."""
    index = int(st.number_input("Test image", 0, len(result.labels) - 1, **controls.seeded("one-image", 0)))
    why.answers(result, split, index, names, "one-bars")
    st.button("Why?", icon=":material/search:", on_click=why.explain, args=(index,))
