"""A class on its pages: the door, the desk, the wall and the students, each in a session of its own."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import functools
import io
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import streamlit as st
from sqlalchemy import event
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from mnist_core import limits
from mnist_core.classes import (
    Ask,
    Draw,
    Look,
    Task,
    Train,
    config_of,
    draw_name,
    drawing_of,
    from_json,
    known_questions,
    order_of,
    pretend,
    question_of,
    to_json,
)
from mnist_core.classes.pretend import PretendStudents
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.classes.results import result_code
from mnist_core.config import RunConfig
from mnist_core.drawing import preprocessing, strokes, test_set
from mnist_core.errors import CapacityError, ClassNotFoundError, StoreError
from mnist_core.evaluation import shipped
from mnist_core.export import class_report
from mnist_core.language import speaking
from mnist_core.lessons.courses import step_of
from mnist_core.lessons.faults import FAULTS
from mnist_core.runs import run_cache, saver, scheduler
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.network_run import Run
from mnist_core.store.class_records import (
    IDLE_SECONDS,
    MAX_OF_SEAT,
    MAX_SEATS,
    OPEN,
    READY,
    SHOWN,
    SHUT,
    Board,
    Class,
    seat_token,
    wall_token,
)
from mnist_core.store.classes import Classes
from mnist_core.store.database import Database
from mnist_core.store.handed_in import SavedDrawing
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace, recovery_code, workspace_key
from mnist_core.training import Status
from mnist_core.training.classical import KINDS
from pages.widgets.classroom import (
    drawings,
    ending,
    following,
    look_task,
    membership,
    question,
    rehearsal,
    train_task,
    wall_runs,
)
from pages.widgets.classroom import student as student_page
from pages.widgets.common import image_buttons, pictures, trials
from pages.widgets.common.image_buttons import ImageButton
from pages.widgets.server import visitor_limits, waiting_line
from pages.widgets.state import data_sets
from tests import outage
from tests.pages.conftest import ROOT
from tests.pages.own_runs import digits
from tests.pages.visitor import ONE, draw, press, wait_for_end
from tests.scheduled_runs import wait_until

pytestmark = pytest.mark.usefixtures("own_saver", "fresh_boards", "embedded_digits")
on_each_database = pytest.mark.usefixtures("url")
real_time = time.time
LINE = [{"path": [["M", 140, 40], ["L", 140, 240]]}]
PLACES = itertools.count()
OWN = Ask("own", "", "Is **1** < $2$?", ("yes", "no"), 0)


@pytest.fixture
def fresh_boards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Boards that are read at each look: the tests do not wait for a second."""
    monkeypatch.setattr("mnist_core.classes.boards.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.classes.class_test._FRESH_SECONDS", 0.0)
    # Ten seconds later the test and its database are gone.
    monkeypatch.setattr(threading.Timer, "start", lambda _timer: None)
    membership._boards.cache_clear()
    membership._code_limits.cache_clear()
    yield
    membership._boards.cache_clear()
    membership._code_limits.cache_clear()


def classes() -> Classes:
    return membership.classes()


def visitor(**query: str) -> AppTest:
    """A new browser, which has said who it is, on the Class page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    token = new_workspace()
    app.session_state["workspace"] = app.session_state["workspace-arrived-noted"] = token
    app.switch_page("pages/classroom.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def desk() -> AppTest:
    """A teacher who has started a class with the questions of course A."""
    return new_desk()


def new_desk() -> AppTest:
    teacher = visitor()
    teacher.selectbox(key="class-plan").set_value("how")
    press(teacher, "Start a class")
    assert not teacher.exception
    return teacher


def class_of(desk: AppTest) -> Class:
    [found] = classes().led_by(desk.session_state["workspace"])
    return found


def board_of(desk: AppTest) -> Board:
    return classes().board(class_of(desk).id)


def student(desk: AppTest) -> AppTest:
    return visitor(join=class_of(desk).code or "")


def wall(desk: AppTest) -> AppTest:
    return visitor(wall=wall_token(desk.session_state["workspace"], class_of(desk).id))


def questions(desk: AppTest) -> list[Ask]:
    """The plan of the class, without networks to train."""
    return [task for task in from_json(class_of(desk).plan) if isinstance(task, Ask)]


def text(app: AppTest) -> str:
    """All that the page shows when it next looks at the class."""
    return shown(app.run())


def shown(app: AppTest) -> str:
    """All that the page shows."""
    assert not app.exception
    kinds = app.title, app.header, app.subheader, app.markdown, app.caption, app.success, app.info, app.error
    found = [element.value for kind in kinds for element in kind]
    found += [button.label for button in app.button]
    return "\n".join([*found, *(chart.proto.alt for chart in app.get("vega_lite_chart"))])


def move(desk: AppTest, label: str) -> None:
    desk.run()
    next(one for one in desk.button if one.label.startswith(label)).click().run()
    assert not desk.exception


def vote_button(student: AppTest, place: int) -> Button:
    """The button of a choice of the current question, by its place among the question's choices."""
    now = classes().seated(seat_token(student.session_state["workspace"]))
    assert now is not None
    [task] = [one for one in from_json(now.plan) if one.id == now.task]
    assert isinstance(task, Ask)
    return student.button(key=f"vote-{task.id}-{order_of(task, now.id).index(place)}")


def vote(student: AppTest, place: int) -> None:
    student.run()
    vote_button(student, place).click().run()
    assert not student.exception


def other_texts(task: Ask) -> list[str]:
    """What nobody may read before the answer is shown."""
    question = question_of(task)
    return [question.why, *filter(None, question.replies)]


def test_vote_from_door_to_answer(desk: AppTest) -> None:
    front = wall(desk)
    now = class_of(desk)
    task = questions(desk)[0]
    question = question_of(task)
    assert f"{(now.code or '')[:3]} {(now.code or '')[3:]}" in text(front)
    assert "0 here" in text(front)
    pupils = [student(desk) for _ in range(3)]
    names = [seat.name for seat in board_of(desk).seats]
    assert all(name in text(pupil) for name, pupil in zip(names, pupils, strict=True))
    assert all("No name, no account." in text(pupil) for pupil in pupils)
    assert all(name in text(desk) for name in names)
    assert "3 here" in text(front)
    assert "Look at the front." in text(pupils[0])
    assert question.text not in text(pupils[0])

    move(desk, "Open the vote")
    for pupil, place in zip(pupils, (0, 1, 1), strict=True):
        assert question.text in text(pupil)
        vote(pupil, place)
        assert "Your vote is saved." in text(pupil)
    assert "3 of 3" in text(front)
    assert board_of(desk).votes == {1: {1: 0, 2: 1, 3: 1}}
    letters = {place: letter for letter, place in zip("ABCDE", order_of(task, now.id), strict=False)}
    assert f"{letters[1]} 2" in text(desk)
    for page in (*pupils, front):
        assert not any(secret in text(page) for secret in other_texts(task))
        assert not page.get("vega_lite_chart")
        assert "✓" not in text(front)

    move(desk, "Close the vote (3 of 3)")
    assert "33% are right" in text(desk)
    assert "Convince your neighbour" in text(front)
    assert "Your vote:" in text(pupils[0])
    for page in (*pupils, front):
        assert not any(secret in text(page) for secret in other_texts(task))
        assert not page.get("vega_lite_chart")

    move(desk, "Talk, then vote again")
    assert class_of(desk).round == 2
    assert "Second vote" in text(pupils[1])
    vote(pupils[0], 0)
    vote(pupils[1], 0)
    move(desk, "Close the vote (2 of 3)")
    move(desk, "Show the answer")
    assert question.why in text(front)
    assert f"{letters[0]} ✓ 1" in text(front)
    assert f"{letters[0]} ✓ 2" in text(front)
    assert "Right!" in text(pupils[0])
    assert question.why in text(pupils[1])
    assert "First vote" in text(pupils[1])
    assert question.replies[1] in text(pupils[2])  # The vote of the first round: there was no second one.

    move(desk, "Next task")
    assert (class_of(desk).at, class_of(desk).phase) == (1, READY)
    assert question.text not in text(pupils[0])


def test_vote_can_be_changed_until_it_is_closed(desk: AppTest) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    vote(pupil, 2)
    assert board_of(desk).votes == {1: {1: 2}}
    assert vote_button(pupil, 2).label.endswith("✓")
    stale = vote_button(pupil, 0)
    move(desk, "Close the vote")
    stale.click().run()
    assert board_of(desk).votes == {1: {1: 2}}
    assert "Your vote:" in text(pupil)


def database_is_away(*_: object) -> None:
    raise StoreError("The database is away.", "Wait.")


