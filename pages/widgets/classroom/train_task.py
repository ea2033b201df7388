"""A network to train, on a student's page: a guess first, then what is free to change, and the own run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import network
from mnist_core.classes import config_for, progress
from mnist_core.classes.progress import Network
from mnist_core.errors import CapacityError, ClassClosedError, ClassFullError, PlaygroundError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.runs import scheduler
from mnist_core.store.class_records import MAX_RUNS, OPEN, SHOWN
from pages.widgets.classroom import following, membership, networks
from pages.widgets.common import editor, live
from pages.widgets.server import waiting_line
from pages.widgets.state import data_sets, editor_state, interrupted, saved_runs, visitor_runs, workspace
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.classes import Train
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from mnist_core.store.class_records import Board, Class, Seat

# The class and the task whose network is in the editor.
_LOADED: Key[tuple[str, str]] = Key("class-network-loaded-noted", ("", ""))
# What was handed in last, and the class as it was: the board may be a second old, until the next move.
_GUESSED: Key[tuple[Class, float] | None] = Key("class-guess-noted", None)
_STARTED: Key[tuple[Class, str] | None] = Key("class-run-noted", None, of_workspace=True)
_IS_HANDED_IN: Key[bool] = Key("class-run-handed-in-noted", True, of_workspace=True)
# The class as it was when Train was pressed: a press must not start a run later, after a move.
_WANTED: Key[Class | None] = Key("class-train-wanted-noted", None)
# The class as it was when the computer was full.
_QUEUED: Key[Class | None] = Key("class-train-queued-noted", None)
_TROUBLE: Key[str] = Key("class-train-trouble-noted", "")
_USUAL_GUESS = 50


def train_view(board: Board, seat: Seat, task: Train) -> None:
    """The task for one seat, in any phase but the first."""
    now = board.now
    started = _STARTED.get()
    if started is not None and (started[0].id, started[0].task) == (now.id, task.id):
        _hand_in(started[0], started[1])
    guess, runs, _drawings = shown_work(now, following.own_work(board, seat.number))
    own = list(runs)
    if now.phase == SHOWN:
        _result(board, seat, task, guess)
        return
    st.markdown(networks.task_text(task))
    if task.predict and guess is None and not own:
        if now.phase == OPEN:
            _guess_form(now, task)
        else:
            st.markdown(_("The training has ended. Look at the front."))
        return
    _workplace(board, seat, task, own)


def shown_work(now: Class, work: following.Work) -> following.Work:
    """What a seat has handed in, `following.own_work`, with what the board does not have yet."""
    guess, runs, drawings = work
    guessed, started = _GUESSED.get(), _STARTED.get()
    if guessed is not None and guessed[0] == now:
        guess = guessed[1]
    if started is None or started[1] in runs or (started[0].id, started[0].task) != (now.id, now.task):
        return guess, runs, drawings
    is_missing = started[0] == now or not _IS_HANDED_IN.get()
    return guess, (*runs, started[1]) if is_missing else runs, drawings


def _guess_form(now: Class, task: Train) -> None:
    with st.form("class-guess", border=False):
        value = st.slider(
            _("Your guess first: which share of the validation images will it read right?"),
            0,
            100,
            _USUAL_GUESS,
            key="class-guess-value",
            format="%d%%",
        )
        if not st.form_submit_button(_("That is my guess"), type="primary"):
            return

    def save() -> None:
        membership.classes().guess(now.id, membership.seat_token(), task.id, value / 100)
        _GUESSED.set((now, value / 100))

    try:
        uninterrupted(save)
    except PlaygroundError as error:
        membership.boards().outdate(now.id)
        st.error(_("Your guess is not saved. {error}", error=error.message), icon=":material/error:")
        return
    st.rerun()


def _workplace(board: Board, seat: Seat, task: Train, own: list[str]) -> None:
    """What is free to change, and the own run."""
    now = board.now
    run = _own_run(own)
    if _LOADED.get() != (now.id, task.id):
        _LOADED.set((now.id, task.id))
        _TROUBLE.set("")
        chosen = run.config if run is not None else None
        editor_state.load_config(config_for(task, seat.number, chosen), Message("From the class"))
    config = config_for(task, seat.number, editor_state.draft())
    place = st.container()
    if now.phase == OPEN and task.free:
        with st.container(border=True, key="class-editor"):
            config = editor.free_controls(config, task.free)
            st.caption(_("The same for all: {settings}", settings=networks.fixed_text(task, config)))
    editor_state.set_draft(config)
    dataset = data_sets.get(config.dataset)
    with place:
        if _TROUBLE.get():
            st.error(_(_TROUBLE.get()), icon=":material/error:")
        if now.phase != OPEN:
            st.markdown(_("The training has ended. Look at the front."))
        if any(progress.reaches(task, one) for one in _own_networks(board, seat, run)):
            st.success(_("You have reached the goal."), icon=":material/flag:")
    live.live_view(run, config, dataset, lambda: _offer(now, config, dataset, len(own)), is_alone=True)
    # Not while it trains: thirty pages would draw all points again and again, and take time away from the training.
    if run is not None and not run.snapshot.status.is_active:
        st.fragment(_own_place, run_every=membership.SUMMARY_SECONDS, key="class-own-place")(now, seat, task)


def _own_place(now: Class, seat: Seat, task: Train) -> None:
    """The networks of the class as the wall shows them, with the own ones marked."""
    _picture(following.latest(now), seat, task)


def _own_networks(board: Board, seat: Seat, run: Run | None = None) -> list[Network]:
    """The networks of the seat on the board, and that of its run, whose end may not be saved yet."""
    found = [one for one in progress.networks_of(board) if one.seat == seat.number]
    epochs = [] if run is None else run.snapshot.epochs
    accuracy = epochs[-1].validation_accuracy if epochs else None
    if run is not None and accuracy is not None:
        parameters, is_active = network.parameter_count(run.config), run.snapshot.status.is_active
        found.append(Network(seat.number, run.id, run.config, parameters, accuracy, is_active))
    return found


def _own_run(own: list[str]) -> Run | None:
    """The newest of the seat's runs, also after a reload; None if there is none, or it cannot be read now."""
    current = visitor_runs.current_run()
    if current is not None and current.id in own:
        return current
    if not own:
        return None
    try:
        return saved_runs.open_run(own[-1])
    except PlaygroundError:  # The server was interrupted, for example. A new one can be trained too.
        resumed = next((run for run in interrupted.go_on_by_themselves() if run.id == own[-1]), None)
        if resumed is None and any(one.id == own[-1] for one in interrupted.elsewhere()):
            interrupted.await_release(len(interrupted.unfinished()))
        return resumed


