"""What the courses show after a run: networks of one's own, patterns, sure mistakes, and weights that change."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.lessons.how_it_learns import OWN
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from pages.widgets.learn import own_network
from tests.pages.visitor import button_labels, new_session, press
from tests.scheduled_runs import wait_until

pytestmark = pytest.mark.usefixtures("no_shared_runs")


@pytest.fixture
def learn(own_saver: None, app: AppTest) -> AppTest:
    """A new visitor on the Learn page."""
    return app.switch_page("pages/learn.py").run()


def answered(app: AppTest, step: str) -> AppTest:
    """Follow a link to a step, and answer its question right."""
    app.query_params["step"] = step
    app.run()
    return app.radio[0].set_value(0).run()


def after_runs(app: AppTest, step: str) -> AppTest:
    """Answer the question of a step, and wait until its runs have ended."""
    answered(app, step)
    if "Start" in button_labels(app):
        press(app, "Start")
    wait_until(lambda: bool(app.run().success))
    assert not app.exception
    return app


def own_runs(app: AppTest) -> list[Run]:
    runs: list[Run] = app.session_state["runs"] if "runs" in app.session_state else []  # noqa: SIM401 - AppTest has no get.
    return runs


def shown(app: AppTest) -> str:
    return " ".join(box.value for box in (*app.markdown, *app.caption))


def test_own_network_has_a_seed_of_its_own(learn: AppTest) -> None:
    after_runs(learn, "learn")
    [run] = own_runs(learn)
    assert f"Its seed is {run.config.seed}." in shown(learn)
    other = AppTest.from_file(learn._script_path, default_timeout=60).run().switch_page("pages/learn.py").run()
    after_runs(other, "learn")
    [second] = own_runs(other)
    assert second.config.seed != run.config.seed
    assert second.config.layers == run.config.layers == OWN.layers


def test_own_network_is_shared_by_the_steps(learn: AppTest) -> None:
    after_runs(learn, "learn")
    for step in ("mistakes", "sure"):
        answered(learn, step)
        assert "Start" not in button_labels(learn)
        assert learn.success
    assert len(own_runs(learn)) == 1


def test_own_network_is_on_the_train_page(learn: AppTest) -> None:
    after_runs(learn, "learn")
    learn.switch_page("pages/train.py").run()
    assert not learn.exception
    assert learn.session_state["current_run"] is own_runs(learn)[0]
    assert own_runs(learn)[0].title == own_network._TITLE


def test_run_of_the_train_page_stays_there(learn: AppTest) -> None:
    learn.switch_page("pages/train.py").run()
    press(learn, "Train")
    first = learn.session_state["current_run"]
    scheduler.shared().pause(first)
    learn.switch_page("pages/learn.py").run()
    after_runs(learn, "learn")
    assert learn.session_state["current_run"] is first
    scheduler.shared().stop(first)


def test_own_network_after_a_reload(learn: AppTest) -> None:
    after_runs(learn, "learn")
    run = own_runs(learn)[0]
    own_saver_is_done(learn)
    again = new_session(learn, "pages/learn.py", step="mistakes")
    again.radio[0].set_value(0).run()
    assert "Start" not in button_labels(again)
    right = int(run.snapshot.evaluation.confusion.trace()) if run.snapshot.evaluation else 0
    assert f"{right:,} of" in shown(again)


def own_saver_is_done(app: AppTest) -> None:
    from mnist_core.runs import saver

    assert saver.shared().wait_until_saved(60)
    # As on another server: nothing is in memory.
    saver._made.cache_clear()
    del app.session_state["runs"]


def test_sure_mistakes_are_counted(learn: AppTest) -> None:
    after_runs(learn, "sure")
    run = own_runs(learn)[0]
    result = run.snapshot.evaluation
    assert result is not None
    is_sure = result.probabilities.max(axis=1) >= 0.99
    wrong = int((is_sure & (result.probabilities.argmax(axis=1) != result.labels)).sum())
    assert f"**{int(is_sure.sum()):,}** answers with 99% or more. **{wrong:,}** of them" in shown(learn)
    assert len([chart for chart in learn.get("vega_lite_chart") if "Ten bars" in chart.proto.alt]) == 2


def test_patterns_of_the_network_without_a_hidden_layer(learn: AppTest) -> None:
    after_runs(learn, "no-hidden-layer")
    [images] = [image for image in learn.get("image") if len(image.proto.imgs) == 10]
    assert [image.caption for image in images.proto.imgs] == list("0123456789")


def test_best_of_ten_and_other_draws(learn: AppTest) -> None:
    after_runs(learn, "wears-out")
    first = shown(learn)
    table = next(text.value for text in learn.markdown if "| Network |" in text.value).splitlines()[2:]
    few = [float(line.split("|")[2].strip(" %")) for line in table]
    assert few == sorted(few, reverse=True)
    assert f"**{few[0]}%**" in first
    mean = re.findall(r"\*\*([\d.]+)%\*\* of its \d+ images on average, and \*\*([\d.]+)%\*\*", first)[0]
    assert float(mean[0]) > float(mean[1])
    press(learn, next(label for label in button_labels(learn) if label.startswith("Draw ")))
    assert shown(learn) != first
    assert re.findall(r"\*\*([\d.]+)%\*\* of its \d+ images on average, and \*\*([\d.]+)%\*\*", shown(learn))[0] == mean


def test_size_of_images_and_network(learn: AppTest) -> None:
    after_runs(learn, "stores")
    values = {metric.label: metric.value for metric in learn.metric}
    assert values["The network: 101,770 numbers"].endswith(" MB")
    times = float(values["Images larger by"].split()[0].replace(",", ""))
    assert times > 1


def test_answering_changes_no_weight_and_training_does(learn: AppTest) -> None:
    after_runs(learn, "drawing")

    def metrics() -> dict[str, str]:
        return {metric.label: metric.value for metric in learn.metric}

    press(learn, "Answer 50 images")
    assert metrics()["Images answered"] == "50"
    assert metrics()["Weights and biases that have changed"] == "0 of 7,850"
    press(learn, "Train one step on them")
    changed = int(metrics()["Weights and biases that have changed"].split()[0].replace(",", ""))
    assert 1_000 < changed < 7_850
    press(learn, "Start over")
    assert metrics()["Weights and biases that have changed"] == "0 of 7,850"


def test_one_step_by_hand(learn: AppTest) -> None:
    answered(learn, "one-step")

    def error() -> float:
        return float(next(metric.value for metric in learn.metric if metric.label == "Error"))

    before = error()
    learn.slider[0].set_value(0.4).run()
    moved = error()
    assert moved < before
    press(learn, "Let the network do it")
    assert error() < moved
    for _ in range(9):
        press(learn, "Let the network do it")
    assert error() < 0.01
    errors = next(text.value for text in learn.caption if text.value.startswith("Error after each step"))
    assert len(errors.split(",")) == 11
    press(learn, "Start over")
    assert error() == before


def test_weight_of_a_blank_pixel(learn: AppTest) -> None:
    answered(learn, "one-step")
    next(control for control in learn.button_group if "A blank pixel" in str(control.options)).set_value(
        "A blank pixel"
    ).run()
    assert "The error does not depend on this weight." in shown(learn)
    before = [metric.value for metric in learn.metric]
    learn.slider[0].set_value(1.0).run()
    assert [metric.value for metric in learn.metric] == before


def test_run_with_a_leak(learn: AppTest) -> None:
    after_runs(learn, "leak")
    table = next(text.value for text in learn.markdown if "| Validation |" in text.value).splitlines()[2:]
    clean, leaked = ([float(cell.strip(" %")) for cell in line.split("|")[2:4]] for line in table)
    # The test images were trained on, the validation images were not.
    assert leaked[0] - leaked[1] > clean[0] - clean[1]
    assert np.isfinite(clean).all()


def test_only_the_visitors_runs_are_in_their_list(learn: AppTest) -> None:
    after_runs(learn, "leak")
    assert own_runs(learn) == []
