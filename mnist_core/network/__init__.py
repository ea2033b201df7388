"""Networks: what their layers compute, the trained network, and its files."""

from mnist_core.network.model import (
    TrainedNetwork,
    multiplications,
    parameter_count,
    step_flops,
    summary,
    to_keras,
    training_bytes,
)

__all__ = [
    "TrainedNetwork",
    "multiplications",
    "parameter_count",
    "step_flops",
    "summary",
    "to_keras",
    "training_bytes",
]
