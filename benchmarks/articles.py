"""Every figure of the articles beside ours: ``python -m benchmarks.articles`` trains their recipes on MNIST.

It also examines what the articles claim or leave open (how far Torres' network comes, and when; how long Morgan's were
trained), measures the other models that they name, and writes ``benchmarks/articles.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import report
from mnist_core import training
from mnist_core.data import datasets
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation.metrics import as_shares, errors_only, evaluate_answers, evaluate_on_test
from mnist_core.lessons.articles import ARTICLES, Row, compare, format_published, format_value
from mnist_core.network import TrainedNetwork
from mnist_core.training import classical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation

PATH = Path(__file__).with_suffix(".md")
# Longer than the recipes where an article claims more than its recipe gives, or does not say how long.
MARKS = {"torres": (5, 10, 20, 40), "morgan-0": (5, 10, 20), "morgan-1": (5, 10, 20), "morgan-2": (5, 10, 20)}
SEEDS = range(10)
FEW_TREES = 20
SHOWN_CELLS = 8


@dataclass(frozen=True, eq=False)
class Run:
    """What a run came to.

    Args:
        history: one entry for each epoch.
        seconds: the median epoch's.
        evaluations: on the test images, after each epoch that was asked for.
    """

    history: tuple[training.EpochMetrics, ...]
    seconds: float
    evaluations: dict[int, Evaluation]


def trained(config: RunConfig, dataset: Dataset, marks: tuple[int, ...] = ()) -> Run:
    """Train a recipe for as many epochs as the last mark says, evaluating after each; without marks as it is."""
    marks = marks or (config.epochs,)
    config = dataclasses.replace(config, epochs=max(marks))
    seconds, evaluations = [], {}
    history: tuple[training.EpochMetrics, ...] = ()
    began = time.perf_counter()
    for event in training.train(config, dataset):
        if isinstance(event, training.EpochEnded):
            seconds.append(time.perf_counter() - began)
            history = event.state.history
            if event.epoch in marks:
                evaluations[event.epoch] = evaluate_on_test(TrainedNetwork(config, event.state.weights), dataset)
            began = time.perf_counter()
    return Run(history, statistics.median(seconds), evaluations)


def compared(rows: list[Row]) -> str:
    """The table of an article. A difference of seconds would say something of the machines only."""
    lines = []
    for row in rows:
        difference = "" if row.ours is None or row.unit == "seconds" else _signed(row.ours - row.published, row.unit)
        lines.append((row.figure, format_published(row), format_value(row.ours, row.unit), difference))
    return report.table(["figure", "published", "ours", "difference"], lines)


def _signed(value: float, unit: str) -> str:
    return ("+" if value >= 0 else "") + format_value(value, unit)


def torres_variants(run: Run, dataset: Dataset) -> str:
    """After how many epochs, or at which learning rate, Torres' network reaches what is claimed."""
    article = ARTICLES["torres"]
    answer = article.answer
    assert answer is not None
    fast = dataclasses.replace(article.config, learning_rate=0.1)
    slow_seeds = [trained(_seeded(article.config, seed), dataset, MARKS["torres"]) for seed in SEEDS]
    fast_seeds = [trained(_seeded(fast, seed), dataset) for seed in SEEDS]
    cases = [(article.config.learning_rate, epochs, run, slow_seeds) for epochs in MARKS["torres"]]
    cases.append((fast.learning_rate, fast.epochs, trained(fast, dataset), fast_seeds))
    rows = []
    for rate, epochs, own, seeds in cases:
        others = [other.evaluations[epochs].accuracy for other in seeds]
        sureness = [float(other.evaluations[epochs].probabilities[answer.image, answer.digit]) for other in seeds]
        rows.append(
            (
                rate,
                epochs,
                f"{own.history[epochs - 1].accuracy:.4f}",
                f"{own.evaluations[epochs].loss:.4f}",
                f"{own.evaluations[epochs].accuracy:.4f}",
                f"{min(others):.4f} to {max(others):.4f}",
                sum(other >= (article.test_accuracy or 0) for other in others),
                f"{own.evaluations[epochs].probabilities[answer.image, answer.digit]:.2f}",
                f"{min(sureness):.2f} to {max(sureness):.2f}",
            )
        )
    return report.table(
        [
            *("learning rate", "epochs", "training accuracy", "test loss", "test accuracy"),
            *(f"{len(SEEDS)} other seeds", f"of them at least {article.test_accuracy}"),
            *(f"{answer.digit} for image {answer.image}", "other seeds"),
        ],
        rows,
    )


def _seeded(config: RunConfig, seed: int) -> RunConfig:
    return dataclasses.replace(config, seed=seed)


def morgan_epochs(runs: dict[str, Run]) -> str:
    """What Morgan's networks come to after several numbers of epochs, since the article names none."""
    rows = []
    for key in ("morgan-0", "morgan-1", "morgan-2"):
        article = ARTICLES[key]
        found = [f"{one.loss:.4f}, {one.accuracy:.4f}" for one in runs[key].evaluations.values()]
        rows.append((key, f"{article.test_loss}, {article.test_accuracy}", *found))
    return report.table(["network", "published", *(f"{epochs} epochs" for epochs in MARKS["morgan-0"])], rows)


def other_models(dataset: Dataset) -> Iterator[tuple[str, str, str, str]]:
    """The models that are no networks: name, test loss and accuracy, seconds of learning and reading."""
    for kind, title in classical.KINDS.items():
        began = time.perf_counter()
        for piece in classical.learn(kind, dataset, "official"):
            if piece.done == piece.whole or (kind == "forest" and piece.done == FEW_TREES):
                seconds = time.perf_counter() - began
                name = f"{title}, {piece.done} trees" if kind == "forest" else title
                found = evaluate_answers(piece.answers, dataset.test_labels)
                yield name, f"{found.loss:.4f}", f"{found.accuracy:.4f}", f"{seconds:.1f}"


