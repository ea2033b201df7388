"""The boards of classes as pages see them: read once a second for a whole server, however many pages look.

Who is there is known here at once, and saved every ten seconds: sixty pages that follow a class write one row each in
a single update, not sixty times a second.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.errors import ClassNotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.store.class_records import Board
    from mnist_core.store.classes import Classes

FRESH_SECONDS = 1.0
"""A board is read again when it is older than this."""
STALE_SECONDS = 10.0
"""A page says so if its board is older than this: the database does not answer."""
_SAVE_SECONDS = 10.0
# A board that no page has looked at for so long is forgotten.
_UNUSED_SECONDS = 600.0

logger = logging.getLogger(__name__)


@dataclass
class _Look:
    """The last look at a board."""

    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    board: Board | None = None
    # When it was read, in seconds since 1970, and when it was last tried, by the clock.
    read: float = 0.0
    tried: float | None = None
    # How many changes of this server there were, and how many of them the board has.
    changes: int = 0
    seen: int = 0
    # Whether there is no such class: those who have waited for the look must not ask for it again.
    is_gone: bool = False


class Boards:
    """The boards of all classes that pages of this server show. Safe to use from any thread.

    Args:
        classes: where they are saved.
        clock: returns seconds.
        wall_clock: returns seconds since 1970.
    """

    def __init__(
        self,
        classes: Classes,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._classes = classes
        self._clock, self._wall_clock = clock, wall_clock
        self._lock = threading.Lock()
        self._looks: dict[str, _Look] = {}
        # Seats that were there since the last saving, and when, in seconds since 1970.
        self._here: dict[str, dict[int, float]] = {}
        self._is_saving = False

    def board(self, class_id: str) -> tuple[Board, float]:
        """The board of a class, at most about a second old, and since when it is known, in seconds since 1970.

        While the database does not answer, it is the last one.

        Raises:
            ClassNotFoundError: there is no such class, or it was deleted.
            StoreError: the database does not answer, and has not answered before.
        """
        look = self._look(class_id)
        # One page reads, and the others take what is there, unless there is nothing yet, or it is from before a change
        # here: who has just taken a seat must not see a board without it.
        if look.lock.acquire(blocking=look.board is None or look.seen < look.changes):
            try:
                now, changes = self._clock(), look.changes
                if look.tried is None or now - look.tried >= FRESH_SECONDS or look.seen < changes:
                    look.tried = now
                    self._read(class_id, look)
                    look.seen = changes
            finally:
                look.lock.release()
        if look.is_gone:
            raise ClassNotFoundError
        if look.board is None:
            raise StoreError("The class cannot be read now.", "Wait a moment.")
        return self._with_presence(look.board), look.read

    def outdate(self, class_id: str) -> None:
        """Read a board again at the next look, because it was just changed here."""
        with self._lock:
            look = self._looks.get(class_id)
            if look is not None:
                look.changes += 1

    def note_here(self, class_id: str, number: int) -> None:
        """Note that a seat is there now."""
        with self._lock:
            self._here.setdefault(class_id, {})[number] = self._wall_clock()
            if self._is_saving:
                return
            self._is_saving = True
        timer = threading.Timer(_SAVE_SECONDS, self.save_presence)
        timer.daemon = True
        timer.start()

    def save_presence(self) -> None:
        """Save who was there since the last time."""
        with self._lock:
            here, self._here, self._is_saving = self._here, {}, False
        try:
            self._classes.note_seen(here)
        except StoreError as error:  # They will be noted again.
            logger.warning("Who is in class is not saved: %s", error)

    def _look(self, class_id: str) -> _Look:
        with self._lock:
            if class_id not in self._looks:
                now = self._clock()
                for other, look in list(self._looks.items()):
                    if look.tried is not None and now - look.tried > _UNUSED_SECONDS:
                        del self._looks[other]
                self._looks[class_id] = _Look()
            return self._looks[class_id]

    def _read(self, class_id: str, look: _Look) -> None:
        began = self._wall_clock()
        try:
            look.board, look.read = self._classes.board(class_id), began
        except ClassNotFoundError:
            with self._lock:
                self._looks.pop(class_id, None)
                look.is_gone = True
            raise
        except StoreError:
            if look.board is None:
                raise

    def _with_presence(self, board: Board) -> Board:
        with self._lock:
            here = dict(self._here.get(board.now.id, ()))
        # What is saved is older, even if it says a later time: then the clock was set back.
        seats = tuple(dataclasses.replace(seat, seen=here.get(seat.number, seat.seen)) for seat in board.seats)
        return dataclasses.replace(board, seats=seats)
