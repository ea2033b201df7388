"""How a browser finds its workspace: with a cookie, without one, and after another person took over the device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from pages.widgets.server import cookies
from tests.e2e import dropping_proxy
from tests.e2e.conftest import visit
from tests.e2e.test_main_path import SLOW

NOTHING = "You have not trained a network yet"
WARNING = "This browser does not remember you here"
CODE = re.compile(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){5}$")


@pytest.fixture
def proxy(server: str) -> Iterator[str]:
    """The address of a proxy that drops our cookies."""
    port = urlsplit(server).port
    assert port
    with dropping_proxy.running(port) as own:
        yield f"127.0.0.1:{own}"


def train(page: Page | FrameLocator) -> None:
    """Train the network in the editor to the end."""
    page.get_by_role("button", name="Train", exact=True).click(timeout=SLOW)
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)


def expand(page: Page) -> None:
    page.get_by_text("Your runs on another device").click(timeout=SLOW)
    # Streamlit can lose a click on an element during a rerun.
    expect(page.get_by_label("Recovery code")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)


def new_tab(page: Page, path: str) -> Page:
    one = page.context.new_page()
    one.goto(path)
    return one


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_cookie_is_hidden_from_scripts(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
    (ours,) = (one for one in page.context.cookies() if one["name"].startswith(cookies.NAME))
    assert (ours["name"], ours["httpOnly"], ours["sameSite"], ours["path"]) == (cookies.NAME, True, "Lax", "/")
    assert "mnist" not in page.evaluate("document.cookie")
    assert ours["value"] not in page.content()


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_next_person_starts_empty_and_code_restores(page: Page) -> None:
    page.goto("/")
    train(page)
    other = new_tab(page, "/compare")
    expect(other.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    page.goto("/compare?note=of+the+one+before")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    expand(page)
    expect(page.get_by_test_id("stCode")).to_have_count(0)
    page.get_by_text("Show code").first.click()
    code = page.get_by_test_id("stCode").inner_text(timeout=SLOW).strip()
    assert CODE.match(code)

    page.get_by_role("button", name="This is not me").click()
    page.get_by_role("button", name="Start with an empty list").click()
    for one in (page, other):
        expect(one.get_by_text(NOTHING)).to_be_visible(timeout=SLOW)
    assert not urlsplit(page.url).query
    other.close()

    expand(page)
    page.get_by_label("Recovery code").fill(code)
    page.get_by_role("button", name="Open these runs here").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    # The cookie has changed too: a new tab and a reload find the runs.
    again = new_tab(page, "/compare")
    expect(again.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    assert "mnist" not in again.evaluate("document.cookie")


def test_runs_survive_a_proxy_that_drops_the_cookie(chromium: Browser, proxy: str) -> None:
    with visit(chromium, f"http://{proxy}", "desktop-light") as page:
        page.goto("/")
        train(page)
        page.reload()
        expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
        page.goto("/compare")
        expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
        expect(page.get_by_text(WARNING)).to_have_count(0)


def test_frame_without_cookies_keeps_runs_in_the_tab(chromium: Browser, proxy: str) -> None:
    with visit(chromium, f"http://{proxy.replace('127.0.0.1', 'localhost')}", "desktop-light") as page:
        page.goto(dropping_proxy.FRAME)
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
        expect(frame.get_by_text(WARNING)).to_have_count(0)  # There is nothing to lose yet.
        train(frame)
        expect(frame.get_by_text(WARNING)).to_have_count(1)
        frame.get_by_role("link", name="Compare").click()
        expect(frame.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
        page.reload()
        frame.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
        expect(frame.get_by_text("See its mistakes")).to_have_count(0)
