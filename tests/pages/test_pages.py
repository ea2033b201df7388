"""Every page opens, and the way through them works, without a browser."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_core import forms, presets, strokes
from mnist_core.drawing import to_mnist
from mnist_core.live_run import Run
from mnist_core.prediction import Predictor
from pages.widgets import data, session
from tests import mirror

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))
PAUSE = Event()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A new visitor on the Train page of a server that uses the embedded digits."""
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def labels(app: AppTest) -> list[str]:
    """The buttons of the page, without the learning rates to choose from."""
    buttons = [button for button in app.button if not (button.key or "").startswith("rate-")]
    return [button.label for button in buttons if button.label != "Undo my changes"]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return app.run()


def wait_for_end(app: AppTest) -> Run:
    run: Run = app.session_state["current_run"]
    for _ in range(6000):
        if not run.snapshot.status.is_active:
            app.run()
            return run
        PAUSE.wait(0.01)
    raise AssertionError(f"The run does not end: {run.snapshot}")


def train_briefly(app: AppTest) -> Run:
    """Torres' network for one epoch."""
    app.selectbox(key="preset").select("torres").run()
    next(number for number in app.number_input if number.label == "Epochs").set_value(1).run()
    press(app, "Train")
    return wait_for_end(app)


ONE = strokes.drawn((np.array([[0.5, 0.15], [0.5, 0.85]]),), 20)


def draw(app: AppTest, rgba: np.ndarray) -> AppTest:
    """Put a picture on the canvas, as the browser would send it."""
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    data = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    app.session_state["canvas"] = {"drawing": {"raw": {"objects": []}, "data": data}}
    return app.run()


def answers(app: AppTest) -> list[str]:
    """What the networks say, sure or not."""
    boxes = [*app.info, *app.warning]
    return [box.value for box in boxes if "It reads" in box.value or "Not sure" in box.value]


def seen(app: AppTest) -> str:
    """The address of the first picture on the page: what the networks see."""
    return str(app.get("image")[0].proto.imgs[0].url)


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_for_a_new_visitor(app: AppTest, page: str) -> None:
    app.switch_page(page).run()
    assert not app.exception
    assert len(app.title) == 1


def test_visitor_lands_on_kite_with_one_primary_button(app: AppTest) -> None:
    assert app.selectbox(key="preset").value == "kite"
    assert labels(app) == ["Train", "Step"]
    assert any("101,770" in caption.value for caption in app.caption)


@pytest.mark.parametrize("key", presets.PRESETS)
def test_preset_fills_the_editor_with_the_articles_settings(app: AppTest, key: str) -> None:
    app.selectbox(key="preset").select(key).run()
    assert not app.exception
    config = presets.PRESETS[key].config
    draft = app.session_state["draft"]
    assert draft.to_query() == {**config.to_query(), "dataset": "embedded"}


def test_editor_offers_no_impossible_layers(app: AppTest) -> None:
    app.slider(key="layer-count-0").set_value(6).run()
    for number in range(3):
        app.selectbox(key=f"kind-{number}-0").select("conv").run()
    every = ["Dense", "Convolution, then pooling", "Convolution"]
    assert [app.selectbox(key=f"kind-{n}-0").options for n in (2, 3)] == [every, ["Dense"]]
    # A picture of 5 by 5 is left: after a convolution alone there are 3 by 3, too few to be halved after another.
    app.selectbox(key="kind-2-0").select("conv_only").run()
    assert app.selectbox(key="kind-3-0").options == ["Dense", "Convolution"]
    app.selectbox(key="kind-0-0").select("dense").run()
    assert not app.exception
    assert [layer.kind for layer in app.session_state["draft"].layers] == ["dense"] * 6


def test_optimizer_brings_its_usual_learning_rate(app: AppTest) -> None:
    app.selectbox(key="optimizer-0").select("adam").run()
    assert app.session_state["draft"].learning_rate == 0.001


def test_editor_keeps_its_values_over_another_page(app: AppTest) -> None:
    app.slider(key="layer-count-0").set_value(3).run()
    app.switch_page("pages/draw.py").run()
    app.switch_page("pages/train.py").run()
    assert len(app.session_state["draft"].layers) == 3


def test_own_changes_can_be_undone(app: AppTest) -> None:
    app.slider(key="layer-count-0").set_value(3).run()
    press(app, "Undo my changes")
    assert len(app.session_state["draft"].layers) == 1
    assert "Undo my changes" not in [button.label for button in app.button]


