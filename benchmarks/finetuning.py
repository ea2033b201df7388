"""Gain from fine-tuning on one writer's digits: ``python -m benchmarks.finetuning STROKES.jsonl``.

Each preset is trained on MNIST. For each writer, a copy of it is then fine-tuned on the writer's first drawing of each
digit, as on the Draw page. The copy is evaluated on the writer's other drawings and on MNIST's test images.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks import handwriting, report
from mnist_core import presets, training
from mnist_core.data import datasets
from mnist_core.drawing import strokes, test_set
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import evaluate
from mnist_core.training import finetuning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mnist_core.data import Dataset
    from mnist_core.drawing.strokes import PenDigit
    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.network import TrainedNetwork

NETWORKS = ("torres", "kite", "morgan-1", "cnn")


def first_and_other_drawings(digits: list[PenDigit]) -> tuple[list[LabelledDrawing], list[LabelledDrawing]]:
    """Return a writer's first drawing of each digit, and the other drawings."""
    first: list[LabelledDrawing] = []
    others: list[LabelledDrawing] = []
    for one, image in zip(digits, handwriting.images(digits, handwriting.USUAL), strict=True):
        if any(made.label == one.label for made in first):
            others = test_set.add_drawing(others, image, one.label, ())
        else:
            first = test_set.add_drawing(first, image, one.label, ())
    return first, others


def measure(name: str, mnist: Dataset, writers: list[list[PenDigit]]) -> dict[str, float]:
    """Train a preset, fine-tune a copy for each writer, and return the accuracies before and after."""
    base = _trained_network(training.train(presets.PRESETS[name].config, mnist))
    before = after = count = 0
    mnist_after, seconds = [], []
    for digits in writers:
        learned, others = first_and_other_drawings(digits)
        began = time.perf_counter()
        mixed = finetuning.training_set(base.config, mnist, learned)
        taught = _trained_network(training.train(finetuning.recipe(base.config), mixed, finetuning.start(base)))
        seconds.append(time.perf_counter() - began)
        before += test_set.count_correct(base, others)
        after += test_set.count_correct(taught, others)
        count += len(others)
        mnist_after.append(_accuracy(taught, mnist))
    return {
        "others_before": round(before / count, 4),
        "others_after": round(after / count, 4),
        "mnist_before": round(_accuracy(base, mnist), 4),
        "mnist_after": round(statistics.mean(mnist_after), 4),
        "mnist_after_lowest": round(min(mnist_after), 4),
        "seconds": round(statistics.median(seconds), 2),
    }


def _trained_network(events: Iterable[training.Event]) -> TrainedNetwork:
    *_, last = events
    assert isinstance(last, training.Finished)
    return last.network


def _accuracy(network: TrainedNetwork, mnist: Dataset) -> float:
    return evaluate(network, mnist.test_images, mnist.test_labels).accuracy


def main() -> None:
    """Read the command line, measure, print and write ``benchmarks/results/finetuning.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuning", description=__doc__.splitlines()[0])
    handwriting.add_digit_arguments(parser)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS, help="presets (default: all)")
    options = parser.parse_args()
    by_writer: dict[str, list[PenDigit]] = {}
    try:
        digits = strokes.select_writers(strokes.read_jsonl(options.strokes), options.writers)
    except PlaygroundError as error:
        parser.error(str(error))
    if not digits:
        parser.error("the file has no digits by these writers")
    for one in digits:
        by_writer.setdefault(one.writer, []).append(one)
    mnist = datasets.load("mnist")
    print(f"{report.machine_line()}; data set: {mnist.name}; {len(by_writer)} writers\n", flush=True)
    found = {name: measure(name, mnist, list(by_writer.values())) for name in options.networks}
    titles = ["network", "others before", "others after", "test images before", "after", "lowest after", "seconds"]
    rows = [
        [name, *(f"{share:.2%}" for share in list(figures.values())[:-1]), figures["seconds"]]
        for name, figures in found.items()
    ]
    print(report.table(titles, rows))
    if set(options.networks) == set(NETWORKS):  # A partial measurement must not replace a complete one.
        report.write("finetuning", {"strokes": options.strokes.name, "writers": options.writers, "found": found})


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
