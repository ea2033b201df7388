"""A data set of one's own drawings: named, drawn, used, kept across a reload, deleted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.drawing import strokes
from mnist_core.runs import saver
from mnist_core.training import Status
from pages.widgets.state import data_sets, own_work
from tests.pages.visitor import draw, new_session, press, wait_for_end
from tests.scheduled_runs import wait_until

MINUTES = 300.0
_number = itertools.count()


def stick(place: float) -> np.ndarray:
    return strokes.render((np.array([[0.5, 0.15], [place, 0.85]]),), 18)


def cross(place: float) -> np.ndarray:
    return strokes.render((np.array([[0.2, 0.2], [0.8, place]]), np.array([[0.8, 0.2], [0.2, place]])), 18)


@pytest.fixture
def page(app: AppTest, own_saver: None) -> AppTest:
    """The Data page with the place to draw open."""
    assert data_sets.loading_data_set("embedded").done.wait(MINUTES)
    app.switch_page("pages/data.py")
    app.session_state["own-drawn"] = True
    return app.run()


def name_classes(page: AppTest, names: str) -> AppTest:
    return page.text_input(key="own-names").set_value(names).run()


def texts(page: AppTest) -> str:
    return "\n".join(element.value for kind in (page.markdown, page.caption) for element in kind)


def add(page: AppTest, rgba: np.ndarray, label: int) -> None:
    # Each drawing has other lines: the page ignores one that it has just cleared.
    draw(page, rgba, [{"path": [["M", next(_number), 0], ["L", 9, 9]]}])
    page.button(key=f"own-class-{label}").click().run()
    assert not page.exception


def collect(page: AppTest, of_each: int) -> None:
    for number in range(of_each):
        add(page, stick(0.4 + 0.02 * number), 0)
        add(page, cross(0.7 + 0.02 * number), 1)


def examples(page: AppTest) -> list[tuple[int, tuple[str, ...]]]:
    own = page.session_state["own-work-noted"].drawings.value
    return [(one.label, one.class_names[:3]) for one in own.examples]


def test_draw_use_train_and_read(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    collect(page, 5)
    press(page, "Use these drawings")
    assert not page.exception
    assert page.selectbox(key="data-set-choice").value == "own"
    assert "6,000 training images and 2 test images" in texts(page)
    press(page, "Train on it")
    assert (page.session_state["draft"].dataset, page.session_state["draft"].split) == ("own", "official")
    page.switch_page("pages/train.py").run()
    press(page, "Train")
    run = wait_for_end(page)
    assert run.snapshot.status is Status.FINISHED
    assert run.snapshot.evaluation is not None
    assert run.snapshot.evaluation.accuracy == 1.0
    page.switch_page("pages/evaluate.py").run()
    assert not page.exception
    page.switch_page("pages/draw.py").run()
    assert "Draw one of these: stick, cross" in texts(page)
    draw(page, cross(0.75))
    assert not page.exception
    assert any("**It reads cross**" in box.value for box in [*page.info, *page.warning])
    (labels,) = page.button_group
    assert list(labels.options) == ["stick", "cross"]


def test_drawings_and_data_survive_a_reload(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    collect(page, 2)
    press(page, "Use these drawings")
    dataset = page.session_state["own-work-noted"].dataset
    assert saver.shared().wait_until_saved(MINUTES)
    own_work._all.clear()  # Another server, or this one after a restart.
    again = new_session(page, "pages/data.py")
    again.session_state["own-drawn"] = True
    again.run()
    assert examples(again) == examples(page)
    assert again.text_input(key="own-names").value == "stick, cross"
    again.selectbox(key="data-set-choice").set_value("own").run()
    assert not again.exception
    found = again.session_state["own-work-noted"].dataset
    assert found is not dataset
    assert found.fingerprint == dataset.fingerprint
    assert found.class_names == dataset.class_names
    np.testing.assert_array_equal(found.train_groups, dataset.train_groups)


def test_saved_run_on_own_data_is_evaluated_after_a_reload(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    collect(page, 2)
    press(page, "Use these drawings")
    press(page, "Train on it")
    page.switch_page("pages/train.py").run()
    press(page, "Train")
    wait_for_end(page)
    assert saver.shared().wait_until_saved(MINUTES)
    own_work._all.clear()
    again = new_session(page, "pages/evaluate.py")
    assert not again.exception
    assert not again.error
    assert "100.00%" in [metric.value for metric in again.metric]


def test_deleted_data_is_gone_everywhere(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    collect(page, 2)
    press(page, "Use these drawings")
    press(page, "Train on it")
    page.switch_page("pages/data.py").run()
    press(page, "Delete")
    assert not page.exception
    assert page.session_state["draft"].dataset == "embedded"
    assert saver.shared().wait_until_saved(MINUTES)
    assert saver.shared().store.files.names(page.session_state["workspace"]) == {"drawings"}
    assert len(examples(page)) == 4


@pytest.mark.parametrize("names", ["one", "a, a", "a, *b*", ", ".join("abcdefghijk")])
def test_refused_names_stay_in_the_box(page: AppTest, names: str) -> None:
    name_classes(page, names)
    assert not page.exception
    assert len(page.error) == 1
    assert page.text_input(key="own-names").value == names
    name_classes(page, "a, b")
    assert not page.error


def test_renamed_and_added_classes_keep_the_drawings(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    collect(page, 1)
    name_classes(page, "pole, cross, ring")
    assert examples(page) == [(0, ("pole", "cross", "ring")), (1, ("pole", "cross", "ring"))]


def test_class_with_drawings_is_not_removed(page: AppTest) -> None:
    name_classes(page, "stick, cross, ring")
    add(page, stick(0.5), 2)
    name_classes(page, "stick, cross")
    assert "A class without a name still has drawings" in page.error[0].value
    assert examples(page) == [(2, ("stick", "cross", "ring"))]
    page.button(key="own-delete-2").click().run()
    assert not page.error
    assert page.session_state["own-work-noted"].drawings.value.class_names[:3] == ("stick", "cross", "unused 2")


def test_button_waits_for_two_drawings_of_each(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    add(page, stick(0.5), 0)
    add(page, cross(0.7), 1)
    add(page, stick(0.6), 0)
    assert page.button(key="own-use").disabled
    add(page, cross(0.8), 1)
    assert not page.button(key="own-use").disabled


def test_sheet_is_empty_after_a_drawing_was_added(page: AppTest) -> None:
    name_classes(page, "stick, cross")
    add(page, stick(0.5), 0)
    assert page.button(key="own-class-0").disabled
    page.switch_page("pages/draw.py").run()
    assert any("Draw in the white square" in box.value for box in page.info)


def test_menu_offers_to_draw_a_data_set(page: AppTest) -> None:
    page.session_state["own-drawn"] = False
    page.run()
    page.selectbox(key="data-set-choice").set_value("own").run()
    assert not page.exception
    assert page.session_state["own-drawn"] is True
    assert page.text_input(key="own-names").value == ""
    press_is_possible = [button.label for button in page.button]
    assert "Train on it" not in press_is_possible


def test_quota_message_when_the_data_cannot_be_saved(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.runs.saver.MAX_FILE_BYTES", 1_000)
    monkeypatch.setattr("mnist_core.store.files.MAX_FILE_BYTES", 1_000)
    name_classes(page, "stick, cross")
    collect(page, 2)
    press(page, "Use these drawings")
    wait_until(lambda: bool(saver.shared().file_trouble(page.session_state["workspace"], "data")))
    page.run()
    assert any("Your data set is not being saved. This is too large" in box.value for box in page.warning)
    assert page.session_state["own-work-noted"].dataset is not None
