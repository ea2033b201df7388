"""The Learn page in a real browser: each course from first to last step, and a case of the fault lab."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from mnist_core.language import gettext as _
from mnist_core.language import speaking
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.faults import FAULTS
from tests.e2e.conftest import patient
from tests.e2e.overflow import beyond_the_screen
from tests.e2e.test_main_path import SLOW, matrix
from tests.e2e.toolbars import controls_under_toolbars

# What a reply begins with: to a right answer, and to a wrong one.
VERDICTS = {"en": ("Right!", "Not quite."), "de": ("Richtig!", "Nicht ganz.")}
MOTIONS: tuple[Literal["reduce"], Literal["no-preference"]] = ("reduce", "no-preference")
NOTE_REPLAY = """
    window.wasPlayed = false;
    new MutationObserver(() => {
        window.wasPlayed ||= document.body?.innerText.includes("this server has already trained it");
    }).observe(document, { childList: true, subtree: true, characterData: true });
"""


def open_learn(page: Page, language: str = "en") -> None:
    page.goto("/learn" if language == "en" else f"/learn?language={language}")
    with speaking(language):
        expect(page.get_by_role("heading", name=_("Learn"), exact=True)).to_be_visible(timeout=SLOW)
    wait_until_idle(page)


def wait_until_idle(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)


def segment(page: Page, name: str) -> Locator:
    # Some versions of Streamlit render segments as radio buttons, others as plain buttons.
    main = page.get_by_test_id("stMain")
    return main.get_by_role("radio", name=name, exact=True).or_(main.get_by_role("button", name=name, exact=True)).first


def choose(page: Page, question: str, choice: str) -> None:
    """Answer a question. Its radio buttons are labelled with its text."""
    group = page.get_by_role("radiogroup", name=question, exact=True)
    expect(group).to_be_visible(timeout=SLOW)
    group.get_by_text(choice, exact=True).click()


def answer_check(page: Page) -> None:
    """Answer all ten questions right, and hand in."""
    for item in ITEMS.values():
        choose(page, _(item.text), _(item.right))
    button = page.get_by_role("button", name=_("Hand in"))
    expect(button).to_be_enabled(timeout=SLOW)
    button.click()


@pytest.mark.parametrize(
    ("page", "key", "language"),
    [
        ("phone-light", "how", "en"),
        ("phone-dark", "how", "de"),
        ("desktop-light", "better", "en"),
        ("desktop-dark", "trust", "en"),
    ],
    indirect=["page"],
)
def test_course_from_first_to_last_step(page: Page, key: str, language: str) -> None:
    """Every second answer is wrong at first."""
    with speaking(language):
        take_course(page, key, language)


def go_on(page: Page, has_next: bool) -> None:
    wait_until_idle(page)
    if has_next:
        page.get_by_role("button", name=_("Next"), exact=True).click()


def take_course(page: Page, key: str, language: str) -> None:
    course = COURSES[key]
    # Training takes most of the time. So only the last step with networks and the last with classical models are
    # trained; page tests train the others.
    trained = {(bool(step.classical), step.has_runs): step.key for step in course.steps}.values()
    left: list[str] = []
    open_learn(page, language)
    segment(page, _(course.name)).click()
    for number, step in enumerate(course.steps, 1):
        expect(page.get_by_role("heading", name=f"{number}. {_(step.title)}")).to_be_visible(timeout=SLOW)
        wait_until_idle(page)  # Until then the page may still show the explanation of the previous step.
        assert not controls_under_toolbars(page)
        assert beyond_the_screen(page) == []
        if step.question is None:
            answer_check(page)
            expect(page.get_by_text(_("{score} of {count}", score=10, count=10))).to_be_visible(timeout=SLOW)
        else:
            is_wrong = number % 2 == 0
            wrong = step.question.wrong[0]
            choose(page, _(step.question.text), _(wrong.text if is_wrong else step.question.right))
            wait_until_idle(page)
            explanation = page.get_by_test_id("stAlert").filter(has_text=VERDICTS[language][is_wrong])
            buttons = ([_("Start all")] if step.classical else []) + ([_("Start")] if step.has_runs else [])
            if buttons and step.key not in trained:
                start = page.get_by_role("button", name=buttons[0], exact=True)
                expect(start.or_(explanation).first).to_be_visible(timeout=SLOW)
                if not explanation.count():
                    left.append(str(number))
                    go_on(page, number < len(course.steps))
                    continue
                buttons = []
            for name in buttons:
                # The server may have run them for another course.
                run = page.get_by_role("button", name=name, exact=True)
                expect(run.or_(explanation).first).to_be_visible(timeout=SLOW)
                if run.count():
                    run.click()
                    wait_until_idle(page)
            expect(explanation).to_be_visible(timeout=SLOW)
            if is_wrong:
                expect(explanation).to_contain_text(_(wrong.reply)[:30])
            if step.trials and not step.classical:
                expect(page.locator(".mark-line path").first).to_be_visible(timeout=SLOW)
                row = page.get_by_role("row").filter(has_text=_(step.trials[-1].name))
                expect(row.first).to_contain_text(re.compile(r"\d\d[.,]\d\d?\s?%"))
        go_on(page, number < len(course.steps))
    right = sum(step.question is not None and number % 2 == 1 for number, step in enumerate(course.steps, 1))
    result = page.get_by_test_id("stAlert").filter(has_text=re.compile(rf"\b{right}\b.*\b{course.questions}\b"))
    if left:
        open_steps = _("This was the last step. Still open: step {numbers}.", numbers=", ".join(left))
        result = page.get_by_test_id("stAlert").filter(has_text=open_steps)
    expect(result).to_be_visible(timeout=SLOW)

    # A reload starts a new session. The answers are saved, and the address has the step.
    page.reload()
    expect(result).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("page", ["phone-light"], indirect=True)
def test_way_back_in_the_browser(page: Page) -> None:
    steps = COURSES["how"].steps
    open_learn(page)
    for number in (1, 2):
        expect(page.get_by_role("heading", name=f"{number}. {steps[number - 1].title}")).to_be_visible(timeout=SLOW)
        choose(page, steps[number - 1].question.text, steps[number - 1].question.right)  # type: ignore[union-attr]
        expect(page.get_by_test_id("stAlert").filter(has_text="Right!")).to_be_visible(timeout=SLOW)
        wait_until_idle(page)
        page.get_by_role("button", name="Next", exact=True).click()
    expect(page).to_have_url(re.compile(r"step=neuron"), timeout=SLOW)
    page.go_back()
    expect(page.get_by_role("heading", name=f"2. {steps[1].title}")).to_be_visible(timeout=SLOW)
    page.go_back()
    expect(page.get_by_role("heading", name=f"1. {steps[0].title}")).to_be_visible(timeout=SLOW)
    page.go_forward()
    expect(page.get_by_role("heading", name=f"2. {steps[1].title}")).to_be_visible(timeout=SLOW)


def top_of(heading: Locator) -> float:
    """Distance of a heading from the top of the window, in pixels."""
    box = heading.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("page", ["desktop-light", "phone-dark"], indirect=True)
def test_new_step_opens_at_its_heading(page: Page) -> None:
    steps = COURSES["how"].steps
    open_learn(page)
    first = top_of(page.get_by_role("heading", name=f"1. {steps[0].title}"))
    header = page.get_by_test_id("stHeader").bounding_box()
    assert header is not None
    for number, button in ((2, "Next"), (3, "Next"), (4, "Next"), (3, "Back")):
        page.get_by_role("button", name=button, exact=True).click()
        heading = page.get_by_role("heading", name=f"{number}. {steps[number - 1].title}")
        expect(heading).to_be_visible(timeout=SLOW)
        wait_until_idle(page)
        # The component that scrolls is drawn a few frames after the script's end.
        page.wait_for_function(
            "([title, least, most]) => [...document.querySelectorAll('h2, h3')].some(heading => "
            "heading.innerText.includes(title) && heading.getBoundingClientRect().top >= least "
            "&& heading.getBoundingClientRect().top <= most)",
            arg=[f"{number}. {steps[number - 1].title}", header["height"], first + 1],
            timeout=SLOW,
        )
    # Other reruns leave the page where it is.
    question = steps[2].question
    assert question is not None
    choose(page, question.text, question.right)
    explanation = page.get_by_test_id("stAlert")
    expect(explanation).to_be_visible(timeout=SLOW)
    explanation.scroll_into_view_if_needed()
    before = top_of(explanation)
    choose(page, question.text, question.wrong[0].text)
    wait_until_idle(page)
    assert top_of(explanation) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_case_from_start_to_explanation(page: Page, server: str) -> None:
    page.goto("/learn?lab=2")
    numbers = matrix(page)
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start.or_(numbers).first).to_be_visible(timeout=SLOW)
    if start.count():  # The server may have run it for another visitor.
        start.click()
    expect(numbers.first).to_be_visible(timeout=SLOW)
    curves = page.get_by_test_id("stVegaLiteChart")
    expect(curves).to_have_count(2)
    expect(page.locator(".mark-line path").first).to_be_visible()
    answers = page.get_by_role("radiogroup", name="What is wrong?")
    page.set_viewport_size({"width": 1280, "height": 720})
    labels = [answers.get_by_text(fault.name, exact=True) for fault in FAULTS.values()]
    for piece in (*curves.all(), page.get_by_test_id("stPlotlyChart"), *labels):
        expect(piece).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="A hint").click()
    expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=SLOW)
    answers.get_by_text(FAULTS["nothing"].name, exact=True).click()
    expect(page.get_by_text("Not quite.")).to_be_visible(timeout=SLOW)
    answers.get_by_text(FAULTS["inverted"].name, exact=True).click()
    expect(page.get_by_role("button", name="Next case")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("First answer right: 0 of 1")).to_be_visible(timeout=SLOW)

    # A reload keeps the case and its first answer.
    expect(page).to_have_url(re.compile(r"[?&]lab=2(&|$)"))
    page.reload()
    expect(page.get_by_role("combobox", name="Case")).to_have_value("Case 2 of 9 ✗", timeout=SLOW)
    expect(numbers.first).to_be_visible(timeout=SLOW)

    # Another visitor sees a replay, unless their browser asks for reduced motion.
    assert page.context.browser is not None
    for motion in MOTIONS:
        context = patient(page.context.browser.new_context(base_url=server, reduced_motion=motion))
        other = context.new_page()
        other.add_init_script(NOTE_REPLAY)
        other.goto("/learn?lab=2")
        expect(matrix(other).first).to_be_visible(timeout=SLOW)
        assert other.evaluate("wasPlayed") == (motion == "no-preference")
        context.close()
