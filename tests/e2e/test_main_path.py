"""The main path in a real browser: choose a network, watch it learn, find an error, draw a digit."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

# Milliseconds to wait at most where something is compiled or trained first. Training has a low priority: beside other
# tests on two cores, a second of it can take minutes.
SLOW = 300_000


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label)
    # A menu that opens while the page still scrolls closes again.
    box.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box.click()
    page.get_by_role("option", name=option).click()


def stroke(page: Page, canvas: Locator, points: list[tuple[float, float]], steps: int = 4) -> None:
    """Draw a line through points given as shares of the canvas, with `steps` moves of the mouse between them."""
    box = canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def matrix(page: Page) -> Locator:
    """Return the numbers in the cells of a confusion matrix."""
    return page.get_by_test_id("stPlotlyChart").locator(".textpoint")


def middle_of_cell(page: Page, true: int, answer: int) -> tuple[float, float]:
    """Scroll to a cell of a ten-digit confusion matrix; return its position on the screen."""
    plot = page.get_by_test_id("stPlotlyChart").locator(".nsewdrag").first
    plot.scroll_into_view_if_needed(timeout=SLOW)
    box = plot.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * (answer + 0.5) / 10, box["y"] + box["height"] * (true + 0.5) / 10


def wait_until_grown(curve: Locator) -> None:
    expect(curve).not_to_have_attribute("d", curve.get_attribute("d") or "", timeout=SLOW)


def ring() -> list[tuple[float, float]]:
    """Return the points of an upright oval."""
    angles = [2 * math.pi * k / 24 for k in range(25)]
    return [(0.5 + 0.2 * math.sin(a), 0.5 - 0.32 * math.cos(a)) for a in angles]


def set_epochs(page: Page, count: int) -> None:
    # The editor gets new controls for a chosen network: wait until the old ones are gone.
    expect(page.get_by_label("Epochs", exact=True)).to_have_count(1, timeout=SLOW)
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill(str(count))
    epochs.press("Enter")


def begin_long_run(page: Page) -> None:
    """Open the page and train Morgan's wide layer for 100 epochs."""
    page.goto("/")
    train = page.get_by_role("button", name="Train", exact=True)
    train.wait_for(timeout=SLOW)
    choose(page, "Network", "Morgan 1: one wide layer")
    expect(page.get_by_text("407,050 parameters")).to_be_visible(timeout=SLOW)
    set_epochs(page, 100)  # Enough epochs that no computer finishes before Stop is pressed.
    train.click()


@pytest.mark.parametrize("page", ["desktop-light", "phone-dark"], indirect=True)
def test_choose_train_watch_evaluate_draw(page: Page) -> None:
    begin_long_run(page)

    # The curve grows.
    progress = page.get_by_text(re.compile(r"epoch \d+ of 100"))
    progress.wait_for(timeout=SLOW)
    expect(page.locator(".curve.accuracy > .line.training")).to_be_visible()
    curve = page.locator(".curve.accuracy > .line.training")
    wait_until_grown(curve)
    chart = page.locator(".curve.accuracy").element_handle()
    wait_until_grown(curve)
    wait_until_grown(curve)
    # It is still the same element: a chart that is created again each time would flicker.
    assert chart is not None
    assert chart.evaluate("chart => chart.isConnected")
    for name in ("Accuracy on training images", "Loss on training images"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"^Weights of the first layer\. .*against it\.$"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"^Test image of an? \d, read as an? \d\.$"))).to_have_count(12)
    page.get_by_role("img", name="Accuracy on training images").hover()
    expect(page.locator(".curve.accuracy .near text").last).to_have_text(re.compile(r"^training \d+\.\d\d%$"))

    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
    page.get_by_text("See its mistakes").click(timeout=SLOW)

    expect(page.get_by_text("Mistakes", exact=True)).to_be_visible(timeout=SLOW)
    expect(matrix(page).first).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    page.mouse.click(*middle_of_cell(page, 0, 0))
    expect(page.get_by_text("images of a 0 read as 0")).to_be_visible(timeout=SLOW)

    page.get_by_text("Draw a digit for it").click()
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    stroke(page, canvas, [(0.5, 0.15), (0.5, 0.85)])
    expect(page.get_by_text("It reads a 1").first).to_be_visible(
        timeout=SLOW
    )  # The visitor's network; the built-in one is second.


@pytest.mark.parametrize("page", ["phone-dark"], indirect=True)
def test_ring_is_read_as_zero(page: Page) -> None:
    page.goto("/")
    train = page.get_by_role("button", name="Train", exact=True)
    train.wait_for(timeout=SLOW)
    choose(page, "Network", "Morgan 0: no hidden layer")
    expect(page.get_by_text("7,850 parameters")).to_be_visible(timeout=SLOW)
    set_epochs(page, 3)
    train.click()
    page.get_by_text("Draw a digit for it").click(timeout=SLOW)
    canvas = page.get_by_role("img", name="Drawing area")
    canvas.wait_for(timeout=SLOW)
    canvas.scroll_into_view_if_needed()
    stroke(page, canvas, ring())
    expect(page.get_by_text("It reads a 0").first).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["phone-light"], indirect=True)
