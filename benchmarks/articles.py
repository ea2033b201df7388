"""Published figures of the articles and ours: ``python -m benchmarks.articles`` trains their recipes on MNIST.

It also checks what the articles claim or leave open (which accuracy Torres' network reaches, and when; how many epochs
Morgan's networks were trained), measures the other models that they mention, and writes ``benchmarks/articles.md``.
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
# Longer than the recipe if an article claims more than its recipe gives, or does not name the number of epochs.
EVALUATED_EPOCHS = {
    "torres": (5, 10, 20, 40),
    "morgan-0": (5, 10, 20),
    "morgan-1": (5, 10, 20),
    "morgan-2": (5, 10, 20),
}
SEEDS = range(10)
FEW_TREES = 20
SHOWN_MISTAKES = 8


@dataclass(frozen=True, eq=False)
class Run:
    """The results of a run.

    Args:
        history: one entry for each epoch.
        seconds: median time of an epoch.
        evaluations: epoch -> evaluation on the test images, for the requested epochs.
    """

    history: tuple[training.EpochMetrics, ...]
    seconds: float
    evaluations: dict[int, Evaluation]


def train(config: RunConfig, dataset: Dataset, epochs: tuple[int, ...] = ()) -> Run:
    """Train a recipe up to the last of `epochs`, evaluating after each of them; by default for the recipe's epochs."""
    epochs = epochs or (config.epochs,)
    config = dataclasses.replace(config, epochs=max(epochs))
    seconds, evaluations = [], {}
    history: tuple[training.EpochMetrics, ...] = ()
    began = time.perf_counter()
    for event in training.train(config, dataset):
        if isinstance(event, training.EpochEnded):
            seconds.append(time.perf_counter() - began)
            history = event.state.history
            if event.epoch in epochs:
                evaluations[event.epoch] = evaluate_on_test(TrainedNetwork(config, event.state.weights), dataset)
            began = time.perf_counter()
    return Run(history, statistics.median(seconds), evaluations)


def comparison_table(rows: list[Row]) -> str:
    """Return the table of an article. Seconds have no difference: they depend on the machine."""
    lines = []
    for row in rows:
        difference = "" if row.ours is None or row.unit == "seconds" else _signed(row.ours - row.published, row.unit)
        lines.append((row.figure, format_published(row), format_value(row.ours, row.unit), difference))
    return report.table(["figure", "published", "ours", "difference"], lines)


def _signed(value: float, unit: str) -> str:
    return ("+" if value >= 0 else "") + format_value(value, unit)


def torres_table(run: Run, dataset: Dataset) -> str:
    """Return a table of the epochs and learning rates at which Torres' network reaches the claimed accuracy."""
    article = ARTICLES["torres"]
    answer = article.answer
    assert answer is not None
    fast = dataclasses.replace(article.config, learning_rate=0.1)
    slow_seeds = [train(_with_seed(article.config, seed), dataset, EVALUATED_EPOCHS["torres"]) for seed in SEEDS]
    fast_seeds = [train(_with_seed(fast, seed), dataset) for seed in SEEDS]
    cases = [(article.config.learning_rate, epochs, run, slow_seeds) for epochs in EVALUATED_EPOCHS["torres"]]
    cases.append((fast.learning_rate, fast.epochs, train(fast, dataset), fast_seeds))
    rows = []
    for rate, epochs, own, seeds in cases:
        others = [other.evaluations[epochs].accuracy for other in seeds]
        confidences = [float(other.evaluations[epochs].probabilities[answer.image, answer.digit]) for other in seeds]
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
                f"{min(confidences):.2f} to {max(confidences):.2f}",
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


def _with_seed(config: RunConfig, seed: int) -> RunConfig:
    return dataclasses.replace(config, seed=seed)


def morgan_table(runs: dict[str, Run]) -> str:
    """Return the results of Morgan's networks after several numbers of epochs, since the article names none."""
    rows = []
    for key in ("morgan-0", "morgan-1", "morgan-2"):
        article = ARTICLES[key]
        found = [f"{one.loss:.4f}, {one.accuracy:.4f}" for one in runs[key].evaluations.values()]
        rows.append((key, f"{article.test_loss}, {article.test_accuracy}", *found))
    return report.table(
        ["network", "published", *(f"{epochs} epochs" for epochs in EVALUATED_EPOCHS["morgan-0"])], rows
    )


