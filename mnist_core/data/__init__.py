"""Data sets: the table of them, loading, splitting, uploads, and exploration."""

from mnist_core.data.datasets import Dataset, load
from mnist_core.data.splits import Split

__all__ = ["Dataset", "Split", "load"]
