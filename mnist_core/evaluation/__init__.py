"""Evaluation: how good a network is, why it answers as it does, and how two runs differ."""

from mnist_core.evaluation.metrics import Evaluation, evaluate
from mnist_core.evaluation.predictor import Prediction, Predictor, shipped

__all__ = ["Evaluation", "Prediction", "Predictor", "evaluate", "shipped"]
