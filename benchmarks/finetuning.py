"""What teaching a network one's own digits gives: ``python -m benchmarks.finetuning STROKES.jsonl``.

Each preset is trained on MNIST; then, for one writer after the other, a copy of it is taught the writer's first drawing
of each digit, as the Draw page does it, and reads the writer's other drawings, and MNIST's test images once more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import report
from mnist_core import datasets, drawing, finetuning, labelled, presets, strokes, training
from mnist_core.labelled import LabelledDrawing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mnist_core.datasets import Dataset
    from mnist_core.network import TrainedNetwork
    from mnist_core.strokes import PenDigit

NETWORKS = ("torres", "kite", "morgan-1", "cnn")
_PEN, _SIZE = 18, 0.65


def halves(digits: Iterable[PenDigit]) -> tuple[list[LabelledDrawing], list[LabelledDrawing]]:
    """One writer's first drawing of each digit, and the others."""
    first: dict[int, LabelledDrawing] = {}
    others = []
    for one in digits:
        image = drawing.to_mnist(strokes.drawn(strokes.placed(one.strokes, _SIZE), _PEN)).image
        made = LabelledDrawing(np.round(image * 255).astype(np.uint8), one.label)
        if first.setdefault(one.label, made) is not made:
            others.append(made)
    return list(first.values()), others


def measure(name: str, mnist: Dataset, writers: list[list[PenDigit]]) -> dict[str, float]:
    """Train a preset, teach it each writer's digits, and tell the shares read right before and after."""
    base = _trained(training.train(presets.PRESETS[name].config, mnist))
    before = after = count = 0
    mnist_after, seconds = [], []
    for digits in writers:
        learned, others = halves(digits)
        began = time.perf_counter()
        lesson = finetuning.lesson(base.config, mnist, learned)
        taught = _trained(training.train(finetuning.recipe(base.config), lesson, finetuning.start(base)))
        seconds.append(time.perf_counter() - began)
        before += labelled.read_right(base, others)
        after += labelled.read_right(taught, others)
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


def _trained(events: Iterable[training.Event]) -> TrainedNetwork:
    *_, last = events
    assert isinstance(last, training.Finished)
    return last.network


def _accuracy(network: TrainedNetwork, mnist: Dataset) -> float:
    return float((network.predict(mnist.test_images).argmax(axis=1) == mnist.test_labels).mean())


def main() -> None:
    """Read the command line, measure, print and write ``benchmarks/results/finetuning.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuning", description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path, metavar="STROKES.jsonl", help="one digit a line, several by each writer")
    parser.add_argument(
        "--writers", nargs="+", default=["*"], metavar="NAME", help="only these; * and [4-5] are allowed"
    )
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS, help="which presets (all)")
    options = parser.parse_args()
    by_writer: dict[str, list[PenDigit]] = {}
    for one in strokes.by_writers(strokes.read_jsonl(options.strokes), options.writers):
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
    report.write("finetuning", {"strokes": options.strokes.name, "writers": options.writers, "found": found})


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
