"""Benchmarks: ratios to other libraries in the same run. Commands such as ``python -m benchmarks.training``."""
