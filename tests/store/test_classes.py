"""Classes, seats and votes, in SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import hmac
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy as sa

from mnist_core.config import RunConfig
from mnist_core.errors import (
    ClassClosedError,
    ClassFullError,
    ClassMovedError,
    ClassNotFoundError,
    ConfigError,
    RunNotFoundError,
    ShareNotFoundError,
    StoreError,
)
from mnist_core.store import leading, tables
from mnist_core.store.class_records import (
    AWAY_SECONDS,
    EMPTY_SECONDS,
    IDLE_SECONDS,
    KEPT_DAYS,
    MAX_DRAWING_BYTES,
    MAX_OF_SEAT,
    MAX_OPEN,
    MAX_RUNS,
    MAX_SEATS,
    OPEN,
    READY,
    SHOWN,
    SHUT,
    Class,
    new_code,
    seat_token,
    wall_token,
)
from mnist_core.store.classes import Classes
from mnist_core.store.database import Database
from mnist_core.store.handed_in import SavedDrawing
from mnist_core.store.runs import RunStore
from mnist_core.store.takeover import GRACE_SECONDS
from mnist_core.store.workspaces import SYMBOLS, is_workspace, new_workspace, workspace_key
from mnist_core.training import Status
from tests import outage
from tests.samples import small
from tests.stored_runs import Clock, save_run, state_after


class Room:
    """A class with its teacher's workspace."""

    def __init__(self, url: str, clock: Clock, patience: float = 10.0) -> None:
        self.store = RunStore(url, clock=clock, patience=patience)
        self.teacher = new_workspace()
        self.now = self.classes.create(self.teacher, "9b", "[]", "q1")

    @property
    def classes(self) -> Classes:
        return self.store.classes

    def move(self, **changes: object) -> Class:
        self.now = self.classes.move(self.teacher, self.now.id, self.now.revision, **changes)
        return self.now

    def student(self) -> str:
        workspace = new_workspace()
        self.classes.join(self.now.id, workspace, draw)
        return workspace


@pytest.fixture
def room(url: str, clock: Clock) -> Room:
    return Room(url, clock)


def draw(taken: frozenset[str]) -> str:
    return next(name for number in itertools.count(1) if (name := f"otter {number}") not in taken)


def test_code_opens_the_class_however_it_is_typed(room: Room) -> None:
    code = room.now.code
    assert code is not None
    assert len(code) == 6
    assert set(code) <= set(SYMBOLS)
    for typed in (code, code.lower(), f" {code[:3]}-{code[3:]} ", code.replace("0", "O").replace("1", "l")):
        assert room.classes.find(typed).id == room.now.id


@pytest.mark.parametrize("typed", ["", "K7M2Q", "ZZZZZZ", "'; DROP", "0" * 10_000])
def test_wrong_code_opens_nothing(room: Room, typed: str) -> None:
    with pytest.raises(ClassNotFoundError, match=r"No class has this code now\."):
        room.classes.find(typed)


def test_taken_code_is_drawn_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([room.now.code, room.now.code, new_code()])
    monkeypatch.setattr(leading, "new_code", lambda: next(codes))
    other = room.classes.create(room.teacher, "", "[]", "q1")
    assert other.code != room.now.code
    assert len(room.classes.led_by(room.teacher)) == 2


def test_seat_is_the_same_after_a_reload(room: Room) -> None:
    workspace = new_workspace()
    first = room.classes.join(room.now.id, workspace, draw)
    assert (first.number, first.name) == (1, "otter 1")
    assert room.classes.join(room.now.id, workspace, draw) == first == room.classes.seat(room.now.id, workspace)


def test_many_who_join_at_once_get_different_seats(room: Room) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: room.classes.join(room.now.id, new_workspace(), draw), range(20)))
    assert sorted(one.number for one in found) == list(range(1, 21))
    assert len({one.name for one in found}) == 20


def test_class_is_full(room: Room) -> None:
    workspaces = [room.student() for _ in range(MAX_SEATS)]
    with pytest.raises(ClassFullError, match="full"):
        room.student()
    assert room.classes.join(room.now.id, workspaces[7], draw).number == 8
    room.classes.remove_seat(room.teacher, room.now.id, 1)
    assert room.classes.join(room.now.id, new_workspace(), draw).number == MAX_SEATS + 1


def test_closed_doors_let_only_those_in_who_have_a_seat(room: Room) -> None:
    inside = room.student()
    room.move(doors=False)
    assert room.classes.join(room.now.id, inside, draw).number == 1
    with pytest.raises(ClassClosedError, match="doors"):
        room.student()


def test_removed_seat_may_come_back_with_a_new_name(room: Room) -> None:
    workspace = room.student()
    room.classes.remove_seat(room.teacher, room.now.id, 1)
    assert room.classes.seat(room.now.id, workspace) is None
    assert room.classes.seats(room.now.id) == []
    again = room.classes.join(room.now.id, workspace, draw)
    assert (again.number, again.name) == (1, "otter 2")


def test_name_is_drawn_again_once(room: Room) -> None:
    workspace = room.student()
    second = room.classes.redraw(room.now.id, workspace, draw)
    assert second.name == "otter 2"
    assert room.classes.redraw(room.now.id, workspace, draw) == second


def test_vote_can_change_until_it_is_closed(room: Room) -> None:
    workspaces = [room.student() for _ in range(3)]
    room.move(phase=OPEN)
    for workspace, choice in zip(workspaces, (0, 1, 1), strict=True):
        room.classes.vote(room.now.id, workspace, "q1", 1, choice)
    room.classes.vote(room.now.id, workspaces[0], "q1", 1, 2)
    room.move(phase=SHUT)
    with pytest.raises(ClassClosedError, match="closed"):
        room.classes.vote(room.now.id, workspaces[0], "q1", 1, 0)
    assert room.classes.board(room.now.id).votes == {1: {1: 2, 2: 1, 3: 1}}


def test_first_hand_in_of_a_seat_is_timed_by_round(room: Room, clock: Clock) -> None:
    workspaces = [room.student() for _ in range(2)]
    room.move(phase=OPEN)
    times = []
    for workspace in (*workspaces, workspaces[0]):
        clock.forward(5)
        times.append(clock())
        room.classes.vote(room.now.id, workspace, "q1", 1, 1)
    assert room.classes.board(room.now.id).firsts == {1: times[0], 2: times[1]}
    room.move(phase=OPEN, round=2)
    assert room.classes.board(room.now.id).firsts == {}


def seconds_of(room: Room, task: str = "q1") -> dict[int, float | None]:
    works = room.classes.work(room.teacher, room.now.id)
    return {one.seat: one.seconds for one in works if one.task == task}


