"""The test set of a class: the digits that its seats have drawn, and what each of its networks reads in them.

MNIST's validation images chose the networks; nobody has trained on these drawings, or chosen by them. So they say which
network reads the class's own writing best. The networks read in a thread of its own, one after the other, and each
reads a drawing once: a page shows those that are done.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mnist_core import network
from mnist_core.classes import progress
from mnist_core.classes.progress import Network
from mnist_core.config import IMAGE_SIZE
from mnist_core.drawing import test_set
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.errors import DataError, RunNotFoundError, StoreError
from mnist_core.evaluation import shipped
from mnist_core.lazy import lazy_property
from mnist_core.store.handed_in import SavedDrawing

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from mnist_core.store.class_records import Board
    from mnist_core.store.classes import Classes
    from mnist_core.store.handed_in import ClassRun

    # Of a drawing: its seat, its place, and when it was handed in. Of a network: the key of its workspace, and its run.
    Place = tuple[int, int, float]
    Name = tuple[str, str]

MAX_NETWORKS = 200
"""The most networks that read the drawings of a class: the newest."""
MAX_CLASSES = 20
"""The drawings of so many classes are held in memory: those that were asked for last."""
_FRESH_SECONDS = 5.0
# Drawings that no page has asked for so long are forgotten.
_UNUSED_SECONDS = 600.0
_BUILT_IN: Name = ("", "")
_NOTHING = np.zeros(0, np.uint8)
_BLANK = LabelledDrawing(np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8), 0)
# A network that could not be loaded so often is damaged.
_MOST_FAILURES = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ClassDrawing:
    """A drawing of a class.

    Attributes:
        seat: the number of the seat that has handed it in.
        n: its place among the drawings of the seat, from 0.
        is_hidden: whether the teacher has taken it out.
        drawing: its picture, label and strokes.
    """

    seat: int
    n: int
    is_hidden: bool
    drawing: LabelledDrawing


@dataclass(frozen=True, eq=False)
class ClassTest:
    """What the networks of a class have read in its drawings so far.

    Attributes:
        drawings: those that the teacher has not taken out, the oldest first.
        networks: those that have read all of them, by task and seat, the oldest first.
        answers: (networks, drawings) uint8, the digit that each has read.
        waiting: how many networks have not read all of them yet.
        is_built_in: whether the class has no network, so that the built-in one reads.
    """

    drawings: tuple[ClassDrawing, ...]
    networks: tuple[Network, ...]
    answers: npt.NDArray[np.uint8]
    waiting: int
    is_built_in: bool

    @lazy_property
    def is_wrong(self) -> npt.NDArray[np.bool_]:
        """(networks, drawings): whether the network misreads the drawing."""
        labels = np.array([one.drawing.label for one in self.drawings], np.uint8)
        return np.asarray(self.answers != labels[np.newaxis])

    @lazy_property
    def misread(self) -> npt.NDArray[np.int64]:
        """(drawings,): how many networks misread each."""
        return np.asarray(self.is_wrong.sum(axis=0, dtype=np.int64))

    @lazy_property
    def scores(self) -> npt.NDArray[np.float64]:
        """(networks,): the share of the drawings that each reads right, 0 to 1; NaN without drawings."""
        if not self.drawings:
            return np.full(len(self.networks), np.nan)
        return np.asarray(1 - self.is_wrong.mean(axis=1))

    @lazy_property
    def best(self) -> list[int]:
        """The places of the networks that read the most drawings right, the smallest first; empty without drawings."""
        if not self.drawings or not self.networks:
            return []
        wrong = self.is_wrong.sum(axis=1)
        found = np.flatnonzero(wrong == wrong.min())
        return sorted(map(int, found), key=lambda at: self.networks[at].parameters)

    @lazy_property
    def hardest(self) -> list[int]:
        """The places of the drawings, those first that most networks misread."""
        return [int(at) for at in np.argsort(-self.misread, kind="stable")]


@dataclass
class _Room:
    """What is known of one task: the drawings, only added to, and what each network has read, from the first one on."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    drawings: list[LabelledDrawing] = field(default_factory=list)
    # Where each drawing is among them; None for one that cannot be read.
    places: dict[Place, int | None] = field(default_factory=dict)
    answers: dict[Name, npt.NDArray[np.uint8]] = field(default_factory=dict)
    # How often each network could not be loaded; one that was deleted or is damaged does not read.
    failures: dict[Name, int] = field(default_factory=dict)
    runs: list[ClassRun] = field(default_factory=list)
    looked: float | None = None
    asked: float = 0.0
    is_working: bool = False
    not_before: float = 0.0
    # The last test, and what it was made of.
    made: tuple[object, ClassTest] | None = None


