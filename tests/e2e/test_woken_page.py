"""A phone that has slept for so long that its session is gone: the page is still there, and no press is lost."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.e2e.conftest import PAUSE, SIZES, free_port, patient, running
from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW, choose, set_epochs


def train(page: Page) -> None:
    """Train a network for two epochs."""
    page.goto("/")
    page.get_by_role("button", name="Train", exact=True).wait_for(timeout=SLOW)
    choose(page, "Network", "Torres: ten sigmoid units")
    expect(page.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)
    set_epochs(page, 2)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    wait_until_idle(page)


def test_first_press_after_the_session_is_gone(chromium: Browser, tmp_path: Path) -> None:
    sockets: list[WebSocketRoute] = []

    def connect(browser: WebSocketRoute) -> None:
        browser.connect_to_server()
        sockets.append(browser)

    port = free_port()
    with running("streamlit", tmp_path, port, settings={"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "0"}):
        context = patient(chromium.new_context(viewport=SIZES["phone"], base_url=f"http://127.0.0.1:{port}"))
        page = context.new_page()
        page.route_web_socket(re.compile("_stcore/stream"), connect)
        train(page)
        before = len(sockets)
        sockets[-1].close()
        for _ in range(1_000):  # The page connects again by itself.
            if len(sockets) > before:
                break
            page.evaluate("() => new Promise(requestAnimationFrame)")  # Meanwhile Playwright hears of sockets.
            PAUSE.wait(0.1)
        assert len(sockets) > before
        page.get_by_role("button", name="Next", exact=True).click()
        page.get_by_role("button", name="Train 5 more epochs").click()
        expect(page.get_by_text(re.compile("· run 2"))).to_be_visible(timeout=SLOW)
        context.close()
