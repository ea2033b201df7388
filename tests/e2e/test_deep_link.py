"""The first visitor of a new server opens a page by its address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import patient
from tests.e2e.test_main_path import SLOW

# Records whether the page has ever listed the files in the folder `pages`, however briefly.
NOTE_FILES = """new MutationObserver(() => {
    window.listed_files ||= document.querySelector("[data-testid=stSidebarNavLink]") !== null;
}).observe(document, { subtree: true, childList: true });"""


@pytest.mark.parametrize(("path", "title"), [("draw", "Draw a digit"), ("evaluate", "Evaluate: where is it wrong?")])
def test_first_visit_of_a_new_server_to_any_page(
    path: str, title: str, serve: Callable[[str], AbstractContextManager[str]], chromium: Browser
) -> None:
    with serve("streamlit") as address:
        context = patient(chromium.new_context(viewport={"width": 1280, "height": 900}))
        page = context.new_page()
        page.add_init_script(NOTE_FILES)
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=SLOW)
        links = page.get_by_test_id("stTopNavLink")
        expect(links).to_contain_text(["Train", "Evaluate", "Draw"], timeout=SLOW)
        assert not page.evaluate("window.listed_files")
        # A server that is stopped while it still imports and loads logs an error.
        links.filter(has_text="Train").click()
        # During a rerun, old and new elements may be on the page together for a moment.
        expect(page.get_by_role("button", name="Train", exact=True).first).to_be_enabled(timeout=SLOW)
        context.close()
