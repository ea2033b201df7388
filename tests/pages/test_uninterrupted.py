"""A press is carried out, even if the browser asks for the page again in the same moment."""

from __future__ import annotations

import threading

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from pages.widgets.state import data_sets
from pages.widgets.train import launch
from tests.pages.visitor import press, wait_for_end


@pytest.mark.parametrize("button", ["Train", "Step"])
def test_run_starts_although_the_script_is_interrupted(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, button: str
) -> None:
    assert data_sets.loading_data_set("embedded").done.wait(300)
    app.run()
    taken, interrupted = threading.Event(), threading.Event()
    take = launch._take_wanted

    def take_and_note() -> str:
        wanted = take()
        if wanted:
            taken.set()
        return wanted

    def interrupt(self: ScriptRunner) -> None:
        """As for a request of the browser: at the next use of the session state by the script."""
        if self._is_in_script_thread() and taken.is_set() and not interrupted.is_set():
            interrupted.set()
            raise RerunException(RerunData(widget_states=None))

    monkeypatch.setattr(launch, "_take_wanted", take_and_note)
    monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", interrupt)
    press(app, button)
    assert interrupted.is_set()
    monkeypatch.undo()
    app.run()
    assert not app.exception
    run = app.session_state["current_run"]
    assert run is not None
    assert len(app.session_state["runs"]) == 1
    if button == "Train":
        wait_for_end(app)
    else:
        assert run.is_pause_wanted
