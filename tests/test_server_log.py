"""Limits on what one session can add to the server's log."""

from __future__ import annotations

import logging
import sys

from pages.widgets.server.server_log import PerSession
from tests.stored_runs import Clock


def record(level: int = logging.ERROR) -> logging.LogRecord:
    try:
        raise TypeError("forged")
    except TypeError:
        return logging.LogRecord("streamlit", level, "file.py", 1, "Uncaught %s", ("error",), sys.exc_info())


def written_lines(one: PerSession, times: int, level: int = logging.ERROR) -> list[str]:
    """Return what is written of `times` records with tracebacks."""
    records = [record(level) for _ in range(times)]
    return [logging.Formatter().format(entry) for entry in records if one.filter(entry)]


def test_tracebacks_are_rate_limited() -> None:
    clock = Clock()
    one = PerSession(2, 600, clock, lambda: "forger")
    first, second, last = written_lines(one, 50)
    assert "TypeError: forged" in first
    assert "TypeError: forged" in second
    assert last == "Session forger has caused 2 warnings and errors; its next ones are left out for 10 minutes."
    clock.forward(599)
    assert written_lines(one, 5) == []
    clock.forward(1)
    assert len(written_lines(one, 5)) == 3


def test_each_session_has_its_own_limit() -> None:
    names = iter(["one", "other", "one", "other", "", "", ""])
    one = PerSession(1, 600, Clock(), lambda: next(names))
    lines = written_lines(one, 7)
    assert sum("TypeError" in line for line in lines) == 3
    assert sum("left out" in line for line in lines) == 3


def test_other_records_are_not_limited() -> None:
    one = PerSession(1, 600, Clock(), lambda: "")
    assert len(written_lines(one, 20, logging.INFO)) == 20
    assert len(written_lines(one, 1)) == 1


def test_old_sessions_are_forgotten() -> None:
    names = iter(str(number) for number in range(12_000))
    one = PerSession(1, 600, Clock(), lambda: next(names))
    entry = record()
    for _ in range(12_000):
        one.filter(entry)
    assert len(one._counts) == 10_000
