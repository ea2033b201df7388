"""The Evaluate page: the tapped cell is shown, and an image is explained."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import patient
from tests.e2e.test_main_path import SLOW, choose, matrix, middle_of_cell
from tests.e2e.toolbars import controls_under_toolbars


def test_tapped_cell_is_shown(chromium: Browser, server: str) -> None:
    context = patient(
        chromium.new_context(
            base_url=server,
            viewport={"width": 390, "height": 844},
            color_scheme="dark",
            has_touch=True,
            is_mobile=True,
        )
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
    choose(page, "Network", "Torres: ten sigmoid units")
    expect(page.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("See its mistakes").click(timeout=SLOW)
    expect(matrix(page).first).to_be_visible(timeout=SLOW)
    for true, answer in ((2, 5), (5, 2), (7, 7)):
        page.touchscreen.tap(*middle_of_cell(page, true, answer))
        is_shown(page, true, answer)
    touch = context.new_cdp_session(page)
    for true, answer in ((2, 5), (5, 2), (7, 7)):
        x, y = middle_of_cell(page, true, answer)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        is_shown(page, true, answer)
    page.mouse.click(*middle_of_cell(page, 0, 9))
    is_shown(page, 0, 9)
    page.get_by_role("tab", name="One image").click()
    expect(page.get_by_text(re.compile(r"^It is an? \d, read as \d"))).to_be_visible(timeout=SLOW)
    assert not controls_under_toolbars(page)
    context.close()


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_why_an_image_is_misread(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Train", exact=True).click(timeout=SLOW)
    page.get_by_text("See its mistakes").click(timeout=SLOW)
    image = page.get_by_role("button", name=re.compile(r"^Test image \d+: an? \d, read as \d\. Why\?$")).nth(1)
    image.click(timeout=SLOW)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The pixels that decide")).to_be_visible(timeout=SLOW)
    expect(dialog.get_by_text("Its answer over the epochs")).to_be_visible()
    expect(dialog.get_by_text("The training images most like it")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    image.press("Enter")  # The same one again.
    expect(dialog.get_by_text("The pixels that decide")).to_be_visible(timeout=SLOW)


def is_shown(page: Page, true: int, answer: int) -> None:
    """Check that the heading and both boxes name the cell, and that the frame marks it."""
    article = "an" if true == 8 else "a"
    heading = page.get_by_test_id("stMarkdown").filter(has_text=f"of {article} {true} read as {answer}")
    expect(heading).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("combobox", name="True digit")).to_have_value(str(true), timeout=SLOW)
    expect(page.get_by_role("combobox", name="Read as")).to_have_value(str(answer), timeout=SLOW)
    frame = page.get_by_test_id("stPlotlyChart").locator(".shapelayer path")
    expect(frame).to_have_count(1)
    x, y = middle_of_cell(page, true, answer)  # It scrolls.
    box = frame.bounding_box()
    assert box is not None
    assert box["x"] < x < box["x"] + box["width"]
    assert box["y"] < y < box["y"] + box["height"]
