"""The visitor's workspace: the token that their runs are saved under, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.server import cookies
from pages.widgets.state import keys
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.runs.saver import Keeper

IS_RESTORED = Key("came-back-noted", False, of_workspace=True)
"""Whether the Train page has the visitor's last run, or something newer that it must not replace."""

_TOKEN = Key("workspace", "")
_IS_USED = Key("is-workspace-used", False)


def token() -> str:
    """The token of the visitor's workspace, to which their runs belong: the browser's, or a new one."""
    if not _TOKEN.is_set():
        found = browser_token()
        enter(found or cookies.new_workspace(), found is not None)
    return _TOKEN.get()


def browser_token() -> str | None:
    """The token that the browser came with, if any."""
    return cookies.found_in(st.context.cookies)


def start_empty() -> None:
    """Forget all that this tab holds of its visitor, and give it a new workspace."""
    keys.forget_everything()
    enter(cookies.new_workspace(), False)


def enter(token: str, is_known: bool = True) -> None:
    """Go into another workspace; what is under way in this one goes on for as long as its tabs are open."""
    _TOKEN.set(token)
    _IS_USED.set(is_known and not cookies.is_unused(token))
    keys.forget_workspace()


def is_used() -> bool:
    """Whether anything may be kept in the visitor's workspace; a new visitor's needs no look."""
    own = token()
    # Another tab of the same browser may have stored the first run.
    return _IS_USED.get() or not cookies.is_unused(own)


def mark_used() -> None:
    """Note that something of the visitor's is saved."""
    _IS_USED.set(True)
    cookies.mark_used(token())


def keeper() -> Keeper:
    """What keeps runs.

    Raises:
        StoreError: the database's address is none.
    """
    from mnist_core.runs import saver  # Its database library is slow to import, and a first visitor has kept nothing.

    return saver.shared()
