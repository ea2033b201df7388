"""Every page in both themes: axe-core finds nothing serious outside Streamlit's own, and no text is too pale."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.contrast import come_to_rest, pale_texts
from tests.e2e.test_class import faces
from tests.e2e.test_main_path import SLOW, choose

PAGES = ["", "evaluate", "compare", "draw", "data", "learn", "class"]
_AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


def is_streamlits_own(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Whether a finding is about what Streamlit draws and the theme cannot change.

    In dark mode one colour is both a text's and the ground of white text; no colour suits both. The label of a control
    that is switched off is pale, but not marked as disabled.
    """
    if rule != "color-contrast":
        return False
    target = str(node["target"])
    is_primary = 'kind="primary"' in target or 'data-has-shortcut="false"' in target
    is_label_of_disabled = "Saves it to your test set" in node["html"]
    is_chosen_network = page.locator(node["target"][0]).evaluate(
        "element => !!element.closest('[data-testid=stMultiSelectTagsContainer]')"
    )
    return is_primary or is_label_of_disabled or is_chosen_network


def serious_findings(page: Page) -> list[str]:
    """Return what axe-core calls serious or critical on the page at rest, and texts that are too pale, a line each."""
    page.locator(_AT_REST).wait_for(timeout=SLOW)
    come_to_rest(page)
    # Without style sheets from other addresses, which it would ask for.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{one['id']} {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not is_streamlits_own(page, one["id"], node)
    ] + pale_texts(page)


@pytest.mark.parametrize("page", ["desktop-light", "desktop-dark", "phone-dark"], indirect=True)
def test_every_page_can_be_read_and_used(page: Page) -> None:
    found = {}
    for path in PAGES:
        page.goto(f"/{path}")
        page.get_by_role("heading", level=1).wait_for(timeout=SLOW)
        if not path:
            expect(page.get_by_text("Not trained yet")).to_be_visible(timeout=SLOW)
        found[path] = serious_findings(page)
    for face in faces(page):
        found[face] = serious_findings(page)
    assert not any(found.values()), found


@pytest.mark.parametrize("page", ["desktop-dark"], indirect=True)
def test_no_serious_finding_after_a_run(page: Page) -> None:
    page.goto("/")
    train = page.get_by_role("button", name="Train", exact=True)
    train.wait_for(timeout=SLOW)
    choose(page, "Network", "Torres: ten sigmoid units")
    expect(page.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)
    train.click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    page.get_by_text("More settings").click()
    expect(page.get_by_role("combobox", name="Batch size")).to_be_visible(timeout=SLOW)
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_text("See its mistakes").click()
    expect(page.get_by_text("Mistakes", exact=True)).to_be_visible(timeout=SLOW)
    assert serious_findings(page) == []
