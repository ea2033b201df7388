"""The line of those who wait until the computer has room for another run."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 15.0
"""Who has not asked for so long has left: a closed tab, for example."""


class WaitingLine:
    """Who waits, in the order in which they came. Safe to use from any thread.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # When each has asked last, in the order of the first time.
        self._asked: dict[str, float] = {}

    def place(self, who: str) -> int:
        """The place of somebody in the line, from 1; they get the last one if they are new."""
        with self._lock:
            self._forget_who_left()
            self._asked[who] = self._clock()
            return 1 + list(self._asked).index(who)

    @property
    def length(self) -> int:
        """How many wait."""
        with self._lock:
            self._forget_who_left()
            return len(self._asked)

    def leave(self, who: str) -> None:
        """Leave the line."""
        with self._lock:
            self._asked.pop(who, None)

    def _forget_who_left(self) -> None:
        now = self._clock()
        for other, asked in list(self._asked.items()):
            if now - asked > PATIENCE_SECONDS:
                del self._asked[other]


@functools.cache
def shared() -> WaitingLine:
    """The line of this server."""
    return WaitingLine()
