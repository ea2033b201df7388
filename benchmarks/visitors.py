"""A class of N visitors without browsers, at a real server: ``python -m benchmarks.visitors 30``.

All open the page, begin within three seconds, follow the live panel, change a control half-way, and leave. Before
them one visitor does the same alone. At last as many runs train without a server and pages, for comparison. The table
shows what the visitors see: median / 95th percentile / worst. Seconds, unless a row says otherwise.

The visitors speak Streamlit's protocol in this process; it shares the processor with the server, so its own use is
printed too. What a browser takes to draw the page is not included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import functools
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import crowds, dask_cluster, lesson, report, visitor, visits
from benchmarks.crowds import CONFIG
from mnist_core.data import datasets, splits

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from benchmarks.crowds import Crowd, Plan, Seen
    from mnist_core.config import RunConfig

_QUIET_LIMIT = 120.0
_SHORT, _WARM_UP = 5.0, 60.0
_ARRIVE, _CLICKS = 20.0, 5.0  # In a lesson: within so many seconds all scan the code, and all vote.
_FIRST = 5  # How many come before the memory is measured.
SOAK, CLASS = "soak", "class"
# Between these words of the log and the next line is TensorFlow's greeting.
_NO_FAULT = "WARNING: All log messages before absl::InitializeLog()"
_FAULTS = ("WARN", "Warning", "ERROR", "Traceback")
_TIMES = (
    "scan to vote",
    "vote saved",
    "vote on the desk",
    "move on a screen",
    "first text",
    "page ready",
    "click to first point",
    "gap between points",
    "frame",
    "poll",
    "control changed",
)
_TOTALS = (
    "without a point", "steps completed", "images a second", "of one visitor alone", "of the runs without pages",
    "of as many without a class",
    "answers", "CPU an answer, ms", "server cores", "for pages", "for training", "workers cores", "clients cores",
    "memory before, MB", "memory peak, MB", "workers memory, MB", "memory after, MB", "growth, %", "errors",
)  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """What a process has used of the processor so far, in seconds.

    Attributes:
        moment: when, by `time.perf_counter`.
        all: by all threads, those that have ended too.
        training: by the threads that train, which have a lower priority than the main thread.
        clients: by this process.
    """

    moment: float
    all: float
    training: float
    clients: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Read it from Linux."""
        tick = os.sysconf("SC_CLK_TCK")
        main = _stat(Path(f"/proc/{pid}/stat"))
        training = 0
        for thread in Path(f"/proc/{pid}/task").iterdir():
            try:
                fields = _stat(thread / "stat")
            except (FileNotFoundError, ProcessLookupError):
                continue  # The thread has just ended.
            training += sum(fields[:2]) if fields[2] > main[2] else 0
        return cls(time.perf_counter(), sum(main[:2]) / tick, training / tick, time.process_time())


def _stat(file: Path) -> tuple[int, int, int]:
    """The ticks of a process or thread in its program and in the system, and its niceness."""
    fields = file.read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12]), int(fields[16])


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, 95th percentile and worst, rounded to milliseconds; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3),
        "worst": round(ordered[-1], 3),
    }


def faults(log: str) -> list[str]:
    """The lines of the server's log that tell of a warning or an error."""
    lines = log.replace(_NO_FAULT, "").splitlines()
    return [line for line in lines if any(word in line for word in _FAULTS)]


def quiet(server: visitor.Server) -> None:
    """Wait until the server is idle, at most `_QUIET_LIMIT` seconds: a run of a closed tab goes on for ten minutes."""
    deadline, calm = time.perf_counter() + _QUIET_LIMIT, 0
    before = Usage.of(server.process.pid)
    while calm < 2 and time.perf_counter() < deadline:
        time.sleep(0.5)
        now = Usage.of(server.process.pid)
        calm = calm + 1 if now.all - before.all < 0.05 * (now.moment - before.moment) else 0
        before = now


def kinds(page: str, count: int) -> list[str]:
    """What each visitor does; "mixed" is a third each."""
    return list(itertools.islice(itertools.cycle(visits.PAGES if page == "mixed" else [page]), count))


async def _watched(server: visitor.Server, crowd: Crowd) -> list[tuple[Usage, int]]:
    """The server's use of the processor and its answers so far, once all train and at the first change."""
    found = []
    for moment in (crowd.all_training, crowd.first_change.wait):
        await moment()
        found.append((Usage.of(server.process.pid), sum(one.client.answers for one in crowd.seen)))
    return found


