"""The courses: each step has a text, something to try, a question, and often runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts.answers import answer_bars
from mnist_core.data.sources import DIGITS, has_published_figures, noun_of
from mnist_core.errors import DataError
from mnist_core.lessons import articles
from mnist_core.lessons.course import Course, Progress, Question, Step
from mnist_core.lessons.courses import COURSES
from pages.widgets.common import pictures, run_curves, segments
from pages.widgets.learn import explorers, explorers_data, fault_lab, scrolling, trials
from pages.widgets.state import controls, editor_state
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset

VIEW = "Courses"
"""What the Learn page calls the view with the courses."""
ANSWER_FIRST = "Choose an answer. Then you can start the run."

ACTIVITIES: Mapping[str, Callable[[Dataset, Step], None]] = {
    function.__name__: function
    for function in (
        explorers_data.examples,
        explorers_data.tasks,
        explorers_data.file,
        explorers_data.one_image,
        explorers_data.hold_back,
        explorers_data.roles,
        explorers_data.tensor,
        explorers_data.prepare,
        explorers_data.convolution,
        explorers.neuron,
        explorers.activation,
        explorers.layers,
        explorers.softmax,
        explorers.loss,
        explorers.descent,
        explorers.batches,
        explorers.matrices,
        explorers.two_classes,
        explorers.mushrooms,
    )
}

_SHOWN_STEP: Key[tuple[str, int] | None] = Key("shown-step-noted", None)


def _restored(key: str) -> Key[bool]:
    """Whether the answers in the page's address have been read for a course."""
    return Key(f"restored-{key}-noted", False)


def _step(key: str) -> Key[int]:
    """The current step of a course, from 0."""
    return Key(f"step-{key}-noted", 0)


def _answer(name: str) -> Key[int | None]:
    """The last answer to a question."""
    return Key(f"{name}-noted", None)


def _first(name: str) -> Key[int | None]:
    """The first answer to a question, which counts."""
    return Key(f"first-{name}-noted", None)


def _done(name: str) -> Key[bool]:
    """Whether the explanation of a question has been shown."""
    return Key(f"done-{name}-noted", False)


def _seen(name: str) -> Key[bool]:
    """Whether the runs of a question were shown before a reload."""
    return Key(f"seen-{name}-noted", False)


def course_progress(key: str) -> Progress:
    """The visitor's progress in a course, in this tab; after a reload that in the page's address."""
    course = COURSES[key]
    if not _restored(key).get():
        _restored(key).set(True)
        _restore(key, course)
    names = [_answer_name(key, at) for at in range(len(course.steps))]
    answers = tuple(_first(name).get() for name in names)
    # A step without runs is done once it is answered.
    left = (at for at, step in enumerate(course.steps) if step.trials and answers[at] is not None)
    return Progress(answers, frozenset(at for at in left if not _done(names[at]).get()))


def _restore(key: str, course: Course) -> None:
    text = st.query_params.get(key, "")
    if not text:
        return
    try:
        found = Progress.from_text(course, text)
    except DataError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    for at, answer in enumerate(found.answers):
        _answer(_answer_name(key, at)).set(answer)
        _first(_answer_name(key, at)).set(answer)
        _done(_answer_name(key, at)).set(found.is_done(at))
        _seen(_answer_name(key, at)).set(found.is_done(at))


def progress_to_address(is_shown: bool) -> None:
    """Write the progress and the current step into the address, so that a reload or a link restores them."""
    for key in COURSES:
        text = course_progress(key).to_text()
        if text.strip("-"):
            st.query_params[key] = text
    place = _SHOWN_STEP.get()
    if place is None:
        return  # The data set is still being loaded.
    if is_shown:
        st.query_params["course"], st.query_params["step"] = place[0], str(place[1] + 1)
    elif "step" in st.query_params:
        del st.query_params["step"]


def _step_of_address(key: str, course: Course) -> int | None:
    """The step in the address, from 0; None if it names no step of this course."""
    text = st.query_params.get("step", "")
    is_here = st.query_params.get("course", "") == key
    is_step = text.isascii() and text.isdigit() and len(text) < 3 and 1 <= int(text) <= len(course.steps)
    return int(text) - 1 if is_here and is_step else None


