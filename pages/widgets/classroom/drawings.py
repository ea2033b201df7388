"""Digits that a class draws: what is wanted, how far it is, and what its networks read in them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.charts import class_networks, votes
from mnist_core.classes import wanted
from mnist_core.config import CLASSES
from mnist_core.drawing import test_set
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.store.class_records import READY
from pages.widgets.classroom import membership, networks
from pages.widgets.common import pictures, theme, vega_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mnist_core.classes import Draw
    from mnist_core.classes.class_test import ClassTest, ClassTests
    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.store.class_records import Board
    from mnist_core.store.classes import Classes
    from mnist_core.store.handed_in import Work

_OWN = Message("Your networks")


def class_tests() -> ClassTests:
    """The test sets of the classes that the pages of this server show."""
    return _class_tests(membership.classes())


@functools.lru_cache(1)
def _class_tests(of: Classes) -> ClassTests:
    from mnist_core.classes.class_test import ClassTests  # Reading needs TensorFlow, which a vote does not.
    from mnist_core.runs import scheduler

    return ClassTests(of, scheduler.give_way)


def digits_text(task: Draw) -> str:
    """Which digits are drawn, in one line."""
    return _("Draw digits: {digits}", digits=", ".join(map(str, task.digits)))


def drawing_text(task: Draw) -> str:
    """What to do, as Markdown."""
    count = ngettext("each draws **{count}** digit", "each draws **{count}** digits", len(wanted(task)))
    return _(
        "{digits}; {count}. They become the test set of this class: no network has learned from them.",
        digits=digits_text(task),
        count=count,
    )


def drawn_by(task: Draw, board: Board) -> dict[int, int]:
    """How many of the wanted drawings each seat has handed in, by seat; empty before the task is open."""
    if board.now.phase == READY:
        return {}
    most = len(wanted(task))
    return {seat.number: sum(one.n < most for one in board.drawings.get(seat.number, ())) for seat in board.seats}


def count_of(board: Board) -> int:
    """How many drawings there are, without those that the teacher has taken out."""
    return sum(not one.is_hidden for given in board.drawings.values() for one in given)


def hardest_view(test: ClassTest, chosen: int | None, most: int, width: int) -> None:
    """The drawings that most networks misread, the hardest first.

    Below each are its digit and how many networks misread it; or, with a chosen network, what that one has read.

    Args:
        test: what the networks have read.
        chosen: the place of a network; None for all.
        most: how many drawings are shown.
        width: of each in pixels.
    """
    if chosen is None and len(test.networks) and test.drawings:
        st.markdown(_("Below each: the digit, and how many networks misread it."))
    with st.container(horizontal=True, gap="small"):
        for at in test.hardest[:most]:
            one = test.drawings[at].drawing
            is_wrong, read = int(test.misread[at]), None if chosen is None else int(test.answers[chosen, at])
            text = (
                f"{one.label} · {is_wrong} ✗"
                if is_wrong
                else f"{one.label} ✓"
                if len(test.networks)
                else str(one.label)
            )
            thing = pictures.with_article(one.label)
            alt = ngettext(
                "Drawing of {thing}, misread by {count} network.",
                "Drawing of {thing}, misread by {count} networks.",
                is_wrong,
                thing=thing,
            )
            if not len(test.networks):
                alt = _("Drawing of {thing}.", thing=thing)
            if read is not None:
                text = f"{one.label} ✓" if read == one.label else f"{one.label} → {read} ✗"
                alt = _("Drawing of {thing}, read as {answer}.", thing=thing, answer=read)
            with st.container(width=width, gap=None):
                st.image(pictures.ink_url(one.image, 4), width=width, alt=alt)
                st.markdown(text, text_alignment="center")


def summary_text(test: ClassTest) -> str:
    """How the networks read the drawings, as Markdown."""
    if not test.drawings:
        return _("Nobody has handed in a drawing.")
    drawings = ngettext("**{count}** drawing", "**{count}** drawings", len(test.drawings))
    if test.is_built_in and len(test.networks):
        return _(
            "{drawings}. This class has no network yet, so the built-in network reads: **{share:.0%}** right.",
            drawings=drawings,
            share=test.scores[0],
        )
    if not len(test.networks):
        return _("{drawings}. The networks begin to read …", drawings=drawings)
    if len(test.networks) == 1:
        return _("{drawings}. One network reads **{share:.0%}** right.", drawings=drawings, share=test.scores[0])
    networks_ = ngettext("{count} network", "{count} networks", len(test.networks))
    return _(
        "{drawings}, {networks}: they read **{low:.0%}** to **{high:.0%}** right.",
        drawings=drawings,
        networks=networks_,
        low=min(test.scores),
        high=max(test.scores),
    )


def best_text(test: ClassTest, names: Mapping[int, str] | None = None) -> str:
    """Which network reads the drawings best, as Markdown; empty if there is no choice, or until all have read them.

    Args:
        test: what the networks have read.
        names: of the seats, by number, to say whose it is.
    """
    if test.is_built_in or test.waiting or len(test.networks) < 2 or not test.best:
        return ""
    one = test.networks[test.best[0]]
    line = networks.network_line(one)
    if names and one.seat in names:
        line = f"{line} · **{names[one.seat]}**"
    return ngettext(
        "Reads best: {network}", "{count} networks read best; the smallest: {network}", len(test.best), network=line
    )


def waiting_text(test: ClassTest) -> str:
    """How many networks have still to read; empty for none."""
    return ngettext("{count} network is reading …", "{count} networks are reading …", test.waiting) * bool(test.waiting)


def answers_chart(test: ClassTest, at: int, name: str, font_size: int = 14, height: int = 160) -> None:
    """How many networks have read each digit in a drawing, as bars.

    Args:
        test: what the networks have read.
        at: the place of the drawing.
        name: key of the chart.
        font_size: of its texts, in pixels.
        height: of the bars, in pixels.
    """
    counts = np.bincount(test.answers[:, at], minlength=CLASSES).tolist()
    rows = [{"letter": str(digit), "vote": "", "count": count or None} for digit, count in enumerate(counts)]
    spec = votes.histogram([*map(str, range(CLASSES))], [""], max(counts), theme.text_color(), font_size, height)
    read = ", ".join(f"{digit}: {count}" for digit, count in enumerate(counts) if count)
    alt = _("Digits that were read, and by how many networks: {counts}.", counts=read)
    vega_chart.vega_chart({**spec, "data": {"values": rows}}, key=name, alt=alt)


def readings_picture(
    test: ClassTest,
    name: str,
    own: int | None = None,
    font_size: int = 14,
    height: int = 280,
    can_select: bool = False,
) -> int | None:
    """Each network as a point: validation accuracy, and the share of the class's drawings that it reads right.

    Those that read best are larger.

    Args:
        test: what the networks have read.
        name: key of the chart.
        own: the seat whose networks have a color; None for a color for all.
        font_size: of its texts, in pixels.
        height: in pixels.
        can_select: whether a network can be selected.

    Returns:
        The place of the network that is selected; None for none.
    """
    rows = [
        {
            "run": one.run,
            "name": "" if own is None else _(_OWN) if one.seat == own else " ",
            "validation": one.accuracy,
            "drawings": float(score),
            "is_best": at in test.best,
        }
        for at, (one, score) in enumerate(zip(test.networks, test.scores, strict=True))
    ]
    spec = class_networks.by_drawings(rows, "" if own is None else _(_OWN), font_size, height, can_select)
    alt = _("Each point is a network: its validation accuracy, and the share of the drawings that it reads right.")
    alt = f"{alt} {summary_text(test)} {best_text(test)}".rstrip()
    if not can_select:
        vega_chart.vega_chart(spec, key=name, alt=alt)
        return None
    chosen = vega_chart.selectable_chart(spec, key=name, alt=alt)
    ids = networks.selected_runs(chosen)
    return next((at for at, one in enumerate(test.networks) if one.run in ids), None)


def labelled(works: Iterable[Work]) -> tuple[list[LabelledDrawing], list[str]]:
    """The drawings in what was handed in, and the name of each one's writer, which is that of no person."""
    found = [(test_set.unpack(one.data, one.label), f"w{work.seat}") for work in works for one in work.drawings]
    return [drawing for drawing, _writer in found], [writer for _drawing, writer in found]


def own_of(board: Board, number: int) -> Mapping[int, bool]:
    """The places of a seat's drawings, and whether the teacher has taken each out."""
    return {one.n: one.is_hidden for one in board.drawings.get(number, ())}


def next_wanted(task: Draw, own: Iterable[int]) -> int | None:
    """The place of the first drawing that a seat has not handed in yet; None if it has all."""
    given = set(own)
    return next((n for n in range(len(wanted(task))) if n not in given), None)


def drawings_of(board: Board, number: int) -> dict[int, LabelledDrawing]:
    """The drawings of a seat, by place."""
    found = {one.n: one.drawing for one in class_tests().drawings(board) if one.seat == number}
    return dict(sorted(found.items()))
