"""Every page, and the path through them, without a browser."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path

import pytest
import streamlit as st
from sklearn.metrics import accuracy_score
from streamlit.testing.v1 import AppTest

from mnist_core import evaluation, presets
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.runs import saver, scheduler
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.training import Status, capacity
from pages.widgets.common import run_text
from pages.widgets.state import data_sets, visitor_runs
from pages.widgets.train import network_menu
from tests import mirror
from tests.pages.visitor import (
    ONE,
    add_layers,
    answers,
    ask_again,
    button_labels,
    draw,
    images_of,
    panel_frame,
    press,
    train_briefly,
    wait_for_end,
)
from tests.scheduled_runs import wait_until

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_for_a_new_visitor(app: AppTest, page: str) -> None:
    app.switch_page(page).run()
    assert not app.exception
    assert len(app.title) == 1


def test_start_page_is_kite_with_one_primary_button(app: AppTest) -> None:
    assert app.selectbox(key="preset").value == "kite"
    assert button_labels(app) == ["Train", "Step"]
    assert any("101,770" in caption.value for caption in app.caption)


@pytest.mark.parametrize("key", presets.PRESETS)
def test_preset_fills_the_editor_with_the_articles_settings(app: AppTest, key: str) -> None:
    app.selectbox(key="preset").select(key).run()
    assert not app.exception
    config = presets.PRESETS[key].config
    draft = app.session_state["draft"]
    assert draft.to_query() == {**config.to_query(), "dataset": "embedded"}


def test_editor_offers_no_impossible_layers(app: AppTest) -> None:
    add_layers(app, 5)
    assert app.button(key="add-layer").disabled
    for number in range(3):
        app.selectbox(key=f"kind-{number}-5").select("conv").run()
    every = ["Dense", "Conv + pool", "Conv"]
    assert [app.selectbox(key=f"kind-{n}-5").options for n in (2, 3)] == [every, ["Dense"]]
    # 5 by 5 pixels are left; after one convolution 3 by 3, too few for another one with pooling.
    app.selectbox(key="kind-2-5").select("conv_only").run()
    assert app.selectbox(key="kind-3-5").options == ["Dense", "Conv"]
    app.selectbox(key="kind-0-5").select("dense").run()
    assert not app.exception
    assert [layer.kind for layer in app.session_state["draft"].layers] == ["dense"] * 6


def test_optimizer_sets_its_default_learning_rate(app: AppTest) -> None:
    app.selectbox(key="optimizer-0").select("adam").run()
    assert app.session_state["draft"].learning_rate == 0.001


def type_in(app: AppTest, key: str, text: str) -> None:
    box = app.selectbox(key=key)
    box.options.append(text)  # As the browser does with typed text.
    box.select(text).run()
    assert not app.exception


@pytest.mark.parametrize(("text", "rate"), [("0.02", 0.02), ("1e-3", 0.001), (" 5 ", 5.0), (".25", 0.25)])
def test_any_learning_rate_in_range_can_be_typed(app: AppTest, text: str, rate: float) -> None:
    type_in(app, "learning-rate-0", text)
    assert app.session_state["draft"].learning_rate == rate
    assert not app.toast
    app.number_input(key="epochs-0").set_value(3).run()
    assert app.session_state["draft"].learning_rate == rate


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("learning-rate-0", "fast"),
        ("learning-rate-0", "11"),
        ("learning-rate-0", "nan"),
        ("batch-size-0", "12.5"),
        ("batch-size-0", "2000"),
    ],
)
def test_invalid_typed_number_is_reported(app: AppTest, key: str, text: str) -> None:
    before = app.session_state["draft"]
    type_in(app, key, text)
    assert app.session_state["draft"] == before
    assert "Choose" in app.toast[0].value or "Write it with digits" in app.toast[0].value
    app.run()
    assert app.session_state["draft"] == before


def test_number_box_step_sizes(app: AppTest) -> None:
    rates = [float(text) for text in app.selectbox(key="learning-rate-0").options]
    assert 0.01 in rates
    assert all(2.9 < after / before < 3.4 for before, after in itertools.pairwise(rates))
    sizes = [int(text) for text in app.selectbox(key="batch-size-0").options]
    assert sizes == [2**power for power in range(11)]
    assert app.number_input(key="units-dense-0-0").step == 16


def test_fraction_is_rounded_with_a_message(app: AppTest) -> None:
    app.number_input(key="units-dense-0-0").set_value(12.5).run()
    assert app.session_state["draft"].layers[0].units == 12
    assert app.number_input(key="units-dense-0-0").value == 12
    assert app.toast[0].value == "Units: whole numbers only. 12.5 became 12."


def test_every_number_box_shows_its_range(app: AppTest) -> None:
    boxes = [*app.number_input, app.selectbox(key="learning-rate-0"), app.selectbox(key="batch-size-0")]
    assert len(boxes) == 8
    # The box of the units has no help of its own: the menu before it explains both.
    explained = [app.selectbox(key="kind-0-0") if box.key == "units-dense-0-0" else box for box in boxes]
    assert all(" to " in one.help for one in explained)


def test_pixel_values_and_order_reach_the_run(app: AppTest) -> None:
    app.selectbox(key="pixels-0").select("raw").run()
    app.selectbox(key="order-0").select("file").run()
    assert not app.exception
    assert (app.session_state["draft"].pixels, app.session_state["draft"].order) == ("raw", "file")


def test_editor_values_survive_another_page(app: AppTest) -> None:
    add_layers(app, 2)
    app.switch_page("pages/draw.py").run()
    app.switch_page("pages/train.py").run()
    assert len(app.session_state["draft"].layers) == 3


def test_own_changes_can_be_undone(app: AppTest) -> None:
    assert app.button(key="undo").disabled  # It is always there, so that nothing moves.
    seen = [app.session_state["draft"]]

    def note() -> None:
        seen.append(app.session_state["draft"])
        assert seen[-1] != seen[-2]

    add_layers(app, 1)
    note()
    app.number_input(key="units-dense-1-1").set_value(32).run()
    note()
    app.selectbox(key="optimizer-1").select("adam").run()  # Its learning rate comes with it.
    note()
    while len(seen) > 1:
        assert app.session_state["draft"] == seen.pop()
        press(app, "Undo")
    assert app.session_state["draft"] == seen[0]
    assert app.button(key="undo").disabled


def ask_for_another_network(app: AppTest) -> RunConfig:
    """Change the network in the editor, then choose another one in the menu; returns the changed one."""
    app.number_input(key="units-dense-0-0").set_value(32).run()
    changed: RunConfig = app.session_state["draft"]
    app.selectbox(key="preset").select("cnn").run()
    assert not app.exception
    assert "Kite\\: one layer of 128 (changed) → Small CNN\\: two convolutions" in [text.value for text in app.markdown]
    # Nothing has changed before the answer, and the menu says so.
    assert app.session_state["draft"] == changed
    assert app.selectbox(key="preset").value == "kite"
    return changed


def test_changes_are_replaced_only_after_a_question(app: AppTest) -> None:
    changed = ask_for_another_network(app)
    app.button(key="replace-changes").click().run()
    assert app.session_state["draft"].layers == presets.PRESETS["cnn"].config.layers
    assert app.selectbox(key="preset").value == "cnn"
    assert not [button for button in app.button if button.key == "replace-changes"]
    press(app, "Undo")
    assert app.session_state["draft"] == changed
    assert app.selectbox(key="preset").value == "kite"


def test_changes_are_kept_if_the_visitor_wants(app: AppTest) -> None:
    changed = ask_for_another_network(app)
    app.run()  # As when a run ends meanwhile: the question stays.
    app.button(key="keep-changes").click().run()
    assert app.session_state["draft"] == changed
    assert app.selectbox(key="preset").value == "kite"
    assert not [button for button in app.button if button.key == "keep-changes"]
    app.selectbox(key="preset").select("torres").run()  # Asks again, and for the other network.
    app.button(key="replace-changes").click().run()
    assert app.selectbox(key="preset").value == "torres"


def test_number_that_was_typed_just_before_another_network_is_a_change(app: AppTest) -> None:
    app.number_input(key="units-dense-0-0").set_value(77)  # The browser sends both at once.
    app.selectbox(key="preset").select("cnn").run()
    assert app.button(key="keep-changes")
    assert [layer.units for layer in app.session_state["draft"].layers] == [77]


def test_network_without_changes_is_replaced_at_once(app: AppTest) -> None:
    app.selectbox(key="preset").select("cnn").run()
    assert app.session_state["draft"].layers == presets.PRESETS["cnn"].config.layers
    assert not [button for button in app.button if button.key == "replace-changes"]


def test_layers_are_moved_and_removed(app: AppTest) -> None:
    add_layers(app, 2)
    for number, units in enumerate((64, 32, 16)):
        app.number_input(key=f"units-dense-{number}-2").set_value(units).run()
    app.button(key="up-2-2").click().run()
    assert [layer.units for layer in app.session_state["draft"].layers] == [64, 16, 32]
    assert app.button(key="up-0-3").disabled
    app.button(key="remove-0-3").click().run()
    assert [layer.units for layer in app.session_state["draft"].layers] == [16, 32]
    for edition in (4, 5):
        app.button(key=f"remove-0-{edition}").click().run()
    assert app.session_state["draft"].layers == ()
    assert not app.exception


def test_dense_layer_is_not_moved_before_a_convolution(app: AppTest) -> None:
    app.selectbox(key="kind-0-0").select("conv").run()
    add_layers(app, 1)
    before = app.session_state["draft"]
    app.button(key="up-1-1").click().run()
    assert app.session_state["draft"] == before
    assert "Put convolutions before the dense layers" in app.toast[0].value


def test_number_that_was_typed_just_before_a_button_is_kept(app: AppTest) -> None:
    app.number_input(key="units-dense-0-0").set_value(77)  # The browser sends both at once.
    app.button(key="add-layer").click().run()
    assert [layer.units for layer in app.session_state["draft"].layers] == [77, 128]
    press(app, "Undo")
    assert [layer.units for layer in app.session_state["draft"].layers] == [77]


def test_settings_in_a_closed_popover_keep_their_values(app: AppTest) -> None:
    app.selectbox(key="batch-size-0").select("32").run()
    app.session_state["more-settings"] = False
    app.number_input(key="epochs-0").set_value(3).run()
    assert not [box for box in app.selectbox if box.key == "batch-size-0"]
    assert app.session_state["draft"].batch_size == 32


def test_oldest_run_is_dropped_at_the_limit(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_runs, "MAX_HELD_RUNS", 3)
    kept = []
    for _ in range(5):
        train_briefly(app)
        kept.append([run.number for run in app.session_state["runs"]])
    assert kept == [[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]


def test_runs_leave_memory_while_those_of_all_take_too_much(
    app: AppTest, own_saver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_runs, "LEAST_HELD_RUNS", 2)
    first = train_briefly(app)
    accuracy = first.snapshot.evaluation.accuracy if first.snapshot.evaluation else math.nan
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for _ in range(3):
        train_briefly(other)
    assert [run.number for run in other.session_state["runs"]] == [1, 2, 3]

    assert saver.shared().wait_until_saved(60)
    assert not visitor_runs.is_memory_full()
    monkeypatch.setenv("MNIST_HELD_MEGABYTES", "0")
    assert visitor_runs.is_memory_full()
    for _ in range(2):
        train_briefly(app)
    assert [run.number for run in app.session_state["runs"]] == [2, 3]
    assert [run.number for run in other.session_state["runs"]] == [1, 2, 3]  # Nobody loses runs through others.

    assert saver.shared().wait_until_saved(60)
    app.switch_page("pages/evaluate.py").run()
    app.selectbox(key="run-choice").select(first.id).run()
    assert not app.exception
    assert app.metric[0].value == f"{accuracy:.2%}"
    assert [run.number for run in app.session_state["runs"]] == [3, 1]


def test_held_bytes_are_those_of_weights_and_answers(app: AppTest) -> None:
    run = train_briefly(app)
    images = len(datasets.load("embedded").test_images)
    torres = 4 * (784 * 10 + 10 + 10 * 10 + 10)  # Ten hidden units; bytes of float32.
    assert run.held_bytes == torres + images * (10 * 4 + 8 + 8)
    assert visitor_runs.held_bytes() >= run.held_bytes


def test_too_large_run_is_refused_without_loss(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    press(app, "Train")
    assert "Use fewer units or layers" in app.error[0].value
    assert button_labels(app) == ["Train", "Step"]


def test_trained_run_opens_in_evaluate_and_draw(app: AppTest) -> None:
    run = train_briefly(app)
    evaluation = run.snapshot.evaluation
    assert evaluation is not None
    assert app.metric[0].value == f"{evaluation.accuracy:.2%}"

    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    assert app.metric[2].value == f"{len(evaluation.mistakes):,} of {len(evaluation.labels):,}"

    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    assert not app.exception
    assert app.multiselect(key="networks").value == [run.id, "shipped"]
    assert "Built-in network" in [caption.value for caption in app.caption]
    assert len(answers(app)) == 2


def test_built_in_network_is_evaluated_before_the_first_run(app: AppTest) -> None:
    app.switch_page("pages/evaluate.py").run()
    wait_until(lambda: bool(app.run().metric))
    assert not app.exception
    dataset = datasets.load("embedded")
    answers = evaluation.shipped().network.predict(dataset.test_images).argmax(axis=1)
    assert app.metric[0].value == f"{accuracy_score(dataset.test_labels, answers):.2%}"
    assert any("Built-in network" in text.value for text in app.markdown)
    assert any("not trained a network yet" in box.value for box in app.info)
    assert not [one for one in app.get("popover") if "Share" in one.proto.popover.label]
    train_briefly(app.switch_page("pages/train.py").run())
    app.switch_page("pages/evaluate.py").run()
    assert not any("Built-in network" in text.value for text in app.markdown)


def test_step_resume_stop(app: AppTest) -> None:
    press(app, "Step")
    run: Run = app.session_state["current_run"]
    wait_until(lambda: run.snapshot.status is Status.PAUSED and bool(run.snapshot.points))
    app.run()
    assert len(run.snapshot.points) == 1
    assert button_labels(app) == ["Resume", "Step", "Stop", "Reset"]
    assert run.learning_rate == 0.01
    press(app, "0.1")
    press(app, "Step")
    wait_until(lambda: bool(run.snapshot.rates) and run.snapshot.status is Status.PAUSED)
    press(app, "Stop")
    wait_for_end(app)
    app.run()
    assert [change.learning_rate for change in run.snapshot.rates] == [0.1]
    step = run.snapshot.rates[0].step + 1
    assert panel_frame(app)["rates"] == f"Learning rate: 0.1 from epoch 1, step {step}."
    assert run.snapshot.network is not None
    assert not app.exception


def test_step_of_a_batch_or_of_an_epoch(app: AppTest) -> None:
    choice = app.radio(key="step-size")
    assert choice.value is StepSize.BATCH
    assert choice.options == ["Step 1 batch", "1 epoch"]
    assert help_of_step(app) == "Train on one batch of 128 images, then pause."
    press(app, "Step")
    run: Run = app.session_state["current_run"]
    wait_until(lambda: run.snapshot.status is Status.PAUSED and bool(run.snapshot.points))
    assert [(point.epoch, point.step) for point in run.snapshot.points] == [(1, 1)]
    app.run()
    app.radio(key="step-size").set_value(StepSize.EPOCH).run()
    assert help_of_step(app) == "Train on all images, to the end of the epoch, then pause."
    press(app, "Step")
    wait_until(lambda: run.snapshot.status is Status.PAUSED and bool(run.snapshot.epochs))
    assert len(run.snapshot.epochs) == 1
    assert run.snapshot.started is not None
    assert (run.snapshot.points[-1].epoch, run.snapshot.points[-1].step) == (1, run.snapshot.started.steps_per_epoch)
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/train.py").run()
    assert app.radio(key="step-size").value is StepSize.EPOCH
    press(app, "Stop")
    wait_for_end(app)
    assert not app.exception


def help_of_step(app: AppTest) -> str:
    return next(button.help for button in app.button if button.label == "Step")


def bold_texts(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if text.value.startswith("**")]


def test_train_click_survives_an_interrupting_rerun(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    interruptions: list[int] = []

    def interrupted(*_: object) -> None:
        if not interruptions:
            interruptions.append(1)
            ask_again()  # As when a component sends a value at that moment.

    monkeypatch.setattr(network_menu, "undo_buttons", interrupted)
    press(app, "Train")
    assert interruptions
    run = app.session_state["current_run"]
    assert run is not None
    scheduler.shared().stop(run)


def test_changes_during_a_pause_are_for_the_next_run(app: AppTest) -> None:
    assert "**Your network**" in bold_texts(app)
    app.number_input(key="epochs-0").set_value(100).run()
    press(app, "Train")
    press(app, "Pause")
    first: Run = app.session_state["current_run"]
    wait_until(lambda: first.snapshot.status is Status.PAUSED)
    app.run()
    assert "**The network of this run**" in bold_texts(app)
    assert app.button(key="train-changed").disabled
    app.number_input(key="units-dense-0-0").set_value(7).run()
    assert "**Your changes are for the next run**" in bold_texts(app)
    assert button_labels(app) == ["Resume", "Step", "Stop", "Reset"]
    press(app, "Train the changed network")
    assert not app.exception
    second: Run = app.session_state["current_run"]
    assert second is not first
    assert [layer.units for layer in second.config.layers] == [7]
    assert "**The network of this run**" in bold_texts(app)
    wait_until(lambda: first.snapshot.status is Status.STOPPED)
    assert [run.number for run in app.session_state["runs"]] == [1, 2]
    press(app, "Stop")
    wait_for_end(app)


def test_refused_change_keeps_the_current_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    app.number_input(key="epochs-0").set_value(100).run()
    press(app, "Train")
    run: Run = app.session_state["current_run"]
    app.number_input(key="units-dense-0-0").set_value(2048).run()
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    press(app, "Train the changed network")
    assert "Use fewer units or layers" in app.error[0].value
    assert app.session_state["current_run"] is run
    assert not run.is_stopping
    press(app, "Stop")
    wait_for_end(app)


def test_test_figures_have_a_place_and_stopped_run_shows_its_epoch(
    app: AppTest,
) -> None:
    app.number_input(key="epochs-0").set_value(100).run()
    press(app, "Train")
    run: Run = app.session_state["current_run"]
    assert [(metric.label, metric.value) for metric in app.metric] == [("Test accuracy", "–"), ("Test loss", "–")]
    wait_until(lambda: len(run.snapshot.epochs) >= 1)
    press(app, "Stop")
    wait_for_end(app)
    assert [metric.label for metric in app.metric] == ["Test accuracy", "Test loss"]
    assert app.metric[0].value.endswith("%")
    epoch = run.snapshot.points[-1].epoch
    assert panel_frame(app)["text"].endswith(f"stopped during epoch {epoch} of 100")


def test_figures_beside_the_tutorial_for_any_seed(app: AppTest) -> None:
    app.number_input(key="seed-0").set_value(5).run()
    press(app, "Train")
    run = wait_for_end(app)
    assert all("figures of the tutorial are for MNIST" in metric.help for metric in app.metric)
    assert [metric.delta for metric in app.metric] == ["", ""]
    run.dataset = dataclasses.replace(run.dataset, name="mnist")
    app.run()
    assert [metric.delta for metric in app.metric] == ["92.64% in the tutorial", "0.2567 in the tutorial"]


def test_active_run_survives_another_page(app: AppTest) -> None:
    next(number for number in app.number_input if number.label == "Epochs").set_value(100).run()
    press(app, "Train")
    run: Run = app.session_state["current_run"]
    app.switch_page("pages/evaluate.py").run()
    assert run.snapshot.status.is_active
    app.switch_page("pages/train.py").run()
    assert button_labels(app) == ["Pause", "Stop", "Reset"]
    press(app, "Stop")
    wait_for_end(app)


def test_fallback_data_notice_has_a_retry_button(app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", mirror.closed_url())
    monkeypatch.chdir(tmp_path)
    app.selectbox(key="dataset-0").select("mnist").run()
    loading = data_sets.loading_data_set("mnist")
    assert loading.done.wait(60)
    app.run()
    assert "not MNIST" in app.info[0].value
    assert "MNIST_DATA_DIR" in app.info[0].value
    assert button_labels(app) == ["Try again", "Train", "Step"]
    press(app, "Try again")
    assert data_sets.loading_data_set("mnist") is not loading
    assert data_sets.loading_data_set("mnist").done.wait(60)


def test_reset_keeps_the_finished_network(app: AppTest) -> None:
    train_briefly(app)
    press(app, "Reset")
    assert button_labels(app) == ["Train", "Step"]
    app.switch_page("pages/evaluate.py").run()
    assert len(app.metric) == 3


def test_keyboard_chooses_a_cell_of_the_matrix(app: AppTest) -> None:
    run = train_briefly(app)
    app.switch_page("pages/evaluate.py").run()
    app.selectbox(key="cell-true").select(4).run()
    app.selectbox(key="cell-answer").select(4).run()
    evaluation = run.snapshot.evaluation
    assert evaluation is not None
    assert any(f"{evaluation.confusion[4, 4]:,} images of a 4 read as 4" in text.value for text in app.markdown)


@pytest.fixture(scope="module")
def neighbours() -> ClassicalRun:
    """A nearest-neighbours run on the embedded digits, shared by all visitors."""
    run = scheduler.Scheduler().submit_classical("neighbours", datasets.load("embedded"))
    wait_until(lambda: not run.snapshot.status.is_active)
    assert run.snapshot.status is Status.FINISHED
    return run


def adopt(app: AppTest, run: ClassicalRun) -> None:
    """Do what `visitor_runs.adopt_run` does, in the session of `app`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", app.session_state)
        visitor_runs.adopt_run(run)
        visitor_runs.adopt_run(run)


