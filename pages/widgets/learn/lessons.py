"""The courses: each step has a text and a question, and then runs and things to try that answer it."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.sources import has_published_figures
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons import articles, courses
from mnist_core.lessons.answers import LessonAnswers
from mnist_core.lessons.course import RIGHT, Course, Step
from mnist_core.lessons.courses import COURSES
from pages.widgets.common import address, run_curves, segments, trials
from pages.widgets.learn import (
    check,
    classical,
    explorers,
    explorers_data,
    explorers_runs,
    fault_lab,
    own_network,
    question_choice,
    scrolling,
    words,
)
from pages.widgets.state import controls, editor_state, own_work
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Question
    from pages.widgets.common.run_curves import Named

VIEW = Message("Courses")
"""What the Learn page calls the view with the courses."""
ANSWER_FIRST = Message("Choose an answer. Then you see what happens.")

ACTIVITIES: Mapping[str, Callable[[Dataset, Step, Named], None]] = {
    function.__name__: function
    for function in (
        explorers_data.examples,
        explorers_data.tasks,
        explorers_data.file,
        explorers_data.one_image,
        explorers_data.tensor,
        explorers_data.convolution,
        explorers.neuron,
        explorers.one_step,
        explorers.activation,
        explorers.layers,
        explorers.softmax,
        explorers.loss,
        explorers.descent,
        explorers.matrices,
        explorers.two_classes,
        explorers.mushrooms,
        explorers_runs.patterns,
        explorers_runs.own_matrix,
        explorers_runs.sure,
        explorers_runs.best_of_ten,
        explorers_runs.stored,
        explorers_runs.answer_or_learn,
        explorers_runs.answer,
    )
}

_PARAMETER = "step"
# In pixels: about 90 characters a line.
_TEXT_WIDTH = 720
_SHOWN: Key[frozenset[str]] = Key("lesson-runs-shown-noted", frozenset(), of_workspace=True)
"""The keys of the steps whose runs were shown in this tab."""
_PLACE: Key[tuple[str, int] | None] = Key("lesson-place-noted", None)


def _step(key: str) -> Key[int]:
    """The current step of a course, from 0."""
    return Key(f"step-{key}-noted", 0)


def _is_chosen(key: str) -> Key[bool]:
    """Whether the visitor has chosen the current step of a course, by a link too."""
    return Key(f"step-{key}-chosen-noted", False)


def _is_placed(key: str) -> Key[bool]:
    """Whether a course was opened at the first step that is not done, with the answers of this workspace."""
    return Key(f"step-{key}-placed-noted", False, of_workspace=True)


def go_to_step_in_address() -> bool:
    """Open the step that a link, a reload or Back has brought into the page's address; returns whether there is one."""
    text = address.arrived_by_address(_PARAMETER)
    if not text:
        return False
    found = courses.linked_step(st.query_params.get("course", ""), text)
    if found is None:
        st.warning(_("There is no such step. Choose one below."), icon=":material/link_off:")
        return False
    open_step(*found)
    return True


def step_for_address(is_shown: bool) -> str | None:
    """The key of the current step; empty for none, None while it is not known."""
    place = _PLACE.get()
    if place is None:
        return None if is_shown else ""
    return COURSES[place[0]].steps[place[1]].key if is_shown else ""


def courses_view(dataset: Dataset) -> None:
    """A menu of courses and steps, and the current step."""
    keys = list(COURSES)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = segments.segmented_choice(_("Course"), "course", keys, lambda key: _(COURSES[key].name))
        course, answers = COURSES[key], own_work.lesson_answers()
        if not _is_chosen(key).get() and not _is_placed(key).get():
            # The browser may hand in its workspace, and so the answers, a moment after the first page.
            _step(key).set(answers.next_step(course))
            _is_placed(key).set(True)
        at = _step(key).get()
        _step_menu(key, course, at)
    _PLACE.set((key, at))
    step = course.steps[at]
    st.progress(sum(map(answers.is_done, course.steps)) / len(course.steps))
    st.subheader(f"{at + 1}. {_(step.title)}", anchor=step.key)
    scrolling.scroll_to_heading(step.key, key="step-heading")
    if not at:
        st.caption(
            _(
                "{summary} {count} steps, about {minutes} minutes.",
                summary=_(course.summary),
                count=len(course.steps),
                minutes=course.minutes,
            )
        )
        if key == keys[0] and answers.check.before is None and answers.check.after is None:
            st.button(
                _("First check what you know already"), icon=":material/quiz:", on_click=go_to_view, args=(check.VIEW,)
            )
    st.markdown(_(step.text), width=_TEXT_WIDTH)
    words.step_words(step)
    if step.question is None:
        with st.container(border=True):
            check.check_after_course()
        is_explained = answers.check.after is not None
    else:
        is_explained = _asked(step, step.question, dataset)
    _step_buttons(key, course, dataset, at, is_explained)


def _asked(step: Step, question: Question, dataset: Dataset) -> bool:
    """The question of a step; after the answer its runs, the explanation and its activity; returns if all is shown."""
    answers = own_work.lesson_answers()

    def note(answer: int) -> None:
        own_work.change_lesson_answers(lambda now: now.answered(step.key, answer))

    answer = question_choice.question_choice(f"answer-{step.key}", question, answers.first.get(step.key), note)
    if answer is None:
        st.caption(_(ANSWER_FIRST))
        return False
    runs = _runs(step, dataset) if step.has_runs else {}
    if runs is None:
        return False
    question_choice.answer_feedback(question, answer)
    if step.activity:
        with st.container(border=True):
            ACTIVITIES[step.activity](dataset, step, runs)
    if step.key not in answers.seen:
        uninterrupted(lambda: own_work.change_lesson_answers(lambda now: now.with_seen(step.key)))
    return True


