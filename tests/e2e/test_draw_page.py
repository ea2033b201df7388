"""The drawing area in a real browser: on small screens, by touch, and undo."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_handwriting import on_canvas, wait_until_caught_up
from tests.e2e.test_main_path import SLOW, stroke
from tests.e2e.test_own_digits import SEVEN, open_draw
from tests.e2e.toolbars import controls_under_toolbars

HINT = "The answer comes after each stroke"


def touch(page: Page, canvas: Locator, points: list[tuple[float, float]]) -> None:
    """Draw a line by touch through points given as shares of the canvas."""
    box = canvas.bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    # The browser treats a finger that lifts at full speed as a flick, and the next tap as its end.
    hand = [*np.concatenate([np.linspace(a, b, 12) for a, b in itertools.pairwise(points)]), *[points[-1]] * 8]
    began = time.time() - 0.016 * len(hand)
    for k, (x, y) in enumerate(hand):
        at = {"x": box["x"] + float(x) * box["width"], "y": box["y"] + float(y) * box["height"]}
        kind = "touchMove" if k else "touchStart"
        event = {"type": kind, "touchPoints": [at], "timestamp": began + 0.016 * k}
        finger.send("Input.dispatchTouchEvent", event)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def ink(canvas: Locator, x: float, y: float) -> bool:
    """Return whether there is ink at a place given in shares of the canvas."""
    pixels = on_canvas(canvas)
    return bool(pixels[int(y * pixels.shape[0]), int(x * pixels.shape[1]), 0] < 128)


@pytest.mark.parametrize("page", ["laptop-light", "tablet-light"], indirect=True)
def test_right_edge_of_the_canvas(page: Page) -> None:
    open_draw(page)
    canvas = page.get_by_role("img", name="Drawing area")
    stroke(page, canvas, [(0.97, 0.2), (0.97, 0.8)])
    expect(page.get_by_text("It reads a 1")).to_be_visible(timeout=SLOW)
    assert ink(canvas, 0.97, 0.5)
    page.get_by_text("How the drawing became 28x28").click()
    expect(page.get_by_text("Whatever stands out from the background is ink")).to_be_visible(timeout=SLOW)
    assert not controls_under_toolbars(page)


@pytest.mark.parametrize("page", ["touch-dark"], indirect=True)
def test_touch_drawing_and_undo(page: Page) -> None:
    page.goto("/draw")
    expect(page.get_by_text(HINT)).to_be_visible(timeout=SLOW)
    canvas = page.get_by_role("img", name="Drawing area")
    # An invisible toolbar of another canvas once covered this place.
    touch(page, canvas, [(0.85, 0.05), (0.6, 0.5), (0.5, 0.95)])
    expect(page.get_by_text("It reads a 1")).to_be_visible(timeout=SLOW)
    assert ink(canvas, 0.85, 0.05)
    box = canvas.bounding_box()
    assert box is not None
    assert 330 <= box["width"] <= 358
    undo = page.get_by_role("button", name="Undo")
    undo.tap()
    expect(page.get_by_text(HINT)).to_be_visible(timeout=SLOW)
    expect(undo).to_be_disabled()
    touch(page, canvas, SEVEN)
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    assert not ink(canvas, 0.85, 0.05)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_undo_strokes_from_before_another_page(page: Page) -> None:
    open_draw(page)
    canvas = page.get_by_role("img", name="Drawing area")
    undo = page.get_by_role("button", name="Undo")
    lines = [SEVEN, [(0.1, 0.9), (0.9, 0.9)], [(0.1, 0.1), (0.1, 0.8)]]
    for line in lines:
        stroke(page, canvas, line)
    wait_until_caught_up(page, canvas, lines)
    undo.click()
    wait_until_caught_up(page, canvas, lines[:2])
    page.get_by_role("link", name="Evaluate").click()
    expect(canvas).to_have_count(0, timeout=SLOW)
    page.get_by_role("link", name="Draw").click()
    expect(undo).to_be_enabled(timeout=SLOW)
    assert ink(canvas, 0.5, 0.9)
    undo.click()
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    assert not ink(canvas, 0.5, 0.9)
    for line in lines[1:]:
        stroke(page, canvas, line)
    wait_until_caught_up(page, canvas, lines)
    # One after the other: presses while the page is busy count as one.
    for count in (2, 1):
        undo.click()
        wait_until_caught_up(page, canvas, lines[:count])
    undo.click()
    expect(page.get_by_text(HINT)).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-dark"], indirect=True)
def test_fast_typing_loses_no_key(page: Page) -> None:
    open_draw(page)
    page.get_by_text("Keyboard", exact=True).click()
    expect(page.get_by_text("The pen is lifted")).to_be_visible(timeout=SLOW)
    page.get_by_role("heading", name="Draw a digit").click()
    for key in ["p", *["ArrowDown"] * 10, "ArrowLeft", "ArrowUp", "p", "ArrowRight"]:
        page.keyboard.press(key)
    expect(page.get_by_text("Row 13, column 7. The pen is lifted.")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("img", name="13 of 196 cells painted")).to_be_visible()
