"""The route of the live frames, asked with plain requests."""

from __future__ import annotations

from typing import Any

import pytest

from pages.widgets.server import frame_route
from tests import coroutines


class Counting:
    """A source whose frame says what was asked."""

    def is_newer(self, after: int) -> bool:
        return True

    def frame(self, after: int) -> bytes | None:
        return f"after {after}".encode()

    def moment(self, place: tuple[int, int]) -> bytes | None:
        return f"moment {place}".encode() if place[0] < 4 else None

    def unit(self, layer: int, number: int, place: tuple[int, int] | None) -> bytes | None:
        then = f" at {place}" if place else ""
        return f"unit {number} of {layer}{then}".encode() if number < 4 else None

    def image(self, which: int | bytes, place: tuple[int, int] | None) -> bytes | None:
        return f"image {which!r} at {place}".encode() if which else None

    def mistake(self, after: int, place: tuple[int, int] | None) -> bytes | None:
        return f"mistake after {after} at {place}".encode()


class Gone(Counting):
    def frame(self, after: int) -> bytes | None:
        return None


class Broken(Counting):
    def frame(self, after: int) -> bytes | None:
        raise ValueError("No weights.")

    def moment(self, place: tuple[int, int]) -> bytes | None:
        raise ValueError("No weights.")

    def unit(self, layer: int, number: int, place: tuple[int, int] | None) -> bytes | None:
        raise ValueError("No weights.")


async def page(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def ask(path: str, query: str = "", method: str = "GET", kind: str = "http") -> tuple[int, bytes, dict[bytes, bytes]]:
    """The status, the body and the headers of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "method": method, "query_string": query.encode()}
    coroutines.run(frame_route.FrameRoute(page)(scope, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("query", "after"),
    [
        ("", 0),
        ("after=7", 7),
        ("after=-1", 0),
        ("after=x", 0),
        ("after=", 0),
        ("after=%C3%A9", 0),
        ("after=1&after=2", 1),
        (f"after={10**30}", 0),
    ],
)
def test_frame_after_a_version(query: str, after: int) -> None:
    source = Counting()
    status, body, headers = ask(f"/{frame_route.offer(source)}", query)
    assert (status, body) == (200, f"after {after}".encode())
    assert headers[b"cache-control"] == b"no-store"
    assert int(headers[b"content-length"]) == len(body)


@pytest.mark.parametrize("prefix", ["", "/base", "/~/+"])
def test_frame_below_any_address_of_the_server(prefix: str) -> None:
    source = Counting()
    assert ask(f"{prefix}/{frame_route.offer(source)}")[0] == 200


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("image=41", 200, "image 41 at None"),
        ("image=41&epoch=2&step=3", 200, "image 41 at (2, 3)"),
        ("image=x", 404, ""),
        ("mistake=7", 200, "mistake after 7 at None"),
        ("mistake=x&epoch=2&step=3", 200, "mistake after 0 at (2, 3)"),
        ("pixels=aW5r_-8=", 200, "image b'ink\\xff\\xef' at None"),
        ("pixels=%C3%A9", 404, ""),
        ("pixels=a", 404, ""),
        ("pixels=", 200, "after 0"),  # `parse_qs` leaves it out.
    ],
)
def test_another_image_inside_the_network(query: str, status: int, body: str) -> None:
    source = Counting()
    assert ask(f"/{frame_route.offer(source)}", query)[:2] == (status, body.encode())


def test_strangers_cannot_guess_an_address() -> None:
    source = Counting()
    addresses = {frame_route.offer(source) for _ in range(100)}
    assert len(addresses) == 100
    assert min(map(len, addresses)) >= len("live-frame/") + 22  # 128 random bits.
    assert ask("/live-frame/")[0] == 410
    assert ask("/live-frame/guessed")[0] == 410


def test_answer_waits_for_a_newer_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(Counting):
        looks = 0

        def is_newer(self, after: int) -> bool:
            self.looks += 1
            return self.looks == 4

    monkeypatch.setattr(frame_route, "LONGEST_WAIT_SECONDS", 600.0)
    source = Later()
    assert ask(f"/{frame_route.offer(source)}", "after=3")[:2] == (200, b"after 3")
    assert source.looks == 4


def test_answer_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Still(Counting):
        def is_newer(self, after: int) -> bool:
            return False

    monkeypatch.setattr(frame_route, "LONGEST_WAIT_SECONDS", 0.0)
    source = Still()
    assert ask(f"/{frame_route.offer(source)}", "after=3")[:2] == (200, b"after 3")


def test_frames_of_a_dropped_source_are_gone() -> None:
    source = Counting()
    address = frame_route.offer(source)
    del source
    assert ask(f"/{address}")[0] == 410
    assert ask(f"/{address}", "mistake=3")[0] == 410
    gone = Gone()
    assert ask(f"/{frame_route.offer(gone)}")[0] == 410


def test_unexpected_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    source = Broken()
    assert ask(f"/{frame_route.offer(source)}")[:2] == (500, b"")
    assert "No weights." in caplog.text


def test_nothing_can_be_posted() -> None:
    source = Counting()
    assert ask(f"/{frame_route.offer(source)}", method="POST")[:2] == (405, b"")


@pytest.mark.parametrize("path", ["/", "/draw", "/live-frame", "/_stcore/health"])
def test_other_requests_go_to_the_app(path: str) -> None:
    assert ask(path)[1] == b"page"


def test_websockets_go_to_the_app() -> None:
    assert ask("/live-frame/x", kind="websocket")[1] == b"page"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("layer=2&unit=3", b"unit 3 of 2"),
        ("unit=1", b"unit 1 of 0"),
        ("layer=x&unit=-7", b"unit 0 of 0"),
        ("layer=1&unit=2&epoch=3&step=40", b"unit 2 of 1 at (3, 40)"),
    ],
)
def test_weights_of_a_unit(query: str, body: bytes) -> None:
    source = Counting()
    assert ask(f"/{frame_route.offer(source)}", query)[:2] == (200, body)


def test_unit_that_is_not_there() -> None:
    source = Counting()
    assert ask(f"/{frame_route.offer(source)}", "layer=0&unit=4")[0] == 404
    broken = Broken()
    assert ask(f"/{frame_route.offer(broken)}", "unit=4")[0] == 500


def test_frame_of_a_moment() -> None:
    source, broken = Counting(), Broken()
    address = f"/{frame_route.offer(source)}"
    assert ask(address, "epoch=2&step=10")[:2] == (200, b"moment (2, 10)")
    assert ask(address, "epoch=2")[:2] == (200, b"moment (2, 0)")
    assert ask(address, "epoch=x&step=y")[:2] == (200, b"moment (0, 0)")
    assert ask(address, "epoch=4&step=10")[0] == 404
    assert ask(f"/{frame_route.offer(broken)}", "epoch=1&step=1")[:2] == (500, b"")
