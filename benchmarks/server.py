"""Measures the real server, visited by a real browser: its start, its memory, the first point of a curve, a rerun.

``python -m benchmarks.server`` prints the medians of several rounds beside their targets.

How it is measured. Each round starts ``streamlit run app.py`` as a process of its own on a free port, and visits it
with a Chromium that runs already, each visitor in a fresh profile with an empty cache. "Cold" is a new process; its
files are in the system's cache from the second round on. Browser, server and training share the machine's cores.
Times on a page are taken by the page's own clock, from the event of the click or key to the first change of the page
that shows its effect: they hold all that a visitor waits for, and nothing of the program that drives the browser.
Memory is what Linux says that the server's process has resident; on other systems this does not run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks import report
from benchmarks.visitor import ROOT, UNDO_IS_THERE, Visitor, started
from mnist_core import config as settings
from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.runs.scheduler import Scheduler
from tests.e2e import browser as finder

PRESET = "morgan-1"
_WATCHED_SECONDS = 8
_STROKES = 25
CORE_PRESETS = ("torres", "kite", "morgan-1", "cnn")
EMPTY_APP = """import streamlit as st
st.title("Build a network, watch it learn")
st.button("Train")
"""

TITLES = ("", "Median", "Lowest", "Highest", "Target", "Verdict")
START, MEMORY = "Start, seconds", "Memory of the server, MB resident"
POINT, RERUN = "From the click on Train to the first point, seconds", "A rerun of the Train page, milliseconds"
FIGURES: list[tuple[str, str, str, float | None]] = [
    (START, "health", "start of the process until its health address answers", None),
    (START, "start_text", "start of the process to the first text", 1.5),
    (START, "start_empty", "the same of an app of nothing but a title and a button", None),
    (START, "start_train", "start of the process until Train can be clicked", None),
    (START, "cold_text", "cold server, first visitor: address to the first text", None),
    (START, "cold_train", "cold server, first visitor: address until Train can be clicked", None),
    (START, "warm_text", "warm server, next visitor: address to the first text", None),
    (START, "warm_train", "warm server, next visitor: address until Train can be clicked", None),
    (MEMORY, "idle", "idle: just started, nobody has come", None),
    (MEMORY, "warm", "warm: TensorFlow imported, one page shown", None),
    (MEMORY, "peak", f"training: the highest until a {PRESET} run has ended", None),
    (MEMORY, "after", "after the run, its page still open", None),
    (POINT, "new", f"{PRESET}, new to the server", 1.0),
    (POINT, "known", f"{PRESET}, known: the same visitor again", 0.3),
    (POINT, "known_other", f"{PRESET}, known: another visitor's first run", 0.3),
    *[(POINT, f"core_{preset}_new", f"core without a page, {preset}, new", 1.0) for preset in CORE_PRESETS],
    *[(POINT, f"core_{preset}_known", f"core without a page, {preset}, known", 0.3) for preset in CORE_PRESETS],
    (RERUN, "rest_page", "at rest: key to the change on the page", 60),
    (RERUN, "rest_script", "at rest: the script in the server", 60),
    (RERUN, "busy_page", "while training: key to the change on the page", 60),
    (RERUN, "busy_script", "while training: the script in the server", 60),
    (RERUN, "draw_script", "Draw: the script in the server after a stroke", 30),
    (RERUN, "busy_poll", "while training: one poll of the curves, in the server", None),
]
"""What is measured: the heading it stands under, its name in the results, in words, its target."""


def visit(browser: Browser) -> dict[str, float]:
    """One round of the start, of memory and of clicks on Train, with a server of its own."""
    first, second = Visitor(browser), Visitor(browser)
    with started("-m", "streamlit") as server:
        found = {"idle": server.memory(), "health": server.healthy - server.began}
        asked, text, train = first.arrive(server.address)
        found |= {"cold_text": text, "start_text": asked + text - server.began}
        found |= {"cold_train": train, "start_train": asked + train - server.began}
        server.wait_until_quiet()
        found["warm"] = server.memory()
        _, found["warm_text"], found["warm_train"] = second.arrive(server.address)
        for visitor in (first, second):
            visitor.choose(presets.PRESETS[PRESET])
        server.wait_until_quiet()
        found["new"] = first.train()
        first.page.get_by_text("See its mistakes").wait_for()  # The run has ended.
        server.wait_until_quiet()
        found |= {"peak": server.memory("VmHWM"), "after": server.memory()}
        first.reset()
        found["known"] = first.train()
        first.reset()
        server.wait_until_quiet()
        found["known_other"] = second.train()
        first.page.close()
        second.page.close()
    return found | {"start_empty": _empty(browser)}


def _empty(browser: Browser) -> float:
    """Seconds from the start of a server to the first text of the smallest app: what Streamlit itself takes."""
    visitor = Visitor(browser)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(EMPTY_APP)
        with started("-m", "streamlit", root=Path(folder)) as server:
            asked, text, _ = visitor.arrive(server.address)
            visitor.page.close()
            return asked + text - server.began


def rerun(browser: Browser) -> dict[str, list[float]]:
    """Many reruns of the Train page at rest, and many while its visitor's run is under way, in one server."""
    seed = presets.PRESETS[PRESET].config.seed
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with started("-c", f"from benchmarks.server import serve; serve({str(log)!r})") as server:
            visitor = Visitor(browser)
            visitor.arrive(server.address)
            server.wait_until_quiet()
            visitor.choose(presets.PRESETS[PRESET])
            log.write_text("")
            found = {"rest_page": visitor.reruns(seed), "rest_script": _logged(log, False)}
            # The last run before each answer was for the stroke; those after it wipe the canvas.
            found["draw_script"] = [_logged(log, False)[-1] for _ in visitor.strokes(_STROKES)]
            visitor.page.get_by_role("link", name="Train").click()
            visitor.page.get_by_role("button", name="Train", exact=True).wait_for()
            # The run keeps its many epochs when the page is put back to the preset.
            visitor.enter("Epochs", int(settings.EPOCHS.high), UNDO_IS_THERE)
            visitor.train()
            visitor.page.get_by_role("button", name="Undo my changes").click()
            visitor.page.wait_for_function(f"!({UNDO_IS_THERE})")
            log.write_text("")
            found["busy_page"] = visitor.reruns(seed)
            # Each rerun puts the next poll off, so a quick machine may not have polled yet.
            visitor.page.wait_for_timeout(_WATCHED_SECONDS * 1000)
            found |= {"busy_script": _logged(log, False), "busy_poll": _logged(log, True)}
    return found


