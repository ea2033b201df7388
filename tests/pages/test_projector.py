"""The projector view of Train, Evaluate and Race."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from benchmarks.frames import unpacked
from tests.pages.visitor import button_labels, panel_scene, press, train_briefly, wait_for_end


def test_train_page_shows_the_run_without_the_editor(app: AppTest) -> None:
    assert not unpacked(panel_scene(app))["isLarge"]
    press(app, "Projector")
    assert app.query_params["view"] == "projector"
    assert not app.exception
    assert unpacked(panel_scene(app))["isLarge"]
    assert not app.selectbox
    assert not app.number_input
    assert button_labels(app) == ["Train", "Step"]
    press(app, "Train")
    wait_for_end(app)
    assert next(one.value for one in app.metric if one.label == "Test accuracy").endswith("%")


def test_editor_comes_back_as_it_was(app: AppTest) -> None:
    app.selectbox(key="preset").select("torres").run()
    press(app, "Projector")
    assert app.markdown[0].value == "**Torres\\: ten sigmoid units**"
    press(app, "Leave projector view")
    assert "view" not in app.query_params
    assert app.selectbox(key="preset").value == "torres"


def test_link_to_a_network_on_the_projector(app: AppTest) -> None:
    app.query_params["layers"] = "dense-32-relu"
    app.query_params["view"] = "projector"
    app.run()
    assert not app.exception
    assert app.markdown[0].value == "**784 → 32 ReLU → 10**"


def test_evaluate_shows_the_matrix_without_details(app: AppTest) -> None:
    train_briefly(app)
    app.switch_page("pages/evaluate.py").run()
    assert app.tabs
    press(app, "Projector")
    assert not app.tabs
    assert len(app.get("plotly_chart")) == 1
    press(app, "Leave projector view")
    assert app.tabs


def test_race_has_a_projector_view(app: AppTest) -> None:
    app.switch_page("pages/compare.py").run()
    assert "projector" not in [button.key for button in app.button]
    app.session_state["compare-view"] = "Race"
    app.run()
    press(app, "Projector")
    assert app.button(key="projector").label == "Leave projector view"
    assert "Race" in button_labels(app)
