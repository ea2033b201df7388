"""Downloads of a run on the Evaluate page."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import training
from mnist_core.config import FILTERS, LAYER_SETTINGS, SETTINGS, RunConfig
from mnist_core.export.keras_script import keras_script
from mnist_core.network import files
from mnist_core.runs import scheduler
from mnist_core.training import Status
from pages.widgets.common import run_picker
from pages.widgets.evaluate import downloads
from pages.widgets.state import data_sets
from tests.pages.visitor import train_briefly


def open_downloads(app: AppTest) -> AppTest:
    app.session_state["home"] = True
    return app.switch_page("pages/evaluate.py").run()


def download_labels(app: AppTest) -> list[str]:
    return [button.label for button in app.download_button]


def test_run_downloads_in_every_format(app: AppTest) -> None:
    run = train_briefly(app)
    app.switch_page("pages/evaluate.py").run()
    assert "Download" in [expander.label for expander in app.expander]
    assert not download_labels(app)
    open_downloads(app)
    assert not app.exception
    every = ["Keras script", "Notebook", "Settings", "Data", "Keras model", "Weights", "Report", "Figures", "History"]
    assert download_labels(app) == every
    offers = {one.label: one.make() for group in downloads.download_files(run).values() for one in group}
    script = next(one for one in downloads.download_files(run)["Code"] if one.label == "Keras script")
    file = f"{downloads._file_name(run_picker.run_title(run))}{script.ending}"
    assert f"    python {file} FOLDER" in str(script.make())
    network = run.snapshot.network
    assert network is not None
    for name in ("Keras model", "Weights"):
        content = offers[name]
        assert isinstance(content, bytes)
        assert files.read_network(content, name).config == run.config
    assert RunConfig.from_json(str(offers["Settings"])) == run.config
    assert json.loads(str(offers["Notebook"]))["nbformat"] == 4
    assert str(offers["Report"]).startswith("<!DOCTYPE html>")
    assert len(str(offers["History"]).splitlines()) == 2
    for name, count in (("Data", 5), ("Figures", 6)):
        content = offers[name]
        assert isinstance(content, bytes)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert len(archive.namelist()) == count


def test_script_can_be_read_on_the_page(app: AppTest) -> None:
    run = train_briefly(app)
    open_downloads(app)
    assert not app.code
    app.toggle(key="home-code").set_value(True).run()
    assert [code.value for code in app.code] == [keras_script(run.config).rstrip("\n")]


def test_classical_model_has_no_downloads(app: AppTest) -> None:
    dataset = data_sets.get("embedded")
    assert dataset is not None
    run = scheduler.Scheduler(workers=0).submit_classical("bayes", dataset)
    while run.snapshot.status.is_active:
        run.take_turn(10)
    app.session_state["runs"] = [run]
    open_downloads(app)
    assert not app.exception
    assert app.metric
    assert not download_labels(app)


def test_script_differences_are_explained(app: AppTest) -> None:
    run = train_briefly(app)
    open_downloads(app)
    assert not [caption for caption in app.caption if "The program" in caption.value]
    # So short a run ends before its rate can be changed or it can be stopped, so both are set directly.
    rate = training.RateChanged(1, 3, 0.5)
    run._publish(rates=(rate,), status=Status.STOPPED)
    run.begins_random = False
    app.run()
    assert len([caption for caption in app.caption if "The program" in caption.value]) == 3


def test_script_uses_the_labels_of_the_editor(app: AppTest) -> None:
    found: set[str] = set()
    for preset in ("kite", "cnn"):
        app.selectbox(key="preset").select(preset).run()
        found |= {control.label for control in (*app.slider, *app.selectbox, *app.number_input)}
    settings = (*SETTINGS.values(), *LAYER_SETTINGS.values(), FILTERS)
    # Each hidden layer has a row of its own.
    assert {setting.label for setting in settings} - {"Hidden layers"} <= found


@pytest.mark.parametrize(("title", "name"), [("Kite", "kite"), ("Mine: 2 × 5 ../x", "mine-2-5-x"), ("数字", "network")])
def test_file_name(title: str, name: str) -> None:
    assert downloads._file_name(title) == name
