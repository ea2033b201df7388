"""The recovery code: open your runs on another device, or leave a shared one."""

from __future__ import annotations

import streamlit as st

from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from mnist_core.store import workspaces
from pages.widgets.state import browser, workspace


def recovery_panel() -> None:
    """An expander with the recovery code, a form to enter one, and a way to leave a shared device."""
    folded = st.expander(_("Your runs on another device"), icon=":material/devices:", on_change="rerun", key="recovery")
    if not folded.open:
        return
    with folded:
        st.markdown(
            _(
                "This browser remembers your runs. With your recovery code you can open them on another device, "
                "or after the browser's cookies were deleted. Anyone with the code can open your runs, so keep it "
                "secret."
            )
        )
        if browser.is_forgetful():
            st.warning(
                _("This browser does not remember you here: after a reload you need the code."),
                icon=":material/warning:",
            )
        is_used = workspace.is_used()
        if is_used:
            _offer_code("recovery-code-shown")
        with st.form("recovery-form", border=False):
            code = st.text_input(_("Recovery code"), key="recovery-code", placeholder=_("From another device"))
            if st.form_submit_button(_("Open these runs here"), icon=":material/login:"):
                try:
                    found = workspaces.from_recovery_code(code)
                except PlaygroundError as error:
                    st.error(_(error.message), icon=":material/error:")
                else:
                    if found != workspace.token():
                        workspace.enter(found)
                    st.rerun()
        if is_used:
            st.caption(_("Your current runs are not deleted. Write down this code to get back to them."))
            _offer_leaving()


def _offer_code(key: str) -> None:
    """The recovery code, hidden until a click, because the page may be on a projector."""
    if st.toggle(_("Show code"), key=key):
        st.code(workspaces.recovery_code(workspace.token()), language=None)


def _offer_leaving() -> None:
    """A new workspace for the next person on a shared device, after a question."""
    with st.popover(_("This is not me"), icon=":material/person_off:"):
        st.markdown(
            _(
                "Did somebody else use this device before you? You can start with a new, empty list. The runs that are "
                "here now can then be opened only with their recovery code. All open tabs of the playground reload."
            )
        )
        _offer_code("recovery-code-before-leaving")
        st.button(_("Start with an empty list"), type="primary", on_click=browser.leave_workspace)
