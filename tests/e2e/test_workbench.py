"""The Train page as one workbench: build a network, see it alive, train it, and look inside."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as WaitedTooLong

from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW, choose, stroke

# What must be in view at once on a projector, without scrolling.
AT_A_GLANCE = """() => {
    const root = document.querySelector("[data-testid=stMain]");
    const shadow = key => root.querySelector(`.st-key-${key} [data-testid=stBidiComponentIsolated]`).shadowRoot;
    const shown = {
        layer: root.querySelector(".st-key-layer-0"),
        settings: root.querySelector(".st-key-main-settings"),
        accuracy: shadow("live-panel").querySelector(".curve.accuracy"),
        loss: shadow("live-panel").querySelector(".curve.loss"),
        network: shadow("live-network").querySelector("canvas"),
        images: shadow("live-images").querySelector(".samples"),
    };
    const bottom = window.innerHeight;
    return Object.keys(shown).filter(name => {
        const box = shown[name].getBoundingClientRect();
        return !(box.width > 0 && box.top >= 0 && box.bottom <= bottom);
    });
}"""


SAMPLES_ARE = """text => document.querySelector(".st-key-live-images [data-testid=stBidiComponentIsolated]")
    .shadowRoot.querySelector(".samples").innerText === text"""
# Resolves when the page's script has run once more from now on.
NOTE_RERUN = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    window.rerun = new Promise(resolve => {
        let hasRun = false;
        new MutationObserver(() => {
            const isRunning = app.dataset.testScriptState === "running";
            if (hasRun && !isRunning) resolve(true);
            hasRun ||= isRunning;
        }).observe(app, { attributes: true });
    });
}"""


