"""Typed keys of the session state."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    """Count one more visit at each press of the button."""
    import streamlit as st

    from pages.widgets.state import keys

    visits: keys.Key[int] = keys.Key("visits", 0)
    st.text(f"{visits.get()} {visits.is_set()}")
    if st.button("Visit"):
        visits.set(visits.get() + 1)
    if st.button("Forget"):
        visits.forget()
    if st.button("Forget everything"):
        keys.forget_everything()


def text_after_press(app: AppTest, label: str) -> str:
    """Press a button; return the text of the page in the next rerun."""
    next(one for one in app.button if one.label == label).click().run()
    app.run()
    return str(app.text[0].value)


def test_key_has_its_default_until_a_value_is_set() -> None:
    app = AppTest.from_function(page).run()
    assert app.text[0].value == "0 False"
    assert "visits" not in app.session_state
    assert text_after_press(app, "Visit") == "1 True"
    assert text_after_press(app, "Visit") == "2 True"
    assert app.session_state["visits"] == 2


def test_forgotten_key_has_its_default_again() -> None:
    app = AppTest.from_function(page).run()
    text_after_press(app, "Visit")
    assert text_after_press(app, "Forget") == "0 False"
    text_after_press(app, "Visit")
    assert text_after_press(app, "Forget everything") == "0 False"


def page_of_a_workspace() -> None:
    """A page with one value of the workspace and one of the visitor."""
    import streamlit as st

    from pages.widgets.state import keys

    of_workspace, of_visitor = keys.Key("race-like", "", of_workspace=True), keys.Key("pen-like", 0)
    if st.button("Set"):
        st.text(of_workspace.get_or_set("first") + of_workspace.get_or_set("second"))
        of_visitor.set(3)
    if st.button("Enter another workspace"):
        keys.forget_workspace()


def test_set_value_wins_over_offered_value() -> None:
    app = AppTest.from_function(page_of_a_workspace).run()
    app.button[0].click().run()
    assert app.text[0].value == "firstfirst"


def test_new_workspace_starts_without_old_values() -> None:
    app = AppTest.from_function(page_of_a_workspace).run()
    app.button[0].click().run()
    app.button[1].click().run()
    assert "race-like" not in app.session_state
    assert app.session_state["pen-like"] == 3
