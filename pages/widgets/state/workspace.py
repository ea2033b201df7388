"""The visitor's workspace: the token that their runs are saved under, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.server import cookies
from pages.widgets.state import keys
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.runs.saver import Saver

IS_RESTORED = Key("came-back-noted", False, of_workspace=True)
"""Whether the Train page has the visitor's last run, or something newer that it must not replace."""

_TOKEN = Key("workspace", "")
_IS_USED = Key("is-workspace-used", False)


def token() -> str:
    """The token of the visitor's workspace, which holds their runs: the browser's, or a new one."""
    if not _TOKEN.is_set():
        found = browser_token()
        enter(found or cookies.new_workspace(), found is not None)
    return _TOKEN.get()


def browser_token() -> str | None:
    """The token in the browser's cookies, if any."""
    return cookies.found_in(st.context.cookies)


def start_empty() -> None:
    """Forget everything about the visitor in this tab, and start a new workspace."""
    keys.forget_everything()
    enter(cookies.new_workspace(), False)


def enter(token: str, is_known: bool = True) -> None:
    """Switch to another workspace. Active runs of the old one continue while one of its tabs is open."""
    _TOKEN.set(token)
    _IS_USED.set(is_known and not cookies.is_unused(token))
    keys.forget_workspace()


def is_used() -> bool:
    """Whether the workspace may hold saved runs. For a new visitor this needs no query."""
    own = token()
    # Another tab of the same browser may have stored the first run.
    return _IS_USED.get() or not cookies.is_unused(own)


def mark_used() -> None:
    """Remember that the workspace holds a saved run."""
    _IS_USED.set(True)
    cookies.mark_used(token())


def run_saver() -> Saver:
    """The saver of runs.

    Raises:
        StoreError: the database's address is not valid.
    """
    from mnist_core.runs import saver  # Its database library is slow to import, and a new visitor has no saved runs.

    return saver.shared()