def _logged(log: Path, polls: bool) -> list[float]:
    return [took for took, is_poll in map(json.loads, log.read_text().splitlines()) if is_poll == polls]


def serve(log: str) -> None:
    """Be Streamlit's command, and note each script's run in `log`: its milliseconds, and whether it was a fragment's.

    They hold what Streamlit does about the script too: the widgets' state before it, and after it its collection of
    garbage and its clearing of Keras, which come when the visitor has been told that the script has ended.
    """
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
    from streamlit.web import cli

    run_script = ScriptRunner._run_script

    def timed(self: ScriptRunner, rerun_data: Any) -> None:
        began = time.perf_counter()
        run_script(self, rerun_data)
        entry = ((time.perf_counter() - began) * 1000, bool(rerun_data.fragment_id_queue))
        with Path(log).open("a") as lines:
            print(json.dumps(entry), file=lines)

    ScriptRunner._run_script = timed  # type: ignore[method-assign]
    cli.main(prog_name="streamlit")


def core(preset: str) -> dict[str, float]:
    """The first point of a preset without any page, new and known, in seconds, in a process of its own."""
    command = [sys.executable, "-c", f"from benchmarks.server import first_points; first_points({preset!r})"]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode:
        raise SystemExit(child.stderr)
    return dict(json.loads(child.stdout))


