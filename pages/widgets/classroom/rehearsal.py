"""Before the lesson: pretend students, a link to the plan, and a sheet of paper for each student."""

from __future__ import annotations

import functools
import html
import time
import weakref
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import language, limits
from mnist_core.classes import Ask, Draw, Train, plan_link
from mnist_core.classes.plan import MOST_LINK
from mnist_core.errors import CapacityError, LimitError
from mnist_core.export import report
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.runs import saver, scheduler
from pages.widgets.classroom import following, membership, orders
from pages.widgets.common import link_sharing
from pages.widgets.server import visitor_limits
from pages.widgets.state import data_sets, editor_state, visitor_runs, workspace
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.classes import Task
    from mnist_core.classes.pretend import PretendStudents
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from mnist_core.store.class_records import Board, Class

_COUNT = 30


def rehearsal_view(board: Board, plan: tuple[Task, ...]) -> None:
    """What helps to prepare a lesson, folded.

    Args:
        board: the class.
        plan: its tasks.
    """
    now, pretended = board.now, sum(seat.pretend for seat in board.seats)
    with st.expander(_("Prepare the lesson"), icon=":material/event_available:"):
        if pretended:
            st.markdown(ngettext("{count} pretend student is here.", "{count} pretend students are here.", pretended))
            st.button(_("Take them away"), key="pretend-away", on_click=orders.remove_pretend, args=(now,))
        else:
            # Without waiting for it: the desk has more to show.
            loading = data_sets.loading_data_set(editor_state.first_config().dataset)
            dataset = loading.dataset
            st.button(
                _("Fill with {count} pretend students", count=_COUNT),
                key="pretend-fill",
                icon=":material/smart_toy:",
                disabled=dataset is None,
                on_click=_fill,
                args=(now, plan, dataset),
                help=_(
                    "They vote, train and draw as a class might, so you can go through the plan alone. "
                    "Take them away before your students come."
                ),
            )
            if loading.error:
                st.error(_(loading.error), icon=":material/error:")
            elif dataset is None:  # Not `done`: they may have come since the button was drawn.
                st.fragment(_await_images, run_every=following.TEACHER_SECONDS, key="pretend-images")(loading)
        st.download_button(
            _("Sheet for students"),
            handout_page(plan),
            "sheet.html",
            "text/html",
            key="plan-sheet",
            icon=":material/print:",
            on_click="ignore",
            help=_("A page to print for each student: the drawn name, guesses, and what they have found."),
        )
        link = f"{link_sharing.page_address()}?{membership.PLAN}={plan_link(plan)}"
        if len(link) > MOST_LINK:
            st.caption(_("This plan is too long for a link: save it as a file."))
        else:
            st.caption(_("This link opens the plan for another teacher:"))
            st.code(link, language=None, wrap_lines=False)


def _await_images(loading: data_sets.Loading) -> None:
    """Draw the desk again when the images have been loaded: it may be the first page of a server."""
    if loading.done.is_set():
        st.rerun()


def _fill(now: Class, plan: tuple[Task, ...], dataset: Dataset) -> None:
    def fill() -> None:
        _charge(limits.WORKSPACES, _COUNT)
        _charge(limits.RUNS, _most_runs(plan))
        students = _students(plan, dataset)
        if students.join(now.id, _COUNT):
            _follow(now.id, students)

    orders.carry_out(now.id, fill)


def take_up(board: Board, plan: tuple[Task, ...]) -> None:
    """Go on for pretend students whose server is gone: this one was started again, for example.

    Args:
        board: the class.
        plan: its tasks.
    """
    now, pretended = board.now, [seat for seat in board.seats if seat.pretend]
    if not pretended or now.id in _acting() or any(map(membership.is_here, pretended)):
        return
    dataset = data_sets.loading_data_set(editor_state.first_config().dataset).dataset
    if dataset is None:
        return

    def go_on() -> None:
        students = _students(plan, dataset)
        if students.take_up(now.id):
            _charge(limits.RUNS, _most_runs(plan))
            _follow(now.id, students)

    uninterrupted(lambda: orders.carry_out(now.id, go_on))


def _follow(class_id: str, students: PretendStudents) -> None:
    former = _acting().get(class_id)
    if former is not None:  # They were taken away a moment ago, and these have the same seats.
        former.stop()
    _acting()[class_id] = students
    students.follow(class_id, time.time)


@functools.cache
def _acting() -> weakref.WeakValueDictionary[str, PretendStudents]:
    """The pretend students that this process acts for, by class: their thread keeps them here until it ends."""
    return weakref.WeakValueDictionary()


def _students(plan: tuple[Task, ...], dataset: Dataset) -> PretendStudents:
    """The pretend students of a class that the visitor leads."""
    from mnist_core.classes.pretend import PretendStudents

    watcher, runs = visitor_runs.watcher(), saver.shared()
    started: weakref.WeakValueDictionary[str, Run] = weakref.WeakValueDictionary()
    # So many are charged to the address of the teacher; a task that is added later trains nothing more.
    most = _most_runs(plan)
    trained: list[str] = []

    def train(token: str, config: RunConfig) -> str:
        if len(trained) >= most:
            raise CapacityError("The pretend students train no more networks.", "Take them away and fill again.")
        run = scheduler.shared().submit(config, dataset, is_watched=watcher)
        run.number = 1
        trained.append(run.id)
        started[run.id] = run
        runs.save(token, run)
        return run.id

    def drop(token: str, run_id: str) -> None:
        run = started.get(run_id)
        if run is not None:
            scheduler.shared().stop(run)
        runs.forget(token, run_id)
        runs.store.delete(token, run_id)

    return PretendStudents(membership.classes(), membership.boards(), workspace.token(), dataset, train, drop)


def _most_runs(plan: tuple[Task, ...]) -> int:
    return _COUNT * sum(isinstance(task, Train) for task in plan)


def _charge(kind: str, count: int) -> None:
    """Charge the visitor's address for so many of a kind, or for none.

    Raises:
        LimitError: there were too many from this address.
    """
    for at in range(count):
        try:
            visitor_limits.spend(kind)
        except LimitError:
            for _spent in range(at):
                visitor_limits.give_back(kind)
            raise


_LINES = {
    Ask: (Message("My first vote: ____   My second vote: ____"), Message("It is so because:")),
    Train: (Message("My guess: ____%   My network reached: ____%"), Message("I have changed:")),
    Draw: (Message("Misread by most networks: my ____, as a ____"), Message("It was hard because:")),
}


def handout_page(plan: tuple[Task, ...]) -> str:
    """A sheet for a student, as a self-contained page to print, in the visitor's language. No question is on it."""
    parts = [
        f"<h1>{html.escape(_('How machines learn to read digits'))}</h1>",
        f"<p>{html.escape(_('My drawn name in this lesson:'))} ______________________</p>",
    ]
    for number, task in enumerate(plan, 1):
        lines = _LINES.get(type(task))
        if lines is not None:
            texts = "".join(f"<p>{html.escape(_(line))}</p>" for line in lines)
            parts.append(report.section(f"{number}.", f"{texts}<p>{'_' * 70}</p>"))
    parts.append(report.section(_("What I want to remember"), f"<p>{'_' * 70}</p>" * 2))
    parts.append(report.section(_("My result code"), "<p>____ – ____</p>"))
    return report.page(_("Sheet for students"), parts, language.current())
