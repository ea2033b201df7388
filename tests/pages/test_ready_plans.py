"""The ready plans that no browser goes through: each task is opened, closed and shown on all screens."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.classes import Ask, Draw, Look, Task, Train, config_for, from_json, question_of, wanted
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.drawing import test_set
from mnist_core.lessons.course import RIGHT
from mnist_core.runs import saver
from mnist_core.store.class_records import MAX_DRAWING_BYTES, OPEN, READY, SHOWN, SHUT, seat_token
from mnist_core.store.handed_in import SavedDrawing
from mnist_core.store.workspaces import new_workspace
from pages.widgets.classroom import drawings, wall_runs
from tests.pages.own_runs import digits
from tests.pages.test_classroom import board_of, class_of, classes, shown, student, text, visitor, wall
from tests.pages.visitor import press
from tests.scheduled_runs import wait_until
from tests.stored_runs import save_run

# The one button of the desk in each phase, what it leads to, and what the pupil and the wall then say; nothing where
# that is the same for all questions, and has tests of its own.
STEPS = {
    Ask: (
        ("Open the vote", OPEN, "Your vote is saved.", "have voted"),
        ("Close the vote", SHUT, "", ""),
        ("Show the answer", SHOWN, "First vote: ", "First vote: "),
    ),
    Train: (
        ("Let them train", OPEN, "Train this network: ", "have trained a network"),
        ("End the training", SHUT, "The training has ended.", "have trained a network"),
        ("Show the result", SHOWN, "You have no trained network in this task.", "Guessed: 80–89: 1."),
    ),
    Draw: (
        ("Let them draw", OPEN, "That was the last digit.", "**1 of 2** have drawn all."),
        ("End the drawing", SHUT, "The drawing has ended.", "The drawing has ended."),
        ("Show the result", SHOWN, "Your drawings, and how many networks misread each", "drawings"),
    ),
    Look: (("Show it", SHOWN, "Your card: ", "Validation accuracy: 90.0% to 90.0%."),),
}


def hand_in(desk: AppTest, token: str, other: str, task: Task) -> None:
    """Hand in for the pupil with this token; the network is that of another one, whose page nobody looks at."""
    now = class_of(desk)
    if isinstance(task, Ask):
        classes().vote(now.id, token, task.id, 1, RIGHT)
    elif isinstance(task, Train):
        classes().guess(now.id, token, task.id, 0.83)
        save_run(saver.shared().store, other, f"run-{task.id}", config=config_for(task, 2), validation_accuracy=0.9)
        classes().hand_in_run(now.id, seat_token(other), task.id, other, f"run-{task.id}")
    elif isinstance(task, Draw):
        for n, label in enumerate(wanted(task)):
            image = digits().test_images[digits().test_labels == label][0]
            data = test_set.pack(image, (), MAX_DRAWING_BYTES)
            classes().hand_in_drawing(now.id, token, task.id, SavedDrawing(n, label, False, 0.0, data))


@pytest.mark.usefixtures("own_saver", "embedded_digits")
@pytest.mark.parametrize("key", sorted(READY_PLANS.keys() - {"45"}))
def test_plan_from_its_first_task_to_its_end(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr("mnist_core.classes.boards.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("mnist_core.classes.class_test._FRESH_SECONDS", 0.0)
    # The runs that answer a question have tests of their own.
    monkeypatch.setattr(wall_runs, "runs_view", lambda *_: None)
    desk = visitor()
    desk.selectbox(key="class-plan").set_value(key)
    press(desk, "Start a class")
    pupil, front, other = student(desk), wall(desk), new_workspace()
    classes().join(class_of(desk).id, seat_token(other), lambda _taken: "blue otter")
    desk.run()
    for at, task in enumerate(from_json(class_of(desk).plan)):
        assert (class_of(desk).at, class_of(desk).phase) == (at, READY)
        for label, phase, own, all_ in STEPS[type(task)]:
            press_first(desk, label)
            assert class_of(desk).phase == phase
            if phase == OPEN:
                hand_in(desk, seat_token(pupil.session_state["workspace"]), other, task)
            if isinstance(task, Draw) and phase == SHOWN:
                wait_until(lambda: drawings.class_tests().test(board_of(desk)).waiting == 0)
            assert not desk.error
            for page, says in ((pupil, own), (front, all_)):
                if says:
                    assert says in text(page)
                    assert not page.error
        if isinstance(task, Ask):
            question = question_of(task)
            assert [one.value for one in pupil.success] == [f"**Right!** {question.why}"]
            assert f"**{question.choices[RIGHT]}** ✓" in shown(front)
        if not isinstance(task, Look):
            press_first(desk, "Next task")
    assert "End it" in [button.label for button in desk.button]


def press_first(desk: AppTest, label: str) -> None:
    """Press the button of the next move."""
    first = next(one for one in desk.button if one.key is not None and one.key.startswith("move-"))
    assert first.label.startswith(label)
    first.click().run()
    assert not desk.exception