def test_seconds_are_from_the_opening_to_the_first_vote(room: Room, clock: Clock) -> None:
    first, second, third = (room.student() for _ in "abc")
    clock.forward(600)
    room.move(phase=OPEN)
    clock.forward(5)
    room.classes.vote(room.now.id, first, "q1", 1, 0)
    for switched in ({"paused": True}, {"doors": False}, {"paused": False, "doors": True}):
        clock.forward(1)
        room.move(**switched)
    room.classes.vote(room.now.id, second, "q1", 1, 0)
    room.classes.vote(room.now.id, first, "q1", 1, 1)  # Changed later.
    room.classes.vote(room.now.id, room.student(), "q1", 1, 1)  # Who comes late has lost as much time.
    room.move(phase=SHUT)
    clock.forward(60)
    room.move(phase=OPEN, round=2)
    clock.forward(7)
    for token in (first, third):
        room.classes.vote(room.now.id, token, "q1", 2, 1)
    assert seconds_of(room) == {1: 5, 2: 8, 3: 7, 4: 8}


def test_seconds_go_on_when_a_task_goes_on_and_not_when_it_is_opened_anew(room: Room, clock: Clock) -> None:
    longer, anew = room.student(), room.student()
    room.move(task="n1", phase=OPEN)
    clock.forward(30)
    room.move(phase=SHUT)
    room.move(phase=OPEN)  # "Train longer".
    clock.forward(10)
    room.classes.guess(room.now.id, longer, "n1", 0.5)
    clock.forward(3)
    room.classes.hand_in_run(room.now.id, longer, "n1", longer, "run")
    room.move(phase=READY)  # "Back" from a later task.
    clock.forward(300)
    room.move(phase=OPEN)
    clock.forward(4)
    room.classes.guess(room.now.id, anew, "n1", 0.5)
    room.classes.hand_in_run(room.now.id, longer, "n1", longer, "another run")
    assert seconds_of(room, "n1") == {1: 40, 2: 4}
    # Another task, right after an open one.
    room.move(task="n2", phase=OPEN)
    clock.forward(2)
    room.classes.guess(room.now.id, anew, "n2", 0.5)
    assert seconds_of(room, "n2") == {2: 2}


def test_seconds_are_not_negative_when_the_clock_goes_back(room: Room, clock: Clock) -> None:
    own = room.student()
    room.move(phase=OPEN)
    clock.forward(-3600)
    room.classes.vote(room.now.id, own, "q1", 1, 0)
    assert seconds_of(room) == {1: 0}


def test_seconds_stay_unknown_if_the_opening_is(room: Room) -> None:
    own = room.student()
    room.move(phase=OPEN)
    with room.classes._database.writing() as connection:  # It was opened before there was the column.
        connection.execute(tables.classes.update().values(opened=None))
    room.move(phase=SHUT)
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, own, "q1", 1, 0)
    assert seconds_of(room) == {1: None}
    room.classes.end(room.teacher, room.now.id)
    assert seconds_of(room) == {1: None}


def test_seconds_are_whole_after_the_end(room: Room, clock: Clock) -> None:
    own = room.student()
    room.move(phase=OPEN)
    clock.forward(2.75)
    room.classes.vote(room.now.id, own, "q1", 1, 0)
    assert seconds_of(room) == {1: 2.75}
    room.classes.end(room.teacher, room.now.id)
    assert seconds_of(room) == {1: 3}


def test_second_vote_stands_beside_the_first(room: Room) -> None:
    workspace = room.student()
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, workspace, "q1", 1, 0)
    room.move(phase=OPEN, round=2)
    with pytest.raises(ClassClosedError):
        room.classes.vote(room.now.id, workspace, "q1", 1, 2)
    room.classes.vote(room.now.id, workspace, "q1", 2, 1)
    assert room.classes.board(room.now.id).votes == {1: {1: 0}, 2: {1: 1}}


@pytest.mark.parametrize("phase", ["ready", SHUT, SHOWN])
def test_no_vote_outside_of_the_open_phase(room: Room, phase: str) -> None:
    workspace = room.student()
    room.move(phase=phase)
    with pytest.raises(ClassClosedError):
        room.classes.vote(room.now.id, workspace, "q1", 1, 0)


def test_vote_for_a_task_of_before_is_refused(room: Room) -> None:
    workspace = room.student()
    room.move(phase=OPEN)
    room.move(at=1, task="q2")
    with pytest.raises(ClassClosedError):
        room.classes.vote(room.now.id, workspace, "q1", 1, 0)


def test_nobody_votes_without_a_seat(room: Room, url: str, clock: Clock) -> None:
    other = Room(url, clock)
    other.move(phase=OPEN)
    room.move(phase=OPEN)
    outsider, of_other = new_workspace(), other.student()
    for workspace in (outsider, of_other, room.teacher):
        with pytest.raises(ClassNotFoundError):
            room.classes.vote(room.now.id, workspace, "q1", 1, 0)
    removed = room.student()
    room.classes.remove_seat(room.teacher, room.now.id, 1)
    with pytest.raises(ClassNotFoundError):
        room.classes.vote(room.now.id, removed, "q1", 1, 0)
    assert room.classes.board(room.now.id).votes == {}


def test_sixty_votes_at_once(room: Room) -> None:
    workspaces = [room.student() for _ in range(MAX_SEATS)]
    room.move(phase=OPEN)
    with ThreadPoolExecutor(8) as threads:
        votes = [threads.submit(room.classes.vote, room.now.id, one, "q1", 1, 3) for one in workspaces for _ in "ab"]
        for vote in votes:
            vote.result()
    assert room.classes.board(room.now.id).votes == {1: dict.fromkeys(range(1, MAX_SEATS + 1), 3)}


def test_of_two_desks_that_move_at_once_one_is_refused(room: Room) -> None:
    before = room.now

    def move(phase: str) -> bool:
        try:
            room.classes.move(room.teacher, before.id, before.revision, phase=phase)
        except ClassMovedError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(move, [OPEN, SHUT, SHOWN, OPEN]))
    assert moved.count(True) == 1
    assert room.classes.board(before.id).now.revision == before.revision + 1


def test_only_the_owner_moves_a_class(room: Room) -> None:
    student = room.student()
    for workspace in (student, new_workspace()):
        with pytest.raises(ClassNotFoundError):
            room.classes.move(workspace, room.now.id, room.now.revision, phase=OPEN)
        with pytest.raises(ClassNotFoundError):
            room.classes.end(workspace, room.now.id, delete=True)
        with pytest.raises(ClassNotFoundError):
            room.classes.remove_seat(workspace, room.now.id, 1)
        with pytest.raises(ClassNotFoundError):
            room.classes.begin_again(workspace, room.now.id, room.now.revision)
    assert room.classes.board(room.now.id).now == room.now


def test_wall_looks_by_its_own_token(room: Room) -> None:
    token = wall_token(room.teacher, room.now.id)
    assert room.classes.on_wall(token) == room.now
    for wrong in ("", "a", room.now.id, wall_token(new_workspace(), room.now.id), wall_token(room.teacher, "other")):
        with pytest.raises(ClassNotFoundError):
            room.classes.on_wall(wrong)


