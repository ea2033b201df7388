"""The playground as a real server, and a person who visits it with a real browser."""

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
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from mnist_core import presets

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # Seconds until it is given up.
_RERUNS = 24  # An even number, since every second one takes back what the one before did.

# Conditions on a page: in its own language, and one as a selector.
_TEXT_IS_THERE = "document.querySelector('h1')?.textContent.includes('Build a network, watch it learn')"
_TRAIN_IS_THERE = "[...document.querySelectorAll('button:enabled')].some(b => b.textContent.endsWith('Train'))"
_CURVE_IS_THERE = "document.querySelector('.st-key-accuracy-curve .mark-line path') !== null"
UNDO_IS_THERE = "[...document.querySelectorAll('button:enabled')].some(b => b.textContent.includes('Undo my changes'))"
_AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass
class Server:
    """The playground as a child process, its address and what it prints; times are seconds since the epoch."""

    process: subprocess.Popen[bytes]
    address: str
    output: IO[bytes]
    began: float
    healthy: float = 0.0

    def printed(self) -> str:
        """All that it has printed so far."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def memory(self, field: str = "VmRSS") -> float:
        """Resident memory in MB, now or (``"VmHWM"``) at its highest so far."""
        return int(self._told("status").partition(f"{field}:")[2].split()[0]) / 1024

    def wait_until_quiet(self) -> None:
        """Return once it has used less than a twentieth of a core for a second: imports and runs are over."""
        before, quiet = -1.0, 0
        while quiet < 2:
            time.sleep(0.5)
            ticks = self._told("stat").rpartition(")")[2].split()[11:13]  # By the program, by the system for it.
            used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            quiet = quiet + 1 if used - before < 0.025 else 0
            before = used

    def _told(self, file: str) -> str:
        return Path(f"/proc/{self.process.pid}/{file}").read_text()


@contextlib.contextmanager
def started(*options: str, root: Path = ROOT) -> Iterator[Server]:
    """Start the app in `root` with these options of the interpreter, wait until it answers, and end it at last."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # With a name given, it asks no outside service for its own address.
    command = [sys.executable, *options, "run", "app.py", f"--server.port={port}", "--browser.serverAddress=localhost"]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder}/runs.db"}  # Nobody's runs but its own.
        began = time.time()
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT)
        server = Server(process, f"http://127.0.0.1:{port}", output, began)
        try:
            while not server.healthy:
                if process.poll() is not None or time.time() - began > PATIENCE:
                    raise SystemExit("The server did not start.")
                time.sleep(0.01)
                with contextlib.suppress(OSError), urlopen(f"{server.address}/_stcore/health", timeout=5):
                    server.healthy = time.time()
            yield server
        except BaseException:
            print(server.printed(), file=sys.stderr)  # It may have ended itself, and told why.
            raise
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


class Visitor:
    """A person with a fresh browser profile, and what they do on the Train page."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(PATIENCE * 1000)

    def arrive(self, address: str) -> tuple[float, float, float]:
        """Open the playground; returns the seconds since the epoch then, and from then to the text and to Train."""
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
        """Take a preset, and wait until the page is that preset's."""
        self.page.get_by_role("combobox", name="Network").click()
        self.page.get_by_role("option", name=preset.name).click()
        self.page.get_by_text(f"{network.parameter_count(preset.config):,} parameters").wait_for()
        self.page.locator(_AT_REST).wait_for()

    def train(self) -> float:
        """Click Train; returns the seconds until the curve is drawn."""
        button = self.page.get_by_role("button", name="Train", exact=True)
        return self._timed("click", _CURVE_IS_THERE, button.click) / 1000

    def reset(self) -> None:
        """Clear the run away."""
        self.page.get_by_role("button", name="Reset").click()
        self.page.locator(".st-key-accuracy-curve").wait_for(state="detached")
        self.page.locator(_AT_REST).wait_for()

    def enter(self, label: str, value: int, seen: str) -> float:
        """Type into a number field and press Enter; returns the milliseconds from that key until `seen` holds."""
        field = self.page.get_by_role("spinbutton", name=label)
        if not field.is_visible():
            self.page.get_by_text("Training settings").click()
        field.fill(str(value))
        return self._timed("keydown", seen, lambda: field.press("Enter"))

    def reruns(self, seed: int) -> list[float]:
        """Change the seed and change it back, again and again; returns the milliseconds of each.

        They run from the key until the button "Undo my changes", the last on the page, can or cannot be pressed. The
        whole script of the page runs; of all that it draws, only that button differs.
        """
        times = []
        for comes in [True, False] * (_RERUNS // 2):
            times.append(self.enter("Seed", seed + comes, UNDO_IS_THERE if comes else f"!({UNDO_IS_THERE})"))
            self.page.wait_for_timeout(250)
        return times

    def strokes(self, count: int) -> Iterator[None]:
        """Go to the Draw page and draw that many lines; yields when each has its answer, then wipes it away."""
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
        """The milliseconds from an event that `act` causes to the change of the page after which `seen` holds."""
        self.page.evaluate(
            f"""() => {{
                let began = null;
                addEventListener("{event}", its => {{ began ??= its.timeStamp }}, {{capture: true, once: true}});
                window.stopwatch = new Promise(resolve => {{
                    const observer = new MutationObserver(() => {{
                        if (began === null || !({seen})) return;
                        observer.disconnect();
                        resolve(performance.now() - began);
                    }});
                    observer.observe(document.body, {{subtree: true, childList: true, attributes: true}});
                }});
            }}"""
        )
        act()
        return float(self.page.evaluate("window.stopwatch"))
