"""How well drawings are read: ``python -m benchmarks.handwriting STROKES.jsonl`` draws digits and reads them.

Each line of the file is one digit as strokes (see `mnist_core.drawing.strokes`). It is drawn on a canvas as on Draw,
with several pens, sizes and places, brought to 28x28 and read by the network that the playground ships; and, for
comparison, once more with the canvas simply shrunk to 28x28.
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

LEAST_EVERYWHERE = 0.975
LEAST_FROM_10_TO_30 = 0.985
MOST_CALIBRATION_ERROR = 0.03


@dataclass(frozen=True)
class Setting:
    """How the digits are drawn: the pen in pixels of a canvas of 280, size and middle as shares of the canvas."""

    pen: float
    size: float
    centre: tuple[float, float] = (0.5, 0.5)

    def __str__(self) -> str:
        where = "" if self.centre == (0.5, 0.5) else f" at {self.centre[0]:g}, {self.centre[1]:g}"
        return f"pen {self.pen:g}, size {self.size:g}{where}"

    @property
    def least(self) -> float:
        """The share that must be read right."""
        return LEAST_FROM_10_TO_30 if self.size == USUAL_SIZE and 10 <= self.pen <= 30 else LEAST_EVERYWHERE


USUAL_SIZE = 0.65
SETTINGS = (
    *(Setting(pen, USUAL_SIZE) for pen in (6, 8, 10, 12, 14, 18, 22, 26, 30, 35, 40)),
    # A tenth of the canvas is 28 pixels: a wider pen than 6 leaves no digit.
    *(Setting(6, size) for size in (0.1, 0.15, 0.2, 0.3)),
    *(Setting(14, size) for size in (0.4, 0.5, 0.8, 0.94)),
    *(Setting(12, 0.3, centre) for centre in ((0.2, 0.2), (0.8, 0.3), (0.25, 0.75), (0.8, 0.8))),
)
USUAL = Setting(18, USUAL_SIZE)


def images(digits: list[PenDigit], setting: Setting, straight: bool = False) -> npt.NDArray[np.float32]:
    """The digits drawn and brought to 28x28, (n, 28, 28) float32."""
    preparation = preprocessing.RESIZE_ONLY if straight else preprocessing.MNIST_PREPARATION
    placed = (strokes.fit_to_canvas(one.strokes, setting.size, setting.centre) for one in digits)
    return np.stack([preprocessing.to_mnist(strokes.render(lines, setting.pen), preparation).image for lines in placed])


def measure(network: TrainedNetwork, digits: list[PenDigit]) -> dict[str, Any]:
    """Read every digit in every setting; prints the tables and returns the figures."""
    labels = np.array([one.label for one in digits])
    rows, found, right = [], {}, []
    for setting in SETTINGS:
        probabilities = network.predict(images(digits, setting))
        correct = probabilities.argmax(axis=1) == labels
        plain = network.predict(images(digits, setting, straight=True)).argmax(axis=1) == labels
        error = calibration_error(probabilities, labels)
        unsure = 1 - Prediction(probabilities).is_confident.mean()
        right.append(correct)
        is_met = correct.mean() >= setting.least and error <= MOST_CALIBRATION_ERROR
        found[str(setting)] = {
            "accuracy": round(float(correct.mean()), 4),
            "straight": round(float(plain.mean()), 4),
            "calibration_error": round(error, 4),
            "not_sure": round(float(unsure), 4),
        }
        cells = [str(setting), f"{correct.mean():.2%}", f"{setting.least:.1%}", f"{plain.mean():.2%}"]
        rows.append([*cells, f"{error:.3f}", f"{unsure:.1%}", "met" if is_met else "MISSED"])
    print(report.table(["drawn with", "read right", "at least", "shrunk", "calibration error", "not sure", ""], rows))
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


def _speed(network: TrainedNetwork) -> dict[str, float]:
    """The medians of how long its file takes to load and, once compiled, an image to be answered."""
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


def add_digits(parser: argparse.ArgumentParser) -> None:
    """Let a command line say which digits are read: a file, and whose of it."""
    parser.add_argument("strokes", type=Path, metavar="STROKES.jsonl", help="one digit a line")
    parser.add_argument(
        "--writers", nargs="+", default=["*"], metavar="NAME", help="only these; * and [4-5] are allowed"
    )


def main() -> int:
    """Read the command line, measure, print and write ``benchmarks/results/handwriting.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handwriting", description=__doc__.splitlines()[0])
    add_digits(parser)
    parser.add_argument("--network", type=Path, help="a network's file (default: the one that is shipped)")
    options = parser.parse_args()
    try:
        network = files.read_file(options.network) if options.network else shipped().network
        digits = strokes.select_writers(strokes.read_jsonl(options.strokes), options.writers)
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 1
    if not digits:
        parser.error("no digit in the file is by such a writer")
    print(report.machine_line())
    speed = _speed(network)
    print(f"Loaded in {speed['load_seconds']:.3f} s, one image answered in {speed['answer_ms']:.2f} ms\n")
    results = {"strokes": options.strokes.name, "writers": options.writers} | measure(network, digits) | speed
    if not options.network:
        print(f"\nWritten to {report.write('handwriting', results).name}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