def test_ended_class_cannot_be_joined_and_stays_to_be_read(room: Room) -> None:
    workspace, code = room.student(), room.now.code
    assert code is not None
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, workspace, "q1", 1, 2)
    room.classes.end(room.teacher, room.now.id)
    with pytest.raises(ClassNotFoundError):
        room.classes.find(code)
    with pytest.raises(ClassNotFoundError):
        room.classes.vote(room.now.id, workspace, "q1", 1, 0)
    with pytest.raises(ClassNotFoundError):
        room.move(phase=SHUT)
    assert [(one.task, one.votes) for one in room.classes.work(room.teacher, room.now.id)] == [("q1", {1: 2})]
    assert room.classes.board(room.now.id).now.ended is not None


def test_deleted_class_leaves_nothing(room: Room) -> None:
    workspace = room.student()
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, workspace, "q1", 1, 2)
    room.classes.end(room.teacher, room.now.id, delete=True)
    with pytest.raises(ClassNotFoundError):
        room.classes.board(room.now.id)
    with room.classes._database.reading() as connection:
        for table in (tables.classes, tables.seats, tables.entries):
            assert connection.execute(sa.select(table)).all() == []
    assert room.classes.led_by(room.teacher) == []


def test_forgotten_class_ends_by_itself(room: Room, clock: Clock) -> None:
    code = room.now.code
    assert code is not None
    clock.now += 4 * 3600 - 1
    assert room.classes.find(code).ended is None
    clock.now += 2
    with pytest.raises(ClassNotFoundError):
        room.classes.find(code)
    assert room.classes.board(room.now.id).now.ended == room.now.moved + 4 * 3600


def test_each_move_is_a_touch(room: Room, clock: Clock) -> None:
    clock.now += 3 * 3600
    room.move(phase=OPEN)
    clock.now += 3 * 3600
    assert room.move(phase=SHUT).ended is None


def test_clock_that_goes_back_does_not_end_a_class(room: Room, clock: Clock) -> None:
    clock.now -= 86_400
    code = room.move(phase=OPEN).code
    assert code is not None
    assert room.classes.find(code).id == room.now.id


def test_class_goes_on_once_a_wrong_clock_is_right_again(room: Room, clock: Clock) -> None:
    own = room.student()
    before = room.move(phase=OPEN)
    room.classes.vote(room.now.id, own, "q1", 1, 1)
    clock.forward(5 * 3600)
    with pytest.raises(ClassNotFoundError):
        room.classes.vote(room.now.id, own, "q1", 1, 2)
    room.classes.create(new_workspace(), "", "[]", "q1")
    room.classes.note_seen({room.now.id: [1]})  # Its page is still open.
    room.classes.tidy()
    clock.forward(-5 * 3600)
    assert room.classes.find(before.code or "") == before
    room.classes.vote(room.now.id, own, "q1", 1, 2)
    assert room.classes.board(room.now.id).votes == {1: {1: 2}}


def test_seats_of_a_forgotten_class_go_once_nobody_is_there(room: Room, clock: Clock) -> None:
    room.student()
    clock.forward(IDLE_SECONDS)
    room.classes.note_seen({room.now.id: [1]})
    clock.forward(EMPTY_SECONDS)
    room.classes.tidy()
    assert len(room.classes.seats(room.now.id)) == 1
    clock.forward(1)
    room.classes.tidy()
    assert room.classes.seats(room.now.id) == []
    assert room.classes.owned(room.teacher, room.now.id).ended == room.now.moved + IDLE_SECONDS


def test_seat_whose_browser_left_before_the_clock_was_set_back_is_away(room: Room, clock: Clock) -> None:
    room.student()
    clock.forward(-3600)
    token = new_workspace()
    assert room.classes.take_over(room.now.id, 1, token).seen == clock.now
    with pytest.raises(ClassClosedError):
        room.classes.take_over(room.now.id, 1, new_workspace())


def test_seat_that_a_server_with_a_faster_clock_has_seen_is_there(room: Room, clock: Clock) -> None:
    room.student()
    clock.forward(1 - AWAY_SECONDS)
    with pytest.raises(ClassClosedError):
        room.classes.take_over(room.now.id, 1, new_workspace())


def test_pretend_students_go_on_after_the_clock_was_set_back(room: Room, clock: Clock) -> None:
    room.classes.join(room.now.id, new_workspace(), draw, is_pretend=True)
    clock.forward(-3600)
    assert room.classes.take_up_pretend(room.teacher, room.now.id)
    assert not room.classes.take_up_pretend(room.teacher, room.now.id)


def test_teacher_leads_three_classes_at_most(room: Room, clock: Clock) -> None:
    more = [room.classes.create(room.teacher, "", "[]", "q1") for _ in range(MAX_OPEN - 1)]
    with pytest.raises(ClassFullError, match="already lead 3"):
        room.classes.create(room.teacher, "", "[]", "q1")
    room.classes.end(room.teacher, more[0].id)
    room.classes.create(room.teacher, "", "[]", "q1")
    clock.now += 5 * 3600  # The others have ended by themselves.
    assert room.classes.create(room.teacher, "", "[]", "q1").ended is None


def test_server_has_room_for_twenty_classes(room: Room) -> None:
    for _ in range(19):
        room.classes.create(new_workspace(), "", "[]", "q1")
    with pytest.raises(ClassFullError, match="already has 20"):
        room.classes.create(new_workspace(), "", "[]", "q1")


@pytest.mark.parametrize(("name", "value"), [("title", "a" * 201), ("plan", "a" * 70_000), ("phase", "secret")])
def test_move_to_something_impossible_is_refused(room: Room, name: str, value: str) -> None:
    with pytest.raises(ConfigError):
        room.move(**{name: value})
    assert room.classes.board(room.now.id).now == room.now


def test_unknown_column_is_a_bug(room: Room) -> None:
    with pytest.raises(ValueError, match="owner"):
        room.move(owner=new_workspace())


def test_hand_stays_up_since_the_first_call(room: Room, clock: Clock) -> None:
    workspace, since = room.student(), clock.now
    room.classes.raise_hand(room.now.id, workspace, True)
    clock.now += 60
    room.classes.raise_hand(room.now.id, workspace, True)
    assert [one.hand for one in room.classes.seats(room.now.id)] == [since]
    room.classes.raise_hand(room.now.id, workspace, False)
    assert [one.hand for one in room.classes.seats(room.now.id)] == [None]


def test_presence_of_many_is_one_statement_a_class(room: Room, clock: Clock) -> None:
    for _ in range(3):
        room.student()
    clock.now += 30
    room.classes.note_seen({room.now.id: [1, 3], "nowhere": [1]})
    assert [one.seen for one in room.classes.seats(room.now.id)] == [clock.now, clock.now - 30, clock.now]