def _runs(step: Step, dataset: Dataset) -> Named | None:
    """The runs of a step by name; None while they have not ended."""
    if step.own is not None:
        return own_network.own_network_view(step.own, dataset, has_result=not step.activity) or None
    trials.refusal_message()
    has_models = not step.classical or classical.models_view(step, dataset)
    if step.classical:
        st.markdown(_("**Two networks**, for comparison"))
    # Seen before a reload: replay only if the visitor asks for it.
    is_seen = step.key in own_work.lesson_answers().seen - _SHOWN.get()
    _SHOWN.set(_SHOWN.get() | {step.key})
    draw = functools.partial(_draw_trials, step, dataset)
    ended = trials.trials_view(step.trials, dataset, draw, in_turn=step.trend is not None, is_seen=is_seen)
    return ended if ended and has_models else None


def _draw_trials(step: Step, dataset: Dataset, there: run_curves.Shown) -> None:
    if step.trend is not None:
        trials.trend_charts(step, there)
        return
    has_printed = step.article and has_published_figures(dataset.name)
    run_curves.training_curves(there, articles.ARTICLES[step.article] if has_printed else None, step.floor)
    run_curves.results_table(there)


def _step_menu(key: str, course: Course, at: int) -> None:
    answers = own_work.lesson_answers()

    def title(i: int) -> str:
        step = course.steps[i]
        is_right = step.question is None or answers.first.get(step.key) == RIGHT
        mark = "○" if not answers.is_done(step) else "✓" if is_right else "✗"
        return f"{mark} {i + 1}. {_(step.title)} ({_('{minutes} min', minutes=step.minutes)})"

    steps = list(range(len(course.steps)))
    name = f"contents-{key}"
    # The buttons below change the step too.
    controls.set_value(name, at)
    st.selectbox(
        _("Step"),
        steps,
        at,
        key=name,
        format_func=title,
        on_change=lambda: open_step(key, controls.value_of(name)),
        label_visibility="collapsed",
        width=340,  # On a phone it has its own row.
    )


def open_step(key: str, step: int) -> None:
    """Open a step, counted from 0, of a course."""
    segments.choose_segment("course", key)
    _step(key).set(step)
    _is_chosen(key).set(True)


def go_to_view(name: str) -> None:
    """Open a view of the Learn page."""
    segments.choose_segment("learn-view", name)


def open_in_train(config: RunConfig, dataset: Dataset) -> None:
    """Open the Train page with a network and a data set in the editor."""
    editor_state.load_config(dataclasses.replace(config, dataset=dataset.name), Message("From a lesson"))
    st.switch_page("pages/train.py")


def _step_buttons(key: str, course: Course, dataset: Dataset, at: int, is_explained: bool) -> None:
    config = course.steps[at].config
    with st.container(horizontal=True):
        if at:
            st.button(_("Back"), icon=":material/arrow_back:", on_click=open_step, args=(key, at - 1))
        if at + 1 < len(course.steps):
            st.button(
                _("Next"),
                icon=":material/arrow_forward:",
                on_click=open_step,
                args=(key, at + 1),
                type="primary" if is_explained else "secondary",
            )
        if config is not None and st.button(
            _("Open this network in Train"), icon=":material/play_circle:", type="tertiary"
        ):
            open_in_train(config, dataset)
    if at + 1 == len(course.steps) and is_explained:
        _course_result(key, course)


def _course_result(key: str, course: Course) -> None:
    """The end of a course: what you know now, your first answers, and a way on."""
    answers = own_work.lesson_answers()
    left = [str(at) for at, step in enumerate(course.steps, 1) if not answers.is_done(step)]
    if left:
        st.info(
            _("This was the last step. Still open: step {numbers}.", numbers=", ".join(left)), icon=":material/flag:"
        )
    else:
        known = "\n".join(f"- {_(sentence)}" for sentence in course.known)
        st.success(
            _(
                "**Done!** Your first answer was right in {score} of {questions} steps. You now know:\n{known}",
                score=answers.score(course),
                questions=course.questions,
                known=known,
            ),
            icon=":material/flag:",
        )
        with st.expander(_("Your first answers")):
            st.markdown("\n".join(_first_answers(course)))
    keys = list(COURSES)
    following = keys.index(key) + 1
    if following < len(keys):
        name = _(COURSES[keys[following]].name)
        st.button(
            _("Next: {name}", name=name), icon=":material/arrow_forward:", on_click=open_step, args=(keys[following], 0)
        )
    else:
        st.button(
            _("Next: the fault lab"), icon=":material/arrow_forward:", on_click=go_to_view, args=(fault_lab.VIEW,)
        )


def _first_answers(course: Course) -> list[str]:
    lines = [_("| Step | Your first answer | Right answer |"), "|:--|:--|:--|"]
    first = own_work.lesson_answers().first
    for at, step in enumerate(course.steps, 1):
        if step.question is not None and step.key in first:
            answer = first[step.key]
            given = "✓" if answer == RIGHT else _(step.question.choices[answer])
            lines.append(f"| {at}. {_(step.title)} | {given} | {_(step.question.right)} |")
    return lines


def storage_notice() -> None:
    """A warning if the visitor's answers are not being saved."""
    trouble = own_work.trouble(own_work.ANSWERS) if own_work.lesson_answers() != LessonAnswers() else ""
    if trouble:
        st.warning(_("Your answers are not being saved. {trouble}", trouble=trouble), icon=":material/warning:")
