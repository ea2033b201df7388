"""What a visitor gets back: after a reload, after a server restart, and from downloaded files."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import training
from mnist_core.drawing import test_set
from mnist_core.network import files
from mnist_core.runs import saver, scheduler
from mnist_core.runs.network_run import Run
from mnist_core.store import takeover
from mnist_core.store.records import TITLE_LENGTH
from mnist_core.training import Status
from tests.pages.conftest import ROOT
from tests.pages.visitor import (
    button_labels,
    give_labelled,
    labelled,
    new_session,
    panel_frame,
    press,
    train_briefly,
    wait_for_end,
)
from tests.scheduled_runs import wait_for_status, wait_until
from tests.stored_runs import assert_same_arrays

pytestmark = pytest.mark.usefixtures("own_saver")

MINUTES = 300.0


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save everything and stop the server; start another one after the grace period."""
    assert saver.shared().wait_until_saved(MINUTES)
    saver._made.cache_clear()
    monkeypatch.setattr(takeover, "GRACE_SECONDS", -1.0)


def start_torres(app: AppTest, epochs: int) -> Run:
    app.selectbox(key="preset").select("torres").run()
    next(number for number in app.number_input if number.label == "Epochs").set_value(epochs).run()
    press(app, "Train")
    run: Run = app.session_state["current_run"]
    return run


def interrupted_run(app: AppTest, monkeypatch: pytest.MonkeyPatch, is_paused: bool = False) -> Run:
    """A run of 30 epochs whose server stops after some of them, while it is paused or in the middle of an epoch."""
    run = start_torres(app, 30)
    wait_until(lambda: len(run.snapshot.epochs) >= 2)
    scheduler.shared().pause(run)
    wait_for_status(run, Status.PAUSED)
    if not is_paused:
        assert saver.shared().wait_until_saved(MINUTES)
        saver.shared().store.save_pause(app.session_state["workspace"], run.id, False)
    restart(monkeypatch)
    return run


