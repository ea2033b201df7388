"""The editor's controls come from the table of settings."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import FILTERS, LAYER_SETTINGS, SETTINGS, Setting

LAYER_CONTROLS = {"kind": "kind-0", "units": "units-dense-0", "activation": "activation-0", "dropout": "dropout-0"}
KEYS = {name: name.replace("_", "-") for name in SETTINGS if name != "layers"} | LAYER_CONTROLS
# A row of a layer has room for a word.
BRIEF = {"kind": ["Dense", "Conv + pool", "Conv"]}


@pytest.mark.parametrize("name", KEYS)
def test_control_matches_the_table_of_settings(app: AppTest, name: str) -> None:
    setting = {**SETTINGS, **LAYER_SETTINGS}[name]
    controls = {control.key: control for control in (*app.slider, *app.selectbox, *app.number_input)}
    control = controls[f"{KEYS[name]}-0"]
    assert control.label == setting.label
    # The narrow box of the units has no sign of its own.
    explained = controls["kind-0-0"] if name == "units" else control
    assert setting.help in explained.help
    if setting.choices is not None:
        assert control.options == BRIEF.get(name, list(setting.choices.values()))


def test_filters_replace_units(app: AppTest) -> None:
    app.selectbox(key="kind-0-0").select("conv").run()
    box = app.number_input(key="units-conv-0-0")
    assert (box.label, box.value, box.max) == (FILTERS.label, FILTERS.default, 128)
    assert app.session_state["draft"].layers[0].units == FILTERS.default


@pytest.mark.parametrize("name", ["training_images", "seed"])
def test_fraction_is_rounded_in_every_integer_box(app: AppTest, name: str) -> None:
    setting: Setting = SETTINGS[name]
    app.number_input(key=f"{KEYS[name]}-0").set_value(1234.4).run()
    assert getattr(app.session_state["draft"], name) == 1234
    assert app.toast[0].value == f"{setting.label}: whole numbers only. 1234.4 became 1234."


def test_early_stopping_needs_a_validation_share(app: AppTest) -> None:
    assert app.number_input(key="early-stopping-0").disabled
    app.slider(key="validation-fraction-0").set_value(0.25).run()
    app.number_input(key="early-stopping-0").set_value(3).run()
    assert app.session_state["draft"].early_stopping == 3
    app.slider(key="validation-fraction-0").set_value(0.0).run()
    assert app.session_state["draft"].early_stopping == 0
    assert app.number_input(key="early-stopping-0").disabled
    assert not app.exception
