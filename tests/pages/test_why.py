"""Why a run reads a test image as it does: a click on an image, and the dialog."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.neighbors
from streamlit.testing.v1 import AppTest

from mnist_core.runs.network_run import Run
from pages.widgets.common import image_buttons, pictures
from pages.widgets.state import workspace
from tests.pages.visitor import images_of, press, train_briefly


@pytest.fixture
def run(app: AppTest) -> Run:
    """An ended run, with the Evaluate page open."""
    run = train_briefly(app)
    assert workspace.run_saver().wait_until_saved(300.0)
    app.switch_page("pages/evaluate.py").run()
    return run


def explain(app: AppTest, index: int) -> None:
    next(one for one in app.number_input if one.label == "Test image").set_value(index).run()
    press(app, "Why?")
    assert not app.exception


def test_images_of_a_cell_can_be_clicked(app: AppTest, run: Run) -> None:
    result = run.snapshot.evaluation
    assert result is not None
    true, answer = app.session_state["cell-true"], app.session_state["cell-answer"]
    shown, expected = images_of(app, "cell-images"), result.cell(true, answer)[:24]
    assert len(shown) == len(expected)
    for one, index in zip(shown, expected, strict=True):
        assert one["number"] == index
        assert one["url"] == pictures.ink_url(run.split.test_images[index], 4)
        assert one["label"] == f"Test image {index}: {pictures.with_article(true)}, read as {answer}."


def test_dialog_has_the_nearest_training_images(app: AppTest, run: Run) -> None:
    explain(app, 7)
    images, split = run.dataset.train_images.reshape(-1, 784).astype(np.float32), run.split
    search = sklearn.neighbors.NearestNeighbors(n_neighbors=8).fit(images[split.train_indices])
    [places] = search.kneighbors(split.test_images[7].reshape(1, 784).astype(np.float32), return_distance=False)
    labels = run.dataset.train_labels[split.train_indices][places]
    shown = app.get("image")[-1].proto.imgs
    assert [one.caption for one in shown] == [str(label) for label in labels]


def test_dialog_follows_the_answer_over_the_epochs(app: AppTest, run: Run) -> None:
    result = run.snapshot.evaluation
    assert result is not None
    index = int(result.mistakes[0])
    explain(app, index)
    label, answer = int(result.labels[index]), int(result.predicted[index])
    titles = [one.value for one in app.markdown]
    assert f"It is **{pictures.with_article(label)}**, read as **{answer}**." in titles
    assert "**Its answer over the epochs**" in titles
    assert any(f"supports {pictures.with_article(label)}" in text for text in titles)
    chart = app.get("vega_lite_chart")[-1].proto
    end = result.probabilities[index, label]
    assert chart.alt.startswith(f"Curves: the probability of {label} goes from ")
    assert chart.alt.endswith(f" to {end:.0%}.")


def test_dialog_opens_once(app: AppTest, run: Run) -> None:
    explain(app, 3)
    assert "**The pixels that decide**" in [one.value for one in app.markdown]
    app.run()
    assert "**The pixels that decide**" not in [one.value for one in app.markdown]


@pytest.mark.parametrize("sent", [None, "1", 1.0, True, -1, [1], {"number": 1}])
def test_click_that_names_no_image(sent: Any) -> None:
    assert image_buttons.clicked_number(sent) is None


def test_click_on_an_image() -> None:
    assert image_buttons.clicked_number(2) == 2
