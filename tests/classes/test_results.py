"""Points of a seat, and the code that carries them."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac

import pytest

from mnist_core.classes import Ask, Draw, Look, Train
from mnist_core.classes.results import all_codes, most_points, points_of, result_code
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.store.handed_in import SavedDrawing, TrainedRun, Work
from mnist_core.store.workspaces import spoken_code
from mnist_core.training import Status

KEY = b"k" * 32
PLAN = (
    Ask("q1", "", "Is 1 < 2?", ("yes", "no"), 0),
    Ask("q2", "", "Do you like it?", ("yes", "no"), None),
    Train("n1", "layers=none&validation_fraction=0.1", accuracy=0.9),
    Train("n2", "layers=none&validation_fraction=0.1"),
    Draw("d1", (4, 9)),
    Look("end", "summary"),
)
RUN = TrainedRun("a", 0.0, RunConfig(layers=(LayerConfig(),)).to_json(), Status.FINISHED.value, 3, 0.99, 0.95)
DRAWN = tuple(SavedDrawing(n, label, False, 0.0) for n, label in enumerate((4, 9)))


def test_point_for_each_task_that_has_one() -> None:
    assert most_points(PLAN) == 4


@pytest.mark.parametrize(
    ("work", "points"),
    [
        (Work(1, "q1", {1: 0}, None, ()), 1),
        (Work(1, "q1", {1: 1, 2: 0}, None, ()), 1),
        (Work(1, "q1", {1: 0, 2: 1}, None, ()), 0),
        (Work(1, "q1", {}, None, ()), 0),
        (Work(1, "q2", {1: 0}, None, ()), 0),
        (Work(1, "n1", {}, 0.9, (RUN,)), 1),
        (Work(1, "n1", {}, None, (dataclasses.replace(RUN, validation_accuracy=0.89),)), 0),
        (Work(1, "n1", {}, 0.9, ()), 0),
        (Work(1, "n2", {}, None, (dataclasses.replace(RUN, validation_accuracy=0.1),)), 1),
        (Work(1, "n2", {}, None, (dataclasses.replace(RUN, status=Status.RUNNING.value),)), 0),
        (Work(1, "d1", {}, None, (), DRAWN), 1),
        (Work(1, "d1", {}, None, (), DRAWN[:1]), 0),
        (Work(1, "gone", {1: 0}, None, ()), 0),
    ],
)
def test_points(work: Work, points: int) -> None:
    assert points_of(PLAN, [work]) == points


def test_points_of_a_whole_lesson() -> None:
    works = [
        Work(1, "q1", {1: 0}, None, ()),
        Work(1, "n1", {}, None, (RUN,)),
        Work(1, "n2", {}, None, (RUN,)),
        Work(1, "d1", {}, None, (), DRAWN),
    ]
    assert points_of(PLAN, works) == most_points(PLAN)


def test_code_is_forty_bits_of_an_hmac() -> None:
    digest = hmac.new(KEY, b"7 3", hashlib.sha256).digest()
    number = int.from_bytes(digest[:5], "big")
    symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    code = ""
    for _ in range(8):
        number, place = divmod(number, 32)
        code = symbols[place] + code
    assert result_code(KEY, 7, 3) == f"{code[:4]}-{code[4:]}"


def test_every_code_says_whose_it_is() -> None:
    codes = all_codes(KEY, PLAN)
    assert len(codes) == 120 * 5
    for seat in (1, 60, 120):
        for points in range(5):
            typed = result_code(KEY, seat, points).lower().replace("-", " ").replace("0", "o").replace("1", "l")
            assert codes[spoken_code(typed)] == (seat, points)
    assert spoken_code(result_code(b"another class" * 3, 1, 1)) not in codes
