"""A visitor's saved runs on the Compare page."""

from __future__ import annotations

import dataclasses
from typing import Any

from streamlit.testing.v1 import AppTest

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import Dataset
from mnist_core.runs import saver, scheduler
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from pages.widgets.state import data_sets
from tests.pages import visitor
from tests.scheduled_runs import wait_for_status

MINUTES = 300.0
SOFTMAX = RunConfig(layers=(), epochs=1, dataset="embedded")
WIDE = dataclasses.replace(SOFTMAX, layers=(LayerConfig(units=16),), epochs=2)


def digits() -> Dataset:
    loading = data_sets.loading_data_set("embedded")
    assert loading.done.wait(MINUTES)
    assert loading.dataset is not None
    return loading.dataset


def train_runs(app: AppTest, *configs: RunConfig, is_awaited: bool = True) -> list[Run]:
    """Submit and save runs for the visitor; the last one is the newest."""
    runs = []
    for number, config in enumerate(configs, 1):
        run = scheduler.shared().submit(config, digits())
        run.number = number
        saver.shared().save(app.session_state["workspace"], run)
        runs.append(run)
        if is_awaited:
            wait_for_status(run, Status.FINISHED)
    assert saver.shared().wait_until_saved(MINUTES)
    app.session_state["is-workspace-used"] = True
    app.run()
    assert not app.exception
    return runs


def runs_table(app: AppTest) -> Any:
    return app.dataframe[0].value


def choose_runs(app: AppTest, *runs: Run) -> AppTest:
    app.multiselect(key="run-choice-names").set_value([run.id for run in runs]).run()
    assert not app.exception
    return app


def stored_by_id(app: AppTest) -> dict[str, Any]:
    return {run.id: run for run in saver.shared().store.list(app.session_state["workspace"])}


def page_text(app: AppTest) -> str:
    boxes = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(box.value) for kind in boxes for box in kind)


def select_view(app: AppTest, key: str, name: str) -> AppTest:
    app.session_state[key] = name
    app.run()
    assert not app.exception
    return app


def new_session(app: AppTest, **query: str) -> AppTest:
    """Open the Compare page with the same browser in a new session."""
    return visitor.new_session(app, "pages/compare.py", **query)
