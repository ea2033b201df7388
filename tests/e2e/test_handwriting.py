"""Real digits drawn with the mouse on the real canvas, and the answers read off the page."""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from mnist_core import drawing, forms, strokes
from mnist_core.strokes import PenDigit
from pages.widgets import pictures
from tests.e2e.test_main_path import SLOW, stroke

COUNT = 120
LEAST = 0.97
# Writers of UJI Pen Characters 2 that the shipped network has not learned from.
HELD_OUT = ["uji4?", "uji5?"]


def pen_digits() -> list[PenDigit]:
    """Held-out writers' digits from the file that MNIST_STROKES names; without it, made-up ones."""
    if "MNIST_STROKES" in os.environ:
        found = strokes.by_writers(strokes.read_jsonl(Path(os.environ["MNIST_STROKES"])), HELD_OUT)
        order = np.random.default_rng(0).permutation(len(found))[:COUNT]
        return [found[i] for i in order]
    random = np.random.default_rng(31)
    return [PenDigit(k % 10, forms.digit(k % 10, random), "") for k in range(COUNT)]


def on_canvas(canvas: Locator) -> drawing.Drawing:
    """What the browser shows on its canvas, brought to 28x28 here."""
    address = canvas.evaluate("upper => upper.parentElement.querySelector('canvas.lower-canvas').toDataURL()")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))
    return drawing.to_mnist(pixels)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_digits_of_people_it_has_not_learned_from_are_read(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Draw").click()
    canvas = page.locator("canvas.upper-canvas")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    wrong = []
    digits = pen_digits()
    assert len(digits) == COUNT
    for one in digits:
        for line in strokes.placed(one.strokes, 0.65):
            stroke(page, canvas, [(float(x), float(y)) for x, y in line], steps=1)
        # The page has caught up when it shows the 28x28 image of what is on the canvas.
        seen = pictures.paper(on_canvas(canvas).image, 4)
        page.locator(f'img[src="{seen}"]').wait_for(timeout=SLOW)
        answer = page.get_by_test_id("stAlert").first.inner_text()
        read = re.match(r"It reads an? (\d)", answer)
        if read is None or int(read.group(1)) != one.label:
            wrong.append((one.label, one.writer, answer))
        page.get_by_role("button", name="Reset canvas & history").click()
        expect(page.get_by_text("The answer comes after each stroke")).to_be_visible(timeout=SLOW)
    assert len(wrong) <= (1 - LEAST) * len(digits), wrong


@pytest.mark.parametrize("page", ["desktop-dark"], indirect=True)
def test_the_canvas_and_the_answer_are_told_to_people_who_do_not_see_them(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Draw").click()
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    stroke(page, canvas, [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)])
    # A live region: what changes in it is read out.
    expect(page.get_by_role("status").filter(has_text="It reads a 7")).to_be_visible(timeout=SLOW)
