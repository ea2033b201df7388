"""The Data page in a real browser: details on hover, and uploaded files."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from mnist_core.data import idx
from tests.e2e.conftest import PAUSE
from tests.e2e.test_handwriting import on_canvas
from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW, stroke
from tests.e2e.toolbars import controls_under_toolbars

# Each view with text that only it contains.
VIEWS = {
    "Images": "Below each image its index",
    "One image": "Each pixel is a number",
    "The file": "Touch a byte",
    "Overview": "Images of each digit",
    "Map": "Touch one to see it",
    "Split": "The settings of the Train page",
}


def open_data(page: Page) -> None:
    page.goto("/")
    # Streamlit can lose a click on a page link while the first page is loading.
    expect(page.get_by_role("heading", name="Build a network")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_text("12,000 training images")).to_be_visible(timeout=SLOW)


def choose(page: Page, view: str) -> None:
    # In some versions of Streamlit the segments are radio buttons, in others plain buttons.
    main = page.get_by_test_id("stMain")
    segment = main.get_by_role("radio", name=view, exact=True).or_(main.get_by_role("button", name=view, exact=True))
    segment.first.click()
    expect(page.get_by_text(VIEWS[view])).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_every_view_with_hover_details(page: Page) -> None:
    open_data(page)
    for view in VIEWS:
        choose(page, view)
        if view in ("One image", "The file", "Overview", "Map"):
            expect(page.locator(".mark-text, .mark-rect").first).to_be_attached(timeout=SLOW)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
        assert not controls_under_toolbars(page)
    choose(page, "The file")
    # Until then the marks belong to another view.
    expect(page.locator(".mark-rect path")).to_have_count(160, timeout=SLOW)
    tooltip = page.locator("#vg-tooltip-element")
    byte = page.locator(".mark-rect path").nth(6)
    byte.hover(force=True)
    expect(tooltip).to_contain_text("how many images: 12,000", timeout=SLOW)
    choose(page, "Map")
    expect(page.locator(".mark-text text")).to_have_count(2_000, timeout=SLOW)
    page.locator(".mark-text text").nth(50).hover(force=True)
    expect(tooltip.locator("img")).to_have_attribute("src", re.compile("^data:image/png"), timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_own_files_become_a_data_set_to_train_on(page: Page) -> None:
    random = np.random.default_rng(2)
    labels = (np.arange(400) % 10).astype(np.uint8)
    # Each class has its own stripe.
    images = random.integers(0, 60, (400, 28, 28), np.uint8)
    images[np.arange(400), 2 * labels + 3] = 255
    open_data(page)
    page.get_by_text("Upload your own data").click()
    files = [
        {"name": "stripes-idx3-ubyte.gz", "mimeType": "application/gzip", "buffer": gzip.compress(idx.pack(images))},
        {"name": "stripes-idx1-ubyte", "mimeType": "application/octet-stream", "buffer": idx.pack(labels)},
    ]
    page.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    page.get_by_role("button", name="Use this data").click()
    expect(page.get_by_text("343 training images and 57 test images")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Train on it").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Evaluate").click()
    # Kite's split: a quarter of the training images.
    expect(page.get_by_text("of 86")).to_be_visible(timeout=SLOW)


HEART = [(0.5, 0.8), (0.2, 0.45), (0.3, 0.25), (0.5, 0.4), (0.7, 0.25), (0.8, 0.45), (0.5, 0.8)]
STICK = [(0.5, 0.15), (0.5, 0.85)]


def wait_until_blank(canvas: Locator) -> None:
    """Wait until the last drawing is gone from the canvas, and bring it into view, not below the page's header."""
    wait_until_idle(canvas.page)
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    for _ in range(SLOW // 50):
        if (on_canvas(canvas)[..., 0] > 250).all():
            return
        PAUSE.wait(0.05)
    pytest.fail("The canvas was not cleared.")


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_own_symbols_are_drawn_learned_and_read(page: Page) -> None:
    page.goto("/data")  # A phone has its links in a menu.
    page.get_by_text("Draw your own data").click(timeout=SLOW)
    page.get_by_placeholder("heart, star").fill("heart, stick")
    page.get_by_placeholder("heart, star").press("Enter")
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    for number in range(3):
        for name, line in (("heart", HEART), ("stick", STICK)):
            wait_until_blank(canvas)
            stroke(page, canvas, [(x + 0.04 * number * (y - 0.5), y) for x, y in line])
            page.get_by_role("button", name=name, exact=True).click(timeout=SLOW)
            expect(page.get_by_text(f"{name}: {number + 1}", exact=True)).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Use these drawings").click()
    expect(page.get_by_text("6,000 training images and 2 test images")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Train on it").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    page.reload()
    page.get_by_text("Draw a digit for it").click(timeout=SLOW)
    expect(page.get_by_text("Draw one of these: heart, stick", exact=True)).to_be_visible(timeout=SLOW)
    stroke(page, canvas, HEART)
    expect(page.get_by_text("It reads heart")).to_be_visible(timeout=SLOW)
