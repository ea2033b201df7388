"""Data sets: loading and checking them, splitting them, and looking at what they hold."""

from mnist_core.data.datasets import Dataset, Split, load

__all__ = ["Dataset", "Split", "load"]
