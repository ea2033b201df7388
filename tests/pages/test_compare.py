"""The Compare page without a browser: the table of runs, its actions, and the charts of several runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core import network
from mnist_core.charts import style
from mnist_core.config import LayerConfig
from mnist_core.runs import saver, scheduler
from mnist_core.runs.network_run import Run
from mnist_core.store import quotas
from mnist_core.training import Status
from mnist_core.training.moments import Moments
from pages.widgets.state import visitor_runs
from tests.pages.conftest import ROOT
from tests.pages.own_runs import (
    MINUTES,
    SOFTMAX,
    WIDE,
    choose_runs,
    digits,
    new_session,
    page_text,
    runs_table,
    select_view,
    stored_by_id,
    train_runs,
)
from tests.pages.visitor import press, train_briefly
from tests.scheduled_runs import wait_for_status, wait_until

pytestmark = pytest.mark.usefixtures("own_saver")


def test_no_runs_shows_two_links_instead_of_a_table(compare: AppTest) -> None:
    assert "have not trained" in page_text(compare)
    assert not compare.dataframe
    press(compare, "Race several")
    assert not compare.exception
    assert compare.multiselect(key="race-choice").value == ["preset-morgan-0", "preset-morgan-1"]


def test_table_has_figures_and_differing_settings(compare: AppTest) -> None:
    first, second = train_runs(compare, SOFTMAX, WIDE)
    shown = runs_table(compare)
    assert list(shown.columns) == [
        "Run",
        "Test accuracy",
        "Test loss",
        "Parameters",
        "Seconds",
        "State",
        "Hidden layers",
        "Epochs",
    ]
    newest, oldest = shown.to_dict("records")
    assert (newest["Hidden layers"], oldest["Hidden layers"]) == ("16 ReLU", "no hidden layer")
    assert newest["Parameters"] == network.parameter_count(WIDE) == (784 + 1) * 16 + (16 + 1) * 10
    for row, run in ((newest, second), (oldest, first)):
        evaluation = run.snapshot.evaluation
        assert evaluation is not None
        assert row["Test accuracy"] == pytest.approx(100 * evaluation.accuracy)
        assert row["Test loss"] == evaluation.loss
        assert row["Epochs"] == run.config.epochs  # A number, so that the column sorts numerically.
    assert newest["Run"] == "2 · 784 → 16 ReLU → 10"
    assert newest["State"] == "finished, 2 epochs"


def test_best_validation_accuracy_comes_first(compare: AppTest) -> None:
    held_out = dataclasses.replace(WIDE, validation_fraction=0.2)
    worst = dataclasses.replace(held_out, learning_rate=1e-6)
    none, good, bad = train_runs(compare, SOFTMAX, held_out, worst)
    shown = runs_table(compare)
    assert list(shown.columns)[:3] == ["Run", "Validation accuracy", "Test accuracy"]
    best = good.snapshot.epochs[-1].validation_accuracy
    least = bad.snapshot.epochs[-1].validation_accuracy
    assert best is not None
    assert least is not None
    assert best > least
    assert [int(name.split()[0]) for name in shown["Run"]] == [good.number, bad.number, none.number]
    assert list(shown["Validation accuracy"])[:2] == pytest.approx([100 * best, 100 * least])
    assert "Best validation accuracy first" in page_text(compare)


def test_edit_in_train_shows_no_other_run(compare: AppTest) -> None:
    first, _ = train_runs(compare, SOFTMAX, WIDE)
    again = new_session(compare)
    choose_runs(again, first)
    press(again, "Edit in Train")
    assert again.title[0].value == "Build a network, watch it learn"
    assert again.session_state["draft"] == SOFTMAX
    assert again.session_state["current_run"] is None


def test_name_notes_and_pin_are_saved_and_shown(compare: AppTest) -> None:
    (run,) = train_runs(compare, SOFTMAX)
    choose_runs(compare, run)
    compare.text_input(key=f"name-{run.id}").set_value("  My  first ").run()
    compare.text_area(key=f"notes-{run.id}").set_value("Quite bad at 8").run()
    compare.toggle(key=f"pin-{run.id}").set_value(True).run()
    assert not compare.exception
    summary = stored_by_id(compare)[run.id]
    assert (summary.title, summary.notes, summary.is_pinned) == ("My first", "Quite bad at 8", True)
    assert runs_table(compare)["Run"].tolist() == ["★ 1 · My first"]


def rename(app: AppTest, run: Run, title: str) -> None:
    choose_runs(app, run)
    app.text_input(key=f"name-{run.id}").set_value(title).run()
    assert not app.exception


def test_run_card_names_data_set_without_server_path(compare: AppTest) -> None:
    from_files = dataclasses.replace(digits(), provenance="files in /srv/mnist")
    run = scheduler.shared().submit(SOFTMAX, from_files)
    run.number = 1
    saver.shared().save(compare.session_state["workspace"], run)
    wait_for_status(run, Status.FINISHED)
    assert saver.shared().wait_until_saved(MINUTES)
    compare.session_state["is-workspace-used"] = True
    choose_runs(compare.run(), run)
    (origin,) = [caption.value for caption in compare.caption if "Started on" in caption.value]
    assert "Embedded digits" in origin
    assert not any("/srv" in one.value for one in (*compare.caption, *compare.markdown))


def test_renamed_loaded_run_on_other_pages(compare: AppTest) -> None:
    (run,) = train_runs(compare, SOFTMAX)
    saver._made.cache_clear()  # As on another server, which has no runs in memory.
    again = new_session(compare)
    again.switch_page("pages/evaluate.py").run()
    rename(again.switch_page("pages/compare.py").run(), run, "My first")
    again.switch_page("pages/evaluate.py").run()
    assert [name.split(" · ")[0] for name in again.selectbox(key="run-choice").options] == ["My first"]
    assert [one.title for one in again.session_state["runs"]] == ["My first"]


def test_name_of_a_cached_run_is_per_visitor(compare: AppTest) -> None:
    run = scheduler.shared().submit(SOFTMAX, digits())
    wait_for_status(run, Status.FINISHED)
    stranger = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for app in (compare, stranger):
        for _ in range(2):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(st, "session_state", app.session_state)
                visitor_runs.adopt_run(run)
        assert len(app.session_state["runs"]) == 1
    assert saver.shared().wait_until_saved(MINUTES)
    compare.run()
    rename(compare, run, "Mine")
    assert runs_table(compare)["Run"].tolist() == ["Mine"]
    assert run.title == ""
    stranger.switch_page("pages/evaluate.py").run()
    assert [name.split(" · ")[0] for name in stranger.selectbox(key="run-choice").options] == ["784 → 10"]


def test_failed_save_of_a_change_is_reported(compare: AppTest) -> None:
    (run,) = train_runs(compare, SOFTMAX)
    choose_runs(compare, run)
    saver.shared().store.delete(compare.session_state["workspace"], run.id)
    compare.toggle(key=f"pin-{run.id}").set_value(True).run()
    assert not compare.exception
    assert "no such run" in page_text(compare)


def test_search_in_names_notes_and_settings(compare: AppTest) -> None:
    adam = dataclasses.replace(SOFTMAX, optimizer="adam", learning_rate=0.001)
    runs = train_runs(compare, SOFTMAX, adam, WIDE, dataclasses.replace(WIDE, seed=3))
    store, workspace = saver.shared().store, compare.session_state["workspace"]
    store.note(workspace, runs[0].id, "for the Open Day")
    store.rename(workspace, runs[3].id, "Lucky")
    store.pin(workspace, runs[1].id)

    def found(text: str) -> list[str]:
        compare.text_input(key="run-search").set_value(text).run()
        assert not compare.exception
        return [
            name.split(" ")[-1] if name else "" for name in (runs_table(compare)["Run"] if compare.dataframe else [])
        ]

    choose_runs(compare, runs[0], runs[1])
    assert len(found("optimizer adam")) == 1
    assert compare.multiselect(key="run-choice-names").value == [runs[1].id]
    assert len(found("open day")) == 1
    assert found("lucky") == ["Lucky"]
    assert found("nothing like it") == []
    assert "No matching runs" in page_text(compare)
    assert len(found("")) == 4
    # The earlier choice is kept.
    assert compare.multiselect(key="run-choice-names").value == [runs[0].id, runs[1].id]
    compare.toggle(key="run-pinned").set_value(True).run()
    assert len(runs_table(compare)) == 1


def test_search_for_convolutions(compare: AppTest) -> None:
    conv = dataclasses.replace(SOFTMAX, layers=(LayerConfig("conv", 1),))
    train_runs(compare, SOFTMAX, conv, WIDE, dataclasses.replace(WIDE, seed=3))
    compare.text_input(key="run-search").set_value("conv").run()
    assert [name.split(" ")[0] for name in runs_table(compare)["Run"]] == ["2"]


def test_costs_only_of_runs_with_the_same_test_images(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE, dataclasses.replace(SOFTMAX, split="kite"))
    choose_runs(compare, runs[1])
    select_view(compare, "overlay", "Costs")
    assert "1 is left out here" in page_text(compare)
    chart = compare.get("vega_lite_chart")[0]
    names = pa.ipc.open_stream(chart.proto.data.data).read_all()["name"].to_pylist()
    assert sorted(name[0] for name in names) == ["1", "2"]


def test_undo_restores_deleted_runs_after_another_page(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE, dataclasses.replace(SOFTMAX, seed=2))
    before = stored_by_id(compare)
    choose_runs(compare, *runs[:2])
    press(compare, "Delete these 2")
    assert list(stored_by_id(compare)) == [runs[2].id]
    assert len(runs_table(compare)) == 1
    assert "Deleted 2 runs." in page_text(compare)
    press(compare, "Undo")
    assert {one.id: one.test_accuracy for one in stored_by_id(compare).values()} == {
        one.id: one.test_accuracy for one in before.values()
    }
    assert compare.multiselect(key="run-choice-names").value == [runs[0].id, runs[1].id]
    assert "Deleted" not in page_text(compare)
    press(compare, "Delete these 2")
    compare.switch_page("pages/train.py").run()
    compare.switch_page("pages/compare.py").run()
    press(compare, "Undo")
    assert set(stored_by_id(compare)) == set(before)


def test_pinned_run_is_not_deleted(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE)
    choose_runs(compare, runs[0])
    compare.toggle(key=f"pin-{runs[0].id}").set_value(True).run()
    for chosen, label in ((runs[:1], "Delete"), (runs, "Delete these 2")):
        choose_runs(compare, *chosen)
        assert next(button for button in compare.button if button.label == label).disabled


def test_name_is_not_rendered_as_markdown(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE)
    choose_runs(compare, runs[0])
    compare.text_input(key=f"name-{runs[0].id}").set_value("**bold** [l](http://x) :red[x] $a$").run()
    choose_runs(compare, *runs)
    assert r"\*\*bold\*\* \[l\](http\://x) \:red\[x\] \$a\$" in page_text(compare)


def test_deleted_run_disappears_from_other_pages(app: AppTest) -> None:
    run = train_briefly(app)
    assert saver.shared().wait_until_saved(MINUTES)
    compare = app.switch_page("pages/compare.py").run()
    choose_runs(compare, run)
    press(compare, "Delete")
    evaluate = compare.switch_page("pages/evaluate.py").run()
    assert not evaluate.exception
    assert "have not trained a network" in page_text(evaluate)


def test_deleted_run_in_another_tab_is_gone_after_reload(app: AppTest) -> None:
    run = train_briefly(app)
    assert saver.shared().wait_until_saved(MINUTES)
    second = new_session(app)
    choose_runs(second, run)
    press(second, "Delete")
    evaluate = new_session(app).switch_page("pages/evaluate.py").run()
    assert "have not trained a network" in page_text(evaluate)
    press(second, "Undo")
    evaluate = new_session(app).switch_page("pages/evaluate.py").run()
    assert evaluate.selectbox(key="run-choice").value == run.id


def test_active_run_cannot_be_deleted(compare: AppTest) -> None:
    (run,) = train_runs(compare, dataclasses.replace(WIDE, epochs=100), is_awaited=False)
    wait_until(lambda: len(run.snapshot.epochs) > 0)
    choose_runs(compare, run)
    assert "Delete" not in [button.label for button in compare.button]
    press(compare, "Stop")
    wait_for_status(run, Status.STOPPED)
    compare.run()
    assert runs_table(compare)["State"][0].startswith("stopped, ")
    press(compare, "Delete")
    assert not stored_by_id(compare)


def test_chosen_run_opens_in_evaluate_and_editor(compare: AppTest) -> None:
    first, _ = train_runs(compare, SOFTMAX, WIDE)
    choose_runs(compare, first)
    press(compare, "Evaluate")
    assert not compare.exception
    assert compare.title[0].value == "Evaluate: where is it wrong?"
    assert compare.selectbox(key="run-choice").value == first.id
    compare.switch_page("pages/compare.py").run()
    assert compare.multiselect(key="run-choice-names").value == [first.id]
    press(compare, "Edit in Train")
    assert not compare.exception
    assert compare.session_state["draft"] == SOFTMAX


def test_loaded_runs_are_compared_image_by_image(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE)
    a, b = (run.snapshot.evaluation for run in runs)
    assert a is not None
    assert b is not None
    saver._made.cache_clear()  # As on another server, which has no runs in memory.
    again = new_session(compare)
    choose_runs(again, *runs)
    select_view(again, "overlay", "Which images differ")
    right_a, right_b = a.predicted == a.labels, b.predicted == b.labels
    counts = [int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())]
    assert f"Only A right: **{counts[0]:,}**. Only B right: **{counts[1]:,}**." in page_text(again)
    shown = again.get("image")
    assert sum(len(one.proto.imgs) for one in shown) == min(24, counts[0])
    select_view(again, "overlay", "A minus B")
    (chart,) = again.get("plotly_chart")
    assert chart is not None
    again.selectbox(key="pair-B").select(runs[0].id).run()
    assert "two different runs" in page_text(again)


def test_new_choice_of_runs_selects_two_to_subtract(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE, dataclasses.replace(SOFTMAX, seed=2))
    choose_runs(compare, runs[0], runs[1])
    select_view(compare, "overlay", "A minus B")
    choose_runs(compare, runs[0], runs[2])
    assert [compare.selectbox(key=f"pair-{letter}").value for letter in "AB"] == [runs[0].id, runs[2].id]
    choose_runs(compare, runs[1], runs[2])
    assert [compare.selectbox(key=f"pair-{letter}").value for letter in "AB"] == [runs[1].id, runs[2].id]


def test_other_test_images_cannot_be_subtracted(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, dataclasses.replace(SOFTMAX, split="kite"))
    choose_runs(compare, *runs)
    select_view(compare, "overlay", "A minus B")
    assert "tested on different images" in page_text(compare)
    select_view(compare, "overlay", "Costs")
    assert "not all tested on the same images" in page_text(compare)


def scales(spec: Any) -> Iterator[Any]:
    """Yield the colour scales in a Vega-Lite specification, at any depth."""
    if isinstance(spec, dict):
        if "range" in spec and "domain" in spec:
            yield spec
        for part in spec.values():
            yield from scales(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from scales(part)


def test_each_run_has_one_colour_in_costs_and_curves(compare: AppTest) -> None:
    runs = train_runs(compare, SOFTMAX, WIDE, dataclasses.replace(SOFTMAX, seed=2))
    choose_runs(compare, runs[2], runs[0])
    names = ["3 · 784 → 10", "1 · 784 → 10"]
    for name in ("Curves", "Costs"):
        select_view(compare, "overlay", name)
        charts = compare.get("vega_lite_chart")
        assert len(charts) == 2
        for chart in charts:
            found = [one for one in scales(json.loads(chart.proto.spec)) if style.INK in one["range"]]
            assert found == [{"domain": names, "range": [style.INK, style.ERROR]}]


def test_deleted_and_unsaved_runs_are_reported_once(compare: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moments, "keep", lambda *_: None)  # They would be deleted instead.
    train_runs(compare, SOFTMAX, WIDE)
    store = saver.shared().store
    store.quotas._max_total_bytes = sum(run.size for run in stored_by_id(compare).values())
    stranger = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    train_runs(stranger, SOFTMAX)
    again = new_session(compare)
    assert "1 of your runs was deleted, because the server's storage was full" in page_text(again)
    assert len(stored_by_id(compare)) == 1
    again.run()
    assert "1 of your runs was deleted" in page_text(again)  # It stays while the tab is open.
    assert "deleted, because" not in page_text(new_session(compare))

    store.quotas._max_total_bytes = 0
    store.pin(compare.session_state["workspace"], next(iter(stored_by_id(compare))))
    run = scheduler.shared().submit(WIDE, digits())
    saver.shared().save(again.session_state["workspace"], run)
    again.session_state["runs"] = [run]
    wait_for_status(run, Status.FINISHED)
    wait_until(lambda: bool(saver.shared().trouble(again.session_state["workspace"], run.id)))
    again.run()
    assert "This run is not being saved. The server has no space for more runs." in page_text(again)
    store.quotas._max_total_bytes = quotas.MAX_TOTAL_BYTES
