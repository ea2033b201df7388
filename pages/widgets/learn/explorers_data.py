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
from mnist_core.lessons import demos
from pages.widgets.common import dataset_views, pictures
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step
    from pages.widgets.common.run_curves import Named

_PAIRS = 150
_EXAMPLES = 30
_FIRST_EXAMPLE: Key[int] = Key("first-example-noted", 0)


def examples(dataset: Dataset, _: Step, __: Named) -> None:
    """Thirty training images, and a toggle for their labels."""
    with st.container(horizontal=True, vertical_alignment="center"):
        is_shown = st.toggle("Show the labels", key="show-labels")
        st.button("Thirty others", icon=":material/refresh:", on_click=_next_examples, type="tertiary")
    first = _FIRST_EXAMPLE.get() % max(1, len(dataset.train_labels) - _EXAMPLES + 1)
    images = dataset.train_images[first : first + _EXAMPLES]
    labels = [dataset.class_names[label] for label in dataset.train_labels[first : first + _EXAMPLES]]
    alt = [f"Training image {first + k}" + (f", {label}" if is_shown else "") for k, label in enumerate(labels)]
    pictures.image_row(list(images), labels if is_shown else ["?"] * len(labels), 48, alt=alt)


def _next_examples() -> None:
    _FIRST_EXAMPLE.set(_FIRST_EXAMPLE.get() + _EXAMPLES)
    controls.set_value("show-labels", False)


def tasks(dataset: Dataset, _: Step, __: Named) -> None:
    """Images of the first two classes: predict the ink from the width (regression), or the class (classification)."""
    names = dataset.class_names
    zero, one = (pictures.with_article(label, names) for label in (0, 1))
    which = f"{zero} or {one}?"
    kinds = ["How much ink?", which[0].upper() + which[1:]]
    task = st.segmented_control("Task", kinds, default=kinds[0], required=True)
    chosen = np.concatenate([np.flatnonzero(dataset.train_labels == digit)[:_PAIRS] for digit in (0, 1)])
    places, labels = demos.width_and_ink(dataset.train_images[chosen]), dataset.train_labels[chosen]
    if len(set(labels.tolist())) < 2:
        st.info(f"This needs images of {zero} and of {one}. The data set does not have both.")
        return
    if task == kinds[1]:
        wall = st.slider("Wall at a width of", 0.0, 24.0, 20.0, 0.5)
        line = pd.DataFrame({"width": [wall, wall], "ink": [0.0, 220.0]})
        found = np.where(places[:, 0] < wall, 1, 0)
        result = f"Narrower images count as {one}. **{(found == labels).mean():.0%}** of the answers are right."
    else:
        left, right = st.columns(2)
        base = left.slider("Ink at width 0", 0.0, 150.0, 100.0, 5.0)
        slope = right.slider("Extra ink for each pixel of width", 0.0, 10.0, 0.0, 0.25)
        line = pd.DataFrame({"width": [0.0, 24.0], "ink": [base, base + 24 * slope]})
        error = np.abs(base + slope * places[:, 0] - places[:, 1]).mean()
        result = f"On average the line misses by **{error:.0f}** pixels of ink."
    points = pd.DataFrame({"width": places[:, 0], "ink": places[:, 1], "class": [names[label] for label in labels]})
    spec = lesson_charts.classes_with_line(names[:2], noun_of(names), task == kinds[1])
    st.markdown(result)
    widths = [places[labels == label, 0].mean() for label in (0, 1)]
    alt = (
        f"Images of {zero} and of {one} as points, by width and ink, with your line. "
        f"On average {zero} is {widths[0]:.0f} pixels wide, {one} {widths[1]:.0f}."
    )
    st.vega_lite_chart(pd.concat([points.assign(is_line=False), line.assign(is_line=True)]), spec, alt=alt)


def file(dataset: Dataset, _: Step, __: Named) -> None:
    """The file byte by byte."""
    dataset_views.idx_file(dataset)


def one_image(dataset: Dataset, _: Step, __: Named) -> None:
    """An image in numbers."""
    dataset_views.image_in_numbers(dataset)


def tensor(dataset: Dataset, _: Step, __: Named) -> None:
    """Fix one index after the other; shows the tensor that is left."""
    names = ["nothing", "the image", "image and row", "image, row and column"]
    fixed = names.index(str(st.segmented_control("Fix", names, default=names[0], required=True)))
    index: list[int] = []
    for k, (column, name) in enumerate(zip(st.columns(3), ("Image", "Row", "Column"), strict=True)):
        most = (len(dataset.train_labels) if k == 0 else IMAGE_SIZE) - 1
        place = column.number_input(name, 0, most, 0 if k == 0 else IMAGE_SIZE // 2, disabled=k >= fixed)
        index += [int(place)] if k < fixed else []
    part = np.asarray(dataset.train_images[tuple(index)])
    written = f"train_images[{', '.join(map(str, index))}]" if index else "train_images"
    st.markdown(f"`{written}`: rank **{part.ndim}**, shape **{part.shape}**, dtype **{part.dtype}**")
    if part.ndim == 3:
        pictures.image_row(list(part[:10]), [str(k) for k in range(10)], 48)
    elif part.ndim == 2:
        st.image(pictures.ink_url(part, 5), width=140, alt=f"Training image {index[0]}")
    else:
        st.code(" ".join(map(str, part.ravel())), wrap_lines=True)


def convolution(dataset: Dataset, _: Step, __: Named) -> None:
    """A 3x3 kernel moves over an image; the result is a feature map."""
    left, right = st.columns(2)
    name = left.selectbox("Filter for", list(demos.KERNELS))
    index = int(right.number_input("Test image", 0, len(dataset.test_labels) - 1, 0))
    kernel = np.array(demos.KERNELS[name])
    image = dataset.test_images[index]
    answers = demos.convolve(image, kernel)
    st.code("\n".join("  ".join(f"{weight:2d}" for weight in row) for row in kernel))
    first, second, third = st.columns(3)
    label = dataset.test_labels[index]
    first.image(
        pictures.ink_url(image, 6),
        caption="the picture, 28x28",
        width=168,
        alt=f"Test image {index}, {pictures.with_article(label, dataset.class_names)}",
    )
    largest = np.abs(kernel).max()
    second.image(
        pictures.png_url(signed_mosaic((kernel / largest).astype(np.float32)[None], 1, 84)),
        caption="the filter, 3x3",
        alt=f"The nine weights of the filter for {name}",
        width=88,
    )
    third.image(
        pictures.png_url(signed_mosaic(answers[None], 1, 156)),
        caption="its answers, 26x26",
        width=160,
        alt=f"Where the filter finds {name} in the image, in blue, and where the opposite, in orange",
    )
