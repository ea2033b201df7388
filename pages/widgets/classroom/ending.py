"""The end of a lesson at the desk, and what is left of it."""

from __future__ import annotations

import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from mnist_core.classes import Draw, results
from mnist_core.drawing import test_set
from mnist_core.errors import ConfigError
from mnist_core.export import class_report
from mnist_core.language import gettext as _
from mnist_core.store import workspaces
from mnist_core.store.class_records import KEPT_DAYS
from pages.widgets.classroom import drawings, membership, orders
from pages.widgets.common import run_picker, time_zone
from pages.widgets.state import workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.store.class_records import Board, Class


# Of what is pasted: sixty lines, with names. Of a code with its dash.
_MOST_TYPED, _CODE_SIGNS = 6_000, 9


def end_popover(now: Class, is_primary: bool = False) -> None:
    """How to end a class: keep what was handed in, save it with names, or delete everything.

    Args:
        now: the class.
        is_primary: whether it is the next move.
    """
    part = "next" if is_primary else "always"
    kind: Literal["primary", "secondary"] = "primary" if is_primary else "secondary"
    with st.popover(_("End the lesson"), icon=":material/logout:", type=kind, key=f"class-end-{part}"):
        st.markdown(
            _(
                "The code then opens nothing any more, and the seats are deleted. What they have handed in is kept for "
                "{days} days, without names. Students keep their networks.",
                days=KEPT_DAYS,
            )
        )
        st.button(_("End it"), key=f"class-end-now-{part}", type="primary", on_click=orders.end, args=(now.id, False))
        if is_primary:  # It is drawn again each second: a file that is offered here would be gone at the click.
            st.markdown(_("To save it with the names of the seats first, open **End the lesson** below the plan."))
        else:
            st.markdown(_("With the names of the seats, now only:"))
            _downloads(now, part)
        st.markdown(
            _(
                "Or delete all seats, and what they have handed in, at once. The networks of this lesson are deleted "
                "too, unless their students have pinned them:"
            )
        )
        st.button(_("End and delete"), key=f"class-delete-{part}", on_click=orders.end, args=(now.id, True))


def _downloads(now: Class, part: str = "ended") -> None:
    """The report to print, and the table. They are made when they are wanted, with the seats of that moment."""
    token = workspace.token()

    def drawn() -> tuple[list[LabelledDrawing], list[str]]:
        return drawings.labelled(membership.classes().work(token, now.id))

    with st.container(horizontal=True):
        st.download_button(
            _("Report"),
            lambda: written(partial(class_report.class_page, now.title), now, token),
            "class.html",
            "text/html",
            key=f"class-report-{part}",
            icon=":material/print:",
            on_click="ignore",
            help=_("A page to print: the votes before and after talking, the networks, and each seat."),
        )
        st.download_button(
            _("Table"),
            lambda: written(class_report.class_csv, now, token),
            "class.csv",
            "text/csv",
            key=f"class-table-{part}",
            icon=":material/table:",
            on_click="ignore",
            help=_("A row for each seat and task, for a spreadsheet."),
        )
        if not _has_drawings(now):
            return
        st.download_button(
            _("Drawings"),
            lambda: test_set.to_idx_zip(drawn()[0]),
            "class-digits.zip",
            key=f"class-digits-{part}",
            icon=":material/draw:",
            on_click="ignore",
            help=_("The digits of the class, images and labels in MNIST's file format."),
        )
        st.download_button(
            _("Strokes"),
            lambda: test_set.to_jsonl(*drawn()),
            "class-digits.jsonl",
            key=f"class-strokes-{part}",
            icon=":material/gesture:",
            on_click="ignore",
            help=_("The same as pen strokes: JSON lines (for developers)."),
        )


def written(write: Callable[..., str], now: Class, token: str) -> str:
    """What a function of `class_report` writes about a class, for its owner's token. It needs no page."""
    # A class that has ended by itself has its seats for a while.
    seats = membership.classes().seats(now.id) if now.ended is None else []
    plan = membership.plan_of(now.plan)
    names = {seat.number: seat.name for seat in seats}
    missed = {seat.number: {task.id for task in results.missed_by(seat, plan)} for seat in seats}
    read = [task.id for task in plan if isinstance(task, Draw) and task.id in now.shown_tasks and now.ended is None]
    tests = {task: drawings.class_tests().test(membership.board_with(now, task)) for task in read}
    return write(plan, membership.classes().work(token, now.id), names, tests, missed)


def code_check(now: Class) -> None:
    """Where a teacher pastes the result codes of a class, and reads whose they are and how many points they say."""
    with st.expander(_("Check result codes"), icon=":material/fact_check:"):
        typed = st.text_area(
            _("One line for each student: what you like, then the code"),
            key="class-codes",
            placeholder="Ada K7M2-QD3F",
            max_chars=_MOST_TYPED,
            help=_("Students find their code on their card, when the class looks at what it has found."),
        )
        if not typed.strip():
            return
        plan = membership.plan_of(now.plan)
        codes = results.all_codes(results.result_key(membership.classes(), now.id), plan)
        lines, seen = [], set[int]()
        for line in filter(None, map(str.strip, typed.splitlines())):
            found = codes.get(workspaces.spoken_code(line[-_CODE_SIGNS:]))
            text = _("no code of this class")
            if found is not None:
                text = _("**{points} of {most}** points", points=found[1], most=results.most_points(plan))
                if found[0] in seen:
                    text += f" · {_('this seat stands here twice')}"
                seen.add(found[0])
            lines.append(f"- {run_picker.escape_markdown(line)}: {text}")
        st.markdown("\n".join(lines))


def _has_drawings(now: Class) -> bool:
    """Whether digits are drawn in a class. A plan that this version does not know has none."""
    try:
        return any(isinstance(task, Draw) for task in membership.plan_of(now.plan))
    except ConfigError:
        return False


def ended_view(board: Board) -> None:
    """The desk of a class that has ended."""
    now = board.now
    name = run_picker.escape_markdown(now.title) or _("Class")
    st.title(name, anchor=False)
    if orders.trouble(now.id):
        st.error(_(orders.trouble(now.id)), icon=":material/error:")
    st.info(_("The lesson has ended."), icon=":material/flag:")
    day = datetime.datetime.fromtimestamp((now.ended or 0.0) + KEPT_DAYS * 86_400, time_zone.of_visitor())
    st.markdown(_("What was handed in is here until {day}, without names.", day=day))
    _downloads(now)
    code_check(now)
    with st.container(horizontal=True):
        st.button(_("Delete it now"), icon=":material/delete:", on_click=orders.end, args=(now.id, True))
        st.button(_("Back to the door"), type="tertiary", on_click=membership.lead, args=("",))