def test_vote_that_cannot_be_saved_says_so(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")

    with monkeypatch.context() as patch:
        patch.setattr(Classes, "vote", database_is_away)
        vote(pupil, 1)
        assert "Your vote is not saved. The database is away. Wait." in text(pupil)
        # It stays chosen. A move of the teacher's switches does not forget it.
        assert "✓" not in vote_button(pupil, 1).label
        assert vote_button(pupil, 1).proto.type == "primary"
        desk.toggle(key="class-doors").set_value(False).run()
        assert "Your vote is not saved." in text(pupil)
    monkeypatch.setattr(student_page, "_AGAIN_SECONDS", 0.0)
    pupil.run()
    assert "Your vote is saved." in text(pupil)
    assert board_of(desk).votes == {1: {1: 1}}


def test_vote_that_was_not_saved_ends_with_the_vote(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    with monkeypatch.context() as patch:
        patch.setattr(Classes, "vote", database_is_away)
        vote(pupil, 1)
    move(desk, "Close the vote")
    assert "You did not vote." in text(pupil)
    move(desk, "Talk, then vote again")
    monkeypatch.setattr(student_page, "_AGAIN_SECONDS", 0.0)
    assert "not saved" not in text(pupil)
    assert board_of(desk).votes == {}


def test_buttons_do_not_say_which_choice_is_right(desk: AppTest) -> None:
    """In the courses the right choice is always the first one."""
    pupil = student(desk)
    for task in questions(desk)[:4]:
        show(desk, task)
        now = class_of(desk)
        classes().move(desk.session_state["workspace"], now.id, now.revision, phase=OPEN)
        pupil.run()
        keys = [one.key for one in pupil.button if "vote" in str(one.key)]
        assert keys == [f"vote-{task.id}-{at}" for at in range(len(question_of(task).choices))]
        # In one class, a few questions may have it at the same place by chance.
        places = {order_of(task, f"class {number}").index(0) for number in range(20)}
        assert places == set(range(len(question_of(task).choices)))


def test_deleted_votes_are_asked_for_again(desk: AppTest) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    move(desk, "Delete what was handed in, begin again")
    assert class_of(desk).phase == READY
    move(desk, "Open the vote")
    assert "Your vote is saved." not in text(pupil)
    assert board_of(desk).votes == {}


@pytest.mark.parametrize("typed", ["", "ABC", "ZZZZZZ"])
def test_wrong_code_at_the_door(typed: str) -> None:
    new = visitor()
    new.text_input(key="class-code").set_value(typed)
    assert "No class has this code now." in shown(press(new, "Join"))


def test_five_wrong_codes_need_a_wait(desk: AppTest) -> None:
    new = visitor()
    for _ in range(5):
        new.text_input(key="class-code").set_value("ZZZZZZ")
        press(new, "Join")
    new.text_input(key="class-code").set_value(class_of(desk).code or "")
    press(new, "Join")
    assert any(re.search(r"Wait \d+ s, then", error.value) for error in new.error)
    assert board_of(desk).seats == ()


def test_typed_code_takes_a_seat(desk: AppTest) -> None:
    new = visitor()
    code = class_of(desk).code or ""
    new.text_input(key="class-code").set_value(f" {code[:3].lower()}-{code[3:]} ")
    press(new, "Join")
    assert board_of(desk).seats[0].name in text(new)


def test_browser_that_has_not_said_who_it_is_takes_no_seat(desk: AppTest) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/classroom.py")
    app.query_params["join"] = class_of(desk).code or ""
    assert "Taking a seat" in text(app)
    assert board_of(desk).seats == ()
    app.session_state["workspace-arrived-noted"] = app.session_state["workspace"]
    text(app)
    assert len(board_of(desk).seats) == 1


def test_seat_without_cookies_is_in_the_address(desk: AppTest) -> None:
    pupil = visitor()
    pupil.session_state["workspace-hidden-noted"] = pupil.session_state["workspace"]
    pupil.text_input(key="class-code").set_value(class_of(desk).code or "")
    press(pupil, "Join")
    pupil.run()
    token = "".join(pupil.query_params["seat"])
    again = visitor(join=class_of(desk).code or "", seat=token)
    assert [seat.number for seat in board_of(desk).seats] == [1]
    assert board_of(desk).seats[0].name in text(again)


def test_reload_with_cookies_finds_the_seat(desk: AppTest) -> None:
    pupil = student(desk)
    assert "seat" not in pupil.query_params
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/classroom.py")
    again.session_state["workspace"] = again.session_state["workspace-arrived-noted"] = pupil.session_state["workspace"]
    assert board_of(desk).seats[0].name in text(again)
    assert len(board_of(desk).seats) == 1


def test_removed_seat_can_join_again_while_the_doors_are_open(desk: AppTest) -> None:
    pupil = student(desk)
    name = board_of(desk).seats[0].name
    desk.run()
    desk.button(key="remove-seat-1").click().run()
    assert "has taken your seat away" in text(pupil)
    press(pupil, "Join again")
    assert board_of(desk).seats[0].name != name
    desk.run()
    desk.toggle(key="class-doors").set_value(False).run()
    assert not class_of(desk).doors
    new = student(desk)
    assert "The doors of this class are closed." in text(new)


def test_hand_up_comes_first_at_the_desk(desk: AppTest) -> None:
    _first, second = (student(desk) for _ in range(2))
    press(second, "I need help")
    rows = [
        element.value for element in desk.run().markdown if element.value.startswith(("·", ":material/front_hand:"))
    ]
    assert rows[0] == f":material/front_hand: {board_of(desk).seats[1].name}"
    press(second, "Hand down")
    assert board_of(desk).seats[1].hand is None


def test_other_name_can_be_drawn_once(desk: AppTest) -> None:
    pupil = student(desk)
    name = board_of(desk).seats[0].name
    press(pupil, "Draw another name")
    assert board_of(desk).seats[0].name != name
    assert "Draw another name" not in text(pupil)


def test_eyes_up_hides_the_task(desk: AppTest) -> None:
    pupil, front = student(desk), wall(desk)
    move(desk, "Open the vote")
    desk.toggle(key="class-paused").set_value(True).run()
    question = question_of(questions(desk)[0])
    for page in (pupil, front):
        assert "Eyes up!" in text(page)
        assert question.text not in text(page)
    desk.toggle(key="class-paused").set_value(False).run()
    assert question.text in text(pupil)


def test_second_click_of_a_double_click_is_no_move(desk: AppTest) -> None:
    button = next(one for one in desk.run().button if one.label == "Open the vote")
    button.click().run()
    button.click().run()
    assert class_of(desk).phase == OPEN


@on_each_database
def test_two_desks_cannot_both_move(desk: AppTest) -> None:
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/classroom.py")
    other.session_state["workspace"] = desk.session_state["workspace"]
    other.query_params["desk"] = class_of(desk).id
    assert "Open the vote" in text(other)
    before = class_of(desk).revision
    move(desk, "Open the vote")
    next(one for one in other.button if one.label == "Open the vote").click().run()
    assert "The class was moved in another window. Look where it is now, then move it from there." in shown(other)
    assert (class_of(desk).phase, class_of(desk).revision) == (OPEN, before + 1)
    assert "The class was moved" not in text(desk)
    move(other, "Close the vote")
    assert class_of(desk).phase == SHUT
    assert "The class was moved" not in shown(other)


def test_desk_of_somebody_else_stays_closed(desk: AppTest) -> None:
    stranger = visitor(desk=class_of(desk).id)
    assert "No class has this code now." in text(stranger)
    assert "Open the vote" not in text(stranger)


@pytest.mark.parametrize("token", ["wrong", "A" * 22])
def test_wrong_token_of_a_wall(token: str) -> None:
    front = visitor(wall=token)
    assert [error.value for error in front.error] != []


def test_own_question_is_shown_as_it_was_typed(desk: AppTest) -> None:
    pupil = student(desk)
    desk.text_input(key="plan-own-text").set_value(OWN.text)
    for at, choice in enumerate(OWN.choices):
        desk.text_input(key=f"plan-own-choice-{at}").set_value(choice)
    desk.selectbox(key="plan-own-right").set_value(0)
    press(desk, "Add my question")
    task = questions(desk)[1]
    assert (task.text, task.choices, task.right) == (OWN.text, OWN.choices, OWN.right)
    move(desk, "Skip")
    move(desk, "Open the vote")
    assert "Is \\*\\*1\\*\\* \\< \\$2\\$?" in text(pupil)
    vote(pupil, 0)
    move(desk, "Close the vote")
    assert class_of(desk).phase == SHUT


@pytest.mark.parametrize(
    ("question", "choices", "right"),
    [("", ["a", "b"], None), ("Why?", ["a"], None), ("Why?", ["a", "a"], None), ("Why?", ["a", "b"], 3)],
)
def test_own_question_that_is_none_is_refused(
    desk: AppTest, question: str, choices: list[str], right: int | None
) -> None:
    before = class_of(desk).plan
    desk.text_input(key="plan-own-text").set_value(question)
    for at, choice in enumerate(choices):
        desk.text_input(key=f"plan-own-choice-{at}").set_value(choice)
    desk.selectbox(key="plan-own-right").set_value(right)
    press(desk, "Add my question")
    assert desk.error
    assert not desk.exception
    assert class_of(desk).plan == before
    assert desk.text_input(key="plan-own-text").value == question


def test_plan_can_be_changed_and_gone_through_in_any_order(desk: AppTest) -> None:
    plan = questions(desk)
    desk.button(key=f"go-{plan[4].id}").click().run()
    assert class_of(desk).at == 4
    desk.button(key="plan-remove").click().run()
    assert [task.id for task in from_json(class_of(desk).plan)] == [task.id for task in plan if task != plan[4]]
    assert class_of(desk).task == plan[5].id
    new = next(name for name in known_questions() if name not in {task.question for task in plan})
    desk.selectbox(key="plan-known").set_value(new).run()
    desk.button(key="plan-add-known").click().run()
    assert questions(desk)[5].question == new
    assert not desk.exception


@pytest.mark.usefixtures("no_shared_runs")
def test_answer_with_a_run_starts_it_on_the_wall(desk: AppTest) -> None:
    front = wall(desk)
    now = class_of(desk)
    changes = {"plan": '[{"id": "q1", "kind": "ask", "question": "step/published"}]', "at": 0, "task": "q1"}
    classes().move(desk.session_state["workspace"], now.id, now.revision, phase=SHOWN, **changes)
    membership.boards().outdate(now.id)
    assert run_cache.shared().active() == []
    assert "✓" in text(front)
    [run] = run_cache.shared().active()
    [trial] = step_of("published").trials
    assert isinstance(run, Run)
    assert run.config == dataclasses.replace(trial.config, dataset="embedded")


def test_wall_shows_the_trend_of_many_runs(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the replies speak of, instead of eight curves with long names."""
    run = scheduler.shared().submit(RunConfig(layers=(), epochs=1, dataset="embedded"), digits())
    wait_until(lambda: not run.snapshot.status.is_active)
    step = step_of("layers")
    names = [trial.name for trial in step.trials[:3]]

    def draw_ended(_trials: object, _dataset: object, draw: Callable[[dict[str, Run]], None], *_: object) -> None:
        draw(dict.fromkeys(names, run))

    monkeypatch.setattr("pages.widgets.common.trials.running_view", draw_ended)
    front = wall(desk)
    show(desk, Ask("q1", "step/layers"))
    found = text(front)
    assert run.snapshot.evaluation is not None
    accuracy = f"{run.snapshot.evaluation.accuracy:.1%}"
    assert f"Test accuracy: {', '.join(f'{name} {accuracy}' for name in names)}." in found
    [*_votes, chart] = front.get("vega_lite_chart")
    assert json.loads(chart.proto.spec)["config"]["axis"]["labelFontSize"] == wall_runs.FONT_SIZE


@pytest.mark.usefixtures("no_shared_runs")
def test_models_that_are_no_networks_start_on_the_wall_too(few_images: None, desk: AppTest) -> None:
    front = wall(desk)
    now = class_of(desk)
    changes = {"plan": '[{"id": "q1", "kind": "ask", "question": "step/forest"}]', "at": 0, "task": "q1"}
    classes().move(desk.session_state["workspace"], now.id, now.revision, phase=SHOWN, **changes)
    text(front)
    models = {run.kind: run for run in run_cache.shared()._runs.values() if isinstance(run, ClassicalRun)}
    assert sorted(models) == sorted(step_of("forest").classical)
    wait_until(lambda: not any(run.snapshot.status.is_active for run in models.values()))
    seen = text(front)
    for kind, run in models.items():
        assert run.snapshot.evaluation is not None
        assert f"{KINDS[kind]} **{run.snapshot.evaluation.accuracy:.1%}**" in seen


def test_end_leaves_the_code_dead_and_says_so(desk: AppTest) -> None:
    pupil, front = student(desk), wall(desk)
    code = class_of(desk).code or ""
    press(desk, "End it")
    for page in (desk, pupil, front):
        assert "The lesson has ended." in text(page)
    assert "No class has this code now." in text(visitor(join=code))
    # On a shared tablet that is what is left to do.
    assert [one.label for one in pupil.button if one.proto.type == "primary"] == ["Leave and forget this device"]
    token = pupil.session_state["workspace"]
    press(pupil, "Leave and forget this device")
    assert pupil.session_state["workspace"] != token


def test_end_and_delete_leaves_nothing(desk: AppTest) -> None:
    pupil, front = student(desk), wall(desk)
    found = class_of(desk).id
    press(desk, "End and delete")
    assert classes().led_by(desk.session_state["workspace"]) == []
    assert classes().seats(found) == []
    assert "The lesson has ended." in text(pupil)
    assert "The lesson has ended." in text(front)
    assert "Start a class" in text(desk)


def test_end_and_delete_takes_the_networks_along(training: AppTest) -> None:
    now, owner = class_of(training), training.session_state["workspace"]
    long = dataclasses.replace(NETWORK, id="n2", predict=False, link=NETWORK.link.replace("epochs=2", "epochs=100"))
    plan = to_json((dataclasses.replace(NETWORK, predict=False), long))
    now = classes().move(owner, now.id, now.revision, plan=plan, phase=OPEN)
    keeper, other = student(training), student(training)
    kept, _gone = train(keeper), train(other)
    saver.shared().store.pin(keeper.session_state["workspace"], kept.id)
    classes().move(owner, now.id, now.revision, at=1, task=long.id, phase=OPEN)
    other.run()
    other.button(key="class-train").click().run()
    under_way = other.session_state["current_run"]
    scheduler.shared().pause(under_way)  # It waits for the teacher.
    assert under_way.snapshot.status.is_active
    # While it trains, its page draws no picture of the class.
    assert not any(sign in text(other) for sign in ("Networks:", "No network has finished"))
    training.run()
    assert "unless their students have pinned them" in shown(training)
    training.button(key="class-delete-always").click().run()
    wait_until(lambda: not under_way.snapshot.status.is_active)
    assert under_way.snapshot.status is Status.STOPPED
    assert saver.shared().wait_until_saved(60)
    assert [one.id for one in saver.shared().list(keeper.session_state["workspace"])] == [kept.id]
    assert saver.shared().list(other.session_state["workspace"]) == ()
    assert "The lesson has ended." in text(other)


def test_teacher_goes_to_the_door_and_back_to_the_desk(desk: AppTest) -> None:
    found = class_of(desk)
    press(desk, "Back to the door")
    assert "Start a class" in text(desk)
    assert str(found.code) in text(desk)
    desk.button(key=f"open-{found.id}").click().run()
    assert "Open the vote" in text(desk)


def test_leaving_takes_the_votes_along(desk: AppTest) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    press(pupil, "Leave and forget this device")
    assert board_of(desk).seats == ()
    assert board_of(desk).votes == {}


# --- A network to train ------------------------------------------------------------------------------------------

NETWORK = Train(
    "n1", "layers=dense-8-relu&epochs=2&validation_fraction=0.2&dataset=embedded&seed=5", ("layers",), accuracy=0.3
)


@pytest.fixture
def training(desk: AppTest) -> AppTest:
    """A desk whose class is about to train a network."""
    now = class_of(desk)
    plan = to_json((NETWORK, OWN))
    classes().move(desk.session_state["workspace"], now.id, now.revision, plan=plan, task="n1")
    desk.run()
    return desk


def guess(pupil: AppTest, value: int) -> None:
    pupil.run()
    pupil.slider(key="class-guess-value").set_value(value)
    press(pupil, "That is my guess")
    assert not pupil.exception


def train(pupil: AppTest) -> Run:
    """Train the network in the editor to its end, and wait until it is saved."""
    pupil.run()
    pupil.button(key="class-train").click().run()
    assert not pupil.exception
    run = wait_for_end(pupil)
    assert saver.shared().wait_until_saved(60)
    return run


def test_network_starts_although_the_script_is_interrupted(
    training: AppTest, monkeypatch: pytest.MonkeyPatch, is_taken: threading.Event
) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 40)
    note = train_task._WANTED.set

    def note_and_interrupt(value: Class | None) -> None:
        note(value)
        if value is None:
            is_taken.set()

    monkeypatch.setattr(train_task._WANTED, "set", note_and_interrupt)
    run = train(pupil)
    assert [one.run for one in board_of(training).runs[1]] == [run.id]


def test_network_from_guess_to_result(training: AppTest) -> None:
    pupils, front = [student(training) for _ in range(2)], wall(training)
    assert "Look at the front." in text(pupils[0])
    assert "It takes about" not in text(pupils[0])
    assert "If all train at once, it takes about" in text(training)
    move(training, "Let them train")
    for pupil in pupils:
        assert "Your guess first" in text(pupil) or pupil.slider(key="class-guess-value").label.startswith("Your guess")
        assert not [one for one in pupil.button if one.key == "class-train"]
    guess(pupils[0], 40)
    guess(pupils[1], 90)
    assert board_of(training).guesses == {1: 0.4, 2: 0.9}
    assert "has not begun" in text(training)

    # Seat 2 changes what is free. The seeds differ by the number of the seat.
    pupils[1].number_input(key=one_key(pupils[1], "units")).set_value(20).run()
    runs = [train(pupils[0])]
    assert "Networks: 1." in text(pupils[0])  # Among those of the class.
    assert "Networks:" not in text(pupils[1])
    runs.append(train(pupils[1]))
    assert [(run.config.layers[0].units, run.config.seed) for run in runs] == [(8, 6), (20, 7)]
    assert {run.config.epochs for run in runs} == {2}
    board = board_of(training)
    assert [[one.run for one in board.runs[seat]] for seat in (1, 2)] == [[run.id] for run in runs]
    reached = [shot.epochs[-1].validation_accuracy for shot in (run.snapshot for run in runs)]
    assert [board.runs[seat][0].validation_accuracy for seat in (1, 2)] == reached

    assert "Networks: 2." in text(front)
    assert "2 of 2" in shown(front)
    # The students see the same points, and which are their own.
    for pupil, own in zip(pupils, runs, strict=True):
        assert "Networks: 2." in text(pupil)
        points = pa.ipc.open_stream(networks_chart(pupil).data.data).read_all().to_pylist()
        assert {one["run"]: one["name"] for one in points} == {
            run.id: "Your networks" if run is own else "" for run in runs
        }
        assert networks_chart(pupil).alt == networks_chart(front).alt
    names = [seat.name for seat in board.seats]
    assert not any(name in shown(front) for name in names)
    count = sum(accuracy is not None and accuracy >= 0.3 for accuracy in reached)
    assert f"{count} have reached the goal" in shown(front).replace("has", "have")
    assert text(training).count("1 network ·") == 2
    assert not any("Guessed" in text(page) for page in (*pupils, front))

    move(training, "End the training (done: 2 of 2)")
    assert not [one for one in pupils[0].run().button if one.key == "class-train"]
    move(training, "Show the result")
    assert "Guessed: 40–49: 1, 90–100: 1." in text(front)
    assert f"Your guess: **40%**. The validation accuracy of your last network: **{reached[0]:.1%}**." in text(
        pupils[0]
    )
    assert not any(name in text(front) for name in names)
    move(training, "Next task")
    assert "Your guess: **40%**" not in text(pupils[0])


def networks_chart(app: AppTest) -> Any:
    """The picture of all networks, as it was sent."""
    [found] = [one.proto for one in app.get("vega_lite_chart") if one.proto.alt.startswith("Networks:")]
    return found


def one_key(pupil: AppTest, part: str) -> str:
    return next(str(one.key) for one in pupil.number_input if part in str(one.key))


def test_network_needs_no_guess_and_has_no_free_settings(training: AppTest) -> None:
    now = class_of(training)
    plan = (dataclasses.replace(NETWORK, free=(), predict=False, own_seed=False),)
    classes().move(training.session_state["workspace"], now.id, now.revision, plan=to_json(plan))
    pupil = student(training)
    move(training, "Let them train")
    assert "Its settings stay as they are." in text(pupil)
    assert not [one for one in pupil.number_input if "units" in str(one.key)]
    assert train(pupil).config.seed == 5


def test_run_is_there_again_after_a_reload(training: AppTest) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 50)
    run = train(pupil)
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    token = pupil.session_state["workspace"]
    again.session_state["workspace"] = again.session_state["workspace-arrived-noted"] = token
    again.session_state["is-workspace-used"] = True
    again.switch_page("pages/classroom.py")
    again.query_params["join"] = class_of(training).code or ""
    again.run()
    assert not again.exception
    assert any(
        run.snapshot.evaluation and f"{run.snapshot.evaluation.accuracy:.2%}" in str(one.value) for one in again.metric
    )
    assert again.button(key="class-train").label == "Train"


def test_run_that_came_too_late_is_stopped(training: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 50)
    pupil.run()
    now = class_of(training)
    classes().move(training.session_state["workspace"], now.id, now.revision, phase=SHUT)
    with monkeypatch.context() as patch:
        # The page still shows the board from before the move.
        patch.setattr(membership.boards(), "board", lambda _id: (dataclasses.replace(board_of(training), now=now), 0.0))
        pupil.button(key="class-train").click().run()
    run = wait_for_end(pupil)
    assert run.is_stopping or not run.snapshot.status.is_active
    assert board_of(training).runs == {}


def test_run_is_handed_in_later_if_the_database_was_away(training: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 50)
    pupil.run()

    with monkeypatch.context() as patch:
        patch.setattr(Classes, "hand_in_run", database_is_away)
        pupil.button(key="class-train").click().run()
        assert "Your teacher does not see this network yet. The database is away. Wait." in shown(pupil)
    run = wait_for_end(pupil)
    assert "does not see" not in text(pupil)
    assert [one.run for one in board_of(training).runs[1]] == [run.id]


def test_full_computer_has_a_line(training: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_line.shared.cache_clear()
    pupils = [student(training) for _ in range(2)]
    move(training, "Let them train")

    def full(*_: object, **__: object) -> None:
        raise CapacityError("Too many networks train.", "Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(scheduler.Scheduler, "submit", full)
        for place, pupil in enumerate(pupils, 1):
            guess(pupil, 50)
            pupil.button(key="class-train").click().run()
            assert f"You are number {place} in line" in shown(pupil)
        assert board_of(training).runs == {}
        assert "You are number 2 in line" in text(pupils[1])
    assert "You are number 2 in line" in text(pupils[1])  # It is not their turn.
    assert "in line" not in text(pupils[0])
    assert "in line" not in text(pupils[1])
    for pupil in pupils:
        wait_for_end(pupil)
    assert saver.shared().wait_until_saved(60)
    assert sorted(board_of(training).runs) == [1, 2]


def test_network_that_is_begun_again(training: AppTest) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 50)
    train(pupil)
    move(training, "Delete what was handed in, begin again")
    move(training, "Let them train")
    pupil.run()
    assert pupil.slider(key="class-guess-value").value == 50
    assert board_of(training).runs == {}


def test_best_seats_are_named_only_if_the_teacher_wants_it(training: AppTest) -> None:
    pupil, front = student(training), wall(training)
    move(training, "Let them train")
    guess(pupil, 50)
    train(pupil)
    move(training, "End the training")
    move(training, "Show the result")
    name = board_of(training).seats[0].name
    assert name not in text(front)
    now = class_of(training)
    plan = to_json((dataclasses.replace(NETWORK, ranking=True), OWN))
    classes().move(training.session_state["workspace"], now.id, now.revision, plan=plan)
    assert name in text(front)


def test_network_is_added_at_the_desk(desk: AppTest) -> None:
    desk.text_input(key="plan-network-link").set_value(
        "https://host.example/?layers=dense-8-relu&validation_fraction=0.1"
    )
    desk.multiselect(key="plan-network-free").set_value(["layers", "epochs"])
    desk.number_input(key="plan-network-accuracy").set_value(95.0)
    desk.number_input(key="plan-network-parameters").set_value(20_000)
    desk.toggle(key="plan-network-predict").set_value(False)
    press(desk, "Add the network")
    task = from_json(class_of(desk).plan)[1]
    link = "https://host.example/?layers=dense-8-relu&validation_fraction=0.1"
    assert task == Train(task.id, link, ("layers", "epochs"), True, False, 0.95, 20_000)
    press(desk, "Add the network")  # That of the own editor, with images for validation.
    own = from_json(class_of(desk).plan)[1]
    assert isinstance(own, Train)
    assert "validation_fraction=0.2" in own.link


def test_link_that_is_none_is_refused_at_the_desk(desk: AppTest) -> None:
    before = class_of(desk).plan
    desk.text_input(key="plan-network-link").set_value("layers=dense-8-relu")
    press(desk, "Add the network")
    assert "Set validation_fraction=0.2 in the link." in shown(desk)
    assert class_of(desk).plan == before


# --- Coming back -------------------------------------------------------------------------------------------------


def forgetful(desk: AppTest) -> AppTest:
    """A student whose browser keeps no cookies, who has scanned the code."""
    app = visitor()
    app.session_state["workspace-hidden-noted"] = app.session_state["workspace"]
    app.text_input(key="class-code").set_value(class_of(desk).code or "")
    return press(app, "Join")


def test_browser_without_cookies_chooses_its_seat(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    student(desk)
    here = student(desk)
    lost, other = board_of(desk).seats
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(membership.boards(), "_wall_clock", lambda: later)
    monkeypatch.setattr(classes(), "_clock", lambda: later)
    text(here)  # It is still there.
    back = forgetful(desk)
    assert back.title[0].value == "Which name was yours?"
    assert lost.name in shown(back)
    assert other.name not in shown(back)
    press(back, lost.name)
    assert lost.name in text(back)
    assert "I need help" in shown(back)
    assert [seat.name for seat in board_of(desk).seats] == [lost.name, other.name]


def test_browser_without_cookies_takes_a_new_seat(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    student(desk)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    new = forgetful(desk)
    press(new, "I am new")
    assert len(board_of(desk).seats) == 2
    assert board_of(desk).seats[1].name in text(new)


def test_first_browser_without_cookies_is_not_asked(desk: AppTest) -> None:
    new = forgetful(desk)
    assert board_of(desk).seats[0].name in text(new)


def another_page(pupil: AppTest) -> str:
    """What the Train page of a student's tab shows, in a session of its own: page tests run app.py in the first run."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name in ("workspace", "workspace-arrived-noted", "class-seat-noted", "class-revision-noted"):
        if name in pupil.session_state:
            app.session_state[name] = pupil.session_state[name]
    return shown(app.run())


def test_other_pages_lead_back_to_the_class(desk: AppTest) -> None:
    pupil = student(desk)
    name = board_of(desk).seats[0].name
    assert f":material/event_seat: **{name}**\n" in another_page(pupil)
    move(desk, "Open the vote")
    assert "the class has moved on" in another_page(pupil)
    text(pupil)
    assert "the class has moved on" not in another_page(pupil)
    classes().end(desk.session_state["workspace"], class_of(desk).id)
    assert name not in another_page(pupil)


def test_other_pages_say_nothing_of_a_class_to_others(desk: AppTest) -> None:
    assert "event_seat" not in another_page(visitor())


# --- The end -----------------------------------------------------------------------------------------------------


def test_what_was_handed_in_is_there_after_the_end(desk: AppTest) -> None:
    pupil, front = student(desk), wall(desk)
    name = board_of(desk).seats[0].name
    move(desk, "Open the vote")
    vote(pupil, 0)
    offered = [one.proto.label for one in desk.run().get("download_button")]
    assert offered == ["Save this plan", "Sheet for students", "Report", "Table"]
    desk.button(key="class-end-now-always").click().run()
    seen = text(desk)
    assert "The lesson has ended." in seen
    assert "What was handed in is here until" in seen
    assert name not in seen
    assert [one.proto.label for one in desk.get("download_button")] == ["Report", "Table"]
    assert "The lesson has ended." in text(front)
    assert "The lesson has ended." in text(pupil)
    press(desk, "Delete it now")
    assert classes().led_by(desk.session_state["workspace"]) == []
    assert "Start a class" in shown(desk)


@pytest.mark.parametrize("key", READY_PLANS)
def test_ready_plan_uses_the_data_of_the_server(key: str) -> None:
    teacher = visitor()
    teacher.selectbox(key="class-plan").set_value(key)
    press(teacher, "Start a class")
    plan = from_json(class_of(teacher).plan)
    assert [task.id for task in plan] == [task.id for task in READY_PLANS[key].tasks]
    assert {config_of(task).dataset for task in plan if isinstance(task, Train)} == {"embedded"}


def start_with_file(data: bytes) -> AppTest:
    teacher = visitor()
    teacher.file_uploader(key="class-plan-file").set_value(("plan.json", data, "application/json"))
    return press(teacher, "Start a class")


def test_saved_plan_opens_in_another_class() -> None:
    teacher = start_with_file(to_json((OWN, NETWORK)).encode())
    assert from_json(class_of(teacher).plan) == (OWN, NETWORK)
    assert "Save this plan" in [one.proto.label for one in teacher.get("download_button")]


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b'[{"id": "q1", "kind": "dance"}]', b"[" * 100_000])
def test_file_that_is_no_plan_starts_no_class(data: bytes) -> None:
    teacher = start_with_file(data)
    assert not teacher.exception
    assert len(teacher.error) == 1
    assert classes().led_by(teacher.session_state["workspace"]) == []


def test_press_on_train_after_the_end_starts_nothing_later(training: AppTest) -> None:
    pupil = student(training)
    move(training, "Let them train")
    guess(pupil, 50)
    pupil.run()
    move(training, "End the training")
    pupil.button(key="class-train").click().run()  # The page still had the button.
    assert not pupil.exception
    move(training, "Train longer")
    text(pupil)
    assert board_of(training).runs == {}
    assert len(pupil.session_state["runs"]) == 0


def test_new_task_never_has_the_id_of_a_removed_one(desk: AppTest) -> None:
    before = {task.id for task in from_json(class_of(desk).plan)}
    desk.button(key="plan-remove").click().run()
    new = next(name for name in known_questions() if name not in {task.question for task in questions(desk)})
    desk.selectbox(key="plan-known").set_value(new).run()
    desk.button(key="plan-add-known").click().run()
    [added] = {task.id for task in from_json(class_of(desk).plan)} - before
    assert added not in before


def test_seat_that_another_browser_has_taken_over(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    now, later = class_of(desk), time.time() + 60
    monkeypatch.setattr(classes(), "_clock", lambda: later)
    classes().take_over(now.id, 1, new_workspace())
    seen = text(pupil)
    assert "Another browser goes on in your seat." in seen
    assert question_of(questions(desk)[0]).text not in seen
    assert not [one for one in pupil.button if "✓" in one.label]


def test_last_move_asks_before_it_deletes_the_names(desk: AppTest) -> None:
    now = class_of(desk)
    classes().move(desk.session_state["workspace"], now.id, now.revision, plan=to_json((OWN,)), task="own", phase=SHOWN)
    desk.run()
    assert not [one for one in desk.button if one.label == "End the lesson"]
    assert class_of(desk).ended is None
    desk.button(key="class-end-now-next").click().run()
    assert class_of(desk).ended is not None


# --- Digits to draw ----------------------------------------------------------------------------------------------

DRAWING = Draw("d1", (1, 4))


@pytest.fixture
def drawing(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A desk whose class is about to draw digits, after it has trained a network."""
    now = class_of(desk)
    plan = to_json((NETWORK, DRAWING, OWN))
    # A test of pages cannot click into a component, but it can press buttons.
    monkeypatch.setattr(image_buttons, "image_buttons", as_buttons)
    classes().move(desk.session_state["workspace"], now.id, now.revision, plan=plan, at=1, task="d1")
    desk.run()
    return desk


def as_buttons(buttons: list[ImageButton], key: str, on_click: Callable[[int], None], title: str = "") -> None:
    """A button for each image that can be clicked."""
    for one in buttons:
        st.button(one.label, key=f"{key}-{one.number}", on_click=on_click, args=(one.number,), help=title)


def hand_in(pupil: AppTest, picture: np.ndarray | None = None) -> None:
    """Draw a vertical line, or what is given, and hand it in. No two lines are the same: that is no new drawing."""
    pupil.run()
    at = next(PLACES)
    draw(pupil, ONE if picture is None else picture, [{"path": [["M", at, 40], ["L", at, 240]]}])
    press(pupil, "Hand in")
    assert not pupil.exception


def labels_of(desk: AppTest, seat: int = 1) -> list[tuple[int, bool]]:
    return [(one.label, one.is_hidden) for one in board_of(desk).drawings.get(seat, ())]


def click_image(app: AppTest, key: str, number: int) -> None:
    app.run()
    app.button(key=f"{key}-{number}").click().run()
    assert not app.exception


def test_digits_from_sheet_to_result(drawing: AppTest) -> None:
    pupils, front = [student(drawing) for _ in range(2)], wall(drawing)
    assert "Look at the front." in text(pupils[0])
    move(drawing, "Let them draw")
    assert "Draw a 1" in text(pupils[0])
    hand_in(pupils[0])
    assert labels_of(drawing) == [(1, False)]
    saved = classes().drawings(class_of(drawing).id, "d1", [1])[1][0]
    found = test_set.unpack(saved.data, 1)
    assert np.array_equal(found.image, test_set.pixels_of(preprocessing.to_mnist(ONE).image))
    assert [one[:, 1].tolist() for one in found.strokes] == [[40.0, 240.0]]
    assert "Draw a 4" in text(pupils[0])
    hand_in(pupils[0])
    assert "That was the last digit." in text(pupils[0])
    hand_in(pupils[1])
    assert "**1 of 2** have drawn all." in text(front)
    assert front.title[0].value == "3"
    assert not images(front)
    assert text(drawing).count("of 2 drawn") == 2

    # A click draws one again.
    pupil = pupils[0]
    before = classes().drawings(class_of(drawing).id, "d1", [1])[1]
    click_image(pupil, "class-own-drawings", 0)
    assert labels_of(drawing) == [(1, False), (4, False)]  # It stays until there is a new one.
    assert "Draw a 1" in text(pupil)
    hand_in(pupil)
    after = classes().drawings(class_of(drawing).id, "d1", [1])[1]
    assert (after[0].data != before[0].data, after[1]) == (True, before[1])
    assert "That was the last digit." in text(pupil)

    move(drawing, "End the drawing (done: 1 of 2)")
    assert "The drawing has ended." in text(pupils[0])
    assert not images(front.run())
    move(drawing, "Show the result")
    read_all(drawing)
    answers = [int(shipped().network.predict(found.image[np.newaxis]).argmax())] * 3
    share = sum(answer == label for answer, label in zip(answers, (1, 4, 1), strict=True)) / 3
    assert f"the built-in network reads: **{share:.0%}** right." in text(front)
    assert len(images(front)) == 3
    assert "Your drawings, and how many networks misread each" in text(pupils[0])


def read_all(desk: AppTest) -> None:
    """Wait until the networks have read all drawings."""
    wait_until(lambda: drawings.class_tests().test(board_of(desk)).waiting == 0)


def images(app: AppTest) -> list[Any]:
    assert not app.exception
    return [*app.get("imgs"), *app.get("image")]


def test_networks_of_the_class_read_its_drawings(training: AppTest) -> None:
    pupils, front = [student(training) for _ in range(2)], wall(training)
    now = class_of(training)
    plan = to_json((dataclasses.replace(NETWORK, predict=False), DRAWING))
    classes().move(training.session_state["workspace"], now.id, now.revision, plan=plan, phase=OPEN)
    runs = [train(pupil) for pupil in pupils]
    now = class_of(training)
    classes().move(training.session_state["workspace"], now.id, now.revision, at=1, task="d1")
    for pupil in pupils:
        hand_in(pupil)
    move(training, "End the drawing")
    move(training, "Show the result")
    read_all(training)
    image = test_set.pixels_of(preprocessing.to_mnist(ONE).image)[np.newaxis]
    ends = [run.snapshot.network for run in runs]
    right = [network is not None and int(network.predict(image).argmax()) == 1 for network in ends]
    shares = [float(one) for one in right]
    assert f"**2** drawings, 2 networks: they read **{min(shares):.0%}** to **{max(shares):.0%}** right." in text(front)
    for pupil, share in zip(pupils, shares, strict=True):
        found = text(pupil)
        assert f"reads **{share:.0%}** of the drawings right." in found
        assert ("Your network reads the drawings of the class best." in found) == (share == max(shares))
    first = board_of(training).seats[shares.index(max(shares))].name
    best = "Reads best: " if shares[0] != shares[1] else "2 networks read best; the smallest: "
    assert best in text(front)
    assert re.search(f"{best}.*{first}", text(training))
    assert not any(seat.name in text(front) for seat in board_of(training).seats)


def test_teacher_takes_a_drawing_out_and_puts_it_back(drawing: AppTest) -> None:
    pupil, front = student(drawing), wall(drawing)
    move(drawing, "Let them draw")
    hand_in(pupil)
    drawing.run()
    click_image(drawing, "desk-drawings", 2 * MAX_OF_SEAT)
    assert labels_of(drawing) == [(1, True)]
    assert "Your teacher has taken out what the others should not see." in text(pupil)
    move(drawing, "End the drawing")
    move(drawing, "Show the result")
    assert "Nobody has handed in a drawing." in text(front)
    assert not images(front)
    click_image(drawing, "desk-drawings", 2 * MAX_OF_SEAT + 1)
    assert labels_of(drawing) == [(1, False)]
    read_all(drawing)
    assert len(images(front.run())) == 1


def test_empty_sheet_and_a_dot_are_not_handed_in(drawing: AppTest) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    pupil.run()
    press(pupil, "Hand in")
    assert "Draw the digit first." in shown(pupil)
    dot = strokes.render((np.array([[0.5, 0.5], [0.5, 0.5]]),), 20)
    hand_in(pupil, dot)
    assert "Draw the digit first." in shown(pupil)
    assert labels_of(drawing) == []
    hand_in(pupil)
    assert "Draw the digit first." not in text(pupil)
    assert labels_of(drawing) == [(1, False)]


def test_drawing_that_cannot_be_saved_stays_on_the_sheet(drawing: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    with monkeypatch.context() as patch:
        patch.setattr(Classes, "hand_in_drawing", database_is_away)
        hand_in(pupil)
        assert "Your drawing is not handed in." in shown(pupil)
    press(pupil, "Hand in")
    assert labels_of(drawing) == [(1, False)]


def test_move_leaves_the_pen_in_the_hand_for_a_moment(drawing: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    pupil.run()
    draw(pupil, ONE, LINE)
    move(drawing, "End the drawing")
    assert "The class has moved on." in text(pupil)
    press(pupil, "Hand in")
    assert labels_of(drawing) == []
    assert "This task is closed." in shown(pupil)
    monkeypatch.setattr(following, "HOLD_SECONDS", 0.0)
    assert "The drawing has ended." in text(pupil)
    assert "The class has moved on." not in shown(pupil)
    # The drawing is still there.
    move(drawing, "Draw longer")
    pupil.run()
    press(pupil, "Hand in")
    assert labels_of(drawing) == [(1, False)]


def test_who_has_drawn_nothing_follows_at_once(drawing: AppTest) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    pupil.run()
    move(drawing, "End the drawing")
    assert "The drawing has ended." in text(pupil)


def test_own_drawings_can_be_deleted_after_the_end(drawing: AppTest) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    hand_in(pupil)
    move(drawing, "End the drawing")
    pupil.run()
    press(pupil, "Delete them")
    assert labels_of(drawing) == []


def test_drawing_task_is_added_at_the_desk(desk: AppTest) -> None:
    pills = next(one for one in desk.button_group if one.key == "plan-drawing-digits")
    pills.set_value([4, 9])
    press(desk, "Add the drawing")
    assert not desk.exception
    [task] = [one for one in from_json(class_of(desk).plan) if isinstance(one, Draw)]
    assert (task.digits, task.each) == ((4, 9), 1)
    press(desk, "Add the drawing")
    assert "are not digits to draw." in shown(desk)


def test_drawings_are_saved_as_files(drawing: AppTest) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    hand_in(pupil)
    now = class_of(drawing)
    for _ in range(2):  # Before the end and after it.
        found, writers = drawings.labelled(classes().work(drawing.session_state["workspace"], now.id))
        assert [one.label for one in found] == [1]
        assert writers == ["w1"]
        assert test_set.to_jsonl(found, writers).count("w1") == 1
        classes().end(drawing.session_state["workspace"], now.id)
    assert "Drawings" in [one.proto.label for one in drawing.run().get("download_button")]


# --- Something to look at ----------------------------------------------------------------------------------------


def show(desk: AppTest, *tasks: Task) -> None:
    """Make a plan of these tasks, and show the last one."""
    now = class_of(desk)
    at = {"at": len(tasks) - 1, "task": tasks[-1].id, "phase": SHOWN}
    classes().move(desk.session_state["workspace"], now.id, now.revision, plan=to_json(tasks), **at)
    desk.run()


def test_summary_names_nobody_and_each_has_a_card(drawing: AppTest) -> None:
    pupils, front = [student(drawing) for _ in range(3)], wall(drawing)
    now = class_of(drawing)
    tokens = [seat_token(pupil.session_state["workspace"]) for pupil in pupils]
    owner = drawing.session_state["workspace"]
    now = classes().move(owner, now.id, now.revision, at=2, task="own", phase=OPEN)
    for round_, choices in ((1, (0, 1, 1)), (2, (0, 0, 1))):
        now = classes().move(owner, now.id, now.revision, round=round_)
        for token, choice in zip(tokens, choices, strict=True):
            classes().vote(now.id, token, "own", round_, choice)
    show(drawing, NETWORK, DRAWING, OWN, Look("end", "summary"))
    assert "Nothing has been handed in yet." in text(front)  # No result was shown.
    assert "**✓ → ✓**" not in text(pupils[0])
    assert "Points: **0 of 3**" in text(pupils[0])
    now = class_of(drawing)
    now = classes().move(owner, now.id, now.revision, at=2, task="own", phase=SHOWN)
    classes().move(owner, now.id, now.revision, at=1, task="d1", phase=OPEN, round=1)
    hand_in(pupils[0])
    hand_in(pupils[0])
    now = class_of(drawing)
    classes().move(owner, now.id, now.revision, phase=SHOWN)
    show(drawing, NETWORK, DRAWING, OWN, Look("end", "summary"))
    wait_until(lambda: drawings.class_tests().test(classes().board(now.id, "d1")).waiting == 0)
    found = text(front)
    question = question_of(OWN).text.replace("*", "\\*").replace("$", "\\$").replace("<", "\\<")
    assert "**33% → 67%**" in found
    assert "**33%** right, after talking **67%**" in text(pupils[0])
    assert "**2** drawings." in found
    assert question.split()[0] in found
    names = [seat.name for seat in board_of(drawing).seats]
    assert not any(name in found for name in names)
    key = classes().result_key(now.id)
    for number, (pupil, name, marks, points) in enumerate(
        zip(pupils, names, ("✓ → ✓", "✗ → ✓", "✗ → ✗"), (2, 1, 0), strict=True), 1
    ):
        card = text(pupil)
        assert f"Your card: {name}" in card
        assert f"**{marks}**" in card
        assert f"Points: **{points} of 3**" in card
        assert f"Result code: **{result_code(key, number, points)}**" in card
    assert "You have drawn **2** digits." in text(pupils[0])
    assert "Keep my network" not in text(pupils[0])

    # Pasted at the desk, also after the end.
    lines = [f"Ada {result_code(key, 1, 2)}", f"Ben {result_code(key, 2, 1).lower()}", "Cem 0000-0000", ""]
    lines.append(f"Dan {result_code(key, 1, 3)}")
    for _ in range(2):
        drawing.text_area(key="class-codes").set_value("\n".join(lines)).run()
        for line in ("Ada", "Ben"):
            assert re.search(rf"{line} .*: \*\*{2 if line == 'Ada' else 1} of 3\*\* points", shown(drawing))
        assert "Cem 0000-0000: no code of this class" in shown(drawing)
        assert shown(drawing).count("this seat stands here twice") == 1
        classes().end(owner, now.id)
        drawing.run()


def test_late_comer_reads_what_they_have_missed(desk: AppTest) -> None:
    early, owner = student(desk), desk.session_state["workspace"]
    show(desk, OWN)
    late = student(desk)
    now = class_of(desk)
    plan = (OWN, NETWORK, Look("end", "summary"))
    classes().move(owner, now.id, now.revision, plan=to_json(plan), at=1, task="n1", phase=READY)
    note = "You came later and have missed 1 task. You need not catch up."
    assert note in text(late)
    assert "missed" not in text(early)
    show(desk, *plan)
    assert f":gray[{question.question_text(OWN)} · missed]" in text(late)
    assert "missed" not in text(early)
    table = csv.DictReader(io.StringIO(ending.written(class_report.class_csv, class_of(desk), owner)))
    assert [(row["task"], row["seat"], row["missed"]) for row in table] == [("1", board_of(desk).seats[1].name, "yes")]


def test_own_network_is_pinned_from_the_card(training: AppTest) -> None:
    pupil = student(training)
    now = class_of(training)
    plan = to_json((dataclasses.replace(NETWORK, predict=False), Look("end", "summary")))
    classes().move(training.session_state["workspace"], now.id, now.revision, plan=plan, phase=OPEN)
    run = train(pupil)
    now = class_of(training)
    classes().move(training.session_state["workspace"], now.id, now.revision, at=1, task="end", phase=SHOWN)
    pupil.run()
    assert recovery_code(pupil.session_state["workspace"]) not in [one.value for one in pupil.code]
    pupil.button(key="class-keep").click().run()
    assert recovery_code(pupil.session_state["workspace"]) in [one.value for one in pupil.code]
    assert saver.shared().store.load(pupil.session_state["workspace"], run.id).summary.is_pinned


@pytest.mark.parametrize("at", ["image/3", "map", "run", "step/splits", "fault/high"])
def test_what_the_wall_shows(desk: AppTest, at: str) -> None:
    pupil, front = student(desk), wall(desk)
    now = class_of(desk)
    task = Look("l1", at, "layers=none&epochs=1" if at == "run" else "")
    classes().move(desk.session_state["workspace"], now.id, now.revision, plan=to_json((task, OWN)), task="l1")
    assert "Look at the front." in text(pupil)
    fault = FAULTS["high"]
    move(desk, "Show it")
    found = text(front)
    assert look_task.title_of(task) in found
    if at == "image/3":
        label = int(digits().test_labels[3])
        assert f"Test image 3. Its label says: **{pictures.with_article(label)}**." in found
        assert len(images(front)) == len(images(pupil.run())) == 1
    elif at == "map":
        assert "training images as points" in found
        assert "training images as points" in text(pupil)
    elif at == "step/splits":
        assert step_of("splits").text in found
        assert step_of("splits").text in text(pupil)
    else:
        looked_at = look_task._trials(task)
        wait_until(lambda: any(run.snapshot.points for run in trials.trial_runs(looked_at, digits()).values()))
        assert "Curves: the accuracy of" in text(pupil)
    if task.what == "fault":
        assert not any(fault.symptom in text(page) for page in (front, pupil))
        move(desk, "Show the answer")
        assert all(fault.symptom in text(page) for page in (front, pupil))
    move(desk, "Next task")
    assert "Open the vote" in text(desk)


def test_drawing_of_the_teacher_from_the_sheet_to_the_wall(training: AppTest) -> None:
    pupil, front = student(training), wall(training)
    training.session_state["plan-own-drawing"] = True
    press(training.run(), "Add my drawing")
    assert "Draw the digit first." in shown(training)
    draw(training, ONE, LINE)
    press(training, "Add my drawing")
    assert not training.exception
    press(training, "Add my drawing")
    assert "Draw the digit first." in shown(training)  # The sheet is empty again.
    [_network, task, _own] = from_json(class_of(training).plan)
    assert isinstance(task, Look)
    image = test_set.pixels_of(preprocessing.to_mnist(ONE).image)
    assert np.array_equal(drawing_of(task), image)

    # Without a network of the class the built-in one reads; later those of the class do.
    url = pictures.ink_url(image, 10)
    built_in = pictures.with_article(int(shipped().network.predict(image[np.newaxis]).argmax()))
    show(training, NETWORK, task)
    read_it = functools.partial(drawings.class_tests().read, image=image)
    wait_until(lambda: len(read_it(board_of(training)).networks) == 1)
    for page in (front, pupil):
        assert f"The built-in network reads **{built_in}**." in text(page)
        assert [one.url for shown_ in images(page) for one in shown_.proto.imgs] == [url]
    assert "Look: A drawing" in shown(training)
    now = class_of(training)
    plan = to_json((dataclasses.replace(NETWORK, predict=False), task))
    classes().move(training.session_state["workspace"], now.id, now.revision, plan=plan, at=0, task="n1", phase=OPEN)
    run = train(pupil)
    show(training, NETWORK, task)
    wait_until(lambda: not (found := read_it(board_of(training))).is_built_in and found.waiting == 0)
    assert run.snapshot.network is not None
    answer = int(run.snapshot.network.predict(image[np.newaxis]).argmax())
    for page in (front, pupil):
        assert "**1** network of the class has read it." in text(page)
        assert f"Digits that were read, and by how many networks: {answer}: 1." in shown(page)


@pytest.mark.usefixtures("no_shared_runs")
@pytest.mark.parametrize(("key", "least", "most"), [("dead", 0.0, 0.2), ("inverted", 0.0, 0.2), ("leak", 0.99, 1.0)])
def test_case_of_the_lab_that_needs_its_matrix(desk: AppTest, key: str, least: float, most: float) -> None:
    """A healthy run reads 98% of these test images."""
    pupil, front = student(desk), wall(desk)
    now, task = class_of(desk), Look("l1", f"fault/{key}")
    plan = {"plan": to_json((task, OWN)), "task": "l1", "phase": OPEN}
    classes().move(desk.session_state["workspace"], now.id, now.revision, **plan)
    assert FAULTS[key].symptom not in text(front)
    [run] = trials.trial_runs(look_task._trials(task), digits()).values()
    wait_until(lambda: not run.snapshot.status.is_active)
    assert run.snapshot.evaluation is not None
    share = run.snapshot.evaluation.accuracy
    assert least <= share <= most
    assert f"Test: **{share:.1%}** right" in text(front)
    for page in (front, pupil.run()):
        [matrix] = page.get("plotly_chart")
        assert f"{share * len(digits().test_labels):.0f} of {len(digits().test_labels)} are right" in matrix.proto.alt
        assert FAULTS[key].symptom not in shown(page)
    move(desk, "Show the answer")
    for page in (front, pupil):
        assert FAULTS[key].symptom in text(page)
        assert len(page.get("plotly_chart")) == 1


@pytest.mark.usefixtures("no_shared_runs")
def test_run_on_the_wall_counts_for_the_address(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    fronts = [wall(desk) for _ in "ab"]
    spent: list[str] = []
    monkeypatch.setattr(visitor_limits, "spend", spent.append)
    monkeypatch.setattr(visitor_limits, "give_back", spent.remove)

    def look_at(key: str, link: str = "") -> str:
        show(desk, Look("l1", key, link))
        return "".join(text(front) for front in fronts)

    look_at("fault/high")
    assert spent == []  # A case of the lab is the same for all.
    look_at("run", "layers=none&epochs=1")
    assert spent == [limits.RUNS]  # One run for both walls.

    def full(*_: object, **__: object) -> None:
        raise CapacityError("The server is full.", "Wait.")

    monkeypatch.setattr(scheduler.Scheduler, "submit", full)
    assert "The server is full." in look_at("run", "layers=none&epochs=2")
    assert spent == [limits.RUNS]


def test_look_is_added_at_the_desk(desk: AppTest) -> None:
    desk.selectbox(key="plan-look-at").set_value("run")
    press(desk, "Add it")
    desk.number_input(key="plan-look-image").set_value(149)
    press(desk, "Add it")
    press(desk, "Add it")
    assert "names nothing that can be shown." in shown(desk)
    found = [one for one in from_json(class_of(desk).plan) if isinstance(one, Look)]
    assert [one.at for one in found] == ["image/149", "run"]
    assert config_of(found[1]).validation_fraction == 0.2  # That of the editor, with images held back.


# --- Before the lesson -------------------------------------------------------------------------------------------


def test_class_is_filled_and_emptied_again(training: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.widgets.classroom.rehearsal._COUNT", 2)
    monkeypatch.setattr("mnist_core.classes.pretend.SLOWEST", 1.0)
    monkeypatch.setattr("mnist_core.classes.pretend._LOOK_SECONDS", 0.01)
    pupil = student(training)
    training.run()
    press(training, "Fill with 2 pretend students")
    assert "2 pretend students are here." in text(training)
    assert [seat.pretend for seat in board_of(training).seats] == [False, True, True]
    move(training, "Let them train")
    wait_until(lambda: len(board_of(training).runs) == 2)
    wait_until(lambda: all(runs[0].has_ended for runs in board_of(training).runs.values()))
    assert "2 of 3" in text(wall(training))
    press(training, "Take them away")
    assert [seat.pretend for seat in board_of(training).seats] == [False]
    assert "Your guess first" in text(pupil) or pupil.slider(key="class-guess-value")
    wait_until(lambda: not any(one.name == "pretending" for one in threading.enumerate()))


def test_pretend_students_are_offered_once_the_images_are_there(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk may be the first page of a server, and asks for nothing else until the teacher does something."""
    images, loading = digits(), data_sets.Loading()
    monkeypatch.setattr(data_sets, "loading_data_set", lambda _name: loading)
    desk.run()
    assert desk.button(key="pretend-fill").disabled
    reruns: list[bool] = []
    with monkeypatch.context() as patch:
        patch.setattr(st, "rerun", lambda: reruns.append(True))
        rehearsal._await_images(loading)
        assert not reruns
        loading.error = "The images cannot be loaded."
        loading.done.set()
        rehearsal._await_images(loading)
        assert reruns
    assert "The images cannot be loaded." in [one.value for one in desk.run().error]

    loading.error, loading.dataset = "", images
    assert not desk.run().button(key="pretend-fill").disabled


def test_pretend_students_go_on_after_a_restart(training: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.classes.pretend.SLOWEST", 1.0)
    monkeypatch.setattr("mnist_core.classes.pretend._LOOK_SECONDS", 0.01)

    # The process that has filled the class is gone: nobody acts for them.
    owner = training.session_state["workspace"]
    gone = PretendStudents(classes(), membership.boards(), owner, digits(), lambda *_: "", lambda *_: None)
    assert gone.join(class_of(training).id, 2) == 2
    assert text(training)
    assert class_of(training).id not in rehearsal._acting()
    monkeypatch.setattr("mnist_core.store.class_records.AWAY_SECONDS", -1.0)  # They are away at once.
    move(training, "Let them train")
    assert class_of(training).id in rehearsal._acting()
    wait_until(lambda: len(board_of(training).runs) == 2)
    # Their networks are deleted with the lesson.
    class_id = class_of(training).id
    training.run()
    training.button(key="class-delete-always").click().run()
    wait_until(lambda: not any(one.name == "pretending" for one in threading.enumerate()))
    assert class_id not in rehearsal._acting()
    assert saver.shared().wait_until_saved(60)
    assert [saver.shared().list(pretend._workspace(owner, class_id, place)) for place in (0, 1)] == [(), ()]


def test_plan_of_a_link_starts_a_class(desk: AppTest) -> None:
    [link] = [one.value for one in desk.code if "?plan=" in one.value]
    other = visitor(plan=link.partition("?plan=")[2])
    assert other.selectbox(key="class-plan").options[0] == "The plan of the link"
    press(other, "Start a class")
    assert class_of(other).plan == class_of(desk).plan
    assert "plan" not in other.query_params


def test_link_with_a_damaged_plan_starts_no_class() -> None:
    damaged = visitor(plan="abcd")
    press(damaged, "Start a class")
    assert "is not a link to a plan." in shown(damaged)


def test_sheet_has_room_for_each_task_and_gives_no_question_away(desk: AppTest) -> None:
    page = rehearsal.handout_page((*questions(desk)[:2], NETWORK, DRAWING, Look("end", "summary")))
    assert page.count("<section>") == 4 + 2
    assert "My guess: ____%" in page
    assert not any(question_of(task).text in page for task in questions(desk))
    with speaking("de"):
        german = rehearsal.handout_page((NETWORK,))
    assert '<html lang="de">' in german
    assert "My guess" not in german


# --- Faults ------------------------------------------------------------------------------------------------------


def test_screens_keep_the_last_picture_while_the_database_is_away(
    drawing: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil, front = student(drawing), wall(drawing)
    move(drawing, "Let them draw")
    hand_in(pupil)
    for page in (drawing, pupil, front):
        page.run()
    monkeypatch.setattr("pages.widgets.classroom.following.STALE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        for name in ("board", "drawings", "ended_runs"):
            patch.setattr(Classes, name, database_is_away)
        for page in (drawing, pupil, front):
            page.run()
            assert not page.exception
            assert any("not up to date since" in one.value for one in page.warning)
        assert "Draw a 4" in shown(pupil)
        assert front.title[0].value == "1"
        patch.setattr(Classes, "hand_in_drawing", database_is_away)
        hand_in(pupil)
        assert "Your drawing is not handed in." in shown(pupil)
    monkeypatch.setattr("pages.widgets.classroom.following.STALE_SECONDS", 60.0)
    press(pupil, "Hand in")
    assert labels_of(drawing) == [(1, False), (4, False)]
    assert not any("not up to date" in one.value for page in (drawing, pupil, front) for one in page.run().warning)


@pytest.mark.parametrize(
    "sent",
    [
        {"raw": {"objects": [{"path": [["L", 1, 2]] * 500_000}]}, "data": ""},
        {"raw": {"objects": LINE}, "data": "data:image/png;base64," + "A" * 10_000_000},
        {"raw": {"objects": [{"path": [["M", 1e308, "x"]]}]}, "data": ""},
    ],
    ids=["10 MB of points", "10 MB of picture", "no numbers"],
)
def test_forged_drawing_is_refused_in_words(drawing: AppTest, sent: object) -> None:
    pupil = student(drawing)
    move(drawing, "Let them draw")
    pupil.run()
    pupil.session_state["canvas"] = {"drawing": sent}
    pupil.run()
    assert pupil.error
    press(pupil, "Hand in")
    assert labels_of(drawing) == []
    assert not pupil.exception


def test_other_class_takes_no_drawing(drawing: AppTest) -> None:
    pupil = student(drawing)
    other = classes().create(new_workspace(), "", to_json((DRAWING,)), "d1")
    token = seat_token(pupil.session_state["workspace"])
    with pytest.raises(ClassNotFoundError):
        classes().hand_in_drawing(other.id, token, "d1", SavedDrawing(0, 1, False, 0.0, b""))
    with pytest.raises(ClassNotFoundError):
        classes().take_back_drawing(other.id, token, "d1", 0)
    with pytest.raises(ClassNotFoundError):
        classes().vote(other.id, token, "d1", 1, 0)


def ballot(pupil: AppTest) -> list[Button]:
    return [one for one in pupil.button if str(one.key).startswith("vote-")]


def tab_of(app: AppTest, **query: str) -> AppTest:
    """Another tab of a browser, on the Class page."""
    new = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/classroom.py")
    new.session_state["workspace"] = new.session_state["workspace-arrived-noted"] = app.session_state["workspace"]
    for name, value in query.items():
        new.query_params[name] = value
    return new.run()


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the clock of the server forward, or back."""

    def now() -> float:
        return real_time() + seconds

    monkeypatch.setattr(time, "time", now)
    monkeypatch.setattr(membership.boards(), "_wall_clock", now)
    monkeypatch.setattr(classes(), "_clock", now)


@on_each_database
def test_seat_in_the_address_opens_no_seat_of_others(desk: AppTest) -> None:
    pupil, now = student(desk), class_of(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    own, elsewhere = seat_token(pupil.session_state["workspace"]), new_workspace()
    other = classes().create(new_workspace(), "", now.plan, "q1")
    classes().join(other.id, elsewhere, draw_name)
    # Made up, of another class, what the database holds of the pupil's, and none at all.
    for number, token in enumerate((new_workspace(), elsewhere, workspace_key(own), "'; --"), 2):
        stranger = visitor(join=now.code or "", seat=token)
        assert [seat.number for seat in board_of(desk).seats] == list(range(1, number + 1))
        assert not any("✓" in one.label for one in ballot(stranger))
        ballot(stranger)[0].click().run()
        found = board_of(desk).votes[1]
        assert (found[1], sorted(found)) == (1, list(range(1, number + 1)))
    board = classes().board(other.id)
    assert ([seat.number for seat in board.seats], board.votes) == ([1], {})


@on_each_database
def test_vote_in_a_closed_phase_is_refused_in_words(desk: AppTest) -> None:
    def reach(phase: str) -> None:
        now = class_of(desk)
        classes().move(desk.session_state["workspace"], now.id, now.revision, phase=phase)

    pupil = student(desk)
    reach(OPEN)
    vote(pupil, 1)
    for phase in (SHUT, SHOWN, READY):
        reach(OPEN)
        pupil.run()
        reach(phase)
        next(one for one in ballot(pupil) if "✓" not in one.label).click().run()
        assert not pupil.exception
        assert [toast.value for toast in pupil.toast] == ["This task is closed. Look at the front."]
        assert not ballot(pupil)
    assert board_of(desk).votes == {1: {1: 1}}


@on_each_database
def test_of_two_tabs_of_a_seat_the_last_vote_counts(desk: AppTest) -> None:
    first = student(desk)
    second = tab_of(first, join=class_of(desk).code or "")
    move(desk, "Open the vote")
    vote(first, 1)
    vote(second, 2)
    assert board_of(desk).votes == {1: {1: 2}}
    assert "✓" in vote_button(first.run(), 2).label
    vote(first, 0)
    assert board_of(desk).votes == {1: {1: 0}}
    move(desk, "Close the vote (1 of 1)")
    letter = "ABCDE"[order_of(questions(desk)[0], class_of(desk).id).index(0)]
    for tab in (first, second):
        assert f"Your vote: **{letter}**" in text(tab)


@on_each_database
def test_votes_stay_in_their_class(desk: AppTest) -> None:
    other = new_desk()
    pupil, theirs = student(desk), student(other)
    for teacher in (desk, other):
        move(teacher, "Open the vote")
    vote(pupil, 1)
    assert "Close the vote (1 of 1)" in text(desk)
    assert "Close the vote (0 of 1)" in text(other)
    vote(theirs, 2)
    # In the other class the same browser has another seat.
    vote(tab_of(pupil, join=class_of(other).code or ""), 0)
    assert board_of(desk).votes == {1: {1: 1}}
    assert board_of(other).votes == {1: {1: 2, 2: 0}}
    assert any("✓" in one.label for one in ballot(pupil.run()))


@on_each_database
def test_sixty_first_browser_reads_that_the_class_is_full(desk: AppTest) -> None:
    now = class_of(desk)
    for _ in range(MAX_SEATS):
        classes().join(now.id, new_workspace(), draw_name)
    late = student(desk)
    assert "The class is full (60). Look on with somebody else." in text(late)
    assert len(board_of(desk).seats) == MAX_SEATS
    classes().remove_seat(desk.session_state["workspace"], now.id, 1)
    assert "Look at the front." in text(late)


def test_wrong_codes_of_others_do_not_keep_a_student_out(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership._code_limits(), "_clock", lambda: 0.0)
    pupil, now = student(desk), class_of(desk)
    for _ in range(59):
        membership._code_limits().spend(limits.CODES, "")
    student(desk)  # A right code costs nothing.
    assert len(board_of(desk).seats) == 2
    assert "No class has this code now." in shown(visitor(join="ZZZZZZ"))
    for code in (now.code or "", "ZZZZZZ"):  # The sixtieth was the last: nothing says which code is right.
        assert "Too many wrong codes were entered on this server." in shown(visitor(join=code))
    assert len(board_of(desk).seats) == 2
    assert "Look at the front." in shown(tab_of(pupil, join=now.code or ""))


@on_each_database
def test_seat_left_before_the_clock_was_set_back_is_empty(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    student(desk)
    here, front = student(desk), wall(desk)
    lost, other = board_of(desk).seats
    set_clock(monkeypatch, -3_600)
    text(here)
    assert "1 here" in text(front)
    back = forgetful(desk)
    assert other.name not in shown(back)
    press(back, lost.name)
    assert "I need help" in text(back)
    assert "2 here" in text(front)
    assert [seat.name for seat in board_of(desk).seats] == [lost.name, other.name]


@on_each_database
def test_class_goes_on_after_its_clock_was_wrong(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil, front = student(desk), wall(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    set_clock(monkeypatch, IDLE_SECONDS + 60)
    membership.boards().save_presence()
    for page in (desk, pupil, front):
        assert "The lesson has ended." in text(page)
    classes().tidy()
    set_clock(monkeypatch, 0)
    assert "Close the vote (1 of 1)" in text(desk)
    assert "1 of 1" in text(front)
    vote(pupil, 2)
    assert "Your vote is saved." in shown(pupil)
    assert board_of(desk).votes == {1: {1: 2}}


def test_forgotten_class_shows_no_names_before_its_seats_are_gone(
    desk: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    vote(pupil, 1)
    [seat] = board_of(desk).seats
    made: list[str] = []
    monkeypatch.setattr(st, "download_button", lambda _label, data, name, *_, **__: made.append(data()))
    set_clock(monkeypatch, IDLE_SECONDS + 60)
    assert "What was handed in is here until" in text(desk)
    assert len(made) == 2
    assert not any(seat.name in one for one in made)


@on_each_database
def test_screens_say_since_when_the_database_is_away(
    desk: AppTest,
    monkeypatch: pytest.MonkeyPatch,
    away: Callable[[Database], contextlib.AbstractContextManager[None]],
) -> None:
    pages = pupil, front, _desk = student(desk), wall(desk), desk
    move(desk, "Open the vote")
    vote(pupil, 1)
    voted = [one.label for one in ballot(pupil) if "✓" in one.label]
    another = order_of(questions(desk)[0], class_of(desk).id).index(2)
    read = 10 * 3_600 + 32 * 60  # 10:32.
    with monkeypatch.context() as patch:
        patch.setattr(membership.boards(), "_wall_clock", lambda: read)
        patch.setattr(time, "time", lambda: read + 1)
        for page in pages:
            text(page)
            assert not page.warning
        patch.setattr(time, "time", lambda: read + 300)
        with away(classes()._database):
            for page in pages:
                page.run()
                assert not page.exception
                said = "The server cannot look at the class: not up to date since 10:32."
                assert said in [one.value for one in page.warning]
            assert "1 of 1" in shown(front)
            ballot(pupil)[another].click().run()
            assert "Your vote is not saved. The database of saved runs cannot be" in shown(pupil)
            assert [one.label for one in ballot(pupil) if "✓" in one.label] == voted
    assert board_of(desk).votes == {1: {1: 1}}
    vote(pupil, 2)
    assert "Your vote is saved." in shown(pupil)
    assert board_of(desk).votes == {1: {1: 2}}
    for page in pages:
        text(page)
        assert not page.warning


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not wait long for a lock."""
    monkeypatch.setattr(saver, "RunStore", functools.partial(RunStore, patience=0.5))


@pytest.mark.usefixtures("impatient")
def test_vote_into_a_locked_database_says_so(desk: AppTest, url: str) -> None:
    pupil = student(desk)
    move(desk, "Open the vote")
    with outage.locked(url):
        vote(pupil, 1)
        assert "Your vote is not saved. The database of saved runs is busy. Try again in a minute." in shown(pupil)
        assert "Close the vote (0 of 1)" in text(desk)
    vote(pupil, 1)
    assert "Your vote is saved." in shown(pupil)
    assert board_of(desk).votes == {1: {1: 1}}


def test_pages_that_look_within_a_second_ask_the_database_once(desk: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pupils, front = [student(desk) for _ in range(3)], wall(desk)
    show(desk, OWN, Look("end", "summary"))
    for page in (*pupils, front):
        text(page)
    monkeypatch.setattr("mnist_core.classes.boards.FRESH_SECONDS", 1_000.0)
    monkeypatch.setattr(membership, "_slot", lambda: 0)
    assert "Result code" in text(pupils[0])
    statements: list[str] = []

    @event.listens_for(classes()._database._engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    for page in (*pupils, front):
        text(page)
    assert [one for one in statements if "playground_classes" in one or "playground_seats" in one] == []