def leave_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than runs go on without a visitor."""
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", "0")


def test_active_run_is_shown_after_a_reload(app: AppTest) -> None:
    run = start_torres(app, 100)
    wait_for_status(run, Status.RUNNING)
    again = new_session(app)
    assert not again.exception
    assert again.session_state["current_run"] is run
    menu = again.selectbox(key="preset")
    assert menu.index is not None
    assert menu.options[menu.index] == "Run 1: 784 → 10 Sigmoid → 10"
    assert next(number for number in again.number_input if number.label == "Epochs").value == 100
    press(again, "Stop")
    wait_for_end(again)
    assert run.snapshot.status is Status.STOPPED


def test_ended_run_is_shown_after_a_server_restart(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train_briefly(app)
    restart(monkeypatch)
    again = new_session(app)
    back: Run = again.session_state["current_run"]
    assert back is not run
    assert (back.id, back.number) == (run.id, 1)
    evaluation = run.snapshot.evaluation
    assert evaluation is not None
    assert f"{evaluation.accuracy:.2%}" in [metric.value for metric in again.metric]
    again.switch_page("pages/evaluate.py").run()
    assert not again.exception
    assert f"{evaluation.accuracy:.2%}" in [metric.value for metric in again.metric]
    again.switch_page("pages/draw.py").run()
    assert not again.exception
    assert run.id in again.multiselect(key="networks").value


@pytest.mark.parametrize("is_long_ago", [False, True])
def test_interrupted_run_resumes_with_identical_results(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, is_long_ago: bool
) -> None:
    run = interrupted_run(app, monkeypatch)
    if is_long_ago:
        leave_for_long(monkeypatch)
    again = new_session(app)
    epoch = len(run.snapshot.epochs)
    if is_long_ago:
        assert any(f"was interrupted after epoch {epoch}" in text.value for text in again.markdown)
        press(again, "Continue")
    else:
        assert [toast.value for toast in again.toast] == [
            f"The server was interrupted. Run 1 goes on after epoch {epoch}."
        ]
    assert not again.exception
    resumed = wait_for_end(again)
    assert resumed.id == run.id
    assert resumed.snapshot.status is Status.FINISHED
    *_, last = training.train(resumed.config, resumed.dataset)
    assert isinstance(last, training.Finished)
    assert resumed.snapshot.network is not None
    assert_same_arrays(resumed.snapshot.network.weights, last.network.weights)
    assert resumed.snapshot.epochs == last.history
    assert not any("was interrupted" in text.value for text in new_session(again).markdown)


@pytest.mark.parametrize("is_long_ago", [False, True])
def test_paused_run_waits_after_a_restart(app: AppTest, monkeypatch: pytest.MonkeyPatch, is_long_ago: bool) -> None:
    run = interrupted_run(app, monkeypatch, is_paused=True)
    if is_long_ago:
        leave_for_long(monkeypatch)
    again = new_session(app)
    if is_long_ago:
        press(again, "Continue")
    else:
        epoch = len(run.snapshot.epochs)
        assert [toast.value for toast in again.toast] == [
            f"The server was interrupted. Run 1 is paused after epoch {epoch}."
        ]
        press(again, "Resume")
    assert wait_for_end(again).snapshot.status is Status.FINISHED


def test_interrupted_run_can_be_dismissed(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = interrupted_run(app, monkeypatch)
    leave_for_long(monkeypatch)
    again = new_session(app)
    press(again, "End it here")
    assert not any("was interrupted" in text.value for text in again.markdown)
    left = next(one for one in saver.shared().runs(app.session_state["workspace"]) if one.id == run.id)
    wait_for_status(left, Status.STOPPED)
    again.switch_page("pages/evaluate.py").run()
    assert not again.exception
    assert left.snapshot.evaluation is not None
    assert f"{left.snapshot.evaluation.accuracy:.2%}" in [metric.value for metric in again.metric]


def test_other_visitor_does_not_see_the_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted_run(app, monkeypatch)
    stranger = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert stranger.session_state["current_run"] is None
    assert "Continue" not in button_labels(stranger)
    stranger.switch_page("pages/evaluate.py").run()
    assert any("You have not trained" in box.value for box in stranger.info)


def test_invalid_database_url_is_reported_and_training_works(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "no address")
    saver._made.cache_clear()
    run = train_briefly(app)
    assert run.snapshot.status is Status.FINISHED
    assert not app.exception
    assert any("This run is not being saved" in box.value for box in app.warning)
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    assert any("cannot be shown" in box.value for box in app.warning)
    assert app.metric


def test_returning_visitor_can_train_without_a_database(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "no address")
    saver._made.cache_clear()
    again = new_session(app)
    assert not again.exception
    assert any("cannot be shown" in box.value for box in again.warning)
    train_briefly(again)
    assert not again.exception


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.switch_page("pages/evaluate.py").run()
    app.file_uploader[0].set_value((name, content, "application/octet-stream"))
    return app.run()


@pytest.mark.parametrize("ending", ["npz", "keras"])
def test_uploaded_network_is_evaluated_and_listed(app: AppTest, ending: str) -> None:
    run = train_briefly(app)
    network, evaluation = run.snapshot.network, run.snapshot.evaluation
    assert network is not None
    assert evaluation is not None
    content = network.to_npz() if ending == "npz" else files.keras_file(network)
    fresh = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    upload(fresh, f"mine.{ending}", content)
    assert not fresh.exception
    assert not fresh.error
    back = fresh.session_state["runs"][-1]
    assert_same_arrays(back.snapshot.network.weights, network.weights)
    assert back.snapshot.evaluation.confusion.tolist() == evaluation.confusion.tolist()
    assert f"mine.{ending}" in back.snapshot.message
    assert saver.shared().wait_until_saved(MINUTES)
    kept = saver.shared().store.load(fresh.session_state["workspace"], back.id)
    assert kept.network is not None
    assert_same_arrays(kept.network.weights, network.weights)


def test_uploaded_settings_fill_the_editor(app: AppTest) -> None:
    config = dataclasses.replace(app.session_state["draft"], learning_rate=0.0123, epochs=7, dataset="elsewhere")
    upload(app, "settings.json", config.to_json().encode())
    assert not app.error
    assert app.session_state["draft"] == dataclasses.replace(config, dataset="embedded")
    app.switch_page("pages/train.py").run()
    assert app.selectbox(key="preset").options[0] == "From a file: 784 → 128 ReLU → 10"
    assert app.button(key="undo").disabled


def test_foreign_file_is_refused_without_loss(app: AppTest) -> None:
    train_briefly(app)
    before = list(app.session_state["runs"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.pkl", b"cos\nsystem\n(S'true'\ntR.")
    for name, content in (("a.npz", buffer.getvalue()), ("a.keras", b"no archive"), ("a.json", b'{"epochs": 0}')):
        upload(app, name, content)
        assert not app.exception
        assert app.error, name
        assert app.session_state["runs"] == before


def test_network_opened_from_another_page_stays_in_the_editor(app: AppTest) -> None:
    train_briefly(app)
    again = new_session(app, "pages/evaluate.py")
    config = dataclasses.replace(app.session_state["draft"], epochs=77)
    again.file_uploader[0].set_value(("settings.json", config.to_json().encode(), "application/json"))
    again.run()
    again.switch_page("pages/train.py").run()
    assert again.session_state["draft"].epochs == 77


def test_finetuned_network_with_the_longest_name_is_saved(app: AppTest) -> None:
    first = train_briefly(app)
    # A saved run is called by its saved title. The button is named after it, and must not change its name when pressed.
    assert saver.shared().wait_until_saved(MINUTES)
    first.title = "x" * TITLE_LENGTH
    image = np.zeros((28, 28), np.float32)
    image[4:24, 14] = 1.0
    give_labelled(app, test_set.add_drawing([], image, 1, ()))
    app.session_state["own"] = True
    app.switch_page("pages/draw.py").run()
    press(app, "Teach it")
    # While the old training images are loaded, the page remembers the press and looks again.
    wait_until(lambda: app.session_state["current_run"] is not first or bool(app.run().exception or app.error))
    assert not app.exception
    assert not app.error
    taught = wait_for_end(app)
    assert saver.shared().wait_until_saved(MINUTES)
    kept = saver.shared().store.load(app.session_state["workspace"], taught.id)
    assert kept.summary.title.startswith("xxx")
    assert kept.summary.title.endswith(" + your digits")


def enter_code(app: AppTest, code: str) -> AppTest:
    app.switch_page("pages/compare.py").run()
    app.session_state["recovery"] = True  # AppTest cannot open an expander.
    app.run()
    app.text_input(key="recovery-code").set_value(code)
    return press(app, "Open these runs here")


def code_of(app: AppTest) -> str:
    """Show the recovery code and return it. It is hidden at first, because the page may be on a projector."""
    app.switch_page("pages/compare.py").run()
    app.session_state["recovery"] = True
    app.run()
    assert not app.code
    next(toggle for toggle in app.toggle if toggle.label == "Show code").set_value(True).run()
    (code,) = (block.value for block in app.code)
    return str(code)


def test_recovery_code_on_another_device(app: AppTest) -> None:
    run = train_briefly(app)
    assert saver.shared().wait_until_saved(MINUTES)
    code = code_of(app)

    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert other.session_state["workspace"] != app.session_state["workspace"]
    enter_code(other, code.lower().replace("-", " "))
    assert not other.exception
    assert other.session_state["workspace"] == app.session_state["workspace"]
    other.switch_page("pages/evaluate.py").run()
    assert run.snapshot.evaluation is not None
    assert f"{run.snapshot.evaluation.accuracy:.2%}" in [metric.value for metric in other.metric]
    other.switch_page("pages/train.py").run()
    assert other.session_state["current_run"].id == run.id


def test_next_person_sees_nothing_and_code_restores_all(app: AppTest) -> None:
    run = train_briefly(app)
    give_labelled(app, test_set.add_drawing([], np.zeros((28, 28), np.float32), 1, ()))
    assert saver.shared().wait_until_saved(MINUTES)
    code, mine = code_of(app), app.session_state["workspace"]
    assert any("opened only with their recovery code" in text.value for text in app.markdown)
    assert app.session_state["workspace"] == mine  # Only the question is shown so far.
    press(app, "Start with an empty list")
    assert not app.exception
    assert app.session_state["workspace"] != mine
    assert any("have not trained a network yet" in box.value for box in app.info)
    assert not labelled(app)
    app.switch_page("pages/train.py").run()
    assert "Train" in button_labels(app)
    assert "Reset" not in button_labels(app)  # The page is empty.
    enter_code(app, code)
    assert app.session_state["workspace"] == mine
    app.switch_page("pages/train.py").run()
    assert app.session_state["current_run"].id == run.id


def test_mistyped_recovery_code_keeps_the_workspace(app: AppTest) -> None:
    train_briefly(app)
    mine = app.session_state["workspace"]
    enter_code(app, "ABCDE-ABCDE-ABCDE-ABCDE-ABCDE-ABCDE")
    assert "mistake" in app.error[0].value
    enter_code(app, "hello")
    assert "not a recovery code" in app.error[0].value
    assert app.session_state["workspace"] == mine
    assert app.session_state["runs"]


def test_last_run_is_shown_for_any_address(app: AppTest) -> None:
    run = train_briefly(app)
    for layers in ("dense-10-sigmoid", "dense-77-relu"):
        query = run.config.to_query() | {"layers": layers}
        again = new_session(app, **query)
        assert again.session_state["draft"].to_query() == query
        assert again.session_state["current_run"].id == run.id
        assert panel_frame(again)["text"] == "784 → 10 Sigmoid → 10 · run 1"


def test_undo_restores_the_run_on_the_page(app: AppTest) -> None:
    run = train_briefly(app)
    again = new_session(app)
    next(number for number in again.number_input if number.label == "Epochs").set_value(9).run()
    assert again.session_state["draft"].epochs == 9
    press(again, "Undo")
    assert again.session_state["draft"] == run.config


def test_run_that_is_not_saved_yet_is_shown_after_a_reload(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saver.shared(), "_write", lambda record, run: None)
    run = train_briefly(app)
    again = new_session(app)
    assert not saver.shared().store.list(app.session_state["workspace"])
    assert again.session_state["current_run"] is run
    assert again.session_state["draft"] == run.config


def test_restored_network_is_shown(app: AppTest) -> None:
    run = train_briefly(app)
    network = run.snapshot.network
    assert network is not None
    other = dataclasses.replace(network, weights=tuple(weight * 0.5 for weight in network.weights))
    for name, content in (("first.npz", other.to_npz()), ("second.npz", network.to_npz())):
        upload(app, name, content)
        assert not app.exception
        newest = app.session_state["runs"][-1]
        assert app.selectbox(key="run-choice").value == newest.id
        assert name in newest.title
        app.selectbox(key="run-choice").select(run.id).run()
        assert app.selectbox(key="run-choice").value == run.id


def test_ending_run_does_not_replace_the_viewed_run(app: AppTest) -> None:
    first = train_briefly(app)
    second = start_torres(app, 100)
    wait_for_status(second, Status.RUNNING)
    app.switch_page("pages/evaluate.py").run()
    assert app.selectbox(key="run-choice").value == first.id
    scheduler.shared().stop(second)
    wait_for_status(second, Status.STOPPED)
    app.run()
    assert second.id in [run.id for run in app.session_state["runs"] if run.snapshot.evaluation]
    assert app.selectbox(key="run-choice").value == first.id
