"""A class in real browsers: a teacher with a desk and a wall, and two phones, one of them without cookies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core.lessons.courses import COURSES
from tests.e2e import dropping_proxy
from tests.e2e.conftest import SIZES
from tests.e2e.overflow import beyond_the_screen
from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW

Visit = Callable[..., Page]
# A browser that keeps no cookie, behind a proxy that drops those of the server.
FORGETFUL = "Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set: () => {} });"
SMALLEST = """() => Math.min(...[...document.querySelectorAll(".stMain *")]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
        && one.checkVisibility() && one.getBoundingClientRect().height > 1)
    .map(one => parseFloat(getComputedStyle(one).fontSize) * one.currentCSSZoom))"""


@pytest.fixture
def visit(chromium: Browser, server: str) -> Iterator[Visit]:
    """Opens pages, each in a browser of its own."""
    contexts = []

    def open_page(address: str, looks: str = "desktop-light", script: str = "") -> Page:
        size, theme = looks.split("-")
        context = chromium.new_context(
            viewport=SIZES[size], color_scheme="dark" if theme == "dark" else "light", base_url=server
        )
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def primary(desk: Page, name: str) -> None:
    """Press the button of the next move."""
    button = desk.locator('.stMain button[kind="primary"]').filter(has_text=re.compile(f"^{name}"))
    expect(button).to_be_visible(timeout=SLOW)
    button.click()


def choice(phone: Page, letter: str) -> Locator:
    return phone.locator(".stMain button").filter(has_text=re.compile(f"^{letter}\\u2002"))


def start_class(visit: Visit) -> tuple[Page, str]:
    """A teacher who has started a class; returns the desk and the code."""
    desk = visit("/class")
    button = desk.get_by_role("button", name="Start a class")
    expect(button).to_be_visible(timeout=SLOW)
    button.click()
    expect(desk.get_by_text("Nobody is here yet.")).to_be_visible(timeout=SLOW)
    code = desk.get_by_test_id("stMarkdown").filter(has_text=re.compile(r"^[0-9A-Z]{6}$")).first.inner_text().strip()
    return desk, code


def open_wall(visit: Visit, desk: Page) -> Page:
    address = desk.get_by_role("link", name="Open the wall").first.get_attribute("href")
    assert address is not None
    wall = visit(address)
    wall.set_viewport_size({"width": 1280, "height": 720})
    return wall


def scrolls(page: Page) -> bool:
    return bool(page.evaluate("(one => one.scrollHeight > one.clientHeight + 1)(document.querySelector('.stMain'))"))


def test_vote_talk_vote_again_and_show(visit: Visit, server: str) -> None:
    with dropping_proxy.running(urlsplit(server).port or 0) as port:
        _vote(visit, f"http://127.0.0.1:{port}")


def _vote(visit: Visit, without_cookies: str) -> None:
    desk, code = start_class(visit)
    wall = open_wall(visit, desk)
    expect(wall.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_alt_text("QR code: join the class.")).to_be_visible()
    expect(wall.get_by_test_id("stTopNavLink")).to_have_count(0)
    phone = visit(f"/class?join={code}", "phone-light")
    forgetful = visit(f"{without_cookies}/class?join={code}", "phone-dark", FORGETFUL)
    for one in (phone, forgetful):
        expect(one.get_by_role("heading", name="Look at the front.")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    expect(wall.get_by_text("2 here")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)

    primary(desk, "Open the vote")
    question = next(step.question for step in COURSES["how"].steps if step.question)
    for one in (phone, forgetful, wall):
        expect(one.get_by_role("heading", name=question.text)).to_be_visible(timeout=SLOW)
    choice(phone, "A").click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("1 of 2")).to_be_visible(timeout=SLOW)

    # Without cookies the seat is in the address, and a reload leads back to it.
    expect(forgetful).to_have_url(re.compile("seat="), timeout=SLOW)
    name = forgetful.locator(".stMain strong").first.inner_text()
    choice(forgetful, "B").click()
    expect(forgetful.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    forgetful.reload()
    expect(choice(forgetful, "B").filter(has_text="✓")).to_be_visible(timeout=SLOW)
    assert forgetful.locator(".stMain strong").first.inner_text() == name
    expect(wall.get_by_text("2 of 2")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("2 here")).to_be_visible()
    for one in (phone, forgetful, wall):
        assert question.why[:30] not in one.content()

    primary(desk, "Close the vote")
    expect(wall.get_by_text("Convince your neighbour")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Your vote:")).to_be_visible(timeout=SLOW)
    again = desk.locator(".stMain button").filter(has_text=re.compile("[Vv]ote again"))
    again.click()
    expect(wall.get_by_text("Second vote")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Second vote.")).to_be_visible(timeout=SLOW)
    choice(phone, "C").click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    primary(desk, "Close the vote")
    primary(desk, "Show the answer")
    expect(wall.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stVegaLiteChart")).to_be_visible()
    expect(phone.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("First vote")).to_be_visible()
    for one in (phone, forgetful):
        assert beyond_the_screen(one) == []
    assert wall.evaluate(SMALLEST) >= 28

    desk.get_by_role("button", name="End the lesson").last.click()
    desk.get_by_role("button", name="End it").click()
    for one in (desk, wall, phone, forgetful):
        expect(one.get_by_text("The lesson has ended.")).to_be_visible(timeout=SLOW)


def test_one_screen_is_moved_by_keys(visit: Visit) -> None:
    """A teacher whose own screen is on the projector."""
    desk, code = start_class(visit)
    desk.get_by_role("button", name="Show on this screen").click()
    expect(desk.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("button", name="Open the vote")).to_be_visible(timeout=SLOW)
    desk.keyboard.press("Space")
    expect(desk.get_by_role("heading", name="0 of 0")).to_be_visible(timeout=SLOW)
    desk.keyboard.press("Escape")
    expect(desk.get_by_text("Nobody is here yet.")).to_be_visible(timeout=SLOW)


def test_two_networks_from_one_link(visit: Visit) -> None:
    """A guess first, two networks that differ in what is free, both on the wall, and the guesses at the end."""
    desk, code = start_class(visit)
    desk.get_by_text("Change the plan").click()
    link = "layers=dense-8-relu&epochs=2&validation_fraction=0.2&dataset=embedded"
    desk.get_by_placeholder("link to a network").fill(link)
    desk.get_by_role("button", name="Add the network").click()
    task = desk.get_by_role("button", name="2. Train a network")
    expect(task).to_be_visible(timeout=SLOW)
    task.click()
    expect(desk.get_by_text("If all train at once")).to_be_visible(timeout=SLOW)
    wall = open_wall(visit, desk)
    phones = [visit(f"/class?join={code}", looks) for looks in ("phone-light", "phone-dark")]
    for one in phones:
        expect(one.get_by_role("heading", name="Look at the front.")).to_be_visible(timeout=SLOW)

    primary(desk, "Let them train")
    for one in phones:
        one.get_by_role("button", name="That is my guess").click(timeout=SLOW)
        expect(one.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=SLOW)
    units = phones[1].get_by_role("spinbutton", name="Units").or_(phones[1].get_by_label("Units")).first
    units.fill("20")
    units.press("Enter")
    for one in phones:
        wait_until_idle(one)
        one.get_by_role("button", name="Train", exact=True).click()
        expect(one.get_by_role("link", name="See its mistakes")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    expect(wall.get_by_role("heading", name="2 of 2")).to_be_visible(timeout=SLOW)
    assert "Guessed" not in wall.content()
    assert not scrolls(wall)

    # On another page a line leads back.
    phones[0].get_by_role("link", name="See its mistakes").click()
    back = phones[0].get_by_role("link", name="Go to the class")
    expect(back).to_be_visible(timeout=SLOW)
    primary(desk, "End the training")
    expect(phones[0].get_by_text("the class has moved on")).to_be_visible(timeout=SLOW)
    back.click()
    expect(phones[0].get_by_text("The training has ended.")).to_be_visible(timeout=SLOW)

    primary(desk, "Show the result")
    for one in phones:
        expect(one.get_by_text("Your guess:")).to_be_visible(timeout=SLOW)
        expect(one.get_by_test_id("stVegaLiteChart")).to_be_visible()
        assert beyond_the_screen(one) == []
    expect(wall.get_by_text("Accuracy in %")).to_be_visible(timeout=SLOW)
    points = wall.get_by_test_id("stVegaLiteChart").first.locator(".mark-symbol path")
    expect(points).to_have_count(2)
    points.first.click(force=True)
    expect(wall.get_by_text(re.compile(r"784 → (8|20) ReLU → 10"))).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
