"""Benchmark of a real server with a real browser: startup, memory, first point of a curve, reruns.

``python -m benchmarks.server`` prints the medians of several rounds with their targets.

Each round starts ``streamlit run app.py`` as a new process on a free port. A Chromium that is already running visits
it; every visitor has a fresh profile with an empty cache. "Cold" means a new server process; from the second round on,
its files are in the system's cache. Browser, server and training share the cores of the machine. Times on a page come
from the page's own clock: from the event of the click or key to the first change of the page that shows its effect.
So they include everything a visitor waits for, and exclude the program that drives the browser. Memory is the resident
memory of the server's process as Linux reports it; this benchmark does not run on other systems.
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
from benchmarks.visitor import IS_CHANGED, ROOT, Visitor, running_server
from mnist_core import config as settings
from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.runs.scheduler import Scheduler
from tests.e2e import browser as finder

PRESET = "morgan-1"
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
    (START, "health", "process start to the first answer of the health address", None),
    (START, "start_text", "process start to the first text", 1.5),
    (START, "start_empty", "the same for an app with only a title and a button", None),
    (START, "start_train", "process start until Train can be clicked", None),
    (START, "cold_text", "cold server, first visitor: page request to the first text", None),
    (START, "cold_train", "cold server, first visitor: page request until Train can be clicked", None),
    (START, "warm_text", "warm server, next visitor: page request to the first text", None),
    (START, "warm_train", "warm server, next visitor: page request until Train can be clicked", None),
    (MEMORY, "idle", "idle: just started, no visitor yet", None),
    (MEMORY, "warm", "warm: TensorFlow imported, one page shown", None),
    (MEMORY, "peak", f"training: peak until a {PRESET} run has ended", None),
    (MEMORY, "after", "after the run, with its page still open", None),
    (POINT, "new", f"{PRESET}, new to the server", 1.0),
    (POINT, "known", f"{PRESET}, compiled before: the same visitor again", 0.3),
    (POINT, "known_other", f"{PRESET}, compiled before: another visitor's first run", 0.3),
    *[(POINT, f"core_{preset}_new", f"core without a page, {preset}, new", 1.0) for preset in CORE_PRESETS],
    *[
        (POINT, f"core_{preset}_known", f"core without a page, {preset}, compiled before", 0.3)
        for preset in CORE_PRESETS
    ],
    (RERUN, "rest_page", "idle: key press to the change on the page", 60),
    (RERUN, "rest_script", "idle: the script on the server", 60),
    (RERUN, "busy_page", "while training: key press to the change on the page", 60),
    (RERUN, "busy_script", "while training: the script on the server", 60),
    (RERUN, "draw_script", "Draw page: the script on the server after a stroke", 30),
]
"""Each measurement: heading, key in the results, label, target or None."""


def measure_visit(browser: Browser) -> dict[str, float]:
    """Measure one round of startup, memory and clicks on Train, with a new server."""
    first, second = Visitor(browser), Visitor(browser)
    with running_server("-m", "streamlit") as server:
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
    return found | {"start_empty": _empty_app_start(browser)}


def _empty_app_start(browser: Browser) -> float:
    """Return the seconds from process start to the first text of the smallest app: the share of Streamlit itself."""
    visitor = Visitor(browser)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(EMPTY_APP)
        with running_server("-m", "streamlit", root=Path(folder)) as server:
            asked, text, _ = visitor.arrive(server.address)
            visitor.page.close()
            return asked + text - server.began


def measure_reruns(browser: Browser) -> dict[str, list[float]]:
    """Measure many reruns of the Train page, first idle and then while the visitor's run trains, on one server."""
    epochs = presets.PRESETS[PRESET].config.epochs
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with running_server("-c", f"from benchmarks.server import serve; serve({str(log)!r})") as server:
            visitor = Visitor(browser)
            visitor.arrive(server.address)
            server.wait_until_quiet()
            visitor.choose(presets.PRESETS[PRESET])
            log.write_text("")
            found = {"rest_page": visitor.reruns(epochs), "rest_script": _script_times(log)}
            # The last script run before each answer belongs to the stroke; later ones clear the canvas.
            found["draw_script"] = [_script_times(log)[-1] for _ in visitor.strokes(_STROKES)]
            visitor.page.get_by_role("link", name="Train").click()
            visitor.page.get_by_role("button", name="Train", exact=True).wait_for()
            # The run keeps its many epochs when the page goes back to the preset.
            visitor.enter("Epochs", int(settings.EPOCHS.high), IS_CHANGED)
            visitor.train()
            visitor.page.get_by_role("button", name=re.compile("Back to (?!now)")).click()
            visitor.page.wait_for_function(f"!({IS_CHANGED})")
            log.write_text("")
            found["busy_page"], found["busy_script"] = visitor.reruns(epochs), _script_times(log)
    return found


