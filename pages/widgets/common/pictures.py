"""Images of digits: dark ink on light paper, every pixel a square."""

from __future__ import annotations

import base64
import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from mnist_core.charts.matrix import HEIGHT, confusion_matrix, difference_matrix, enlarge
from mnist_core.data.sources import DIGITS
from mnist_core.evaluation import metrics
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from pages.widgets.common import cell_clicks, projector, theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A little darker than a white page, so that the edge of the picture is visible.
_PAPER = 238
_CONFIG = {"displayModeBar": False}

_DIGIT = Message("digit")


def png_url(pixels: npt.NDArray[np.uint8]) -> str:
    """A picture as a data URL, so that the browser needs no further request.

    Args:
        pixels: (h, w) grey, or (h, w, 2) grey and alpha, or (h, w, 4) RGBA, uint8.
    """
    buffer = io.BytesIO()
    # A third larger than with the default of 6, but four times as fast: some pictures change twice a second.
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def ink_url(image: npt.NDArray[Any], scale: int = 1, margin: int = 0) -> str:
    """A picture of ink on paper as a data URL for `st.image`.

    Args:
        image: (h, w), uint8 in 0..255 or float in [0, 1]; the top value is ink.
        scale: screen pixels of each image pixel.
        margin: transparent screen pixels around it.
    """
    return _paper(image.tobytes(), image.dtype.str, image.shape, scale, margin)


@functools.lru_cache(maxsize=1024)
def _paper(data: bytes, dtype: str, shape: tuple[int, ...], scale: int, margin: int) -> str:
    # Cached: all visitors see the same test images again and again.
    image = np.frombuffer(data, dtype).reshape(shape)
    ink = image.astype(np.float32) / 255 if image.dtype == np.uint8 else image
    shade = np.kron(np.rint(_PAPER * (1 - ink)).astype(np.uint8), np.ones((scale, scale), np.uint8))
    pixels = np.stack([shade, np.full_like(shade, 255)], axis=-1)
    return png_url(np.pad(pixels, ((margin, margin), (margin, margin), (0, 0))))


def image_row(
    images: Sequence[npt.NDArray[Any]], captions: Sequence[str], width: int = 56, alt: Sequence[str] | None = None
) -> None:
    """Images in rows, each with a caption and an alternative text."""
    shown = [ink_url(image, max(1, 2 * width // image.shape[1]), margin=6) for image in images]
    st.image(shown, caption=list(captions), width=width, alt=None if alt is None else list(alt))


def joined(names: Sequence[str]) -> str:
    """Names as a list in a sentence: "A", "A and B", "A, B and C"."""
    return _("{names} and {last}", names=", ".join(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]


def with_article(digit: int, names: Sequence[str] = DIGITS) -> str:
    """A digit with its article, or the name of a class that is no digit."""
    name = names[digit]
    return name if name not in DIGITS else _("an {name}", name=name) if name == "8" else _("a {name}", name=name)


def tick(is_right: bool) -> str:
    """A tick or a cross. Captions are pale, so colours would be too pale in them."""
    return "✓" if is_right else "✗"


def answer_caption(label: int, answered: int, probability: float, names: Sequence[str] = DIGITS) -> str:
    """A caption for an answer, with a tick if it is right."""
    return f"{tick(label == answered)} **{names[answered]}** {format_number(probability, '.0%')}"


def matrix_legend(noun: str) -> str:
    """How to read a confusion matrix; `noun` is "digit" or "class"."""
    return _(
        "A row is a true {noun}, a column is an answer. Blue is right, orange is wrong; the "
        "stronger the colour, the larger the share of its row.",
        noun=noun,
    )


def clickable_matrix(
    confusion: npt.NDArray[np.int64],
    texts: Sequence[Sequence[str]],
    key: str,
    noun: str = _DIGIT,
    chosen: tuple[int, int] | None = None,
    on_choose: Callable[[int, int], None] | None = None,
    only_errors: bool = False,
    height: int = HEIGHT,
    names: Sequence[str] = DIGITS,
    font_size: int | None = None,
) -> None:
    """A confusion matrix of the classes that occur in it.

    Args:
        confusion: (10, 10) counts, rows the true digits.
        texts: the text of each cell.
        key: of the chart.
        noun: what a row is called.
        chosen: the cell that gets a frame.
        on_choose: called with the row and the column of a clicked cell.
        only_errors: whether to leave out the diagonal.
        height: in pixels.
        names: the ten class names.
        font_size: of the class names on a wall, in pixels, where the cells have no texts; None for the usual one.
    """
    classes = metrics.classes_in(confusion)
    figure = confusion_matrix(confusion, texts, classes, _colors(), noun, chosen, only_errors, height, names)
    if font_size is not None:
        enlarge(figure, font_size)
    elif projector.is_on():
        figure.update_layout(font_size=projector.FONT_SIZE)
        figure.update_traces(textfont_size=projector.FONT_SIZE, selector={"type": "scatter"})
    right, every = int(confusion.trace()), int(confusion.sum())
    alt = _(
        "Confusion matrix: how often each {noun} is read as each {noun}. {right:,} of {every:,} are right.",
        noun=noun,
        right=right,
        every=every,
    )
    st.plotly_chart(figure, key=key, alt=alt, config=_CONFIG)
    if on_choose is not None:
        cell_clicks.listen_for_cell_clicks(key, classes, on_choose)


def counts_matrix(
    matrix_of: npt.NDArray[np.int64],
    key: str,
    only_errors: bool = False,
    height: int | None = None,
    noun: str = _DIGIT,
    names: Sequence[str] = DIGITS,
) -> None:
    """A confusion matrix of counts, and the accuracy. Cells that are 0 stay empty.

    Args:
        matrix_of: (10, 10), rows the true digits.
        key: of the chart.
        only_errors: whether to leave out the diagonal.
        height: of the chart, in pixels; None for the usual one.
        noun: what a row is called.
        names: the ten class names.
    """
    texts = [[str(count or "") for count in row] for row in matrix_of.tolist()]
    clickable_matrix(matrix_of, texts, key, noun, only_errors=only_errors, height=height or HEIGHT, names=names)
    right, every = int(matrix_of.trace()), int(matrix_of.sum())
    st.caption(
        _(
            "{legend} {right:,} of {every:,} are right: an accuracy of {accuracy:.2%}.",
            legend=matrix_legend(noun),
            right=right,
            every=every,
            accuracy=right / every,
        )
    )


def matrix_difference(of: npt.NDArray[np.int64], key: str, names: Sequence[str] = DIGITS) -> None:
    """One confusion matrix minus another.

    Args:
        of: (10, 10), rows the true digits.
        key: of the chart.
        names: the ten class names.
    """
    st.plotly_chart(
        difference_matrix(of, _colors(), names=names),
        key=key,
        alt=_("Confusion matrix of A minus that of B: in which cells A or B has more images."),
        config=_CONFIG,
    )


def _colors() -> tuple[str, str]:
    return theme.ground_color(), theme.text_color()
