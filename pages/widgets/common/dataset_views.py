"""Views of a data set, each computed only when it is shown."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts import data as data_charts
from mnist_core.config import CLASSES, IMAGE_SIZE, SPLITS
from mnist_core.data import exploration, idx, splits
from mnist_core.data.sources import classes_of, noun_of
from pages.widgets.common import pictures, theme
from pages.widgets.state import controls, editor_state
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data import Dataset

_MAP_CAPTIONS = {
    "pca": "Two directions out of 784: left to right is where images differ most. In MNIST it goes from thin ones to "
    "wide zeros. Images that overlap here can still be far apart in the other 782.",
    "neighbours": "Only neighbours count here: distances between groups, and the page's directions, mean nothing.",
}
_SHOWN = 60
_ROWS = 10

_DIGIT: Key[str | int] = Key("data-digit-noted", "all")


def training_images(dataset: Dataset) -> None:
    """Training images of one class, or of all classes."""
    left, right = st.columns(2)
    names = dataset.class_names
    digits = ["all", *classes_of(names)]
    digit = left.selectbox(
        noun_of(names).capitalize(),
        digits,
        format_func=lambda label: label if label == "all" else names[label],
        **controls.seeded_choice("data-digit", _DIGIT.get(), digits),
    )
    _DIGIT.set(digit)
    indices = np.arange(len(dataset.train_labels))
    if isinstance(digit, int):
        indices = np.flatnonzero(dataset.train_labels == digit)
    if not len(indices):
        st.info(f"There is no {names[int(digit)]} among the training images.")
        return
    first = right.number_input("Start at image", 0, len(indices) - 1, step=_SHOWN, help=f"0 to {len(indices) - 1:,}.")
    shown = indices[first:][:_SHOWN]
    st.caption("Below each image its index among the training images, counted from 0, and its label.")
    pictures.image_row(
        [dataset.train_images[i] for i in shown],
        [f"{i:,}: {names[dataset.train_labels[i]]}" for i in shown],
        alt=[f"Training image {i}: {pictures.with_article(dataset.train_labels[i], names)}." for i in shown],
    )


def _image_key(dataset: Dataset) -> tuple[str, Key[int]]:
    """The key of the control with the shown image, and what it remembers; those of each data set."""
    key = f"data-image-{dataset.name}"
    return key, Key(f"{key}-noted", 0)


def shown_image(dataset: Dataset) -> int:
    """The index of the training image that `image_in_numbers` shows."""
    return _image_key(dataset)[1].get()


def go_to_image(dataset: Dataset, text: str) -> None:
    """Let `image_in_numbers` show the training image with this index; other texts change nothing."""
    if text.isascii() and text.isdigit() and len(text) < 8 and int(text) < len(dataset.train_labels):
        key, remembered = _image_key(dataset)
        remembered.set(int(text))
        controls.set_value(key, int(text))


def image_in_numbers(dataset: Dataset) -> None:
    """One training image as a network gets it: pixel values, scaled, flattened, with a one-hot label."""
    key, remembered = _image_key(dataset)
    most = len(dataset.train_labels) - 1
    if (controls.value_of(key) or 0) > most:  # Another data set has this name now.
        controls.reset(key)
    index = st.number_input("Training image", 0, most, **controls.seeded(key, min(remembered.get(), most)))
    remembered.set(index)
    image, label = dataset.train_images[index], int(dataset.train_labels[index])
    rows, columns = np.indices(image.shape)
    table = pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), "value": image.ravel()})
    table["scaled"] = table["value"] / 255
    name = pictures.with_article(label, dataset.class_names)
    st.markdown(f"It is **{name}**. Each pixel is a number from 0 (paper) to 255 (ink).")
    picture, numbers = st.columns([3, 2], gap="large")
    picture.vega_lite_chart(
        table, data_charts.pixel_values(), alt=f"Training image {index}, {name}: its 28x28 pixel values."
    )
    with numbers:
        _in_numbers(image, label)


def _in_numbers(image: npt.NDArray[np.uint8], label: int) -> None:
    """The image and its label after each step of the preparation."""
    row = st.slider("One row in numbers", 0, IMAGE_SIZE - 1, IMAGE_SIZE // 2)
    st.code(" ".join(map(str, image[row])), wrap_lines=True)
    st.markdown("**Scaled**: each number divided by 255. Networks learn badly from large numbers.")
    st.code(" ".join(f"{value / 255:.2f}" for value in image[row]), wrap_lines=True)
    st.markdown("**Flattened**: all 28 rows in one line, 784 numbers.")
    st.image(
        pictures.ink_url(np.repeat(image.reshape(1, -1), 24, axis=0)),
        width="stretch",
        alt="The same image as a single row.",
    )
    st.markdown(f"**One-hot**: its label {label} as ten numbers, one for each possible answer.")
    st.code(" ".join(str(int(digit == label)) for digit in range(CLASSES)))


def idx_file(dataset: Dataset) -> None:
    """The IDX file of the training images or labels, byte by byte."""
    which = st.segmented_control("File", ["images", "labels"], default="images", required=True)
    array = dataset.train_images if which == "images" else dataset.train_labels
    content = idx.first_bytes(array, IMAGE_SIZE**2 + _ROWS * data_charts.BYTES_PER_ROW)
    header = idx.header_fields(content)
    length = header[-1].stop + array.nbytes
    st.markdown(
        f"MNIST comes as IDX files: a header, then only numbers. This one has **{length:,} bytes** when unpacked."
    )
    row = st.slider("From row", 0, IMAGE_SIZE**2 // data_charts.BYTES_PER_ROW, help="A row has sixteen bytes.")
    st.caption("Touch a byte to see what it is.")
    at = data_charts.BYTES_PER_ROW * row
    shown = content[at : at + _ROWS * data_charts.BYTES_PER_ROW]
    kinds = [*(field.name for field in header), "number"]
    table = pd.DataFrame([_byte(at + k, value, header, which) for k, value in enumerate(shown)])
    table["row"] = np.arange(len(shown)) // data_charts.BYTES_PER_ROW
    table["column"] = np.arange(len(shown)) % data_charts.BYTES_PER_ROW
    st.vega_lite_chart(
        table,
        data_charts.file_bytes(_ROWS, kinds, theme.text_color()),
        alt=f"Bytes {at:,} to {at + len(shown) - 1:,} of the file.",
    )
    lines = [
        f"| {_places(one)} | `{content[one.start : one.stop].hex(' ')}` | {one.name} | {one.value} |" for one in header
    ]
    st.markdown("\n".join(["| Bytes | In hexadecimal | Meaning | Value |", "|:--|:--|:--|:--|", *lines]))
    st.caption(
        f"Bytes 0 to 3 together are the magic number, {int.from_bytes(content[:4])}. In a number of several bytes, the "
        "most significant byte comes first (big-endian)."
    )


def _places(field: idx.Field) -> str:
    return str(field.start) if field.stop == field.start + 1 else f"{field.start} to {field.stop - 1}"


def _byte(place: int, value: int, header: tuple[idx.Field, ...], which: str) -> dict[str, str | int]:
    for field in header:
        if field.start <= place < field.stop:
            kind, meaning = field.name, f"{field.name}: {field.value}"
            break
    else:
        number = place - header[-1].stop
        kind, meaning = "number", f"the label of image {number:,}"
        if which == "images":
            image, pixel = divmod(number, IMAGE_SIZE**2)
            meaning = f"image {image}, row {pixel // IMAGE_SIZE}, column {pixel % IMAGE_SIZE}"
    return {"byte": place, "hex": f"{value:02x}", "value": value, "kind": kind, "meaning": meaning}


def tensor_table(dataset: Dataset) -> None:
    """The arrays of the data set, and how often each class occurs."""
    count = len(dataset.train_labels)
    names, noun = dataset.class_names, noun_of(dataset.class_names)
    rows = [
        ("images as they are", dataset.train_images.ndim, dataset.train_images.shape, dataset.train_images.dtype),
        ("images as a dense network gets them", 2, (count, IMAGE_SIZE**2), "float32"),
        ("labels as they are", 1, (count,), dataset.train_labels.dtype),
        ("labels, one-hot", 2, (count, CLASSES), "float32"),
    ]
    lines = [f"| {name} | {rank} | {shape} | {dtype} |" for name, rank, shape, dtype in rows]
    st.markdown("\n".join(["| Training | Rank | Shape | Type |", "|:--|--:|:--|:--|", *lines]))
    st.caption("A tensor is an array. Its rank is its number of indices.")
    st.markdown(f"**Images of each {noun}**")
    parts = {"training": dataset.train_labels, "test": dataset.test_labels}
    shown = [names[label] for label in classes_of(names)]
    counts = [
        {"digit": names[digit], "images": int(images), "part": part}
        for part, labels in parts.items()
        for digit, images in enumerate(exploration.class_counts(labels)[: len(shown)])
    ]
    table = pd.DataFrame(counts)
    st.vega_lite_chart(
        table,
        data_charts.class_balance(int(table["images"].max()), shown),
        alt=f"Bars: how many training and test images there are of each {noun}.",
    )
    st.markdown(f"**The mean of all training images of a {noun}**")
    means = exploration.mean_images(dataset.train_images, dataset.train_labels)
    alt = [f"The mean of all training images of {pictures.with_article(k, names)}." for k in classes_of(names)]
    pictures.image_row(list(means[: len(shown)]), shown, width=72, alt=alt)


def split_sizes(dataset: Dataset) -> None:
    """How many images are for training, validation and test, with the settings of the Train page."""
    config = editor_state.draft()
    parts = splits.split_for(dataset, config)
    with st.container(horizontal=True):
        st.metric("Training", f"{len(parts.train_indices):,}", help="The network learns from these images.")
        st.metric("Validation", f"{len(parts.validation_indices):,}", help="For checking while it trains.")
        st.metric("Test", f"{len(parts.test_labels):,}", help="For testing it at the end.")
    st.markdown(
        "If you have seen the exam, passing it proves nothing. The same is true for a network. So some images are set "
        "aside until the end. If you compare many settings, choose by the validation "
        "images. Otherwise your choice fits the test by luck."
    )
    st.caption(
        f"The settings of the Train page: {SPLITS[config.split]}, validation share {config.validation_fraction:g}."
    )


def digit_map(dataset: Dataset) -> None:
    """A map of training images on which similar images are close together."""
    kinds = {"pca": "By their two main directions (PCA)", "neighbours": "By their neighbours (t-SNE)"}
    kind = st.segmented_control("Arrange", list(kinds), default="pca", required=True, format_func=kinds.__getitem__)
    # Cached by content: the same images give every visitor the same map.
    table = _map(
        dataset, zlib.crc32(dataset.train_images[: exploration.MAP_IMAGES].tobytes()), kind, dataset.class_names
    )
    across, along = ((float(table[axis].min()), float(table[axis].max())) for axis in ("x", "y"))
    st.vega_lite_chart(
        table,
        data_charts.digit_map(across, along, dataset.class_names),
        alt=f"Map: {len(table):,} training images as points, similar ones near each other.",
    )
    st.caption(
        f"{len(table):,} training images, each shown as its {noun_of(dataset.class_names)}. Touch one to see it. "
        + _MAP_CAPTIONS[kind]
    )


@st.cache_resource(show_spinner="Arranging the images (only the first time) …", max_entries=6)
def _map(_dataset: Dataset, checksum: int, kind: str, names: tuple[str, ...]) -> pd.DataFrame:
    del checksum
    found = exploration.pca_map(_dataset) if kind == "pca" else exploration.tsne_map(_dataset)
    table = pd.DataFrame(found.points, columns=["x", "y"])
    table["digit"] = [names[label] for label in _dataset.train_labels[found.indices]]
    table["index"] = found.indices
    table["image"] = [pictures.ink_url(_dataset.train_images[i], 3) for i in found.indices]
    return table
