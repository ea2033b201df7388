"""Boards of classes: how often they are read, and who is there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from mnist_core.classes import draw_name, results
from mnist_core.classes.boards import FRESH_SECONDS, Boards
from mnist_core.errors import ClassNotFoundError, StoreError
from mnist_core.store.class_records import OPEN, Board, Class
from mnist_core.store.database import Database
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from tests.stored_runs import Clock


class Counted:
    """The classes of a store; counts how often a board is read, and can fail."""

    def __init__(self, store: RunStore) -> None:
        self.classes = store.classes
        self.reads = 0
        self.error: StoreError | None = None

    def board(self, class_id: str) -> Board:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.classes.board(class_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.classes, name)


@pytest.fixture
def counted(tmp_path: Any, clock: Clock) -> Counted:
    return Counted(RunStore(f"sqlite:///{tmp_path / 'runs.db'}", clock=clock))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def boards(counted: Counted, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Boards:
    monkeypatch.setattr(threading.Timer, "start", lambda timer: None)  # The test saves by hand.
    return Boards(counted, clock, clock)  # type: ignore[arg-type]


def new_class(counted: Counted) -> tuple[str, Class]:
    teacher = new_workspace()
    return teacher, counted.classes.create(teacher, "", "[]", "q1")


def test_sixty_pages_read_the_database_once_a_second(counted: Counted, boards: Boards, clock: Clock) -> None:
    _teacher, now = new_class(counted)
    for _ in range(10):
        for _ in range(60):
            boards.board(now.id)
        clock.forward(FRESH_SECONDS)
    assert counted.reads == 10


def selects(database: Database) -> list[str]:
    """The statements that read from a database, from now on."""
    found: list[str] = []

    @event.listens_for(database._engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            found.append(statement)

    return found


def test_sixty_pages_cause_the_statements_of_one(counted: Counted, boards: Boards) -> None:
    """Sixty cards at the end of a lesson, each with its result code."""
    _teacher, now = new_class(counted)
    for _ in range(3):
        counted.classes.join(now.id, new_workspace(), draw_name)
    statements = selects(counted.classes._database)
    counted.classes.board(now.id)
    counted.classes.result_key(now.id)
    of_one_page = list(statements)
    assert of_one_page
    statements.clear()
    for page in range(60):
        board, _read = boards.board(now.id)
        boards.note_here(now.id, board.seats[page % 3].number)
        results.result_key(counted.classes, now.id)
    assert statements == of_one_page


def test_many_threads_read_once(counted: Counted, boards: Boards) -> None:
    _teacher, now = new_class(counted)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: boards.board(now.id)[0].now, range(64)))
    assert found == [now] * 64
    assert counted.reads == 1


def test_move_is_seen_at_once(counted: Counted, boards: Boards) -> None:
    teacher, now = new_class(counted)
    boards.board(now.id)
    moved = counted.classes.move(teacher, now.id, now.revision, phase=OPEN)
    assert boards.board(now.id)[0].now == now
    boards.outdate(now.id)
    assert boards.board(now.id)[0].now == moved


def test_last_board_stays_while_the_database_is_away(counted: Counted, boards: Boards, clock: Clock) -> None:
    _teacher, now = new_class(counted)
    read = clock()
    assert boards.board(now.id) == (counted.classes.board(now.id), read)
    counted.error = StoreError("The database is away.", "Wait.")
    clock.forward(60)
    assert boards.board(now.id)[1] == read
    counted.error = None
    clock.forward(FRESH_SECONDS)
    assert boards.board(now.id)[1] == clock()


def test_without_a_board_an_outage_is_an_error(counted: Counted, boards: Boards) -> None:
    _teacher, now = new_class(counted)
    counted.error = StoreError("The database is away.", "Wait.")
    with pytest.raises(StoreError, match="away"):
        boards.board(now.id)


def test_deleted_class_is_gone_for_all_pages(counted: Counted, boards: Boards, clock: Clock) -> None:
    teacher, now = new_class(counted)
    boards.board(now.id)
    counted.classes.end(teacher, now.id, delete=True)
    clock.forward(FRESH_SECONDS)
    for _ in range(2):
        with pytest.raises(ClassNotFoundError):
            boards.board(now.id)


def test_page_that_waited_for_the_first_look_at_a_deleted_class(
    counted: Counted, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = boards._look("gone")
    monkeypatch.setattr(boards, "_look", lambda _class_id: look)  # It waited for the same one.
    for _page in range(2):
        with pytest.raises(ClassNotFoundError):
            boards.board("gone")
    assert counted.reads == 1


def test_who_is_here_is_known_at_once_and_saved_later(counted: Counted, boards: Boards, clock: Clock) -> None:
    _teacher, now = new_class(counted)
    for _ in range(3):
        counted.classes.join(now.id, new_workspace(), draw_name)
    joined = clock()
    clock.forward(30)
    boards.note_here(now.id, 1)
    boards.note_here(now.id, 3)
    assert [seat.seen for seat in boards.board(now.id)[0].seats] == [clock(), joined, clock()]
    assert [seat.seen for seat in counted.classes.seats(now.id)] == [joined] * 3
    boards.save_presence()
    assert [seat.seen for seat in counted.classes.seats(now.id)] == [clock(), joined, clock()]


def test_who_is_here_is_here_after_the_clock_was_set_back(counted: Counted, boards: Boards, clock: Clock) -> None:
    _teacher, now = new_class(counted)
    for _ in range(2):
        counted.classes.join(now.id, new_workspace(), draw_name)
    joined = clock()
    clock.forward(-3600)
    boards.note_here(now.id, 2)
    assert [seat.seen for seat in boards.board(now.id)[0].seats] == [joined, clock()]


def test_presence_that_cannot_be_saved_is_noted_in_the_log(
    counted: Counted, boards: Boards, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(seen: object) -> None:
        raise StoreError("The database is away.", "Wait.")

    monkeypatch.setattr(counted.classes, "note_seen", fail)
    boards.note_here("a", 1)
    boards.save_presence()
    assert "The database is away." in caplog.text
    boards.note_here("a", 1)  # And again ten seconds later.


def test_boards_that_nobody_looks_at_are_forgotten(counted: Counted, boards: Boards, clock: Clock) -> None:
    first, second = (new_class(counted)[1] for _ in range(2))
    boards.board(first.id)
    clock.forward(601)
    boards.board(second.id)
    assert list(boards._looks) == [second.id]


def test_change_is_seen_while_another_page_reads(
    counted: Counted, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has changed the class waits for a board with its change."""
    _teacher, now = new_class(counted)
    boards.board(now.id)
    is_reading, may_end = threading.Event(), threading.Event()
    read = counted.classes.board

    def slowly(class_id: str) -> Board:
        found = read(class_id)
        if not is_reading.is_set():
            is_reading.set()
            may_end.wait()
        return found

    monkeypatch.setattr(counted.classes, "board", slowly)
    boards.outdate(now.id)
    with ThreadPoolExecutor() as threads:
        other = threads.submit(boards.board, now.id)
        is_reading.wait()
        counted.classes.join(now.id, new_workspace(), lambda taken: "blue otter")
        boards.outdate(now.id)
        mine = threads.submit(boards.board, now.id)
        may_end.set()
        assert [seat.name for seat in mine.result()[0].seats] == ["blue otter"]
        other.result()
