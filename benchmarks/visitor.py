"""A real server process of the playground, and a visitor who uses it with a real browser."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.request import urlopen

from mnist_core import network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Browser

    from mnist_core import presets

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 60
# All visitors come from this machine. In an hour they are more than an address may send.
_NO_LIMITS = {f"MNIST_MAX_{what}_PER_HOUR": "0" for what in ("SESSIONS", "WORKSPACES", "RUNS")}
_RERUNS = 24  # Even, since every second rerun undoes the one before.

# Conditions on a page: JavaScript expressions, and one selector.
_TEXT_IS_THERE = "document.querySelector('h1')?.textContent.includes('Build a network, watch it learn')"
_TRAIN_IS_THERE = "[...document.querySelectorAll('button:enabled')].some(b => b.textContent.endsWith('Train'))"
_CURVE_IS_THERE = """Boolean(document.querySelector('.st-key-live-panel [data-testid=stBidiComponentIsolated]')
    ?.shadowRoot?.querySelector('.accuracy > .line.training')?.getAttribute('d'))"""
IS_CHANGED = "[...document.querySelectorAll('button:enabled')].some(b => b.textContent.includes('Back to '))"
_AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass
class Server:
    """The playground as a child process, its address and its output; times are seconds since the Unix epoch.

    `workers` are the ids of the processes that train for it.
    """

    process: subprocess.Popen[bytes]
    address: str
    output: IO[bytes]
    began: float
    healthy: float = 0.0
    workers: tuple[int, ...] = ()

    def printed(self) -> str:
        """Return the output so far."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def memory(self, field: str = "VmRSS") -> float:
        """Return the resident memory in MB: current (``"VmRSS"``) or peak (``"VmHWM"``)."""
        return memory(self.process.pid, field)

    def wait_until_quiet(self) -> None:
        """Wait until it has used less than a twentieth of a core for a second: imports and runs have ended."""
        before, quiet = -1.0, 0
        while quiet < 2:
            time.sleep(0.5)
            ticks = self._proc("stat").rpartition(")")[2].split()[11:13]  # User time, system time.
            used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            quiet = quiet + 1 if used - before < 0.025 else 0
            before = used

    def _proc(self, file: str) -> str:
        return Path(f"/proc/{self.process.pid}/{file}").read_text()


def memory(pid: int, field: str = "VmRSS") -> float:
    """The resident memory of a process in MB, as `Server.memory`."""
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")[2].split()[0]) / 1024


@contextlib.contextmanager
def running_server(*options: str, root: Path = ROOT, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start the app in `root` with these Python options, wait until it answers, and stop it at the end.

    Its database is new, unless one is among the `settings`, more environment variables.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Without a given address, Streamlit asks an outside service for its own.
    command = [sys.executable, *options, "run", "app.py", f"--server.port={port}", "--browser.serverAddress=localhost"]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | _NO_LIMITS | {"DATABASE_URL": f"sqlite:///{folder}/runs.db", **(settings or {})}
        began = time.time()
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT)
        server = Server(process, f"http://127.0.0.1:{port}", output, began)
        try:
            while not server.healthy:
                if process.poll() is not None or time.time() - began > TIMEOUT_SECONDS:
                    raise SystemExit("The server did not start.")
                time.sleep(0.01)
                with contextlib.suppress(OSError), urlopen(f"{server.address}/_stcore/health", timeout=5):
                    server.healthy = time.time()
            yield server
        except BaseException:
            print(server.printed(), file=sys.stderr)  # It may have crashed with a message.
            raise
        finally:
            process.terminate()
            process.wait(timeout=TIMEOUT_SECONDS)


