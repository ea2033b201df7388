"""How TensorFlow is imported, seen in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Prints how much of 200 MB of tensors the process still has when they are gone, from 0 to 1.
PROGRAM = """
import ctypes, gc, resource
from pathlib import Path
from mnist_core.network.backend import load_tensorflow

load_tensorflow()
import tensorflow as tf

def resident():
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def make(count):
    return [tf.zeros((2**18,)) + number for number in range(count)]

make(2)  # What the first operations need.
before = resident()
tensors = make(200)
full = resident()
assert full - before > 180 * 2**20, (before, full)
del tensors
gc.collect()
print((resident() - before) / (full - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Reads Linux's files about the process.")
def test_memory_of_tensors_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 0.1
