"""Real digits drawn with the mouse on the real canvas, and the answers on the page."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from mnist_core.drawing import handwriting, preprocessing, strokes
from mnist_core.drawing.strokes import PenDigit
from pages.widgets.common import pictures
from tests.e2e.conftest import PAUSE
from tests.e2e.test_main_path import SLOW, stroke

COUNT = 12
LEAST = 0.9
# Writers of UJI Pen Characters 2 that the shipped network was not trained on.
HELD_OUT = ["uji4?", "uji5?"]


def pen_digits() -> list[PenDigit]:
    """Return digits of held-out writers from the file in MNIST_STROKES, or generated digits without it."""
    if "MNIST_STROKES" in os.environ:
        found = strokes.select_writers(strokes.read_jsonl(Path(os.environ["MNIST_STROKES"])), HELD_OUT)
        order = np.random.default_rng(0).permutation(len(found))[:COUNT]
        return [found[i] for i in order]
    random = np.random.default_rng(31)
    return [PenDigit(k % 10, handwriting.digit_strokes(k % 10, random), "") for k in range(COUNT)]


def on_canvas(canvas: Locator) -> npt.NDArray[np.uint8]:
    """Return the pixels of the canvas in the browser, (280, 280, 4)."""
    address = canvas.evaluate("upper => upper.parentElement.querySelector('canvas.lower-canvas').toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))


def wait_until_caught_up(page: Page, canvas: Locator, lines: Sequence[npt.ArrayLike]) -> None:
    """Wait until the canvas has every line and the page shows its 28x28 image."""
    ends = np.array([np.asarray(line)[-1] for line in lines])
    for _ in range(SLOW // 50):
        pixels = on_canvas(canvas)
        columns, rows = (ends * pixels.shape[0]).astype(int).T
        if (pixels[rows, columns, 0] < 128).all():
            seen = pictures.ink_url(preprocessing.to_mnist(pixels).image, 4)
            if page.locator(f'img[src="{seen}"]').count():
                return
        PAUSE.wait(0.05)
    pytest.fail("The page does not show what is on the canvas.")


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_digits_of_unknown_writers_are_read(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Draw").click()
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    wrong = []
    digits = pen_digits()
    assert len(digits) == COUNT
    for one in digits:
        lines = strokes.fit_to_canvas(one.strokes, 0.65)
        for line in lines:
            stroke(page, canvas, [(float(x), float(y)) for x, y in line], steps=1)
        wait_until_caught_up(page, canvas, lines)
        answer = page.get_by_test_id("stAlert").first.inner_text()
        read = re.match(r"It reads an? (\d)", answer)
        if read is None or int(read.group(1)) != one.label:
            wrong.append((one.label, one.writer, answer))
        page.get_by_role("button", name="Clear", exact=True).click()
        expect(page.get_by_text("The answer comes after each stroke")).to_be_visible(timeout=SLOW)
    assert len(wrong) <= (1 - LEAST) * len(digits), wrong


@pytest.mark.parametrize("page", ["desktop-dark"], indirect=True)
def test_canvas_and_answer_for_screen_readers(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Draw").click()
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    stroke(page, canvas, [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)])
    # A live region: screen readers read its changes.
    expect(page.get_by_role("status").filter(has_text="It reads a 7")).to_be_visible(timeout=SLOW)
