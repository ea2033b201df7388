"""A fuzzing campaign: a child process with limits reads damaged inputs, and is replaced if it dies."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mnist_core.errors import PlaygroundError
from tests.fuzz import faulty, readers
from tests.fuzz.mutations import mutated_input
from tests.fuzz.readers import Reader

ROOT = Path(__file__).parents[2]
READERS: Mapping[str, Reader] = readers.READERS | faulty.READERS
"""All readers, including those that fail on purpose."""
SECONDS = 1.0
"""CPU time limit for one input, in seconds."""
MEMORY = 2**30
"""Memory limit for reading, in bytes, in addition to the child's memory after all imports."""
# Wall time: on a busy machine a second of CPU time may take long, and an endless wait uses no CPU time.
_STUCK_SECONDS = 120.0


@dataclass(frozen=True)
class Fault:
    """An input that was neither accepted nor refused with our errors."""

    reader: str
    seed: int
    number: int
    what: str


@dataclass
class Counts:
    """The outcomes of a reader's inputs."""

    accepted: int = 0
    refused: int = 0
    faults: list[Fault] = field(default_factory=list)
    slowest: float = 0.0
    slowest_number: int = 0


def run(name: str, count: int, seed: int, first: int = 0) -> Counts:
    """Read `count` damaged inputs, numbered from `first`; the same seed gives the same inputs."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(READERS[name].seeds()):
            Path(folder, f"{number:02d}").write_bytes(data)
        number = first
        while number < first + count:
            number = _one_child(name, folder, seed, number, first + count, counts)
    return counts


def seeds_in(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(folder).iterdir())]


def input_of(fault: Fault) -> bytes:
    """Return the input of a fault."""
    return mutated_input(
        READERS[fault.reader].seeds(), READERS[fault.reader].mutation, fault.reader, fault.seed, fault.number
    )


def _one_child(name: str, folder: str, seed: int, start: int, stop: int, counts: Counts) -> int:
    """Read inputs until all are read or the child dies; returns the number of the next one."""
    arguments = [name, folder, str(seed), str(start), str(stop)]
    # Not a pipe: many warnings would fill it and block the child.
    stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.campaign", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )
    number, rest, is_stuck = start - 1, b"", False
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(_STUCK_SECONDS):
                is_stuck = True
                child.kill()
            piece = os.read(child.stdout.fileno(), 2**16)
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if number >= start:
                    _count(counts, Fault(name, seed, number, ""), line.decode())
                number += 1  # The first line says that all imports are done.
            if not piece:
                break
    child.wait()
    stderr.seek(0)
    errors = stderr.read()
    stderr.close()
    if child.returncode == 0:
        return stop
    if number < start:
        raise RuntimeError(f"The child does not start: {errors.decode()}")
    what = "it hangs" if is_stuck else f"killed by {_signal(child.returncode)}"
    counts.faults.append(Fault(name, seed, number, f"{what} {errors.decode()[-500:].strip()}".strip()))
    return number + 1


def _signal(code: int) -> str:
    if code == -signal.SIGPROF:
        return f"its limit of {SECONDS:g} s"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit status {code}"


def _count(counts: Counts, fault: Fault, line: str) -> None:
    outcome, seconds, what = line.split(" ", 2)
    if float(seconds) > counts.slowest:
        counts.slowest, counts.slowest_number = float(seconds), fault.number
    if outcome == "accepted":
        counts.accepted += 1
    elif outcome == "refused":
        counts.refused += 1
    else:
        counts.faults.append(Fault(fault.reader, fault.seed, fault.number, what))


def _child(name: str, folder: str, seed: int, start: int, stop: int) -> None:
    """Read the inputs, and write a line for each."""
    reader, seeds = READERS[name], seeds_in(folder)
    for data in seeds:
        with contextlib.suppress(PlaygroundError):
            reader.read(data)  # Trigger lazy imports.
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Its default action ends a process even inside a loop of a C library.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    print("ready", flush=True)
    for number in range(start, stop):
        data = mutated_input(seeds, reader.mutation, name, seed, number)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        began = time.process_time()
        outcome, what = "accepted", ""
        try:
            reader.read(data)
        except PlaygroundError as error:
            outcome = "refused"
            if len(str(error)) > 2000:
                outcome, what = "fault", f"a message of {len(str(error)):,} letters"
        except BaseException as error:  # noqa: BLE001 - any other error is a fault
            outcome, what = "fault", _place(error)
        seconds = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(f"{outcome} {seconds:.4f} {what}", flush=True)


def _place(error: BaseException) -> str:
    """Return an exception and where it was raised, in one line."""
    frame, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file:
            frame = f"{Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return " ".join(f"{type(error).__name__} at {frame}: {error}"[:300].split())


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
