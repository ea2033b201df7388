"""Things to try in the courses: images, labels and their preparation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts import lessons as lesson_charts
from mnist_core.charts.network import signed_mosaic
from mnist_core.config import CLASSES, IMAGE_SIZE
from mnist_core.data import splits
from mnist_core.data.sources import noun_of
from mnist_core.lessons import demos
from pages.widgets.common import dataset_views, pictures

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step

_PAIRS = 150
_WHOLE = 255


def examples(dataset: Dataset, _: Step) -> None:
    """A training image, and a toggle for its label."""
    left, right = st.columns([1, 3], vertical_alignment="center")
    with right:
        index = int(st.number_input("Training image", 0, len(dataset.train_labels) - 1, 0))
        if st.toggle("Show its label"):
            st.markdown(f"Its label is **{dataset.class_names[dataset.train_labels[index]]}**.")
    left.image(pictures.ink_url(dataset.train_images[index], 5), width=140, alt=f"Training image {index}")


def tasks(dataset: Dataset, _: Step) -> None:
    """Images of the first two classes: predict the ink from the width (regression), or the class (classification)."""
    names = dataset.class_names
    zero, one = (pictures.with_article(label, names) for label in (0, 1))
    which = f"{zero} or {one}?"
    kinds = ["How much ink?", which[0].upper() + which[1:]]
    task = st.segmented_control("Question", kinds, default=kinds[0], required=True)
    chosen = np.concatenate([np.flatnonzero(dataset.train_labels == digit)[:_PAIRS] for digit in (0, 1)])
    places, labels = demos.width_and_ink(dataset.train_images[chosen]), dataset.train_labels[chosen]
    if len(set(labels.tolist())) < 2:
        st.info(f"This needs images of {zero} and of {one}. The data set does not have both.")
        return
    if task == kinds[1]:
        wall = st.slider("Wall at a width of", 0.0, 24.0, 20.0, 0.5)
        line = pd.DataFrame({"width": [wall, wall], "ink": [0.0, 220.0]})
        found = np.where(places[:, 0] < wall, 1, 0)
        result = f"Each narrower image is called {one}. **{(found == labels).mean():.0%}** of the answers are right."
    else:
        left, right = st.columns(2)
        base = left.slider("Ink at width 0", 0.0, 150.0, 100.0, 5.0)
        slope = right.slider("Extra ink for each pixel of width", 0.0, 10.0, 0.0, 0.25)
        line = pd.DataFrame({"width": [0.0, 24.0], "ink": [base, base + 24 * slope]})
        error = np.abs(base + slope * places[:, 0] - places[:, 1]).mean()
        result = f"The line is off by **{error:.0f}** inked pixels on average."
    points = pd.DataFrame({"width": places[:, 0], "ink": places[:, 1], "class": [names[label] for label in labels]})
    spec = lesson_charts.classes_with_line(names[:2], noun_of(names), task == kinds[1])
    st.markdown(result)
    widths = [places[labels == label, 0].mean() for label in (0, 1)]
    alt = (
        f"Images of {zero} and of {one} as points, by width and ink, with your line. "
        f"On average {zero} is {widths[0]:.0f} pixels wide, {one} {widths[1]:.0f}."
    )
    st.vega_lite_chart(pd.concat([points.assign(is_line=False), line.assign(is_line=True)]), spec, alt=alt)


def file(dataset: Dataset, _: Step) -> None:
    """The file byte by byte."""
    dataset_views.idx_file(dataset)


def one_image(dataset: Dataset, _: Step) -> None:
    """An image in numbers."""
    dataset_views.image_in_numbers(dataset)


def hold_back(dataset: Dataset, _: Step) -> None:
    """How many images are left for training and for testing."""
    share = st.slider("Held back", 1, 99, 25, format="%d %%")
    count = len(dataset.train_labels)
    held_back = round(count * share / 100)
    with st.container(horizontal=True):
        st.metric("To learn from", f"{count - held_back:,}")
        st.metric("To test with", f"{held_back:,}")
    # The standard error of a share p of n images is sqrt(p (1 - p) / n); here p = 0.9.
    spread = 2 * (0.9 * 0.1 / held_back) ** 0.5
    st.caption(
        f"If a network reads 90 of 100 images, this test shows 90 %, plus or minus {100 * spread:.1f} points. With "
        "fewer held-out images the test is less reliable. With more, there is less to learn from."
    )


def roles(dataset: Dataset, _: Step) -> None:
    """The three parts of the data, with a validation share to choose."""
    share = st.slider("Validation share", 0.0, 0.5, 0.2, 0.05)
    parts = splits.split(dataset, "official", share)
    with st.container(horizontal=True):
        st.metric("Training", f"{len(parts.train_indices):,}", help="The network learns from them, again and again.")
        st.metric(
            "Validation",
            f"{len(parts.validation_indices):,}",
            help="Checked after each epoch, to choose between settings.",
        )
        st.metric("Test", f"{len(parts.test_labels):,}", help="Used once, at the end.")


def tensor(dataset: Dataset, _: Step) -> None:
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


def prepare(dataset: Dataset, _: Step) -> None:
    """The preparation of images and labels, step by step."""
    stages = ["as in the file", "float32", "divided by 255", "reshaped", "labels one-hot"]
    stage = stages.index(str(st.select_slider("How far", stages)))
    index = int(
        st.number_input("Training image", 0, len(dataset.train_labels) - 1, min(8, len(dataset.train_labels) - 1))
    )
    images = dataset.train_images[index : index + 1].astype(np.uint8 if stage == 0 else np.float32)
    if stage >= 2:
        images = images.astype(np.float32) / np.float32(_WHOLE)
    count, label = len(dataset.train_labels), int(dataset.train_labels[index])
    shape: tuple[int, ...] = (count, IMAGE_SIZE, IMAGE_SIZE)
    if stage >= 3:
        images, shape = images.reshape(1, -1), (count, IMAGE_SIZE**2)
    middle = images.reshape(IMAGE_SIZE, IMAGE_SIZE)[IMAGE_SIZE // 2]
    st.markdown(f"All images: shape **{shape}**, dtype **{images.dtype}**. The middle row of image {index}:")
    number = "{:.0f}" if stage == 0 else "{:.1f}" if stage == 1 else "{:.2f}"
    st.code(" ".join(number.format(value) for value in middle), wrap_lines=True)
    if stage >= 3:
        alt = f"Training image {index} as a single row of 784 pixels"
        st.image(pictures.ink_url(np.repeat(images, 24, axis=0)), width="stretch", alt=alt)
    else:
        st.image(pictures.ink_url(dataset.train_images[index], 5), width=140, alt=f"Training image {index}")
    one_hot = " ".join(str(int(digit == label)) for digit in range(CLASSES))
    name = dataset.class_names[label]
    meaning = "" if name == str(label) else f" ({name})"
    st.markdown(f"Its label: **{one_hot if stage == 4 else label}**{meaning}")


def convolution(dataset: Dataset, _: Step) -> None:
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