def test_early_click_changes_no_setting(page: Page) -> None:
    """On a slow phone the page is sent again before its controls were shown with their values."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page.goto("/")
    page.get_by_text("As Keras code").click(timeout=SLOW)
    expect(page.get_by_test_id("stCode")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("101,770 parameters")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_curve_goes_on_after_the_connection_was_lost(page: Page) -> None:
    begin_long_run(page)
    curve = page.locator(".curve.accuracy > .line.training")
    wait_until_grown(curve)
    page.evaluate("""() => {
        window.lost = 0;
        window.connected = window.fetch;
        window.fetch = () => { window.lost += 1; return Promise.reject(new TypeError("No connection")); };
    }""")
    page.wait_for_function("window.lost === 2", timeout=SLOW)
    page.evaluate("window.fetch = window.connected")
    wait_until_grown(curve)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_panel_asks_for_the_page_if_the_server_does_not_know_the_run(page: Page) -> None:
    with page.expect_websocket() as opened:
        begin_long_run(page)
    curve = page.locator(".curve.accuracy > .line.training")
    wait_until_grown(curve)
    page.evaluate("""() => {
        window.connected = window.fetch;
        window.fetch = async () => new Response("", { status: 410 });
    }""")
    opened.value.wait_for_event("framesent", lambda sent: b"outdated" in sent, timeout=SLOW)
    page.evaluate("window.fetch = window.connected")
    wait_until_grown(curve)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_pause_in_another_tab_changes_the_buttons(page: Page) -> None:
    begin_long_run(page)
    page.get_by_role("button", name="Pause").wait_for(timeout=SLOW)
    with page.context.new_page() as other:
        other.goto("/")
        other.get_by_role("button", name="Pause").click(timeout=SLOW)
        other.get_by_role("button", name="Resume").wait_for(timeout=SLOW)
    page.get_by_role("button", name="Resume").wait_for(timeout=SLOW)
    expect(page.get_by_text(re.compile("epoch .* of 100 · paused"))).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_link_to_another_page_wins_over_a_change_of_the_run(page: Page) -> None:
    held: list[str | bytes] | None = None
    sockets: list[WebSocketRoute] = []

    def connect(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        sockets.append(browser)
        browser.on_message(server.send)
        server.on_message(lambda message: browser.send(message) if held is None else held.append(message))

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    begin_long_run(page)
    wait_until_grown(page.locator(".curve.accuracy > .line.training"))
    with page.context.new_page() as other:
        other.goto("/")
        pause = other.get_by_role("button", name="Pause")
        pause.wait_for(timeout=SLOW)
        page.bring_to_front()  # A page behind another one asks seldom, or not at all.
        held = []  # A slow server: the answer to the click comes after the run has changed.
        page.get_by_role("link", name="Draw", exact=True).click()
        pause.click(timeout=SLOW)
        other.get_by_role("button", name="Resume").wait_for(timeout=SLOW)
    page.bring_to_front()
    for _ in range(2):  # The panel has seen the pause, and would have asked for its page.
        page.wait_for_event("response", lambda answer: "live-frame" in answer.url, timeout=SLOW)
    messages, held = held, None
    for message in messages:
        sockets[-1].send(message)
    expect(page.get_by_role("heading", name="Draw a digit")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    expect(page.get_by_role("heading", name="Draw a digit")).to_be_visible()


@pytest.mark.parametrize("page", ["desktop-light", "phone-dark"], indirect=True)
def test_panel_is_there_before_the_first_run_and_stays_in_place(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Not trained yet")).to_be_visible(timeout=SLOW)
    answers = page.locator(".samples span")
    expect(answers).to_have_count(12)
    expect(answers.first).to_have_text(re.compile(r"^\d \d+%$"))
    chart = page.locator(".curve.accuracy")
    page.evaluate("document.fonts.ready")
    before = chart.bounding_box()
    train = page.get_by_role("button", name="Train", exact=True)
    train.click()
    expect(page.get_by_text("See its mistakes")).to_be_visible(timeout=SLOW)
    assert chart.bounding_box() == before
    expect(chart).to_have_attribute("aria-label", re.compile(r"rises from \d+% to \d+% in 20 epochs"))
    expect(page.locator(".spoken[aria-live]")).to_have_text(re.compile(r"^The run has ended\. It reads \d"))
    expect(chart.locator(".previous").first).not_to_have_attribute("d", re.compile("M"))
    train.click()
    expect(page.get_by_text("run 2", exact=False).first).to_be_visible(timeout=SLOW)
    expect(chart.locator("path.line.previous").first).to_have_attribute("d", re.compile(r"^M.*L"))
    expect(page.locator(".legend").first.get_by_text("previous run")).to_be_visible()
    chart.hover()
    expect(chart.locator(".near text").last).to_have_text(re.compile(r"^previous \d+\.\d\d%$"))
    expect(chart.locator(".legend").get_by_text("previous run")).not_to_be_visible()  # It would lie over the values.
