"""How often the built-in network is unsure of drawings that are not digits: ``python -m benchmarks.no_digits``.

Scribbles, pairs of digits and letters are drawn with pens of 8 to 30 pixels and read. The letters differ from those
that the network was trained to be unsure of, `handwriting.LETTER_FORMS`. Some letters look like digits, so 100 % is
impossible.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import report
from mnist_core.drawing import handwriting, preprocessing, strokes
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import predictor
from mnist_core.network import files

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from mnist_core.network import TrainedNetwork

    Drawer = Callable[[np.random.Generator], strokes.Strokes]

# In the notation of `handwriting.DIGIT_FORMS`.
LETTERS = {
    "heart": "52 31 12 14 26|59|86 94 92 71 52",
    "y": "10|45/80|29",
    "a": "75 44 26 29 58 76|74|79",
    "G": "81 50 14 27 59 88|85|55",
    "m": "04|09/05 24 35|39/35 54 65|69",
    "k": "20|29/70|25|79",
    "P": "20|29/20 60 72 64 25",
    "R": "20|29/20 60 72 64 25|79",
    "f": "70 50 42 49/24|64",
    "w": "04|29|45|69|94",
    "t": "40|48 59 78/14|74",
    "Q": "50 22 14 27 59 77 84 72 50/66|99",
    "Y": "00|45|90/45|49",
    "J": "70|77 59 29 17",
    "e": "16|86 74 44 24 16 28 59 88",
    "T": "00|90/40|49",
    "d": "76 45 26 28 59 77/70|79",
    "u": "14 17 39 68 74/74|79",
    "n": "14|19/16 34 64 76|79",
    "h": "10|19/16 34 64 76|79",
}
DRAWINGS_PER_KIND, DRAWINGS_PER_LETTER = 1000, 100
_SIZE, _PENS = 0.65, (8.0, 30.0)


def images(draw: Drawer, count: int, seed: int) -> npt.NDArray[np.float32]:
    """Return drawings by `draw` with random pens, preprocessed: (count, 28, 28) float32."""
    random = np.random.default_rng([seed, 11])
    low, high = map(math.log, _PENS)
    found = []
    for _ in range(count):
        lines, pen = draw(random), math.exp(random.uniform(low, high))
        found.append(preprocessing.to_mnist(strokes.render(strokes.fit_to_canvas(lines, _SIZE), pen)).image)
    return np.stack(found)


def measure(network: TrainedNetwork, seed: int = 0) -> dict[str, Any]:
    """Read all drawings, print the table and return the shares that the network is unsure of."""
    kinds: dict[str, tuple[Drawer, int]] = {
        "scribbles": (handwriting.scribble_strokes, DRAWINGS_PER_KIND),
        "pairs": (handwriting.digit_pair_strokes, DRAWINGS_PER_KIND),
    }
    for name, form in LETTERS.items():
        kinds[name] = (functools.partial(handwriting.letter_strokes, form), DRAWINGS_PER_LETTER)
    found: dict[str, dict[str, Any]] = {}
    rows = []
    for name, (draw, count) in kinds.items():
        answers = predictor.Prediction(network.predict(images(draw, count, seed)))
        share = float(1 - answers.is_confident.mean())
        taken = np.bincount(answers.digit[answers.is_confident], minlength=10)
        mostly = str(taken.argmax()) if taken.any() else "-"
        found[name] = {"not_sure": round(share, 4), "mostly": mostly}
        rows.append([name, count, f"{share:.1%}", mostly])
    print(report.table(["drawn", "drawings", "not sure", "most frequent answer otherwise"], rows))
    letters = [found[name]["not_sure"] for name in LETTERS]
    print(f"\nAll letters: {np.mean(letters):.1%}")
    return {"found": found, "letters": round(float(np.mean(letters)), 4)}


def main() -> int:
    """Read the command line, measure, print and write ``benchmarks/results/no_digits.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.no_digits", description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, help="file of a network (default: the shipped one)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawings (%(default)s)")
    options = parser.parse_args()
    try:
        network = files.read_file(options.network) if options.network else predictor.shipped().network
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 1
    print(report.machine_line() + "\n")
    results = measure(network, options.seed)
    if not options.network:
        print(f"\nWritten to {report.write('no_digits', {'seed': options.seed} | results).name}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
