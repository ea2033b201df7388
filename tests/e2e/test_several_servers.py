"""Two servers with one database behind a real proxy: a visitor stays on one; when it dies, the other one goes on."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.protocol import Client
from tests import coroutines, haproxy
from tests.e2e.conftest import PAUSE, free_port, running
from tests.e2e.test_shutdown import CONFIGS, PATIENCE, finished_epochs
from tests.postgres import Postgres

COOKIE = "PLAYGROUND_SERVER"


def wait_until_ready(address: str) -> dict[str, str]:
    """What a server says, or one behind the proxy, once it is ready."""
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ready") as answer:
            return dict(json.load(answer))
        PAUSE.wait(0.1)
    raise AssertionError("No server is ready.")


def says(client: Client, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, client.text)


def first_choice(client: Client) -> str | None:
    return next((one.label for one in client.elements("button") if "-vote-" in one.id), None)


async def vote(client: Client) -> None:
    await client.press(await client.wait_for("a choice", functools.partial(first_choice, client)))
    await client.wait_for("the saved vote", lambda: says(client, "Your vote is saved"))


def again(client: Client, page: str = "", query: str = "") -> Client:
    """The same browser after a reload, or in another tab."""
    return Client(client.address, query, page, PATIENCE, cookies=client.cookies)


async def visit(address: str, servers: dict[str, subprocess.Popen[bytes]]) -> None:
    query = urlencode(CONFIGS[0].to_query())
    one, other = (Client(address, query, patience=PATIENCE) for _ in range(2))
    opened = [one, other]

    async def open_tab(client: Client) -> Client:
        opened.append(client)
        await client.open()
        return client

    await one.open()
    await other.open()
    home = one.cookies[COOKIE]
    assert {home, other.cookies[COOKIE]} == {"one", "two"}

    # A visitor stays on one server.
    await one.press("Train")
    await one.wait_for("the third epoch", functools.partial(finished_epochs, one))
    reloaded = await open_tab(again(one))
    await reloaded.wait_for("the run after a reload", functools.partial(finished_epochs, reloaded))
    assert one.cookies[COOKIE] == home

    # A class that began on one server is seen on the other.
    desk = await open_tab(again(one, "class"))
    await desk.press("Start a class")
    code = (await desk.wait_for("the code", lambda: says(desk, r"(?m)^\W*([0-9A-Z]{6})\W*$")))[1]
    student = await open_tab(again(other, "class", f"join={code}"))
    await student.wait_for("the place in the class", lambda: says(student, "Look at the front"))
    assert student.cookies[COOKIE] != home
    neighbour = await open_tab(Client(address, f"join={code}", "class", PATIENCE, cookies={COOKIE: home}))
    await neighbour.wait_for("the place in the class", lambda: says(neighbour, "Look at the front"))
    assert neighbour.cookies[COOKIE] == home
    await desk.press("Open the vote")
    for client in (student, neighbour):
        await vote(client)

    # The server dies in the vote. The next page comes from the other one, with the run, and the class with all votes.
    seen = finished_epochs(reloaded) or 0
    servers[home].kill()
    servers[home].wait()
    for client in (one, reloaded, desk, neighbour):
        await client.close()
    moved = await open_tab(again(one))
    await moved.wait_for("a new epoch", lambda: (finished_epochs(moved) or 0) > seen or None)
    assert moved.cookies[COOKIE] != home
    desk = await open_tab(again(one, "class"))
    await desk.press("Open")  # Of "Your classes".
    await desk.see_button("Close the vote (2 of 2)")

    # Nobody else's runs appear anywhere.
    compare = await open_tab(again(other, "compare"))
    await compare.wait_for("the empty list", lambda: says(compare, "You have not trained a network yet"))
    for client in opened:
        await client.close()


def test_visitor_moves_on_when_their_server_dies(postgres_server: Postgres, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    front = free_port()
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres_server.new_schema())
        settings = {"DATABASE_URL": database, "STREAMLIT_SERVER_COOKIE_SECRET": "the same", "MNIST_PROXIES": "1"}
        servers = {}
        for name, port in zip(("one", "two"), ports, strict=True):
            folder = tmp_path / name
            folder.mkdir()
            started = running("streamlit", folder, port, is_log_clean=False, settings=settings)
            servers[name] = stack.enter_context(started)
        stack.enter_context(haproxy.running(front, ports, tmp_path))
        for port in (*ports, front):
            assert wait_until_ready(f"http://127.0.0.1:{port}") == {"server": "ready", "database": "answers"}
        coroutines.run(visit(f"http://127.0.0.1:{front}", servers))
