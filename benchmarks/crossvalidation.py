"""Cross-validation by writer: ``python -m benchmarks.crossvalidation STROKES.jsonl [STROKES.jsonl ...]``.

The writers of each file are divided evenly into folds. For each fold, a network with the recipe of the built-in one
trains on the writers of the other folds and reads the digits of this fold, drawn with pens of 10 to 30 pixels. So every
digit is read by a network that has not seen its writer.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import handwriting, report
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.drawing import strokes
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.evaluation import predictor
from mnist_core.evaluation.metrics import calibration_error
from mnist_core.training import pretraining

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from mnist_core.data import Dataset
    from mnist_core.drawing.strokes import PenDigit
    from mnist_core.network import TrainedNetwork

    Sources = Mapping[str, Sequence[PenDigit]]

SETTINGS = tuple(
    setting for setting in handwriting.SETTINGS if setting.target == handwriting.MIN_ACCURACY_PENS_10_TO_30
)


def folds(sources: Sources, count: int, seed: int = 0) -> list[frozenset[str]]:
    """Return the writers of each fold: the writers of each source are shuffled and dealt out to the folds in turn.

    Raises:
        DataError: a source has fewer writers than there are folds.
    """
    dealt: list[set[str]] = [set() for _ in range(count)]
    for name, digits in sources.items():
        writers = sorted({one.writer for one in digits})
        if len(writers) < count:
            raise DataError(f"{name} has fewer writers than folds.", f"Use at most {len(writers)} folds.", count)
        for place, writer in enumerate(np.random.default_rng(seed).permutation(writers)):
            dealt[place % count].add(str(writer))
    return [frozenset(writers) for writers in dealt]


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """The answers of the networks to the held-out digits of one source.

    Args:
        labels: (n,) int, the true digits.
        writers: (n,) str, their writers.
        probabilities: (settings, n, 10) float32, in the order of `SETTINGS`.
    """

    labels: npt.NDArray[np.int64]
    writers: npt.NDArray[np.str_]
    probabilities: npt.NDArray[np.float32]

    @property
    def is_correct(self) -> npt.NDArray[np.bool_]:
        """(settings, n) bool: which answers are correct."""
        return np.asarray(self.probabilities.argmax(axis=2) == self.labels)


def read(network: TrainedNetwork, digits: Sequence[PenDigit]) -> Answers:
    """Return the network's answers to the digits in every setting."""
    return Answers(
        np.array([one.label for one in digits]),
        np.array([one.writer for one in digits]),
        np.stack([network.predict(handwriting.images(list(digits), setting)) for setting in SETTINGS]),
    )


def concatenate(parts: Sequence[Answers]) -> Answers:
    """Join the answers of several folds."""
    return Answers(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.writers for part in parts]),
        np.concatenate([part.probabilities for part in parts], axis=1),
    )


def exclude_writers(digits: Sequence[PenDigit], writers: frozenset[str]) -> list[PenDigit]:
    """Return the digits of all other writers."""
    return [one for one in digits if one.writer not in writers]


def keep_writers(digits: Sequence[PenDigit], writers: frozenset[str]) -> list[PenDigit]:
    """Return the digits of these writers."""
    return [one for one in digits if one.writer in writers]


def run(
    mnist: Dataset, sources: Sources, count: int, recipe: RunConfig, learn: Sequence[str] = ("*",)
) -> dict[str, Any]:
    """Train on and evaluate each fold, print the tables, and return the figures.

    Args:
        mnist: training images for every fold; every network is also evaluated on its test images.
        sources: pen digits by the name of their data set.
        count: number of folds.
        recipe: the network and how it learns.
        learn: train only on writers whose name matches one of these patterns; evaluate on all.
    """
    found: dict[str, list[Answers]] = {name: [] for name in sources}
    accuracies, errors, began = [], [], time.monotonic()
    for number, held_out in enumerate(folds(sources, count), 1):
        learned = [strokes.select_writers(exclude_writers(digits, held_out), learn) for digits in sources.values()]
        extra = pretraining.material([digits for digits in learned if digits], recipe.seed)
        network = pretraining.pretrain(mnist, extra, recipe)
        probabilities = network.predict(mnist.test_images)
        accuracies.append(float((probabilities.argmax(axis=1) == mnist.test_labels).mean()))
        errors.append(calibration_error(probabilities, mnist.test_labels))
        for name, digits in sources.items():
            found[name].append(read(network, keep_writers(digits, held_out)))
        shares = ", ".join(f"{name} {parts[-1].is_correct.mean():.2%}" for name, parts in found.items())
        minutes = (time.monotonic() - began) / 60
        print(f"fold {number}/{count}: {shares}, MNIST {accuracies[-1]:.2%}, {minutes:.1f} min", flush=True)
    figures = {name: _figures(concatenate(parts)) for name, parts in found.items()}
    _print_tables(figures)
    print(f"\nMNIST's test images: {np.mean(accuracies):.2%}, calibration error {np.mean(errors):.4f}")
    return {
        "sources": figures,
        "mnist": [round(accuracy, 4) for accuracy in accuracies],
        "mnist_calibration_error": [round(error, 4) for error in errors],
        "minutes": round((time.monotonic() - began) / 60, 1),
    }


