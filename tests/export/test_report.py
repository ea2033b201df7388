"""The report and the table of a run: what they contain, and what they must not."""

from __future__ import annotations

import base64
import csv
import dataclasses
import functools
import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core.config import LAYER_KINDS, SETTINGS, LayerConfig, RunConfig
from mnist_core.errors import DataError
from mnist_core.export import report
from mnist_core.runs.network_run import Run
from mnist_core.runs.snapshot import Snapshot
from mnist_core.training import EpochMetrics, RateChanged
from tests.samples import blobs, small

LAYERS = (LayerConfig(units=16, dropout=0.25),)
CONFIG = small(layers=LAYERS, validation_fraction=0.2, epochs=3)


@functools.cache
def finished_run() -> Snapshot:
    """A finished run."""
    run = Run(CONFIG, blobs())
    while run.snapshot.status.is_active:
        run.take_turn(10)
    return run.snapshot


def page(title: str = "Kite", **changes: Any) -> str:
    return report.report(title, CONFIG, blobs(), dataclasses.replace(finished_run(), **changes))


class PageContent(HTMLParser):
    """Collects the tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_report_is_self_contained() -> None:
    seen = PageContent(page())
    assert not seen.open
    assert not set(seen.tags) & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    addresses = [value for name, value in seen.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    # The only URL is the SVG namespace, which is never requested.
    assert set(re.findall(r"https?:[^\"' ]*", page())) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page()
    assert "@import" not in page()


def test_report_shows_results() -> None:
    result = finished_run().evaluation
    assert result is not None
    words = " ".join(PageContent(page()).words)
    assert f"Test accuracy {result.accuracy:.2%}" in words
    assert f"test loss {result.loss:.4f}" in words
    assert f"{len(result.mistakes)} of 90 test images misread" in words
    for one in result.per_class:
        assert f"{one.precision:.2%} {one.recall:.2%} {one.f1:.2%} {one.support}" in words
    counts = [str(count) for count in result.confusion.ravel() if count]
    matrix = page()[page().index("Confusion matrix") :]
    assert all(f">{count}</text>" in matrix for count in counts)


def test_report_shows_most_confident_mistakes() -> None:
    result = finished_run().evaluation
    assert result is not None
    assert len(result.mistakes)
    sources = [value for name, value in PageContent(page()).attributes if name == "src"]
    assert len(sources) == min(32, len(result.mistakes))
    for index, source in zip(result.mistakes, sources, strict=False):
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))
        np.testing.assert_array_equal(255 - picture, blobs().test_images[index])
    first = result.mistakes[0]
    assert f"{result.labels[first]}, read as {result.predicted[first]}" in page()


def test_user_text_is_escaped() -> None:
    text = page("<script>alert(1)</script> & co", message='<img src="x" onerror="alert(1)">')
    assert "script" not in PageContent(text).tags
    assert "<script>alert(1)</script> & co" in PageContent(text).words
    assert '<img src="x" onerror="alert(1)">' in PageContent(text).words


def test_report_mentions_a_changed_learning_rate() -> None:
    assert "Learning rate 0.5 from epoch 2, step 4." in page(rates=(RateChanged(2, 3, 0.5),))


def test_report_without_mistakes() -> None:
    result = finished_run().evaluation
    assert result is not None
    text = page(evaluation=dataclasses.replace(result, mistakes=result.mistakes[:0]))
    assert "Most confident mistakes" not in text


def test_unfinished_run_is_refused() -> None:
    with pytest.raises(DataError, match="has not read the test images"):
        report.report("Kite", CONFIG, blobs(), Snapshot())


def test_figures_come_in_both_formats() -> None:
    with zipfile.ZipFile(io.BytesIO(report.figure_files(finished_run()))) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    names = ("accuracy", "loss", "confusion-matrix")
    assert set(contents) == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}
    for name, content in contents.items():
        if name.endswith("png"):
            Image.open(io.BytesIO(content)).verify()
        else:
            assert content.decode() in page()


def test_settings_in_words() -> None:
    config = RunConfig(
        layers=(LayerConfig("conv", 4, "gelu"), LayerConfig(units=5, dropout=0.25)),
        l2=1e-6,
        validation_fraction=0.1,
        early_stopping=3,
        augmentation=0.5,
    )
    words = dict(report.in_words(config))
    assert words["Layer 1"] == f"{LAYER_KINDS['conv']}: 4 filters, GELU"
    assert words["Layer 2"] == "Dense: 5 units, ReLU, dropout 0.25"
    assert words["L2 penalty"] == "1e-06"
    assert words["Validation share"] == "10%"
    assert words["Early stopping"] == "after 3 epochs without progress"
    assert words["Augmentation"] == "0.5"
    assert words["Optimizer"] == "SGD"
    settings = {field.name for field in dataclasses.fields(RunConfig)}
    assert {SETTINGS[name].label for name in settings} <= words.keys()
    assert dict(report.in_words(RunConfig(layers=())))["Hidden layers"] == "none"


def test_history_csv_round_trip() -> None:
    rows = list(csv.DictReader(io.StringIO(report.history_csv(finished_run().epochs))))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == [
        dataclasses.asdict(metrics) for metrics in finished_run().epochs
    ]


def test_history_csv_without_validation() -> None:
    text = report.history_csv([EpochMetrics(1, 0.5, 0.75, None, None, 0.01)])
    assert text.splitlines() == [
        "epoch,loss,accuracy,validation_loss,validation_accuracy,learning_rate",
        "1,0.5,0.75,,,0.01",
    ]