def first_points(preset: str) -> None:
    """Print the seconds from `Scheduler.submit` to the first point: the first time, and the median of five more."""
    import keras  # noqa: F401 - and TensorFlow with it, as the server's warm-up does

    data = datasets.load("mnist")
    scheduler = Scheduler()
    new, *known = [_first_point(scheduler, presets.PRESETS[preset].config, data) for _ in range(6)]
    print(json.dumps({f"core_{preset}_new": new, f"core_{preset}_known": statistics.median(known)}))


def _first_point(scheduler: Scheduler, config: settings.RunConfig, data: datasets.Dataset) -> float:
    began = time.perf_counter()
    run = scheduler.submit(config, data)
    while not run.snapshot.points:
        if not run.snapshot.status.is_active:
            raise SystemExit(run.snapshot.message)
        time.sleep(0.0005)
    took = time.perf_counter() - began
    scheduler.stop(run)
    while run.snapshot.status.is_active:
        time.sleep(0.01)
    return took


def imports(browser: Browser) -> str:
    """A table of the packages whose import, with all that it imports, takes longest until the Train button is seen.

    Python's own measure (``-X importtime``) is confused by imports in several threads, so the background import of
    TensorFlow is left out: Keras, which comes first there, is declared missing.
    """
    program = "import sys; sys.modules['keras'] = None; from streamlit.web.cli import main; main(prog_name='streamlit')"
    with started("-X", "importtime", "-c", program) as server:
        Visitor(browser).arrive(server.address)
        lines = re.findall(r"import time:\s+\d+ \|\s+(\d+) \|\s+(\w+)", server.printed())
    longest: dict[str, float] = {}
    for microseconds, package in lines:
        longest[package] = max(longest.get(package, 0), int(microseconds) / 1000)
    slowest = sorted(((round(took), package) for package, took in longest.items()), reverse=True)[:15]
    return report.table(["Its longest import, ms", "Package"], slowest)


def tables(found: dict[str, list[float]]) -> str:
    """Everything that was measured, beside its target."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for heading, key, text, target in FIGURES:
        if found.get(key):
            median, low, high = statistics.median(found[key]), min(found[key]), max(found[key])
            shown = [f"{value:.2f}" if value < 20 else f"{value:.0f}" for value in (median, low, high)]
            verdict = ("", "") if target is None else (f"{target:g}", "met" if median <= target else "missed")
            rows.setdefault(heading, []).append((text, *shown, *verdict))
    return "\n\n".join(f"{heading}:\n\n{report.table(TITLES, rows[heading])}" for heading in rows)


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many servers are started one after the other (5)")
    parser.add_argument("--data", metavar="DIR", help="the folder with MNIST's files; else it is found as the app does")
    parser.add_argument("--imports", action="store_true", help="only list what is imported slowest for the first page")
    parts = ("visit", "core", "rerun")
    meaning = "visit: start, memory, click to first point; core: first point without a page; rerun (default: all)"
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help=meaning)
    chosen = parser.parse_args()
    if chosen.data:
        os.environ["MNIST_DATA_DIR"] = str(Path(chosen.data).resolve())  # For the children too.
    data = datasets.load("mnist").name  # As in the children: the embedded digits if MNIST cannot be had.
    print(f"{report.machine_line()}; data set: {data}\n", flush=True)
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=finder.find(), args=options)
        if chosen.imports:
            print(imports(browser))
            return
        for number in range(chosen.rounds):
            print(f"round {number + 1} of {chosen.rounds} ...", file=sys.stderr, flush=True)
            once = visit(browser) if "visit" in chosen.parts else {}
            for preset in CORE_PRESETS if "core" in chosen.parts else ():
                once |= core(preset)
            for key, value in once.items():
                found.setdefault(key, []).append(value)
        if "rerun" in chosen.parts:
            found |= rerun(browser)
    if set(chosen.parts) == set(parts):  # One part alone must not take the others' place.
        report.write("server", {"data": data, "rounds": chosen.rounds, "found": found})
    print(tables(found))


if __name__ == "__main__":
    main()