def _offer(now: Class, config: RunConfig, dataset: Dataset | None, given: int) -> None:
    """The button that trains, while the task is open, after so many runs."""
    if now.phase != OPEN:
        return
    first = st.container(width="content")
    st.empty()
    st.empty()
    # Last, see `launch.train_buttons`.
    first.button(
        _("Train"),
        key="class-train",
        icon=":material/play_arrow:",
        type="primary",
        disabled=dataset is None or given >= MAX_RUNS,
        help=_("At most {most} networks a task.", most=MAX_RUNS),
        # The task may have changed since the press.
        on_click=_WANTED.set,
        args=(now,),
    )
    if _WANTED.get() == now and dataset is not None:
        _try_to_start(now, config, dataset)
        st.rerun()
    if _QUEUED.get() == now and dataset is not None:
        st.fragment(_wait, run_every=following.STUDENT_SECONDS, key="class-wait")(now, config, dataset)


def _try_to_start(now: Class, config: RunConfig, dataset: Dataset) -> bool:
    """Start the run; without room for it, take a place in the line. Returns whether the line is left."""
    # As a whole: a press that is forgotten before the run has started would be lost.
    return uninterrupted(lambda: _start(now, config, dataset))


def _wait(now: Class, config: RunConfig, dataset: Dataset) -> None:
    """The place in the line; the first one tries again."""
    place = waiting_line.shared().place(workspace.token())
    st.info(
        _("The computer is full. You are number {place} in line: your network starts by itself.", place=place),
        icon=":material/hourglass_top:",
    )
    if place == 1 and _try_to_start(now, config, dataset):
        st.rerun()


def _start(now: Class, config: RunConfig, dataset: Dataset) -> bool:
    _WANTED.set(None)
    _TROUBLE.set("")
    try:
        run = visitor_runs.start_run(dataclasses.replace(config, dataset=dataset.name), dataset)
    except CapacityError:
        _QUEUED.set(now)
        return False
    except PlaygroundError as error:
        _TROUBLE.set(error.message)
    else:
        _STARTED.set((now, run.id))
        _IS_HANDED_IN.set(False)
        _hand_in(now, run.id)
    _QUEUED.set(None)
    waiting_line.shared().leave(workspace.token())
    return True


def _hand_in(now: Class, run_id: str) -> None:
    """Tell the class of the run that was started last; later again if the database does not answer."""
    if _IS_HANDED_IN.get():
        return
    try:
        membership.classes().hand_in_run(now.id, membership.seat_token(), now.task, workspace.token(), run_id)
    except (ClassClosedError, ClassFullError) as error:  # The teacher was faster, for example.
        _STARTED.forget()
        _IS_HANDED_IN.set(True)
        membership.boards().outdate(now.id)
        run = visitor_runs.current_run()
        if run is not None and run.id == run_id:
            scheduler.shared().stop(run)
        _TROUBLE.set(error.message)
    except PlaygroundError as error:
        _TROUBLE.set(Message("Your teacher does not see this network yet. {error}", error=error.message))
    else:
        _IS_HANDED_IN.set(True)
        _TROUBLE.set("")


def _result(board: Board, seat: Seat, task: Train, guess: float | None) -> None:
    """The own place in the picture, and what was guessed."""
    own = _own_networks(board, seat)
    if not own:
        st.markdown(_("You have no trained network in this task."))
    else:
        last = own[-1]
        if guess is not None:
            st.markdown(
                _(
                    "Your guess: **{guess:.0%}**. The validation accuracy of your last network: **{accuracy:.1%}**.",
                    guess=guess,
                    accuracy=last.accuracy,
                )
            )
        if any(progress.reaches(task, one) for one in own):
            st.success(_("You have reached the goal."), icon=":material/flag:")
        st.markdown(networks.network_line(max(own, key=lambda one: one.accuracy)))
    _picture(board, seat, task)


def _picture(board: Board, seat: Seat, task: Train) -> None:
    """The networks of the class. Only the result says how far those with the same settings differ."""
    found, has_spread = progress.networks_of(board), board.now.phase == SHOWN
    networks.picture(task, found, "student-networks", own=seat.number, has_spread=has_spread)
    st.caption(_("Each point is a network of the class; yours are blue. On the dashed line: the best of their size."))
