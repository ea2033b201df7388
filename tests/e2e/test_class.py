"""A class in real browsers: a teacher with a desk and a wall, and two phones, one of them without cookies."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from mnist_core.classes import Ask, Draw, Task, results, to_json
from mnist_core.classes.plan import Asked, question_of
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.language import LANGUAGES
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


def asked(task: Task) -> Asked:
    assert isinstance(task, Ask)
    return question_of(task)


def choice(phone: Page, task: Task, is_right: bool = True) -> Locator:
    """The button of the right answer, or of a wrong one."""
    question = asked(task)
    text = question.choices[(question.right or 0) if is_right else 1 - min(question.right or 0, 1)]
    return phone.locator(".stMain button").filter(has_text=text.replace("**", ""))


def start_class(visit: Visit, plan: str = "") -> tuple[Page, str]:
    """A teacher who has started a class, with this plan in a file or the first one; returns the desk and the code."""
    desk = visit("/class")
    button = desk.get_by_role("button", name="Start a class")
    expect(button).to_be_visible(timeout=SLOW)
    if plan:
        desk.get_by_text("Or a plan from a file").click()
        file: FilePayload = {"name": "plan.json", "mimeType": "application/json", "buffer": plan.encode()}
        desk.locator('.stMain input[type="file"]').set_input_files(file)
        expect(desk.get_by_text("plan.json")).to_be_visible(timeout=SLOW)
    button.click()
    expect(desk.get_by_text("Nobody is here yet.")).to_be_visible(timeout=SLOW)
    code = desk.get_by_test_id("stMarkdown").filter(has_text=re.compile(r"^[0-9A-Z]{6}$")).first.inner_text().strip()
    return desk, code


def open_wall(visit: Visit, desk: Page, language: str = "en") -> Page:
    address = desk.get_by_role("link", name="Open the wall").first.get_attribute("href")
    assert address is not None
    wall = visit(f"{address}&language={language}")
    wall.set_viewport_size({"width": 1280, "height": 720})
    return wall


def scrolls(page: Page) -> bool:
    """Whether something is beyond the screen once the script has ended: until then, old elements are there too."""
    overflow = "(one => one.scrollHeight > one.clientHeight + 1)(document.querySelector('.stMain'))"
    is_idle = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    found = page.wait_for_function(f"() => {is_idle} && {{ scrolls: {overflow} }}", timeout=SLOW)
    return bool(found.evaluate("found => found.scrolls"))


EXAMPLES, LEARN, NETWORK, DIGITS, SURE, _summary = READY_PLANS["45"].tasks


def test_lesson_of_45_minutes(visit: Visit, server: str) -> None:
    """The first ready plan with three pupils, one of them without cookies, from the door to the end."""
    with dropping_proxy.running(urlsplit(server).port or 0) as port:
        _lead(visit, f"http://127.0.0.1:{port}")


def _lead(visit: Visit, without_cookies: str) -> None:
    desk, code = start_class(visit)
    wall = open_wall(visit, desk)
    expect(wall.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_alt_text("QR code: join the class.")).to_be_visible()
    expect(wall.get_by_test_id("stTopNavLink")).to_have_count(0)
    phones = [
        visit(f"/class?join={code}", "phone-light"),
        visit(f"{without_cookies}/class?join={code}", "phone-dark", FORGETFUL),
        visit(f"/class?join={code}", "tablet-light"),
    ]
    for one in phones:
        expect(one.get_by_role("heading", name="Look at the front.")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    expect(wall.get_by_text("3 here")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    _vote_twice(desk, wall, phones)
    primary(desk, "Next task")
    _vote_once(desk, wall, phones, LEARN)
    expect(wall.get_by_test_id("stVegaLiteChart").nth(1)).to_be_visible(timeout=SLOW)  # The step's network trains.
    primary(desk, "Next task")
    _train(desk, wall, phones)
    primary(desk, "Next task")
    _draw(desk, wall, phones)
    primary(desk, "Next task")
    _vote_once(desk, wall, phones, SURE)
    primary(desk, "Next task")
    _sum_up(desk, wall, phones)
    _end(visit, desk, wall, phones, code)


def _vote_twice(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    primary(desk, "Open the vote")
    question = asked(EXAMPLES)
    for one in (*phones, wall):
        expect(one.get_by_role("heading", name=question.text)).to_be_visible(timeout=SLOW)
    phone, forgetful, _tablet = phones
    choice(phone, EXAMPLES, is_right=False).click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("1 of 3")).to_be_visible(timeout=SLOW)

    # Without cookies the seat is in the address, and a reload leads back to it.
    expect(forgetful).to_have_url(re.compile("seat="), timeout=SLOW)
    name = forgetful.locator(".stMain strong").first.inner_text()
    choice(forgetful, EXAMPLES).click()
    expect(forgetful.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    forgetful.reload()
    expect(choice(forgetful, EXAMPLES).filter(has_text="✓")).to_be_visible(timeout=SLOW)
    assert forgetful.locator(".stMain strong").first.inner_text() == name
    expect(wall.get_by_text("2 of 3")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("3 here")).to_be_visible()
    for one in (*phones, wall):
        assert question.why[:30] not in one.content()

    primary(desk, "Close the vote")
    expect(wall.get_by_text("Convince your neighbour")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Your vote:")).to_be_visible(timeout=SLOW)
    desk.locator(".stMain button").filter(has_text=re.compile("[Vv]ote again")).click()
    expect(wall.get_by_text("Second vote")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Second vote.")).to_be_visible(timeout=SLOW)
    choice(phone, EXAMPLES).click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    primary(desk, "Close the vote")
    primary(desk, "Show the answer")
    expect(wall.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stVegaLiteChart")).to_be_visible()
    expect(phone.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("First vote")).to_be_visible()
    for one in phones:
        assert beyond_the_screen(one) == []
    assert wall.evaluate(SMALLEST) >= 28


def _vote_once(desk: Page, wall: Page, phones: Sequence[Page], task: Task) -> None:
    """All are right."""
    primary(desk, "Open the vote")
    for one in phones:
        choice(one, task).click(timeout=SLOW)
        expect(one.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("3 of 3")).to_be_visible(timeout=SLOW)
    primary(desk, "Close the vote")
    primary(desk, "Show the answer")
    expect(phones[0].get_by_text(asked(task).why[:30])).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)


def _train(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    """Two networks from one link that differ in what is free."""
    primary(desk, "Let them train")
    for one in phones:
        one.get_by_role("button", name="That is my guess").click(timeout=SLOW)
        expect(one.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=SLOW)
    units = phones[1].get_by_role("spinbutton", name="Units")
    units.fill("20")
    units.press("Enter")
    for one in phones:
        wait_until_idle(one)
        one.get_by_role("button", name="Train", exact=True).click()
        assert beyond_the_screen(one) == []
    for one in phones:
        expect(one.get_by_role("link", name="See its mistakes")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_role("heading", name="3 of 3")).to_be_visible(timeout=SLOW)
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
    expect(points).to_have_count(3)
    points.first.click(force=True)
    expect(wall.get_by_text(re.compile(r"784 → (20|32) ReLU → 10"))).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("Accuracy", exact=True)).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("Accuracy in %")).to_have_count(0)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28


def _draw(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    """Nine drawings; the teacher takes one out."""
    assert isinstance(DIGITS, Draw)
    primary(desk, "Let them draw")
    expect(wall.get_by_role("heading", name="Draw digits: 4, 7, 9")).to_be_visible(timeout=SLOW)
    for digit in DIGITS.digits:
        for one in phones:
            expect(one.get_by_role("heading", name=f"Draw a {digit}")).to_be_visible(timeout=SLOW)
            wait_until_idle(one)
            draw_line(one)
            expect(one.get_by_role("button", name="Undo")).to_be_enabled(timeout=SLOW)
            one.get_by_role("button", name="Hand in").click()
    for one in phones:
        expect(one.get_by_text("That was the last digit.")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    expect(wall.get_by_text("3 of 3 have drawn all.")).to_be_visible(timeout=SLOW)
    assert wall.get_by_test_id("stImage").count() == 0
    images = desk.get_by_role("button", name="Drawing of a 4.")
    expect(images).to_have_count(3, timeout=SLOW)
    out = desk.get_by_text("4 · taken out")
    for count in (1, 0, 1):  # Out, back, and out again.
        images.first.click()
        expect(out).to_have_count(count, timeout=SLOW)
    primary(desk, "End the drawing")
    expect(phones[0].get_by_text("The drawing has ended.")).to_be_visible(timeout=SLOW)
    primary(desk, "Show the result")
    expect(wall.get_by_text("8 drawings, 3 networks")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stImage")).to_have_count(8)
    points = wall.get_by_test_id("stVegaLiteChart").first.locator(".mark-symbol path")
    points.first.click(force=True)
    expect(wall.get_by_text("It reads")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
    for one in phones:
        expect(one.get_by_text("Your drawings, and how many networks misread each")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []


def draw_line(phone: Page) -> None:
    """Draw a line with the mouse."""
    sheet = phone.locator("canvas.upper-canvas")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"]
    phone.mouse.move(x, y + 0.15 * box["height"])
    phone.mouse.down()
    phone.mouse.move(x, y + 0.85 * box["height"], steps=8)
    phone.mouse.up()


def _sum_up(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    primary(desk, "Show it")
    expect(wall.get_by_role("heading", name="What we have found")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("3 networks; the best")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
    for one in phones:
        most = results.most_points(READY_PLANS["45"].tasks)
        expect(one.get_by_text(re.compile(rf"Points: [1-9]\d* of {most}"))).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    phones[0].get_by_role("button", name="Keep my network").click()
    phones[0].get_by_role("button", name="Pin it and show the code").click()
    expect(phones[0].get_by_text(re.compile(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){5}$"))).to_be_visible(timeout=SLOW)


def _end(visit: Visit, desk: Page, wall: Page, phones: Sequence[Page], code: str) -> None:
    """The report counts what was handed in. After that everything is deleted."""
    name = phones[0].locator(".stMain strong").first.inner_text()
    desk.get_by_role("button", name="End the lesson").first.click()
    with desk.expect_download() as downloaded:
        desk.get_by_role("button", name="Report").first.click()
    report = downloaded.value.path().read_text(encoding="utf-8")
    assert all(text in report for text in ("Networks: 3.", "Drawings: 8.", name))
    votes = [re.findall(r"<td>([^<]*)</td>", row) for row in re.findall(r"<tr>.*?</tr>", report)]
    right = asked(EXAMPLES).choices[asked(EXAMPLES).right or 0].replace("**", "")
    assert [html.escape(right) + " ✓", "1", "1"] in votes  # One in the first vote, another one in the second.

    desk.get_by_role("button", name="End and delete").first.click()
    for one in (wall, *phones):
        expect(one.get_by_text("The lesson has ended.")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("button", name="Start a class")).to_be_visible(timeout=SLOW)
    expect(visit(f"/class?join={code}").get_by_text("No class has this code now.")).to_be_visible(timeout=SLOW)
    phones[0].reload()
    expect(phones[0].get_by_role("button", name="Start a class")).to_be_visible(timeout=SLOW)
    assert name not in phones[0].content()


def test_answer_with_eight_runs_fits_on_the_wall(visit: Visit) -> None:
    desk, _code = start_class(visit, to_json((Ask("q1", "step/layers"),)))
    walls = [open_wall(visit, desk, language) for language in LANGUAGES]
    for name in ("Open the vote", "Close the vote", "Show the answer"):
        primary(desk, name)
    for wall in walls:
        expect(wall.get_by_test_id("stProgress")).to_be_visible(timeout=SLOW)
        expect(wall.get_by_test_id("stVegaLiteChart")).to_have_count(2, timeout=SLOW)  # The first run has ended.
        assert not scrolls(wall)
    for wall in walls:
        expect(wall.get_by_test_id("stProgress")).to_have_count(0, timeout=SLOW)
        expect(wall.get_by_test_id("stVegaLiteChart")).to_have_count(2)
        assert not scrolls(wall)
        assert wall.evaluate(SMALLEST) >= 28


def test_one_screen_is_moved_by_keys(visit: Visit) -> None:
    """A teacher whose own screen is on the projector, with a plan from a file."""
    desk, code = start_class(visit, to_json((SURE,)))
    desk.get_by_role("button", name="Show on this screen").click()
    expect(desk.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("button", name="Open the vote")).to_be_visible(timeout=SLOW)
    desk.keyboard.press("Space")
    expect(desk.get_by_role("heading", name="0 of 0")).to_be_visible(timeout=SLOW)
    desk.keyboard.press("Escape")
    expect(desk.get_by_text("Nobody is here yet.")).to_be_visible(timeout=SLOW)
