"""Values of controls, looked up one by one, are those that Streamlit's own copy of all values has."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from pages.widgets.server import control_values

WHOLE = SafeSessionState.filtered_state


def page() -> None:
    import streamlit as st

    st.session_state.setdefault("remembered", None)
    st.session_state["of the address"] = "mnist"
    st.selectbox("Network", ["Torres", "Kite"], key="network", index=None)
    st.number_input("Epochs", 1, 9, 5, key="epochs")
    st.radio("Step by", ["batch", "epoch"], key="step")
    st.text_input("Name")  # Without a key.
    if st.checkbox("Seed", value=True):
        st.slider("Number", 0, 9, key="seed")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page)


def seen_in(app: AppTest) -> tuple[control_values.Values, dict[str, Any]]:
    """What a script of the tab sees of its values, one by one and as Streamlit's own copy."""
    state: SafeSessionState = app.session_state._state
    return control_values.Values(state), WHOLE.__get__(state)


@pytest.mark.parametrize("is_gone", [False, True])
def test_values_are_those_of_streamlits_copy(app: AppTest, is_gone: bool) -> None:
    app.run()
    app.selectbox(key="network").select("Kite").run()
    if is_gone:
        app.checkbox[0].uncheck().run()
    values, whole = seen_in(app)
    assert dict(values) == whole
    assert len(values) == len(whole)
    assert {key: values[key] for key in whole} == whole
    assert whole["network"] == "Kite"
    assert whole["remembered"] is None
    assert ("seed" in values) is ("seed" in whole) is not is_gone


def test_other_keys_are_not_there(app: AppTest) -> None:
    app.run()
    values, whole = seen_in(app)
    state = values._state._state
    hidden = ["unknown", *(key for key in state._keys() if key not in whole)]  # Such as the ids of controls.
    assert len(hidden) > len(whole) / 2
    for key in hidden:
        assert key not in values
        assert values.get(key, "nothing") == "nothing"


def test_each_control_reads_only_its_own_value(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    read = SessionState.__getitem__

    def counted(self: SessionState, key: str) -> Any:
        reads[key] += 1
        return read(self, key)

    monkeypatch.setattr(SessionState, "__getitem__", counted)
    AppTest.from_function(page).run()
    assert reads["of the address"] == 5  # For the menu, the number, the choices, the text and the slider.
    reads.clear()
    monkeypatch.setattr(SafeSessionState, "filtered_state", WHOLE)  # Undone at the end of the test.
    control_values.look_up()
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert reads["of the address"] == 0
    assert reads["network"] >= 1
