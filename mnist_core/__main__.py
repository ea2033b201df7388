"""The playground without a browser: fetch the data, train a preset, evaluate it, read a picture, check, pretrain.

Run ``python -m mnist_core --help`` for the commands.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core import presets, training
from mnist_core.config import RunConfig
from mnist_core.data import datasets, download, sources
from mnist_core.drawing import photo, preprocessing, strokes
from mnist_core.errors import DataError, NetworkFileError, PlaygroundError
from mnist_core.evaluation import Predictor, shipped
from mnist_core.evaluation.metrics import calibration_error, evaluate_on_test
from mnist_core.network import files, parameter_count
from mnist_core.training import pretraining

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork

DEFAULT_NETWORK = Path("runs/network.npz")
PRETRAINED = Path("runs/digits.npz")


def _fetch(options: argparse.Namespace) -> None:
    source = sources.SOURCES[options.dataset]
    folder = download.fetch(source, options.directory, progress=_print_download)
    print(f"{source.title} is in {folder}")


def _print_download(progress: download.DownloadProgress) -> None:
    total = f" of {progress.total / 2**20:.1f}" if progress.total else ""
    print(f"\r{progress.name}: {progress.received / 2**20:.1f}{total} MB", end="", flush=True)
    if progress.received == progress.total:
        print()


def _load(name: str) -> datasets.Dataset:
    dataset = datasets.load(name, progress=_print_download)
    print(f"Data: {dataset.name}, {dataset.provenance}")
    if dataset.notice:
        print(dataset.notice, file=sys.stderr)
    return dataset


def _train(options: argparse.Namespace) -> None:
    preset = presets.PRESETS[options.preset]
    _check_writable(options.network)
    dataset = _load(options.dataset)
    changes = {"epochs": options.epochs, "seed": options.seed, "dataset": dataset.name}
    config = dataclasses.replace(preset.config, **{k: v for k, v in changes.items() if v is not None})
    print(f"{preset.name}: {preset.summary}")
    for event in training.train(config, dataset):
        match event:
            case training.EpochEnded():
                print(f"epoch {event.epoch:3}/{config.epochs}", _metrics_text(event.metrics), flush=True)
            case training.Finished():
                _save(event.network, options.network)
                _print_result(evaluate_on_test(event.network, dataset))
                if preset.published and sources.has_published_figures(dataset.name):
                    print(f"Published: accuracy {preset.published.test_accuracy}. {preset.published.note}")
                print(f"Saved as {options.network}")


def _pretrain(options: argparse.Namespace) -> None:
    for path in filter(None, (options.network, options.checkpoint)):
        _check_writable(path)
    pen_digits = [_pen_digits(path, options.writers) for path in options.strokes]
    changes: dict[str, Any] = {} if options.epochs is None else {"epochs": options.epochs}
    if options.layers is not None:
        changes["layers"] = RunConfig.from_query({"layers": options.layers}).layers
    recipe = dataclasses.replace(pretraining.RECIPE, **changes)
    mnist = _load(sources.MNIST.name)
    if mnist.name != sources.MNIST.name:
        raise DataError("The built-in network needs MNIST itself.", "Run: python -m mnist_core fetch.")
    began = time.monotonic()
    for path, digits in zip(options.strokes, pen_digits, strict=True):
        writers = len({one.writer for one in digits})
        times = pretraining.drawings(len(digits))
        print(f"{path.name}: {len(digits):,} digits by {writers} writers, each drawn {times} times", flush=True)
    extra = pretraining.material(pen_digits, recipe.seed)
    images = len(mnist.train_labels) + len(extra.labels) + len(extra.no_digits)
    print(f"{images:,} images an epoch, {parameter_count(recipe):,} parameters", flush=True)

    def report(event: training.Event) -> None:
        if isinstance(event, training.EpochEnded):
            minutes = (time.monotonic() - began) / 60
            print(
                f"epoch {event.epoch:3}/{recipe.epochs}",
                _metrics_text(event.metrics),
                f" {minutes:.1f} min, {time.process_time() / 60:.1f} of processor time",
                flush=True,
            )

    try:
        network = pretraining.pretrain(mnist, extra, recipe, report, options.checkpoint)
    except OSError as error:
        raise _unwritable(options.checkpoint, error) from error
    _save(network, options.network)
    result = evaluate_on_test(network, mnist)
    _print_result(result)
    print(f"Calibration error on them: {calibration_error(result.probabilities, result.labels):.4f}")
    print(f"Saved as {options.network} after {(time.monotonic() - began) / 60:.1f} minutes")


def _pen_digits(path: Path, writers: list[str]) -> list[strokes.PenDigit]:
    digits = strokes.select_writers(strokes.read_jsonl(path), writers)
    if not digits:
        raise DataError(f"{path} has no digit by these writers.", "Give other names with --writers.")
    return digits


def _check_writable(path: Path) -> None:
    """Refuse a path that cannot be written before the training, not after it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise _unwritable(path, "not a file that may be written")


def _save(network: TrainedNetwork, path: Path) -> None:
    try:
        network.save(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, reason: object) -> NetworkFileError:
    return NetworkFileError(f"Nothing can be saved as {path}: {reason}.", "Name another file.")


