"""Time per epoch compared with Keras, PyTorch and others: ``python -m benchmarks.training`` prints the ratios.

In each round every peer trains one epoch, in random order, so that other load on the machine affects all of them
equally. A ratio is our time divided by the peer's in the same round; the table shows the median over the rounds.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import peers, report
from mnist_core import presets, training
from mnist_core.data import datasets, splits
from mnist_core.evaluation import metrics
from mnist_core.network.layers import initial_weights

if TYPE_CHECKING:
    from mnist_core.data import Dataset

# The threads of BLAS and OpenMP keep spinning for a while after their work, on a core that the next peer needs.
_SETTLE_SECONDS = 0.3

# Highest allowed ratios to stock fit, to PyTorch and to bare matrix products.
_TARGETS: dict[str, dict[str, float]] = {
    "torres": {"fit": 0.20, "torch": 0.6},
    "kite": {"fit": 0.20, "torch": 0.6, "matrix": 1.3},
    "morgan-0": {"fit": 0.20, "torch": 0.6},
    "morgan-1": {"fit": 0.30, "torch": 0.45, "matrix": 1.1},
    "morgan-2": {"fit": 0.40, "torch": 0.45, "matrix": 1.1},
    "cnn": {"fit": 0.70, "torch": 0.55},
}
_HEADINGS = {
    "fit": "model.fit",
    "fit50": "model.fit, 50 steps per execution",
    "torch": "PyTorch, eager",
    "sklearn": "MLPClassifier",
    "matrix": "matrix products",
}
_MAX_ACCURACY_DIFFERENCE = 0.003


def make_peers(problem: peers.Problem, wanted: list[str]) -> dict[str, peers.Epoch]:
    """Return ours and every wanted peer that is installed and supports the recipe."""
    made: dict[str, peers.Epoch | None] = {"ours": peers.ours(problem)}
    makers: dict[str, Any] = {
        "fit": peers.keras_fit,
        "fit50": lambda problem: peers.keras_fit(problem, steps_per_execution=50),
        "torch": peers.torch_eager,
        "sklearn": peers.scikit_learn,
        "matrix": peers.matrix_products,
    }
    made |= {name: makers[name](problem) for name in wanted}
    return {name: epoch for name, epoch in made.items() if epoch is not None}


def measure(problem: peers.Problem, wanted: list[str], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of one epoch for each peer and round, after one warm-up epoch of each."""
    return _interleaved_seconds(make_peers(problem, wanted), rounds)


def _interleaved_seconds(epochs: dict[str, peers.Epoch], rounds: int) -> dict[str, list[float]]:
    for epoch in epochs.values():
        epoch()
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    order = list(epochs)
    shuffle = random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for name in order:
            time.sleep(_SETTLE_SECONDS)
            start = time.perf_counter()
            epochs[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: dict[str, list[float]], peer: str) -> float | None:
    """Return the median over the rounds of our time divided by the peer's; None without the peer."""
    if peer not in seconds:
        return None
    return statistics.median(a / b for a, b in zip(seconds["ours"], seconds[peer], strict=True))


def _ratio_cell(name: str, peer: str, value: float | None) -> str:
    if value is None:
        return "-"
    target = _TARGETS[name].get(peer)
    if target is None:
        return f"{value:.2f}"
    return f"{value:.2f} (at most {target:.2f}: {'met' if value <= target else 'MISSED'})"


def measure_speed(
    names: list[str], wanted: list[str], dataset: Dataset, rounds: int, validation: float
) -> dict[str, Any]:
    """Measure every network, print the table, and return seconds and ratios."""
    results = {}
    for name in names:
        config = dataclasses.replace(presets.PRESETS[name].config, validation_fraction=validation)
        seconds = measure(peers.Problem.of(config, dataset), wanted, rounds)
        medians = {peer: round(statistics.median(values), 4) for peer, values in seconds.items()}
        ratios = {peer: ratio(seconds, peer) for peer in seconds if peer != "ours"}
        results[name] = {"seconds": medians, "ratios": {k: round(v, 3) for k, v in ratios.items() if v is not None}}
        print(f"{name}: " + ", ".join(f"{peer} {value:.3f} s" for peer, value in medians.items()), flush=True)
    rows = [
        [name, f"{found['seconds']['ours']:.3f} s"]
        + [_ratio_cell(name, peer, found["ratios"].get(peer)) for peer in wanted]
        for name, found in results.items()
    ]
    print("\nOur seconds per epoch, and the ratio of our time to that of")
    print(report.table(["network", "ours", *(_HEADINGS[peer] for peer in wanted)], rows))
    return results


