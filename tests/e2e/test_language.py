"""The pages in another language, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core.language import gettext as _
from mnist_core.language import speaking
from tests.e2e.conftest import patient, visit
from tests.e2e.overflow import beyond_the_screen
from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW

HEADINGS = {
    "/evaluate": "Evaluate: where is it wrong?",
    "/draw": "Draw a digit",
    "/compare": "Compare runs",
    "/data": "Look at the data",
    "/learn": "Learn",
}


@pytest.mark.parametrize("page", ["phone-light"], indirect=True)
def test_train_and_look_at_every_page_in_german(page: Page) -> None:
    """Nothing reaches beyond the screen of a phone: German words are long."""
    with speaking("de"):
        page.goto("/?language=de")
        expect(page.locator("html")).to_have_attribute("lang", "de", timeout=SLOW)
        train = page.get_by_role("button", name=_("Train"), exact=True)
        expect(train).to_be_enabled(timeout=SLOW)
        wait_until_idle(page)
        assert beyond_the_screen(page) == []
        train.click()
        expect(page.get_by_text(_("See its mistakes"))).to_be_visible(timeout=SLOW)
        wait_until_idle(page)
        # The page, the component and its frames speak the same language, and write numbers like it.
        expect(page.get_by_text(_("Inside the network"), exact=True)).to_be_visible()
        expect(page.locator(".curve.accuracy")).to_have_attribute("aria-label", re.compile(r"^Genauigkeit .* \d+\s%"))
        expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile(r"^\d\d,\d\d\s%$"))
        assert beyond_the_screen(page) == []
        for address, heading in HEADINGS.items():
            page.goto(f"{address}?language=de")
            expect(page.get_by_role("heading", name=_(heading), exact=True)).to_be_visible(timeout=SLOW)
            wait_until_idle(page)
            assert beyond_the_screen(page) == [], address


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_choice_in_the_menu_keeps_the_network_and_survives_a_reload(page: Page) -> None:
    page.goto("/")
    activation = page.get_by_role("combobox", name="Activation")
    expect(activation).to_be_visible(timeout=SLOW)
    wait_until_idle(page)
    activation.click()
    page.get_by_role("option", name="Linear", exact=True).click()
    expect(page).to_have_url(re.compile("linear"), timeout=SLOW)
    menu = page.get_by_role("combobox", name="Language")
    menu.scroll_into_view_if_needed()
    menu.click()
    page.get_by_role("option", name="Deutsch", exact=True).click()
    with speaking("de"):
        heading = page.get_by_role("heading", name=_("Build a network, watch it learn"), exact=True)
        expect(heading).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("combobox", name=_("Activation"))).to_have_value(_("Linear"))
        page.get_by_role("link", name=_("Draw"), exact=True).click()
        expect(page.get_by_role("heading", name=_("Draw a digit"), exact=True)).to_be_visible(timeout=SLOW)
        page.goto("/")  # A new session, without the language in the address.
        expect(heading).to_be_visible(timeout=SLOW)


def test_language_of_the_browser(chromium: Browser, server: str) -> None:
    context = patient(chromium.new_context(base_url=server, locale="es-MX"))
    page = context.new_page()
    page.goto("/draw")
    with speaking("es"):
        expect(page.get_by_role("heading", name=_("Draw a digit"), exact=True)).to_be_visible(timeout=SLOW)
    context.close()


def test_other_visitors_keep_their_language(chromium: Browser, server: str) -> None:
    """The frames of a network that nobody has trained yet are the same for all who have it in the editor."""
    with visit(chromium, server, "desktop-light") as page, visit(chromium, server, "desktop-light") as other:
        page.goto("/?language=de")
        other.goto("/")
        text = "Not trained yet: its answers are guesses, about 1 in 10 is right. Press Train."
        expect(other.get_by_text(text)).to_be_visible(timeout=SLOW)
        with speaking("de"):
            expect(page.get_by_text(_(text))).to_be_visible(timeout=SLOW)
