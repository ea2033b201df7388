"""Limits new sessions; has the browser remember the visitor's workspace, or forget it on a shared device."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core import limits
from mnist_core.errors import LimitError
from mnist_core.language import gettext as _
from mnist_core.store import workspaces
from pages.widgets.server import cookies, visitor_limits
from pages.widgets.state import controls, workspace
from pages.widgets.state.keys import Key

_KEY = "workspace-cookie"
# Each remembers the workspace that it is about.
_TICKET = Key("workspace-ticket-noted", ("", ""))
_ARRIVED = Key("workspace-arrived-noted", "")
_DROPPED = Key("workspace-dropped-noted", "")
_HIDDEN = Key("workspace-hidden-noted", "")
_LEFT = Key("workspace-left-noted", "")
_OUTCOMES = {"arrived": _ARRIVED, "dropped": _DROPPED, "hidden": _HIDDEN}
_WARNED = Key("workspace-hidden-warned-noted", False)
_ADMITTED = Key("session-admitted-noted", False)

# Streamlit can read cookies but not set them. The browser exchanges a ticket for the server's own cookie. If that
# cookie does not come back, because a proxy drops cookies that it does not know, we set a readable one here. `left`
# names a workspace that this browser must forget: its tabs reload without the query.
_REMEMBER = st.components.v2.component(
    "workspace_cookie",
    js="""const tried = new Set();
    const tabs = new BroadcastChannel("mnist_playground_workspace");
    const beginAgain = () => location.replace(location.pathname);

    async function redeem(data) {
        const ask = async () => {
            const headers = { "X-Workspace-Ticket": data.ticket };
            return (await (await fetch(data.address, { method: "POST", headers })).json()).state;
        };
        try {
            return (await ask()) === "arrived" || (await ask()) === "arrived" ? "arrived" : "dropped";
        } catch {
            return "dropped";
        }
    }

    const read = name => document.cookie.split("; ").find(one => one.startsWith(name + "="))?.slice(name.length + 1);

    function write(name, token, seconds) {
        const secure = location.protocol === "https:" ? "; Secure" : "";
        document.cookie = `${name}=${token}; path=/; max-age=${seconds}; SameSite=Lax${secure}`;
    }

    function remember(data) {
        const found = read(data.name);
        if (found !== data.token && data.gives_way && /^[A-Za-z0-9_-]{22}$/.test(found ?? "")) return found;
        write(data.name, data.token, data.seconds);
        return read(data.name) === data.token ? "arrived" : "hidden";
    }

    function attempt(work) {
        try {
            return work();
        } catch {  // A frame without its own origin is not allowed to read cookies.
            return "hidden";
        }
    }

    async function act(data, setStateValue) {
        const task = data.ticket ?? data.token ?? data.left;
        if (!task || tried.has(task)) return;
        tried.add(task);
        let outcome = null;
        if (data.ticket) outcome = await redeem(data);
        if (data.left) {
            attempt(() => write(data.name, "", 0));
            tabs.postMessage(data.left);
            beginAgain();
            return;
        }
        setStateValue("outcome", { task, what: outcome ?? attempt(() => remember(data)) });
    }

    export default function ({ data, setStateValue }) {
        const listen = event => {
            if (event.data === data.workspace) beginAgain();
        };
        tabs.addEventListener("message", listen);
        act(data, setStateValue);
        return () => tabs.removeEventListener("message", listen);
    }""",
)


def admit_session() -> None:
    """Count a new session. If there were too many from the visitor's address, say so and stop the script."""
    if _ADMITTED.get():
        return
    try:
        visitor_limits.spend(limits.SESSIONS)
    except LimitError as error:
        st.title(_("Please wait"))
        st.info(_("{error} Then reload this page.", error=error), icon=":material/hourglass_top:")
        st.stop()
    _ADMITTED.set(True)


def remember_workspace() -> None:
    """Have the browser remember the workspace; if it cannot, say so once."""
    _REMEMBER(data=_task(workspace.token()), key=_KEY, on_outcome_change=_note_outcome)
    if is_forgetful() and workspace.is_used() and not _WARNED.get():
        _WARNED.set(True)
        st.toast(
            _(
                "This browser does not remember you here. After a reload, your **recovery code** on the Compare page "
                "brings your networks back."
            ),
            icon=":material/warning:",
            duration="infinite",
        )


def _note_outcome() -> None:
    """Handle the browser's reply: one of three words, or the token of a workspace that it already had."""
    outcome = controls.value_of(_KEY).outcome
    what, token = str(outcome.get("what")) if isinstance(outcome, dict) else "", workspace.token()
    if what in _OUTCOMES:
        _OUTCOMES[what].set(token)
    elif workspaces.is_workspace(what) and not workspace.is_used():
        workspace.enter(what)
        _ARRIVED.set(what)


def is_forgetful() -> bool:
    """Whether the browser stores no cookie of ours, so that a reload starts a new workspace."""
    return _HIDDEN.get() == workspace.token()


def is_settled() -> bool:
    """Whether the browser has said which workspace it has, or that it remembers none."""
    return workspace.token() in (workspace.browser_token(), _ARRIVED.get()) or is_forgetful()


def leave_workspace() -> None:
    """Start a new, empty workspace in this browser, in all tabs that show the current one."""
    left = _name(workspace.token())
    workspace.start_empty()
    _LEFT.set(left)


def _task(token: str) -> dict[str, Any]:
    """What the browser should do now."""
    task: dict[str, Any] = {"workspace": _name(token), "name": cookies.READABLE_NAME}
    left = _LEFT.get()
    if left:
        task["left"] = left
    elif is_settled():
        return task
    if cookies.is_served() and _DROPPED.get() != token:
        return task | {"address": cookies.ADDRESS, "ticket": _ticket(token)}
    if left:
        return task
    return task | {"token": token, "seconds": cookies.SECONDS, "gives_way": not workspace.is_used()}


def _ticket(token: str) -> str:
    """The ticket of a workspace, the same in every rerun."""
    of_token, ticket = _TICKET.get()
    if of_token != token:
        ticket = cookies.ticket_for(token)
        _TICKET.set((token, ticket))
    return str(ticket)


def _name(token: str) -> str:
    """A name for the workspace that the tabs of a browser may know; it does not reveal the token."""
    return workspaces.workspace_key(token)[:16]