def test_presence_and_new_names_wait_for_no_seat_of_others(room: Room, clock: Clock) -> None:
    own, other = room.student(), room.student()
    database = room.classes._database
    if database.file is not None:
        pytest.skip("SQLite locks no single seats.")
    clock.forward(30)
    with database.writing() as connection:
        held = sa.select(tables.seats).where(tables.seats.c.token == workspace_key(other))
        assert connection.execute(held.with_for_update()).one().number == 2
        room.classes.note_seen({room.now.id: [1, 2]})
        assert room.classes.redraw(room.now.id, own, draw).redrawn
    assert [one.seen for one in room.classes.seats(room.now.id)] == [clock.now, clock.now - 30]


def test_new_names_drawn_at_once_are_different(room: Room) -> None:
    students = [room.student() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda token: room.classes.redraw(room.now.id, token, draw), students))
    assert len({one.name for one in found}) == 8


def test_who_leaves_takes_their_votes_along(room: Room) -> None:
    workspace, other = room.student(), room.student()
    room.move(phase=OPEN)
    for one in (workspace, other):
        room.classes.vote(room.now.id, one, "q1", 1, 1)
    room.classes.leave(room.now.id, workspace)
    room.classes.leave(room.now.id, new_workspace())
    assert [one.number for one in room.classes.seats(room.now.id)] == [2]
    assert room.classes.board(room.now.id).votes == {1: {2: 1}}


def test_question_can_be_asked_again(room: Room) -> None:
    workspace = room.student()
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, workspace, "q1", 1, 1)
    room.now = room.classes.begin_again(room.teacher, room.now.id, room.now.revision)
    assert (room.now.phase, room.now.round) == (READY, 1)
    assert room.classes.board(room.now.id).votes == {}
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, workspace, "q1", 1, 2)
    assert room.classes.board(room.now.id).votes == {1: {1: 2}}


def test_browser_finds_the_class_that_it_sits_in(room: Room) -> None:
    token = room.student()
    assert room.classes.seated(token) == room.now
    assert room.classes.seated(new_workspace()) is None
    other = room.classes.create(new_workspace(), "", "[]", "q1")
    room.classes.join(other.id, token, draw)
    room.classes.remove_seat(room.teacher, room.now.id, 1)
    assert room.classes.seated(token) == other
    room.classes.leave(other.id, token)
    assert room.classes.seated(token) is None


def test_seat_of_an_ended_class_is_not_found(room: Room) -> None:
    token = room.student()
    room.classes.end(room.teacher, room.now.id)
    assert room.classes.seated(token) is None


def test_token_of_a_seat_is_not_that_of_the_workspace() -> None:
    workspace = new_workspace()
    assert seat_token(workspace) == seat_token(workspace)
    assert seat_token(workspace) not in (workspace, seat_token(new_workspace()), wall_token(workspace, "a"))
    assert is_workspace(seat_token(workspace))


@pytest.mark.parametrize("token", ["", "a", "'; --"])
def test_malformed_token_has_no_seat(room: Room, token: str) -> None:
    for ask in (room.classes.seated, lambda one: room.classes.join(room.now.id, one, draw)):
        with pytest.raises(ClassNotFoundError):
            ask(token)


def test_seat_that_is_away_can_be_taken_over(room: Room, clock: Clock) -> None:
    lost, token = room.student(), new_workspace()
    with pytest.raises(ClassClosedError, match="Somebody uses this seat"):
        room.classes.take_over(room.now.id, 1, token)
    clock.forward(21)
    room.classes.join(room.now.id, token, draw)  # A new seat, before the old one was found.
    assert room.classes.take_over(room.now.id, 1, token).number == 1
    assert room.classes.seat(room.now.id, lost) is None
    assert [one.number for one in room.classes.seats(room.now.id)] == [1]
    with pytest.raises(ClassNotFoundError):
        room.classes.take_over(room.now.id, 9, token)


def test_board_has_the_class_with_its_seats_and_votes(room: Room) -> None:
    students = [room.student() for _ in range(3)]
    room.move(phase=OPEN)
    for token, choice in zip(students, (0, 1, 1), strict=True):
        room.classes.vote(room.now.id, token, "q1", 1, choice)
    room.classes.remove_seat(room.teacher, room.now.id, 3)
    board = room.classes.board(room.now.id)
    assert board.now == room.now
    assert list(board.seats) == room.classes.seats(room.now.id)
    assert board.votes == {1: {1: 0, 2: 1}}


def test_desk_is_the_owners(room: Room) -> None:
    assert room.classes.owned(room.teacher, room.now.id) == room.now
    for workspace in (new_workspace(), room.student()):
        with pytest.raises(ClassNotFoundError):
            room.classes.owned(workspace, room.now.id)


@pytest.fixture
def training(room: Room) -> Room:
    """A class that trains a network."""
    room.move(task="n1", phase=OPEN)
    return room


def test_run_is_on_the_board_as_it_was_saved_last(training: Room) -> None:
    one, other = training.student(), training.student()
    training.classes.hand_in_run(training.now.id, one, "n1", one, "run")
    [given] = training.classes.board(training.now.id).runs[1]
    assert (given.run, given.config, given.status, given.epochs, given.validation_accuracy) == ("run", "", "", 0, None)

    save_run(training.store, one, "run", epochs=2, status=None)
    # The id of another workspace's run is not that run.
    save_run(training.store, other, "run", epochs=1)
    saved = training.store.load(one, "run")
    [given] = training.classes.board(training.now.id).runs[1]
    assert given.config == saved.config.to_json()
    assert Status(given.status).is_active
    assert (given.epochs, given.accuracy) == (2, saved.summary.accuracy)
    assert given.validation_accuracy == saved.summary.validation_accuracy
    assert 2 not in training.classes.board(training.now.id).runs


def test_run_is_interrupted_while_no_server_trains_it(training: Room, url: str, clock: Clock) -> None:
    own, other = training.student(), RunStore(url, clock=clock)
    for run, status in (("going-on", None), ("ended", Status.FINISHED)):
        save_run(training.store, own, run, epochs=2, status=status)
        training.classes.hand_in_run(training.now.id, own, "n1", own, run)
    training.classes.hand_in_run(training.now.id, own, "n1", own, "not saved yet")

    def interrupted() -> list[str]:
        runs = other.classes.board(training.now.id).runs[1]
        [work] = other.classes.work_of(training.now.id)
        assert work.runs == runs
        return [one.run for one in runs if one.is_interrupted]

    clock.forward(GRACE_SECONDS - 1)
    assert interrupted() == []
    clock.forward(1)
    assert interrupted() == ["going-on"]
    training.store.heartbeat()  # It was only late.
    assert interrupted() == []
    training.store.sign_off()
    assert interrupted() == ["going-on"]
    other.take_over(own, "going-on")
    assert interrupted() == []


