"""The Learn page calls the classes of a data set by their names."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data import Dataset, datasets
from mnist_core.lessons.course import RIGHT
from mnist_core.lessons.courses import COURSES
from mnist_core.runs import run_cache
from pages.widgets.learn import published
from pages.widgets.state import data_sets
from tests.pages.visitor import press
from tests.scheduled_runs import wait_until

NAMES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


pytestmark = pytest.mark.usefixtures("no_shared_runs")


@pytest.fixture
def clothes(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The data set of the app, with the names of clothes for its classes."""
    dataset = dataclasses.replace(datasets.load("embedded"), class_names=NAMES)
    loading = data_sets.loading_data_set("embedded")
    assert loading.done.wait(60)
    monkeypatch.setattr(loading, "dataset", dataset)
    return dataset


@pytest.fixture
def learn(app: AppTest, clothes: Dataset) -> AppTest:
    """A visitor on the Learn page, whose data set has clothes."""
    assert clothes.class_names == NAMES
    return app.switch_page("pages/learn.py").run()


def open_activity(app: AppTest, activity: str) -> None:
    """Open the first step of a course with this activity."""
    steps = [(key, at) for key, course in COURSES.items() for at, one in enumerate(course.steps)]
    key, at = next((key, at) for key, at in steps if COURSES[key].steps[at].activity == activity)
    app.session_state["course"] = key
    app.run()
    app.selectbox(key=f"contents-{key}").set_value(at).run()
    if app.radio and app.radio[0].value is None:
        app.radio[0].set_value(RIGHT).run()
    assert not app.exception


def texts(app: AppTest) -> str:
    return "\n".join(box.value for box in (*app.markdown, *app.caption))


def alternative_texts(app: AppTest) -> list[str]:
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    return charts + [picture.alt for image in app.get("image") for picture in image.proto.imgs]


def chart_tables(app: AppTest) -> list[Any]:
    """The data of the charts that have a column digit or class."""
    tables = [pa.ipc.open_stream(chart.proto.data.data).read_all() for chart in app.get("vega_lite_chart")]
    return [table for table in tables if {"digit", "class"} & set(table.column_names)]


def matrix_axis(app: AppTest) -> list[str]:
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    return list(figure["data"][0]["x"])


def start_and_wait(app: AppTest) -> None:
    """Press Start, and run the page again when all runs have ended."""
    press(app, "Start")
    wait_until(lambda: not run_cache.shared().active())
    app.run()


def test_labels_of_examples(learn: AppTest, clothes: Dataset) -> None:
    open_activity(learn, "examples")
    assert not any(name in alt for alt in alternative_texts(learn) for name in NAMES)
    learn.toggle(key="show-labels").set_value(True).run()
    expected = [f"Training image {k}, {NAMES[clothes.train_labels[k]]}" for k in range(30)]
    assert alternative_texts(learn) == expected


def test_two_classes_as_points(learn: AppTest) -> None:
    open_activity(learn, "tasks")
    task = next(control for control in learn.button_group if "How much ink?" in str(control.options))
    assert "T-shirt or Trouser?" in str(task.options)
    task.set_value("T-shirt or Trouser?").run()
    assert "Narrower images count as Trouser." in texts(learn)
    [table] = chart_tables(learn)
    assert set(table["class"].to_pylist()) == {"T-shirt", "Trouser", None}
    spec = json.loads(learn.get("vega_lite_chart")[0].proto.spec)
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["T-shirt", "Trouser"]
    assert spec["layer"][0]["encoding"]["color"]["legend"]["title"] == "class"
    [alt] = alternative_texts(learn)
    assert "T-shirt and of Trouser" in alt


def test_filtered_image(learn: AppTest, clothes: Dataset) -> None:
    open_activity(learn, "convolution")
    assert f"Test image 0, {NAMES[clothes.test_labels[0]]}" in alternative_texts(learn)


def test_scores_and_shares(learn: AppTest) -> None:
    open_activity(learn, "softmax")
    assert [slider.label for slider in learn.slider] == [f"Score of the {NAMES[k]}" for k in (4, 7, 9)]
    [table] = chart_tables(learn)
    assert table["digit"].to_pylist() == list(NAMES)
    assert alternative_texts(learn)[0].startswith("Ten bars, the share of each class. The highest is the Coat with")


def test_loss_speaks_of_classes(learn: AppTest) -> None:
    open_activity(learn, "loss")
    start_and_wait(learn)
    assert learn.slider[0].label == "Score of the right class"
    assert all("the right class" in alt for alt in alternative_texts(learn) if "dot marks" in alt)


def test_answers_for_one_image(learn: AppTest, clothes: Dataset) -> None:
    open_activity(learn, "answer")
    start_and_wait(learn)
    printed, *own = chart_tables(learn)
    assert printed["digit"].to_pylist() == list("0123456789")
    assert [table["digit"].to_pylist() for table in own] == [list(NAMES)] * 2
    alts = alternative_texts(learn)
    assert f"Test image 11, {NAMES[clothes.test_labels[11]]}" in alts
    shares = np.array(own[0]["probability"].to_pylist())
    assert any(f"share of each class. The highest is the {NAMES[shares.argmax()]} with" in alt for alt in alts)


def test_matrix_of_a_faulty_run(learn: AppTest) -> None:
    learn.session_state["learn-view"] = "Fault lab"
    learn.run()
    start_and_wait(learn)
    assert matrix_axis(learn) == list(NAMES)
    assert "A row is a true class" in texts(learn)


def test_printed_and_own_matrix(learn: AppTest) -> None:
    learn.session_state["learn-view"] = published.VIEW
    learn.run()
    assert matrix_axis(learn) == list("0123456789")
    start_and_wait(learn)
    choice = next(control for control in learn.button_group if "Run here" in str(control.options))
    choice.set_value("Run here").run()
    assert matrix_axis(learn) == list(NAMES)
