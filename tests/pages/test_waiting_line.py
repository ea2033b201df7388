"""The line of those who wait for room."""

from __future__ import annotations

from pages.widgets.server.waiting_line import PATIENCE_SECONDS, WaitingLine
from tests.stored_runs import Clock


def test_first_come_first_served() -> None:
    line = WaitingLine(Clock())
    assert [line.place(who) for who in ("a", "b", "c", "b", "a")] == [1, 2, 3, 2, 1]
    line.leave("a")
    assert [line.place(who) for who in ("c", "b", "a")] == [2, 1, 3]
    line.leave("nobody")


def test_who_does_not_ask_has_left() -> None:
    clock = Clock()
    line = WaitingLine(clock)
    line.place("a")
    clock.forward(PATIENCE_SECONDS - 1)
    assert line.place("b") == 2
    clock.forward(2)
    assert line.place("b") == 1
    assert line.place("a") == 2