def _visits(server: visitor.Server, plan: Plan, crowd: Crowd, page: str) -> list[Coroutine[None, None, None]]:
    if page == SOAK:
        return [visits.wander(server.address, number, plan, crowd) for number in range(plan.count)]
    return [
        visits.come(server.address, number, plan, crowd, kind) for number, kind in enumerate(kinds(page, plan.count))
    ]


async def _lesson(server: visitor.Server, plan: Plan, crowd: Crowd, used: dict[str, Any]) -> None:
    """Hold a lesson, and add to `used` what everybody has seen of it."""
    found = await lesson.lead(server.address, plan, crowd)
    used |= {
        "scan to vote": spread(found.scanned),
        "vote saved": spread(found.saved),
        "vote on the desk": spread(found.on_desk),
        "move on a screen": spread(found.moves),
        "in the lesson": found.errors,
    }


async def crowd_of(server: visitor.Server, plan: Plan, page: str) -> tuple[list[Seen], dict[str, Any]]:
    """Let the visitors of a plan come; what each has seen, and what the server needed while all were there."""
    pid = server.process.pid
    crowd = crowds.Crowd(plan)
    watch = asyncio.create_task(_watched(server, crowd))
    before, workers_before = Usage.of(pid), sum(Usage.of(worker).all for worker in server.workers)
    used: dict[str, Any] = {}
    await asyncio.gather(
        *([_lesson(server, plan, crowd, used)] if page == CLASS else _visits(server, plan, crowd, page))
    )
    after = Usage.of(pid)
    watch.cancel()
    lasted = after.moment - before.moment
    used |= {
        "server cores": round((after.all - before.all) / lasted, 2),
        "for training": round((after.training - before.training) / lasted, 2),
        "clients cores": round((after.clients - before.clients) / lasted, 2),
    }
    pages = (after.all - before.all) - (after.training - before.training)
    used["for pages"] = round(pages / lasted, 2)
    if server.workers:
        workers_after = sum(Usage.of(worker).all for worker in server.workers)
        used["workers cores"] = round((workers_after - workers_before) / lasted, 2)
    if watch.done() and not watch.cancelled():
        (one, polls), (two, more) = watch.result()
        pages = (two.all - one.all) - (two.training - one.training)
        used["CPU an answer, ms"] = round(1000 * pages / (more - polls), 1) if more > polls else None
    return crowd.seen, used


def measure(server: visitor.Server, plan: Plan, page: str, after: float = 0.0) -> dict[str, Any]:
    """Let the visitors of a plan come, and wait until the server is quiet; what they saw.

    Args:
        server: it has had visitors, so TensorFlow is imported.
        plan: how they behave.
        page: a key of `visits.PAGES`, "mixed", `SOAK` or `CLASS`.
        after: how many seconds after they have left the memory is measured.
    """
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # Resets the peak.
    memory, log = server.memory(), len(server.printed())
    seen, used = asyncio.run(crowd_of(server, plan, page))
    left = time.perf_counter()
    peak = server.memory("VmHWM")
    if server.workers:
        used["workers memory, MB"] = round(sum(map(visitor.memory, server.workers)))
    time.sleep(after)
    found: dict[str, Any] = {"visitors": plan.count, "page": page, "seconds": plan.seconds}
    found |= what_was_seen(seen, plan) | used
    found["what went wrong"] += found.pop("in the lesson", [])
    found |= {"memory before, MB": round(memory), "memory peak, MB": round(peak)}
    quiet(server)
    found |= {
        "memory after, MB": round(server.memory()),
        "memory after, seconds": round(time.perf_counter() - left),
        "in the log": faults(server.printed()[log:]),
        "load": [round(load, 2) for load in os.getloadavg()],
    }
    found["errors"] = len(found["what went wrong"]) + len(found["in the log"])
    return found


def what_was_seen(seen: Sequence[Seen], plan: Plan) -> dict[str, Any]:
    """The times of all visitors together, and what went wrong."""
    pointed = [one for one in seen if one.points]
    steps = [step for one in seen for step in one.steps]
    return {
        "first text": spread([one.text for one in seen if one.text]),
        "page ready": spread([one.ready for one in seen if one.ready]),
        "click to first point": spread([one.points[0][0] - one.pressed for one in pointed]),
        "gap between points": spread([gap for one in seen for gap in one.gaps]),
        "frame": spread([frame for one in seen for frame in one.frames]),
        "poll": spread([poll for one in seen for poll in one.polls]),
        "control changed": spread([control for one in seen for control in one.controls]),
        "without a point": len([one for one in seen if one.pressed and one.trains and not one.points]),
        "steps completed": len(steps),
        "answers": sum(one.client.answers for one in seen),
        "images a second": round(images_per_second([one for one in pointed if one.is_watching], plan)) or None,
        "what went wrong": [error for one in seen for error in one.errors],
    }


