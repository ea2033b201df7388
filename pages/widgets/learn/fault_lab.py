"""Runs with one fault, or none. The learner sees the curves and the matrix, and names the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.sources import noun_of
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons import faults
from mnist_core.lessons.course import Trial
from mnist_core.lessons.faults import FAULTS, NUMBERED, Answers
from pages.widgets.common import address, live, pictures, replays, run_curves, trials
from pages.widgets.state import controls, own_work
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run

VIEW = Message("Fault lab")
"""What the Learn page calls this view."""

_NAME, _NONE = Message("this run"), Message("none")
_PARAMETER = "lab"
_SUMMARY = 0
# With these heights curves, matrix and answers fit on a screen of 720 pixels.
_CURVE_HEIGHT, _MATRIX_HEIGHT = 170, 400

_CASE: Key[int | None] = Key("lab-case-noted", None)
_RUN: Key[tuple[int, Run] | None] = Key("lab-run-noted", None, of_workspace=True)


def _choice(number: int) -> Key[str | None]:
    """The last answer in a case."""
    return Key(f"lab-choice-{number}-noted", None, of_workspace=True)


def _hints(number: int) -> Key[int]:
    """How many hints of a case are shown."""
    return Key(f"lab-hints-{number}-noted", 0, of_workspace=True)


def fault_lab_view(dataset: Dataset) -> None:
    """A case with its curves, its matrix and the question; after the last case a summary."""
    number = _current_case()
    if number == _SUMMARY:
        _summary(dataset)
        return
    run = _run(number, dataset)
    if run is None or run.snapshot.message:
        st.markdown(
            _(
                "Each case is a training run with **one thing wrong**, or with nothing wrong at all. You see the "
                "curves and the confusion matrix on the test images. What is wrong? Your **first answer** counts."
            )
        )
        if run is not None:
            st.error(_(run.snapshot.message), icon=":material/error:")
        trials.refusal_message()
        with st.container(horizontal=True):
            _case_menu(number)
            if st.button(_("Start"), icon=":material/play_arrow:", type="primary"):
                _start_case(number, dataset)
        return
    left, right = st.columns([2, 1], gap="medium")
    with left:
        if run.snapshot.status.is_active:
            st.fragment(_follow, run_every=live.poll_seconds())(run)
            return
        if not replays.replay_view({_NAME: run}, _curves):
            return
        _curves_and_matrix(run)
    with right:
        _question(number, dataset)


def go_to_case_in_address() -> bool:
    """Open the case that a link, a reload or Back has brought into the page's address; returns whether it names one."""
    text = address.arrived_by_address(_PARAMETER)
    if not text:
        return False
    try:
        _CASE.set(NUMBERED.index(faults.key_of_case(text)) + 1)
    except DataError as error:
        st.warning(_(error.message), icon=":material/warning:")
    return True


def case_for_address(is_shown: bool) -> str | None:
    """The number of the case, which does not reveal the fault; empty for none, None while it is not known."""
    number = _CASE.get()
    if number is None:
        return None if is_shown else ""
    return str(number) if is_shown and number != _SUMMARY else ""


def _current_case() -> int:
    """The current case, from 1, or `_SUMMARY`. At first the next open case."""
    left = _next_case(len(NUMBERED))
    number = _CASE.get_or_set(left or _SUMMARY)
    # Instead of the summary, a case that another tab has opened again by starting over.
    return number or left or _SUMMARY


def _answers() -> Answers:
    return own_work.lesson_answers().faults


def _change_answers(change: Callable[[Answers], Answers]) -> None:
    own_work.change_lesson_answers(lambda now: now.with_faults(change(now.faults)))


def _score(answers: Answers) -> int:
    return sum(map(answers.is_right, answers.first))


def _run(number: int, dataset: Dataset) -> Run | None:
    """The run of a case, if any visitor has started it."""
    noted = _RUN.get()
    if noted is not None and noted[0] == number:
        return noted[1]
    trial = _trial(number)
    run = trials.find_run(trial, dataset)
    if run is not None:
        trials.watch_run(run, trial.fault)
        _RUN.set((number, run))
    return run


def _trial(number: int) -> Trial:
    key = NUMBERED[number - 1]
    return Trial(_NAME, FAULTS[key].config, key)


def _follow(run: Run) -> None:
    if not run.snapshot.status.is_active:
        st.rerun()
    st.progress(run.fraction, text=_("Training …") if run.snapshot.points else _("Getting ready …"))
    _curves({_NAME: run})


def _curves(there: run_curves.Shown) -> None:
    left, _right = st.columns([6, 7])
    with left:
        _stacked_curves(there)


def _stacked_curves(there: run_curves.Shown) -> None:
    run_curves.training_curves(there, places=(st.container(), st.container()), height=_CURVE_HEIGHT)


def _curves_and_matrix(run: Run) -> None:
    left, right = st.columns([6, 7])
    with left:
        _stacked_curves({_NAME: run})
        replays.replay_button({_NAME: run})
    with right:
        result = run.snapshot.evaluation
        if result is not None:
            st.markdown(_("**Confusion matrix**"))
            names = run.dataset.class_names
            pictures.counts_matrix(
                result.confusion, "fault-matrix", height=_MATRIX_HEIGHT, noun=noun_of(names), names=names
            )


def _start_case(number: int, dataset: Dataset) -> None:
    uninterrupted(lambda: _start_run(number, dataset))
    st.rerun()