def classical_rows(dataset: Dataset) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each classical model: name, test loss, test accuracy, seconds to train and predict."""
    for kind, title in classical.KINDS.items():
        began = time.perf_counter()
        for piece in classical.learn(kind, dataset, "official"):
            if piece.done == piece.whole or (kind == "forest" and piece.done == FEW_TREES):
                seconds = time.perf_counter() - began
                name = f"{title}, {piece.done} trees" if kind == "forest" else title
                found = evaluate_answers(piece.answers, dataset.test_labels)
                yield name, f"{found.loss:.4f}", f"{found.accuracy:.4f}", f"{seconds:.1f}"


def matrix_section(ours: Evaluation) -> str:
    """Compare both published confusion matrices with ours: the most frequent mistakes, and how far any two differ."""
    named = {"Kite": _published_matrix("kite"), "retelling": _published_matrix("kite-retold"), "ours": ours.confusion}
    errors = {name: errors_only(matrix) for name, matrix in named.items()}
    first = errors["Kite"]
    largest = np.argsort(-sum(errors.values()), axis=None, kind="stable")[:SHOWN_MISTAKES]
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
        # A count of n has a standard deviation of sqrt(n); the mean of |standard normal| is sqrt(2 / pi).
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
        *("matrices", "sum of differences", "expected by chance", "largest difference"),
        *("correlation of the 90 cells", "largest difference in recall"),
    ]
    misread = ", ".join(f"{name} {error.sum():,}" for name, error in errors.items())
    return "\n\n".join(
        [
            f"Mistakes on 15,000 images: {misread}. The most frequent mistakes, by the sum of the three:",
            frequent,
            "Differences of the cells off the diagonal for each pair of matrices, and what chance alone gives for two "
            "equally good networks:",
            report.table(headings, distances),
        ]
    )


def _published_matrix(key: str) -> NDArray[np.int64]:
    matrix = ARTICLES[key].confusion
    assert matrix is not None
    return matrix


def _off_diagonal(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def sections(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield title and text of each section of the report as soon as it is measured."""
    runs: dict[str, Run] = {}
    for key, article in ARTICLES.items():
        # The retelling has the recipe of the first article, so it is compared with the same run.
        runs[key] = (
            runs["kite"] if key == "kite-retold" else train(article.config, dataset, EVALUATED_EPOCHS.get(key, ()))
        )
        epochs = article.config.epochs
        rows = compare(article, runs[key].history[:epochs], runs[key].evaluations[epochs], runs[key].seconds)
        yield f"{article.title} ({article.source})", comparison_table(rows)
    yield "Kite's matrices", matrix_section(runs["kite"].evaluations[ARTICLES["kite"].config.epochs])
    yield (
        "Torres: how the claimed accuracy is reached",
        f"The preset's seed, {ARTICLES['torres'].config.seed}, and others. The article prints a test accuracy of "
        f"{ARTICLES['torres'].test_accuracy}; for image 11, a 6, it prints a probability of 0.54.\n\n"
        + torres_table(runs["torres"], dataset),
    )
    yield "Morgan: test loss and accuracy for several numbers of epochs", morgan_table(runs)
    headings = ["model", "test loss", "test accuracy", "seconds to train and to predict 10,000 images"]
    yield (
        "Other models that the articles mention",
        "No article gives figures for them. Official test set, pixels from 0 to 1. Logistic regression is the "
        "network without a hidden layer, trained by another algorithm.\n\n"
        + report.table(headings, classical_rows(dataset)),
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
        parser.exit(
            2, "MNIST was not found, and the articles' figures are for MNIST. Run: python -m mnist_core fetch\n"
        )
    introduction = (
        "# The articles' figures and ours\n\n"
        "Made by `python -m benchmarks.articles`, which trains each article's recipe on MNIST with the preset's seed. "
        "Published figures are as printed, or counted from the printed matrices. A dash means that the recipe gives no "
        "such figure. Kite's article and its retelling have the same recipe, so both are compared with the same run. "
        "Their held-out images were drawn at random, so ours are not the same. Standard errors: 0.002 for an accuracy "
        "of 0.926 on 15,000 images, 0.0014 for 0.98 on 10,000, 0.007 for a recall. The seconds are those of the median "
        "epoch.\n\n"
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