def courses_view(dataset: Dataset) -> None:
    """A menu of courses and steps, and the current step."""
    keys = list(COURSES)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = st.query_params.get("course", keys[0])
        key = segments.segmented_choice("Course", "course", keys, lambda key: COURSES[key].name, first=asked)
        course, done = COURSES[key], course_progress(key)
        linked = _step_of_address(key, course)
        at = _step(key).get_or_set(done.next_step if linked is None else linked)
        _step_menu(key, course, done, at)
    _SHOWN_STEP.set((key, at))
    step = course.steps[at]
    st.progress(done.done / len(course.steps))
    anchor = f"{key}-{at + 1}"
    st.subheader(f"{at + 1}. {step.title}", anchor=anchor)
    scrolling.scroll_to_heading(anchor, key="step-heading")
    if not at:
        st.caption(f"{course.summary} Based on the tutorial by {course.source}.")
    st.markdown(step.text)
    if step.activity in ACTIVITIES:
        with st.container(border=True):
            ACTIVITIES[step.activity](dataset, step)
    answer = question_choice(_answer_name(key, at), step.question)
    is_shown = answer is not None
    if step.trials:
        with st.container(border=True):
            # Seen before a reload: replay only if the visitor asks for it.
            seen = _seen(_answer_name(key, at))
            is_shown = _step_runs(step, dataset, answer is not None, is_seen=seen.get())
            seen.set(seen.get() and not is_shown)
    if is_shown and answer is not None:
        answer_feedback(step.question, answer)
        _done(_answer_name(key, at)).set(True)
    _step_buttons(key, course, dataset, at, is_explained=is_shown and answer is not None)


def _answer_name(key: str, at: int) -> str:
    return f"answer-{key}-{at}"


def _step_menu(key: str, course: Course, done: Progress, at: int) -> None:
    def title(i: int) -> str:
        is_right = done.answers[i] == course.steps[i].question.right
        mark = "○" if not done.is_done(i) else "✓" if is_right else "✗"
        return f"{mark} {i + 1}. {course.steps[i].title}"

    steps = list(range(len(course.steps)))
    name = f"contents-{key}"
    # The buttons below change the step too.
    controls.set_value(name, at)
    st.selectbox(
        "Step",
        steps,
        at,
        key=name,
        format_func=title,
        on_change=lambda: _step(key).set(controls.value_of(name)),
        label_visibility="collapsed",
        width=340,  # On a phone it has its own row.
    )


def question_choice(name: str, question: Question) -> int | None:
    """A question with choices; returns the answer, or None. Remembers the last and the first answer under `name`."""
    st.markdown(f"**{question.text}**")
    answer: int | None = st.radio(
        question.text,
        list(range(len(question.choices))),
        index=_answer(name).get(),
        key=name,
        format_func=question.choices.__getitem__,
        on_change=_note_answer,
        args=(name,),
        label_visibility="collapsed",
    )
    return answer


def _note_answer(name: str) -> None:
    _answer(name).set(controls.value_of(name))
    if _first(name).get() is None:
        _first(name).set(controls.value_of(name))


def _step_runs(step: Step, dataset: Dataset, is_answered: bool, is_seen: bool) -> bool:
    """The runs of a step; returns whether they have ended, so that the answer can be explained."""
    if not is_answered:
        st.caption(ANSWER_FIRST)
        return False
    article = articles.ARTICLES[step.article] if step.article and has_published_figures(dataset.name) else None

    def draw(there: run_curves.Shown) -> None:
        run_curves.training_curves(there, article, step.floor)
        run_curves.results_table(there)

    trials.refusal_message()
    ended = trials.trials_view(step.trials, dataset, draw, is_seen=is_seen)
    if ended and step.activity == "answer":
        _printed_and_own_answers(ended, dataset)
    return bool(ended)