def _metrics_text(metrics: training.EpochMetrics) -> str:
    text = f"loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.4f}"
    if metrics.validation_loss is None:
        return text
    return text + f"  validation {metrics.validation_loss:.4f}  {metrics.validation_accuracy:.4f}"


def _print_result(result: Evaluation) -> None:
    print(f"Test: accuracy {result.accuracy:.4f}, loss {result.loss:.4f}, {len(result.labels):,} images")


def _evaluate(options: argparse.Namespace) -> None:
    network = files.read_file(options.network)
    result = evaluate_on_test(network, _load(network.config.dataset))
    _print_result(result)
    print("Confusion matrix, rows true, columns answers:")
    for row in result.confusion:
        print(" ".join(f"{count:5}" for count in row))
    print("digit  precision  recall      F1  support")
    for one in result.per_class:
        print(f"{one.digit:5}  {one.precision:9.4f}  {one.recall:6.4f}  {one.f1:6.4f}  {one.support:7}")


def _predict(options: argparse.Namespace) -> None:
    predictor = Predictor(files.read_file(options.network)) if options.network else shipped()
    drawn = preprocessing.to_mnist(_read_picture(options.image))
    if drawn.is_empty:
        raise DataError(f"{options.image} is empty.", "Give a picture with one digit on a plain background.")
    for warning in drawn.warnings:
        print(warning, file=sys.stderr)
    for digit, probability in predictor(drawn.image).top(3):
        print(f"{digit}  {probability:.4f}")


def _read_picture(path: Path) -> npt.NDArray[np.uint8]:
    try:
        # One byte more than allowed is enough to refuse it.
        with path.open("rb") as file:
            return photo.read(file.read(photo.MAX_BYTES + 1))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.", "Name a PNG or JPEG picture of one digit.") from error


def _check(_: argparse.Namespace) -> None:
    from mnist_core.lessons import check
    from mnist_core.store import database
    from mnist_core.store.runs import RunStore

    # A store without a saver, which would also remove old runs.
    store = RunStore(database.configured_url())
    print(check.counts_table(store.checks.counts()))
    store.close()


def _work(_options: argparse.Namespace) -> None:
    from mnist_core.runs import cluster, worker  # Most commands need no cluster.

    worker.work(cluster.configured())


def _run_cluster(options: argparse.Namespace) -> None:
    from mnist_core.runs import worker

    sys.exit(worker.run_cluster(options.workers, options.port))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mnist_core", description="The MNIST playground without a browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fetch = commands.add_parser("fetch", help="download a data set and verify it")
    published = [name for name, source in sources.SOURCES.items() if source.files]
    fetch.add_argument("--dataset", choices=published, default=RunConfig.dataset)
    fetch.add_argument("--directory", type=Path, help="where to put it; the cache, if not given")
    fetch.set_defaults(run=_fetch)

    train = commands.add_parser("train", help="train a preset, and save what it learned")
    train.add_argument("--preset", choices=list(presets.PRESETS), default="kite")
    train.add_argument("--dataset", choices=list(datasets.NAMES), default=RunConfig.dataset)
    train.add_argument("--epochs", type=int, help="instead of the preset's")
    train.add_argument("--seed", type=int, help="instead of 0")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="test a saved network, digit by digit")
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="read a picture of a digit")
    predict.add_argument("image", type=Path, metavar="IMAGE", help="a PNG or JPEG file")
    predict.set_defaults(run=_predict)

    check = commands.add_parser("check", help="how the visitors of this server answered the check of the Learn page")
    check.set_defaults(run=_check)

    worker = commands.add_parser("worker", help="train networks for the cluster that DASK_SCHEDULER names")
    worker.set_defaults(run=_work)

    cluster = commands.add_parser("cluster", help="a cluster with the app on this machine, to try it")
    cluster.add_argument("--workers", type=int, default=2, help="how many (%(default)s)")
    cluster.add_argument("--port", type=int, default=8501, help="of the app (%(default)s)")
    cluster.set_defaults(run=_run_cluster)

    pretrain = commands.add_parser("pretrain", help="make the network again that the playground ships")
    pretrain.add_argument("strokes", type=Path, nargs="+", metavar="STROKES.jsonl", help="pen digits, one a line")
    pretrain.add_argument(
        "--writers", nargs="+", default=pretraining.WRITERS, metavar="NAME", help="only these (%(default)s)"
    )
    pretrain.add_argument("--epochs", type=int, help="instead of the recipe's")
    pretrain.add_argument("--layers", help="instead of the recipe's, as in links: conv-32-relu,dense-128-relu-0.3")
    pretrain.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="written after each epoch; if it exists, continue from it"
    )
    pretrain.set_defaults(run=_pretrain)

    pretrain.add_argument("--network", type=Path, default=PRETRAINED, help="the file (%(default)s)")
    for command in (train, evaluate):
        command.add_argument("--network", type=Path, default=DEFAULT_NETWORK, help="the file (%(default)s)")
    predict.add_argument("--network", type=Path, help="a file that train saved (the network that is shipped)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Returns 0, or 1 after a message on stderr if it was refused."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except PlaygroundError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
