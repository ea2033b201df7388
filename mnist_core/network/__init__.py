"""Networks: what their layers compute, the trained network, and its files."""

from mnist_core.network.model import (
    TrainedNetwork,
    parameter_count,
    step_flops,
    summary,
    to_keras,
    training_bytes,
)

__all__ = ["TrainedNetwork", "parameter_count", "step_flops", "summary", "to_keras", "training_bytes"]