def _figures(answers: Answers) -> dict[str, Any]:
    right = answers.is_correct
    settings = {
        str(setting): {
            "accuracy": round(float(right[i].mean()), 4),
            "calibration_error": round(calibration_error(answers.probabilities[i], answers.labels), 4),
            "not_sure": round(float(1 - predictor.Prediction(answers.probabilities[i]).is_confident.mean()), 4),
        }
        for i, setting in enumerate(SETTINGS)
    }
    return {
        "digits": len(answers.labels),
        "overall": round(float(right.mean()), 4),
        "settings": settings,
        "digit": _shares(right, answers.labels),
        "writer": _shares(right, answers.writers),
    }


def _shares(right: npt.NDArray[np.bool_], groups: npt.NDArray[Any]) -> dict[str, float]:
    return {str(group): round(float(right[:, groups == group].mean()), 4) for group in np.unique(groups)}


def _print_tables(figures: Mapping[str, Any]) -> None:
    rows = [
        [name, setting, f"{one['accuracy']:.2%}", f"{one['calibration_error']:.3f}", f"{one['not_sure']:.1%}"]
        for name, source in figures.items()
        for setting, one in source["settings"].items()
    ]
    print("\n" + report.table(["source", "drawn with", "read right", "calibration error", "not sure"], rows))
    rows = [
        [name, writer, f"{share:.2%}"]
        for name, source in figures.items()
        for writer, share in sorted(source["writer"].items(), key=lambda item: item[1])
    ]
    print("\n" + report.table(["source", "writer", "read right"], rows))
    rows = [
        [name, source["digits"], len(source["writer"]), f"{source['overall']:.2%}"] for name, source in figures.items()
    ]
    print("\n" + report.table(["source", "digits", "writers", "read right"], rows))


def main() -> int:
    """Read the command line, measure, print and write the results file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossvalidation", description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path, nargs="+", metavar="STROKES.jsonl", help="one digit a line")
    parser.add_argument("--writers", nargs="+", default=pretraining.WRITERS, metavar="NAME", help="%(default)s")
    parser.add_argument("--learn", nargs="+", default=("*",), metavar="NAME", help="train only on these of them")
    parser.add_argument("--folds", type=int, default=5, help="at least 2 (%(default)s)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's, for a short run")
    parser.add_argument("--layers", help="instead of the recipe's, for a short run: conv-32-relu,dense-128-relu-0.3")
    parser.add_argument(
        "--name", default="crossvalidation", help="name of the file in benchmarks/results (%(default)s)"
    )
    options = parser.parse_args()
    if options.folds < 2:
        parser.error("at least two folds are needed")
    try:
        changes: dict[str, Any] = {} if options.epochs is None else {"epochs": options.epochs}
        if options.layers is not None:
            changes["layers"] = RunConfig.from_query({"layers": options.layers}).layers
        recipe = dataclasses.replace(pretraining.RECIPE, **changes)
        sources = {
            path.stem: strokes.select_writers(strokes.read_jsonl(path), options.writers) for path in options.strokes
        }
        mnist = datasets.load("mnist")
        print(f"{report.machine_line()}; data set: {mnist.name}\n", flush=True)
        results = run(mnist, sources, options.folds, recipe, options.learn)
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 1
    settings = {
        "strokes": [path.name for path in options.strokes],
        "writers": list(options.writers),
        "learned_from": list(options.learn),
        "folds": options.folds,
        "recipe": recipe.to_query(),
    }
    print(f"\nWritten to {report.write(options.name, settings | results).name}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