def open_page(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Not trained yet")).to_be_visible(timeout=SLOW)


def pixels(canvas: Locator) -> str:
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def choose_in_menu(menu: Locator, option: Locator) -> None:
    """Open a menu and choose an option. A rerun of the page closes an open menu; then it is opened again."""
    for _ in range(6):
        menu.click()
        with contextlib.suppress(WaitedTooLong):
            option.click(timeout=10_000)
            return
    option.click()


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_everything_is_in_view_on_a_projector(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_page(page)
    page.wait_for_function(f"({AT_A_GLANCE})().length === 0", timeout=SLOW)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    assert page.evaluate(AT_A_GLANCE) == []


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_order_on_a_phone(page: Page) -> None:
    open_page(page)
    places = [
        page.get_by_role("button", name="Train", exact=True),
        page.locator(".curve.accuracy"),
        page.get_by_label("Units", exact=True),
        page.locator(".samples"),
        page.locator(".network canvas"),
    ]
    tops = []
    for place in places:
        box = place.bounding_box()
        assert box is not None
        tops.append(box["y"])
    assert tops == sorted(tops)
    images = [box for one in page.locator(".samples button").all() if (box := one.bounding_box())]
    assert [sum(box["y"] == images[i]["y"] for box in images) for i in (0, 6)] == [6, 6]


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_build_train_and_look_inside(page: Page) -> None:
    open_page(page)
    units = page.get_by_role("spinbutton", name="Units")
    units.fill("64")
    units.press("Enter")
    page.get_by_role("button", name="Add a hidden layer").click()
    expect(units).to_have_count(2, timeout=SLOW)
    units.last.fill("32")
    units.last.press("Enter")
    expect(page.get_by_text("52,650 parameters")).to_be_visible(timeout=SLOW)
    wait_until_idle(page)
    choose_in_menu(
        page.get_by_role("combobox", name="Dropout").last, page.get_by_role("option", name="0.2", exact=True)
    )
    expect(page).to_have_url(
        re.compile("layers=dense-64-relu%2Cdense-32-relu-0.2|layers=dense-64-relu,dense-32-relu-0.2")
    )
    canvas = page.locator(".network canvas").first
    expect(canvas).to_have_attribute("aria-label", re.compile(r"its answer is an? \d"), timeout=SLOW)
    untrained = pixels(canvas)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    assert pixels(canvas) != untrained

    # A unit, with the mouse and by keys.
    tip = page.locator(".tip")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": box["width"] * 0.38, "y": 60})
    expect(tip).to_contain_text(re.compile(r"Unit \d+ of layer [12]Activation: "))
    expect(tip.locator(".weights")).to_be_visible(timeout=SLOW)
    page.mouse.move(0, 0)
    expect(tip).not_to_be_visible()
    canvas.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(tip).to_contain_text("Unit 2 of layer 2")
    expect(page.locator(".network .spoken")).to_have_text(re.compile(r"^Unit 2 of layer 2\. Activation: [\d.e-]+$"))
    expect(tip).to_contain_text("Its weights for the units before")
    page.keyboard.press("Escape")
    expect(tip).not_to_be_visible()

    # Another image goes through the network.
    before = pixels(canvas)
    image = page.get_by_role("button", name=re.compile("^Test image of")).nth(3)
    image.press("Enter")
    expect(image).to_have_attribute("aria-pressed", "true")
    assert pixels(canvas) != before

    # And two of all test images that it misreads, one after the other.
    hint = page.locator(".network .hint")
    page.get_by_role("button", name="Next mistake").click()
    expect(hint).to_have_text(re.compile(r"Test image [\d,]+ of an? \d, read as an? \d\."), timeout=SLOW)
    first = hint.inner_text()
    expect(image).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Next mistake").click()
    expect(hint).not_to_have_text(first, timeout=SLOW)
    image.click()
    expect(hint).to_contain_text("Point at a unit")

    # Smoothed curves, with the points behind them in pale.
    curve = page.locator(".curve.accuracy")
    line = curve.locator("path.line.training").get_attribute("d") or ""
    smooth = page.get_by_role("switch", name="Smooth")
    smooth.check()
    expect(curve.locator("path.raw")).to_have_attribute("d", line)
    expect(curve.locator("path.line.training")).not_to_have_attribute("d", line)
    smooth.uncheck()
    expect(curve.locator("path.line.training")).to_have_attribute("d", line)

    # Undo goes back one change at a time.
    undo, dropout = page.get_by_role("button", name="Undo"), page.get_by_role("combobox", name="Dropout").last
    undo.click()
    expect(dropout).to_have_value("0", timeout=SLOW)
    for parameters in ("59,850", "50,890"):  # Units, the layer.
        undo.click()
        expect(page.get_by_text(f"{parameters} parameters")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_go_back_in_time(page: Page) -> None:
    open_page(page)
    slider, canvas = page.get_by_role("slider", name="Moment of the run"), page.locator(".network canvas").first
    samples, guesses = page.locator(".samples"), page.locator(".samples span")
    play = page.get_by_role("button", name="Play the run")
    expect(slider).to_be_disabled()
    expect(play).to_be_disabled()
    expect(guesses.first).to_contain_text("%", timeout=SLOW)
    untrained = samples.inner_text()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    expect(slider).to_have_attribute("aria-valuetext", "The end")
    trained, end = samples.inner_text(), pixels(canvas)
    assert trained != untrained

    # By keys to the start, where the answers are those of the untrained network.
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "The start")
    page.wait_for_function(SAMPLES_ARE, arg=untrained)
    assert pixels(canvas) != end
    expect(page.locator(".curve.accuracy .near")).to_contain_text("epoch 0.")

    # The player ends at the end, and shows what was there.
    play.click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "The end", timeout=SLOW)
    expect(play).to_be_visible(timeout=SLOW)
    assert samples.inner_text() == trained
    assert pixels(canvas) == end

    # By mouse or finger to the middle; Evaluate shows the same moment.
    box = slider.bounding_box()
    assert box is not None
    page.evaluate(NOTE_RERUN)
    slider.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^Epoch \d+$"))
    moment = (slider.get_attribute("aria-valuetext") or "").lower()
    expect(page.get_by_role("button", name="To the end")).to_be_enabled()
    page.evaluate("() => window.rerun")
    page.get_by_role("link", name="See its mistakes").click()
    expect(page.get_by_role("slider", name="Moment of the run")).to_have_attribute("aria-valuetext", moment)


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_train_five_seeds_by_keys(page: Page) -> None:
    open_page(page)
    page.get_by_role("button", name="Train", exact=True).press("Enter")
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name=re.compile("^(Next|Tip)$")).press("Enter")
    page.get_by_role("button", name="Train 4 more with other seeds").press("Enter")
    curve = page.locator(".curve.accuracy")
    expect(curve.locator(".legend")).to_contain_text("mean of 5 seeds", timeout=SLOW)
    expect(page.get_by_text(re.compile(r"· 5 seeds$"))).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile(r"^\d\d\.\d\d% to \d\d\.\d\d%$"))).to_be_visible()
    expect(curve.locator("path.area.training")).to_have_attribute("d", re.compile("^M.*L"))
    curve.hover(position={"x": 150, "y": 60})
    expect(curve.locator(".near")).to_contain_text(re.compile(r"training \d\d\.\d\d% \(\d\d\.\d\d% to \d\d\.\d\d%\)"))


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_projector_view(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_page(page)
    curve, samples = page.locator(".curve.accuracy"), page.locator(".samples")
    before = curve.bounding_box()
    page.get_by_role("button", name="Projector").click()
    expect(page.get_by_role("button", name="Add a hidden layer")).to_have_count(0, timeout=SLOW)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    after, images = curve.bounding_box(), samples.bounding_box()
    assert before is not None
    assert after is not None
    assert images is not None
    assert after["width"] > 1.5 * before["width"]
    assert images["y"] + images["height"] <= 720  # All of it is in view.
    expect(curve.locator(".legend")).to_have_text("this run")
    page.get_by_role("button", name="Leave projector view").click()
    expect(page.get_by_role("button", name="Add a hidden layer")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_own_drawing_goes_through_the_network(page: Page) -> None:
    open_page(page)
    own = page.get_by_role("button", name="Your drawing")
    expect(own).to_be_hidden()
    page.get_by_role("link", name="Draw").click()
    sheet = page.get_by_role("img", name="Drawing area")
    sheet.wait_for(timeout=SLOW)
    stroke(page, sheet, [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)])
    expect(page.get_by_text("It reads a 7")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Train").click()
    own.click(timeout=SLOW)
    hint, canvas = page.locator(".network .hint"), page.locator(".network canvas").first
    expect(hint).to_have_text(re.compile(r"Your drawing, read as an? \d\."), timeout=SLOW)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    # It stays, and its answer is that of the trained network.
    expect(canvas).to_have_attribute("aria-label", re.compile("your drawing: its answer is a 7"), timeout=SLOW)
    expect(page.locator(".network > .note")).to_contain_text(re.compile(r"Weights changed by: .*%"))


FAIL_FIRST = """how => {
    const connected = window.fetch;
    window.answers = 0;
    window.fetch = async (address, ...rest) => {
        if (how === "late network" && address.includes("after=") && !window.isLate) await new Promise(go => {
            window.bringNetwork = () => { window.isLate = true; go(); };
        });
        if (!address.includes("mistake=")) return connected(address, ...rest);
        window.answers += 1;
        if (window.answers > 2 || how === "late network") return connected(address, ...rest);
        if (how === "no connection") throw new TypeError("No connection");
        return new Response("", { status: how === "forgotten" ? 410 : 500 });
    };
}"""
"""Fails for the first two questions for a mistake, or lets the network wait until `bringNetwork`."""


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
@pytest.mark.parametrize("how", ["no connection", "broken", "forgotten"])
def test_press_in_the_panel_waits_for_an_answer(page: Page, how: str) -> None:
    with page.expect_websocket() as opened:
        open_page(page)
    asked: list[str | bytes] = []

    def note(sent: str | bytes) -> None:
        asked.append(sent)

    opened.value.on("framesent", note)
    page.evaluate(FAIL_FIRST, how)
    page.get_by_role("button", name="Next mistake").click()
    expect(page.locator(".network .hint")).to_contain_text(re.compile(r"Test image \d+ of an? \d"), timeout=SLOW)
    assert page.evaluate("window.answers") == 3
    # Of a server that has forgotten the network, the page is asked for: it brings another address.
    assert any(isinstance(one, bytes) and b"outdated" in one for one in asked) == (how == "forgotten")


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_press_in_the_panel_waits_for_the_network(page: Page) -> None:
    page.add_init_script(f"({FAIL_FIRST})('late network')")
    page.goto("/")
    page.get_by_role("button", name="Next mistake").click(timeout=SLOW)
    page.wait_for_function("Boolean(window.bringNetwork)", timeout=SLOW)
    assert page.evaluate("window.answers") == 0
    page.evaluate("window.bringNetwork()")
    expect(page.locator(".network .hint")).to_contain_text(re.compile(r"Test image \d+ of an? \d"), timeout=SLOW)
    assert page.evaluate("window.answers") == 1


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_dismissed_question_keeps_the_changes(page: Page) -> None:
    open_page(page)
    units = page.get_by_role("spinbutton", name="Units")
    units.fill("32")
    units.press("Enter")
    menu = page.get_by_role("combobox", name="Network")
    expect(menu).to_have_value("Kite: one layer of 128 (changed)", timeout=SLOW)
    question = page.get_by_role("dialog", name="Replace your changes?")
    for answer in ("Escape", "beside it", "Keep mine"):
        choose(page, "Network", "Small CNN: two convolutions")
        expect(question).to_be_visible(timeout=SLOW)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
        if answer == "Escape":
            page.keyboard.press(answer)
        elif answer == "beside it":
            page.mouse.click(5, 5)
        else:
            question.get_by_role("button", name=answer).click()
        expect(question).to_be_hidden(timeout=SLOW)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
        expect(menu).to_have_value("Kite: one layer of 128 (changed)")
        expect(units).to_have_value("32")
    choose(page, "Network", "Small CNN: two convolutions")
    question.get_by_role("button", name="Replace").click(timeout=SLOW)
    expect(menu).to_have_value("Small CNN: two convolutions", timeout=SLOW)
    expect(page.get_by_text("34,826 parameters")).to_be_visible(timeout=SLOW)
