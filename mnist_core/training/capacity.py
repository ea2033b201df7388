"""What this machine can hold and how fast it is: the basis of every estimate, and of refusing a run in time."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_core import environment
from mnist_core.errors import CapacityError
from mnist_core.language import Message
from mnist_core.network import step_flops

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

# Where the system does not say how much memory is free. Streamlit Community Cloud guarantees 0.7 GB.
_UNKNOWN_FREE_BYTES = 512 * 2**20
# Left alone for pages, evaluation and what a compiler needs for a moment.
_RESERVE_BYTES = 128 * 2**20
# Training speed as a share of a plain matrix product's, and the fixed time per step.
_DENSE_EFFICIENCY = 0.6
_CONVOLUTION_EFFICIENCY = 0.25
_STEP_OVERHEAD_SECONDS = 0.0002
_PROBE_SIZE = 512
# One image bent and thickened, on one core: 12 microseconds on an Intel Xeon.
_AUGMENTATION_SECONDS = 12e-6
_COMPILE_SECONDS = 1.0
# Of two slow cores, until `measure_speed` knows better.
_flops_per_second = 5e10


def free_bytes() -> int:
    """Memory that this process may still take, in bytes.

    ``MNIST_MEMORY_MB`` says it outright; otherwise the smaller of what the system and what the container leave.
    """
    megabytes = environment.whole_number("MNIST_MEMORY_MB", math.inf)
    if megabytes < math.inf:
        return int(megabytes) * 2**20
    found = [
        free
        for free in (_system_free(), _container_free(Path("/sys/fs/cgroup"))) if free is not None
    ]  # fmt: skip
    return min(found, default=_UNKNOWN_FREE_BYTES)


def _system_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None  # Not Linux.
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else None


def _container_free(cgroup: Path) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except OSError:
        return None  # No container, or an older kind.
    try:
        fields = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:
        fields = {}
    # The kernel's cache of files counts as used, but is given up on demand.
    used -= int(fields.get("inactive_file", 0))
    return max(0, int(limit) - used) if limit.isdecimal() else None


def check(needed: int, remedy: str, promised: int = 0) -> None:
    """Refuse a run that would not fit.

    Args:
        needed: bytes that the run takes while it trains.
        remedy: what can be done to make it take less.
        promised: bytes that other runs have been promised and may not yet have taken.

    Raises:
        CapacityError: naming what the run needs and what is free.
    """
    free = free_bytes() - _RESERVE_BYTES - promised
    if needed > free:
        raise CapacityError(
            Message(
                "This run needs about {needed:,.0f} MB while it trains. The server has only {free:,.0f} MB free.",
                needed=needed / 2**20,
                free=max(0, free) / 2**20,
            ),
            remedy,
        )


def measure_speed() -> float:
    """Measure this machine for `estimated_seconds`, in 50 ms; best when nothing else is going on.

    Returns:
        float32 operations a second in a matrix product.
    """
    global _flops_per_second  # noqa: PLW0603
    a = np.ones((_PROBE_SIZE, _PROBE_SIZE), np.float32)
    best = math.inf
    for _ in range(10):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    _flops_per_second = 2 * _PROBE_SIZE**3 / best
    return _flops_per_second


def estimated_seconds(config: RunConfig, training_images: int) -> float:
    """How long the whole run will take alone on this machine, in seconds: a rough guess, right to a factor of two."""
    efficiency = _CONVOLUTION_EFFICIENCY if any(x.is_convolution for x in config.layers) else _DENSE_EFFICIENCY
    step = _STEP_OVERHEAD_SECONDS + step_flops(config) / (efficiency * _flops_per_second)
    step += _AUGMENTATION_SECONDS * config.batch_size if config.augmentation else 0
    return _COMPILE_SECONDS + config.epochs * math.ceil(training_images / config.batch_size) * step
