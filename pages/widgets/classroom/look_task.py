"""Something that all look at: on the wall, at the desk, and on the students' pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.classes import config_of, drawing_of, step_of
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.lessons.course import Trial
from mnist_core.lessons.faults import FAULTS
from mnist_core.store.class_records import SHOWN
from pages.widgets.classroom import drawings, following, summary, wall_runs
from pages.widgets.common import pictures
from pages.widgets.state import data_sets, editor_state

if TYPE_CHECKING:
    from mnist_core.classes import Look, Task
    from mnist_core.data import Dataset
    from mnist_core.store.class_records import Class

_TITLES = {
    "drawing": Message("A drawing"),
    "fault": Message("What is wrong with this run?"),
    "image": Message("A test image"),
    "map": Message("A map of the training images"),
    "run": Message("A network trains"),
    "summary": Message("What we have found"),
}
# Of a map: more digits of the size of other texts would cover each other.
_MOST_IMAGES = 300


def title_of(task: Look) -> str:
    """What is shown, in one line."""
    step = step_of(task)
    return _(_TITLES[task.what] if step is None else step.title)


def look_on_wall(now: Class, plan: tuple[Task, ...], task: Look) -> None:
    """What the wall shows below the title."""
    if task.what == "summary":
        summary.summary_on_wall(now, plan)
    elif task.what == "drawing":
        left, right = st.columns([1, 1], gap="large")
        with left:
            teacher_drawing(task, 290)
        with right:
            _start_reading(now, task, following.TEACHER_SECONDS, wall_runs.FONT_SIZE, 300)
    elif task.what in ("image", "map"):
        _images(task)
    elif task.what == "fault":
        wall_runs.case_view(_trials(task), _fault_text(task) if now.phase == SHOWN else "")
    elif task.what == "run":
        # A teacher can show any network, as often as they like.
        wall_runs.runs_view(_trials(task), height=330, is_charged=True)
    else:
        step = step_of(task)
        if step is None:
            return
        if not step.trials:
            st.markdown(_(step.text))
            return
        count = len(step.trials)
        # Steps with many runs have little text, and need the room for their names.
        left, right = st.columns([2, 3] if count > wall_runs.MOST_LINES else [1, 1], gap="medium")
        left.markdown(_(step.text))
        with right:
            # The title is larger than a question, and names in boxes need more lines than beside votes.
            height = wall_runs.height_of(step) - (50 if 1 < count <= wall_runs.MOST_LINES else 20)
            wall_runs.runs_view(step.trials, step, height)


def _trials(task: Look) -> tuple[Trial, ...]:
    """The runs that are looked at."""
    step = step_of(task)
    if task.what == "fault":
        return (Trial(Message("Run"), FAULTS[task.key].config, task.key),)
    if task.what == "run":
        return (Trial(presets.title_of(config_of(task)), config_of(task)),)
    return () if step is None else step.trials


def _fault_text(task: Look) -> str:
    """What is wrong in a case of the lab, how it looks, and what to do about it."""
    fault = FAULTS[task.key]
    return f"**{_(fault.name)}.** {_(fault.symptom)} {_(fault.cure)}"


def teacher_drawing(task: Look, width: int) -> None:
    """The teacher's drawing, as the networks get it."""
    st.image(pictures.ink_url(drawing_of(task), 10), width=width, alt=_("A drawing of the teacher."))


def _start_reading(now: Class, task: Look, every: float, font_size: int, height: int) -> None:
    st.fragment(_readings, run_every=every, key="class-drawing-read")(now, task, font_size, height)


def _readings(now: Class, task: Look, font_size: int, height: int) -> None:
    """What the networks of the class read in the teacher's drawing; without one, what the built-in network reads."""
    test = drawings.class_tests().read(following.latest(now), drawing_of(task))
    count = len(test.networks)
    if test.is_built_in and count:
        thing = pictures.with_article(int(test.answers[0, 0]))
        st.markdown(_("This class has no network yet. The built-in network reads **{thing}**.", thing=thing))
    elif count:
        text = ngettext(
            "**{count}** network of the class has read it.", "**{count}** networks of the class have read it.", count
        )
        st.markdown(text)
        drawings.answers_chart(test, 0, "drawing-answers", font_size, height)
    if test.waiting:
        st.markdown(drawings.waiting_text(test))


def _images(task: Look) -> None:
    dataset = data_sets.get(editor_state.first_config().dataset)
    if dataset is None:
        return
    if task.what == "map":
        _map(dataset, _MOST_IMAGES, 515, wall_runs.FONT_SIZE)
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        _image(task, dataset, 220)
    at = _place(task, dataset)
    thing = pictures.with_article(int(dataset.test_labels[at]), dataset.class_names)
    right.markdown(_("Test image {number}. Its label says: **{thing}**.", number=at, thing=thing))


def _map(dataset: Dataset, most: int, height: int, font_size: int) -> None:
    from pages.widgets.common import dataset_views  # It needs pandas, which a vote does not.

    dataset_views.map_picture(dataset, "pca", most, height, font_size)


def _image(task: Look, dataset: Dataset, width: int) -> None:
    image = dataset.test_images[_place(task, dataset)]
    st.image(pictures.ink_url(image, 10), width=width, alt=_("A handwritten digit."))


def _place(task: Look, dataset: Dataset) -> int:
    """The place of the test image; smaller data sets begin again."""
    return int(task.key) % len(dataset.test_images)


def look_on_page(now: Class, plan: tuple[Task, ...], task: Look) -> None:
    """The same on a student's page, as high as a phone has room for."""
    step = step_of(task)
    st.header(title_of(task), anchor=False)
    st.markdown(_("Look at the front."))
    if step is not None:
        st.markdown(_(step.text))
        st.page_link("pages/learn.py", label=_("Open the step"), query_params={"step": step.key})
    if task.what == "summary":
        summary.summary_on_page(now, plan)
        return
    if task.what == "drawing":
        teacher_drawing(task, 240)
        _start_reading(now, task, following.STUDENT_SECONDS, 14, 160)
        return
    if task.what in ("image", "map"):
        dataset = data_sets.get(editor_state.first_config().dataset)
        if dataset is not None and task.what == "image":
            _image(task, dataset, 240)
        elif dataset is not None:
            _map(dataset, _MOST_IMAGES, 360, 14)
    elif _trials(task):
        wall_runs.page_view(_trials(task), step)
    if task.what == "fault" and now.phase == SHOWN:
        st.markdown(_fault_text(task))
