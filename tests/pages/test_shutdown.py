"""What a signal does to the server's process; tests/e2e has the whole server."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = """
import sys, time, uvicorn
from starlette.applications import Starlette
from pages.widgets.server import shutdown

def say(what):
    print(what + "\\n", end="", flush=True)  # In one piece, since two threads print.

def save_runs(began):
    say("saving")
    return {"saved": lambda: True, "trouble": lambda: False, "never": lambda: time.sleep(600)}[sys.argv[1]]()

shutdown.save_runs, shutdown.tell_pages = save_runs, lambda: say("told")
uvicorn.run(Starlette(lifespan=shutdown.lifespan), port=0)
"""


def ended(how: str, *signals: signal.Signals) -> int:
    """The exit status of a server after signals; the second is sent once the first has had its effect."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "Uvicorn running" not in process.stderr.readline():
            assert process.poll() is None
        for place, number in enumerate(signals):
            process.send_signal(number)
            if place == 0:
                assert {process.stdout.readline(), process.stdout.readline()} == {"saving\n", "told\n"}
        process.communicate()
        return process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_server_with_status_0(number: signal.Signals) -> None:
    assert ended("saved", number) == 0


def test_status_says_that_runs_are_not_saved() -> None:
    assert ended("trouble", signal.SIGTERM) == 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_the_server_at_once(second: signal.Signals) -> None:
    assert ended("never", signal.SIGTERM, second) == -second
