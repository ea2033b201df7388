"""A browser that polls as soon as a script has ended, before the server has come to the script's messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.script_data import ScriptData
from streamlit.runtime.scriptrunner.script_cache import ScriptCache

from pages.widgets.server import last_messages
from tests import coroutines

SCRIPT = """
import streamlit as st

def inside():
    st.text("inside")

st.text("outside")
st.fragment(inside, run_every=60)()
"""


async def visit(script: Path) -> list[str]:
    """The texts that are sent for a page and the first poll of its fragment."""
    data = ScriptData(str(script))
    session = AppSession(data, MemoryUploadedFileManager("/upload"), ScriptCache(), None, {})
    session.request_rerun(ClientState())
    await_end(session)
    fragment = next(iter(session._fragment_storage._fragments))  # type: ignore[attr-defined]
    session.request_rerun(ClientState(fragment_id=fragment, is_auto_rerun=True))
    await_end(session)
    while session._scriptrunner is not None:  # Its last event has not come.
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    found = [one.delta.new_element.text.body for one in session.flush_browser_queue() if one.HasField("delta")]
    return [text for text in found if text]


def await_end(session: AppSession) -> None:
    """Wait in the event loop's own thread: it takes no message meanwhile."""
    runner = session._scriptrunner
    assert runner is not None
    assert runner._script_thread is not None
    runner._script_thread.join()


@pytest.mark.parametrize("is_mended", [True, False])
def test_page_is_sent_although_a_poll_follows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_mended: bool
) -> None:
    script = tmp_path / "page.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(Runtime, "_instance", MagicMock(spec=Runtime))
    monkeypatch.setattr(AppSession, "_handle_scriptrunner_event_on_event_loop", last_messages._handle)
    if is_mended:
        last_messages.deliver()
    # Streamlit loses the page.
    assert coroutines.run(visit(script)) == (["outside", "inside"] if is_mended else ["inside"])
