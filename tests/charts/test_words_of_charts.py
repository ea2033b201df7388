"""What people read in charts is in their language: nothing is called as its column in the code is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mnist_core.charts import answers, class_networks, comparison, data, lessons
from mnist_core.charts import training as training_charts
from mnist_core.language import speaking

SPECS: dict[str, Callable[[], dict[str, Any]]] = {
    "answers": answers.answer_bars,
    "checked answers": answers.checked_answer_bars,
    "answers over epochs": lambda: answers.answers_over_epochs("4", "9", 2.0),
    "drawings of a class": lambda: class_networks.by_drawings([], "", 12, 300),
    "accuracy against cost": lambda: comparison.trade_off("parameters", ["a"], (1.0, 9.0), (0.5, 0.01)),
    "bytes of a file": lambda: data.file_bytes(2, ["header", "numbers"], "#000000"),
    "images of each digit": lambda: data.class_balance(9, ["training", "test"]),
    "pixels": data.pixel_values,
    "map": lambda: data.digit_map((0.0, 1.0), (0.0, 1.0)),
    "trend": lambda: lessons.trend("units", "accuracy", (1.0, 9.0), (0.5, 1.0)),
    "descent": lambda: lessons.descent_path(2.0),
    "curves": lambda: training_charts.learning_curves("loss", ["a", "b"], shows_validation=True),
}
# Vega shows a picture in its place.
PICTURE = "image"


def tooltips(spec: Any) -> Iterator[dict[str, Any]]:
    """All entries of tooltips of a chart or of its layers."""
    if isinstance(spec, dict):
        for name, part in spec.items():
            if name == "tooltip":
                yield from part if isinstance(part, list) else [part]
            else:
                yield from tooltips(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from tooltips(part)


@pytest.mark.parametrize("name", SPECS)
def test_every_entry_of_a_tooltip_has_a_name_for_the_reader(name: str) -> None:
    entries = [one for one in tooltips(SPECS[name]()) if one["field"] != PICTURE]
    assert entries
    assert not [one for one in entries if not one.get("title")]


def test_names_are_in_the_language_of_the_reader() -> None:
    with speaking("de"):
        names = {name: [one.get("title") for one in tooltips(make())] for name, make in SPECS.items()}
    assert names["answers over epochs"] == ["Antwort", "Epoche", "Wahrscheinlichkeit"]
    assert names["pixels"] == ["Zeile", "Spalte", "Wert", "skaliert"]
    assert names["curves"] == ["Lauf", "Bilder", "Epoche", "Verlust"]
