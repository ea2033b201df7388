"""A student's page: the task itself and nothing else. It follows the teacher."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import Draw, Look, Train, draw_name, results, step_of
from mnist_core.errors import ClassClosedError, ClassNotFoundError, PlaygroundError
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.store.class_records import OPEN, READY, SHOWN
from pages.widgets.classroom import card, following, look_task, membership, question, train_task
from pages.widgets.state import browser, class_seat
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mnist_core.classes import Ask
    from mnist_core.store.class_records import Board, Class, Seat

# The vote that was saved last, the class as it was, and when it was saved, in seconds since 1970.
_SAVED: Key[tuple[Class, int, float] | None] = Key("class-vote-saved-noted", None)
# A vote that could not be saved: its task and round, the choice, the reason, and when that was by `time.monotonic`.
_FAILED: Key[tuple[tuple[str, int], int, str, float] | None] = Key("class-vote-failed-noted", None)
_AGAIN_SECONDS = 2.0
# The class, and its revision when this page first showed it: until it moves, the page says who sees what.
_FIRST: Key[tuple[str, int]] = Key("class-first-noted", ("", 0))
# Whether this page has shown digits to draw.
_DRAWS = Key("class-draws-noted", False)
_LOOK = Message("Look at the front.")


def student_view(class_id: str, number: int) -> None:
    """The current task of a class, for one seat.

    Raises:
        StoreError: the class cannot be read.
    """
    try:
        board, read = membership.boards().board(class_id)
    except ClassNotFoundError:
        _ended(None)
        return
    seat = membership.seat_on(board, number)
    if board.now.ended is not None:
        _ended(seat)
        return
    if seat is None or not membership.is_own(seat):
        text = (
            _("Your teacher has taken your seat away.") if seat is None else _("Another browser goes on in your seat.")
        )
        st.info(text, icon=":material/event_seat:")
        st.button(_("Join again"), on_click=_join_again, args=(board.now.code or "",))
        return
    class_seat.SEEN.set(board.now.revision)
    held = _held(board.now)
    if held is not None:
        board = held[0]
    _header(board.now, seat)
    votes, saved = following.own_votes(board, number), _SAVED.get()
    shown = votes
    # The board may be older than the vote. If it is not, what it says counts: another tab may have voted since.
    if saved is not None and saved[0] == board.now and read <= saved[2]:
        shown = {**votes, board.now.round: saved[1]}
    if board.now.paused:
        st.header(_("Eyes up!"), anchor=False)
        st.markdown(_(_LOOK))
    else:
        _task(board, seat, shown, is_held=held is not None)
    if held is not None:
        following.follow_later(board.now, seat, held[1])
        return
    work = following.own_work(board, number)
    following.follow(board.now, seat, (votes, shown), (work, train_task.shown_work(board.now, work)))


def _header(now: Class, seat: Seat) -> None:
    """Who you are, and what you can always do."""
    privacy = _("No name, no account. Your teacher sees what **{name}** does until the lesson ends.", name=seat.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/event_seat: **{seat.name}**", width="content")
        is_up = seat.hand is not None
        st.button(
            _("Hand down") if is_up else _("I need help"),
            key=f"hand-{is_up}",
            icon=":material/front_hand:",
            type="primary" if is_up else "secondary",
            on_click=_raise_hand,
            args=(now.id, not is_up),
        )
        with st.popover(_("My seat"), icon=":material/more_horiz:", type="tertiary"):
            st.markdown(privacy)
            if not seat.redrawn:
                st.button(_("Draw another name"), icon=":material/casino:", on_click=_redraw, args=(now.id,))
            st.button(_("Leave and forget this device"), icon=":material/logout:", on_click=_leave, args=(now.id,))
            st.caption(
                _(
                    "Your votes and drawings in this lesson are deleted, and your networks leave this device. "
                    "Use it on a shared tablet."
                )
            )
    if _FIRST.get()[0] != now.id:
        _FIRST.set((now.id, now.revision))
    if _FIRST.get() == (now.id, now.revision) or (now.at == 0 and now.phase == READY):
        st.caption(privacy)


def _held(now: Class) -> tuple[Board, float] | None:
    """The board as the page still shows it for a moment to somebody who is drawing, see `draw_task.held_board`."""
    if not _DRAWS.get():
        return None
    from pages.widgets.classroom import draw_task  # The canvas: see `_task`.

    return draw_task.held_board(now)


def _task(board: Board, seat: Seat, votes: Mapping[int, int], is_held: bool) -> None:
    now = board.now
    task = membership.current_task(now)
    if now.phase != OPEN:
        _FAILED.set(None)
    if task is None or now.phase == READY:
        st.header(_(_LOOK), anchor=False)
        missed = 0 if task is None else len(results.missed_by(seat, membership.plan_of(now.plan)))
        if missed:
            st.caption(
                ngettext(
                    "You came later and have missed {count} task. You need not catch up.",
                    "You came later and have missed {count} tasks. You need not catch up.",
                    missed,
                )
            )
        return
    if isinstance(task, Train):
        train_task.train_view(board, seat, task)
        return
    if isinstance(task, Look):
        plan = membership.plan_of(now.plan)
        look_task.look_on_page(now, plan, task)
        if task.what == "summary":
            st.fragment(card.card_view, run_every=membership.SUMMARY_SECONDS, key="class-card-now")(now, plan, seat)
        return
    if isinstance(task, Draw):
        from pages.widgets.classroom import draw_task  # The canvas is slow to import, and a vote needs none.

        _DRAWS.set(True)
        draw_task.draw_view(board, seat, task, is_held)
        return
    step = step_of(task)
    if step is not None and now.phase == OPEN:
        st.markdown(_(step.text))
    st.subheader(question.question_text(task), anchor=False)
    if now.phase == OPEN:
        _ballot(now, task, votes.get(now.round))
    elif now.phase == SHOWN:
        _result(now, task, votes)
    else:
        _own_vote(now, task, votes.get(now.round))
        st.markdown(
            _("Convince your neighbour: why is your answer right?")
            if now.round == 1 and task.twice
            else _("The vote is closed. Look at the front.")
        )


def _ballot(now: Class, task: Ask, given: int | None) -> None:
    """A button for each choice, large enough for a thumb; the one that is saved is marked."""
    if now.round > 1:
        st.markdown(_("**Second vote.** Choose again, even if you have not changed your mind."))
    failed, chosen = _FAILED.get(), given
    if failed is not None and failed[0] != (now.task, now.round):
        failed = None
    if failed is not None:
        chosen = failed[1]
    # The key is of the place on the page: that in the question would say which choice is right.
    for at, one in enumerate(question.choices_of(task, now.id)):
        st.button(
            one.line + (" ✓" if one.place == given else ""),
            key=f"vote-{task.id}-{at}",
            type="primary" if one.place == chosen else "secondary",
            width="stretch",
            on_click=_vote,
            args=(now, one.place),
        )
    if failed is not None:
        st.error(_(failed[2]), icon=":material/error:")
        st.fragment(_vote_again, run_every=_AGAIN_SECONDS, key="class-vote-again")(now)
    elif chosen is not None:
        st.caption(_("Your vote is saved. You can change it until the vote is closed."))


def _vote(now: Class, choice: int) -> None:
    _FAILED.set(None)
    try:
        membership.classes().vote(now.id, membership.seat_token(), now.task, now.round, choice)
    except ClassClosedError as error:  # The teacher was faster: the page then shows the vote that counts.
        membership.boards().outdate(now.id)
        st.toast(_(error.message), icon=":material/lock:")
    except PlaygroundError as error:
        text = Message("Your vote is not saved. {error}", error=error.message)
        _FAILED.set(((now.task, now.round), choice, text, time.monotonic()))
    else:
        _SAVED.set((now, choice, time.time()))


def _vote_again(now: Class) -> None:
    """Try to save a vote again that could not be saved."""
    failed = _FAILED.get()
    if failed is None or time.monotonic() - failed[3] < _AGAIN_SECONDS:
        return
    _vote(now, failed[1])
    if _FAILED.get() is None:
        st.rerun()


def _own_vote(now: Class, task: Ask, given: int | None) -> None:
    for one in question.choices_of(task, now.id):
        if one.place == given:
            st.markdown(_("Your vote: {choice}", choice=one.line))
    if given is None:
        st.markdown(_("You did not vote."))


def _result(now: Class, task: Ask, votes: Mapping[int, int]) -> None:
    """The own votes, and what is true. Nothing of it was sent before."""
    asked = question.asked(task)
    lines = {one.place: one.line for one in question.choices_of(task, now.id)}
    for round_, choice in sorted(votes.items()):
        mark = "" if asked.right is None else " ✓" if choice == asked.right else " ✗"
        st.markdown(f"{question.vote_name(round_)}: {lines[choice]}{mark}")
    if not votes:
        st.markdown(_("You did not vote."))
    last = votes.get(max(votes)) if votes else None
    if asked.right is None:
        return
    if last == asked.right:
        st.success(_("**Right!** {why}", why=_(asked.why)), icon=":material/check_circle:")
        return
    reply = f"{_(asked.replies[last])}\n\n" if last is not None and asked.replies[last] else ""
    right = lines[asked.right]
    st.info(f"{reply}{_('The right answer: {right}', right=right)}\n\n{_(asked.why)}", icon=":material/lightbulb:")


def _ended(seat: Seat | None) -> None:
    st.header(_("The lesson has ended."), anchor=False)
    if seat is not None:
        st.markdown(_("Thank you, **{name}**.", name=seat.name))
    with st.container(horizontal=True):
        st.page_link("pages/learn.py", label=_("Go on learning"), icon=":material/school:")
        st.page_link("pages/compare.py", label=_("Your networks"), icon=":material/compare_arrows:")
        st.button(
            _("Leave and forget this device"),
            icon=":material/logout:",
            type="primary",
            on_click=browser.leave_workspace,
        )
        st.button(_("Join another class"), icon=":material/login:", type="tertiary", on_click=membership.give_up_seat)
    st.caption(
        _(
            "On a shared tablet, leave: your networks and drawings then leave this device too. "
            "On your own device, you can close this page."
        )
    )


def _join_again(code: str) -> None:
    membership.give_up_seat()
    _try(membership.join, code)


def _raise_hand(class_id: str, is_up: bool) -> None:
    _try(membership.classes().raise_hand, class_id, membership.seat_token(), is_up)
    membership.boards().outdate(class_id)


def _redraw(class_id: str) -> None:
    _try(membership.classes().redraw, class_id, membership.seat_token(), draw_name)
    membership.boards().outdate(class_id)


def _leave(class_id: str) -> None:
    _try(membership.classes().leave, class_id, membership.seat_token())
    membership.boards().outdate(class_id)
    browser.leave_workspace()


def _try(action: Callable[..., object], *arguments: object) -> None:
    try:
        action(*arguments)
    except PlaygroundError as error:
        st.toast(_(error.message), icon=":material/error:")