def test_runs_are_in_order_and_a_second_call_changes_nothing(training: Room) -> None:
    own = training.student()
    for run in ("b", "a", "b", "c"):
        training.classes.hand_in_run(training.now.id, own, "n1", own, run)
    assert [one.run for one in training.classes.board(training.now.id).runs[1]] == ["b", "a", "c"]


def test_seat_hands_in_thirty_runs_at_most(training: Room) -> None:
    own = training.student()
    for number in range(MAX_RUNS):
        training.classes.hand_in_run(training.now.id, own, "n1", own, f"run {number}")
    with pytest.raises(ClassFullError, match="30 networks"):
        training.classes.hand_in_run(training.now.id, own, "n1", own, "one more")
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run 3")
    assert len(training.classes.board(training.now.id).runs[1]) == MAX_RUNS


def test_deleted_run_is_off_the_board(training: Room) -> None:
    own = training.student()
    save_run(training.store, own, "run")
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    training.store.delete(own, "run")
    assert training.classes.board(training.now.id).runs == {}


def test_guess_can_change_until_the_end(training: Room) -> None:
    own = training.student()
    training.classes.guess(training.now.id, own, "n1", 0.5)
    training.classes.guess(training.now.id, own, "n1", 0.8)
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    board = training.classes.board(training.now.id)
    assert board.guesses == {1: 0.8}
    assert [one.run for one in board.runs[1]] == ["run"]
    training.move(phase=SHUT)
    with pytest.raises(ClassClosedError, match="closed"):
        training.classes.guess(training.now.id, own, "n1", 0.9)
    with pytest.raises(ClassClosedError, match="closed"):
        training.classes.hand_in_run(training.now.id, own, "n1", own, "late")
    board = training.classes.board(training.now.id)
    assert board.guesses == {1: 0.8}
    assert [one.run for one in board.runs[1]] == ["run"]


def test_run_of_an_earlier_task_is_refused(training: Room) -> None:
    own = training.student()
    training.move(task="n2")
    with pytest.raises(ClassClosedError, match="moved on"):
        training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    assert training.classes.board(training.now.id).runs == {}


def test_nobody_hands_in_without_a_seat(training: Room) -> None:
    stranger = new_workspace()
    with pytest.raises(ClassNotFoundError):
        training.classes.hand_in_run(training.now.id, stranger, "n1", stranger, "run")
    with pytest.raises(ClassNotFoundError):
        training.classes.guess(training.now.id, stranger, "n1", 0.5)


def test_removed_seat_is_off_the_board(training: Room) -> None:
    own = training.student()
    training.classes.guess(training.now.id, own, "n1", 0.5)
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    training.classes.remove_seat(training.teacher, training.now.id, 1)
    board = training.classes.board(training.now.id)
    assert (board.guesses, board.runs) == ({}, {})


def test_network_can_be_trained_again_from_nothing(training: Room) -> None:
    own = training.student()
    training.classes.guess(training.now.id, own, "n1", 0.5)
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    with pytest.raises(ClassMovedError):
        training.classes.begin_again(training.teacher, training.now.id, training.now.revision - 1)
    assert training.classes.board(training.now.id).guesses == {1: 0.5}
    training.classes.begin_again(training.teacher, training.now.id, training.now.revision)
    board = training.classes.board(training.now.id)
    assert (board.guesses, board.runs) == ({}, {})


def test_runs_handed_in_at_once_all_count(training: Room) -> None:
    own = training.student()
    with ThreadPoolExecutor(8) as pool:
        names = [f"run {number}" for number in range(16)]
        list(pool.map(lambda run: training.classes.hand_in_run(training.now.id, own, "n1", own, run), names))
    assert {one.run for one in training.classes.board(training.now.id).runs[1]} == set(names)


def test_seats_are_gone_after_the_end_and_their_work_is_kept_without_names(training: Room, clock: Clock) -> None:
    pupils = [training.student() for _ in range(5)]
    for number, own in enumerate(pupils):
        training.classes.guess(training.now.id, own, "n1", number / 10)
        training.classes.hand_in_run(training.now.id, own, "n1", own, f"run-{number}")
    save_run(training.store, pupils[3], "run-3", epochs=2, config=small(epochs=10, seed=45))
    before = training.classes.work(training.teacher, training.now.id)
    assert [(one.seat, one.guess) for one in before] == [(number + 1, number / 10) for number in range(5)]
    names = [seat.name for seat in training.classes.seats(training.now.id)]

    training.classes.end(training.teacher, training.now.id)

    after = training.classes.work(training.teacher, training.now.id)
    assert sorted(one.guess or 0.0 for one in after) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert [one.seat for one in after] == [1, 2, 3, 4, 5]
    [run] = next(one for one in after if one.guess == 0.3).runs
    assert (run.epochs, run.run, run.created) == (2, "", 0.0)
    exact = before[3].runs[0].validation_accuracy
    assert run.validation_accuracy == (None if exact is None else round(exact, 3))
    assert RunConfig.from_json(run.config).seed == RunConfig.seed
    assert training.classes.seats(training.now.id) == []
    assert training.classes.board(training.now.id).runs == {}
    with training.store.classes._database.reading() as connection:
        saved = str(connection.execute(sa.select(tables.classes)).all())
        kept = json.loads(connection.execute(sa.select(tables.classes.c.kept)).scalar_one())
        assert connection.execute(sa.select(tables.entries)).all() == []
    assert not any(name in saved for name in names)
    assert [row["seat"] for row in kept] == [1, 2, 3, 4, 5]  # Not in the order of the former seats.
    assert not any(workspace_key(own) in saved for own in pupils)
    # Their networks are still theirs.
    assert training.store.load(pupils[3], "run-3").summary.epochs == 2

    clock.forward(KEPT_DAYS * 86_400 - 1)
    training.classes.tidy()
    assert len(training.classes.led_by(training.teacher)) == 1
    clock.forward(1)
    training.classes.tidy()
    assert training.classes.led_by(training.teacher) == []


def test_order_of_seats_is_another_one_after_the_end(training: Room) -> None:
    for number in range(8):
        training.classes.guess(training.now.id, training.student(), "n1", number / 10)
    training.classes.end(training.teacher, training.now.id)
    guesses = [one.guess for one in training.classes.work(training.teacher, training.now.id)]
    assert guesses != sorted(guesses)  # type: ignore[type-var]  # Once in 40,320 times it fails by chance.


def test_forgotten_class_loses_its_seats_too(training: Room, clock: Clock) -> None:
    training.classes.guess(training.now.id, training.student(), "n1", 0.5)
    clock.forward(IDLE_SECONDS)
    training.classes.tidy()
    [found] = training.classes.led_by(training.teacher)
    assert found.ended is not None
    assert training.classes.seats(training.now.id) == []
    assert [one.guess for one in training.classes.work(training.teacher, training.now.id)] == [0.5]


def test_work_is_the_owners(training: Room) -> None:
    with pytest.raises(ClassNotFoundError):
        training.classes.work(new_workspace(), training.now.id)


