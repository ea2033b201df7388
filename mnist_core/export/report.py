"""A run as a table of its epochs, and as one page to print: settings, curves, figures and mistakes."""

from __future__ import annotations

import base64
import csv
import dataclasses
import html
import io
import zipfile
from typing import TYPE_CHECKING

from PIL import Image

from mnist_core import network
from mnist_core.config import SETTINGS
from mnist_core.data import splits
from mnist_core.data.sources import DIGITS, noun_of
from mnist_core.errors import DataError
from mnist_core.evaluation.comparison import described
from mnist_core.evaluation.metrics import classes_in
from mnist_core.export import print_charts
from mnist_core.language import SOURCE, speaking
from mnist_core.training import EpochMetrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.export.print_charts import PrintChart
    from mnist_core.runs.snapshot import Snapshot

_MOST_MISTAKES = 32
_STYLE = """
body { font: 15px/1.5 sans-serif; color: #31333f; background: white }
body { max-width: 960px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.6em } h2 { font-size: 1.2em; margin-top: 1.6em }
table { border-collapse: collapse } th, td { text-align: left; padding: 2px 14px 2px 0; vertical-align: top }
table.numbers td, table.numbers th { text-align: right; border-bottom: 1px solid #e3e6ec }
figure { display: inline-block; margin: 0 14px 10px 0; text-align: center }
figure.digit img, p > img { width: 72px; image-rendering: pixelated; border: 1px solid #e3e6ec }
figcaption { font-size: 0.85em } svg { max-width: 100%; height: auto }
section, figure, tr { break-inside: avoid }
@media print { body { margin: 0; max-width: none; font-size: 12px } }
"""


@speaking(SOURCE)
def history_csv(epochs: Sequence[EpochMetrics]) -> str:
    """The finished epochs as CSV: one row each, columns as in `EpochMetrics`, empty cells without validation images."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([field.name for field in dataclasses.fields(EpochMetrics)])
    writer.writerows(dataclasses.astuple(metrics) for metrics in epochs)
    return buffer.getvalue()


def figures_of(shot: Snapshot, names: Sequence[str] = DIGITS) -> dict[str, PrintChart]:
    """The charts of a run that has ended: its curves "accuracy" and "loss", and its "confusion-matrix".

    Args:
        shot: the run.
        names: the ten class names.

    Raises:
        DataError: it has left nothing to show.
    """
    result = _evaluation(shot)
    steps = shot.started.steps_per_epoch if shot.started else 1
    curves = {name: print_charts.curve(name, shot.epochs, shot.points, steps) for name in ("accuracy", "loss")}
    return curves | {"confusion-matrix": print_charts.confusion(result.confusion, names)}


@speaking(SOURCE)
def figure_files(shot: Snapshot, names: Sequence[str] = DIGITS) -> bytes:
    """A ZIP archive with what `figures_of` gives, each as PNG and as SVG.

    Raises:
        DataError: as there.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, chart in figures_of(shot, names).items():
            archive.writestr(f"{name}.svg", chart.svg())
            archive.writestr(f"{name}.png", chart.png())
    return buffer.getvalue()


def _evaluation(shot: Snapshot) -> Evaluation:
    if shot.evaluation is None or not shot.points:
        raise DataError("This run has not read the test images.", "Wait until it has ended, or train another one.")
    return shot.evaluation


@speaking(SOURCE)
def in_words(config: RunConfig) -> list[tuple[str, str]]:
    """A run's settings as the editor calls them, each with its value in words; a row for each hidden layer."""
    words = described(config)
    layers = SETTINGS["layers"].label
    del words[layers]
    rows = [(layers, str(len(config.layers) or "none"))]
    rows += [(f"Layer {number}", _layer_in_words(layer)) for number, layer in enumerate(config.layers, 1)]
    rows.append(("Parameters", f"{network.parameter_count(config):,}"))
    return [*rows, *words.items()]