def test_errors_of_a_classical_model(app: AppTest, neighbours: ClassicalRun) -> None:
    adopt(app, neighbours)
    assert app.session_state["runs"] == [neighbours]
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    evaluation = neighbours.snapshot.evaluation
    assert evaluation is not None
    assert app.selectbox(key="run-choice").options == [f"k nearest neighbours · {evaluation.accuracy:.1%}"]
    assert app.metric[0].value == f"{evaluation.accuracy:.2%}"
    app.selectbox(key="cell-true").select(4).run()
    app.selectbox(key="cell-answer").select(4).run()
    assert not app.exception
    assert any(f"{evaluation.confusion[4, 4]:,} images of a 4 read as 4" in text.value for text in app.markdown)


def test_class_names_of_a_data_set_are_shown(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    dataset = dataclasses.replace(datasets.load("embedded"), class_names=names)
    loading = data_sets.loading_data_set("embedded")
    assert loading.done.wait(60)
    monkeypatch.setattr(loading, "dataset", dataset)
    run = train_briefly(app)
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    result = run.snapshot.evaluation
    assert result is not None
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert figure["data"][0]["x"] == list(names)
    assert app.selectbox(key="cell-true").options == list(names)
    assert app.dataframe[0].value["Class"].tolist() == list(names)
    worst = result.mistakes[0]
    true, answer = names[result.labels[worst]], names[result.predicted[worst]]
    assert any(f"{true} → ✗ {answer} " in one["caption"] for one in images_of(app, "confident-images"))
    label, answer = names[result.labels[0]], names[result.predicted[0]]
    assert any(f"It is **{label}**, read as **{answer}**" in text.value for text in app.markdown)
    app.switch_page("pages/data.py").run()
    assert not app.exception
    assert captions(app)[0] == f"0: {names[dataset.train_labels[0]]}"


def captions(app: AppTest) -> list[str]:
    return [image.caption for element in app.get("image") for image in element.proto.imgs]


def test_adopted_run_is_preferred_to_the_own_network(app: AppTest, neighbours: ClassicalRun) -> None:
    run = train_briefly(app)
    adopt(app, neighbours)
    app.switch_page("pages/evaluate.py").run()
    assert app.selectbox(key="run-choice").value == neighbours.id
    app.selectbox(key="run-choice").set_value(run.id).run()
    assert not app.exception
    evaluation = run.snapshot.evaluation
    assert evaluation is not None
    assert app.metric[0].value == f"{evaluation.accuracy:.2%}"
    assert any("(run 1)" in name for name in app.selectbox(key="run-choice").options)


def test_only_networks_read_drawings(app: AppTest, neighbours: ClassicalRun) -> None:
    adopt(app, neighbours)
    app.session_state["own"] = True
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    assert not app.exception
    assert app.multiselect(key="networks").options == ["Built-in network"]
    assert len(answers(app)) == 1


def test_visitor_keeps_the_same_watcher() -> None:
    page = AppTest.from_string(
        "import streamlit as st\nfrom pages.widgets.state import visitor_runs\n"
        "st.session_state['seen'] = [*st.session_state.get('seen', []), visitor_runs.watcher()]"
    )
    page.run()
    page.run()
    first, second = page.session_state["seen"]
    assert first is second
    assert first()


def test_keras_code_changes_with_the_controls(app: AppTest) -> None:
    app.session_state["code"] = True
    app.run()
    assert "layers.Dense(128" in app.code[0].value
    app.number_input(key="units-dense-0-0").set_value(77).run()
    assert "layers.Dense(77" in app.code[0].value
    assert not app.exception


def test_tip_after_a_run_with_a_fault_changes_the_editor(app: AppTest) -> None:
    press(app, "Train")
    wait_for_end(app)
    assert not [button for button in app.button if button.key == "mend"]
    app.selectbox(key="pixels-0").select("raw").run()
    press(app, "Train")
    wait_for_end(app)
    press(app, "Use pixels from 0 to 1")
    assert app.session_state["draft"].pixels == "scaled"
    assert app.button(key="mend").disabled
    press(app, "Undo")
    assert app.session_state["draft"].pixels == "raw"


def test_ended_run_is_trained_further(app: AppTest) -> None:
    first = train_briefly(app)
    epochs = first.config.epochs
    press(app, "Train 5 more epochs")
    second = wait_for_end(app)
    assert second.number == 2
    assert len(second.snapshot.epochs) == epochs + 5
    assert second.snapshot.epochs[:epochs] == first.snapshot.epochs
    assert second.title.endswith(f", {epochs + 5} epochs")
    assert app.session_state["draft"].epochs == epochs + 5
    press(app, "Train 10 more epochs")
    third = wait_for_end(app)
    assert third.title == second.title.replace(f"{epochs + 5} epochs", f"{epochs + 15} epochs")
    assert saver.shared().wait_until_saved(600)
    kept = saver.shared().store.load(app.session_state["workspace"], third.id)
    assert kept.summary.epochs == epochs + 15


def test_time_estimate_uses_the_last_run_with_equal_steps(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train_briefly(app)
    monkeypatch.setattr(capacity, "_flops_per_second", 1.0)  # As if measured while the server was very busy.
    next(number for number in app.number_input if number.label == "Epochs").set_value(100).run()
    (costs,) = [text.value for text in app.caption if "parameters to learn" in text.value]
    seconds = run.snapshot.seconds_an_epoch
    assert seconds is not None
    assert f"about {run_text.duration_text(100 * seconds)} ·" in costs
    app.selectbox(key="preset").select("kite").run()
    press(app, "Replace")
    (costs,) = [text.value for text in app.caption if "parameters to learn" in text.value]
    assert "min ·" in costs


def test_stale_optimizer_after_a_reload_changes_nothing(app: AppTest) -> None:
    # After a reload, a browser may still send its old value.
    app.session_state["edition"] = 1
    app.selectbox(key="optimizer-0").select("adam").run()
    assert not app.exception
    assert app.session_state["draft"].optimizer == "sgd"
