"""Views of a data set, each computed only when it is shown."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts import data as data_charts
from mnist_core.config import CLASSES, IMAGE_SIZE, SPLITS
from mnist_core.data import exploration, idx, splits
from mnist_core.data.sources import classes_of, noun_of
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from pages.widgets.common import pictures, theme, vega_chart
from pages.widgets.state import controls, editor_state
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data import Dataset

_MAP_CAPTIONS = {
    "pca": Message(
        "Two directions out of 784: left to right is where images differ most. In MNIST it goes from thin ones to "
        "wide zeros. Images that overlap here can still be far apart in the other 782."
    ),
    "neighbours": Message(
        "Only neighbours count here: distances between groups, and the page's directions, mean nothing."
    ),
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
        _("Digit") if noun_of(names) == "digit" else _("Class"),
        digits,
        format_func=lambda label: _("all") if label == "all" else names[label],
        **controls.seeded_choice("data-digit", _DIGIT.get(), digits),
    )
    _DIGIT.set(digit)
    indices = np.arange(len(dataset.train_labels))
    if isinstance(digit, int):
        indices = np.flatnonzero(dataset.train_labels == digit)
    if not len(indices):
        st.info(_("There is no {name} among the training images.", name=names[int(digit)]))
        return
    first = right.number_input(
        _("Start at image"), 0, len(indices) - 1, step=_SHOWN, help=_("0 to {count:,}.", count=len(indices) - 1)
    )
    shown = indices[first:][:_SHOWN]
    st.caption(_("Below each image its index among the training images, counted from 0, and its label."))
    pictures.image_row(
        [dataset.train_images[i] for i in shown],
        [f"{format_number(i, ',')}: {names[dataset.train_labels[i]]}" for i in shown],
        alt=[
            _("Training image {index}: {thing}.", index=i, thing=pictures.with_article(dataset.train_labels[i], names))
            for i in shown
        ],
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
    index = st.number_input(_("Training image"), 0, most, **controls.seeded(key, min(remembered.get(), most)))
    remembered.set(index)
    image, label = dataset.train_images[index], int(dataset.train_labels[index])
    rows, columns = np.indices(image.shape)
    table = pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), "value": image.ravel()})
    table["scaled"] = table["value"] / 255
    name = pictures.with_article(label, dataset.class_names)
    st.markdown(_("It is **{name}**. Each pixel is a number from 0 (paper) to 255 (ink).", name=name))
    picture, numbers = st.columns([3, 2], gap="large")
    vega_chart.vega_chart(
        data_charts.pixel_values(),
        table,
        alt=_("Training image {index}, {name}: its 28x28 pixel values.", index=index, name=name),
        place=picture,
    )
    with numbers:
        _in_numbers(image, label)


def _in_numbers(image: npt.NDArray[np.uint8], label: int) -> None:
    """The image and its label after each step of the preparation."""
    row = st.slider(_("One row in numbers"), 0, IMAGE_SIZE - 1, IMAGE_SIZE // 2)
    st.code(" ".join(map(str, image[row])), wrap_lines=True)
    st.markdown(_("**Scaled**: each number divided by 255. Networks learn badly from large numbers."))
    st.code(" ".join(format_number(value / 255, ".2f") for value in image[row]), wrap_lines=True)
    st.markdown(_("**Flattened**: all 28 rows in one line, 784 numbers."))
    st.image(
        pictures.ink_url(np.repeat(image.reshape(1, -1), 24, axis=0)),
        width="stretch",
        alt=_("The same image as a single row."),
    )
    st.markdown(_("**One-hot**: its label {label} as ten numbers, one for each possible answer.", label=label))
    st.code(" ".join(str(int(digit == label)) for digit in range(CLASSES)))


def idx_file(dataset: Dataset) -> None:
    """The IDX file of the training images or labels, byte by byte."""
    which = st.segmented_control(
        _("File"), [Message("images"), Message("labels")], default="images", required=True, format_func=_
    )
    array = dataset.train_images if which == "images" else dataset.train_labels
    content = idx.first_bytes(array, IMAGE_SIZE**2 + _ROWS * data_charts.BYTES_PER_ROW)
    header = idx.header_fields(content)
    length = header[-1].stop + array.nbytes
    st.markdown(
        _(
            "MNIST comes as IDX files: a header, then only numbers. This one has **{length:,} bytes** when unpacked.",
            length=length,
        )
    )
    row = st.slider(_("From row"), 0, IMAGE_SIZE**2 // data_charts.BYTES_PER_ROW, help=_("A row has sixteen bytes."))
    st.caption(_("Touch a byte to see what it is."))
    at = data_charts.BYTES_PER_ROW * row
    shown = content[at : at + _ROWS * data_charts.BYTES_PER_ROW]
    kinds = [*(_(field.name) for field in header), _("number")]
    table = pd.DataFrame([_byte(at + k, value, header, which) for k, value in enumerate(shown)])
    table["row"] = np.arange(len(shown)) // data_charts.BYTES_PER_ROW
    table["column"] = np.arange(len(shown)) % data_charts.BYTES_PER_ROW
    vega_chart.vega_chart(
        data_charts.file_bytes(_ROWS, kinds, theme.text_color()),
        table,
        alt=_("Bytes {first:,} to {last:,} of the file.", first=at, last=at + len(shown) - 1),
    )
    lines = [
        f"| {_places(one)} | `{content[one.start : one.stop].hex(' ')}` | {_(one.name)} | {one.value} |"
        for one in header
    ]
    st.markdown("\n".join([_("| Bytes | In hexadecimal | Meaning | Value |"), "|:--|:--|:--|:--|", *lines]))
    st.caption(
        _(
            "Bytes 0 to 3 together are the magic number, {value}. In a number of several "
            "bytes, the most significant byte comes first (big-endian).",
            value=int.from_bytes(content[:4]),
        )
    )


def _places(field: idx.Field) -> str:
    return (
        str(field.start)
        if field.stop == field.start + 1
        else _("{start} to {stop}", start=field.start, stop=field.stop - 1)
    )


def _byte(place: int, value: int, header: tuple[idx.Field, ...], which: str) -> dict[str, str | int]:
    for field in header:
        if field.start <= place < field.stop:
            kind, meaning = _(field.name), f"{_(field.name)}: {field.value}"
            break
    else:
        number = place - header[-1].stop
        kind, meaning = _("number"), _("the label of image {number:,}", number=number)
        if which == "images":
            image, pixel = divmod(number, IMAGE_SIZE**2)
            meaning = _(
                "image {image}, row {row}, column {column}",
                image=image,
                row=pixel // IMAGE_SIZE,
                column=pixel % IMAGE_SIZE,
            )
    return {"byte": place, "hex": f"{value:02x}", "value": value, "kind": kind, "meaning": meaning}


def tensor_table(dataset: Dataset) -> None:
    """The arrays of the data set, and how often each class occurs."""
    count = len(dataset.train_labels)
    names, noun = dataset.class_names, noun_of(dataset.class_names)
    rows = [
        (_("images as they are"), dataset.train_images.ndim, dataset.train_images.shape, dataset.train_images.dtype),
        (_("images as a dense network gets them"), 2, (count, IMAGE_SIZE**2), "float32"),
        (_("labels as they are"), 1, (count,), dataset.train_labels.dtype),
        (_("labels, one-hot"), 2, (count, CLASSES), "float32"),
    ]
    lines = [f"| {name} | {rank} | {shape} | {dtype} |" for name, rank, shape, dtype in rows]
    st.markdown("\n".join([_("| Training | Rank | Shape | Type |"), "|:--|--:|:--|:--|", *lines]))
    st.caption(_("A tensor is an array. Its rank is its number of indices."))
    st.markdown(_("**Images of each {noun}**", noun=noun))
    parts = {_("training images"): dataset.train_labels, _("test images"): dataset.test_labels}
    shown = [names[label] for label in classes_of(names)]
    counts = [
        {"digit": names[digit], "images": int(images), "part": part}
        for part, labels in parts.items()
        for digit, images in enumerate(exploration.class_counts(labels)[: len(shown)])
    ]
    table = pd.DataFrame(counts)
    vega_chart.vega_chart(
        data_charts.class_balance(int(table["images"].max()), list(parts), shown),
        table,
        alt=_("Bars: how many training and test images there are of each {noun}.", noun=noun),
    )
    st.markdown(_("**The mean of all training images of a {noun}**", noun=noun))
    means = exploration.mean_images(dataset.train_images, dataset.train_labels)
    alt = [
        _("The mean of all training images of {thing}.", thing=pictures.with_article(k, names))
        for k in classes_of(names)
    ]
    pictures.image_row(list(means[: len(shown)]), shown, width=72, alt=alt)


def split_sizes(dataset: Dataset) -> None:
    """How many images are for training, validation and test, with the settings of the Train page."""
    config = editor_state.draft()
    parts = splits.split_for(dataset, config)
    with st.container(horizontal=True):
        st.metric(
            _("Training"), format_number(len(parts.train_indices), ","), help=_("The network learns from these images.")
        )
        st.metric(
            _("Validation"), format_number(len(parts.validation_indices), ","), help=_("For checking while it trains.")
        )
        st.metric(_("Test"), format_number(len(parts.test_labels), ","), help=_("For testing it at the end."))
    st.markdown(
        _(
            "If you have seen the exam, passing it proves nothing. The same is true for a network. So some images "
            "are set aside until the end. If you compare many settings, choose by the validation "
            "images. Otherwise your choice fits the test by luck."
        )
    )
    st.caption(
        _(
            "The settings of the Train page: {split}, validation share {validation_fraction:g}.",
            split=SPLITS[config.split],
            validation_fraction=config.validation_fraction,
        )
    )


def digit_map(dataset: Dataset) -> None:
    """A map of training images on which similar images are close together."""
    kinds = {"pca": _("By their two main directions (PCA)"), "neighbours": _("By their neighbours (t-SNE)")}
    kind = st.segmented_control(_("Arrange"), list(kinds), default="pca", required=True, format_func=kinds.__getitem__)
    # Cached by content: the same images give every visitor the same map.
    checksum = zlib.crc32(dataset.train_images[: exploration.MAP_IMAGES].tobytes())
    with st.spinner(_("Arranging the images (only the first time) …")):
        table = _map(dataset, checksum, kind, dataset.class_names)
    _map_chart(table, dataset)
    st.caption(
        _(
            "{count:,} training images, each shown as its {noun}. Touch one to see it. ",
            count=len(table),
            noun=noun_of(dataset.class_names),
        )
        + _(_MAP_CAPTIONS[kind])
    )


def map_picture(dataset: Dataset, kind: str, most: int, height: int, font_size: int) -> None:
    """The map alone, without controls.

    Args:
        dataset: its training images are shown.
        kind: "pca" or "neighbours".
        most: how many of them at most.
        height: in pixels.
        font_size: of the digits, in pixels.
    """
    checksum = zlib.crc32(dataset.train_images[: exploration.MAP_IMAGES].tobytes())
    table = _map(dataset, checksum, kind, dataset.class_names)
    # From all of them: a data set may be sorted by class.
    _map_chart(table[:: math.ceil(len(table) / most)], dataset, height, font_size)


def _map_chart(table: pd.DataFrame, dataset: Dataset, height: int | None = None, font_size: int | None = None) -> None:
    across, along = ((float(table[axis].min()), float(table[axis].max())) for axis in ("x", "y"))
    spec = data_charts.digit_map(across, along, dataset.class_names)
    if height is not None and font_size is not None:
        spec = {**spec, "height": height, "mark": {**spec["mark"], "fontSize": font_size}}
    alt = _("Map: {count:,} training images as points, similar ones near each other.", count=len(table))
    vega_chart.vega_chart(spec, table, alt=alt)


@st.cache_resource(show_spinner=False, max_entries=6)
def _map(_dataset: Dataset, checksum: int, kind: str, names: tuple[str, ...]) -> pd.DataFrame:
    del checksum
    found = exploration.pca_map(_dataset) if kind == "pca" else exploration.tsne_map(_dataset)
    table = pd.DataFrame(found.points, columns=["x", "y"])
    table["digit"] = [names[label] for label in _dataset.train_labels[found.indices]]
    table["index"] = found.indices
    table["image"] = [pictures.ink_url(_dataset.train_images[i], 3) for i in found.indices]
    return table
