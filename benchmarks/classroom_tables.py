"""Results of the classroom benchmark, as tables with their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Sequence

DENSE, CONVOLUTIONAL, DENSE_BESIDE_ONE = "morgan-1", "cnn", 9

# Targets for a class of thirty.
TARGET_CLASS = 30
FIRST_POINT_SECONDS = 2.0
GAP_SECONDS = 1.2
THROUGHPUT_RATIO = 1.1
MEMORY_MB = 1300.0
# Times and memory of a larger class may grow in proportion to its size. Up to this factor more counts as noise.
TOLERANCE = 1.25


@dataclass(frozen=True)
class ClassResult:
    """Results of one class. First points count from submission; a gap is the time between two updates of a run."""

    runs: int
    dataset: str
    window: float  # Seconds of training.
    first_point_median: float
    first_point_last: float  # Of the slowest run.
    new_first_point_last: float  # The same for a network that must be compiled first.
    gap_median: float
    gap_95th: float
    gap_longest: float
    fewest_updates: int  # Of one run in the window.
    images_per_second: float  # All runs together.
    alone_images_per_second: float  # One run alone.
    ratio: float  # images_per_second / alone_images_per_second.
    baseline_mb: float  # Resident memory before the class starts.
    peak_mb: float  # Peak resident memory until all runs were stopped.
    stop_seconds: float  # Until all runs had ended, each with an evaluation on the test images.
    failures: int


@dataclass(frozen=True)
class Member:
    """Results of one run in the mixed class."""

    preset: str
    seconds_in_turns: float  # Wall time: a turn occupies one of the scheduler's workers.
    turns: int
    gap_95th: float
    images_per_second: float


def verdicts(result: ClassResult, thirty: ClassResult | None) -> str:
    """Return which targets a class met. Larger classes are compared with `thirty`, the class that has targets."""
    checks = {"no failure": not result.failures}
    if result.runs == TARGET_CLASS:
        checks["first point"] = result.first_point_last <= FIRST_POINT_SECONDS
        checks["gaps"] = result.gap_95th <= GAP_SECONDS
        checks["throughput"] = result.ratio >= THROUGHPUT_RATIO
        checks["memory"] = result.peak_mb < MEMORY_MB
    elif thirty is not None and result.runs > TARGET_CLASS:
        factor = TOLERANCE * result.runs / thirty.runs
        taken, taken_by_thirty = result.peak_mb - result.baseline_mb, thirty.peak_mb - thirty.baseline_mb
        checks["first point in proportion"] = result.first_point_last <= factor * thirty.first_point_last
        checks["gaps in proportion"] = result.gap_95th <= factor * thirty.gap_95th
        checks["throughput kept"] = result.ratio >= thirty.ratio / TOLERANCE
        checks["memory in proportion"] = taken <= factor * taken_by_thirty
    return ", ".join(f"{name} {'met' if is_met else 'missed'}" for name, is_met in checks.items())


def class_table(results: Sequence[ClassResult]) -> str:
    """Return the table of all classes."""
    thirty = next((result for result in results if result.runs == TARGET_CLASS), None)
    headings = (
        "runs", "first point, median s", "slowest", "of a new network", "gap, median s", "95th %", "longest",
        "all stopped, s", "images/s", "relative to one run", "memory before, MB", "peak", "failures", "targets",
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
    """Return the table of the mixed class, and the effect of the convolutional run on the others."""
    members = [Member(**fields) for fields in result["members"]]
    times = np.array([x.seconds_in_turns for x in members])
    rows = [
        (x.preset, f"{share:.1%}", x.turns, f"{time:.2f}", f"{x.gap_95th:.2f}", f"{x.images_per_second:,.0f}")
        for x, time, share in zip(members, times, times / times.sum(), strict=True)
    ]
    return (
        report.table(("preset", "share of time", "turns", "time in turns, s", "gap, 95th %, s", "images/s"), rows)
        + f"\n\nGaps of the {DENSE} runs, 95th percentile: {result['gap_95th_without']:.2f} s without the "
        f"{CONVOLUTIONAL} run, {result['gap_95th_with']:.2f} s with it. Its time is "
        f"{times[0] / times[1:].mean():.2f} times the mean of theirs. Failures: {result['failures']}."
    )
