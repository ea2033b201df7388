"""Pretend students in a class, moved by hand."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from mnist_core.classes import Ask, Draw, Look, Train, to_json, wanted
from mnist_core.classes.boards import Boards
from mnist_core.classes.pretend import SLOWEST, PretendStudents
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.drawing import test_set
from mnist_core.errors import CapacityError, ClassClosedError, StoreError
from mnist_core.store.class_records import AWAY_SECONDS, MAX_SEATS, OPEN, READY
from mnist_core.store.runs import RunStore
from mnist_core.store.takeover import GRACE_SECONDS
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.scheduled_runs import wait_until
from tests.stored_runs import Clock, save_run

PLAN = (
    Ask("q1", "", "Is 1 < 2?", ("yes", "no", "both"), 0),
    Ask("q2", "", "Do you like it?", ("yes", "no"), None),
    Train("n1", "layers=dense-8-relu&validation_fraction=0.2&seed=5", ("layers",)),
    Draw("d1", (4, 9), each=2),
    Look("end", "summary"),
)


class Rehearsal:
    """A class with a plan of all kinds, and its pretend students."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self.store = RunStore(f"sqlite:///{path / 'runs.db'}", clock=self.clock)
        self.classes = self.store.classes
        self.teacher = new_workspace()
        self.now = self.classes.create(self.teacher, "", to_json(PLAN), "q1")
        self.trained: list[tuple[str, RunConfig]] = []
        self.dropped: list[tuple[str, str]] = []
        self.dataset = datasets.load("embedded")
        self.students = self.another_process()

    def another_process(self) -> PretendStudents:
        boards = Boards(self.classes, self.clock, self.clock)
        return PretendStudents(self.classes, boards, self.teacher, self.dataset, self.train, self.drop)

    def train(self, workspace: str, config: RunConfig) -> str:
        self.trained.append((workspace, config))
        return f"run-{len(self.trained)}"

    def drop(self, workspace: str, run: str) -> None:
        self.dropped.append((workspace, run))

    def open(self, at: int, round_: int = 1) -> None:
        changes = {"at": at, "task": PLAN[at].id, "phase": OPEN, "round": round_}
        self.now = self.classes.move(self.teacher, self.now.id, self.now.revision, **changes)

    def act(self, seconds: float = SLOWEST) -> bool:
        self.clock.forward(seconds)
        return self.students.act(self.now.id, self.clock())


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path)


def test_half_of_the_first_votes_are_right_and_more_of_the_second(rehearsal: Rehearsal) -> None:
    assert rehearsal.students.join(rehearsal.now.id, 60) == 60
    rehearsal.open(0)
    assert rehearsal.act(0.5)
    assert rehearsal.classes.board(rehearsal.now.id).votes == {}
    rehearsal.act()
    rehearsal.open(0, 2)
    rehearsal.act()
    votes = rehearsal.classes.board(rehearsal.now.id).votes
    first, second = (list(votes[round_].values()) for round_ in (1, 2))
    assert len(first) == len(second) == 60
    assert set(first) == {0, 1, 2}
    # Of sixty, half and three quarters; three standard deviations are eleven.
    assert 19 <= first.count(0) <= 41
    assert 34 <= second.count(0) <= 56
    rehearsal.open(1)
    rehearsal.act()
    assert set(rehearsal.classes.board(rehearsal.now.id).votes[1].values()) == {0, 1}


def test_they_guess_and_train_with_what_is_free(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 8)
    rehearsal.open(2)
    rehearsal.act()
    board = rehearsal.classes.board(rehearsal.now.id)
    assert len(board.guesses) == len(board.runs) == len(rehearsal.trained) == 8
    assert sorted(config.seed for _, config in rehearsal.trained) == list(range(6, 14))
    assert len({config.layers[0].units for _, config in rehearsal.trained}) > 1
    assert {config.dataset for _, config in rehearsal.trained} == {"embedded"}
    rehearsal.act()
    assert len(rehearsal.trained) == 8  # Once for each task and round.


