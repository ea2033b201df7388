"""Active runs after a reload, in a second tab, and after the server was killed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import free_port, patient, running
from tests.e2e.test_main_path import SLOW, begin_long_run

UNDER_WAY = re.compile(r"epoch \d+ of 100")


def epoch(page: Page) -> int:
    text = page.get_by_text(UNDER_WAY).first.inner_text(timeout=SLOW)
    return int(text.partition("epoch ")[2].split()[0])


def stop(page: Page) -> None:
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click(timeout=SLOW)
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_reload_and_second_tab_show_the_active_run(page: Page) -> None:
    begin_long_run(page)
    page.get_by_text(UNDER_WAY).wait_for(timeout=SLOW)
    before = epoch(page)
    page.reload()
    assert epoch(page) >= before
    # The editor shows the network of the run.
    expect(page.get_by_text("407,050 parameters")).to_be_visible(timeout=SLOW)

    second = page.context.new_page()
    second.goto("/")
    stop(second)
    second.close()
    expect(page.get_by_text("See its mistakes")).to_be_visible(
        timeout=SLOW
    )  # A stop in one tab is visible in the other.

    page.goto("/evaluate")
    expect(page.get_by_text("Mistakes", exact=True)).to_be_visible(timeout=SLOW)


def test_run_resumes_after_its_server_was_killed(chromium: Browser, tmp_path: Path) -> None:
    port = free_port()
    context = patient(chromium.new_context(base_url=f"http://127.0.0.1:{port}"))
    page = context.new_page()
    with running("streamlit", tmp_path, port) as server:
        begin_long_run(page)
        expect(page.get_by_text(re.compile(r"epoch ([3-9]|\d\d) of 100"))).to_be_visible(timeout=SLOW)
        before = epoch(page)
        server.kill()
        server.wait()
    with running("streamlit", tmp_path, port):
        page.goto("/")
        goes_on = page.get_by_text(re.compile(r"Run 1 goes on after epoch \d+"))
        expect(goes_on).to_be_visible(timeout=SLOW)
        # The server was killed in the next epoch, or while that one was being saved.
        assert int(goes_on.inner_text().rstrip(".").split()[-1]) >= before - 2
        assert epoch(page) >= before - 1
        stop(page)
        context.close()
