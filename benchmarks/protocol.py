"""A visitor without a browser: speaks Streamlit's websocket protocol as the page in a browser does.

The client connects to ``/_stcore/stream``, asks for the page, keeps what the server draws, presses buttons by their
label, and answers each ``auto_rerun`` of a fragment after its interval, as the frontend does with a timer.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.proto.Element_pb2 import Element
    from websockets.asyncio.client import ClientConnection


@dataclass(eq=False)
class Client:
    """One visitor's connection.

    Args:
        address: the server's, such as ``http://127.0.0.1:8501``.
        query: what stands behind the ``?`` in the page's address.
        on_element: called with each element that the server sends, in the order of arrival.

    Attributes:
        errors: what the server showed as an error or exception.
        polls: seconds that each rerun of a fragment took, from the request to the server's "finished".
    """

    address: str
    query: str
    on_element: Callable[[Element], None]
    errors: list[str] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    _socket: ClientConnection | None = None
    _page: str = ""
    _buttons: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)
    _timers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _finished: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and ask for the page."""
        self._socket = await connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.address,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
        )
        self._reader = asyncio.create_task(self._read())
        await self._rerun()

    async def close(self) -> None:
        """Close the tab."""
        for timer in self._timers.values():
            timer.cancel()
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def see_button(self, label: str) -> None:
        """Wait until a button with this label can be pressed."""
        while label not in self._buttons:
            self._changed.clear()
            await self._changed.wait()

    async def press(self, label: str) -> None:
        """Press a button once it can be pressed; returns when the request is sent."""
        await self.see_button(label)
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = self._buttons[label], True
        await self._rerun(message)

    async def enter(self, label: str, value: float) -> float:
        """Type a number into a field and wait for the page; returns the seconds that it took."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.double_value = self._numbers[label], value
        began = time.perf_counter()
        await self._rerun(message)
        await self._finished.wait()
        return time.perf_counter() - began

    async def _rerun(self, message: BackMsg | None = None) -> None:
        message = message or BackMsg()
        self._finished.clear()
        await self._send(message)

    async def _send(self, message: BackMsg) -> None:
        assert self._socket is not None
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.context_info.url = self.address
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        assert self._socket is not None
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            await self._take(message)

    async def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        fragments = list(message.metadata.run.fragment_ids)
        if kind == "new_session" and not fragments:
            self._page = message.new_session.page_script_hash
            self._buttons.clear()
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._element(message.delta.new_element)
        elif kind == "auto_rerun":
            known = self._timers.pop(message.auto_rerun.fragment_id, None)
            if known is not None:
                known.cancel()
            timer = asyncio.create_task(self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval))
            self._timers[message.auto_rerun.fragment_id] = timer
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if fragment in self._timers:
                    self._timers.pop(fragment).cancel()
        elif kind == "script_finished":
            for fragment in fragments:
                if fragment in self._asked:
                    self.polls.append(time.perf_counter() - self._asked.pop(fragment))
            if not fragments:
                self._finished.set()

    def _element(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "button" and not element.button.disabled:
            self._buttons[element.button.label] = element.button.id
            self._changed.set()
        elif kind == "number_input":
            self._numbers[element.number_input.label] = element.number_input.id
        elif kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        self.on_element(element)

    async def _poll(self, fragment: str, interval: float) -> None:
        """Ask for a fragment again and again, whether or not the last answer has come, as the frontend's timer does."""
        while True:
            await asyncio.sleep(interval)
            message = BackMsg()
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
            self._asked.setdefault(fragment, time.perf_counter())
            await self._send(message)
