"""A class of N visitors without browsers on the Train page: ``python -m benchmarks.visitors 30``.

All open the page, press Train within three seconds, follow the page's own polls, change a control half-way, and leave.
It prints what they see. The clients run in this process, whose own processor time is printed too: they share the
machine with the server.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks import report, visitor
from benchmarks.protocol import Client
from mnist_core import presets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.proto.Element_pb2 import Element

# Long enough that no run ends during the measurement.
_CONFIG = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)
_CLICKS_WITHIN = 3.0


@dataclass(eq=False)
class Seen:
    """What one visitor has seen; times in seconds."""

    ready: float = 0.0
    first_point: float = 0.0
    control: float = 0.0
    points: list[float] = field(default_factory=list)
    last_curve: bytes = b""
    is_watching: bool = False

    def element(self, element: Element) -> None:
        """Note a curve that has grown."""
        if not self.is_watching or element.WhichOneof("type") != "vega_lite_chart":
            return
        chart = element.vega_lite_chart
        data = chart.data.data or b"".join(one.data.data for one in chart.datasets)
        if '"accuracy"' in chart.spec and '"loss"' not in chart.spec and data and data != self.last_curve:
            self.last_curve = data
            self.points.append(time.perf_counter())


async def visit(address: str, number: int, count: int, seconds: float) -> tuple[Seen, Client]:
    """One visitor's time on the page."""
    seen = Seen()
    client = Client(address, urlencode(_CONFIG.to_query()), seen.element)
    began = time.perf_counter()
    await client.open()
    await client.see_button("Train")
    seen.ready = time.perf_counter() - began
    await asyncio.sleep(_CLICKS_WITHIN * number / max(1, count - 1))
    seen.is_watching = True
    pressed = time.perf_counter()
    await client.press("Train")
    await asyncio.sleep(seconds / 2)
    seen.control = await client.enter("Seed", 100 + number)
    await asyncio.sleep(max(0.0, pressed + seconds - time.perf_counter()))
    if seen.points:
        seen.first_point = seen.points[0] - pressed
    seen.is_watching = False
    await client.press("Reset")  # Else the run goes on for ten minutes.
    await client.see_button("Train")
    await client.close()
    return seen, client


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and worst, rounded to milliseconds."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3),
        "worst": round(ordered[-1], 3),
    }


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor so far."""
    with open(f"/proc/{pid}/stat") as file:
        ticks = file.read().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


async def measure(server: visitor.Server, count: int, seconds: float) -> dict[str, Any]:
    """Let `count` visitors come at once; what they saw."""
    before = processor_seconds(server.process.pid), time.process_time(), server.memory()
    began = time.perf_counter()
    found = await asyncio.gather(*(visit(server.address, number, count, seconds) for number in range(count)))
    lasted = time.perf_counter() - began
    seen = [one for one, _ in found]
    begun = [one for one in seen if one.points]
    gaps = [b - a for one in begun for a, b in zip(one.points, one.points[1:], strict=False)]
    polls = [poll for _, client in found for poll in client.polls]
    errors = [error for _, client in found for error in client.errors]
    return {
        "visitors": count,
        "without a point": count - len(begun),
        "page ready": spread([one.ready for one in seen]),
        "click to first point": spread([one.first_point for one in begun]) if begun else None,
        "gap between points": spread(gaps) if gaps else None,
        "poll": spread(polls) if polls else None,
        "control changed": spread([one.control for one in seen]),
        "polls": len(polls),
        "server cores": round((processor_seconds(server.process.pid) - before[0]) / lasted, 2),
        "clients cores": round((time.process_time() - before[1]) / lasted, 2),
        "memory before MB": round(before[2]),
        "memory peak MB": round(server.memory("VmHWM")),
        "errors": errors,
    }


def main() -> int:
    """Read the command line, measure, print and write ``benchmarks/results/visitors.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visitors", description=__doc__.splitlines()[0])
    parser.add_argument("visitors", type=int, nargs="?", default=30)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each of them trains")
    parser.add_argument("--post-script-gc", action="store_true", help="with Streamlit's garbage collection, as before")
    options = parser.parse_args()
    print(report.machine_line())
    results = []
    if options.post_script_gc:
        os.environ["STREAMLIT_RUNNER_POST_SCRIPT_GC"] = "true"
    with visitor.started("-m", "streamlit") as server:
        asyncio.run(measure(server, 1, 5.0))  # Warms up; the first visitor of a server waits for TensorFlow.
        server.wait_until_quiet()
        for count in (1, options.visitors):
            results.append(asyncio.run(measure(server, count, options.seconds)))
            server.wait_until_quiet()
    rows = []
    for name in ("page ready", "click to first point", "gap between points", "poll", "control changed"):
        cells = [f"{one[name]['median']:.2f} / {one[name]['p95']:.2f} / {one[name]['worst']:.2f}" for one in results]
        rows.append([f"{name}, s", *cells])
    totals = ("without a point", "polls", "server cores", "clients cores", "memory before MB", "memory peak MB")
    rows += [[name, *(one[name] for one in results)] for name in totals]
    print(report.table(["median / 95 % / worst", *(f"{one['visitors']} visitors" for one in results)], rows))
    errors = [error for one in results for error in one["errors"]]
    for error in errors[:10]:
        print("Error:", error)
    print(f"Written to {report.write('visitors', results).name}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