def test_full_server_is_no_error(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(workspace: str, config: RunConfig) -> str:
        raise CapacityError("The server is full.", "Wait.")

    monkeypatch.setattr(rehearsal.students, "_train", refuse)
    rehearsal.students.join(rehearsal.now.id, 2)
    rehearsal.open(2)
    assert rehearsal.act()
    board = rehearsal.classes.board(rehearsal.now.id)
    assert (len(board.guesses), board.runs) == (2, {})


def test_they_draw_test_images_of_the_wanted_digits(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 3)
    rehearsal.open(3)
    rehearsal.act()
    found = rehearsal.classes.drawings(rehearsal.now.id, "d1", [1, 2, 3])
    assert [len(given) for given in found.values()] == [4, 4, 4]
    for given in found.values():
        assert [one.label for one in given] == list(wanted(PLAN[3]))
        for one in given:
            image = test_set.unpack(one.data, one.label).image
            same = (rehearsal.dataset.test_images == image).all(axis=(1, 2))
            assert one.label in rehearsal.dataset.test_labels[np.flatnonzero(same)]


def test_they_take_the_seats_that_are_free_and_do_nothing_before_the_task_is_open(rehearsal: Rehearsal) -> None:
    rehearsal.classes.join(rehearsal.now.id, new_workspace(), lambda taken: "blue otter")
    assert rehearsal.students.join(rehearsal.now.id, MAX_SEATS) == MAX_SEATS - 1
    assert rehearsal.classes.board(rehearsal.now.id).now.phase == READY
    assert rehearsal.act()
    assert rehearsal.classes.board(rehearsal.now.id).votes == {}


def test_closed_doors_are_closed_for_them_too(rehearsal: Rehearsal) -> None:
    rehearsal.classes.move(rehearsal.teacher, rehearsal.now.id, 1, doors=False)
    with pytest.raises(ClassClosedError):
        rehearsal.students.join(rehearsal.now.id, 1)


def test_they_stop_when_they_are_taken_away_or_the_class_ends(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 2)
    rehearsal.open(2)
    assert rehearsal.act()
    rehearsal.classes.remove_pretend(rehearsal.teacher, rehearsal.now.id)
    # Somebody takes the first seat: its number is not theirs.
    rehearsal.classes.join(rehearsal.now.id, new_workspace(), lambda taken: "blue otter")
    assert not rehearsal.act()
    assert rehearsal.dropped == [(workspace, f"run-{at}") for at, (workspace, _) in enumerate(rehearsal.trained, 1)]
    rehearsal.students.join(rehearsal.now.id, 2)
    assert rehearsal.act()
    rehearsal.classes.end(rehearsal.teacher, rehearsal.now.id)
    assert not rehearsal.act()


def test_they_begin_again_with_the_class(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 3)
    rehearsal.open(0)
    rehearsal.act()
    rehearsal.now = rehearsal.classes.begin_again(rehearsal.teacher, rehearsal.now.id, rehearsal.now.revision)
    rehearsal.act()
    rehearsal.open(0)
    rehearsal.act()
    assert len(rehearsal.classes.board(rehearsal.now.id).votes[1]) == 3


def test_class_is_filled_once(rehearsal: Rehearsal) -> None:
    assert rehearsal.students.join(rehearsal.now.id, 2) == 2
    assert rehearsal.students.join(rehearsal.now.id, 2) == 0
    assert len(rehearsal.classes.board(rehearsal.now.id).seats) == 2


def test_run_that_came_too_late_is_dropped(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal.students.join(rehearsal.now.id, 1)
    rehearsal.open(2)

    def closed(*_: object) -> None:
        raise ClassClosedError("This task is closed.", "Look at the front.")

    monkeypatch.setattr(rehearsal.classes, "hand_in_run", closed)
    rehearsal.act()
    assert [run for _, run in rehearsal.dropped] == ["run-1"]


def test_vote_that_comes_too_late_drops_no_network(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal.students.join(rehearsal.now.id, 1)
    rehearsal.open(2)
    rehearsal.act()
    rehearsal.open(0)

    def closed(*_: object) -> None:
        raise ClassClosedError("This task is closed.", "Look at the front.")

    monkeypatch.setattr(rehearsal.classes, "vote", closed)
    assert rehearsal.act()
    assert rehearsal.dropped == []


def test_thread_waits_while_the_database_is_away(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.classes.pretend._LOOK_SECONDS", 0.001)
    rehearsal.students.join(rehearsal.now.id, 1)
    rehearsal.open(0)
    rehearsal.clock.forward(SLOWEST)
    asked = []

    def away(class_id: str) -> None:
        asked.append(class_id)
        raise StoreError("The database does not answer.", "Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(rehearsal.classes, "board", away)
        rehearsal.students.follow(rehearsal.now.id, rehearsal.clock)
        wait_until(lambda: len(asked) > 2)
    wait_until(lambda: len(rehearsal.classes.board(rehearsal.now.id).votes.get(1, ())) == 1)
    rehearsal.classes.end(rehearsal.teacher, rehearsal.now.id)
    wait_until(lambda: not any(one.name == "pretending" for one in threading.enumerate()))


def test_thread_follows_the_class_until_it_is_deleted(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.classes.pretend._LOOK_SECONDS", 0.001)
    rehearsal.students.join(rehearsal.now.id, 2)
    rehearsal.open(0)
    rehearsal.clock.forward(SLOWEST)
    rehearsal.students.follow(rehearsal.now.id, rehearsal.clock)
    wait_until(lambda: len(rehearsal.classes.board(rehearsal.now.id).votes.get(1, ())) == 2)
    rehearsal.classes.end(rehearsal.teacher, rehearsal.now.id, delete=True)
    wait_until(lambda: not any(one.name == "pretending" for one in threading.enumerate()))


# --- After a restart -----------------------------------------------------------------------------------------------


def restart(rehearsal: Rehearsal) -> None:
    """Nobody acts for so long that they are away; then a new process does."""
    rehearsal.clock.forward(AWAY_SECONDS)
    rehearsal.students = rehearsal.another_process()


def test_they_go_on_in_their_seats_after_a_restart(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 3)
    seats = [(seat.number, seat.name, seat.token) for seat in rehearsal.classes.seats(rehearsal.now.id)]
    rehearsal.open(0)
    rehearsal.act()
    first = rehearsal.classes.board(rehearsal.now.id).votes[1]
    restart(rehearsal)
    assert rehearsal.students.take_up(rehearsal.now.id) == 3
    rehearsal.act()
    rehearsal.open(0, 2)
    rehearsal.act()
    board = rehearsal.classes.board(rehearsal.now.id)
    assert board.votes[1] == first  # None has voted again.
    assert sorted(board.votes[2]) == [1, 2, 3]
    assert [(seat.number, seat.name, seat.token) for seat in board.seats] == seats


def test_one_process_at_a_time_acts_for_them(rehearsal: Rehearsal) -> None:
    assert rehearsal.students.take_up(rehearsal.now.id) == 0  # There are none.
    rehearsal.students.join(rehearsal.now.id, 2)
    others = [rehearsal.another_process() for _ in "ab"]
    assert others[0].take_up(rehearsal.now.id) == 0
    rehearsal.clock.forward(AWAY_SECONDS)
    assert [one.take_up(rehearsal.now.id) for one in others] == [2, 0]
    rehearsal.clock.forward(AWAY_SECONDS - 1)
    rehearsal.classes.note_seen({rehearsal.now.id: [1, 2]})
    rehearsal.clock.forward(1)
    assert others[1].take_up(rehearsal.now.id) == 0


def test_only_an_interrupted_network_is_trained_again_after_a_restart(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 2)
    rehearsal.open(2)
    rehearsal.act()
    for (workspace, _config), run, status in zip(
        list(rehearsal.trained), ("run-1", "run-2"), (None, Status.FINISHED), strict=True
    ):
        save_run(rehearsal.store, workspace, run, status=status)
    restart(rehearsal)
    rehearsal.store.heartbeat()  # The last one of the server that is gone.
    assert rehearsal.students.take_up(rehearsal.now.id) == 2
    rehearsal.act(GRACE_SECONDS - 1)
    assert len(rehearsal.trained) == 2
    for _ in range(2):
        rehearsal.act(1)
    assert [workspace for workspace, _config in rehearsal.trained[2:]] == [rehearsal.trained[0][0]]
    # All that they have trained is deleted with them.
    rehearsal.classes.remove_pretend(rehearsal.teacher, rehearsal.now.id)
    assert not rehearsal.act()
    assert sorted(run for _workspace, run in rehearsal.dropped) == ["run-1", "run-2", "run-3"]


def test_seat_that_was_taken_away_is_not_taken_up(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 2)
    rehearsal.classes.remove_seat(rehearsal.teacher, rehearsal.now.id, 1)
    restart(rehearsal)
    assert rehearsal.students.take_up(rehearsal.now.id) == 1


def test_thread_that_another_server_has_replaced_ends_and_deletes_nothing(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_core.classes.pretend._LOOK_SECONDS", 0.001)
    rehearsal.students.join(rehearsal.now.id, 1)
    rehearsal.open(2)
    rehearsal.act()
    # It stands still for too long again and again, and another one is faster.
    monkeypatch.setattr(rehearsal.classes, "take_up_pretend", lambda *_: False)
    rehearsal.students.follow(rehearsal.now.id, rehearsal.clock)

    def has_ended() -> bool:
        rehearsal.clock.forward(AWAY_SECONDS + 1)
        return not any(one.name == "pretending" for one in threading.enumerate())

    wait_until(has_ended)
    assert rehearsal.dropped == []


def test_thread_that_is_stopped_deletes_what_they_train(rehearsal: Rehearsal) -> None:
    rehearsal.students.join(rehearsal.now.id, 1)
    rehearsal.open(2)
    rehearsal.act()
    rehearsal.students.follow(rehearsal.now.id, rehearsal.clock)
    rehearsal.students.stop()
    wait_until(lambda: not any(one.name == "pretending" for one in threading.enumerate()))
    assert [run for _workspace, run in rehearsal.dropped] == ["run-1"]