class ClassTests:
    """The test sets of the classes that pages of this server show. Safe to use from any thread.

    While the database does not answer, they stay as they were.

    Args:
        classes: where the classes are saved.
        give_way: called first by a thread in which networks read: it is less urgent than the pages.
        clock: returns seconds.
    """

    def __init__(
        self,
        classes: Classes,
        give_way: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._classes, self._give_way, self._clock = classes, give_way, clock
        self._lock = threading.Lock()
        self._rooms: OrderedDict[tuple[str, str], _Room] = OrderedDict()

    def drawings(self, board: Board) -> list[ClassDrawing]:
        """The drawings on a board, the oldest first, those too that the teacher has taken out."""
        room = self._room(board)
        self._load(board, room)
        with room.lock:
            return [one for one, _at in _drawn(board, room)]

    def test(self, board: Board) -> ClassTest:
        """What the networks of a class have read so far in the drawings on a board; the others begin to read."""
        room = self._room(board)
        self._load(board, room)
        self._look(board, room)
        with room.lock:
            networks = _networks(room)
            done = [name for name in networks if len(room.answers.get(name, _NOTHING)) >= len(room.drawings)]
            waiting = [name for name in networks if name not in set(done)]
            if waiting and not room.is_working and self._clock() >= room.not_before:
                room.is_working = True
                threading.Thread(
                    target=self._read, args=(board.now.id, room, waiting), name="reading", daemon=True
                ).start()
            key = (board.drawings, done, len(waiting))
            if room.made is None or room.made[0] != key:
                room.made = key, _test(_drawn(board, room), room, networks, done)
            return room.made[1]

    def read(self, board: Board, image: npt.NDArray[np.uint8]) -> ClassTest:
        """What the networks of a class have read so far in an image that no seat has drawn; the others begin to read.

        Args:
            board: the class, at a task in which nothing is drawn.
            image: (28, 28) uint8, 255 = ink. It is the only drawing; its label does not count.
        """
        one = SavedDrawing(0, 0, False, float(zlib.crc32(image.tobytes())))
        room = self._room(board)
        with room.lock:
            if _place(0, one) not in room.places:
                room.places[_place(0, one)] = len(room.drawings)
                room.drawings.append(LabelledDrawing(image, one.label))
        return self.test(dataclasses.replace(board, drawings={0: (one,)}))

    def forget(self, class_id: str) -> None:
        """Forget the drawings of a class."""
        with self._lock:
            for key in [key for key in self._rooms if key[0] == class_id]:
                del self._rooms[key]

    def _room(self, board: Board) -> _Room:
        key = (board.now.id, board.now.task)
        with self._lock:
            room = self._rooms.setdefault(key, _Room())
            self._rooms.move_to_end(key)
            room.asked = self._clock()
            oldest = next(iter(self._rooms.values()))
            while len(self._rooms) > MAX_CLASSES or oldest.asked < room.asked - _UNUSED_SECONDS:
                self._rooms.popitem(last=False)
                oldest = next(iter(self._rooms.values()))
            return room

    def _load(self, board: Board, room: _Room) -> None:
        """Read the drawings that are new on a board. Without the lock: the database may take its time."""
        self._remove(board, room)
        new = {seat for seat, drawn in board.drawings.items() for one in drawn if _place(seat, one) not in room.places}
        if not new:
            return
        try:
            found = self._classes.drawings(board.now.id, board.now.task, sorted(new))
        except StoreError as error:
            logger.warning("The drawings of a class cannot be read: %s", error)
            return
        with room.lock:
            for seat, drawn in found.items():
                for one in drawn:
                    if _place(seat, one) not in room.places:
                        room.places[_place(seat, one)] = _kept(one, room)

    def _remove(self, board: Board, room: _Room) -> None:
        """Forget drawings that were deleted or replaced. A blank one keeps the place, so that answers stay in order."""
        there = {_place(seat, one) for seat, drawn in board.drawings.items() for one in drawn}
        with room.lock:
            for place in [place for place in room.places if place not in there]:
                at = room.places.pop(place)
                if at is not None:
                    room.drawings[at] = _BLANK

    def _look(self, board: Board, room: _Room) -> None:
        """Look from time to time which networks the class has. One page looks, and the others take what is there."""
        with room.lock:
            if room.looked is not None and self._clock() - room.looked < _FRESH_SECONDS:
                return
            room.looked = self._clock()
        try:
            room.runs = self._classes.ended_runs(board.now.id)
        except StoreError as error:
            logger.warning("The networks of a class cannot be read: %s", error)

    def _is_reachable(self, class_id: str) -> bool:
        """Whether the database answers."""
        try:
            self._classes.ended_runs(class_id)
        except StoreError:
            return False
        return True

    def _read(self, class_id: str, room: _Room, names: list[Name]) -> None:
        """Let networks read the drawings that are new to them, in a thread of its own."""
        self._give_way()
        runs = {_name(one): one for one in room.runs}
        try:
            for name in names:
                if name != _BUILT_IN and name not in runs:  # It was deleted a moment ago.
                    continue
                before = room.answers.get(name, _NOTHING)
                with room.lock:
                    images = np.stack([one.image for one in room.drawings[len(before) :]])
                try:
                    reader = shipped().network if name == _BUILT_IN else self._classes.network(runs[name])
                    answers = reader.predict(images).argmax(axis=1).astype(np.uint8)
                except StoreError as error:
                    logger.warning("A network of a class cannot be loaded: %s", error)
                    room.not_before = self._clock() + _FRESH_SECONDS
                    is_gone = isinstance(error, RunNotFoundError)
                    if not is_gone and not self._is_reachable(class_id):
                        return  # It is the database, not the network.
                    room.failures[name] = _MOST_FAILURES if is_gone else room.failures.get(name, 0) + 1
                    continue
                with room.lock:
                    room.answers[name] = np.concatenate([before, answers])
        except Exception:
            logger.exception("Unexpected error while the networks of a class were reading")
            room.failures[name] = _MOST_FAILURES
        finally:
            room.is_working = False


def _kept(one: SavedDrawing, room: _Room) -> int | None:
    """Where a drawing is among those of the room, which gets it; None if it is damaged."""
    try:
        drawing = test_set.unpack(one.data, one.label)
    except DataError:
        logger.exception("A drawing of a class cannot be read")
        return None
    room.drawings.append(drawing)
    return len(room.drawings) - 1


def _drawn(board: Board, room: _Room) -> list[tuple[ClassDrawing, int]]:
    """The drawings on a board, the oldest first, and where they are among those of the room.

    One that was replaced or deleted since the board was read is left out.
    """
    given = [(seat, one) for seat, drawn in board.drawings.items() for one in drawn]
    return [
        (ClassDrawing(seat, one.n, one.is_hidden, room.drawings[at]), at)
        for seat, one in sorted(given, key=lambda pair: (pair[1].changed, pair[0], pair[1].n))
        if (at := room.places.get(_place(seat, one))) is not None
    ]


def _test(
    drawn: list[tuple[ClassDrawing, int]], room: _Room, networks: dict[Name, Network], done: list[Name]
) -> ClassTest:
    seen = [(one, at) for one, at in drawn if not one.is_hidden]
    columns = np.array([at for _one, at in seen], np.int64)
    read = [room.answers.get(name, _NOTHING)[columns] for name in done]
    return ClassTest(
        tuple(one for one, _at in seen),
        tuple(networks[name] for name in done),
        np.array(read, np.uint8).reshape(len(done), len(seen)),
        len(networks) - len(done),
        list(networks) == [_BUILT_IN],
    )


def _place(seat: int, one: SavedDrawing) -> Place:
    return seat, one.n, one.changed


def _name(one: ClassRun) -> Name:
    return one.workspace, one.run.run


def _networks(room: _Room) -> dict[Name, Network]:
    """The networks that read, by name: the newest of the class, or else the built-in one."""
    newest = {_name(one) for one in sorted(room.runs, key=lambda one: one.run.created)[-MAX_NETWORKS:]}
    found: dict[Name, Network] = {}
    for one in room.runs:
        if _name(one) in newest and room.failures.get(_name(one), 0) < _MOST_FAILURES:
            known = progress.networks_by({one.seat: [one.run]})
            found |= {_name(one): known[0]} if known else {}
    if not found:
        config = shipped().network.config
        return {_BUILT_IN: Network(0, "", config, network.parameter_count(config), float("nan"), is_active=False)}
    return found
