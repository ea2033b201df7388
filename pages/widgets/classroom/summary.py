"""What a class has found, at the end of a lesson: with pictures on the wall, in words on the students' pages."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnist_core.classes import Ask, Draw, Train, progress, share_right
from mnist_core.errors import StoreError
from mnist_core.language import format_number, ngettext
from mnist_core.language import gettext as _
from pages.widgets.classroom import drawings, membership, networks, question
from pages.widgets.classroom.wall_runs import FONT_SIZE
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.classes import Task
    from mnist_core.classes.class_test import ClassTest
    from mnist_core.classes.progress import Network
    from mnist_core.store.class_records import Class
    from mnist_core.store.handed_in import TrainedRun, Work


class Found(NamedTuple):
    """What the class has found in a task.

    Attributes:
        task: its result was shown.
        works: what was handed in for it, at least by one seat.
        test: what the networks have read in its drawings; None for a task of another kind.
    """

    task: Task
    works: tuple[Work, ...]
    test: ClassTest | None


class Vote(NamedTuple):
    """How a class has voted: the shares of right answers before talking and after it, 0 to 1; None for no such vote."""

    task: Ask
    first: float
    second: float | None


# How many rows of text a wall has room for, and the characters of each.
_ROWS, _WIDTH = 11, 96
_ROWS_BESIDE_PICTURES, _WIDTH_BESIDE_PICTURES = 9, 58
_LEAST_ROWS = 3
# The characters of the shares behind a question.
_SHARES = 16
# Of the dots, above drawings, beside them and alone. Widths grow with the type, see `wall`.
_LOW, _MIDDLE, _HIGH = 245, 340, 440
_FEW_DRAWINGS, _MOST_DRAWINGS, _DRAWING_WIDTH = 3, 6, 60
# The class, and what was found in it when it was last read.
_FOUND: Key[tuple[Class | None, tuple[Found, ...]]] = Key("class-summary-noted", (None, ()))


def summary_on_wall(now: Class, plan: tuple[Task, ...]) -> None:
    """The votes, the networks as dots, and the hardest drawings, as far as there are any."""
    st.fragment(_wall, run_every=membership.SUMMARY_SECONDS, key="class-summary")(now, plan)


def summary_on_page(now: Class, plan: tuple[Task, ...]) -> None:
    """A line for each task."""
    st.fragment(_page, run_every=membership.SUMMARY_SECONDS, key="class-summary")(now, plan)


def _read(now: Class, plan: tuple[Task, ...]) -> tuple[Found, ...] | None:
    """What the class has found; again from time to time, since runs and readings may still end.

    While the database does not answer, what it was before; None with a warning if it was not read yet.
    """
    try:
        _FOUND.set((now, _found(now, plan)))
    except StoreError as error:
        if _FOUND.get()[0] != now:
            st.warning(_(error.message), icon=":material/sync_problem:")
            return None
    return _FOUND.get()[1]


def _found(now: Class, plan: tuple[Task, ...]) -> tuple[Found, ...]:
    found, works = [], membership.works_of(now)
    for task in plan:
        own = tuple(work for work in works if work.task == task.id)
        if own and task.id in now.shown_tasks:
            # Read when they were shown; it costs nothing again.
            is_drawn = isinstance(task, Draw)
            test = drawings.class_tests().test(membership.board_with(now, task.id)) if is_drawn else None
            found.append(Found(task, own, test))
    return tuple(found)


def _page(now: Class, plan: tuple[Task, ...]) -> None:
    found = _read(now, plan)
    if found is None:
        return
    lines = [line for one in found if (line := _line(one))] or [_("Nothing has been handed in yet.")]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _wall(now: Class, plan: tuple[Task, ...]) -> None:
    found = _read(now, plan)
    if found is None:
        return
    votes = [vote for one in found if (vote := _vote(one))]
    trained = {one.task: progress.networks_by(_runs(one)) for one in found if isinstance(one.task, Train)}
    dots = progress.comparable([one for networks_ in trained.values() for one in networks_])
    test = next((one.test for one in reversed(found) if one.test is not None and one.test.drawings), None)
    if not votes and not dots and test is None:
        st.markdown(_("Nothing has been handed in yet."))
        return
    has_pictures = bool(dots) or test is not None
    if has_pictures and (votes or test is not None):
        left, right = st.columns([3, 2], gap="medium")
    else:
        left = right = st.container()
    with right if votes else left:
        if dots:
            goal = next(iter(trained)) if len(trained) == 1 else None
            height = _HIGH if test is None else _LOW if votes else _MIDDLE
            networks.picture(goal, dots, "wall-found", has_spread=True, font_size=FONT_SIZE, height=height)
    texts, width = _best_texts(dots, test), _WIDTH_BESIDE_PICTURES if has_pictures else _WIDTH
    free = (_ROWS_BESIDE_PICTURES if has_pictures else _ROWS) - sum(_rows(text, width) for text in texts)
    with left:
        if votes:
            st.markdown(votes_text(votes, max(free, _LEAST_ROWS), width))
        for text in texts:
            st.markdown(text)
    if test is not None:
        with right:
            most = _FEW_DRAWINGS if votes and dots else _MOST_DRAWINGS
            drawings.hardest_view(test, None, most, _DRAWING_WIDTH)


def _runs(found: Found) -> dict[int, tuple[TrainedRun, ...]]:
    return {work.seat: work.runs for work in found.works}


def _best_texts(found: Sequence[Network], test: ClassTest | None) -> list[str]:
    """How the drawings were read, and the best network: that which reads them best, or else by validation accuracy."""
    if test is None:
        return [_best_line(found)] if found else []
    return [drawings.summary_text(test), *filter(None, [drawings.best_text(test) or _best_line(found)])]


def _rows(text: str, width: int, more: int = 0) -> int:
    """About how many rows a Markdown text needs, with so many more characters behind it."""
    return 1 + (len(text.replace("*", "")) + more) // width


def votes_text(votes: Sequence[Vote], rows: int, width: int) -> str:
    """The shares of right answers, as Markdown; questions by their titles if there is no room for their texts.

    Args:
        votes: at least one.
        rows: how many rows of text there are; some questions are left out if they are more.
        width: the characters of each.
    """
    texts = [question.question_text(one.task) for one in votes]
    if sum(_rows(text, width, _SHARES) for text in texts) > rows:
        titles = [question.title_text(one.task) for one in votes]
        texts = [textwrap.shorten(text, width - _SHARES, placeholder=" …") for text in titles]
    shares = [[format_number(share, ".0%") for share in one[1:] if share is not None] for one in votes]
    lines = [f"{text} **{' → '.join(both)}**" for text, both in zip(texts, shares, strict=True)]
    if len(lines) > rows:
        more = len(lines) - rows + 1
        lines[rows - 1 :] = [ngettext("and {count} more question", "and {count} more questions", more)]
    is_twice = any(one.second is not None for one in votes)
    heading = _("Right answers → after talking") if is_twice else _("Right answers")
    # In one paragraph: a list has more space between its lines.
    return "  \n".join([heading, *(f"• {line}" for line in lines)])


def _vote(found: Found) -> Vote | None:
    """How a class has voted; None for no question, or without a right answer or a vote."""
    if not isinstance(found.task, Ask):
        return None
    first, second = (
        share_right(found.task, {work.seat: work.votes[round_] for work in found.works if round_ in work.votes})
        for round_ in (1, 2)
    )
    return None if first is None else Vote(found.task, first, second)


def _line(found: Found) -> str:
    """What the class has found in a task, in a line of Markdown; empty for nothing. Nobody is named."""
    vote = _vote(found)
    if vote is not None:
        return _vote_line(vote)
    if isinstance(found.task, Train):
        return _best_line(progress.networks_by(_runs(found)))
    return (
        "" if found.test is None else f"{drawings.summary_text(found.test)} {drawings.best_text(found.test)}".rstrip()
    )


def _vote_line(vote: Vote) -> str:
    text = question.question_text(vote.task)
    if vote.second is None:
        return _("{question} **{share:.0%}** right", question=text, share=vote.first)
    return _(
        "{question} **{first:.0%}** right, after talking **{second:.0%}**", question=text, first=vote.first,
        second=vote.second,
    )  # fmt: skip


def _best_line(found: Sequence[Network]) -> str:
    if not found:
        return ""
    count = ngettext("{count} network", "{count} networks", len(found))
    best = max(found, key=lambda one: one.accuracy)
    return _("{count}; the best: {network}", count=count, network=networks.network_line(best))
