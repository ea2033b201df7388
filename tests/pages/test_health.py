"""Whether a server says that it can take visitors, and its line a minute."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pages.widgets.server import health
from tests import coroutines
from tests.pages.test_frame_route import page


class Ended(BaseException):
    pass


async def ask(readiness: health.Readiness, path: str = "/ready") -> tuple[int, Any]:
    """The status and the body of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await readiness({"type": "http", "path": path}, None, send)  # type: ignore[arg-type]
    body = sent[1]["body"]
    return sent[0]["status"], json.loads(body) if body.startswith(b"{") else body


@pytest.mark.parametrize(
    ("trouble", "is_stopping", "status", "answer"),
    [
        ("", False, 200, {"server": "ready", "database": "answers"}),
        ("The disk is full.", False, 503, {"server": "ready", "database": "The disk is full."}),
        ("", True, 503, {"server": "stopping", "database": "answers"}),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/base"])
def test_answer(prefix: str, trouble: str, is_stopping: bool, status: int, answer: dict[str, str]) -> None:
    readiness = health.Readiness(page, lambda: trouble, lambda: is_stopping)
    assert coroutines.run(ask(readiness, f"{prefix}/ready")) == (status, answer)


@pytest.mark.parametrize(("cluster", "said"), [("", "answers"), ("No computer is there.", "No computer is there.")])
def test_server_without_workers_is_ready_and_says_so(cluster: str, said: str) -> None:
    readiness = health.Readiness(page, lambda: "", lambda: False, cluster=lambda: cluster)
    answer = {"server": "ready", "database": "answers", "cluster": said}
    assert coroutines.run(ask(readiness)) == (200, answer)


@pytest.mark.parametrize("path", ["/", "/draw", "/already", "/ready/more", "/_stcore/health"])
def test_other_addresses_are_left_to_streamlit(path: str) -> None:
    assert coroutines.run(ask(health.Readiness(page, lambda: "none", lambda: True), path)) == (200, b"page")


def test_database_is_asked_once_for_all_who_ask_within_a_second() -> None:
    asked, now = [], [100.0]

    def trouble() -> str:
        asked.append(now[0])
        return ""

    async def several() -> None:
        readiness = health.Readiness(page, trouble, lambda: False, lambda: now[0])
        await asyncio.gather(*(ask(readiness) for _ in range(20)))
        now[0] += 0.9
        await ask(readiness)
        now[0] += 0.1
        await ask(readiness)

    coroutines.run(several())
    assert asked == [100.0, 101.0]


def test_one_who_gives_up_does_not_cancel_the_answer_of_others() -> None:
    async def two() -> tuple[int, Any]:
        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        def trouble() -> str:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
            return ""

        readiness = health.Readiness(page, trouble, lambda: False)
        first, second = (asyncio.create_task(ask(readiness)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        release.set()
        return await second

    assert coroutines.run(two())[0] == 200


@pytest.mark.parametrize("is_stopping", [True, False])
def test_new_visitor_of_a_server_that_stops(is_stopping: bool) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def streamlit(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    readiness = health.Readiness(streamlit, lambda: "", lambda: is_stopping)
    coroutines.run(readiness({"type": "websocket", "path": "/_stcore/stream"}, receive, send))
    assert [one["type"] for one in sent] == ["websocket.close" if is_stopping else "websocket.accept"]


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_address(url: str) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        health._database.cache_clear()

    return set_address


def test_database_that_answers(address: Callable[[str], None], tmp_path: Path) -> None:
    address(f"sqlite:///{tmp_path}/new/runs.db")
    assert health.database_trouble() == ""
    health._database().close()


def test_database_that_is_away(address: Callable[[str], None]) -> None:
    address("postgresql://127.0.0.1:1/nobody")
    assert "database" in health.database_trouble()


def test_database_of_an_unknown_kind(address: Callable[[str], None]) -> None:
    address("papyrus://scroll")
    assert health.database_trouble()


def test_load_of_a_server_with_a_cluster_has_its_workers() -> None:
    assert str(health.Load(3, 2, 1, 0, 985, 4)).endswith("memory 985 MB, workers 4")


EMPTY = health.Load(0, 0, 0, 0, 900)
BUSY = health.Load(30, 28, 27, 2, 1_100)


def test_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    loads = iter([EMPTY, EMPTY, BUSY, EMPTY, EMPTY, BUSY])
    waited: list[float] = []

    def load() -> health.Load:
        try:
            return next(loads)
        except StopIteration:
            raise Ended from None

    with caplog.at_level(logging.INFO, health.logger.name), pytest.raises(Ended):
        health.write_minutes(waited.append, load)
    busy = "visitors 30, runs 28 (watched 27), waiting for room 2, memory 1100 MB"
    empty = "visitors 0, runs 0 (watched 0), waiting for room 0, memory 900 MB"
    assert caplog.messages == [empty, busy, empty, busy]
    assert set(waited) == {60.0}


def test_failure_to_read_the_load_does_not_end_the_lines(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [ValueError("no"), BUSY, Ended()]

    def load() -> health.Load:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    with caplog.at_level(logging.INFO, health.logger.name), pytest.raises(Ended):
        health.write_minutes(lambda _seconds: None, load)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_own_load_is_read() -> None:
    now = health.current_load()
    assert now.memory == 0 or 10 < now.memory < 100_000
    assert (now.visitors, now.waiting) == (0, 0)
