"""Several seeds of one network, on the Train and Compare pages."""

from __future__ import annotations

import dataclasses
import re
from statistics import fmean

import numpy as np
import pytest
import sklearn.metrics
from streamlit.testing.v1 import AppTest

from benchmarks.frames import unpacked
from mnist_core.evaluation.seeds import without_seed
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from pages.widgets.state import workspace
from tests.pages.own_runs import (
    MINUTES,
    SOFTMAX,
    WIDE,
    choose_runs,
    digits,
    page_text,
    runs_table,
    select_view,
    train_runs,
)
from tests.pages.visitor import button_labels, panel_frame, panel_scene, press, train_briefly
from tests.scheduled_runs import wait_until


def own_runs(app: AppTest) -> list[Run]:
    return list(app.session_state["runs"])


def wait_for_all(app: AppTest) -> list[Run]:
    wait_until(lambda: not any(run.snapshot.status.is_active for run in own_runs(app)))
    assert workspace.run_saver().wait_until_saved(MINUTES)
    app.run()
    return own_runs(app)


def train_five(app: AppTest) -> list[Run]:
    train_briefly(app)
    press(app, "Train 4 more with other seeds")
    return wait_for_all(app)


def accuracies(runs: list[Run]) -> list[float]:
    found = []
    for run in runs:
        assert run.snapshot.network is not None
        answers = run.snapshot.network.predict(run.split.test_images).argmax(axis=1)
        found.append(float(sklearn.metrics.accuracy_score(run.split.test_labels, answers)))
    return found


def test_five_seeds_show_their_mean_and_range(app: AppTest) -> None:
    runs = train_five(app)
    assert [run.config.seed for run in runs] == [25, 26, 27, 28, 29]
    assert len({without_seed(run.config) for run in runs}) == 1
    found = accuracies(runs)
    metric = next(one for one in app.metric if one.label == "Test accuracy")
    assert metric.value == f"{fmean(found):.2%}"
    assert metric.delta == f"{min(found):.2%} to {max(found):.2%}"
    assert "Train 5 more with other seeds" in button_labels(app)
    assert not app.exception


def test_other_pages_show_the_seed_that_the_train_page_shows(app: AppTest) -> None:
    runs = train_five(app)
    assert app.session_state["current_run"] is runs[-1]
    app.switch_page("pages/evaluate.py").run()
    assert app.selectbox(key="run-choice").value == runs[-1].id


def test_curves_are_the_mean_of_the_runs(app: AppTest) -> None:
    runs = train_five(app)
    frame = panel_frame(app)
    assert frame["seeds"] == 5
    assert "5 seeds" in frame["text"]
    last = frame["trainingBand"][-1]
    ends = [run.snapshot.points[-1] for run in runs]
    right, wrong = [one.accuracy for one in ends], [one.loss for one in ends]
    expected = [1.0, fmean(right), min(right), max(right), fmean(wrong), min(wrong), max(wrong)]
    np.testing.assert_allclose(last, expected, rtol=1e-5)
    assert not unpacked(panel_scene(app))["previous"]  # They are in the mean already.


def test_stopped_run_is_no_seed_among_others(app: AppTest) -> None:
    app.selectbox(key="preset").select("torres").run()
    next(number for number in app.number_input if number.label == "Epochs").set_value(100).run()
    press(app, "Train")
    press(app, "Stop")
    wait_for_all(app)
    assert not any(label.endswith("with other seeds") for label in button_labels(app))


def test_pause_and_stop_of_four_seeds(app: AppTest) -> None:
    train_briefly(app)
    press(app, "Train 4 more with other seeds")
    press(app, "Pause")
    new = own_runs(app)[1:]
    active = [run for run in new if run.snapshot.status.is_active]
    assert all(run.is_pause_wanted for run in active)
    if active:  # On a fast machine they may have ended already.
        assert "Resume" in button_labels(app)
        press(app, "Stop")
    wait_for_all(app)
    assert "Train" in button_labels(app)


