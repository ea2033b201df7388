"""A press is carried out, even if the browser asks for the page again in the same moment."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.common import trials
from pages.widgets.learn import classical
from pages.widgets.state import data_sets
from pages.widgets.train import launch, network_menu
from tests.pages.visitor import button_labels, press, wait_for_end


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


def test_chosen_network_is_loaded_although_the_script_is_interrupted(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, is_taken: threading.Event
) -> None:
    forget = network_menu._WANTED.forget

    def forget_and_note() -> None:
        forget()
        is_taken.set()

    monkeypatch.setattr(network_menu._WANTED, "forget", forget_and_note)
    app.selectbox(key="preset").select("torres").run()
    app.run()
    assert not app.exception
    assert any("7,960 parameters" in text.value for text in [*app.markdown, *app.caption])
