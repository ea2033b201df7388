"""Plans: written, read back, and refused."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from mnist_core.classes import (
    Ask,
    Draw,
    Look,
    Train,
    config_for,
    config_of,
    drawing_of,
    from_json,
    from_link,
    known_questions,
    order_of,
    plan_link,
    question_of,
    to_json,
    wanted,
)
from mnist_core.classes.packed import pack, pack_image
from mnist_core.classes.plan import FREE
from mnist_core.config import SEED, LayerConfig, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.faults import FAULTS

OWN = Ask("q2", "", "How many legs has an octopus?", ("Six", "Eight", "Ten"), 1, twice=False)
LINK = "layers=dense-32-relu&epochs=3&validation_fraction=0.2&seed=5"
PICTURE = np.arange(784, dtype=np.uint8).reshape(28, 28)
NETWORK = Train("q4", LINK, ("layers", "learning_rate"), predict=False, accuracy=0.9, parameters=20_000)
PLAN = (
    Ask("q1", "step/sure"),
    OWN,
    Ask("q3", "check/file"),
    NETWORK,
    Draw("d1", (4, 9), each=2),
    Look("l1", "run", LINK),
    Look("l2", "drawing", image=pack_image(PICTURE)),
)


def row(**changes: Any) -> str:
    task = {"id": "q1", "kind": "ask", "text": "Yes or no?", "choices": ["Yes", "No"]} | changes
    return json.dumps([{name: value for name, value in task.items() if value is not ...}])


def test_plan_is_read_as_it_was_written() -> None:
    assert from_json(to_json(PLAN)) == PLAN


def test_plan_is_read_from_its_link() -> None:
    text = plan_link(PLAN)
    assert re.fullmatch("[A-Za-z0-9_-]+", text)
    assert from_link(text) == PLAN


@pytest.mark.parametrize("text", ["", "a", "%%%", "abcd", plan_link(PLAN)[:-6], plan_link(PLAN) + "é"])
def test_text_that_is_no_link_to_a_plan(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_link(text)
    assert caught.value.field == "plan"


def test_written_plan_has_only_what_differs() -> None:
    assert json.loads(to_json(PLAN))[0] == {"id": "q1", "kind": "ask", "question": "step/sure"}


def test_every_question_of_the_courses_and_the_check_can_be_asked() -> None:
    asked = sum(step.question is not None for course in COURSES.values() for step in course.steps)
    names = list(known_questions())
    assert len(names) == asked + len(ITEMS) > 40
    plan = tuple(Ask(f"q{number}", name) for number, name in enumerate(names[:40]))
    assert from_json(to_json(plan)) == plan
    for name in names:
        task = Ask("q", name)
        found = question_of(task)
        assert found.right == 0
        assert not found.replies[0]
        assert all(found.replies[1:])
        assert sorted(order_of(task, "a class")) == list(range(len(found.choices)))


def test_all_seats_of_a_class_see_one_order_and_classes_differ() -> None:
    orders = {tuple(order_of(PLAN[0], f"class {number}")) for number in range(20)}
    assert len(orders) > 1
    assert order_of(PLAN[0], "class 1") == order_of(PLAN[0], "class 1")


def test_own_question_stays_as_it_was_typed() -> None:
    found = question_of(OWN)
    assert (found.text, found.choices, found.right, found.is_own) == (OWN.text, OWN.choices, 1, True)
    assert order_of(OWN, "any class") == [0, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        "[]",
        "[1]",
        "[" * 100_000,
        json.dumps([{"id": f"q{number}", "kind": "ask", "question": "step/sure"} for number in range(41)]),
        json.dumps([{"id": "q", "kind": "ask", "question": "step/sure"}] * 2),
        row(kind="train"),
        row(kind="dance"),
        row(id=...),
        row(id="Q1"),
        row(id="a" * 13),
        row(id=1),
        row(text=""),
        row(text="a" * 301),
        row(text="a\u0000b"),
        row(text=["a"]),
        row(choices=["one"]),
        row(choices=list("abcdef")),
        row(choices=["same", " same "]),
        row(choices=["a", ""]),
        row(choices=["a", "b" * 121]),
        row(choices="ab"),
        row(right=2),
        row(right=-1),
        row(right=True),
        row(right="0"),
        row(twice=1),
        row(secret=1),
        row(question="step/sure"),
        row(question="step/nowhere", text=..., choices=...),
        row(question="check/nothing", text=..., choices=...),
        row(question="../../etc/passwd", text=..., choices=...),
        row(question=7, text=..., choices=...),
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="plan"):
        from_json(text)


def test_spaces_and_line_breaks_of_a_typed_text_become_single_spaces() -> None:
    [task] = from_json(row(text="  Is it\n  true? ", choices=["a  b", "c"]))
    assert isinstance(task, Ask)
    assert (task.text, task.choices) == ("Is it true?", ("a b", "c"))


def network(**changes: Any) -> str:
    task = {"id": "n1", "kind": "train", "link": LINK} | changes
    return json.dumps([{name: value for name, value in task.items() if value is not ...}])


def test_network_of_a_link_is_read_as_the_link_says() -> None:
    [task] = from_json(network(link=f"https://host.example/?{LINK}"))
    assert isinstance(task, Train)
    expected = RunConfig(layers=(LayerConfig(units=32),), epochs=3, validation_fraction=0.2, seed=5)
    assert config_of(task) == config_of(NETWORK) == expected
    assert (task.own_seed, task.predict, task.ranking, task.free) == (True, True, False, ())


def test_each_seat_has_its_seed_and_changes_only_what_is_free() -> None:
    wish = RunConfig(layers=(LayerConfig(units=7),), epochs=9, learning_rate=0.5, validation_fraction=0.4, seed=99)
    for seat in (1, 60):
        config = config_for(NETWORK, seat, wish)
        assert (config.layers, config.learning_rate) == (wish.layers, 0.5)
        assert (config.epochs, config.validation_fraction, config.seed) == (3, 0.2, 5 + seat)
    [same] = from_json(network(own_seed=False))
    assert isinstance(same, Train)
    assert config_for(same, 7) == config_for(same, 8) == config_of(same)


def test_seed_of_a_seat_stays_in_range() -> None:
    last = Train("n", f"layers=none&validation_fraction=0.1&seed={SEED.high:.0f}")
    assert config_for(last, 3).seed == 2


def test_images_cannot_be_changed() -> None:
    assert not {"dataset", "split", "validation_fraction", "training_images", "seed"} & set(FREE)
    assert {"layers", "optimizer", "learning_rate", "epochs", "batch_size"} < set(FREE)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (network(link=...), "plan[0].link"),
        (network(link=7), "plan[0].link"),
        (network(link="a" * 2_001), "plan[0].link"),
        (network(link="layers=none"), "plan[0].link"),
        (network(link="layers=dense-0&validation_fraction=0.2"), "layers[0]"),
        (network(link="layrs=none&validation_fraction=0.2"), "layrs"),
        (network(link="layers=none&validation_fraction=0.2&dataset=own"), "plan[0].link"),
        (network(free="layers"), "plan[0].free"),
        (network(free=["seed"]), "plan[0].free"),
        (network(free=["name"]), "plan[0].free"),
        (network(predict="yes"), "plan[0].predict"),
        (network(ranking=1), "plan[0].ranking"),
        (network(accuracy=1.5), "plan[0].accuracy"),
        (network(accuracy=True), "plan[0].accuracy"),
        (network(parameters=0), "plan[0].parameters"),
        (network(parameters="many"), "plan[0].parameters"),
        (network(twice=True), "plan[0].twice"),
    ],
)
def test_damaged_network_is_refused_by_name(text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(text)
    assert caught.value.field == field


def drawing(**changes: Any) -> str:
    return json.dumps([{"id": "d1", "kind": "draw", "digits": [4, 9], "each": 2} | changes])


def test_digits_are_wanted_in_turn() -> None:
    [task] = from_json(drawing())
    assert isinstance(task, Draw)
    assert wanted(task) == (4, 9, 4, 9)
    assert json.loads(to_json((Draw("d1", (0,)),))) == [{"id": "d1", "kind": "draw", "digits": [0]}]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"digits": []}, "plan[0].digits"),
        ({"digits": None}, "plan[0].digits"),
        ({"digits": [10]}, "plan[0].digits"),
        ({"digits": [True]}, "plan[0].digits"),
        ({"digits": ["4"]}, "plan[0].digits"),
        ({"digits": [4, 4]}, "plan[0].digits"),
        ({"each": 0}, "plan[0].each"),
        ({"each": 4}, "plan[0].each"),
        ({"each": True}, "plan[0].each"),
        ({"each": 1.5}, "plan[0].each"),
        ({"free": []}, "plan[0].free"),
    ],
)
def test_damaged_drawing_task_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(drawing(**changes))
    assert caught.value.field == field


def test_drawing_of_a_plan_is_that_of_the_teacher() -> None:
    [task] = from_json(to_json(PLAN[-1:]))
    assert isinstance(task, Look)
    assert np.array_equal(drawing_of(task), PICTURE)
    # Nothing is larger than noise.
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    assert np.array_equal(drawing_of(Look("l1", "drawing", image=pack_image(noise))), noise)
    plan = tuple(Look(f"l{number}", "drawing", image=pack_image(noise)) for number in range(40))
    assert from_link(plan_link(plan)) == plan
    assert len(to_json(plan)) < 64 * 2**10


def look(**changes: Any) -> str:
    return json.dumps([{"id": "l1", "kind": "look"} | changes])


@pytest.mark.parametrize("at", ["summary", "map", "run", "image/0", "image/149", "step/sure", "fault/high"])
def test_all_that_can_be_shown(at: str) -> None:
    [task] = from_json(look(at=at))
    assert isinstance(task, Look)
    assert (f"{task.what}/{task.key}".removesuffix("/"), task.link) == (at, "")


def test_every_step_and_every_case_of_the_lab_can_be_shown() -> None:
    steps = [f"step/{step.key}" for course in COURSES.values() for step in course.steps]
    for at in (*steps, *(f"fault/{key}" for key in FAULTS)):
        assert from_json(look(at=at)) == (Look("l1", at),)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "plan[0].at"),
        ({"at": 7}, "plan[0].at"),
        ({"at": "image"}, "plan[0].at"),
        ({"at": "image/-1"}, "plan[0].at"),
        ({"at": "image/x"}, "plan[0].at"),
        ({"at": "step/none"}, "plan[0].at"),
        ({"at": "fault/none"}, "plan[0].at"),
        ({"at": "map/pca"}, "plan[0].at"),
        ({"at": "map", "link": "layers=none"}, "plan[0].link"),
        ({"at": "run", "link": 7}, "plan[0].link"),
        ({"at": "run", "link": "layrs=none"}, "layrs"),
        ({"at": "run", "link": "a" * 2_001}, "plan[0].link"),
        ({"at": "run", "link": "layers=dense-2048-relu"}, "plan[0].link"),
        ({"at": "map", "digits": [4]}, "plan[0].digits"),
        ({"at": "map", "image": pack_image(PICTURE)}, "plan[0].image"),
        ({"at": "drawing"}, "plan[0].image"),
        ({"at": "drawing/4", "image": pack_image(PICTURE)}, "plan[0].at"),
        ({"at": "drawing", "image": 7}, "plan[0].image"),
        ({"at": "drawing", "image": "%%%"}, "plan[0].image"),
        ({"at": "drawing", "image": "é"}, "plan[0].image"),
        ({"at": "drawing", "image": pack_image(PICTURE)[:-6]}, "plan[0].image"),
        ({"at": "drawing", "image": pack(b"a" * 783)}, "plan[0].image"),
        ({"at": "drawing", "image": pack(b"a" * 785)}, "plan[0].image"),
        ({"at": "drawing", "image": pack(b"a" * 10**5)}, "plan[0].image"),  # As text it is no longer than a drawing.
        ({"at": "drawing", "image": pack(bytes(784))}, "plan[0].image"),
        ({"at": "drawing", "image": "a" * 10**6}, "plan[0].image"),
        ({"at": "drawing", "image": pack_image(PICTURE) + "a" * 1_100}, "plan[0].image"),
    ],
)
def test_damaged_look_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(look(**changes))
    assert caught.value.field == field