def _layer_in_words(layer: LayerConfig) -> str:
    words = {name: setting.in_words(getattr(layer, name)) for name, setting in layer.settings.items()}
    units = f"{words['units']} {layer.settings['units'].label.lower()}"
    return ", ".join([f"{words['kind']}: {units}", words["activation"], *layer.extras])


@speaking(SOURCE)
def report(title: str, config: RunConfig, dataset: Dataset, shot: Snapshot) -> str:
    """A run as one self-contained HTML page: no script, no font, no request.

    Args:
        title: what the run is called.
        config: its settings.
        dataset: what it learned from.
        shot: the run, which must have ended with a network.

    Raises:
        DataError: it has left nothing to report.
    """
    names = dataset.class_names
    result, figures = _evaluation(shot), figures_of(shot, names)
    noun = noun_of(names).capitalize()
    images = splits.split_for(dataset, config).test_images
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p><b>Test accuracy {result.accuracy:.2%}</b>, test loss {result.loss:.4f}; {len(result.mistakes):,} of "
        f"{len(result.labels):,} test images misread.</p>",
        *_notes(shot),
        section("The network and its recipe", _table(in_words(config))),
        section("How it learned", "".join(f"<figure>{figures[name].svg()}</figure>" for name in ("accuracy", "loss"))),
        section("Confusion matrix", figures["confusion-matrix"].svg()),
        section(f"{noun} by {noun.lower()}", _digits(result, names)),
    ]
    if len(result.mistakes):
        parts.append(section("Most confident mistakes", "".join(_mistakes(result, images, names))))
    return page(title, parts)


def page(title: str, parts: Iterable[str], language: str = "en") -> str:
    """A self-contained HTML page to print, of parts that are HTML, in a language."""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _notes(shot: Snapshot) -> Iterable[str]:
    """What happened during the run, such as changes of the learning rate."""
    if shot.message:
        yield f"<p>{html.escape(shot.message)}</p>"
    for change in shot.rates:
        yield f"<p>Learning rate {change.learning_rate:g} from epoch {change.epoch}, step {change.step + 1}.</p>"


def section(title: str, content: str) -> str:
    """A part of a page: a heading, and content that is HTML."""
    return f"<section><h2>{html.escape(title)}</h2>{content}</section>"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return f"<table>{''.join(f'<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>' for a, b in rows)}</table>"


def _digits(result: Evaluation, names: Sequence[str]) -> str:
    noun = noun_of(names).capitalize()
    head = "".join(f"<th>{name}</th>" for name in (noun, "Precision", "Recall", "F1", "Images"))
    rows = "".join(
        f"<tr><td>{html.escape(names[one.digit])}</td><td>{one.precision:.2%}</td><td>{one.recall:.2%}</td><td>{one.f1:.2%}</td>"
        f"<td>{one.support:,}</td></tr>"
        for one in result.per_class
        if one.digit in classes_in(result.confusion)
    )
    return f'<table class="numbers"><tr>{head}</tr>{rows}</table>'


def _mistakes(result: Evaluation, images: npt.NDArray[np.uint8], names: Sequence[str]) -> Iterable[str]:
    for index in result.mistakes[:_MOST_MISTAKES]:
        true, answer = (html.escape(names[label]) for label in (result.labels[index], result.predicted[index]))
        caption = f"{true}, read as {answer}<br>{result.probabilities[index].max():.1%} sure"
        alt = f"a handwritten {true}" if noun_of(names) == "digit" else true
        picture = image_tag(images[index], alt)
        yield f'<figure class="digit">{picture}<figcaption>{caption}</figcaption></figure>'


def image_tag(image: npt.NDArray[np.uint8], alt: str) -> str:
    """A picture for a page, (28, 28) with 255 = ink, with its alternative text."""
    return f'<img src="{_ink_on_paper(image)}" alt="{alt}">'


def _ink_on_paper(image: npt.NDArray[np.uint8]) -> str:
    """An image as a data URL, dark ink on white."""
    buffer = io.BytesIO()
    Image.fromarray(255 - image).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