def matrices(ours: Evaluation) -> str:
    """Both printed matrices beside ours: how many images are misread as what, and how far two runs are apart."""
    named = {"Kite": _printed("kite"), "retelling": _printed("kite-retold"), "ours": ours.confusion}
    errors = {name: errors_only(matrix) for name, matrix in named.items()}
    first = errors["Kite"]
    largest = np.argsort(-sum(errors.values()), axis=None, kind="stable")[:SHOWN_CELLS]
    cells = [(int(cell) // 10, int(cell) % 10) for cell in largest]
    frequent = report.table(
        ["true digit", "read as", *named], [(*cell, *(error[cell] for error in errors.values())) for cell in cells]
    )
    pairs = [("Kite", "retelling"), ("Kite", "ours"), ("retelling", "ours")]
    distances = []
    for a, b in pairs:
        apart = np.abs(errors[a] - errors[b])
        widest = np.unravel_index(apart.argmax(), first.shape)
        recalls = np.abs(as_shares(named[a]).diagonal() - as_shares(named[b]).diagonal())
        # A count of n moves by about the root of n; of a normal value, the mean distance from 0 is that of 2 / pi.
        chance = np.sqrt((errors[a] + errors[b]) * 2 / np.pi).sum()
        distances.append(
            (
                f"{a}, {b}",
                apart.sum(),
                f"{chance:.0f}",
                f"{errors[a][widest]} and {errors[b][widest]} ({widest[0]} read as {widest[1]})",
                f"{np.corrcoef(_off_diagonal(errors[a]), _off_diagonal(errors[b]))[0, 1]:.2f}",
                f"{recalls.max():.4f} (of {recalls.argmax()})",
            )
        )
    headings = [
        *("matrices", "differences added up", "by chance alone", "widest"),
        *("correlation of the 90 cells", "widest in recall"),
    ]
    misread = ", ".join(f"{name} {error.sum():,}" for name, error in errors.items())
    return "\n\n".join(
        [
            f"Of 15,000 images are misread: {misread}. The most frequent mistakes, by the sum of the three:",
            frequent,
            "How far the cells off the diagonal are apart, two matrices at a time, and how far chance alone takes "
            "those of two equally good networks:",
            report.table(headings, distances),
        ]
    )


def _printed(key: str) -> NDArray[np.int64]:
    matrix = ARTICLES[key].confusion
    assert matrix is not None
    return matrix


def _off_diagonal(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def sections(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Title and text of each part of the report, as soon as it is measured."""
    runs: dict[str, Run] = {}
    for key, article in ARTICLES.items():
        # The retelling has the first article's recipe, and so the same run stands beside it.
        runs[key] = runs["kite"] if key == "kite-retold" else trained(article.config, dataset, MARKS.get(key, ()))
        epochs = article.config.epochs
        rows = compare(article, runs[key].history[:epochs], runs[key].evaluations[epochs], runs[key].seconds)
        yield f"{article.title} ({article.source})", compared(rows)
    yield "Kite's matrices", matrices(runs["kite"].evaluations[ARTICLES["kite"].config.epochs])
    yield (
        "Torres: what it takes to reach the claim",
        f"The preset's seed, {ARTICLES['torres'].config.seed}, and others. The article prints a test accuracy of "
        f"{ARTICLES['torres'].test_accuracy}; for image 11, a 6, it prints a probability of 0.54.\n\n"
        + torres_variants(runs["torres"], dataset),
    )
    yield "Morgan: epochs that the article does not name, test loss and accuracy", morgan_epochs(runs)
    headings = ["model", "test loss", "test accuracy", "seconds to learn and to read 10,000 images"]
    yield (
        "The other models that the articles name",
        "No article prints a figure for them. Official test set, pixels from 0 to 1. Logistic regression is the "
        "network without a hidden layer, found by another algorithm.\n\n"
        + report.table(headings, other_models(dataset)),
    )


def main() -> None:
    """Read the command line, measure, print and write ``benchmarks/articles.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.articles", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with MNIST's files (default: as for the playground)")
    options = parser.parse_args()
    try:
        dataset = datasets.load("mnist", options.data)
    except PlaygroundError as error:
        parser.error(str(error))
    if dataset.name != "mnist":
        parser.exit(2, "MNIST is not there, and the articles' figures are for MNIST. Run: python -m mnist_core fetch\n")
    introduction = (
        "# The articles' figures and ours\n\n"
        "Made by `python -m benchmarks.articles`, which trains each article's recipe on MNIST, with the preset's seed. "
        "Published figures are as printed, or counted from the printed matrices; a dash is where the recipe has "
        "nothing to put beside them. Kite's article and its retelling share a recipe and so our run. Their held-out "
        "images were drawn at random: ours are others. By chance alone an accuracy of 0.926 on 15,000 images is off by "
        "0.002, one of 0.98 on 10,000 by 0.0014, a recall by 0.007 (standard errors). An epoch's seconds are the "
        "median epoch's.\n\n"
        f"{report.machine_line()}\n"
    )
    print(introduction, flush=True)
    parts = [introduction]
    for title, text in sections(dataset):
        parts.append(f"## {title}\n\n{text}\n")
        print(parts[-1], flush=True)
    PATH.write_text("\n".join(parts), encoding="utf-8")
    print(f"Written to {PATH.name}")


if __name__ == "__main__":
    main()
