"""The Compare page in a real browser: a race to its end, and its runs side by side."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_learn_page import segment, wait_until_idle
from tests.e2e.test_main_path import SLOW, choose, matrix, wait_until_grown


def open_compare(page: Page) -> None:
    page.goto("/compare")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible(timeout=SLOW)
    wait_until_idle(page)


def add(page: Page, label: str, option: str) -> None:
    """Add an option to a multiselect by keyboard, which works on any screen."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    box.press("Enter")
    box.press("Escape")
    wait_until_idle(page)


def tick(page: Page, row: int) -> None:
    """Tick a row of the table, counted from 0. The table is a canvas with its check boxes on the left."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 35 * (row + 1) + 17)
    wait_until_idle(page)


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_race_then_compare_its_runs(page: Page) -> None:
    open_compare(page)
    expect(page.get_by_text("You have not trained a network yet")).to_be_visible()
    segment(page, "Race").click()
    add(page, "Choose 2 to 6 networks", "Small CNN")  # Besides the two proposed ones; it takes the longest.
    epochs = page.get_by_role("spinbutton", name="Epochs for each")
    epochs.fill("2")
    epochs.press("Enter")
    expect(page.get_by_text("Each has 2 epochs.")).to_be_visible(timeout=SLOW)
    choose(page, "Which will win?", "Morgan 0: no hidden layer")
    page.get_by_test_id("stMain").get_by_test_id("stBaseButton-primary").click()
    standing = page.get_by_text("No leader yet: each has to finish one epoch first.")
    expect(standing).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Your guess: Morgan 0: no hidden layer.")).to_be_visible()
    chart_top = page.get_by_text("Accuracy on training images").first
    expect(chart_top).to_be_visible(timeout=SLOW)
    place = chart_top.bounding_box()
    curve = page.locator(".mark-line path[aria-label*='Small CNN']").first
    expect(curve).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile(r"Small CNN: two convolutions · epoch \d of 2"))).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").first.element_handle()
    wait_until_grown(curve)
    wait_until_grown(curve)
    # It is still the same element: a chart that is created again each time would flicker.
    assert chart is not None
    assert chart.evaluate("chart => chart.isConnected")

    expect(page.get_by_text(re.compile(r"leads: \d\d\.\d\d% on training images after epoch"))).to_be_visible(
        timeout=SLOW
    )
    assert chart_top.bounding_box() == place  # Nothing moves for the leader.

    compare = page.get_by_role("button", name="Compare them")
    expect(compare).to_be_visible(timeout=SLOW)
    # Screen readers say it, too.
    expect(
        page.get_by_role("status").filter(has_text=re.compile(r"wins.*Your guess was Morgan 0.*won\."))
    ).to_be_visible()
    rows = page.get_by_role("row").filter(has_text=re.compile(r"\d\d\.\d\d%"))
    expect(rows).to_have_count(3)
    shares = re.findall(r"\d+\.\d\d%", " ".join(rows.all_inner_texts()))
    assert shares == sorted(shares, key=lambda share: -float(share[:-1]))
    expect(page.locator(".mark-line path")).to_have_count(6)

    # Its address restores it in a new session.
    page.reload()
    expect(compare).to_be_visible(timeout=SLOW)
    expect(rows).to_have_count(3)

    compare.click()
    expect(page.get_by_role("button", name="Delete these 3")).to_be_visible(timeout=SLOW)
    wait_until_idle(page)
    # One tick less leaves two runs.
    tick(page, 0)
    expect(page.get_by_role("button", name="Delete these 2")).to_be_visible(timeout=SLOW)
    segment(page, "A minus B").click()
    expect(matrix(page).first).to_be_visible(timeout=SLOW)
    segment(page, "Which images differ").click()
    expect(page.get_by_text(re.compile("Only A right"))).to_be_visible(timeout=SLOW)

    # Deleted and restored.
    page.get_by_role("button", name="Delete these 2").click()
    expect(page.get_by_text("Deleted 2 runs.")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Delete these 2")).to_be_visible(timeout=SLOW)
