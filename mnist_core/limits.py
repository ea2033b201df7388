"""Limits for one network address in an hour, so that one visitor cannot block a server.

A school has one address: the limits leave room for a class of a hundred.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from mnist_core.errors import LimitError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SESSIONS, WORKSPACES, RUNS, CODES = "sessions", "workspaces", "runs", "codes"
AN_HOUR = {SESSIONS: 3_000, WORKSPACES: 500, RUNS: 3_000}
"""By default. Sessions are opened and reloaded tabs; workspaces with their first run, drawing or answer."""
_PROBLEMS = {
    SESSIONS: Message("There were too many visits from your network in the last hour."),
    WORKSPACES: Message("There were too many new visitors from your network in the last hour."),
    RUNS: Message("There were too many runs from your network in the last hour."),
    CODES: Message("Too many wrong codes were entered on this server."),
}
# The most addresses to remember; the least recently used one is dropped.
_MOST = 10_000


class Limits:
    """Counts by address. Safe to use from any thread.

    A token bucket for each kind and address: it holds the limit of an hour and refills evenly.

    Args:
        most: the limit of each kind in a period; 0 for no limit.
        clock: returns seconds.
        period: its length, in seconds.
    """

    def __init__(
        self, most: Mapping[str, int], clock: Callable[[], float] = time.monotonic, period: float = 3_600
    ) -> None:
        self._most = dict(most)
        self._period = period
        self._clock = clock
        self._lock = threading.Lock()
        # By kind and address: what is left, and the time of that.
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, kind: str, address: str) -> None:
        """Count one more of a kind for an address.

        Raises:
            LimitError: there were too many from this address.
        """
        most = self._most[kind]
        if not most:
            return
        key, now = (kind, _network(address)), self._clock()
        with self._lock:
            left, then = self._left.get(key, (float(most), now))
            left = min(most, left + (now - then) * most / self._period)
            is_enough = left >= 1
            self._left[key] = (left - is_enough, now)
            self._left.move_to_end(key)
            if len(self._left) > _MOST:
                self._left.popitem(last=False)
        if not is_enough:
            minutes = math.ceil((1 - left) * self._period / 60 / most)
            wait = Message("a minute") if minutes == 1 else Message("{minutes} minutes", minutes=minutes)
            raise LimitError(_PROBLEMS[kind], Message("Wait {wait}, then try again.", wait=wait))

    def give_back(self, kind: str, address: str) -> None:
        """Take back one `spend`, of something that does not count after all."""
        key = (kind, _network(address))
        with self._lock:
            if key in self._left:
                left, then = self._left[key]
                self._left[key] = (min(left + 1, self._most[kind]), then)


def client_address(peer: str, forwarded: Sequence[str], proxies: int) -> str:
    """The address of a visitor.

    Args:
        peer: the address of the connection.
        forwarded: the addresses in X-Forwarded-For. Each proxy adds the address that it got the request from.
        proxies: how many proxies the deployer runs in front of the server. Entries of others are not trusted.
    """
    return forwarded[-proxies] if 0 < proxies <= len(forwarded) else peer


def _network(address: str) -> str:
    """The part of an address that is counted: for IPv6 the first 64 bits, the part of a household or a phone."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return address
