"""The time machine on the Train, Evaluate and Draw pages."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import SelectSlider

from benchmarks.frames import unpacked
from mnist_core import training
from mnist_core.drawing import to_mnist
from mnist_core.evaluation import Predictor
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights
from mnist_core.runs.network_run import Run
from pages.widgets.draw import reading
from pages.widgets.state import workspace
from tests.pages.visitor import ONE, answers, draw, new_session, panel_scene, press, wait_for_end

MINUTES = 300.0


def train(app: AppTest, epochs: int) -> Run:
    app.selectbox(key="preset").select("torres").run()
    next(number for number in app.number_input if number.label == "Epochs").set_value(epochs).run()
    press(app, "Train")
    run = wait_for_end(app)
    assert workspace.run_saver().wait_until_saved(MINUTES)
    return run


def accuracy_after(run: Run, epochs: int) -> float:
    """The test accuracy of the same run, had it had only this many epochs: one layer of sigmoid units, by hand."""
    for event in training.train(run.config, run.dataset):
        if isinstance(event, training.EpochEnded) and event.epoch == epochs:
            weights = event.state.weights
            break
    split = run.split
    hidden = 1 / (1 + np.exp(-(split.test_images.reshape(-1, 784) / 255 @ weights[0] + weights[1])))
    scores = hidden @ weights[2] + weights[3]
    return float(sklearn.metrics.accuracy_score(split.test_labels, scores.argmax(axis=1)))


def shown_accuracy(app: AppTest) -> float:
    value = next(one.value for one in app.metric if one.label == "Test accuracy")
    return float(value.rstrip("%")) / 100


def moments(app: AppTest) -> SelectSlider[str]:
    return next(one for one in app.select_slider if one.label.startswith("Moment of"))


def test_evaluate_goes_back_to_an_epoch(app: AppTest) -> None:
    run = train(app, 3)
    app.switch_page("pages/evaluate.py").run()
    end = shown_accuracy(app)
    assert end == pytest.approx(run.snapshot.evaluation.accuracy, abs=1e-4)  # type: ignore[union-attr]
    assert moments(app).value == "the end"
    moments(app).set_value("epoch 1").run()
    assert shown_accuracy(app) == pytest.approx(accuracy_after(run, 1), abs=0.002)
    assert shown_accuracy(app) != end
    assert not app.exception


def test_moment_goes_along_to_draw_and_back_to_train(app: AppTest) -> None:
    run = train(app, 2)
    app.switch_page("pages/evaluate.py").run()
    moments(app).set_value("epoch 1").run()
    app.switch_page("pages/draw.py").run()
    assert moments(app).value == "epoch 1"
    draw(app, ONE)
    assert any(f"(run {run.number}), epoch 1" in caption.value for caption in app.caption)
    app.switch_page("pages/train.py").run()
    assert unpacked(panel_scene(app))["moment"] == [1, run.snapshot.points[-1].step]
    app.switch_page("pages/draw.py").run()
    moments(app).set_value("the end").run()
    assert not any(", epoch 1" in caption.value for caption in app.caption)


def test_start_reads_drawings_as_the_random_network(app: AppTest) -> None:
    run = train(app, 1)
    app.switch_page("pages/draw.py").run()
    moments(app).set_value("the start").run()
    draw(app, ONE)
    random = Predictor(TrainedNetwork(run.config, initial_weights(run.config)))
    assert reading.answer_sentence(random(to_mnist(ONE).image)) in answers(app)


def test_saved_run_has_its_moments_after_a_reload(app: AppTest) -> None:
    train(app, 2)
    again = new_session(app, "pages/evaluate.py")
    assert moments(again).value == "the end"
    moments(again).set_value("epoch 1").run()
    assert not again.exception
    assert not again.error


def test_moment_that_cannot_be_read_shows_an_error_and_the_end(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(app, 2)
    workspace.run_saver().store.delete(app.session_state["workspace"], run.id)
    app.switch_page("pages/evaluate.py").run()
    moments(app).set_value("epoch 1").run()
    assert app.error
    assert shown_accuracy(app) == pytest.approx(run.snapshot.evaluation.accuracy, abs=1e-4)  # type: ignore[union-attr]


def test_network_that_was_not_trained_here_has_no_moments(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    assert not app.select_slider