def remaining(room: Room) -> list[str]:
    with room.classes._database.reading() as connection:
        return sorted(connection.execute(sa.select(tables.runs.c.id)).scalars())


def test_networks_of_a_lesson_are_deleted_with_it_unless_they_are_pinned(
    training: Room, url: str, clock: Clock
) -> None:
    one, other, taken_away = (training.student() for _ in "abc")
    for run, own, status in (
        ("ended", one, Status.FINISHED), ("pinned", one, Status.FINISHED), ("active", other, None),
        ("of a seat taken away", taken_away, Status.STOPPED), ("deleted", other, Status.FINISHED),
    ):  # fmt: skip
        save_run(training.store, own, run.replace(" ", "-"), status=status)
        training.classes.hand_in_run(training.now.id, own, "n1", own, run.replace(" ", "-"))
    training.store.pin(one, "pinned")
    training.store.delete(other, "deleted")
    shared = training.store.shares.share(one, "ended")
    training.classes.remove_seat(training.teacher, training.now.id, 3)
    training.classes.hand_in_run(training.now.id, other, "n1", other, "not-saved-yet")
    # What is no work of this lesson: not handed in, of the same name but of another browser, or of another class.
    save_run(training.store, one, "at-home")
    save_run(training.store, new_workspace(), "active")
    elsewhere = Room(url, clock)
    elsewhere.move(task="n1", phase=OPEN)
    pupil = elsewhere.student()
    save_run(training.store, pupil, "elsewhere")
    elsewhere.classes.hand_in_run(elsewhere.now.id, pupil, "n1", pupil, "elsewhere")

    gone = training.classes.end(training.teacher, training.now.id, delete=True)

    assert gone == {
        (workspace_key(one), "ended"), (workspace_key(taken_away), "of-a-seat-taken-away"),
        *((workspace_key(other), run) for run in ("active", "deleted", "not-saved-yet")),
    }  # fmt: skip
    assert remaining(training) == ["active", "at-home", "elsewhere", "pinned"]
    assert [found.id for found in training.store.list(one)] == ["at-home", "pinned"]
    assert training.store.load(one, "pinned").network is not None
    with pytest.raises(ShareNotFoundError):
        training.store.shares.load(shared)
    with pytest.raises(RunNotFoundError):  # Its server reads this when it saves the next epoch.
        training.store.save_epoch(other, "active", state_after(small(epochs=10), 2))
    with training.classes._database.reading() as connection:
        parts = set(connection.execute(sa.select(tables.parts.c.workspace, tables.parts.c.run)).all())
        assert {run for _workspace, run in parts} == {"active", "at-home", "elsewhere", "pinned"}
        assert (workspace_key(other), "active") not in parts


def test_networks_stay_if_the_work_is_kept(training: Room) -> None:
    own = training.student()
    save_run(training.store, own, "run")
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    for workspace in (own, new_workspace()):
        with pytest.raises(ClassNotFoundError):
            training.classes.end(workspace, training.now.id, delete=True)
    assert training.classes.end(training.teacher, training.now.id) == frozenset()
    assert training.classes.end(training.teacher, training.now.id, delete=True) == frozenset()
    assert remaining(training) == ["run"]


def test_networks_stay_if_the_lesson_has_ended_by_itself(training: Room, clock: Clock) -> None:
    own = training.student()
    save_run(training.store, own, "run")
    training.classes.hand_in_run(training.now.id, own, "n1", own, "run")
    clock.forward(IDLE_SECONDS)
    assert training.classes.end(training.teacher, training.now.id, delete=True) == frozenset()
    assert remaining(training) == ["run"]
    assert training.classes.led_by(training.teacher) == []


# --- Drawings ------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawing(room: Room) -> Room:
    """A class that draws digits."""
    room.move(task="d1", phase=OPEN)
    return room


def hand_in(room: Room, own: str, n: int, label: int, data: bytes = b"ink") -> None:
    room.classes.hand_in_drawing(room.now.id, own, "d1", SavedDrawing(n, label, False, 0.0, data))


def drawn(room: Room, seat: int) -> list[tuple[int, int, bool]]:
    given = room.classes.board(room.now.id).drawings.get(seat, ())
    assert all(one.data == b"" for one in given)
    return [(one.n, one.label, one.is_hidden) for one in given]


def test_drawing_is_on_the_board_and_its_data_are_read_apart(drawing: Room, clock: Clock) -> None:
    one, other = drawing.student(), drawing.student()
    hand_in(drawing, one, 1, 9, b"nine")
    hand_in(drawing, one, 0, 4, b"four")
    hand_in(drawing, other, 0, 4)
    assert drawn(drawing, 1) == [(0, 4, False), (1, 9, False)]
    found = drawing.classes.drawings(drawing.now.id, "d1", [1])
    assert {seat: [(one.n, one.data) for one in given] for seat, given in found.items()} == {
        1: [(0, b"four"), (1, b"nine")]
    }
    before = found[1][0].changed
    clock.forward(3)
    hand_in(drawing, one, 0, 4, b"another four")
    [again, same] = drawing.classes.drawings(drawing.now.id, "d1", [1])[1]
    assert (again.data, again.changed - before) == (b"another four", 3)
    assert same == found[1][1]


def test_drawing_that_is_taken_out_and_drawn_again(drawing: Room) -> None:
    own = drawing.student()
    hand_in(drawing, own, 0, 4)
    drawing.classes.hide_drawing(drawing.teacher, drawing.now.id, "d1", 1, 0)
    assert drawn(drawing, 1) == [(0, 4, True)]
    assert [one.drawings for one in drawing.classes.work(drawing.teacher, drawing.now.id)] == [()]
    drawing.classes.hide_drawing(drawing.teacher, drawing.now.id, "d1", 1, 0, is_hidden=False)
    assert drawn(drawing, 1) == [(0, 4, False)]
    drawing.classes.hide_drawing(drawing.teacher, drawing.now.id, "d1", 1, 0)
    hand_in(drawing, own, 0, 4)  # A new one, which the teacher has not seen.
    assert drawn(drawing, 1) == [(0, 4, False)]
    with pytest.raises(ClassNotFoundError):
        drawing.classes.hide_drawing(own, drawing.now.id, "d1", 1, 0)


@pytest.mark.parametrize("phase", [OPEN, SHUT, SHOWN])
def test_own_drawing_can_be_deleted_in_any_phase(drawing: Room, phase: str) -> None:
    own, other = drawing.student(), drawing.student()
    for seat in (own, other):
        hand_in(drawing, seat, 0, 4)
    drawing.move(phase=phase)
    drawing.classes.take_back_drawing(drawing.now.id, own, "d1", 0)
    assert (drawn(drawing, 1), drawn(drawing, 2)) == ([], [(0, 4, False)])
    with pytest.raises(ClassNotFoundError):
        drawing.classes.take_back_drawing(drawing.now.id, new_workspace(), "d1", 0)


