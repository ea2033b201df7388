"""A visitor's answers: what counts, what is saved, and what is refused."""

from __future__ import annotations

import json

import pytest

from mnist_core.errors import StoreError
from mnist_core.lessons import check
from mnist_core.lessons.answers import LessonAnswers, pack, unpack
from mnist_core.lessons.check import AFTER, BEFORE, ITEMS, CheckAnswers
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.faults import Answers

HOW = COURSES["how"]
RIGHT_ANSWERS = (0,) * len(ITEMS)
OTHERS = (1,) * len(ITEMS)


def all_of(*, answer: int = 0) -> LessonAnswers:
    answers = LessonAnswers()
    for step in HOW.steps:
        if step.question is not None:
            answers = answers.answered(step.key, answer).with_seen(step.key)
    return answers


def test_first_answer_stays() -> None:
    answers = LessonAnswers().answered("neuron", 2).answered("neuron", 0)
    assert answers.first == {"neuron": 2}


def test_step_is_done_after_its_explanation() -> None:
    step = HOW.steps[0]
    answered = LessonAnswers().answered(step.key, 0)
    assert not answered.is_done(step)
    assert answered.with_seen(step.key).is_done(step)


def test_last_step_is_done_after_the_check() -> None:
    step = HOW.steps[-1]
    before = LessonAnswers(check=CheckAnswers(before=OTHERS))
    assert not before.is_done(step)
    assert before.with_check(before.check.hand_in(RIGHT_ANSWERS, AFTER)).is_done(step)


def test_score_counts_right_first_answers() -> None:
    assert all_of().score(HOW) == HOW.questions == 8
    assert all_of(answer=1).score(HOW) == 0


def test_next_step_is_the_first_that_is_not_done() -> None:
    assert LessonAnswers().next_step(HOW) == 0
    assert LessonAnswers().answered("examples", 1).with_seen("examples").next_step(HOW) == 1
    assert all_of().next_step(HOW) == 8


def test_answers_to_the_check_cannot_be_changed() -> None:
    given = CheckAnswers().hand_in(OTHERS, BEFORE)
    assert given.hand_in(RIGHT_ANSWERS, BEFORE) == given
    after = given.hand_in(RIGHT_ANSWERS, AFTER)
    assert after.hand_in(OTHERS, AFTER) == after
    assert (check.score(after.before or ()), check.score(after.after or ())) == (0, 10)


def test_check_has_ten_items() -> None:
    assert len(ITEMS) == 10
    assert all(1 <= len(key) <= 16 for key in ITEMS)


def test_table_of_counts() -> None:
    first, second = list(ITEMS)[:2]
    counts = {("before", first, 0): 1, ("before", first, 2): 3, ("after", first, 0): 4, ("after", second, 1): 2}
    lines = check.counts_table(counts).splitlines()
    assert len(lines) == 1 + len(ITEMS)
    assert lines[1].split("   ")[-1].strip() == ITEMS[first].choices[2]
    assert "25% of     4" in lines[1]
    assert "100% of     4" in lines[1]
    assert lines[2].split()[:2] == [second, "-"]
    assert "  0% of     2" in lines[2]
    assert lines[3].endswith("   -")


def test_pack_and_unpack() -> None:
    answers = LessonAnswers(
        {"neuron": 2, "sure": 0},
        frozenset({"sure"}),
        Answers({1: "low", 4: ""}, frozenset({1})),
        CheckAnswers(OTHERS, None),
    )
    assert unpack(pack(answers)) == answers


def test_no_answers_need_no_file() -> None:
    assert pack(LessonAnswers()) == b""
    assert unpack(b"") == LessonAnswers()


def test_answers_before_the_file_was_read_come_after_it() -> None:
    now = LessonAnswers({"neuron": 1, "sure": 1}, frozenset({"sure"}), Answers({2: "low"}), CheckAnswers(OTHERS))
    saved = LessonAnswers({"neuron": 0}, frozenset({"neuron"}), Answers({2: "high"}), CheckAnswers(RIGHT_ANSWERS))
    both = now.with_older(saved)
    assert both.first == {"neuron": 0, "sure": 1}
    assert both.seen == {"neuron", "sure"}
    assert both.faults.first == {2: "high"}
    assert both.check.before == RIGHT_ANSWERS


def raw(**changes: object) -> bytes:
    whole: dict[str, object] = {"first": {}, "seen": [], "faults": {}, "explained": [], "before": None, "after": None}
    return json.dumps({**whole, **changes}).encode()


def test_answers_to_questions_that_no_longer_exist() -> None:
    data = raw(
        first={"gone": 1, "neuron": 9, "sure": 1},
        seen=["gone", "sure"],
        faults={"1": "low", "2": "gone", "99": "low"},
        explained=[1, 2],
        before={"gone": 0},
    )
    answers = unpack(data)
    assert answers.first == {"sure": 1}
    assert answers.seen == {"sure"}
    assert answers.faults == Answers({1: "low"}, frozenset({1}))
    assert answers.check.before is None


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff",
        raw(first=[1]),
        raw(first={"neuron": "x"}),
        raw(first={"neuron": -1}),
        raw(first={"neuron": True}),
        raw(faults={"x": "low"}),
        raw(faults={"1": []}),
        raw(before="0000000000"),
        raw(after=[0] * 10),
        raw(explained=["1"]),
        b"[" * 100_000,
    ],
)
def test_damaged_file(data: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        unpack(data)
