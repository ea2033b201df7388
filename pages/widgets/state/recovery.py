"""The recovery code: the visitor's runs on another device, and a way out of a shared one."""

from __future__ import annotations

import streamlit as st

from mnist_core.errors import PlaygroundError
from mnist_core.store import workspaces
from pages.widgets.state import browser, workspace


def recovery_panel() -> None:
    """The recovery code, a place to enter one, and the way out of a shared device, folded away."""
    folded = st.expander("Your runs on another device", icon=":material/devices:", on_change="rerun", key="recovery")
    if not folded.open:
        return
    with folded:
        st.markdown(
            "This browser finds your runs again. With your recovery code you find them on another device, "
            "or after the browser's cookies were deleted. Whoever has the code has your runs, so keep it to yourself."
        )
        if browser.is_forgetful():
            st.warning(
                "This browser does not remember you here: after a reload you need the code.", icon=":material/warning:"
            )
        is_used = workspace.is_used()
        if is_used:
            _offer_code("recovery-code-shown")
        with st.form("recovery-form", border=False):
            code = st.text_input("A recovery code", key="recovery-code", placeholder="Of another device")
            if st.form_submit_button("Bring its runs here", icon=":material/login:"):
                try:
                    found = workspaces.from_recovery_code(code)
                except PlaygroundError as error:
                    st.error(str(error), icon=":material/error:")
                else:
                    if found != workspace.token():
                        workspace.enter(found)
                    st.rerun()
        if is_used:
            st.caption("The networks that you have here now stay kept: write down their code first, to return.")
            _offer_leaving()


def _offer_code(key: str) -> None:
    """The recovery code after a click, since the page may be on a projector."""
    if st.toggle("Show code", key=key):
        st.code(workspaces.recovery_code(workspace.token()), language=None)


def _offer_leaving() -> None:
    """For the next person on a shared device: a new workspace, after a question."""
    with st.popover("This is not me", icon=":material/person_off:"):
        st.markdown(
            "Did somebody else use this device before you? You can start with a new, empty list. The runs that are "
            "here now can then be opened only with their recovery code. All open tabs of the playground reload."
        )
        _offer_code("recovery-code-before-leaving")
        st.button("Start with an empty list", type="primary", on_click=browser.leave_workspace)
