"""A visitor without a browser: speaks Streamlit's protocol as the page in a browser does.

Like the frontend, the client loads the page and its files, keeps cookies, and connects to ``/_stcore/stream``. It keeps
the elements on the page, and removes old ones only when a script has finished. With each request it sends the values of
all controls and the hashes of the large messages that it has. Each ``auto_rerun`` starts a timer that asks for a
fragment at a fixed interval, until a run of the whole page starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import DoubleArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.control_values import first_value
from benchmarks.frames import Follower
from benchmarks.page_files import VisitError, cookie_header, load_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamlit.proto.Element_pb2 import Element
    from websockets.asyncio.client import ClientConnection

T = TypeVar("T")

_PANEL = "live-panel-curves"
_COMPLETE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass(frozen=True, eq=False)
class _Shown:
    """An element on the page, and the run, the fragment and the script that drew it."""

    element: Element
    run: str
    fragment: str
    script: str


@dataclass(frozen=True, eq=False)
class _Timer:
    interval: float
    task: asyncio.Task[None]


@dataclass(eq=False)
class _Cached:
    """A large message that the server may refer to by its hash, and the count of runs at its last use."""

    data: bytes
    used: int
    fragment: str


@dataclass(eq=False)
class Client:
    """One visitor's tab.

    Args:
        address: the server's, such as ``http://127.0.0.1:8501``.
        query: the page's query, the part of the address after the ``?``.
        page: the path of the page, such as "draw"; empty for the first page.
        patience: how long to wait for anything, in seconds.
        cookies: the browser's; those that the server sets are added.

    Attributes:
        on_frame: called with each frame of the live panel, unpacked.
        errors: what the server showed as an error or exception.
        polls: how long each rerun of a fragment took, in seconds, from the request to the server's "finished".
        frames: follows the live panel.
        frame: the latest frame of the live panel.
        fragment_runs: how many scripts of fragments have finished; one may answer several polls.
        latest: the last message of the server, in words.
    """

    address: str
    query: str = ""
    page: str = ""
    patience: float = 60.0
    cookies: dict[str, str] = field(default_factory=dict)
    on_frame: Callable[[dict[str, Any]], None] | None = None
    errors: list[str] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    frames: Follower = field(init=False)
    frame: dict[str, Any] = field(default_factory=dict)
    fragment_runs: int = 0
    latest: str = "nothing"
    _socket: ClientConnection | None = None
    _reader: asyncio.Task[None] | None = None
    _lost: str = ""
    _script: str = ""
    _is_leaving: bool = False
    _main_script: str = ""
    _pages: dict[str, str] = field(default_factory=dict)
    _run: str = ""
    _elements: dict[tuple[int, ...], _Shown] = field(default_factory=dict)
    _values: dict[str, WidgetState] = field(default_factory=dict)
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _cache: dict[str, _Cached] = field(default_factory=dict)
    _most_age: int = 0
    _finished_runs: int = 0
    _timers: dict[str, _Timer] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _request: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.frames = Follower(self.address, self.cookies, self._take_frame, self._ask_for_page)

    @property
    def answers(self) -> int:
        """How many polls, of fragments and for frames, the server has answered."""
        return self.fragment_runs + len(self.frames.times)

    async def open(self) -> None:
        """Load the page and its files, connect, and ask for the first run of the page."""
        await load_page(self.address, self.page, self.cookies)
        header = cookie_header(self.cookies)
        try:
            self._socket = await connect(
                self.address.replace("http", "ws", 1) + "/_stcore/stream",
                origin=self.address,  # type: ignore[arg-type]
                subprotocols=["streamlit", self.cookies.get("_streamlit_xsrf", "PLACEHOLDER_AUTH_TOKEN")],  # type: ignore[list-item]
                additional_headers={"Cookie": header} if header else None,
                open_timeout=self.patience,
                max_size=None,
            )
        except (OSError, TimeoutError) as error:
            raise VisitError(f"The connection was refused: {error}") from error
        self._reader = asyncio.create_task(self._read())
        await self._send()

    async def close(self) -> None:
        """Close the tab."""
        self._stop_timers()
        await self.frames.stop()
        self.errors += self.frames.errors
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._request is not None:
            self._request.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def wait_for(self, what: str, find: Callable[[], T | None]) -> T:
        """Wait until `find` returns something.

        Raises:
            VisitError: it did not come, or the connection was lost.
        """
        deadline = time.perf_counter() + self.patience
        while (found := find()) is None:
            if self._lost:
                raise VisitError(f"Lost the connection while waiting for {what}: {self._lost}")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.perf_counter())
            except TimeoutError:
                raise VisitError(
                    f"Waited {self.patience:g} s for {what}. The last message was {self.latest}; "
                    f"{len(self._timers)} fragments are polled."
                ) from None
        return found

    def elements(self, kind: str) -> Iterator[Any]:
        """The elements of a kind that are on the page, such as "button", as Streamlit's messages."""
        for shown in self._elements.values():
            if shown.element.WhichOneof("type") == kind:
                yield getattr(shown.element, kind)

    def labelled(self, kind: str, label: str) -> Any:
        """The control of a kind with a label, if it is on the page and can be used; else None."""
        found = (one for one in self.elements(kind) if one.label == label and not one.disabled)
        return next(found, None)

    def component(self, key: str) -> Any:
        """The component with the key `key`, if it is on the page; else None."""
        return next((one for one in self.elements("bidi_component") if one.id.endswith(f"-{key}")), None)

    @property
    def text(self) -> str:
        """All that the page says, outside of controls and charts."""
        kinds = "markdown", "heading", "alert"
        return "\n".join(one.body for kind in kinds for one in self.elements(kind))

    async def see_button(self, label: str) -> None:
        """Wait until a button with this label can be pressed."""
        await self.wait_for(f'the button "{label}"', lambda: self.labelled("button", label))

    async def press(self, label: str) -> None:
        """Press a button once it can be pressed; returns when the request is sent."""
        button = await self.wait_for(f'the button "{label}"', lambda: self.labelled("button", label))
        await self._send(WidgetState(id=button.id, trigger_value=True), fragment_id=self._fragment_of(button.id))

    async def enter(self, label: str, value: float) -> None:
        """Type a number into a field; returns when the request is sent."""
        control = await self.wait_for(f'the field "{label}"', lambda: self.labelled("number_input", label))
        await self._set(WidgetState(id=control.id, double_value=value))

    async def slide(self, label: str, value: float) -> None:
        """Move a slider; returns when the request is sent."""
        control = await self.wait_for(f'the slider "{label}"', lambda: self.labelled("slider", label))
        await self._set(WidgetState(id=control.id, double_array_value=DoubleArray(data=[value])))

    async def choose(self, label: str, choice: str) -> None:
        """Choose one of the choices of a radio group; returns when the request is sent."""
        control = await self.wait_for(f'the choice "{label}"', lambda: self.labelled("radio", label))
        await self._set(WidgetState(id=control.id, string_value=choice))

    async def set_state(self, key: str, state: dict[str, Any]) -> None:
        """Change the state of the component with the key `key`, as its script in the browser does."""
        name = (await self.wait_for(f'the component "{key}"', lambda: self.component(key))).id
        self._states[name] = self._states.get(name, {}) | state
        await self._set(WidgetState(id=name, json_value=json.dumps(self._states[name])))

    async def go_to(self, page: str) -> None:
        """Open another page of the app by its link at the top; returns when the request is sent."""
        script = await self.wait_for(f'the link to the page "{page}"', lambda: self._pages.get(page))
        self._stop_timers()
        common = {name for shown in self._elements.values() if (name := _id(shown.element)) and self._is_common(shown)}
        self._values = {name: value for name, value in self._values.items() if name in common}
        self.query, self._is_leaving = "", True
        await self._send(page_script_hash=script)

    def _take_frame(self, frame: dict[str, Any]) -> None:
        self.frame, self.latest = frame, "a frame"
        if self.on_frame is not None:
            self.on_frame(frame)
        self._changed.set()

    def _ask_for_page(self, page: str) -> None:
        """Ask for the whole page, as the panel does if its page is outdated."""
        panel = self.component(_PANEL)
        if panel is not None and not self._is_leaving:  # See live_panel.js.
            value = json.dumps([{"event": "outdated", "value": page}])
            state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{panel.id}__events", json_trigger_value=value)
            self._request = asyncio.create_task(self._send(state))

    async def _set(self, value: WidgetState) -> None:
        self._values[value.id] = value
        await self._send(fragment_id=self._fragment_of(value.id))

    def _fragment_of(self, name: str) -> str:
        """The fragment of a control: its change reruns only that."""
        return next((shown.fragment for shown in self._elements.values() if _id(shown.element) == name), "")

    def _is_common(self, shown: _Shown) -> bool:
        return shown.script == self._main_script  # It belongs to all pages.

    async def _send(self, trigger: WidgetState | None = None, **request: Any) -> None:
        assert self._socket is not None
        message = BackMsg()
        rerun = message.rerun_script
        rerun.widget_states.widgets.extend([*self._values.values(), *([trigger] if trigger else [])])
        rerun.cached_message_hashes.extend(self._cache)
        rerun.query_string = self.query
        rerun.page_script_hash = self._script
        rerun.page_name = "" if self._script else self.page
        rerun.context_info.url = f"{self.address}/{self.page}"
        rerun.context_info.timezone, rerun.context_info.locale = "Europe/Berlin", "en-GB"
        rerun.context_info.color_scheme = "light"
        for name, value in request.items():
            setattr(rerun, name, value)
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise VisitError(f"The connection was lost: {error}") from error

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                self._take(data if isinstance(data, bytes) else data.encode())
            self._lost = "the server closed it"
        except ConnectionClosed as error:
            self._lost = str(error)
        finally:
            self._lost = self._lost or "the client could not read a message"
            self._stop_timers()
            self._changed.set()

    def _take(self, data: bytes) -> None:
        message = self._resolved(ForwardMsg.FromString(data), data)
        if message is None:
            return
        kind = message.WhichOneof("type")
        fragments = list(message.metadata.run.fragment_ids)
        self.latest = f"{kind} of {'a fragment' if fragments else 'the page'}"
        if kind == "new_session":
            self._begin(message, fragments)
        elif kind == "delta":
            self._draw(message)
        elif kind == "auto_rerun":
            self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if fragment in self._timers:
                    self._timers.pop(fragment).task.cancel()
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash
            self._is_leaving = False
            self._pages = {one.url_pathname: one.page_script_hash for one in message.navigation.app_pages}
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "script_finished":
            self.fragment_runs += bool(fragments)
            if message.script_finished in _COMPLETE:
                self._end(message, fragments)
        self._changed.set()

    def _resolved(self, message: ForwardMsg, data: bytes) -> ForwardMsg | None:
        """The message, or the one that it refers to by its hash. Large messages are cached."""
        if message.WhichOneof("type") != "ref_hash":
            if message.metadata.cacheable:
                self._cache.setdefault(message.hash, _Cached(data, self._finished_runs, message.delta.fragment_id))
            return message
        cached = self._cache.get(message.ref_hash)
        if cached is None:
            self.errors.append("The server refers to a message that the page no longer has.")
            return None
        cached.used = self._finished_runs
        found: ForwardMsg = ForwardMsg.FromString(cached.data)
        found.metadata.CopyFrom(message.metadata)
        return found

    def _begin(self, message: ForwardMsg, fragments: list[str]) -> None:
        """A script starts. That of the whole page ends all polls, and another page's removes the old page."""
        new = message.new_session
        self._run = message.metadata.run.script_run_id
        if fragments:
            return
        self._stop_timers()
        self._main_script, self._most_age = new.main_script_hash, new.config.max_cached_message_age
        if new.page_script_hash != self._script:
            self._script = new.page_script_hash
            self._elements = {path: shown for path, shown in self._elements.items() if self._is_common(shown)}

    def _draw(self, message: ForwardMsg) -> None:
        path, kind = tuple(message.metadata.delta_path), message.delta.WhichOneof("type")
        if kind == "add_block":
            self._elements.pop(path, None)
        elif kind == "new_element":
            element = message.delta.new_element
            run = message.metadata.run.script_run_id or self._run
            for inner in [one for one in self._elements if len(one) > len(path) and one[: len(path)] == path]:
                del self._elements[inner]
            script = message.metadata.active_script_hash
            self._elements[path] = _Shown(element, run, message.delta.fragment_id, script)
            value = first_value(element)
            if value is not None and (value.id not in self._values or _is_set(element)):
                self._values[value.id] = value
            if element.WhichOneof("type") == "exception":
                self.errors.append(f"Exception: {element.exception.message}")
            elif element.WhichOneof("type") == "alert" and element.alert.format == element.alert.ERROR:
                self.errors.append(f"Error: {element.alert.body}")
            if element.WhichOneof("type") == "bidi_component" and element.bidi_component.id.endswith(f"-{_PANEL}"):
                self.frames.follow(element.bidi_component.bytes)

    def _end(self, message: ForwardMsg, fragments: list[str]) -> None:
        """A script has finished: what it has not drawn again goes, of a fragment's script only that fragment's."""
        run = message.metadata.run.script_run_id
        for fragment in fragments:
            if fragment in self._asked:
                self.polls.append(time.perf_counter() - self._asked.pop(fragment))
        if fragments or run == self._run:
            self._elements = {
                path: shown
                for path, shown in self._elements.items()
                if shown.run == run or (fragments and shown.fragment not in fragments)
            }
            there = {_id(shown.element) for shown in self._elements.values()}
            self._values = {name: value for name, value in self._values.items() if name in there}
        if self.component(_PANEL) is None:
            self.frames.leave()
        self._finished_runs += 1
        self._cache = {
            name: one
            for name, one in self._cache.items()
            if (fragments and one.fragment not in fragments) or self._finished_runs - one.used <= self._most_age
        }

    def _start_timer(self, fragment: str, interval: float) -> None:
        known = self._timers.get(fragment)
        if known is not None and known.interval == interval:
            return
        if known is not None:
            known.task.cancel()
        self._timers[fragment] = _Timer(interval, asyncio.create_task(self._poll(fragment, interval)))

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.task.cancel()
        self._timers.clear()
        self._asked.clear()

    async def _poll(self, fragment: str, interval: float) -> None:
        """Ask for a fragment again and again, whether or not the last answer has come, like the frontend's timer."""
        due = time.perf_counter()
        with contextlib.suppress(VisitError):  # The reader says that the connection is lost.
            while True:
                due += interval
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                self._asked.setdefault(fragment, time.perf_counter())
                await self._send(fragment_id=fragment, is_auto_rerun=True)


def _id(element: Element) -> str:
    """The identifier of a control; empty for other elements."""
    return str(getattr(getattr(element, element.WhichOneof("type") or "", None), "id", ""))


def _is_set(element: Element) -> bool:
    """Whether the script has set the value of a control, which replaces the visitor's."""
    return bool(getattr(getattr(element, element.WhichOneof("type") or ""), "set_value", False))
