"""Links from one browser to another: a network, and a finished run."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page, expect

from tests import qr
from tests.e2e import browser as finder
from tests.e2e.conftest import patient
from tests.e2e.test_main_path import SLOW, choose, matrix

HOST = "lab-3.school.test"
"""The host name of the server for others; localhost could not be shared."""


@pytest.fixture
def classroom(chromium: Browser, server: str) -> Iterator[tuple[Page, Page]]:
    """Two visitors with separate browsers, who use the server's host name."""
    address = server.replace("127.0.0.1", HOST)
    browsers = [
        chromium.browser_type.launch(
            executable_path=finder.find(),
            args=["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"],
        )
        for _ in range(2)
    ]
    sizes = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
    one, two = (
        patient(browser.new_context(viewport=size, base_url=address, color_scheme=scheme)).new_page()  # type: ignore[arg-type]
        for browser, size, scheme in zip(browsers, sizes, ("dark", "light"), strict=True)
    )
    yield one, two
    for browser in browsers:
        browser.close()


def decode_qr(code: Locator) -> str:
    """Return the text of a QR code on the screen, decoded from a screenshot."""
    shot = Image.open(io.BytesIO(_picture_of(code)))
    picture = np.asarray(shot.convert("L"))[9:-9, 9:-9]  # Without the round corners.
    dark = np.argwhere(picture < 128)
    (top, left), (bottom, right) = dark.min(0), dark.max(0) + 1
    # The finder pattern in its corner is seven modules wide.
    run = np.flatnonzero(picture[top + 1, left:right] >= 128)[0]
    side = 17 + 4 * round(((right - left) / (run / 7) - 17) / 4)
    middles = (np.arange(side) + 0.5) / side
    rows, columns = (top + middles * (bottom - top)).astype(int), (left + middles * (right - left)).astype(int)
    return qr.decode(picture[np.ix_(rows, columns)] < 128)


def _picture_of(element: Locator) -> bytes:
    """Take a screenshot of an element that is still; its page may be loading, or its dialog opening."""
    before = b""
    for _ in range(100):
        expect(element).to_be_visible(timeout=SLOW)
        with contextlib.suppress(Error):
            picture = element.screenshot(animations="disabled")
            if picture == before:
                return picture
            before = picture
    raise AssertionError("It is never still for long.")


def link_on(page: Page) -> str:
    shown = page.get_by_test_id("stCode").filter(has_text=HOST)
    expect(shown).to_be_visible(timeout=SLOW)
    link = shown.inner_text().replace("\n", "")
    code = page.get_by_test_id("stImage").locator("img[src*=svg]")
    expect(code).to_be_visible(timeout=SLOW)
    assert decode_qr(code) == link
    page.get_by_role("button", name="Full screen").click()
    large = page.get_by_role("dialog").locator("img[src*=svg]")
    expect(large).to_be_visible(timeout=SLOW)
    assert decode_qr(large) == link
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=SLOW)
    return link


def test_network_link_in_another_browser(classroom: tuple[Page, Page]) -> None:
    teacher, pupil = classroom
    teacher.goto("/")
    teacher.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
    choose(teacher, "Network", "Morgan 1: one wide layer")
    expect(teacher.get_by_text("407,050 parameters")).to_be_visible(timeout=SLOW)
    teacher.get_by_text("Share", exact=True).click()
    link = link_on(teacher)
    assert "/?layers=dense-512-relu-0.2&" in link

    pupil.goto(link)
    expect(pupil.get_by_text("Loaded from a link: Morgan 1: one wide layer.")).to_be_visible(timeout=SLOW)
    expect(pupil.get_by_text("407,050 parameters")).to_be_visible(timeout=SLOW)
    epochs = pupil.get_by_role("spinbutton", name="Epochs")
    expect(epochs).to_have_value("10", timeout=SLOW)
    epochs.fill("3")
    epochs.press("Enter")
    expect(pupil).to_have_url(re.compile("epochs=3"), timeout=SLOW)
    pupil.reload()
    expect(pupil.get_by_text("407,050 parameters")).to_be_visible(timeout=SLOW)
    expect(pupil.get_by_role("spinbutton", name="Epochs")).to_have_value("3", timeout=SLOW)


def test_shared_run_in_another_browser_until_sharing_stops(classroom: tuple[Page, Page]) -> None:
    owner, guest = classroom
    owner.goto("/")
    train = owner.get_by_role("button", name="Train", exact=True)
    train.wait_for(timeout=SLOW)
    choose(owner, "Network", "Torres: ten sigmoid units")
    expect(owner.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)
    train.click()
    owner.get_by_text("See its mistakes").click(timeout=SLOW)
    metrics = owner.get_by_test_id("stMetricValue")
    expect(metrics).to_have_count(3, timeout=SLOW)
    owner.get_by_role("button", name="Share").click()
    owner.get_by_role("button", name="Make a link").click(timeout=SLOW)
    link = link_on(owner)
    assert f"{HOST}" in link
    assert "/evaluate?shared=" in link

    guest.goto(link)
    expect(guest.get_by_text("Shared with you (read-only)")).to_be_visible(timeout=SLOW)
    expect(guest.get_by_text("Torres: ten sigmoid units", exact=True)).to_be_visible(timeout=SLOW)
    expect(guest.get_by_test_id("stMetricValue")).to_have_text(metrics.all_inner_texts(), timeout=SLOW)
    expect(matrix(guest).first).to_be_attached(timeout=SLOW)
    expect(guest.get_by_role("button", name="Share")).to_have_count(0)
    guest.get_by_role("button", name="Try this network").click()
    expect(guest.get_by_text("From a run that was shared: Torres: ten sigmoid units.")).to_be_visible(timeout=SLOW)
    expect(guest.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)

    owner.get_by_role("button", name="Share").click()
    owner.get_by_role("button", name="Stop sharing").click(timeout=SLOW)
    expect(owner.get_by_role("button", name="Make a link")).to_be_visible(timeout=SLOW)
    guest.goto(link)
    expect(guest.get_by_text("Its owner may have stopped sharing it")).to_be_visible(timeout=SLOW)
    guest.get_by_role("button", name="To your own runs").click()
    expect(guest.get_by_text("You have not trained a network yet")).to_be_visible(timeout=SLOW)
