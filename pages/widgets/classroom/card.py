"""A student's card: what they have handed in during the lesson, and how to keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import Ask, Draw, Train, progress, question_of, results
from mnist_core.errors import PlaygroundError, StoreError
from mnist_core.language import gettext as _
from mnist_core.language import ngettext
from mnist_core.store import workspaces
from pages.widgets.classroom import drawings, lesson_plan, membership, networks, question
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.classes import Task
    from mnist_core.classes.progress import Network
    from mnist_core.store.class_records import Class, Seat
    from mnist_core.store.handed_in import Work

_TROUBLE: Key[str] = Key("class-card-trouble-noted", "")
_PINNED: Key[str] = Key("class-card-pinned-noted", "")


def card_view(now: Class, plan: tuple[Task, ...], seat: Seat) -> None:
    """The card of a seat, for a fragment: a run may still end."""
    try:
        _card(now, plan, seat)
    except StoreError as error:
        st.warning(_(error.message), icon=":material/sync_problem:")


def _card(now: Class, plan: tuple[Task, ...], seat: Seat) -> None:
    works = [work for work in membership.works_of(now) if work.seat == seat.number]
    with st.container(border=True, key="class-card"):
        st.subheader(_("Your card: {name}", name=seat.name), anchor=False)
        shown = [task for task in plan if task.id in now.shown_tasks]
        missed = results.missed_by(seat, shown)
        for task in shown:
            if task in missed:
                st.markdown(f":gray[{_('{task} · missed', task=lesson_plan.task_title(task))}]")
            own = next((work for work in works if work.task == task.id), None)
            line = "" if own is None else _line(now, task, own)
            if line:
                st.markdown(line)
        if not works:
            st.markdown(_("You have handed in nothing."))
        points, most = results.points_of(shown, works), results.most_points(plan)
        st.markdown(_("Points: **{points} of {most}**", points=points, most=most))
        code = results.result_code(results.result_key(membership.classes(), now.id), seat.number, points)
        st.markdown(_("Result code: **{code}**", code=code))
        st.caption(_("If your teacher collects points: give this code, not your drawn name."))
        best = _best(works)
        if best is not None:
            _keep(best)


def _line(now: Class, task: Task, work: Work) -> str:
    if isinstance(task, Ask):
        right = question_of(task).right
        marks = [
            "·" if right is None else "✓" if choice == right else "✗" for _at, choice in sorted(work.votes.items())
        ]
        return f"{question.question_text(task)} **{' → '.join(marks)}**"
    if isinstance(task, Train):
        best = _best([work])
        guess = "" if work.guess is None else _("You guessed **{share:.0%}**.", share=work.guess)
        return " ".join(filter(None, ("" if best is None else networks.network_line(best), guess)))
    if isinstance(task, Draw) and work.drawings:
        test = drawings.class_tests().test(membership.board_with(now, task.id))
        wrong = [int(test.misread[at]) for at, one in enumerate(test.drawings) if one.seat == work.seat]
        text = ngettext("You have drawn **{count}** digit.", "You have drawn **{count}** digits.", len(work.drawings))
        if not len(test.networks) or not wrong:
            return text
        hardest = ngettext(
            "The hardest was misread by {count} network.", "The hardest was misread by {count} networks.", max(wrong)
        )
        return f"{text} {hardest}"
    return ""


def _best(works: list[Work]) -> Network | None:
    found = [one for work in works for one in progress.networks_in(work)]
    return max(found, key=lambda one: one.accuracy, default=None)


def _keep(best: Network) -> None:
    """How to find the own network again at home."""
    with st.popover(_("Keep my network"), icon=":material/push_pin:"):
        st.markdown(
            _(
                "Pin your network: then it stays, even if your teacher deletes the lesson. With the recovery code you "
                "can open it at home: **Compare**, then **Your runs on another device**. Anyone with the code can open "
                "all your networks, so keep it secret."
            )
        )
        st.button(
            _("Pin it and show the code"),
            key="class-keep",
            on_click=_pin,
            args=(best.run,),
            help=_("A pinned network is not deleted with the lesson, nor to make room."),
        )
        if _TROUBLE.get():
            st.error(_(_TROUBLE.get()), icon=":material/error:")
        elif _PINNED.get() == best.run:
            st.code(workspaces.recovery_code(workspace.token()), language=None)


def _pin(run: str) -> None:
    _TROUBLE.set("")
    try:
        workspace.run_saver().store.pin(workspace.token(), run)
        _PINNED.set(run)
    except PlaygroundError as error:
        _TROUBLE.set(error.message)
