"""What classes found, as tables beside what they were to get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Sequence

DENSE, CONVOLUTIONAL, DENSE_BESIDE_ONE = "morgan-1", "cnn", 9

# What a class of thirty is to get.
TARGET_CLASS = 30
FIRST_POINT_SECONDS = 2.0
GAP_SECONDS = 1.2
THROUGHPUT_RATIO = 1.1
MEMORY_MB = 1300.0
# A larger class may wait longer and take more, in proportion to its size; so much more is noise, beyond it is a cliff.
GRACE = 1.25


@dataclass(frozen=True)
class ClassResult:
    """What a class found. First points count from submission, gaps from one update of a run to its next."""

    runs: int
    dataset: str
    window: float  # How long they were left alone, in seconds.
    first_point_median: float
    first_point_last: float  # Everybody's.
    new_first_point_last: float  # Everybody's, when the network must be compiled first.
    gap_median: float
    gap_95th: float
    gap_longest: float
    fewest_updates: int  # Of one run in the window.
    images_per_second: float  # All runs together.
    alone_images_per_second: float  # One run alone.
    ratio: float  # The former over the latter.
    baseline_mb: float  # Resident before the class came.
    peak_mb: float  # The most that was resident until all had been stopped.
    stop_seconds: float  # Until all had answered, each with an evaluation on the test images.
    failures: int


@dataclass(frozen=True)
class Member:
    """One run of the mixed class."""

    preset: str
    seconds_in_turns: float  # By the clock: a turn holds one of the scheduler's workers.
    turns: int
    gap_95th: float
    images_per_second: float


def verdicts(result: ClassResult, thirty: ClassResult | None) -> str:
    """Which targets a class met; the largest classes are compared with `thirty`, the class that has targets."""
    checks = {"no failure": not result.failures}
    if result.runs == TARGET_CLASS:
        checks["first point"] = result.first_point_last <= FIRST_POINT_SECONDS
        checks["gaps"] = result.gap_95th <= GAP_SECONDS
        checks["throughput"] = result.ratio >= THROUGHPUT_RATIO
        checks["memory"] = result.peak_mb < MEMORY_MB
    elif thirty is not None and result.runs > TARGET_CLASS:
        factor = GRACE * result.runs / thirty.runs
        taken, taken_by_thirty = result.peak_mb - result.baseline_mb, thirty.peak_mb - thirty.baseline_mb
        checks["first point in proportion"] = result.first_point_last <= factor * thirty.first_point_last
        checks["gaps in proportion"] = result.gap_95th <= factor * thirty.gap_95th
        checks["throughput kept"] = result.ratio >= thirty.ratio / GRACE
        checks["memory in proportion"] = taken <= factor * taken_by_thirty
    return ", ".join(f"{name} {'met' if is_met else 'missed'}" for name, is_met in checks.items())


def class_table(results: Sequence[ClassResult]) -> str:
    """A row for each class."""
    thirty = next((result for result in results if result.runs == TARGET_CLASS), None)
    headings = (
        "runs", "first point, median s", "everybody's", "of a new network", "gap, median s", "95th %", "longest",
        "all stopped, s", "images/s", "of one alone", "memory before, MB", "peak", "failures", "targets",
    )  # fmt: skip
    rows = []
    for x in results:
        seconds = [x.first_point_median, x.first_point_last, x.new_first_point_last]
        seconds += [x.gap_median, x.gap_95th, x.gap_longest, x.stop_seconds]
        speed = (f"{x.images_per_second:,.0f}", f"{x.ratio:.2f} times")
        memory = (f"{x.baseline_mb:,.0f}", f"{x.peak_mb:,.0f}")
        rows.append((x.runs, *(f"{s:.2f}" for s in seconds), *speed, *memory, x.failures, verdicts(x, thirty)))
    return report.table(headings, rows)


def mixed_table(result: dict[str, Any]) -> str:
    """A row for each run, and what the convolutional one costs the others."""
    members = [Member(**fields) for fields in result["members"]]
    times = np.array([x.seconds_in_turns for x in members])
    rows = [
        (x.preset, f"{share:.1%}", x.turns, f"{time:.2f}", f"{x.gap_95th:.2f}", f"{x.images_per_second:,.0f}")
        for x, time, share in zip(members, times, times / times.sum(), strict=True)
    ]
    return (
        report.table(("preset", "share of time", "turns", "in turns, s", "gap, 95th %, s", "images/s"), rows)
        + f"\n\nGaps of the {DENSE} runs, 95th percentile: {result['gap_95th_without']:.2f} s without the "
        f"{CONVOLUTIONAL} run, {result['gap_95th_with']:.2f} s with it. Its time is "
        f"{times[0] / times[1:].mean():.2f} times the mean of theirs. Failures: {result['failures']}."
    )
