"""Metrics of a network, explanations of its answers, and comparisons of runs."""

from mnist_core.evaluation.metrics import Evaluation, evaluate
from mnist_core.evaluation.predictor import Prediction, Predictor, shipped

__all__ = ["Evaluation", "Prediction", "Predictor", "evaluate", "shipped"]