def measure_augmentation(names: list[str], dataset: Dataset, rounds: int) -> dict[str, Any]:
    """Measure every network alternately with and without augmentation; print and return seconds and ratios."""
    results, rows = {}, []
    for name in names:
        plain = presets.PRESETS[name].config
        problems = [peers.Problem.of(dataclasses.replace(plain, augmentation=x), dataset) for x in (0.0, 1.0)]
        seconds = _interleaved_seconds({str(k): peers.ours(problem) for k, problem in enumerate(problems)}, rounds)
        without, augmented = (statistics.median(seconds[key]) for key in ("0", "1"))
        times = statistics.median(b / a for a, b in zip(seconds["0"], seconds["1"], strict=True))
        results[name] = {"without": round(without, 4), "with": round(augmented, 4), "ratio": round(times, 3)}
        rows.append([name, f"{without:.3f} s", f"{augmented:.3f} s", f"{times:.2f}"])
    print("\nOur seconds per epoch without and with augmentation")
    print(report.table(["network", "without", "with", "ratio"], rows))
    return results


def _ours_accuracy(config: Any, dataset: Dataset) -> float:
    for event in training.train(config, dataset):
        if isinstance(event, training.Finished):
            return metrics.evaluate_on_test(event.network, dataset).accuracy
    raise AssertionError("A run ends with Finished.")


def _keras_accuracy(config: Any, dataset: Dataset) -> float:
    import keras
    import numpy as np

    keras.utils.set_random_seed(config.seed)
    problem = peers.Problem.of(config, dataset)
    model = peers.keras_model(config)
    # Both start from the same weights: after few epochs these matter more than the engine.
    model.set_weights(list(initial_weights(config)))
    targets = np.eye(10, dtype=np.float32)[problem.labels]
    model.fit(problem.images, targets, batch_size=config.batch_size, epochs=config.epochs, verbose=0)
    split = splits.split_for(dataset, config)
    answers = model.predict(split.test_images.astype(np.float32) / np.float32(255), verbose=0).argmax(axis=1)
    return float((answers == split.test_labels).mean())


def measure_accuracy(names: list[str], dataset: Dataset, seeds: int) -> dict[str, Any]:
    """Train every full recipe with several seeds, ours and stock Keras; print both mean test accuracies."""
    results, rows = {}, []
    for name in names:
        config = presets.PRESETS[name].config
        configs = [dataclasses.replace(config, seed=seed) for seed in range(seeds)]
        ours = statistics.mean(_ours_accuracy(each, dataset) for each in configs)
        stock = statistics.mean(_keras_accuracy(each, dataset) for each in configs)
        is_met = abs(ours - stock) <= _MAX_ACCURACY_DIFFERENCE
        results[name] = {"ours": round(ours, 4), "fit": round(stock, 4)}
        rows.append(
            [name, config.epochs, f"{ours:.4f}", f"{stock:.4f}", f"{ours - stock:+.4f}", "met" if is_met else "MISSED"]
        )
    print(f"\nTest accuracy after the full recipe, mean over {seeds} seeds (within {_MAX_ACCURACY_DIFFERENCE})")
    print(report.table(["network", "epochs", "ours", "model.fit", "difference", ""], rows))
    return results


def main() -> None:
    """Read the command line, measure, print and write ``benchmarks/results/training.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks", nargs="+", choices=list(_TARGETS), default=list(_TARGETS), help="all, if not given"
    )
    parser.add_argument(
        "--peers", nargs="+", choices=list(_HEADINGS), default=list(_HEADINGS), help="all, if not given"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measured epochs of each peer (default: 5)")
    parser.add_argument(
        "--validation", type=float, default=0.0, help="share held out for validation after each epoch (default: 0)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="full runs for the accuracy; 0 skips it (default: 3)")
    parser.add_argument("--data", type=Path, help="folder with MNIST's files (default: as for the playground)")
    options = parser.parse_args()
    dataset = datasets.load("mnist", options.data)
    if dataset.name != "mnist":
        parser.exit(2, "MNIST was not found, and the targets hold for MNIST only. Run: python -m mnist_core fetch\n")
    print(report.machine_line())
    results = {
        "rounds": options.rounds,
        "speed": measure_speed(options.networks, options.peers, dataset, options.rounds, options.validation),
    }
    results["augmentation"] = measure_augmentation(options.networks, dataset, options.rounds)
    if options.seeds:
        results["accuracy"] = measure_accuracy(options.networks, dataset, options.seeds)
    if set(options.networks) == set(_TARGETS) and set(options.peers) == set(_HEADINGS):
        print(f"\nWritten to {report.write('training', results).name}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
