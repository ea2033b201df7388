"""Pretend students: they fill a class, so that a teacher can go through a plan before the lesson.

They take seats, vote, guess, train and draw as a class might; what they choose is in `pretend_choices`. Their networks
train on this server, so a plan takes as long as it will with so many students.

Their workspaces follow from the owner's, so after a restart another process can go on for the same seats.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mnist_core.classes import pretend_choices
from mnist_core.classes.names import draw_name
from mnist_core.classes.plan import Ask, Draw, Train, from_json, wanted
from mnist_core.drawing import test_set
from mnist_core.errors import ClassFullError, ClassNotFoundError, PlaygroundError, StoreError
from mnist_core.store.class_records import AWAY_SECONDS, MAX_DRAWING_BYTES, MAX_SEATS, OPEN, READY, seat_token
from mnist_core.store.handed_in import SavedDrawing
from mnist_core.store.workspaces import share_token, workspace_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.classes.boards import Boards
    from mnist_core.classes.plan import Task
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.store.class_records import Board, Class
    from mnist_core.store.classes import Classes

SLOWEST: Final = 20.0
"""After so many seconds the last of them acts."""
_LOOK_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Student:
    """A pretend student: a workspace, and a seat by its number."""

    workspace: str
    number: int
    # The tasks and rounds in which they have acted, and what they have trained.
    done: set[tuple[str, int]] = field(default_factory=set)
    runs: list[str] = field(default_factory=list)


class PretendStudents:
    """The pretend students of one class.

    Args:
        classes: where the class is saved.
        boards: what the pages of this server show of it.
        owner: the token of the teacher's workspace.
        dataset: its test images are their drawings, and its training images what they train with.
        train: starts a run of a config in the workspace with this token, and returns its id.
        drop: stops and deletes a run of the workspace with this token, by its id.
    """

    def __init__(
        self,
        classes: Classes,
        boards: Boards,
        owner: str,
        dataset: Dataset,
        train: Callable[[str, RunConfig], str],
        drop: Callable[[str, str], None],
    ) -> None:
        self._classes, self._boards, self._owner = classes, boards, owner
        self._dataset, self._train, self._drop = dataset, train, drop
        self._students: list[_Student] = []
        self._is_over = threading.Event()
        # When they last acted, in seconds since 1970.
        self._acted = 0.0

    def join(self, class_id: str, count: int) -> int:
        """Take up to `count` seats; returns how many were free: none if the class has pretend students already.

        Raises:
            StoreError: the class has ended, or its doors are closed.
        """
        if any(seat.pretend for seat in self._classes.seats(class_id)):
            return 0
        for place in range(count):
            workspace = _workspace(self._owner, class_id, place)
            try:
                seat = self._classes.join(class_id, seat_token(workspace), draw_name, is_pretend=True)
            except ClassFullError:
                break
            self._students.append(_Student(workspace, seat.number))
        self._boards.outdate(class_id)
        return len(self._students)

    def take_up(self, class_id: str) -> int:
        """Go on for pretend students whose server is gone; returns how many: none if another one acts for them.

        Raises:
            StoreError: the class has ended, or the database does not answer.
        """
        if not self._classes.take_up_pretend(self._owner, class_id):
            return 0
        board, works = self._classes.board(class_id), self._classes.work_of(class_id)
        numbers = {seat.token: seat.number for seat in board.seats}
        for place in range(MAX_SEATS):
            workspace = _workspace(self._owner, class_id, place)
            number = numbers.get(workspace_key(seat_token(workspace)))
            if number is not None:
                done = {(board.now.task, round_) for round_ in _rounds_done(board, number)}
                runs = [run.run for work in works if work.seat == number for run in work.runs]
                self._students.append(_Student(workspace, number, done, runs))
        return len(self._students)

    def act(self, class_id: str, now: float) -> bool:
        """Do what is due at a time in seconds since 1970; returns whether there will be more to do.

        Raises:
            StoreError: the class was deleted, or the database does not answer.
        """
        board = self._classes.board(class_id)
        tokens = {seat.token for seat in board.seats} if board.now.ended is None else set()
        here = [one for one in self._students if workspace_key(seat_token(one.workspace)) in tokens]
        for one in self._students:
            if one not in here:
                self._leave(one)
        self._students = here
        if not here:
            return False
        plan = from_json(board.now.plan)
        for one in here:
            self._boards.note_here(class_id, one.number)
            moment = board.now.task, board.now.round
            if board.now.phase == READY:  # Perhaps it begins again.
                one.done -= {(board.now.task, round_) for round_ in (1, 2)}
            if _has_lost_network(board, one.number):
                one.done.discard(moment)
            delay = pretend_choices.delay(one.number, SLOWEST)
            is_due = board.now.phase == OPEN and now - board.now.moved >= delay
            if is_due and moment not in one.done and not board.now.paused:
                one.done.add(moment)
                self._do(one, board.now, plan[board.now.at])
        return True

    def leave(self) -> None:
        """Stop and delete all that they train, and act no more."""
        students, self._students = self._students, []
        for one in students:
            self._leave(one)

    def _leave(self, one: _Student) -> None:
        for run in one.runs:
            try:
                self._drop(one.workspace, run)
            except PlaygroundError as error:
                logger.info("A run of a pretend student cannot be deleted: %s", error)
        one.runs.clear()

    def follow(self, class_id: str, clock: Callable[[], float]) -> None:
        """Act until the class ends or they are taken away, in a thread of its own."""
        self._acted = clock()

        def work() -> None:
            try:
                while not self._is_over.is_set() and self._goes_on(class_id, clock):
                    self._is_over.wait(_LOOK_SECONDS)
            except Exception:
                logger.exception("Unexpected error of the pretend students of a class")
            finally:
                self.leave()

        threading.Thread(target=work, name="pretending", daemon=True).start()

    def stop(self) -> None:
        """End the thread of `follow`, and delete all that they train."""
        self._is_over.set()

    def _goes_on(self, class_id: str, clock: Callable[[], float]) -> bool:
        try:
            if clock() - self._acted > AWAY_SECONDS and not self._classes.take_up_pretend(self._owner, class_id):
                self._students = []  # By now another server acts for them: their networks are its to delete.
                return False
            goes_on = self.act(class_id, clock())
        except ClassNotFoundError:  # It was deleted.
            return False
        except StoreError as error:
            logger.warning("The pretend students of a class wait: %s", error)
            return True
        self._acted = clock()
        return goes_on

    def _do(self, one: _Student, now: Class, task: Task) -> None:
        token = seat_token(one.workspace)
        try:
            if isinstance(task, Ask):
                choice = pretend_choices.vote(one.number, task, now.round)
                self._classes.vote(now.id, token, task.id, now.round, choice)
            elif isinstance(task, Train):
                self._train_network(one, token, now, task)
            elif isinstance(task, Draw):
                for n, label in enumerate(wanted(task)):
                    image = pretend_choices.drawing(one.number, task, n, self._dataset)
                    data = test_set.pack(image, (), MAX_DRAWING_BYTES)  # Without strokes.
                    self._classes.hand_in_drawing(now.id, token, task.id, SavedDrawing(n, label, False, 0.0, data))
        except PlaygroundError as error:  # The server is full, for example: as with real students.
            logger.info("A pretend student could not hand in: %s", error)
        self._boards.outdate(now.id)

    def _train_network(self, one: _Student, token: str, now: Class, task: Train) -> None:
        if task.predict:
            self._classes.guess(now.id, token, task.id, pretend_choices.guess(one.number, task))
        config = pretend_choices.network(one.number, task)
        run = self._train(one.workspace, dataclasses.replace(config, dataset=self._dataset.name))
        try:
            self._classes.hand_in_run(now.id, token, task.id, one.workspace, run)
        except PlaygroundError:  # The teacher was faster, for example.
            self._drop(one.workspace, run)
            raise
        one.runs.append(run)


def _workspace(owner: str, class_id: str, place: int) -> str:
    """The token of the workspace of a pretend student, always the same for the same place, from 0."""
    return share_token(owner, f"pretend {class_id} {place}")


def _rounds_done(board: Board, number: int) -> set[int]:
    """The rounds of the current task in which a seat has acted."""
    rounds = {round_ for round_, given in board.votes.items() if number in given}
    return rounds | {1} if number in board.runs or number in board.drawings else rounds


def _has_lost_network(board: Board, number: int) -> bool:
    """Whether all that a seat has trained was interrupted, so that it trains again."""
    runs = board.runs.get(number, ())
    return bool(runs) and all(run.is_interrupted for run in runs)