def images_per_second(seen: Sequence[Seen], plan: Plan) -> float:
    """How fast the runs of all visitors were together, from the last click until the first has had its time."""
    if not seen:
        return 0.0
    begin, end = max(one.pressed for one in seen), min(one.pressed for one in seen) + plan.seconds
    begin = begin if end > begin else end - plan.seconds
    epochs = sum(one.epochs_at(end) - one.epochs_at(begin) for one in seen)
    return epochs * training_images(plan.config) / (end - begin)


@functools.cache
def training_images(config: RunConfig) -> int:
    """How many images an epoch has."""
    return len(splits.split_for(datasets.load(config.dataset), config).train_indices)


def without_pages(count: int, seconds: float) -> float:
    """Images a second of as many runs without pages, in a process of their own; see `benchmarks.classroom`."""
    command = [sys.executable, "-m", "benchmarks.classroom", "--here"]
    command += ["--runs", str(count), "--seconds", str(seconds), "--alone", str(_SHORT)]
    done = subprocess.run(command, cwd=visitor.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["images_per_second"])


def table(results: Sequence[dict[str, Any]]) -> str:
    """What was measured, one column for each crowd."""

    def cell(value: Any) -> str:
        if isinstance(value, dict):
            return " / ".join(f"{value[name]:.2f}" for name in ("median", "p95", "worst"))
        return "-" if value is None else str(value)

    rows = [
        [name, *(cell(one.get(name)) for one in results)]
        for name in (*_TIMES, *_TOTALS)
        if any(one.get(name) is not None for one in results)
    ]
    heads = [f"{one['visitors']} visitor{'s' if one['visitors'] > 1 else ''}" for one in results]
    return report.table(["", *heads], rows)


@contextlib.contextmanager
def server_with(workers: int) -> Iterator[visitor.Server]:
    """The app, and so many workers on this machine that train its runs; without them it trains by itself."""
    with contextlib.ExitStack() as stack:
        settings: dict[str, str] = {}
        started: tuple[int, ...] = ()
        if workers:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            cluster = stack.enter_context(dask_cluster.running(Path(folder)))
            started = tuple(cluster.start_worker().pid for _ in range(workers))
            settings = cluster.settings
        server = stack.enter_context(visitor.running_server("-m", "streamlit", settings=settings))
        server.workers = started
        yield server


def class_at_once(options: argparse.Namespace) -> list[dict[str, Any]]:
    """One visitor alone, then the class, at a warm server; then the same runs without pages."""
    results = []
    with server_with(options.cluster) as server:
        asyncio.run(crowd_of(server, crowds.Plan(1, _SHORT), options.page))  # The first one waits for TensorFlow.
        quiet(server)
        for count in dict.fromkeys((1, options.visitors)):
            after = options.after if count == options.visitors else 0.0
            plan = crowds.Plan(count, options.seconds, patience=options.patience)
            results.append(measure(server, plan, options.page, after))
    trainers = kinds(options.page, options.visitors).count("train")
    if trainers:
        alone, crowd = results[0]["images a second"], results[-1]
        if crowd is not results[0] and alone and options.page == "train":
            crowd["of one visitor alone"] = round(crowd["images a second"] / alone, 2)
        if not options.only_pages:
            bare = without_pages(trainers, options.seconds)
            crowd["images a second without pages"] = round(bare)
            crowd["of the runs without pages"] = round(crowd["images a second"] / bare, 2)
    return results


