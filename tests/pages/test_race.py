"""Races on the Compare page without a browser: finished, stopped, failed, refused, reopened."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import training
from mnist_core.config import LayerConfig
from mnist_core.errors import StoreError
from mnist_core.runs import saver, scheduler
from mnist_core.runs.network_run import Run
from mnist_core.store import workspaces
from mnist_core.store.records import StoredRun
from mnist_core.store.runs import RunStore
from mnist_core.training import Status
from tests.pages.conftest import ROOT
from tests.pages.own_runs import MINUTES, SOFTMAX, digits, new_session, page_text, runs_table, select_view, train_runs
from tests.pages.visitor import press, train_briefly
from tests.scheduled_runs import wait_until

pytestmark = pytest.mark.usefixtures("own_saver")


def ids_of(app: AppTest) -> tuple[str, ...]:
    """The runs of the race that the tab shows."""
    return tuple(app.session_state["race-noted"].ids)


def race_of(app: AppTest, *keys: str, epochs: int | None = None, guess: str = "") -> tuple[Run, ...]:
    """Start a race with these epochs for each; None for those in the settings of each."""
    select_view(app, "compare-view", "Race")
    app.multiselect(key="race-choice").set_value(list(keys)).run()
    if epochs is None:
        select_view(app, "race-epochs", "own")
    else:
        app.number_input(key="race-epochs-for-each").set_value(epochs).run()
    if guess:
        app.selectbox(key="race-guess").select(guess).run()
    press(app, "Race")
    assert not app.exception
    ids = ids_of(app)
    by_id = {run.id: run for run in app.session_state["runs"]}
    return tuple(by_id[one] for one in ids)


def to_the_end(app: AppTest, runs: tuple[Run, ...]) -> None:
    """Poll as the browser does until all runs have ended."""
    wait_until(lambda: bool(app.run()) and not any(run.snapshot.status.is_active for run in runs))
    app.run()
    assert not app.exception


def test_race_can_be_compared_and_leaves_train_page_unchanged(app: AppTest) -> None:
    shown = train_briefly(app)
    compare = app.switch_page("pages/compare.py").run()
    runs = race_of(compare, "preset-morgan-0", "preset-torres")
    assert "Stop all" in [button.label for button in compare.button]
    to_the_end(compare, runs)
    assert compare.session_state["current_run"] is shown
    assert {run.config.dataset for run in runs} == {"embedded"}
    # The best run is first, with the same figures as the same config trained alone.
    ranking = next(text.value for text in compare.markdown if text.value.startswith("| Network"))
    assert ranking.index("Morgan 0") < ranking.index("Torres")
    assert "**Morgan 0" in compare.success[0].value
    assert "wins" in compare.success[0].value
    for run in runs:
        evaluation = run.snapshot.evaluation
        assert evaluation is not None
        *_, alone = training.train(run.config, digits())
        assert isinstance(alone, training.Finished)
        answers = alone.network.predict(run.split.test_images).argmax(axis=1)
        assert f"{np.mean(answers == run.split.test_labels):.2%}" in ranking

    select_view(compare, "race-across", "seconds")
    assert compare.query_params["race"]
    press(compare, "Compare them")
    assert not compare.exception
    assert "race" not in compare.query_params
    assert compare.multiselect(key="run-choice-names").value == [run.id for run in runs]
    assert len(runs_table(compare)) == 3


def test_race_survives_a_short_database_failure(compare: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = race_of(compare, "preset-morgan-0", "preset-torres")
    to_the_end(compare, runs)
    assert saver.shared().wait_until_saved(MINUTES)
    saver._made.cache_clear()
    load = RunStore.load
    troubles = [StoreError("The database is out of reach.", "Try again.")]

    def load_later(self: RunStore, workspace: str, run_id: str) -> StoredRun:
        if troubles:
            raise troubles.pop()
        return load(self, workspace, run_id)

    monkeypatch.setattr(RunStore, "load", load_later)
    again = new_session(compare, race=".".join(run.id for run in runs))
    assert any("out of reach" in box.value for box in again.warning)
    again.run()
    assert not again.warning
    assert ids_of(again) == tuple(run.id for run in runs)
    assert any(text.value.startswith("| Network") for text in again.markdown)


def test_active_race_in_another_tab(compare: AppTest) -> None:
    runs = race_of(compare, "preset-cnn", "preset-morgan-2")
    for run in runs:
        scheduler.shared().pause(run)  # The race stays active during the test.
    other = select_view(new_session(compare), "compare-view", "Race")
    assert ids_of(other) == tuple(run.id for run in runs)
    press(other, "Stop all")
    to_the_end(other, runs)
    assert {run.snapshot.status for run in runs} == {Status.STOPPED}
    ranking = [text.value for text in other.markdown if text.value.startswith("| Network")]
    assert all("stopped after" in table for table in ranking)
    stranger = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/compare.py").run()
    assert not ids_of(select_view(stranger, "compare-view", "Race"))


def test_race_address_survives_a_reload(compare: AppTest) -> None:
    runs = race_of(compare, "preset-morgan-0", "preset-torres", epochs=100)
    for run in runs:
        scheduler.shared().pause(run)  # The race is still active when the page is reopened.
    assert saver.shared().wait_until_saved(MINUTES)
    address = compare.query_params["race"]
    again = new_session(compare, race="".join(address))
    assert not again.exception
    assert "Stop all" in [button.label for button in again.button]
    press(again, "Stop all")
    to_the_end(again, runs)
    assert all(run.snapshot.status in (Status.STOPPED, Status.FINISHED) for run in runs)


@pytest.mark.parametrize("address", ["nonsense", ".".join("abcdefghij"), "../../etc.'; drop", "é" * 9])
def test_invalid_race_address_shows_a_message(compare: AppTest, address: str) -> None:
    again = new_session(compare, race=address)
    assert not again.exception
    assert "no such run" in page_text(again)
    assert "Race" in [button.label for button in again.button]


def test_race_is_shared_by_both_tabs(compare: AppTest) -> None:
    second = new_session(compare).switch_page("pages/train.py").run()
    runs = race_of(compare, "preset-morgan-0", "preset-torres")
    second.switch_page("pages/compare.py")
    second.query_params["race"] = compare.query_params["race"]
    select_view(second, "compare-view", "Race")
    # Otherwise they would stop some time after the first tab was closed.
    assert second.session_state["runs"] == list(runs)


def test_race_does_not_move_to_another_workspace(compare: AppTest) -> None:
    race_of(compare, "preset-morgan-0", "preset-torres")
    select_view(compare, "compare-view", "Your runs")
    compare.session_state["recovery"] = True
    compare.run()
    compare.text_input(key="recovery-code").set_value(workspaces.recovery_code(workspaces.new_workspace()))
    press(compare, "Open these runs here")
    select_view(compare, "compare-view", "Race")
    assert "no such run" not in page_text(compare)


def test_race_of_another_visitor_is_hidden(compare: AppTest) -> None:
    runs = race_of(compare, "preset-morgan-0", "preset-torres")
    stranger = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    stranger.switch_page("pages/compare.py")
    stranger.query_params["race"] = ".".join(run.id for run in runs)
    stranger.run()
    assert not stranger.exception
    assert "no such run" in page_text(stranger)
    assert "Stop all" not in [button.label for button in stranger.button]


def test_diverged_racer_does_not_stop_the_others(compare: AppTest) -> None:
    layers = (LayerConfig(units=16, activation="linear"),) * 2
    compare.session_state["draft"] = dataclasses.replace(SOFTMAX, layers=layers, learning_rate=10.0, epochs=5)
    runs = race_of(compare, "preset-morgan-0", "editor")
    to_the_end(compare, runs)
    good, bad = runs
    assert bad.snapshot.status is Status.FAILED
    assert good.snapshot.status is Status.FINISHED
    assert bad.snapshot.message in page_text(compare)
    ranking = next(text.value for text in compare.markdown if text.value.startswith("| Network"))
    assert "Morgan 0" in ranking


def test_too_large_racer_is_named_and_left_out(compare: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_ACTIVE_RUNS", 1)
    runs = race_of(compare, "preset-morgan-1", "preset-torres")
    assert [run.config.optimizer for run in runs] == ["rmsprop"]
    assert "Torres: ten sigmoid units cannot race." in page_text(compare)
    press(compare, "Stop all")
    to_the_end(compare, runs)


def test_saved_settings_can_race_with_distinct_names(compare: AppTest) -> None:
    first, second = train_runs(compare, SOFTMAX, dataclasses.replace(SOFTMAX, seed=7))
    runs = race_of(compare, f"run-{first.id}", f"run-{second.id}")
    assert [run.config for run in runs] == [first.config, second.config]
    to_the_end(compare, runs)
    said = page_text(compare)
    assert "784 → 10, Seed 0" in said
    assert "784 → 10, Seed 7" in said


# Epochs


def test_same_epochs_for_each(compare: AppTest) -> None:
    select_view(compare, "compare-view", "Race")
    assert compare.number_input(key="race-epochs-for-each").value == 5
    assert "Each has 5 epochs." in page_text(compare)
    runs = race_of(compare, "preset-kite", "preset-torres", epochs=2)
    assert [run.config.epochs for run in runs] == [2, 2]
    assert [len(run.snapshot.epochs) for run in runs] <= [2, 2]
    to_the_end(compare, runs)
    assert [len(run.snapshot.epochs) for run in runs] == [2, 2]
    # The ranking calls them by the names of their tutorials, and the list of runs also says how long they trained.
    ranking = next(text.value for text in compare.markdown if text.value.startswith("| Network"))
    assert "Kite: one layer of 128 |" in ranking.replace("\\", "")
    assert [run.title for run in runs] == ["Kite: one layer of 128, 2 epochs", "Torres: ten sigmoid units, 2 epochs"]


def test_epochs_as_in_their_settings(compare: AppTest) -> None:
    runs = race_of(compare, "preset-morgan-0", "preset-torres")
    assert [run.config.epochs for run in runs] == [10, 5]
    assert [run.title for run in runs] == ["", ""]
    assert "They have different numbers of epochs: 5 to 10." in page_text(compare)
    to_the_end(compare, runs)
    assert "They have different numbers of epochs: 5 to 10." in page_text(compare)


# Guesses


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        ("preset-morgan-0", "Your guess was right."),
        ("preset-torres", "Your guess was Torres: ten sigmoid units; Morgan 0: no hidden layer won."),
        ("", ""),
    ],
)
def test_guess_is_shown_during_the_race_and_judged_after_it(compare: AppTest, guess: str, said: str) -> None:
    select_view(compare, "compare-view", "Race")
    runs = race_of(compare, "preset-morgan-0", "preset-torres", epochs=100, guess=guess)
    for run in runs:
        scheduler.shared().pause(run)
    compare.run()
    guessed = {"preset-morgan-0": "Morgan 0", "preset-torres": "Torres"}.get(guess)
    assert ("Your guess: " in page_text(compare)) == bool(guessed)
    press(compare, "Projector")
    shown = [text.value for text in compare.caption if "Your guess: " in text.value]
    assert len(shown) == bool(guessed)
    assert all(str(guessed) in text for text in shown)
    for run in runs:
        scheduler.shared().resume(run)
    to_the_end(compare, runs)
    # On the projector too.
    text = compare.success[0].value.replace("\\", "")
    assert text.endswith(f"on the test images. {said}".rstrip())
    assert "wins" in text


def test_guess_in_another_tab_and_after_a_reload(compare: AppTest) -> None:
    runs = race_of(compare, "preset-cnn", "preset-morgan-2", guess="preset-morgan-2")
    for run in runs:
        scheduler.shared().pause(run)
    other = select_view(new_session(compare), "compare-view", "Race")
    assert "Your guess: Morgan 2" in page_text(other)
    race, guess = (str("".join(compare.query_params[name])) for name in ("race", "guess"))
    assert saver.shared().wait_until_saved(MINUTES)
    again = new_session(compare, race=race, guess=guess)
    assert "Your guess: Morgan 2" in page_text(again)
    # A guess that is not in the race is none.
    assert "Your guess" not in page_text(new_session(compare, race=race, guess="nonsense"))
    press(compare, "Stop all")
    to_the_end(compare, runs)


def test_guess_for_a_network_that_leaves_the_form(compare: AppTest) -> None:
    select_view(compare, "compare-view", "Race")
    compare.selectbox(key="race-guess").select("preset-morgan-0").run()
    compare.multiselect(key="race-choice").set_value(["preset-cnn", "preset-morgan-1"]).run()
    assert not compare.exception
    assert compare.selectbox(key="race-guess").value == ""


# The leader


def test_leader_is_the_best_after_the_last_epoch_of_all(compare: AppTest) -> None:
    runs = race_of(compare, "preset-torres", "preset-morgan-0", epochs=100)
    wait_until(lambda: all(run.snapshot.epochs for run in runs))
    for run in runs:
        scheduler.shared().pause(run)
    wait_until(lambda: all(run.snapshot.status is Status.PAUSED for run in runs))
    compare.run()
    epoch = min(len(run.snapshot.epochs) for run in runs)
    torres, morgan = (run.snapshot.epochs[epoch - 1].accuracy for run in runs)
    assert morgan > torres
    [said] = [text.value.replace("\\", "") for text in compare.markdown if "leads" in text.value]
    assert said == (
        f":material/trophy: **Morgan 0: no hidden layer** leads: {morgan:.2%} on training images after epoch {epoch}."
    )
    bars = [bar.proto.text for bar in compare.get("progress")]
    assert [bar.partition(" ")[0] for bar in bars] == [":material/directions_run:", ":material/trophy:"]
    press(compare, "Stop all")
    to_the_end(compare, runs)
