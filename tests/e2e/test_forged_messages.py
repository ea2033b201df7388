"""Forged messages in Streamlit's protocol that no browser would send."""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from pages.widgets.server import server_log
from tests.e2e.conftest import free_port, running

MESSAGES = 20
VALUES = [("string_value", "x"), ("bool_value", True), ("double_value", 1e300), ("json_value", "{"), ("int_value", -1)]


def until_script_ends(socket: ClientConnection) -> str:
    """Return all messages of the server until a script has ended, as text."""
    said = ""
    while True:
        message = ForwardMsg.FromString(socket.recv(timeout=120))
        said += str(message)
        if message.WhichOneof("type") == "script_finished":
            return said


def test_forged_controls_are_harmless(tmp_path: Path) -> None:
    port = free_port()
    with running("streamlit", tmp_path, port, is_log_clean=False):
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
            first = BackMsg()
            first.rerun_script.query_string = ""
            socket.send(first.SerializeToString())
            controls = sorted(set(re.findall(r'id: "(\$\$[^"]+)"', until_script_ends(socket))))
            assert len(controls) > 5
            for turn in range(MESSAGES):
                forged = BackMsg()
                for place, control in enumerate(controls):
                    name, value = VALUES[(place + turn) % len(VALUES)]
                    setattr(forged.rerun_script.widget_states.widgets.add(id=control), name, value)
                socket.send(forged.SerializeToString())
                until_script_ends(socket)
        with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
            socket.send(first.SerializeToString())
            assert "Train" in until_script_ends(socket)
    log = (tmp_path / "log.txt").read_text()
    assert 0 < log.count("Traceback") <= 3 * server_log.MOST  # One error may cause another.
    assert log.count("its next ones are left out") == 1