def soak(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Visitors come, train, draw, compare and leave for `--soak` minutes, after a minute that is not counted.

    The memory is compared at rest: `--after` seconds after that minute, and after the end.
    """
    with server_with(options.cluster) as server:
        asyncio.run(crowd_of(server, crowds.Plan(options.visitors, _WARM_UP), SOAK))
        time.sleep(options.after)  # Streamlit keeps the session of a closed tab for two minutes.
        quiet(server)
        plan = crowds.Plan(options.visitors, 60 * options.soak, patience=options.patience)
        found = measure(server, plan, SOAK, options.after)
    found["growth, %"] = round(100 * (found["memory after, MB"] / found["memory before, MB"] - 1), 1)
    return [found]


def lesson_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A lesson that a teacher leads, at a warm server; then as many visitors who train without a class."""
    arrive = _ARRIVE if options.arrive is None else options.arrive
    config = dataclasses.replace(CONFIG, validation_fraction=0.1)  # A class compares networks on held-out images.
    plan = crowds.Plan(options.visitors, options.seconds, arrive, _CLICKS, options.patience, config)
    with server_with(options.cluster) as server:
        asyncio.run(crowd_of(server, crowds.Plan(1, _SHORT), "train"))  # The first one waits for TensorFlow.
        quiet(server)
        in_class = measure(server, plan, CLASS, options.after)
        without = measure(server, dataclasses.replace(plan, arrive=0.0), "train")
    if in_class["images a second"] and without["images a second"]:
        in_class["of as many without a class"] = round(in_class["images a second"] / without["images a second"], 2)
    return [in_class, without]


def arrival(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The visitors arrive at a server that has just started, and leave when they could press Train."""
    with server_with(options.cluster) as server:
        plan = crowds.Plan(options.visitors, 0.0, options.arrive, patience=options.patience)
        return [measure(server, plan, options.page) | {"arrive within": options.arrive}]


def one_by_one(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The visitors come one after the other, use the page and leave: how much does the memory grow."""

    def come(server: visitor.Server, count: int) -> list[Seen]:
        plan = crowds.Plan(1, options.seconds, patience=options.patience)
        return [seen for _ in range(count) for seen in asyncio.run(crowd_of(server, plan, options.page))[0]]

    def memory_at_rest(server: visitor.Server) -> float:
        time.sleep(options.after)
        quiet(server)
        return server.memory()

    with server_with(options.cluster) as server:
        come(server, _FIRST)
        before, log = memory_at_rest(server), len(server.printed())
        seen = come(server, options.visitors)
        plan = crowds.Plan(options.visitors, options.seconds)
        found: dict[str, Any] = {"visitors": options.visitors, "page": options.page, "seconds": options.seconds}
        found |= what_was_seen(seen, plan) | {"images a second": None, "memory peak, MB": round(server.memory("VmHWM"))}
        after = memory_at_rest(server)
        found |= {"memory before, MB": round(before), "memory after, MB": round(after)}
        found |= {"growth, %": round(100 * (after / before - 1), 1), "in the log": faults(server.printed()[log:])}
        found |= {"load": [round(load, 2) for load in os.getloadavg()]}
    found["errors"] = len(found["what went wrong"]) + len(found["in the log"])
    return [found]


def main() -> int:
    """Read the command line, measure, print and write ``benchmarks/results/visitors*.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visitors", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("visitors", type=int, nargs="?", default=30, help="how many come (%(default)s)")
    add("--seconds", type=float, default=30.0, help="how long each of them uses the page (%(default)s)")
    add(
        "--page",
        choices=[*visits.PAGES, "mixed", CLASS],
        default="train",
        help="what they do; mixed: a third each; class: follow a teacher, vote, and train",
    )
    add(
        "--arrive",
        type=float,
        metavar="SECONDS",
        help="only arrive, within this time, at a server that has just started",
    )
    add("--soak", type=float, metavar="MINUTES", help="come, train, draw, compare and leave during this time")
    add("--one-by-one", action="store_true", help="one after the other, to see whether the memory grows")
    add(
        "--after", type=float, default=120.0, help="seconds after they have left until memory is measured (%(default)s)"
    )
    add("--patience", type=float, default=60.0, help="seconds that a visitor waits for anything (%(default)s)")
    add("--cluster", type=int, default=0, metavar="WORKERS", help="so many workers on this machine train the runs")
    add("--only-pages", action="store_true", help="do not train the same runs without pages")
    options = parser.parse_args()
    if options.visitors < 1:
        parser.error("argument visitors: at least one must come")
    print(report.machine_line(), flush=True)
    if datasets.load(CONFIG.dataset).name != CONFIG.dataset:
        parser.error("MNIST is not here; with the embedded digits, runs end too soon. Set MNIST_DATA_DIR.")
    name = "visitors"
    if options.soak is not None:
        results, name = soak(options), "visitors-soak"
    elif options.one_by_one:
        results, name = one_by_one(options), "visitors-one-by-one"
    elif options.page == CLASS:
        results, name = lesson_of(options), f"visitors-class-{options.visitors}"
    elif options.arrive is not None:
        results, name = arrival(options), "visitors-arrive"
    else:
        results = class_at_once(options)
        name += "" if options.page == "train" else f"-{options.page}"
    name += "-cluster" if options.cluster else ""
    print(table(results))
    problems = [text for one in results for text in (*one["what went wrong"], *one["in the log"])]
    for text in problems[:20]:
        print("Error:", text)
    print(f"Load of the machine: {results[-1]['load']}. Written to {report.write(name, results).name}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
