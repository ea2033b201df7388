"""The buttons of the Train page when a run starts, pauses and ends, on a slow device."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.contrast import STILL
from tests.e2e.test_main_path import SLOW, choose

# Checks the page after each change and before each frame, and records elements that must never be visible together.
WATCH = """() => {
    window.seen = new Set();
    const look = () => {
        const main = document.querySelector("[data-testid=stMain]");
        const isShown = element => element.getClientRects().length > 0;
        const names = [...main.querySelectorAll("button")].filter(isShown).map(button => button.innerText.trim());
        const count = name => names.filter(one => one.split("\\n").at(-1) === name).length;
        for (const name of ["Train", "Step", "Pause", "Resume", "Stop", "Reset"])
            if (count(name) > 1) window.seen.add(`${count(name)} x ${name}`);
        for (const pair of [["Train", "Pause"], ["Train", "Stop"], ["Pause", "Resume"]])
            if (pair.every(count)) window.seen.add(pair.join(" and "));
        const invites = [...main.querySelectorAll("p")].some(p => isShown(p) && p.innerText.startsWith("Press Train"));
        if (invites && count("Pause")) window.seen.add("Press Train beside Pause");
    };
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
    const frame = () => { look(); requestAnimationFrame(frame); };
    frame();
}"""


@pytest.mark.parametrize("page", ["phone-light"], indirect=True)
def test_buttons_are_replaced_at_once(page: Page) -> None:
    page.goto("/")
    train = page.get_by_role("button", name="Train", exact=True)
    train.wait_for(timeout=SLOW)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    # A network that must be compiled, so its first point takes a while; then another one, with the first one's results.
    for preset, parameters in (("Small CNN: two convolutions", "34,826"), ("Morgan 2: two wide layers", "669,706")):
        choose(page, "Network", preset)
        expect(page.get_by_text(f"{parameters} parameters")).to_be_visible(timeout=SLOW)
        page.evaluate(WATCH)
        train.click()
        expect(page.locator(".curve.accuracy > .line.training")).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=SLOW)
        page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
        expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
        assert page.evaluate("[...window.seen]") == []


@pytest.mark.parametrize("page", ["desktop-light", "phone-dark"], indirect=True)
def test_curves_stay_in_place_while_paused(page: Page) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.set_viewport_size({"width": 1280, "height": 720} if width > 640 else {"width": 390, "height": 844})
    page.goto("/")
    expect(page.get_by_text("Not trained yet")).to_be_visible(timeout=SLOW)
    # What the page draws last may still move the curve a little.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.evaluate("document.fonts.ready")  # Another font may have other lines.
    chart = page.locator(".curve.accuracy")
    places = [chart.bounding_box()]
    page.get_by_role("button", name="Step", exact=True).click()
    for shown, pressed in (("Resume", "Resume"), ("Pause", "Pause"), ("Resume", "Stop"), ("Train", "")):
        main = page.get_by_test_id("stMainBlockContainer")
        expect(main.get_by_role("button", name=shown, exact=True)).to_be_visible(timeout=SLOW)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
        expect(chart).to_be_visible(timeout=SLOW)
        page.wait_for_function(STILL, timeout=SLOW)
        places.append(chart.bounding_box())
        if pressed:
            main.get_by_role("button", name=pressed, exact=True).click()
    # On a slow computer, the line above the curves is empty for a while.
    page.locator(".progress p").first.evaluate("one => one.textContent = ''")
    places.append(chart.bounding_box())
    assert places == places[:1] * len(places)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_size_of_a_step_by_keyboard(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Not trained yet")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Step", exact=True).press("Enter")
    expect(page.get_by_text(re.compile(r"epoch 1 of \d+ · paused"))).to_be_visible(timeout=SLOW)
    expect(page.locator(".curve.accuracy circle.training").first).to_have_attribute("opacity", "1")  # One point.
    page.get_by_role("radio", name="Step 1 batch").press("ArrowRight")
    whole = page.get_by_role("radio", name="1 epoch")
    expect(whole).to_be_checked()
    expect(whole).to_be_focused()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.get_by_role("button", name="Step", exact=True).press("Enter")
    expect(page.get_by_text("Epoch 1 of")).to_be_attached(timeout=SLOW)  # What a screen reader says at its end.
