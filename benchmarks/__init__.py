"""Benchmarks: ratios to other libraries in the same run. Each module is a command: ``python -m benchmarks.training``."""
