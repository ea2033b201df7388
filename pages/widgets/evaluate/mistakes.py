"""The results of a run: confusion matrix, images of a cell, metrics of each class, one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from mnist_core.data import uploads
from mnist_core.data.sources import classes_of, noun_of
from mnist_core.evaluation import metrics
from mnist_core.language import Message, format_number, ngettext
from mnist_core.language import gettext as _
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
    return Message("class") if run.dataset.name == uploads.NAME else noun_of(run.dataset.class_names)


def _choose_cell(true: int, answer: int) -> None:
    """Choose the cell that was clicked in the matrix."""
    controls.set_value("cell-true", true)
    controls.set_value("cell-answer", answer)


def matrix_view(result: Evaluation, noun: str, names: Sequence[str]) -> None:
    """The confusion matrix in the chosen view, with a frame around the chosen cell."""
    views = list(metrics.CONFUSION_VIEWS)
    titles = {views[1]: _("Shares of each true {noun}", noun=noun)}
    view = st.segmented_control(
        _("Show"),
        views,
        default=views[0],
        required=True,
        format_func=lambda name: titles.get(name) or _(name),
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
    st.caption(_("{legend} Click a cell to see its images.", legend=pictures.matrix_legend(noun)))


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
        (left, _("True {noun}", noun=noun), "cell-true", true),
        (right, _("Read as"), "cell-answer", answer),
    ):
        place.selectbox(label, classes, format_func=names.__getitem__, **controls.seeded_choice(name, value, classes))
    indices = result.cell(true, answer)
    count = ngettext("{count:,} image", "{count:,} images", len(indices))
    st.markdown(
        _(
            "**{count} of {thing} read as {answer}**",
            count=count,
            thing=pictures.with_article(true, names),
            answer=names[answer],
        )
    )
    read_images(result, split, indices, names, "cell-images")


def read_images(result: Evaluation, split: Split, indices: Indices, names: Sequence[str], key: str) -> None:
    """The test images at `indices`, at most 24, with label, answer and probability. A click on one explains it."""
    shown = indices[:_MOST_IMAGES].tolist()
    buttons = []
    for i in shown:
        label, answer = int(result.labels[i]), int(result.predicted[i])
        sure = format_number(result.probabilities[i].max(), ".0%")
        caption = f"{names[label]} → {pictures.tick(label == answer)} {names[answer]} {sure}"
        text = _(
            "Test image {index}: {thing}, read as {answer}.",
            index=i,
            thing=pictures.with_article(label, names),
            answer=names[answer],
        )
        buttons.append(ImageButton(i, pictures.ink_url(split.test_images[i], 4), caption, text))
    image_buttons(buttons, key, why.explain)
    if len(indices) > len(shown):
        st.caption(
            _(
                "Click an image to see why. The top {most} of {count:,}, the most confident first.",
                most=_MOST_IMAGES,
                count=len(indices),
            )
        )
    elif shown:
        st.caption(_("Click an image to see why."))


def class_metrics(result: Evaluation, noun: str, names: Sequence[str]) -> None:
    """Precision, recall, F1 and support of each class."""
    three = pictures.with_article(min(3, classes_of(names)[-1]), names)
    st.caption(
        _(
            "**Precision**: of all images it called {three}, how many are {three}. **Recall**: of "
            "all images of {three}, how many it called {three}. **F1**: the harmonic mean of the "
            "two. **Support**: how many test images of this {noun} there are.",
            three=three,
            noun=noun,
        )
    )
    table = pd.DataFrame(result.per_class)
    table = table[table["digit"].isin(metrics.classes_in(result.confusion))]
    if noun_of(names) == "class":
        table["digit"] = [names[label] for label in table["digit"]]
    titles = {
        "digit": _("Digit") if noun == "digit" else _("Class"),
        "precision": _("Precision"),
        "recall": _("Recall"),
        "f1": "F1",
        "support": _("Support"),
    }
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table.rename(columns=titles),
        hide_index=True,
        column_config={titles[name]: share for name in ("precision", "recall", "f1")},
        alt=_("Precision, recall, F1 and support of each {noun}.", noun=noun),
    )


def one_test_image(result: Evaluation, split: Split, names: Sequence[str]) -> None:
    """One test image with its ten probabilities."""
    index = int(st.number_input(_("Test image"), 0, len(result.labels) - 1, **controls.seeded("one-image", 0)))
    why.answers(result, split, index, names, "one-bars")
    st.button(_("Why?"), icon=":material/search:", on_click=why.explain, args=(index,))