@pytest.mark.parametrize("changes", [{"phase": READY}, {"phase": SHUT}, {"phase": SHOWN}, {"task": "q1"}])
def test_drawing_that_comes_too_late(drawing: Room, changes: dict[str, str]) -> None:
    own = drawing.student()
    drawing.move(**changes)
    with pytest.raises(ClassClosedError):
        hand_in(drawing, own, 0, 4)
    assert drawn(drawing, 1) == []


@pytest.mark.parametrize(
    ("n", "label", "data"),
    [(-1, 4, b""), (MAX_OF_SEAT, 4, b""), (0, 10, b""), (0, -1, b""), (0, 4, bytes(MAX_DRAWING_BYTES + 1))],
    ids=["place below 0", "thirty-first", "no digit", "negative digit", "too large"],
)
def test_impossible_drawing_is_refused(drawing: Room, n: int, label: int, data: bytes) -> None:
    own = drawing.student()
    with pytest.raises(ConfigError):
        hand_in(drawing, own, n, label, data)
    assert drawn(drawing, 1) == []


def test_class_has_room_for_so_many_drawings(drawing: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.store.handing_in.MAX_DRAWINGS", 2)
    own, other = drawing.student(), drawing.student()
    hand_in(drawing, own, 0, 4)
    hand_in(drawing, other, 0, 4)
    with pytest.raises(ClassFullError):
        hand_in(drawing, other, 1, 9)
    hand_in(drawing, other, 0, 4, b"in its place")


def test_drawings_are_kept_without_the_seat_and_the_time(drawing: Room) -> None:
    own, other = drawing.student(), drawing.student()
    hand_in(drawing, own, 0, 4, b"\0\xff four")
    hand_in(drawing, other, 0, 7)
    drawing.classes.hide_drawing(drawing.teacher, drawing.now.id, "d1", 2, 0)
    drawing.classes.end(drawing.teacher, drawing.now.id)
    kept = [one.drawings for one in drawing.classes.work(drawing.teacher, drawing.now.id)]
    assert sorted(kept) == [(), (SavedDrawing(0, 4, False, 0.0, b"\0\xff four"),)]
    assert drawing.classes.drawings(drawing.now.id, "d1", [1, 2]) == {}


def test_all_ended_networks_of_a_class(training: Room) -> None:
    one, other = training.student(), training.student()
    for own, run, status in ((one, "ended", Status.FINISHED), (other, "active", None), (other, "b", Status.STOPPED)):
        save_run(training.store, own, run, epochs=2, status=status)
        training.classes.hand_in_run(training.now.id, own, "n1", own, run)
    training.move(task="n2", phase=OPEN)
    save_run(training.store, one, "later", epochs=2, status=Status.FINISHED)
    training.classes.hand_in_run(training.now.id, one, "n2", one, "later")
    found = training.classes.ended_runs(training.now.id)
    assert [(one.seat, one.run.run) for one in found] == [(1, "ended"), (2, "b"), (1, "later")]
    for given, own in zip(found, (one, other, one), strict=True):
        network = training.store.load(own, given.run.run).network
        read = training.classes.network(given)
        assert network is not None
        assert read.config == network.config
        assert all(np.array_equal(a, b) for a, b in zip(read.weights, network.weights, strict=True))
    history = training.classes.history(training.now.id, "b")
    state = training.store.load(other, "b").state
    assert state is not None
    assert history == state.history
    training.store.delete(one, "ended")
    with pytest.raises(RunNotFoundError):
        training.classes.network(found[0])
    for run in ("ended", "active", "gone"):
        with pytest.raises(RunNotFoundError):
            training.classes.history(training.now.id, run)
    assert [one.run.run for one in training.classes.ended_runs(training.now.id)] == ["b", "later"]


def test_drawings_of_a_removed_seat_do_not_come_back_with_it(drawing: Room) -> None:
    own = drawing.student()
    hand_in(drawing, own, 0, 4)
    drawing.classes.remove_seat(drawing.teacher, drawing.now.id, 1)
    assert drawn(drawing, 1) == []
    drawing.classes.join(drawing.now.id, own, draw)
    assert drawn(drawing, 1) == [(0, 4, True)]


def test_pretend_students_are_taken_away_with_what_they_handed_in(room: Room) -> None:
    own, pretended = room.student(), new_workspace()
    seat = room.classes.join(room.now.id, pretended, lambda taken: "green frog", is_pretend=True)
    assert seat.pretend
    room.move(phase=OPEN)
    for token in (own, pretended):
        room.classes.vote(room.now.id, token, "q1", 1, 0)
    assert [one.pretend for one in room.classes.seats(room.now.id)] == [False, True]
    with pytest.raises(ClassNotFoundError):
        room.classes.remove_pretend(own, room.now.id)
    room.classes.remove_pretend(room.teacher, room.now.id)
    assert [one.pretend for one in room.classes.seats(room.now.id)] == [False]
    assert room.classes.board(room.now.id).votes == {1: {1: 0}}


def test_one_server_takes_pretend_students_up(room: Room, clock: Clock) -> None:
    def take_up(_at: int) -> bool:
        return room.classes.take_up_pretend(room.teacher, room.now.id)

    room.student()
    clock.forward(AWAY_SECONDS)
    assert not take_up(0)  # There are none.
    for _ in range(2):
        room.classes.join(room.now.id, new_workspace(), draw, is_pretend=True)
    assert not take_up(0)
    clock.forward(AWAY_SECONDS)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(take_up, range(4))).count(True) == 1
    assert [clock() - one.seen for one in room.classes.seats(room.now.id)] == [2 * AWAY_SECONDS, 0.0, 0.0]
    with pytest.raises(ClassNotFoundError):
        room.classes.take_up_pretend(room.student(), room.now.id)


def test_results_that_were_shown_are_remembered(room: Room) -> None:
    assert room.now.shown_tasks == frozenset()
    assert room.move(phase=OPEN).shown_tasks == frozenset()
    assert room.move(phase=SHOWN).shown_tasks == {"q1"}
    assert room.move(doors=False).shown_tasks == {"q1"}
    assert room.move(task="q2", phase=READY).shown_tasks == {"q1"}
    assert room.move(phase=SHOWN).shown_tasks == {"q1", "q2"}
    assert room.classes.board(room.now.id).now.shown_tasks == {"q1", "q2"}
    assert room.classes.begin_again(room.teacher, room.now.id, room.now.revision).shown_tasks == {"q1"}


