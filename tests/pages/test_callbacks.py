"""A browser that asks for its page again while a press is being carried out, or just before, or in a new session."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit import config
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from pages.widgets.server import callbacks
from tests.pages.visitor import ask_again

ASK, CHECK, TAKE, REGISTER = callbacks._ask, callbacks._check, callbacks._take, callbacks._register


def _page() -> None:
    import streamlit as st

    from tests.pages.visitor import ask_again

    def press() -> None:
        if st.session_state["is-early"]:
            ask_again()
        st.session_state["count"] += 1
        st.toast("Counted.")  # Sends something, which is another place where a script can end.
        st.session_state["count"] += 1

    st.button("Press", on_click=press)
    if st.session_state["is-late"]:
        st.session_state["is-late"] = False
        ask_again()
    st.caption("Sends something.")
    if st.button("Press this"):
        st.session_state["count"] += 1
        st.toast("Counted.")
        st.session_state["count"] += 1
        st.rerun()
        st.session_state["count"] += 1  # type: ignore[unreachable]
    st.text(f"{st.session_state['count']}")


def _ask_and_take(self: SafeSessionState, widget_states: Any, **kwargs: Any) -> None:
    if any(one.trigger_value for one in widget_states.widgets):
        ask_again()
    TAKE(self, widget_states, **kwargs)


def count_presses(when: str, monkeypatch: pytest.MonkeyPatch, is_mended: bool) -> str:
    """Press once; returns the count on the page, which is 2 if the press was carried out."""
    take = _ask_and_take if when == "before the callback" else TAKE
    monkeypatch.setattr(callbacks, "_take", take)
    monkeypatch.setattr(ScriptRequests, "request_rerun", ASK)
    monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", CHECK)
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", take)
    monkeypatch.setattr(SafeSessionState, "register_widget", REGISTER)
    if is_mended:
        callbacks.finish()
    page = AppTest.from_function(_page)
    page.session_state["is-early"] = when == "in the callback"
    page.session_state["is-late"] = False
    page.session_state["count"] = 0
    page.run()
    page.session_state["is-late"] = when == "before the button"
    page.button[1 if when == "before the button" else 0].click()
    if when == "in a new session":
        pressed, page = page._tree.get_widget_states(), AppTest.from_function(_page)
        for name in ("is-early", "is-late"):
            page.session_state[name] = False
        page.session_state["count"] = 0
        page._run(pressed)
    else:
        page.run()
    return page.text[0].value


WHEN = pytest.mark.parametrize(
    "when", ["before the callback", "in the callback", "before the button", "in a new session"]
)


@WHEN
def test_press_is_carried_out(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_presses(when, monkeypatch, is_mended=True) == "2"


@WHEN
def test_streamlit_still_loses_it_without(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails, a newer Streamlit carries out every press and `callbacks` can go."""
    assert count_presses(when, monkeypatch, is_mended=False) == "0"


def test_new_script_does_not_replace_one_that_has_not_begun() -> None:
    assert config.get_option("runner.fastReruns") is False