def _script_times(log: Path) -> list[float]:
    """The milliseconds of the whole page's script runs."""
    return [took for took, is_fragment in map(json.loads, log.read_text().splitlines()) if not is_fragment]


def serve(log: str) -> None:
    """Run Streamlit's command, and log each script run: its milliseconds and whether it was a fragment.

    The times include Streamlit's own work: loading the widget state before the script, and garbage collection and
    clearing Keras's session after it. The latter happens after the visitor has received the end of the script.
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


def measure_core(preset: str) -> dict[str, float]:
    """Measure a preset's first point without a page in a new process, in seconds: not compiled yet, and compiled."""
    command = [
        sys.executable,
        "-c",
        f"from benchmarks.server import print_first_points; print_first_points({preset!r})",
    ]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode:
        raise SystemExit(child.stderr)
    return dict(json.loads(child.stdout))


def print_first_points(preset: str) -> None:
    """Print the seconds from `Scheduler.submit` to the first point: for the first run, and the median of five more."""
    import keras  # noqa: F401 - imports TensorFlow too, as the server's warm-up does

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


def slowest_imports(browser: Browser) -> str:
    """Return a table of the slowest package imports, nested imports included, until the Train button is visible.

    ``-X importtime`` gives wrong times if several threads import at once. So the background import of TensorFlow is
    switched off: its first import, Keras, is marked as missing.
    """
    program = "import sys; sys.modules['keras'] = None; from streamlit.web.cli import main; main(prog_name='streamlit')"
    with running_server("-X", "importtime", "-c", program) as server:
        Visitor(browser).arrive(server.address)
        lines = re.findall(r"import time:\s+\d+ \|\s+(\d+) \|\s+(\w+)", server.printed())
    longest: dict[str, float] = {}
    for microseconds, package in lines:
        longest[package] = max(longest.get(package, 0), int(microseconds) / 1000)
    slowest = sorted(((round(took), package) for package, took in longest.items()), reverse=True)[:15]
    return report.table(["Longest import, ms", "Package"], slowest)


def result_tables(found: dict[str, list[float]]) -> str:
    """Return all measurements with their targets, as Markdown."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for heading, key, text, target in FIGURES:
        if found.get(key):
            median, low, high = statistics.median(found[key]), min(found[key]), max(found[key])
            shown = [f"{value:.2f}" if value < 20 else f"{value:.0f}" for value in (median, low, high)]
            verdict = ("", "") if target is None else (f"{target:g}", "met" if median <= target else "missed")
            rows.setdefault(heading, []).append((text, *shown, *verdict))
    return "\n\n".join(f"{heading}:\n\n{report.table(TITLES, rows[heading])}" for heading in rows)


def main() -> None:
    """Measure, print and write ``benchmarks/results/server.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="number of servers, started one after the other (5)")
    parser.add_argument("--data", metavar="DIR", help="folder with MNIST's files (default: as for the playground)")
    parser.add_argument("--imports", action="store_true", help="only list the slowest imports for the first page")
    parts = ("visit", "core", "rerun")
    meaning = "visit: startup, memory, click to first point; core: first point without a page; rerun (default: all)"
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help=meaning)
    chosen = parser.parse_args()
    if chosen.data:
        os.environ["MNIST_DATA_DIR"] = str(Path(chosen.data).resolve())  # Child processes read it too.
    data = datasets.load("mnist").name  # As in the child processes: the embedded digits if MNIST is not available.
    print(f"{report.machine_line()}; data set: {data}\n", flush=True)
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=finder.find(finder.WITH_WINDOW), args=options)
        if chosen.imports:
            print(slowest_imports(browser))
            return
        for number in range(chosen.rounds):
            print(f"round {number + 1} of {chosen.rounds} ...", file=sys.stderr, flush=True)
            once = measure_visit(browser) if "visit" in chosen.parts else {}
            for preset in CORE_PRESETS if "core" in chosen.parts else ():
                once |= measure_core(preset)
            for key, value in once.items():
                found.setdefault(key, []).append(value)
        if "rerun" in chosen.parts:
            found |= measure_reruns(browser)
    if set(chosen.parts) == set(parts):  # A partial measurement must not replace a complete one.
        report.write("server", {"data": data, "rounds": chosen.rounds, "found": found})
    print(result_tables(found))


if __name__ == "__main__":
    main()