def test_step_goes_to_all_seeds(app: AppTest) -> None:
    turns = scheduler.shared()
    runs = [turns.submit(dataclasses.replace(WIDE, seed=seed), digits(), paused=True) for seed in range(3)]
    for number, run in enumerate(runs, 1):
        run.number = number
    app.session_state["runs"], app.session_state["current_run"] = runs, runs[-1]
    app.run()
    for count in (1, 2):
        press(app, "Step")
        wait_until(lambda expected=count: all(len(run.snapshot.points) == expected for run in runs))  # type: ignore[misc]
        wait_until(lambda: all(run.snapshot.status is Status.PAUSED for run in runs))
        assert [run.snapshot.points[-1].step for run in runs] == [count] * 3
    press(app, "Stop")
    wait_until(lambda: not any(run.snapshot.status.is_active for run in runs))
    assert not app.exception


def test_seeds_that_were_used_are_not_trained_again(app: AppTest) -> None:
    train_five(app)
    press(app, "Train 5 more with other seeds")
    runs = wait_for_all(app)
    assert sorted(run.config.seed for run in runs) == list(range(25, 35))


SEEDS = [dataclasses.replace(SOFTMAX, seed=seed) for seed in range(3)]


@pytest.mark.usefixtures("own_saver")
def test_compare_shows_seeds_as_one_row(compare: AppTest) -> None:
    *same, _ = train_runs(compare, *SEEDS, WIDE)
    table = runs_table(compare)
    assert len(table) == 2
    group = table[table["Run"].str.endswith("3 seeds")].iloc[0]
    found = accuracies(same)
    assert group["Test accuracy"] == pytest.approx(100 * fmean(found))
    assert group["Lowest to highest"] == f"{min(found):.2%} to {max(found):.2%}"
    next(one for one in compare.toggle if one.label == "One row for all seeds of a network").set_value(False).run()
    assert len(runs_table(compare)) == 4
    assert "Lowest to highest" not in runs_table(compare)


@pytest.mark.usefixtures("own_saver")
def test_difference_of_two_groups(compare: AppTest) -> None:
    runs = train_runs(compare, *SEEDS, *(dataclasses.replace(WIDE, seed=seed) for seed in range(3)))
    choose_runs(compare, runs[0], runs[3])  # The oldest of each.
    assert "These are too few seeds to tell luck from a real difference." in page_text(compare)  # 3 and 3: p = 0.1.
    assert re.search(r"On average \d\d\.\d\d% \(3 seeds\) against \d\d\.\d\d% \(3 seeds\)", page_text(compare))
    for view in ("Costs", "A minus B", "Which images differ"):
        select_view(compare, "overlay", view)
    assert "this is the oldest run" in page_text(compare)


@pytest.mark.usefixtures("own_saver")
def test_clear_difference_of_five_seeds(compare: AppTest) -> None:
    weak = dataclasses.replace(SOFTMAX, learning_rate=0.00001)  # It learns next to nothing.
    runs = train_runs(
        compare, *(dataclasses.replace(config, seed=seed) for config in (SOFTMAX, weak) for seed in range(5))
    )
    choose_runs(compare, runs[0], runs[5])
    assert "The difference is larger than the luck of the seeds (p = 0.0079)." in page_text(compare)  # 2 of 252 ways.


@pytest.mark.usefixtures("own_saver")
def test_one_seed_each_is_a_warning(compare: AppTest) -> None:
    choose_runs(compare, *train_runs(compare, SOFTMAX, WIDE))
    assert "One seed each" in page_text(compare)


@pytest.mark.usefixtures("own_saver")
def test_group_is_deleted_and_comes_back_as_a_whole(compare: AppTest) -> None:
    runs = train_runs(compare, *SEEDS, WIDE)
    choose_runs(compare, runs[0])
    assert "**3 seeds**: test accuracy" in page_text(compare)
    press(compare, "Delete these 3")
    assert len(runs_table(compare)) == 1
    press(compare, "Undo")
    assert any(name.endswith("3 seeds") for name in runs_table(compare)["Run"])