def test_who_comes_late_has_missed_what_was_shown(room: Room) -> None:
    def missed() -> list[list[str]]:
        return [sorted(seat.missed_tasks) for seat in room.classes.seats(room.now.id)]

    early = room.student()
    room.move(phase=OPEN)
    during = room.student()
    room.move(phase=SHUT)
    room.student()  # There may be a second vote.
    for task in ("q_", "qx", "d1"):
        room.move(phase=SHOWN)
        room.move(task=task, phase=READY)
    late = room.student()
    assert missed() == [[], [], [], ["q1", "q_", "qx"]]
    assert room.classes.seat(room.now.id, late) == room.classes.seats(room.now.id)[3]
    room.classes.join(room.now.id, early, draw)  # A reload.
    for token in (early, during):
        room.classes.remove_seat(room.teacher, room.now.id, room.classes.join(room.now.id, token, draw).number)
        room.classes.join(room.now.id, token, draw)
    assert missed() == [[], [], [], ["q1", "q_", "qx"]]  # They were there.

    room.move(task="q_", phase=READY)
    assert missed()[3] == ["q1", "q_", "qx"]
    room.move(phase=OPEN)
    assert missed()[3] == ["q1", "qx"]
    room.classes.vote(room.now.id, late, "q_", 1, 0)
    room.move(task="q1", phase=READY)
    room.now = room.classes.begin_again(room.teacher, room.now.id, room.now.revision)
    assert missed() == [[], [], [], ["qx"]]


def test_seats_of_another_class_have_missed_their_own_tasks(room: Room, url: str, clock: Clock) -> None:
    other = Room(url, clock)
    for one in (room, other):
        one.move(phase=SHOWN)
        one.student()
    room.move(phase=OPEN)
    found = [one.classes.seats(one.now.id)[0].missed_tasks for one in (room, other)]
    assert found == [frozenset(), {"q1"}]


def test_key_of_result_codes_is_not_that_of_the_wall(room: Room) -> None:
    key = room.classes.result_key(room.now.id)
    wall = workspace_key(wall_token(room.teacher, room.now.id))
    assert key != hmac.digest(wall.encode(), b"result codes", "sha256")
    assert key == room.classes.result_key(room.now.id)
    other = room.classes.create(room.teacher, "", "[]", "q1")
    assert key != room.classes.result_key(other.id)
    with pytest.raises(ClassNotFoundError):
        room.classes.result_key("gone")


def test_seat_of_a_pretend_student_is_not_taken_over(room: Room, clock: Clock) -> None:
    room.classes.join(room.now.id, new_workspace(), draw, is_pretend=True)
    clock.forward(3_600)
    with pytest.raises(ClassClosedError):
        room.classes.take_over(room.now.id, 1, new_workspace())


# --- Another class -------------------------------------------------------------------------------------------------


@pytest.fixture
def other(room: Room, url: str, clock: Clock) -> Room:
    """A second class with the same tasks and seats in the same database."""
    return Room(url, clock)


def test_drawings_of_another_class_are_out_of_reach(room: Room, other: Room) -> None:
    own, theirs = room.student(), other.student()
    for one in (room, other):
        one.move(task="d1", phase=OPEN)
    hand_in(other, theirs, 0, 7, b"theirs")
    with pytest.raises(ClassNotFoundError):
        hand_in(other, own, 0, 9)
    with pytest.raises(ClassNotFoundError):
        room.classes.take_back_drawing(other.now.id, own, "d1", 0)
    with pytest.raises(ClassNotFoundError):
        room.classes.hide_drawing(room.teacher, other.now.id, "d1", 1, 0)
    assert room.classes.drawings(room.now.id, "d1", [1]) == {}

    # The same seat and place in the own class.
    hand_in(room, own, 0, 4, b"mine")
    room.classes.hide_drawing(room.teacher, room.now.id, "d1", 1, 0)
    assert (drawn(room, 1), drawn(other, 1)) == ([(0, 4, True)], [(0, 7, False)])
    room.classes.take_back_drawing(room.now.id, own, "d1", 0)
    room.now = room.classes.begin_again(room.teacher, room.now.id, room.now.revision)
    assert [one.data for one in other.classes.drawings(other.now.id, "d1", [1])[1]] == [b"theirs"]


def test_networks_of_another_class_are_out_of_reach(room: Room, other: Room) -> None:
    own, theirs = room.student(), other.student()
    for one, token, epochs in ((room, own, 1), (other, theirs, 2)):
        one.move(task="n1", phase=OPEN)
        for run in ("same-name", f"{epochs}-epochs"):
            save_run(one.store, token, run, epochs=epochs, status=Status.FINISHED)
            one.classes.hand_in_run(one.now.id, token, "n1", token, run)
    with pytest.raises(ClassNotFoundError):
        room.classes.hand_in_run(other.now.id, own, "n1", own, "1-epochs")
    with pytest.raises(ClassNotFoundError):
        room.classes.guess(other.now.id, own, "n1", 0.5)
    with pytest.raises(RunNotFoundError):
        room.classes.history(room.now.id, "2-epochs")
    for one, epochs in ((room, 1), (other, 2)):
        assert [found.run.run for found in one.classes.ended_runs(one.now.id)] == ["same-name", f"{epochs}-epochs"]
        assert len(one.classes.history(one.now.id, "same-name")) == epochs
        assert [run.epochs for run in one.classes.board(one.now.id).runs[1]] == [epochs, epochs]
    with pytest.raises(ClassNotFoundError):
        room.classes.work(room.teacher, other.now.id)
    room.classes.end(room.teacher, room.now.id, delete=True)
    assert len(other.classes.board(other.now.id).runs[1]) == 2


# --- The database is away ------------------------------------------------------------------------------------------


def test_vote_while_the_database_is_away_is_refused(
    room: Room, url: str, away: Callable[[Database], contextlib.AbstractContextManager[None]]
) -> None:
    own, another_server = room.student(), RunStore(url).classes
    room.move(phase=OPEN)
    room.classes.vote(room.now.id, own, "q1", 1, 1)
    assert another_server.board(room.now.id).votes == {1: {1: 1}}
    with away(room.classes._database):
        with pytest.raises(StoreError, match="The database of saved runs cannot be"):
            room.classes.vote(room.now.id, own, "q1", 1, 2)
        with pytest.raises(StoreError, match="The database of saved runs cannot be"):
            room.classes.board(room.now.id)
        with pytest.raises(StoreError, match="The database of saved runs cannot be"):
            room.move(phase=SHUT)
    # What was confirmed is there. Connections from before are replaced, also those of another server.
    for classes in (room.classes, another_server):
        assert classes.board(room.now.id).votes == {1: {1: 1}}
    room.classes.vote(room.now.id, own, "q1", 1, 2)
    assert another_server.board(room.now.id).votes == {1: {1: 2}}


def test_vote_while_the_database_is_locked_is_refused(url: str, clock: Clock) -> None:
    room = Room(url, clock, patience=0.05)
    own = room.student()
    room.move(phase=OPEN)
    with outage.locked(url):
        with pytest.raises(StoreError, match="database of saved runs is busy"):
            room.classes.vote(room.now.id, own, "q1", 1, 2)
        assert room.classes.board(room.now.id).votes == {}
    room.classes.vote(room.now.id, own, "q1", 1, 2)
    assert room.classes.board(room.now.id).votes == {1: {1: 2}}
