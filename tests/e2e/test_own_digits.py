"""Pasted pictures, and fine-tuning on drawings, in a real browser."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit import config

from mnist_core.drawing import photo, strokes
from tests.e2e.test_main_path import SLOW, stroke

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
PASTE = """([data, type, size]) => {
    const bytes = size ? new Uint8Array(size) : Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    const clipboard = new DataTransfer();
    clipboard.items.add(new File([bytes], "pasted", { type }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true }));
}"""


def open_draw(page: Page) -> None:
    page.goto("/")
    # Streamlit can lose a click on a page link while the first page is loading.
    expect(page.get_by_role("heading", name="Build a network")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.get_by_role("link", name="Draw").click()
    page.get_by_role("img", name="Drawing area").wait_for(timeout=SLOW)
    expect(page.get_by_text("The answer comes after each stroke")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_pasted_picture_is_read_and_removed(page: Page) -> None:
    buffer = io.BytesIO()
    Image.fromarray(strokes.render((np.array(SEVEN),), 18)).save(buffer, "PNG")
    # As large as a photo of a phone: noise cannot be compressed.
    noise = np.random.default_rng(0).integers(200, 256, (1500, 1500, 3), np.uint8)
    noise[300:350, 400:1100] = 20
    for row in range(300, 1200):
        noise[row, 1050 - (row - 300) // 2 : 1100 - (row - 300) // 2] = 20
    large = io.BytesIO()
    Image.fromarray(noise).save(large, "PNG")
    assert large.tell() > 2 * config.get_option("server.maxWidgetStateSize") * 10**6
    open_draw(page)
    page.evaluate(PASTE, ["aGVsbG8=", "text/plain", 0])
    page.evaluate(PASTE, [base64.b64encode(buffer.getvalue()).decode(), "image/png", 0])
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Draw again").click()
    page.get_by_role("img", name="Drawing area").wait_for(timeout=SLOW)
    expect(page.get_by_text("It reads a 7")).to_have_count(0)
    page.evaluate(PASTE, [base64.b64encode(large.getvalue()).decode(), "image/png", 0])
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Draw again").click()
    page.get_by_role("img", name="Drawing area").wait_for(timeout=SLOW)
    page.evaluate(PASTE, ["", "image/png", photo.MAX_BYTES + 1])
    expect(page.get_by_text("The picture has more than 20 MB")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("img", name="Drawing area")).to_be_visible()


@pytest.mark.parametrize("page", ["desktop-dark"], indirect=True)
def test_finetune_built_in_network_on_a_drawing(page: Page) -> None:
    open_draw(page)
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.scroll_into_view_if_needed()
    stroke(page, canvas, SEVEN)
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    page.get_by_role("radio", name="7", exact=True).or_(page.get_by_role("button", name="7", exact=True)).click()
    page.get_by_text("Your own test set").click()
    expect(page.get_by_text("1 of 1 read right")).to_be_visible(timeout=SLOW)
    # Streamlit can lose a click on an element during a rerun.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.get_by_role("button", name="Teach it").click()
    page.get_by_text(re.compile(r"epoch [23] of 4")).wait_for(timeout=SLOW)
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Draw a digit for it").click()
    # The drawing is still there, and both networks read it.
    expect(page.get_by_text("It reads a 7")).to_have_count(2, timeout=SLOW)
    page.get_by_text("Your own test set").click()
    expect(page.get_by_text("No new drawings to test on")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_drawing_survives_another_page_and_can_be_cleared(page: Page) -> None:
    open_draw(page)
    canvas = page.get_by_role("img", name="Drawing area")
    stroke(page, canvas, SEVEN)
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    for _ in range(2):
        page.get_by_role("link", name="Evaluate").click()
        expect(canvas).to_have_count(0, timeout=SLOW)
        page.get_by_role("link", name="Draw").click()
        expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_text("The answer comes after each stroke")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Evaluate").click()
    expect(canvas).to_have_count(0, timeout=SLOW)
    page.get_by_role("link", name="Draw").click()
    expect(page.get_by_text("The answer comes after each stroke")).to_be_visible(timeout=SLOW)
