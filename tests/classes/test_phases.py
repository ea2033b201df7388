"""The moves of a teacher through a plan."""

from __future__ import annotations

import dataclasses

import pytest

from mnist_core.classes import Ask, Draw, Look, Move, Task, Train, moves, share_right
from mnist_core.store.class_records import OPEN, READY, SHOWN, SHUT, Class

ONCE = Ask("q3", "", "Yes or no?", ("Yes", "No"))
PLAN = (Ask("q1", "step/sure"), Ask("q2", "check/file"), ONCE)
START = Class("a" * 32, "ABC234", "", "[]", 0, "q1", READY, 1, True, False, 1, 0.0, 0.0, None)


def after(now: Class, move: Move) -> Class:
    return dataclasses.replace(now, **move.changes)


def labels(now: Class, right: int = 0, wrong: int = 0) -> list[str]:
    votes = {seat: 0 if seat < right else 1 for seat in range(right + wrong)}
    return [one.label for one in moves(PLAN, now, votes, 10)]


@pytest.mark.parametrize(
    ("right", "wrong", "first", "advice"),
    [
        (9, 1, "Show the answer", "90% are right: show it."),
        (8, 2, "Talk, then vote again", "80% are right: let them convince their neighbours, then vote again."),
        (5, 5, "Talk, then vote again", "50% are right: let them convince their neighbours, then vote again."),
        (3, 7, "Talk, then vote again", "30% are right: let them convince their neighbours, then vote again."),
        (2, 8, "Vote again", "Only 20% are right: explain first, then vote again."),
        (0, 0, "Show the answer", ""),
    ],
)
def test_move_after_the_first_vote_follows_from_the_share_right(
    right: int, wrong: int, first: str, advice: str
) -> None:
    shut = dataclasses.replace(START, phase=SHUT)
    votes = {seat: 0 if seat < right else 1 for seat in range(right + wrong)}
    found = moves(PLAN, shut, votes, 10)
    assert (found[0].label, found[0].advice) == (first, advice)
    assert {str(one.changes["phase"]) for one in found} == {OPEN, SHOWN}


def test_first_button_leads_through_the_whole_plan() -> None:
    now, seen = START, []
    for _ in range(30):
        move = moves(PLAN, now, {1: 0}, 1)[0]
        if not move.changes:
            break
        now = after(now, move)
        seen.append((now.task, now.phase, now.round))
    assert seen == [
        *(("q1", OPEN, 1), ("q1", SHUT, 1), ("q1", SHOWN, 1), ("q2", READY, 1)),
        *(("q2", OPEN, 1), ("q2", SHUT, 1), ("q2", SHOWN, 1), ("q3", READY, 1)),
        *(("q3", OPEN, 1), ("q3", SHUT, 1), ("q3", SHOWN, 1)),
    ]
    assert moves(PLAN, now, {}, 1)[0].label == "End the lesson"


def test_no_third_vote() -> None:
    assert labels(dataclasses.replace(START, phase=SHUT, round=2), 5, 5) == ["Show the answer"]


def test_question_that_is_asked_once() -> None:
    plan = (dataclasses.replace(PLAN[0], twice=False),)
    found = moves(plan, dataclasses.replace(START, phase=SHUT), {1: 1, 2: 0}, 2)
    assert [one.label for one in found] == ["Show the answer"]


def test_button_counts_the_votes() -> None:
    assert labels(dataclasses.replace(START, phase=OPEN), 3, 4) == ["Close the vote (7 of 10)"]


def test_ways_to_other_tasks() -> None:
    assert labels(START) == ["Open the vote", "Skip"]
    assert labels(dataclasses.replace(START, at=1, task="q2")) == ["Open the vote", "Skip", "Back"]
    assert labels(dataclasses.replace(START, at=2, task="q3")) == ["Open the vote", "Back"]
    assert labels(dataclasses.replace(START, at=1, task="q2", phase=SHOWN)) == ["Next task", "Back"]
    assert labels(dataclasses.replace(START, at=2, task="q3", phase=SHOWN)) == ["End the lesson", "Back"]


def test_task_that_is_opened_again_begins_with_the_first_vote() -> None:
    shown = dataclasses.replace(START, at=1, task="q2", phase=SHOWN, round=2)
    back = after(shown, moves(PLAN, shown, {}, 1)[1])
    assert (back.at, back.task, back.phase, back.round) == (0, "q1", READY, 1)


def test_share_right() -> None:
    assert share_right(PLAN[0], {1: 0, 2: 1, 3: 0, 4: 2}) == 0.5
    assert share_right(PLAN[0], {}) is None
    assert share_right(ONCE, {1: 0}) is None


NETWORK = (Train("n1", "layers=none&validation_fraction=0.1"), ONCE)
DRAWING = (Draw("d1", (4, 9)), ONCE)


def test_first_button_leads_through_a_network() -> None:
    now, seen = dataclasses.replace(START, task="n1"), []
    for _ in range(4):
        first = moves(NETWORK, now, {}, 9, done=4)[0]
        now = after(now, first)
        seen.append((str(first.label), now.task, now.phase))
    assert seen == [
        ("Let them train", "n1", OPEN),
        ("End the training (done: 4 of 9)", "n1", SHUT),
        ("Show the result", "n1", SHOWN),
        ("Next task", "q3", READY),
    ]


def test_first_button_leads_through_drawing() -> None:
    now, seen = dataclasses.replace(START, task="d1"), []
    for _ in range(4):
        first = moves(DRAWING, now, {}, 9, done=4)[0]
        now = after(now, first)
        seen.append((str(first.label), now.task, now.phase))
    assert seen == [
        ("Let them draw", "d1", OPEN),
        ("End the drawing (done: 4 of 9)", "d1", SHUT),
        ("Show the result", "d1", SHOWN),
        ("Next task", "q3", READY),
    ]


@pytest.mark.parametrize(
    ("at", "moves_"),
    [
        ("map", [("Show it", SHOWN), ("Next task", READY)]),
        ("fault/high", [("Show it", OPEN), ("Show the answer", SHOWN), ("Next task", READY)]),
    ],
)
def test_first_button_leads_through_a_look(at: str, moves_: list[tuple[str, str]]) -> None:
    now, seen, plan = dataclasses.replace(START, task="l1"), [], (Look("l1", at), ONCE)
    for _ in moves_:
        first = moves(plan, now, {}, 9)[0]
        now = after(now, first)
        seen.append((str(first.label), now.phase))
    assert seen == moves_
    assert now.task == "q3"


@pytest.mark.parametrize(("plan", "label"), [(NETWORK, "Train longer"), (DRAWING, "Draw longer")])
def test_work_can_go_on_after_its_end(plan: tuple[Task, ...], label: str) -> None:
    shut = dataclasses.replace(START, task=plan[0].id, phase=SHUT)
    longer = moves(plan, shut, {}, 9)[1]
    assert (longer.label, after(shut, longer).phase) == (label, OPEN)