def _printed_and_own_answers(ended: run_curves.Named, dataset: Dataset) -> None:
    """The printed probabilities of one test image next to those of runs."""
    printed = articles.ARTICLES["torres"].answer
    assert printed is not None
    if not has_published_figures(dataset.name):
        st.caption(f"In this data set, image {printed.image} is another one. So you can only compare the two runs.")
    shown = {"The tutorial's": (printed.probabilities, DIGITS)}
    for name, run in ended.items():
        result = run.snapshot.evaluation
        if result is not None:
            answer = dict(enumerate(result.probabilities[printed.image].tolist()))
            shown[name] = (answer, dataset.class_names)
    label = f"test image {printed.image}"
    alt = f"T{label[1:]}, {pictures.with_article(int(dataset.test_labels[printed.image]), dataset.class_names)}"
    st.image(pictures.ink_url(dataset.test_images[printed.image], 5), width=112, caption=label, alt=alt)
    for column, (title, (probabilities, names)) in zip(st.columns(len(shown)), shown.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            best = max(probabilities, key=probabilities.__getitem__)
            alt = (
                f"Ten bars, the share of each {noun_of(names)}. "
                f"The highest is the {names[best]} with {probabilities[best]:.0%}."
            )
            st.vega_lite_chart(_bars(probabilities, names), answer_bars(names), key=f"answer-{title}", alt=alt)


def _bars(probabilities: Mapping[int, float], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame({"digit": [names[k] for k in probabilities], "probability": probabilities.values()})
    table["best"] = table["probability"] == table["probability"].max()
    return table


def answer_feedback(question: Question, answer: int) -> None:
    """Whether the answer was right, and why."""
    if answer == question.right:
        st.success(f"**Right!** {question.why}", icon=":material/check_circle:")
    else:
        right = question.choices[question.right].removesuffix(".")
        st.warning(f"**Not quite. The right answer is: {right}.** {question.why}", icon=":material/lightbulb:")


def open_step(key: str, step: int) -> None:
    """Open a step, counted from 0, of a course."""
    segments.remembered_segment("course").set(key)
    controls.set_value("course", key)
    _step(key).set(step)


def open_in_train(config: RunConfig, dataset: Dataset) -> None:
    """Open the Train page with a network and a data set in the editor."""
    editor_state.load_config(dataclasses.replace(config, dataset=dataset.name), "From a lesson")
    st.switch_page("pages/train.py")


def _step_buttons(key: str, course: Course, dataset: Dataset, at: int, is_explained: bool) -> None:
    with st.container(horizontal=True):
        if at:
            st.button("Back", icon=":material/arrow_back:", on_click=open_step, args=(key, at - 1))
        if at + 1 < len(course.steps):
            st.button(
                "Next",
                icon=":material/arrow_forward:",
                on_click=open_step,
                args=(key, at + 1),
                type="primary" if is_explained else "secondary",
            )
        if st.button("Open this network in Train", icon=":material/play_circle:", type="tertiary"):
            open_in_train(course.steps[at].config, dataset)
    if at + 1 == len(course.steps) and is_explained:
        _course_result(key, course)


def _course_result(key: str, course: Course) -> None:
    """The result of a course, and what to do next."""
    done = course_progress(key)
    count = len(course.steps)
    left = [str(at + 1) for at in range(count) if not done.is_done(at)]
    if left:
        st.info(f"This was the last step. Still open: step {', '.join(left)}.", icon=":material/flag:")
    else:
        st.success(
            f"**Course finished.** Your first answer was right in {done.score(course)} of {count} steps. "
            f"{course.summary}",
            icon=":material/flag:",
        )
    keys = list(COURSES)
    following = keys.index(key) + 1
    if following < len(keys):
        name = COURSES[keys[following]].name
        st.button(
            f"Next course: {name}", icon=":material/arrow_forward:", on_click=open_step, args=(keys[following], 0)
        )
    else:
        st.button("Next: the fault lab", icon=":material/arrow_forward:", on_click=_go_to_view, args=(fault_lab.VIEW,))


def _go_to_view(name: str) -> None:
    controls.set_value("learn-view", name)
