"""Limits per address and hour, and which addresses count as one."""

from __future__ import annotations

import pytest

from mnist_core.errors import LimitError
from mnist_core.limits import AN_HOUR, CODES, RUNS, SESSIONS, WORKSPACES, Limits, client_address
from tests.stored_runs import Clock

SCHOOL = "203.0.113.7"


def accepted_requests(limits: Limits, kind: str, address: str = SCHOOL, most: int = 10_000) -> int:
    """Return how many requests of a kind pass before one is refused, at most `most`."""
    for count in range(most):
        try:
            limits.spend(kind, address)
        except LimitError:
            return count
    return most


def test_class_of_a_hundred_behind_one_address_is_accepted() -> None:
    limits = Limits(AN_HOUR, Clock())
    assert accepted_requests(limits, WORKSPACES, most=100) == 100
    assert accepted_requests(limits, SESSIONS, most=100 * 20) == 100 * 20
    assert accepted_requests(limits, RUNS, most=100 * 25) == 100 * 25


def test_limit_gives_a_wait_time_and_refills() -> None:
    clock = Clock()
    limits = Limits({RUNS: 6}, clock)
    assert accepted_requests(limits, RUNS) == 6
    with pytest.raises(LimitError, match="Wait 10 minutes"):
        limits.spend(RUNS, SCHOOL)
    clock.forward(599)
    with pytest.raises(LimitError, match="Wait a minute"):
        limits.spend(RUNS, SCHOOL)
    clock.forward(1)
    limits.spend(RUNS, SCHOOL)
    clock.forward(36_000)
    assert accepted_requests(limits, RUNS) == 6


def test_kinds_and_addresses_are_counted_separately() -> None:
    limits = Limits({RUNS: 2, SESSIONS: 3}, Clock())
    assert accepted_requests(limits, RUNS) == 2
    assert accepted_requests(limits, SESSIONS) == 3
    assert accepted_requests(limits, RUNS, "198.51.100.1") == 2


def test_zero_means_no_limit() -> None:
    assert accepted_requests(Limits({RUNS: 0}, Clock()), RUNS) == 10_000


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("no address", "no address", True),
    ],
)
def test_addresses_counted_as_one(one: str, other: str, is_same: bool) -> None:
    limits = Limits({RUNS: 1}, Clock())
    limits.spend(RUNS, one)
    assert accepted_requests(limits, RUNS, other) == (0 if is_same else 1)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ([], 0, "peer"),
        (["forged"], 0, "peer"),  # No proxy is configured.
        (["forged", "visitor"], 1, "visitor"),
        (["forged", "visitor", "proxy"], 2, "visitor"),
        ([], 1, "peer"),
        (["visitor"], 2, "peer"),
    ],
)
def test_address_behind_trusted_proxies(forwarded: list[str], proxies: int, address: str) -> None:
    assert client_address("peer", forwarded, proxies) == address


def test_limit_of_a_minute_and_what_is_given_back() -> None:
    clock = Clock()
    limits = Limits({CODES: 60}, clock, period=60)
    assert accepted_requests(limits, CODES, "") == 60
    with pytest.raises(LimitError, match="Too many wrong codes"):
        limits.spend(CODES, "")
    limits.give_back(CODES, "")
    assert accepted_requests(limits, CODES, "") == 1
    clock.forward(5)
    assert accepted_requests(limits, CODES, "") == 5
