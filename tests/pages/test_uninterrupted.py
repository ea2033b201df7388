"""A press is carried out, even if the browser asks for the page again in the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from pages.widgets.common import trials
from pages.widgets.learn import classical
from pages.widgets.state import data_sets
from pages.widgets.train import launch
from tests.pages.visitor import button_labels, press, wait_for_end


@pytest.fixture
def is_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A press was taken. At its next use of the session state the script ends, as if the browser had asked again."""
    taken, interrupted = threading.Event(), threading.Event()

    def interrupt(self: ScriptRunner) -> None:
        if self._is_in_script_thread() and taken.is_set() and not interrupted.is_set():
            interrupted.set()
            raise RerunException(RerunData(widget_states=None))

    with monkeypatch.context() as patch:
        patch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", interrupt)
        yield taken
    assert interrupted.is_set()


@pytest.mark.parametrize("button", ["Train", "Step"])
def test_run_starts_although_the_script_is_interrupted(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, is_taken: threading.Event, button: str
) -> None:
    assert data_sets.loading_data_set("embedded").done.wait(300)
    app.run()
    start = launch._start

    def note_and_start(*what: Any) -> None:
        is_taken.set()
        start(*what)

    monkeypatch.setattr(launch, "_start", note_and_start)
    press(app, button)
    app.run()
    assert not app.exception
    run = app.session_state["current_run"]
    assert run is not None
    assert len(app.session_state["runs"]) == 1
    if button == "Train":
        wait_for_end(app)
    else:
        assert run.is_pause_wanted


@pytest.mark.usefixtures("no_shared_runs")
@pytest.mark.parametrize(
    ("step", "button", "module"), [("published", "Start", trials), ("forest", "Start all", classical)]
)
def test_runs_of_a_step_start_although_the_script_is_interrupted(
    app: AppTest,
    monkeypatch: pytest.MonkeyPatch,
    is_taken: threading.Event,
    step: str,
    button: str,
    module: ModuleType,
) -> None:
    app.switch_page("pages/learn.py")
    app.query_params["step"] = step
    app.run()
    app.radio[0].set_value(0).run()
    start = module._start

    def note_and_start(*what: Any) -> None:
        is_taken.set()
        start(*what)

    monkeypatch.setattr(module, "_start", note_and_start)
    press(app, button)
    app.run()
    assert not app.exception
    assert button not in button_labels(app)
    assert not any(error.value for error in app.error)
