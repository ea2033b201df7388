"""A real server process, and a real Chromium that visits it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from tests import programs
from tests.e2e import browser as finder

ROOT = Path(__file__).parents[2]
PAUSE = Event()
EXPECTED_404 = tuple(
    f"/{page}/_stcore/{name}"
    for page in ("learn", "evaluate", "compare", "draw", "data", "class")
    for name in ("health", "host-config")
)
"""Wrong paths that Streamlit tries first when a page is opened by its address."""
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "laptop": {"width": 1024, "height": 768},
    "tablet": {"width": 820, "height": 1180},
    "phone": {"width": 390, "height": 844},
    "touch": {"width": 390, "height": 844},
}
"""Screen sizes; the last one is a phone with touch input."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    module: str, folder: Path, port: int, is_log_clean: bool = True, settings: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server without MNIST; its database, data and log are in `folder`, unless `settings` name others.

    `module` is run as Streamlit's command. With `is_log_clean`, the log must have no warning or error at the end.
    """
    log = folder / "log.txt"
    address = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if name != "MNIST_DATA_DIR"}
    environment["MNIST_CACHE_DIR"] = str(folder / "cache")
    environment["MNIST_DATASET"] = "embedded"
    environment["DATABASE_URL"] = f"sqlite:///{folder / 'runs.db'}"
    environment |= settings or {}
    command = [sys.executable, "-m", module, "run", "app.py", "--server.port", str(port)]
    command += [
        "--browser.serverAddress",
        "localhost",
    ]  # Otherwise Streamlit asks an outside service for its own address.
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait_until_up(address, process, log)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
    # This heading precedes TensorFlow's message that it uses oneDNN.
    text = log.read_text().replace("WARNING: All log messages before absl::InitializeLog()", "")
    words = ("WARN", "Warning", "ERROR", "Traceback")
    assert not is_log_clean or not any(word in text for word in words), text


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], contextlib.AbstractContextManager[str]]:
    """Return a function that starts a new server with a module as Streamlit's command; it yields the address."""

    @contextlib.contextmanager
    def serve(module: str) -> Iterator[str]:
        port = free_port()
        with running(module, tmp_path_factory.mktemp("server"), port):
            yield f"http://127.0.0.1:{port}"

    return serve


@pytest.fixture(scope="session")
def server(serve: Callable[[str], contextlib.AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a server as `make run` starts it."""
    with serve("streamlit") as address:
        yield address


def _wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
            return
        assert process.poll() is None, log.read_text()
        PAUSE.wait(0.1)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Without one, tests fail in CI and are skipped elsewhere."""
    path = finder.find()
    if path is None:
        programs.fail_or_skip("No Chromium found; `make test` installs one, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            # To compile only those functions that are called saves a fifth of the time that a page takes to load.
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--js-flags=--max-lazy"],
        )
        yield browser
        browser.close()


# Milliseconds that an action or assertion waits at most: the machine may be busy.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)


def patient(context: BrowserContext) -> BrowserContext:
    """Let its pages wait so long, too: Playwright's own 30 seconds are short for a busy machine."""
    context.set_default_timeout(PATIENCE)
    return context


@contextlib.contextmanager
def visit(chromium: Browser, server: str, looks: str) -> Iterator[Page]:
    """Open a new visitor's page, for example with `looks` "phone-dark"; its console must stay empty."""
    size, theme = looks.split("-")
    context = patient(
        chromium.new_context(
            viewport=SIZES[size],
            has_touch=size == "touch",
            color_scheme="dark" if theme == "dark" else "light",
            base_url=server,
        )
    )
    page = context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.location["url"].endswith(EXPECTED_404):
            complaints.append(f"{message.type}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield page
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture(params=["desktop-light", "desktop-dark", "phone-light", "phone-dark"])
def page(request: pytest.FixtureRequest, chromium: Browser, server: str) -> Iterator[Page]:
    """A new visitor's page, on a wide and a narrow screen, light and dark."""
    with visit(chromium, server, request.param) as page:
        yield page