def test_only_so_many_runs_are_kept_and_the_oldest_goes(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_KEPT_RUNS", 3)
    kept = []
    for _ in range(5):
        train_briefly(app)
        kept.append([run.number for run in app.session_state["runs"]])
    assert kept == [[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]


def test_run_the_server_cannot_hold_is_refused_and_nothing_is_lost(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    press(app, "Train")
    assert "Use fewer units or layers" in app.error[0].value
    assert labels(app) == ["Train", "Step"]


def test_trained_run_leads_on_to_evaluate_and_draw(app: AppTest) -> None:
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


def test_first_visitor_is_answered_by_the_shipped_network(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == ["shipped"]
    draw(app, ONE)
    assert not app.exception
    (answer,) = answers(app)
    assert answer.startswith("**It reads a 1**")


def test_scribble_is_answered_with_not_sure(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    lines = np.random.default_rng(5).uniform(0.15, 0.85, (1, 30, 2))
    draw(app, strokes.drawn(tuple(lines), 8))
    (answer,) = answers(app)
    assert answer.startswith("Not sure. Perhaps a")


def test_empty_canvas_asks_for_a_drawing(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, np.full((280, 280, 4), 255, np.uint8))
    assert not app.exception
    assert not answers(app)
    assert "comes after each stroke" in app.info[0].value


def test_without_a_network_nothing_is_answered(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.multiselect(key="networks").set_value([]).run()
    draw(app, ONE)
    assert not app.exception
    assert not answers(app)


def test_networks_chosen_are_remembered_until_there_is_a_new_one(app: AppTest) -> None:
    first = train_briefly(app)
    app.switch_page("pages/draw.py").run()
    app.multiselect(key="networks").set_value(["shipped"]).run()
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == ["shipped"]
    app.switch_page("pages/train.py").run()
    press(app, "Reset")
    second = train_briefly(app)
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == [second.id, "shipped"]
    assert first.id in {run.id for run in app.session_state["runs"]}


def test_only_shrinking_shows_another_image(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, strokes.drawn(strokes.placed((np.array([[0.0, 0.0], [1.0, 4.0]]),), 0.3, (0.2, 0.2)), 12))
    before = seen(app)
    app.toggle(key="straight").set_value(True).run()
    assert not app.exception
    assert seen(app) != before


@pytest.mark.parametrize("folded", ["way", "doctor", "why", "alike"])
def test_what_is_folded_away_opens(app: AppTest, folded: str) -> None:
    app.switch_page("pages/draw.py").run()
    app.session_state[folded] = True
    draw(app, strokes.drawn(strokes.placed((np.array([[0.0, 0.0], [1.0, 4.0]]),), 0.3, (0.2, 0.2)), 12))
    assert not app.exception
    words = {"way": "Centred in 28x28", "doctor": "It is not in the middle", "why": "ink speaks for a 1", "alike": "1"}
    captions = [image.caption for element in app.get("image") for image in element.proto.imgs]
    assert any(words[folded] in text for text in [*captions, *(markdown.value for markdown in app.markdown)])


def test_labelled_drawings_form_a_test_set(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    draw(app, strokes.drawn((np.array([[0.3, 0.2], [0.7, 0.2], [0.45, 0.85]]),), 18))
    choose_label(app, 4)
    assert [one.label for one in app.session_state["own-digits-noted"]] == [1, 4]
    app.session_state["own"] = True
    app.run()
    assert not app.exception
    assert any("**1 of 2** read right (50%)" in markdown.value for markdown in app.markdown)
    press(app, "Delete the last")
    assert [one.label for one in app.session_state["own-digits-noted"]] == [1]
    press(app, "Delete all")
    assert not app.session_state["own-digits-noted"]
    assert not app.exception


def test_a_label_given_twice_is_kept_once_and_only_when_it_is_given(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    choose_label(app, 7)
    assert [one.label for one in app.session_state["own-digits-noted"]] == [7]
    before = app.session_state["own-digits-noted"]
    app.run()
    assert app.session_state["own-digits-noted"] is before
    assert not app.toast


def test_what_was_unfolded_stays_so_while_the_canvas_is_wiped(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.session_state["why"] = True
    for canvas in (ONE, np.full((280, 280, 4), 255, np.uint8), ONE):
        draw(app, canvas)
    assert any("ink speaks for a 1" in markdown.value for markdown in app.markdown)


def choose_label(app: AppTest, digit: int) -> None:
    (group,) = [group for group in app.button_group if group.label == "What was it?"]
    group.set_value(digit).run()


def test_digit_drawn_with_keys_is_read(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.toggle(key="by-keys").set_value(True).run()
    press(app, "Put the pen down")
    for _ in range(7):
        press(app, "Down")
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")
    press(app, "Clear")
    assert not answers(app)


def test_picture_of_a_digit_is_read_and_no_picture_is_refused(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    buffer = io.BytesIO()
    Image.fromarray(ONE).convert("RGB").save(buffer, "JPEG")
    app.file_uploader(key="picture").upload("one.jpg", buffer.getvalue(), "image/jpeg").run()
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")
    app.file_uploader(key="picture").upload("one.jpg", b"no picture", "image/jpeg").run()
    assert not app.exception
    assert "cannot be read as a picture" in app.error[0].value


def test_network_that_misreads_a_hand_is_offered_augmentation(app: AppTest) -> None:
    run = train_briefly(app)  # After one epoch Torres' network reads hardly anything.
    app.switch_page("pages/draw.py").run()
    assert run.snapshot.network is not None
    misread = 0
    for digit, form in ((0, "50 22 14 27 59 77 84 72 50"), (7, "00|90|49"), (4, "60|06|96/60 69")):
        canvas = strokes.drawn(strokes.placed(forms.stroked(form, np.random.default_rng(0), jitter=0), 0.65), 18)
        draw(app, canvas)
        assert any(f"It reads a {digit}" in answer for answer in answers(app)), "the built-in network's answer"
        own = int(Predictor(run.snapshot.network)(to_mnist(canvas).image).digit)
        offers = [button for button in app.button if "augmentation" in button.label]
        assert bool(offers) == (own != digit)
        misread += own != digit
    assert misread
    press(app, "Train it again with augmentation")
    assert not app.exception
    assert app.session_state["draft"].augmentation == 0.5
    assert app.session_state["draft"].layers == run.config.layers


def test_stepping_then_resuming_then_stopping(app: AppTest) -> None:
    press(app, "Step")
    run: Run = app.session_state["current_run"]
    for _ in range(6000):
        if run.snapshot.status.value == "paused" and run.snapshot.points:
            break
        PAUSE.wait(0.01)
    app.run()
    assert len(run.snapshot.points) == 1
    assert labels(app) == ["Resume", "Step", "Stop", "Reset"]
    assert run.learning_rate == 0.01
    press(app, "0.1")
    press(app, "Step")
    for _ in range(6000):
        if run.snapshot.rates and run.snapshot.status.value == "paused":
            break
        PAUSE.wait(0.01)
    press(app, "Stop")
    wait_for_end(app)
    app.run()
    assert [change.learning_rate for change in run.snapshot.rates] == [0.1]
    step = run.snapshot.rates[0].step + 1
    assert f"Learning rate: 0.1 from epoch 1, step {step}." in [caption.value for caption in app.caption]
    assert run.snapshot.network is not None
    assert not app.exception


def test_run_under_way_is_still_there_after_another_page(app: AppTest) -> None:
    next(number for number in app.number_input if number.label == "Epochs").set_value(100).run()
    press(app, "Train")
    run: Run = app.session_state["current_run"]
    app.switch_page("pages/evaluate.py").run()
    assert run.snapshot.status.is_active
    app.switch_page("pages/train.py").run()
    assert labels(app) == ["Pause", "Stop", "Reset"]
    press(app, "Stop")
    wait_for_end(app)


def test_notice_about_a_stand_in_comes_with_a_way_to_try_again(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MNIST_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", mirror.closed_url())
    monkeypatch.chdir(tmp_path)
    app.selectbox(key="dataset-0").select("mnist").run()
    loading = data.loading("mnist")
    assert loading.done.wait(60)
    app.run()
    assert "not MNIST" in app.info[0].value
    assert "MNIST_DATA_DIR" in app.info[0].value
    assert labels(app) == ["Try again", "Train", "Step"]
    press(app, "Try again")
    assert data.loading("mnist") is not loading
    assert data.loading("mnist").done.wait(60)
    data.loading.clear()


def test_reset_clears_the_page_and_keeps_the_finished_network(app: AppTest) -> None:
    train_briefly(app)
    press(app, "Reset")
    assert labels(app) == ["Train", "Step"]
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
