"""What a class has found, on the wall at the end of a lesson: its votes, networks and drawings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from mnist_core import presets
from mnist_core.classes import Ask, Draw, Look, Task, Train
from mnist_core.data import datasets
from mnist_core.language import speaking
from mnist_core.lessons.courses import step_of
from mnist_core.runs import saver
from mnist_core.store.class_records import SHOWN
from pages.widgets.classroom import drawings, membership
from pages.widgets.classroom.question import question_text
from pages.widgets.classroom.summary import Vote, votes_text
from tests.pages.test_classroom import images, text, visitor
from tests.scheduled_runs import wait_until
from tests.stored_lesson import NAMES, Lesson

QUESTION, END = Ask("q1", "step/sure"), Look("end", "summary")
NETWORK = Train("n1", "layers=dense-8-relu&validation_fraction=0.2&dataset=embedded", accuracy=0.95)
OTHER = dataclasses.replace(NETWORK, id="n2", link=NETWORK.link.replace("dense-8-relu", "none"), accuracy=None)
MORE = dataclasses.replace(NETWORK, id="n3", link=NETWORK.link.replace("fraction=0.2", "fraction=0.4"))
DRAWING = Draw("d1", (4, 7))
CHART = "Networks: {count}. Validation accuracy: 94.8% to 96.1%. Parameters: {least} to {most}."


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, own_saver: None, embedded_digits: None) -> Iterator[None]:
    """Boards and networks that are read at each look."""
    monkeypatch.setattr("mnist_core.classes.boards.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.classes.class_test._FRESH_SECONDS", 0.0)
    monkeypatch.setattr(membership, "_slot", object)
    membership._boards.cache_clear()
    yield
    membership._boards.cache_clear()


def summary_of(*plan: Task, shown: int | None = None) -> tuple[Lesson, str, int]:
    """A lesson with this plan, and the texts and the number of images on its wall at the summary.

    The results of the first `shown` tasks were shown; None for those of all.
    """
    lesson = Lesson(saver.shared().store, (*plan, END))
    for at, task in enumerate(plan[:shown]):
        lesson.move(at, SHOWN)
        if isinstance(task, Draw):
            wait_until(lambda: drawings.class_tests().test(membership.classes().board(lesson.now.id)).waiting == 0)
    lesson.move(len(plan), SHOWN)
    front = visitor(wall=lesson.wall_token)
    found = text(front)
    assert not any(name in found for name in NAMES)
    return lesson, found, len(images(front))


def test_wall_shows_votes_dots_and_digits() -> None:
    lesson, found, count = summary_of(QUESTION, NETWORK, DRAWING)
    assert "Right answers → after talking" in found
    assert f"{question_text(QUESTION)} **33% → 100%**" in found
    assert CHART.format(count=3, least="6,370", most="6,370") in found  # 784 x 8 + 8 + 8 x 10 + 10.
    assert count == 3  # The hardest ones.
    data = datasets.load("embedded")
    labels = np.repeat([4, 7], 3)  # By three students each.
    seen = np.stack([data.test_images[data.test_labels == label][0] for label in labels])
    right = [float((one.predict(seen).argmax(axis=1) == labels).mean()) for one in lesson.networks]
    assert f"**6** drawings, 3 networks: they read **{min(right):.0%}** to **{max(right):.0%}** right." in found
    best = "Reads best: " if right.count(max(right)) == 1 else "networks read best; the smallest: "
    title = presets.title_of(lesson.networks[0].config)
    assert f"{best}**{title}** · 6,370 parameters" in found


def test_dots_are_of_all_tasks_and_without_drawings_the_best_is_by_validation() -> None:
    # Those of the last task have other validation images, so they cannot be compared with the others.
    _lesson, found, count = summary_of(NETWORK, OTHER, MORE)
    assert CHART.format(count=6, least="6,370", most="7,850") in found
    assert "6 networks; the best: " in found
    assert "validation accuracy **96.1%**" in found
    assert "Right answers" not in found
    assert count == 0


def test_digits_of_a_class_without_networks() -> None:
    _lesson, found, count = summary_of(QUESTION, DRAWING)
    assert "This class has no network yet, so the built-in network reads:" in found
    assert "Networks: " not in found
    assert count == 6


def test_task_whose_result_was_not_shown_is_not_in_the_summary() -> None:
    _lesson, found, count = summary_of(QUESTION, NETWORK, DRAWING, shown=1)
    assert "**33% → 100%**" in found
    assert "etworks" not in found
    assert "drawings" not in found
    assert count == 0


def test_question_is_whole_if_there_is_room_or_else_its_title() -> None:
    keys = ("sure", "examples", "learn", "seeds")
    votes = [Vote(Ask(key, f"step/{key}"), 0.5, None) for key in keys]
    with speaking("en"):
        assert votes_text(votes[:1], 6, 46).splitlines() == [
            "Right answers  ", f"• {question_text(votes[0].task)} **50%**",
        ]  # fmt: skip
        lines = votes_text(votes, 4, 50).splitlines()[1:]
        assert [line.strip() for line in lines] == [f"• {step_of(key).title} **50%**" for key in keys]
        own = Vote(Ask("own", "", "word " * 40, ("yes", "no"), 0), 0.5, 1.0)
        lines = votes_text([*votes, own], 5, 46).splitlines()[1:]
        assert lines[-1] == "• word word word word word … **50% → 100%**"
        assert max(map(len, lines)) < 46 + len("• ****  ")
        lines = votes_text(votes, 3, 46).splitlines()[1:]
        assert (len(lines), lines[-1]) == (3, "• and 2 more questions")
