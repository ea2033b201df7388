"""Data sets: loading and checking them, splitting them, and looking at what they hold."""

from mnist_core.data.datasets import Dataset, load
from mnist_core.data.splits import Split

__all__ = ["Dataset", "Split", "load"]