class Visitor:
    """A visitor with a fresh browser profile, and their actions on the pages."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(TIMEOUT_SECONDS * 1000)

    def arrive(self, address: str) -> tuple[float, float, float]:
        """Open the playground; return the Unix time of the request, and the seconds to the text and to Train."""
        self.page.add_init_script(
            f"""window.seen = {{}};
            new MutationObserver((changes, observer) => {{
                if ({_TEXT_IS_THERE}) seen.text ??= performance.now();
                if ({_TRAIN_IS_THERE}) seen.train ??= performance.now();
                if (seen.train) observer.disconnect();
            }}).observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});"""
        )
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_function("window.seen.train")
        times = self.page.evaluate("[performance.timeOrigin, seen.text, seen.train]")
        return times[0] / 1000, times[1] / 1000, times[2] / 1000

    def choose(self, preset: presets.Preset) -> None:
        """Choose a preset, and wait until the page shows it."""
        self.page.get_by_role("combobox", name="Network").click()
        self.page.get_by_role("option", name=preset.name).click()
        self.page.get_by_text(f"{network.parameter_count(preset.config):,} parameters").wait_for()
        self.page.locator(_AT_REST).wait_for()

    def train(self) -> float:
        """Click Train; return the seconds until the curve is drawn."""
        button = self.page.get_by_role("button", name="Train", exact=True)
        return self._timed("click", _CURVE_IS_THERE, button.click) / 1000

    def reset(self) -> None:
        """Click Reset, and wait until the run is gone from the page."""
        self.page.get_by_role("button", name="Reset").click()
        self.page.get_by_text("Not trained yet").wait_for()
        self.page.locator(_AT_REST).wait_for()

    def enter(self, label: str, value: int, seen: str) -> float:
        """Type into a number field and press Enter; return the milliseconds from that key until `seen` is true."""
        field = self.page.get_by_role("spinbutton", name=label)
        field.fill(str(value))
        return self._timed("keydown", seen, lambda: field.press("Enter"))

    def reruns(self, epochs: int) -> list[float]:
        """Change the number of epochs and change it back, several times; return the milliseconds of each rerun.

        A time ends when the button "Back to" the preset comes or goes, for which the whole script of the page runs.
        """
        times = []
        for comes in [True, False] * (_RERUNS // 2):
            times.append(self.enter("Epochs", epochs + comes, IS_CHANGED if comes else f"!({IS_CHANGED})"))
            self.page.wait_for_timeout(250)
        return times

    def strokes(self, count: int) -> Iterator[None]:
        """Draw `count` lines on the Draw page; yield after the answer to each, then clear the canvas."""
        self.page.get_by_role("link", name="Draw").click()
        canvas = self.page.get_by_role("img", name="Drawing area")
        canvas.wait_for()
        self.page.locator(_AT_REST).wait_for()
        box = canvas.bounding_box()
        assert box is not None
        for k in range(count):
            x, y = box["x"] + 100 + k, box["y"] + 60
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            self.page.mouse.move(x + 20, y + 150, steps=5)
            self.page.mouse.up()
            self.page.get_by_text("It reads a").wait_for()
            self.page.locator(_AT_REST).wait_for()
            yield
            self.page.get_by_role("button", name="Clear", exact=True).click()
            self.page.get_by_text("comes after each stroke").wait_for()

    def _timed(self, event: str, seen: str, act: Callable[[], object]) -> float:
        """Return the milliseconds from the event that `act` triggers until `seen` is true on the page."""
        self.page.evaluate(
            f"""() => {{
                let began = null;
                addEventListener("{event}", its => {{ began ??= its.timeStamp }}, {{capture: true, once: true}});
                window.stopwatch = new Promise(resolve => {{
                    let isSeen = false;
                    const look = () => {{
                        if (isSeen || began === null || !({seen})) return;
                        isSeen = true;
                        observer.disconnect();
                        resolve(performance.now() - began);
                    }};
                    const observer = new MutationObserver(look);
                    observer.observe(document.body, {{subtree: true, childList: true, attributes: true}});
                    // The observer does not see into components.
                    const frame = () => {{ look(); if (!isSeen) requestAnimationFrame(frame); }};
                    frame();
                }});
            }}"""
        )
        act()
        return float(self.page.evaluate("window.stopwatch"))
