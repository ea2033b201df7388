"""Accuracy on drawings: ``python -m benchmarks.handwriting STROKES.jsonl`` draws digits and reads them.

Each line of the file is one digit as strokes (see `mnist_core.drawing.strokes`). It is drawn on a canvas as on the Draw
page, with several pens, sizes and places, preprocessed to 28x28 and read by the network that the playground ships. For
comparison, the network also reads the canvas resized to 28x28 without preprocessing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import report
from mnist_core.drawing import preprocessing, strokes
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import Prediction, Predictor, shipped
from mnist_core.evaluation.metrics import calibration_error
from mnist_core.network import files

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from mnist_core.drawing.strokes import PenDigit
    from mnist_core.network import TrainedNetwork

MIN_ACCURACY = 0.975
MIN_ACCURACY_PENS_10_TO_30 = 0.985
MAX_CALIBRATION_ERROR = 0.03


@dataclass(frozen=True)
class Setting:
    """How the digits are drawn: pen width in pixels on a canvas of 280, size and centre as shares of the canvas."""

    pen: float
    size: float
    centre: tuple[float, float] = (0.5, 0.5)

    def __str__(self) -> str:
        where = "" if self.centre == (0.5, 0.5) else f" at {self.centre[0]:g}, {self.centre[1]:g}"
        return f"pen {self.pen:g}, size {self.size:g}{where}"

    @property
    def target(self) -> float:
        """The target for the accuracy."""
        return MIN_ACCURACY_PENS_10_TO_30 if self.size == USUAL_SIZE and 10 <= self.pen <= 30 else MIN_ACCURACY


USUAL_SIZE = 0.65
SETTINGS = (
    *(Setting(pen, USUAL_SIZE) for pen in (6, 8, 10, 12, 14, 18, 22, 26, 30, 35, 40)),
    # A tenth of the canvas is 28 pixels: too small for a pen wider than 6.
    *(Setting(6, size) for size in (0.1, 0.15, 0.2, 0.3)),
    *(Setting(14, size) for size in (0.4, 0.5, 0.8, 0.94)),
    *(Setting(12, 0.3, centre) for centre in ((0.2, 0.2), (0.8, 0.3), (0.25, 0.75), (0.8, 0.8))),
)
USUAL = Setting(18, USUAL_SIZE)


def images(digits: list[PenDigit], setting: Setting, resize_only: bool = False) -> npt.NDArray[np.float32]:
    """Return the digits drawn and preprocessed, (n, 28, 28) float32; with `resize_only`, only resized."""
    preparation = preprocessing.RESIZE_ONLY if resize_only else preprocessing.MNIST_PREPARATION
    placed = (strokes.fit_to_canvas(one.strokes, setting.size, setting.centre) for one in digits)
    return np.stack([preprocessing.to_mnist(strokes.render(lines, setting.pen), preparation).image for lines in placed])


def measure(network: TrainedNetwork, digits: list[PenDigit]) -> dict[str, Any]:
    """Read every digit in every setting; print the tables and return the figures."""
    labels = np.array([one.label for one in digits])
    rows, found, right = [], {}, []
    for setting in SETTINGS:
        probabilities = network.predict(images(digits, setting))
        correct = probabilities.argmax(axis=1) == labels
        plain = network.predict(images(digits, setting, resize_only=True)).argmax(axis=1) == labels
        error = calibration_error(probabilities, labels)
        unsure = 1 - Prediction(probabilities).is_confident.mean()
        right.append(correct)
        is_met = correct.mean() >= setting.target and error <= MAX_CALIBRATION_ERROR
        found[str(setting)] = {
            "accuracy": round(float(correct.mean()), 4),
            "straight": round(float(plain.mean()), 4),
            "calibration_error": round(error, 4),
            "not_sure": round(float(unsure), 4),
        }
        cells = [str(setting), f"{correct.mean():.2%}", f"{setting.target:.1%}", f"{plain.mean():.2%}"]
        rows.append([*cells, f"{error:.3f}", f"{unsure:.1%}", "met" if is_met else "MISSED"])
    print(
        report.table(["drawn with", "read right", "target", "only resized", "calibration error", "not sure", ""], rows)
    )
    table = np.array(right)
    by_digit = {str(d): round(float(table[:, labels == d].mean()), 4) for d in range(10) if (labels == d).any()}
    writers = np.array([one.writer for one in digits])
    by_writer = {str(w): round(float(table[:, writers == w].mean()), 4) for w in np.unique(writers)}
    print("\n" + report.table(["digit", "all settings"], [[d, f"{share:.2%}"] for d, share in by_digit.items()]))
    worst = sorted(by_writer.items(), key=lambda item: item[1])
    print("\n" + report.table(["writer", "all settings"], [[w, f"{share:.2%}"] for w, share in worst]))
    overall = float(table.mean())
    print(f"\n{len(digits)} digits by {len(by_writer)} writers, all settings: {overall:.2%}")
    return {
        "digits": len(digits),
        "overall": round(overall, 4),
        "settings": found,
        "digit": by_digit,
        "writer": by_writer,
    }


def _measure_speed(network: TrainedNetwork) -> dict[str, float]:
    """Return the median times to load its file and, once compiled, to read an image."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.npz")
        network.save(path)
        load = _median_seconds(lambda: files.read_file(path), 10)
    predictor = Predictor(network)
    image = np.random.default_rng(0).random((28, 28)).astype(np.float32)
    predictor(image)
    return {
        "load_seconds": round(load, 4),
        "answer_ms": round(_median_seconds(lambda: predictor(image), 200) * 1000, 3),
    }


def _median_seconds(act: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def add_digit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that select the digits: a file, and its writers."""
    parser.add_argument("strokes", type=Path, metavar="STROKES.jsonl", help="one digit a line")
    parser.add_argument(
        "--writers",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help="only these writers; patterns with * and [4-5] are allowed",
    )


def main() -> int:
    """Read the command line, measure, print and write ``benchmarks/results/handwriting.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handwriting", description=__doc__.splitlines()[0])
    add_digit_arguments(parser)
    parser.add_argument("--network", type=Path, help="file of a network (default: the shipped one)")
    options = parser.parse_args()
    try:
        network = files.read_file(options.network) if options.network else shipped().network
        digits = strokes.select_writers(strokes.read_jsonl(options.strokes), options.writers)
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 1
    if not digits:
        parser.error("the file has no digits by these writers")
    print(report.machine_line())
    speed = _measure_speed(network)
    print(f"Loaded in {speed['load_seconds']:.3f} s, one image read in {speed['answer_ms']:.2f} ms\n")
    results = {"strokes": options.strokes.name, "writers": options.writers} | measure(network, digits) | speed
    if not options.network:
        print(f"\nWritten to {report.write('handwriting', results).name}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
