"""A class in real browsers: a teacher with a desk and a wall, and two phones, one of them without cookies."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload, FrameLocator, Locator, Page, expect

from mnist_core.classes import Ask, Draw, Task, results, to_json
from mnist_core.classes.plan import Asked, question_of
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.lessons.course import RIGHT
from pages.widgets.server import cookies
from tests.e2e import dropping_proxy
from tests.e2e.conftest import PAUSE, SIZES, patient
from tests.e2e.overflow import beyond_the_screen
from tests.e2e.test_handwriting import on_canvas
from tests.e2e.test_learn_page import wait_until_idle
from tests.e2e.test_main_path import SLOW
from tests.e2e.test_share import decode_qr
from tests.export.test_class_report import cells

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

    def open_page(
        address: str, looks: str = "desktop-light", script: str = "", heard: list[bytes] | None = None
    ) -> Page:
        size, theme = looks.split("-")
        context = patient(
            chromium.new_context(
                viewport=SIZES[size], color_scheme="dark" if theme == "dark" else "light", base_url=server
            )
        )
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        if heard is not None:
            listen(page, heard)
        page.goto(address, wait_until="commit")  # Several pages load at the same time.
        return page

    yield open_page
    for context in contexts:
        context.close()


def listen(page: Page, heard: list[bytes]) -> None:
    """Keep all that the server sends to a page."""

    def keep(data: str | bytes) -> None:
        heard.append(data.encode() if isinstance(data, str) else data)

    page.on("websocket", lambda one: one.on("framereceived", keep))


def told(heard: Sequence[bytes], texts: Sequence[str]) -> list[str]:
    """Those of the texts that a page was sent."""
    everything = b"".join(heard)
    return [text for text in texts if text.encode() in everything]


def primary(desk: Page, name: str) -> None:
    """Press the button of the next move."""
    button = desk.locator('.stMain button[kind="primary"]').filter(has_text=re.compile(f"^{name}"))
    expect(button).to_be_visible(timeout=SLOW)
    wait_until_idle(desk)
    assert beyond_the_screen(desk) == []
    button.click()


def asked(task: Task) -> Asked:
    assert isinstance(task, Ask)
    return question_of(task)


WRONG = RIGHT + 1


def choice(phone: Page | FrameLocator, task: Task, place: int = RIGHT) -> Locator:
    """The button of the right answer, or of another one."""
    return phone.locator(".stMain button").filter(has_text=plain(asked(task).choices[place]))


def plain(text: str) -> str:
    return text.replace("**", "")


def secrets(task: Task) -> list[str]:
    """What nobody may read before the answer is shown."""
    question = asked(task)
    return [question.why, *filter(None, question.replies), f"**{question.choices[RIGHT]}** ✓"]


HISTOGRAM = ["First vote: ", '"letter"']
"""Of the histogram of the votes: how its words begin, and a column of its data."""


def start_class(visit: Visit, plan: str = "", looks: str = "desktop-light") -> tuple[Page, str]:
    """A teacher who has started a class, with this plan in a file or the first one; returns the desk and the code."""
    desk = visit("/class", looks)
    button = desk.get_by_role("button", name="Start a class")
    expect(button).to_be_visible(timeout=SLOW)
    if plan:
        desk.get_by_text("Or a plan from a file").click()
        file: FilePayload = {"name": "plan.json", "mimeType": "application/json", "buffer": plan.encode()}
        desk.locator('.stMain input[type="file"]').set_input_files(file)
        expect(desk.get_by_text("plan.json")).to_be_visible(timeout=SLOW)
    button.click()
    return desk, code_on(desk)


def code_on(desk: Page) -> str:
    expect(desk.get_by_text("Nobody is here yet.")).to_be_visible(timeout=SLOW)
    return desk.get_by_test_id("stMarkdown").filter(has_text=re.compile(r"^[0-9A-Z]{6}$")).first.inner_text().strip()


def wall_of(desk: Page) -> str:
    """The address of the wall."""
    address = desk.get_by_role("link", name="Open the wall").first.get_attribute("href")
    assert address is not None
    return address


def faces(page: Page) -> Iterator[str]:
    """Lead a page from the door to a new class with an open vote: its desk, its wall, a seat. Yields their names."""
    page.get_by_role("button", name="Start a class").click(timeout=SLOW)
    code, wall = code_on(page), wall_of(page)
    primary(page, "Open the vote")
    expect(page.get_by_role("button", name="Close the vote")).to_be_visible(timeout=SLOW)
    yield "desk"
    page.goto(wall)
    expect(page.get_by_role("heading", name="0 of 0")).to_be_visible(timeout=SLOW)
    yield "wall"
    page.goto(f"/class?join={code}")
    expect(choice(page, EXAMPLES)).to_be_visible(timeout=SLOW)
    yield "seat"


def open_wall(visit: Visit, desk: Page, language: str = "en", heard: list[bytes] | None = None) -> Page:
    wall = visit(f"{wall_of(desk)}&language={language}", heard=heard)
    wall.set_viewport_size({"width": 1280, "height": 720})
    return wall


def scrolls(page: Page) -> bool:
    """Whether something is beyond the screen once the script has ended: until then, old elements are there too."""
    overflow = "(one => one.scrollHeight > one.clientHeight + 1)(document.querySelector('.stMain'))"
    is_idle = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    is_idle += " && !document.querySelector('[data-testid=stSkeleton]')"
    found = page.wait_for_function(f"() => {is_idle} && {{ scrolls: {overflow} }}", timeout=SLOW)
    return bool(found.evaluate("found => found.scrolls"))


EXAMPLES, LEARN, NETWORK, DIGITS, SURE, _summary = READY_PLANS["45"].tasks


def test_lesson_of_45_minutes(visit: Visit, server: str) -> None:
    """The first ready plan with three pupils, one of them without cookies, from the door to the end."""
    with dropping_proxy.running(urlsplit(server).port or 0) as port:
        _lead(visit, f"http://127.0.0.1:{port}")


def _lead(visit: Visit, without_cookies: str) -> None:
    heard: list[list[bytes]] = [[] for _screen in "abcd"]
    desk, code = start_class(visit, looks="phone-light")
    expect(desk.get_by_role("button", name="Open the vote")).to_be_in_viewport()
    wall = open_wall(visit, desk, heard=heard[3])
    phones = [
        visit(f"/class?join={code}", "phone-light", heard=heard[0]),
        visit(f"{without_cookies}/class?join={code}", "phone-dark", FORGETFUL, heard=heard[1]),
        visit(f"/class?join={code}", "tablet-light", heard=heard[2]),
    ]
    expect(wall.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stTopNavLink")).to_have_count(0)
    for one in phones:
        expect(one.get_by_role("heading", name="Look at the front.")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    expect(wall.get_by_text("3 here")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    shown = wall.get_by_alt_text("QR code: join the class.")
    assert decode_qr(shown) == f"{desk.url.partition('?')[0]}?join={code}"
    _vote_twice(desk, wall, phones, heard)
    primary(desk, "Next task")
    _vote_once(desk, wall, phones, heard, LEARN)
    expect(wall.get_by_test_id("stVegaLiteChart").nth(1)).to_be_visible(timeout=SLOW)  # The step's network trains.
    primary(desk, "Next task")
    reached = _train(desk, wall, phones)
    primary(desk, "Next task")
    _draw(desk, wall, phones)
    primary(desk, "Next task")
    _vote_once(desk, wall, phones, heard, SURE)
    primary(desk, "Next task")
    _sum_up(desk, wall, phones)
    # The one beside the plan: the other one is drawn again each second, and what it offers with it.
    desk.get_by_role("button", name="End the lesson").last.click()
    _check_report(desk, phones, reached)
    _end(visit, desk, wall, phones, code)


def _vote_twice(desk: Page, wall: Page, phones: Sequence[Page], heard: Sequence[Sequence[bytes]]) -> None:
    primary(desk, "Open the vote")
    question = asked(EXAMPLES)
    for one in (*phones, wall):
        expect(one.get_by_role("heading", name=question.text)).to_be_visible(timeout=SLOW)
    phone, forgetful, _tablet = phones
    choice(phone, EXAMPLES, WRONG).click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("1 of 3")).to_be_visible(timeout=SLOW)

    # Without cookies the seat is in the address, and a reload leads back to it.
    expect(forgetful).to_have_url(re.compile("seat="), timeout=SLOW)
    name = name_on(forgetful)
    choice(forgetful, EXAMPLES).click()
    expect(forgetful.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    forgetful.reload()
    expect(choice(forgetful, EXAMPLES).filter(has_text="✓")).to_be_visible(timeout=SLOW)
    assert name_on(forgetful) == name
    expect(wall.get_by_text("2 of 3")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("3 here")).to_be_visible()

    primary(desk, "Close the vote")
    expect(wall.get_by_text("Convince your neighbour")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Your vote:")).to_be_visible(timeout=SLOW)
    desk.locator(".stMain button").filter(has_text=re.compile("[Vv]ote again")).click()
    expect(wall.get_by_text("Second vote")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Second vote.")).to_be_visible(timeout=SLOW)
    choice(phone, EXAMPLES).click()
    expect(phone.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    primary(desk, "Close the vote")
    expect(wall.get_by_text("The vote is closed.")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    for one in (*phones, wall):
        expect(one.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    texts = [*secrets(EXAMPLES), *HISTOGRAM]
    assert [told(one, texts) for one in heard] == [[]] * 4

    primary(desk, "Show the answer")
    expect(wall.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stVegaLiteChart")).to_be_visible()
    expect(phone.get_by_text(question.why[:30])).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("First vote")).to_be_visible()
    # Now they are told, so the look at what was sent can find it.
    assert told(heard[3], texts) == [question.why, f"**{question.choices[RIGHT]}** ✓", *HISTOGRAM]
    for one in phones:
        assert beyond_the_screen(one) == []
    assert wall.evaluate(SMALLEST) >= 28


def name_on(phone: Page) -> str:
    """The drawn name of a seat."""
    return phone.locator(".stMain strong").first.inner_text()


def _vote_once(desk: Page, wall: Page, phones: Sequence[Page], heard: Sequence[Sequence[bytes]], task: Task) -> None:
    """All are right."""
    primary(desk, "Open the vote")
    for one in phones:
        choice(one, task).click(timeout=SLOW)
    for one in phones:
        expect(one.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("3 of 3")).to_be_visible(timeout=SLOW)
    primary(desk, "Close the vote")
    expect(desk.get_by_role("button", name="Show the answer")).to_be_visible(timeout=SLOW)
    assert [told(one, secrets(task)) for one in heard] == [[]] * 4
    primary(desk, "Show the answer")
    expect(phones[0].get_by_text(asked(task).why[:30])).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)


class Reached(NamedTuple):
    """The network of a pupil as their own page describes it."""

    units: int
    accuracy: str
    has_goal: bool


def _train(desk: Page, wall: Page, phones: Sequence[Page]) -> list[Reached]:
    """Two networks from one link that differ in what is free."""
    primary(desk, "Let them train")
    for one in phones:
        one.get_by_role("button", name="That is my guess").click(timeout=SLOW)
    for one in phones:
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
    for one in phones:
        expect(one.get_by_test_id("stVegaLiteChart").locator(".mark-symbol path")).to_have_count(3, timeout=SLOW)
        assert beyond_the_screen(one) == []
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
        # The picture from before stays until the script has ended.
        expect(one.get_by_test_id("stVegaLiteChart")).to_have_count(1, timeout=SLOW)
        assert beyond_the_screen(one) == []
    reached = list(map(_reached, phones))
    assert [one.units for one in reached] == [32, 20, 32]
    expect(wall.get_by_text("Accuracy in %")).to_be_visible(timeout=SLOW)
    points = wall.get_by_test_id("stVegaLiteChart").first.locator(".mark-symbol path")
    expect(points).to_have_count(3)
    # The smallest network, 784 x 20 + 20 weights and 20 x 10 + 10, is on the left; then one of the two large ones.
    few, _many, many = sorted(points.all(), key=lambda point: (point.bounding_box() or {"x": 0})["x"])
    few.click(force=True)
    expect(wall.get_by_text("784 → 20 ReLU → 10 · 15,910 parameters")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("Accuracy", exact=True)).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("Accuracy in %")).to_have_count(0)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
    many.click(force=True)
    expect(wall.get_by_text("784 → 32 ReLU → 10 · 25,450 parameters")).to_be_visible(timeout=SLOW)
    return reached


def _reached(phone: Page) -> Reached:
    line = re.compile(r"784 → (\d+) ReLU → 10 · [\d,]+ parameters · validation accuracy ([\d.]+%)")
    found = line.search(phone.get_by_text(line).inner_text())
    assert found is not None
    has_goal = phone.get_by_text("You have reached the goal.").count() == 1
    return Reached(int(found[1]), found[2], has_goal)


def _draw(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    """Nine drawings; the teacher takes one out."""
    assert isinstance(DIGITS, Draw)
    primary(desk, "Let them draw")
    expect(wall.get_by_role("heading", name="Draw digits: 4, 7, 9")).to_be_visible(timeout=SLOW)
    for digit, place in zip(DIGITS.digits, (0.4, 0.5, 0.6), strict=True):
        for one in phones:
            expect(one.get_by_role("heading", name=f"Draw a {digit}")).to_be_visible(timeout=SLOW)
            wait_until_idle(one)
            draw_line(one, place)
        for one in phones:
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
    # The five that most networks misread; the line above them says which network reads best.
    expect(wall.get_by_test_id("stImage")).to_have_count(5, timeout=SLOW)
    points = wall.get_by_test_id("stVegaLiteChart").first.locator(".mark-symbol path")
    points.first.click(force=True)
    expect(wall.get_by_text("It reads")).to_be_visible(timeout=SLOW)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
    for one in phones:
        expect(one.get_by_text("Your drawings, and how many networks misread each")).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []


def draw_line(phone: Page, place: float) -> None:
    """Draw a line with the mouse, so far from the left edge, 0 to 1, after the last drawing has gone.

    A busy browser may take that away with a line that comes too early. And a page takes a line for the cleared one if
    it is the same to the pixel.
    """
    sheet = phone.locator("canvas.upper-canvas")
    sheet.scroll_into_view_if_needed()
    for _ in range(SLOW // 50):
        if on_canvas(sheet)[..., :3].min() > 128:
            break
        PAUSE.wait(0.05)
    box = sheet.bounding_box()
    assert box is not None
    x, y = box["x"] + place * box["width"], box["y"]
    phone.mouse.move(x, y + 0.15 * box["height"])
    phone.mouse.down()
    phone.mouse.move(x, y + 0.85 * box["height"], steps=8)
    phone.mouse.up()


def _sum_up(desk: Page, wall: Page, phones: Sequence[Page]) -> None:
    primary(desk, "Show it")
    expect(wall.get_by_role("heading", name="What we have found")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_text("8 drawings, 3 networks")).to_be_visible(timeout=SLOW)
    expect(wall.get_by_test_id("stVegaLiteChart").locator(".mark-symbol path")).to_have_count(3, timeout=SLOW)
    assert not scrolls(wall)
    assert wall.evaluate(SMALLEST) >= 28
    for one in phones:
        most = results.most_points(READY_PLANS["45"].tasks)
        expect(one.get_by_text(re.compile(rf"Points: [1-9]\d* of {most}"))).to_be_visible(timeout=SLOW)
        assert beyond_the_screen(one) == []
    phones[0].get_by_role("button", name="Keep my network").click()
    phones[0].get_by_role("button", name="Pin it and show the code").click()
    expect(phones[0].get_by_text(re.compile(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){5}$"))).to_be_visible(timeout=SLOW)


def _check_report(desk: Page, phones: Sequence[Page], reached: Sequence[Reached]) -> None:
    """The page to print and the table say what the pupils have handed in, and what their own pages say."""
    names = list(map(name_on, phones))
    page, table = (_downloaded(desk, name) for name in ("Report", "Table"))
    first, second, network, drawn, third, seats = page.split("<section>")[1:]
    votes = {first: [{RIGHT: 1, WRONG: 1}, {RIGHT: 1}], second: [{RIGHT: 3}], third: [{RIGHT: 3}]}
    for task, (section, rounds) in zip((EXAMPLES, LEARN, SURE), votes.items(), strict=True):
        lines = [[plain(text)] for text in asked(task).choices]
        lines[RIGHT][0] += " ✓"
        expected = [[*line, *(str(given.get(at, 0)) for given in rounds)] for at, line in enumerate(lines)]
        assert cells(section).rows[1:] == expected
    best = max((one.accuracy for one in reached), key=lambda share: float(share.rstrip("%")))
    assert "Networks: 3." in network
    assert f"The best validation accuracy is {best}" in network
    assert "Half of the guesses are 50% or less." in network
    assert f"Seats that reached the goal: {sum(one.has_goal for one in reached)}." in network
    assert "Drawings: 8." in drawn
    by_seat = {row[0]: row[1:] for row in cells(seats).rows[1:]}
    assert sorted(row[3] for row in by_seat.values()) == ["2 drawn", "3 drawn", "3 drawn"]
    # The first pupil was right in the second vote, the second one in the first; the third one did not vote.
    for name, mark, own in zip(names, ("✓", "✓", ""), reached, strict=True):
        assert by_seat[name] == [mark, "✓", own.accuracy, by_seat[name][3], "✓", ""]

    rows = {(row["task"], row["seat"]): row for row in csv.DictReader(io.StringIO(table))}
    right, wrong = (plain(asked(EXAMPLES).choices[place]) for place in (RIGHT, WRONG))
    given = [[rows["1", name][column] for column in ("first vote", "second vote", "right")] for name in names[:2]]
    assert given == [[wrong, right, "yes"], [right, "", "yes"]]
    assert ("1", names[2]) not in rows
    assert all(row["seconds"].isdecimal() for row in rows.values())
    for name, own in zip(names, reached, strict=True):
        assert [rows[task, name]["right"] for task in "25"] == ["yes", "yes"]
        row = rows["3", name]
        assert [row["guess"], row["networks"], row["goal reached"]] == ["0.5", "1", "yes" if own.has_goal else "no"]
        assert f"{float(row['best validation accuracy']):.1%}" == own.accuracy
        assert f"{rows['4', name]['drawings']} drawn" == by_seat[name][3]


def _downloaded(desk: Page, name: str) -> str:
    with desk.expect_download() as found:
        desk.get_by_role("button", name=name).first.click()
    return found.value.path().read_text(encoding="utf-8")


def _end(visit: Visit, desk: Page, wall: Page, phones: Sequence[Page], code: str) -> None:
    """Everything is deleted except the network that was kept, and a shared device forgets its seat."""
    name = name_on(phones[0])
    desk.get_by_role("button", name="End and delete").first.click()
    for one in (wall, *phones):
        expect(one.get_by_text("The lesson has ended.")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("button", name="Start a class")).to_be_visible(timeout=SLOW)
    expect(visit(f"/class?join={code}").get_by_text("No class has this code now.")).to_be_visible(timeout=SLOW)
    phones[1].get_by_role("link", name="Your networks").press("Enter")  # It says above it that it keeps no cookies.
    phones[0].reload()
    expect(phones[0].get_by_role("button", name="Start a class")).to_be_visible(timeout=SLOW)
    assert name not in phones[0].content()
    phones[0].goto("/compare", wait_until="commit")
    expect(phones[1].get_by_text("You have not trained a network yet")).to_be_visible(timeout=SLOW)
    expect(phones[0].get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)

    tablet = phones[2]
    before = workspaces_in(tablet)
    assert len(before) == 1
    tablet.get_by_role("button", name="Leave and forget this device").click()
    expect(tablet.get_by_role("button", name="Start a class")).to_be_visible(timeout=SLOW)
    assert not before & workspaces_in(tablet)
    tablet.goto("/compare")
    expect(tablet.get_by_text("You have not trained a network yet")).to_be_visible(timeout=SLOW)


def workspaces_in(page: Page) -> set[str]:
    """The workspaces in the cookies of a browser."""
    found = [(one.get("name", ""), one.get("value", "")) for one in page.context.cookies()]
    return {value for name, value in found if name.startswith(cookies.NAME)}


def test_one_screen_is_moved_by_keys_and_a_frame_votes(visit: Visit, server: str) -> None:
    """A teacher whose own screen is on the projector, with a plan from a file; and a pupil in another site's frame."""
    desk, code = start_class(visit, to_json((SURE,)))
    desk.get_by_role("button", name="Show on this screen").click()
    expect(desk.get_by_text(f"{code[:3]} {code[3:]}")).to_be_visible(timeout=SLOW)
    expect(desk.get_by_role("button", name="Open the vote")).to_be_visible(timeout=SLOW)
    desk.keyboard.press("Space")
    expect(desk.get_by_role("heading", name="0 of 0")).to_be_visible(timeout=SLOW)
    with dropping_proxy.running(urlsplit(server).port or 0) as port:
        site = visit(f"http://localhost:{port}{dropping_proxy.FRAME}/class?join={code}")
        frame = site.frame_locator("iframe")
        choice(frame, SURE).click(timeout=SLOW)
        expect(frame.get_by_text("Your vote is saved.")).to_be_visible(timeout=SLOW)
        expect(desk.get_by_role("heading", name="1 of 1")).to_be_visible(timeout=SLOW)
        site.close()
    desk.keyboard.press("Escape")
    expect(desk.get_by_text("1 here")).to_be_visible(timeout=SLOW)
