"""A question of a class on a screen: its choices with letters, its votes as bars, and its answer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnist_core.charts import votes as vote_charts
from mnist_core.classes import order_of, question_of, step_of
from mnist_core.language import Message
from mnist_core.language import gettext as _
from pages.widgets.common import run_picker, theme, vega_chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.classes import Ask, Asked

_VOTES = (Message("First vote"), Message("Second vote"))


class Choice(NamedTuple):
    """A choice as a class sees it.

    Attributes:
        letter: A to E.
        place: among the choices of the question, as votes hold it.
        text: Markdown, in the visitor's language.
    """

    letter: str
    place: int
    text: str

    @property
    def line(self) -> str:
        """The letter and the text, as Markdown."""
        return f"**{self.letter}**\u2002{self.text}"

    @property
    def right_line(self) -> str:
        """The line of the right choice."""
        return f"**{self.letter}**\u2002**{self.text}** ✓"


@functools.lru_cache(256)
def asked(task: Ask) -> Asked:
    """What a task asks."""
    return question_of(task)


def question_text(task: Ask) -> str:
    """The question as Markdown, in the visitor's language. What a teacher has typed is shown as it stands."""
    return _shown(asked(task), asked(task).text)


def title_text(task: Ask) -> str:
    """The title of its step, or else the question, as Markdown."""
    step = step_of(task)
    return question_text(task) if step is None else _(step.title)


def choices_of(task: Ask, class_id: str) -> list[Choice]:
    """The choices of a task, in the order in which the class sees them."""
    question = asked(task)
    places = zip("ABCDE", order_of(task, class_id), strict=False)
    return [Choice(letter, place, _shown(question, question.choices[place])) for letter, place in places]


def _shown(question: Asked, text: str) -> str:
    return run_picker.escape_markdown(text) if question.is_own else _(text)


def choice_list(task: Ask, class_id: str, has_answer: bool) -> None:
    """The choices, one below the other; with the answer, the right one is marked."""
    right = asked(task).right if has_answer else None
    lines = [one.right_line if one.place == right else one.line for one in choices_of(task, class_id)]
    st.markdown("\n\n".join(lines))


def replies_text(task: Ask, class_id: str) -> str:
    """What each wrong choice is answered with, as Markdown; empty for a question without replies."""
    replies = asked(task).replies
    lines = [(one.letter, replies[one.place]) for one in choices_of(task, class_id) if one.place != asked(task).right]
    return "\n\n".join(f"**{letter}**\u2002{_(reply)}" for letter, reply in lines if reply)


def right_choice(task: Ask, class_id: str) -> None:
    """The right choice alone; nothing if none is right."""
    for one in choices_of(task, class_id):
        if one.place == asked(task).right:
            st.markdown(one.right_line)


def vote_name(round_: int) -> str:
    """The name of the first or the second vote."""
    return _(_VOTES[round_ - 1])


def votes_chart(
    task: Ask,
    class_id: str,
    votes: Mapping[int, Mapping[int, int]],
    seats: int,
    name: str,
    font_size: int = 14,
    height: int = 160,
) -> None:
    """The votes as bars, those of the first and of the second round beside each other; the right choice is marked.

    Args:
        task: the question.
        class_id: the class.
        votes: the choice of each seat, by round and seat.
        seats: how many votes the bars have room for at least.
        name: key of the chart.
        font_size: of its texts, in pixels.
        height: of the bars, in pixels.
    """
    rounds = sorted(votes) or [1]
    right = asked(task).right
    rows, words = [], []
    choices = choices_of(task, class_id)
    letters = {one.place: f"{one.letter} ✓" if one.place == right else one.letter for one in choices}
    for round_ in rounds:
        title = vote_name(round_)
        given = list(votes.get(round_, {}).values())
        counts = {place: given.count(place) for place in letters}
        rows += [{"letter": letters[place], "vote": title, "count": count} for place, count in counts.items()]
        words.append(f"{title}: {', '.join(f'{letters[place]} {count}' for place, count in counts.items())}.")
    names = list(map(vote_name, rounds))
    most = max(seats, *(len(given) for given in votes.values()), 1)
    spec = vote_charts.histogram(list(letters.values()), names, most, theme.text_color(), font_size, height)
    vega_chart.vega_chart({**spec, "data": {"values": rows}}, key=name, alt=" ".join(words))


def why_text(task: Ask) -> str:
    """Why the right answer is right, as Markdown; empty for a teacher's own question."""
    why = asked(task).why
    return _(why) if why else ""
