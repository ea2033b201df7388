"""Things to try in the courses: images, labels and their preparation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts import lessons as lesson_charts
from mnist_core.charts.network import signed_mosaic
from mnist_core.config import IMAGE_SIZE
from mnist_core.data.sources import noun_of
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.lessons import demos
from pages.widgets.common import dataset_views, pictures, vega_chart
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step
    from pages.widgets.common.run_curves import Named

_PAIRS = 150
_EXAMPLES = 30
_FIRST_EXAMPLE: Key[int] = Key("first-example-noted", 0)


def examples(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """Thirty training images, and a toggle for their labels."""
    with st.container(horizontal=True, vertical_alignment="center"):
        is_shown = st.toggle(_("Show the labels"), key="show-labels")
        st.button(_("Thirty others"), icon=":material/refresh:", on_click=_next_examples, type="tertiary")
    first = _FIRST_EXAMPLE.get() % max(1, len(dataset.train_labels) - _EXAMPLES + 1)
    images = dataset.train_images[first : first + _EXAMPLES]
    labels = [dataset.class_names[label] for label in dataset.train_labels[first : first + _EXAMPLES]]
    alt = [
        _("Training image {first}", first=first + k) + (f", {label}" if is_shown else "")
        for k, label in enumerate(labels)
    ]
    pictures.image_row(list(images), labels if is_shown else ["?"] * len(labels), 48, alt=alt)


def _next_examples() -> None:
    _FIRST_EXAMPLE.set(_FIRST_EXAMPLE.get() + _EXAMPLES)
    controls.set_value("show-labels", False)


def tasks(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """Images of the first two classes: predict the ink from the width (regression), or the class (classification)."""
    names = dataset.class_names
    zero, one = (pictures.with_article(label, names) for label in (0, 1))
    which = _("{zero} or {one}?", zero=zero, one=one)
    kinds = [_("How much ink?"), which[0].upper() + which[1:]]
    task = st.segmented_control(_("Task"), kinds, default=kinds[0], required=True)
    chosen = np.concatenate([np.flatnonzero(dataset.train_labels == digit)[:_PAIRS] for digit in (0, 1)])
    places, labels = demos.width_and_ink(dataset.train_images[chosen]), dataset.train_labels[chosen]
    if len(set(labels.tolist())) < 2:
        st.info(_("This needs images of {zero} and of {one}. The data set does not have both.", zero=zero, one=one))
        return
    if task == kinds[1]:
        wall = st.slider(_("Wall at a width of"), 0.0, 24.0, 20.0, 0.5)
        line = pd.DataFrame({"width": [wall, wall], "ink": [0.0, 220.0]})
        found = np.where(places[:, 0] < wall, 1, 0)
        result = _(
            "Narrower images count as {one}. **{share:.0%}** of the answers are right.",
            one=one,
            share=(found == labels).mean(),
        )
    else:
        left, right = st.columns(2)
        base = left.slider(_("Ink at width 0"), 0.0, 150.0, 100.0, 5.0)
        slope = right.slider(_("Extra ink for each pixel of width"), 0.0, 10.0, 0.0, 0.25)
        line = pd.DataFrame({"width": [0.0, 24.0], "ink": [base, base + 24 * slope]})
        error = np.abs(base + slope * places[:, 0] - places[:, 1]).mean()
        result = _("On average the line misses by **{error:.0f}** pixels of ink.", error=error)
    points = pd.DataFrame({"width": places[:, 0], "ink": places[:, 1], "class": [names[label] for label in labels]})
    spec = lesson_charts.classes_with_line(names[:2], noun_of(names), task == kinds[1])
    st.markdown(result)
    widths = [places[labels == label, 0].mean() for label in (0, 1)]
    alt = _(
        "Images of {zero} and of {one} as points, by width and ink, with your line. On average "
        "{zero} is {width:.0f} pixels wide, {one} {other_width:.0f}.",
        zero=zero,
        one=one,
        width=widths[0],
        other_width=widths[1],
    )
    vega_chart.vega_chart(spec, pd.concat([points.assign(is_line=False), line.assign(is_line=True)]), alt=alt)


def file(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """The file byte by byte."""
    dataset_views.idx_file(dataset)


def one_image(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """An image in numbers."""
    dataset_views.image_in_numbers(dataset)


def tensor(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """Fix one index after the other; shows the tensor that is left."""
    names = [_("nothing"), _("the image"), _("image and row"), _("image, row and column")]
    fixed = names.index(str(st.segmented_control(_("Fix"), names, default=names[0], required=True)))
    index: list[int] = []
    for k, (column, name) in enumerate(zip(st.columns(3), (_("Image"), _("Row"), _("Column")), strict=True)):
        most = (len(dataset.train_labels) if k == 0 else IMAGE_SIZE) - 1
        place = column.number_input(name, 0, most, 0 if k == 0 else IMAGE_SIZE // 2, disabled=k >= fixed)
        index += [int(place)] if k < fixed else []
    part = np.asarray(dataset.train_images[tuple(index)])
    written = _("train_images[{names}]", names=", ".join(map(str, index))) if index else "train_images"
    st.markdown(
        _(
            "`{written}`: rank **{ndim}**, shape **{shape}**, dtype **{dtype}**",
            written=written,
            ndim=part.ndim,
            shape=part.shape,
            dtype=part.dtype,
        )
    )
    if part.ndim == 3:
        pictures.image_row(list(part[:10]), [str(k) for k in range(10)], 48)
    elif part.ndim == 2:
        st.image(pictures.ink_url(part, 5), width=140, alt=_("Training image {index}", index=index[0]))
    else:
        st.code(" ".join(map(str, part.ravel())), wrap_lines=True)


def convolution(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """A 3x3 kernel moves over an image; the result is a feature map."""
    left, right = st.columns(2)
    name = left.selectbox(_("Filter for"), list(demos.KERNELS), format_func=_)
    index = int(right.number_input(_("Test image"), 0, len(dataset.test_labels) - 1, 0))
    kernel = np.array(demos.KERNELS[name])
    image = dataset.test_images[index]
    answers = demos.convolve(image, kernel)
    st.code("\n".join("  ".join(format_number(weight, "2d") for weight in row) for row in kernel))
    first, second, third = st.columns(3)
    label = dataset.test_labels[index]
    first.image(
        pictures.ink_url(image, 6),
        caption=_("the picture, 28x28"),
        width=168,
        alt=_("Test image {index}, {thing}", index=index, thing=pictures.with_article(label, dataset.class_names)),
    )
    largest = np.abs(kernel).max()
    second.image(
        pictures.png_url(signed_mosaic((kernel / largest).astype(np.float32)[None], 1, 84)),
        caption=_("the filter, 3x3"),
        alt=_("The nine weights of the filter for {name}", name=name),
        width=88,
    )
    third.image(
        pictures.png_url(signed_mosaic(answers[None], 1, 156)),
        caption=_("its answers, 26x26"),
        width=160,
        alt=_("Where the filter finds {name} in the image, in blue, and where the opposite, in orange", name=name),
    )