def _start_run(number: int, dataset: Dataset) -> None:
    _CASE.set(number)
    trials.REFUSAL.set(None)
    trial = _trial(number)
    try:
        run = trials.start_run(trial, dataset)
    except PlaygroundError as error:
        trials.remember_refusal(error)
    else:
        trials.watch_run(run, trial.fault)
        _RUN.set((number, run))


def _question(number: int, dataset: Dataset) -> None:
    fault = FAULTS[NUMBERED[number - 1]]
    answers = _answers()
    with st.container(horizontal=True, vertical_alignment="center"):
        _case_menu(number)
        st.caption(
            _("First answer right: {score} of {count}", score=_score(answers), count=len(answers.first)),
            width="content",
        )
    name = f"lab-choice-{number}"
    options = sorted(FAULTS, key=lambda option: _(FAULTS[option].name))
    if answers.is_right(number):  # Perhaps before a reload.
        _choice(number).get_or_set(answers.first[number])
    remembered = _choice(number).get()
    answer: str | None = st.radio(
        _("What is wrong?"),
        options,
        index=None if remembered is None else options.index(remembered),
        key=name,
        format_func=lambda option: _(FAULTS[option].name),
        on_change=_note_answer,
        args=(number, name),
    )
    if number in answers.explained:
        _explanation(number, dataset)
        return
    if answer is not None:
        st.warning(_("**Not quite.** {symptom} Look again, or take a hint.", symptom=_(FAULTS[answer].symptom)))
    hints = _hints(number).get()
    for hint in fault.hints[:hints]:
        st.info(_(hint), icon=":material/lightbulb:")
    with st.container(horizontal=True):
        st.button(
            _("A hint"),
            icon=":material/lightbulb:",
            on_click=lambda: _hints(number).set(hints + 1),
            disabled=hints >= len(fault.hints),
        )
        st.button(_("Show the answer"), on_click=_mark_explained, args=(number, faults.GIVEN_UP), type="tertiary")


def _case_menu(number: int) -> None:
    """A menu of the cases, with marks for right and wrong first answers."""
    answers = _answers()

    def title(one: int) -> str:
        mark = "" if one not in answers.first else " ✓" if answers.is_right(one) else " ✗"
        return _("Case {number} of {count}{mark}", number=one, count=len(NUMBERED), mark=mark)

    controls.set_value("lab-contents", number)  # "Next case" changes the case too.
    st.selectbox(
        _("Case"),
        range(1, len(NUMBERED) + 1),
        number - 1,
        key="lab-contents",
        format_func=title,
        on_change=lambda: _CASE.set(controls.value_of("lab-contents")),
        label_visibility="collapsed",
        width=190,
    )


def _note_answer(number: int, name: str) -> None:
    answer = controls.value_of(name)
    _choice(number).set(answer)
    _note_first(number, answer)
    if answer == NUMBERED[number - 1]:
        _mark_explained(number, answer)


def _note_first(number: int, answer: str) -> None:
    _change_answers(lambda now: Answers({number: answer} | dict(now.first), now.explained))


def _mark_explained(number: int, answer: str) -> None:
    _change_answers(lambda now: Answers({number: answer} | dict(now.first), now.explained | {number}))


def _explanation(number: int, dataset: Dataset) -> None:
    fault = FAULTS[NUMBERED[number - 1]]
    text = f"{_(fault.explanation)} **{_(fault.cure)}**"
    if _answers().is_right(number):
        st.success(_("**Right! {name}.** {text}", name=_(fault.name), text=text), icon=":material/check_circle:")
    else:
        st.info(f"**{_(fault.name)}.** {text}", icon=":material/lightbulb:")
    left = _next_case(number)
    if left is None:
        if st.button(_("See your result"), icon=":material/flag:", type="primary"):
            _CASE.set(_SUMMARY)
            st.rerun()
    elif st.button(_("Next case"), icon=":material/arrow_forward:", type="primary"):
        _start_case(left, dataset)


def _next_case(number: int) -> int | None:
    """The next case that has no explanation yet, starting over after the last case; None if all have one."""
    explained = _answers().explained
    every = range(1, len(NUMBERED) + 1)
    return next((one for one in [*every[number:], *every[:number]] if one not in explained), None)


def _summary(dataset: Dataset) -> None:
    answers = _answers()
    st.subheader(
        _("Done! Your first answer was right in {score} of {count} cases.", score=_score(answers), count=len(NUMBERED))
    )
    lines = [_("| Case | What was wrong | Your first answer | What to do |"), "|--:|:--|:--|:--|"]
    for number, key in enumerate(NUMBERED, 1):
        answer = answers.first[number]
        given = _("✓ right") if answers.is_right(number) else _(FAULTS[answer].name if answer else _NONE)
        lines.append(f"| {number} | {_(FAULTS[key].name)} | {given} | {_(FAULTS[key].cure)} |")
    st.markdown("\n".join(lines))
    missed = [number for number in answers.first if not answers.is_right(number)]
    with st.container(horizontal=True):
        for number in sorted(missed):
            if st.button(_("Look at case {number} again", number=number)):
                _start_case(number, dataset)
        st.button(_("Start over"), icon=":material/restart_alt:", on_click=_start_over, type="tertiary")


def _start_over() -> None:
    for number in range(1, len(NUMBERED) + 1):
        _choice(number).set(None)
        controls.reset(f"lab-choice-{number}")
        _hints(number).set(0)
    _change_answers(lambda _before: Answers())
    _CASE.set(1)
    _RUN.set(None)
