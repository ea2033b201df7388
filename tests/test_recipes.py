"""Follow the recipes of CONTRIBUTING.md in a copy of the project; its checks and tests must then pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.small_files import FILES, write_files

ROOT = Path(__file__).parents[1]
# Tests that read the tables which the recipes change, and a test of the results.
TESTS = (
    "tests/test_probe.py",
    "tests/test_activations.py",
    "tests/test_config.py",
    "tests/test_settings.py",
    "tests/test_links.py",
    "tests/test_layering.py",
    "tests/test_documents.py",
    "tests/test_alternative_text.py",
    "tests/evaluation/test_comparison.py",
    "tests/export/test_keras_script.py",
    "tests/lessons/test_demos.py",
    "tests/pages/test_editor.py",
)
# Of tests that go through a table, only those of the new entries.
NEW = "mish or rate_decay or clothes or ink or not ["
# They take long, and do not read the tables.
SLOW = (
    "tests/export/test_keras_script.py::test_groups_are_held_out_together",
    "tests/export/test_keras_script.py::test_same_weights_give_the_same_trained_network",
    "tests/export/test_keras_script.py::test_script_reaches_the_accuracy_of_the_run",
    "tests/test_documents.py::test_python_example_runs",
    "tests/test_layering.py::test_concurrent_first_imports_of_tensorflow",
)


@dataclass(frozen=True)
class Edit:
    """One change of a recipe.

    Args:
        file: the file to change; created if `old` is empty.
        old: a text that occurs once in the file.
        new: its replacement.
    """

    file: str
    old: str
    new: str


def insertion(file: str, after: str, text: str) -> Edit:
    return Edit(file, after, after + text)


ACTIVATION = [
    insertion(
        "mnist_core/config/layer.py",
        '        "linear": Activation(Message("Linear"), bounded=False, monotonic=True),\n',
        '        "mish": Activation(Message("Mish"), bounded=False, monotonic=False),\n',
    ),
    insertion(
        "mnist_core/lessons/demos.py",
        '    "linear": lambda x: x,\n',
        '    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),\n',
    ),
    insertion(
        "tests/test_links.py",
        "OLD_LINKS = {\n",
        '    "layers=dense-7-mish": RunConfig(layers=(LayerConfig(units=7, activation="mish"),)),\n',
    ),
]
SETTING = [
    insertion(
        "mnist_core/config/run.py",
        '        help=Message("Adds the sum of squared weights, times this, to the loss: keeps weights small. '
        '0 is off."),\n'
        '        section="training",\n'
        "        is_half=True,\n"
        "    )\n",
        "    rate_decay: float = setting(\n"
        '        Message("Rate decay"),\n'
        "        default=0.0,\n"
        "        limits=Range(0.0, 0.9),\n"
        '        off=Message("off"),\n'
        "        step=0.05,\n"
        "        is_slider=True,\n"
        '        help=Message("How much lower the learning rate is in each epoch than in the one before. 0 is off."'
        "),\n"
        '        section="training",\n'
        "    )\n",
    ),
    Edit(
        "mnist_core/training/loop.py",
        "step=state.step + done, learning_rate=rate, l2=config.l2, seed=config.seed,\n",
        "step=state.step + done, learning_rate=rate * (1 - config.rate_decay) ** state.epoch, l2=config.l2,\n"
        "            seed=config.seed,\n",
    ),
    insertion(
        "mnist_core/export/keras_script.py",
        "def _training(config: RunConfig) -> Iterator[str]:\n",
        "    if config.rate_decay:\n"
        """        decay = f"lambda epoch, rate: rate * {1 - config.rate_decay} if epoch else rate"\n"""
        """        yield f"decay = keras.callbacks.LearningRateScheduler({decay}){_controls('rate_decay')}"\n""",
    ),
    Edit(
        "mnist_core/export/keras_script.py",
        "    if config.early_stopping:\n"
        """        yield f"    callbacks=[stop],{_controls('early_stopping')}"\n""",
        '    callbacks = {"early_stopping": "stop", "rate_decay": "decay"}\n'
        "    used = [name for name in callbacks if getattr(config, name)]\n"
        "    if used:\n"
        """        yield f"    callbacks=[{', '.join(callbacks[name] for name in used)}],{_controls(*used)}"\n""",
    ),
    insertion(
        "tests/test_links.py",
        "OLD_LINKS = {\n",
        '    "layers=none&rate_decay=0.1": RunConfig(layers=(), rate_decay=0.1),\n',
    ),
    insertion("tests/test_links.py", "OUTSIDE = {\n", '    "rate_decay": "0.95",\n'),
    insertion("tests/test_config.py", "OUT_OF_RANGE: list[tuple[str, Any]] = [\n", '    ("rate_decay", 0.95),\n'),
    insertion("tests/test_config.py", '        "l2": 0.0,\n', '        "rate_decay": 0.0,\n'),
    insertion("tests/evaluation/test_comparison.py", "OTHERS: dict[str, Any] = {\n", '    "rate_decay": 0.5,\n'),
    insertion("tests/export/test_keras_script.py", "EVERYTHING = RunConfig(\n", "    rate_decay=0.5,\n"),
]
NAMES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot")
DATA_SET = [
    Edit(
        "mnist_core/data/sources.py",
        "SOURCES: Final[Mapping[str, DataSource]] = types.MappingProxyType({source.name: source for source in "
        "(MNIST, EMBEDDED)})\n",
        "CLOTHES: Final = DataSource(\n"
        '    "clothes",\n'
        '    "Clothes",\n'
        "    files=(\n"
        + "".join(
            "        DataFile(\n"
            f'            "{file.name}",\n'
            f'            "{file.sha256}",\n'
            f"            {file.size},\n"
            f"            {file.packed_size},\n"
            "        ),\n"
            for file in FILES
        )
        + "    ),\n"
        "    class_names=(\n" + "".join(f'        "{name}",\n' for name in NAMES) + "    ),\n"
        ")\n\n"
        "SOURCES: Final[Mapping[str, DataSource]] = types.MappingProxyType(\n"
        "    {source.name: source for source in (MNIST, EMBEDDED, CLOTHES)}\n"
        ")\n",
    )
]
CHART = [
    Edit(
        "mnist_core/charts/ink.py",
        "",
        '"""How much ink the images of each class have, as a Vega-Lite description."""\n\n'
        "from __future__ import annotations\n\n"
        "from typing import Any\n\n"
        "from mnist_core.charts.style import INK\n\n\n"
        "def ink_by_class() -> dict[str, Any]:\n"
        '    """One bar for each class, for data with the columns name and ink."""\n'
        "    return {\n"
        '        "mark": {"type": "bar", "color": INK},\n'
        '        "encoding": {\n'
        '            "x": {"field": "name", "type": "nominal"},\n'
        '            "y": {"field": "ink", "type": "quantitative"},\n'
        "        },\n"
        "    }\n",
    )
]
PAGE = [
    Edit(
        "pages/ink.py",
        "",
        '"""Compare the ink of two classes."""\n\n'
        "import streamlit as st\n\n"
        "from mnist_core.charts import ink\n"
        "from mnist_core.language import gettext as _\n"
        "from pages.widgets.common import vega_chart\n\n"
        'st.title(_("Ink"))\n'
        'rows = [{"name": "0", "ink": 0.2}, {"name": "1", "ink": 0.1}]\n'
        "vega_chart.vega_chart(\n"
        '    {**ink.ink_by_class(), "data": {"values": rows}},\n'
        '    key="ink",\n'
        '    alt=_("Two bars: a zero has twice the ink of a one."),\n'
        ")\n",
    ),
    insertion(
        "app.py",
        '            st.Page("pages/learn.py", title=_("Learn"), icon=":material/school:"),\n',
        '            st.Page("pages/ink.py", title=_("Ink"), icon=":material/ink_pen:"),\n',
    ),
]
# Tests of the results.
PROBE = '''"""What the recipes have added, in use."""

from __future__ import annotations

import keras
import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_core import data, training
from mnist_core.charts import matrix
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.evaluation import evaluate
from mnist_core.export.keras_script import keras_script
from tests.samples import blobs, small, untrained


def test_activation_matches_keras() -> None:
    network = untrained(small(layers=(LayerConfig(units=5, activation="mish"),)))
    images = blobs().test_images
    hidden, hidden_bias, out, out_bias = network.weights
    sums = images.reshape(-1, 784) / 255.0 @ hidden + hidden_bias
    logits = np.asarray(keras.activations.mish(sums)) @ out + out_bias
    np.testing.assert_allclose(network.predict(images), np.asarray(keras.activations.softmax(logits)), atol=1e-5)


def test_setting_takes_effect() -> None:
    def losses(decay: float) -> list[float]:
        events = training.train(small(epochs=3, rate_decay=decay), blobs())
        return [event.metrics.loss for event in events if isinstance(event, training.EpochEnded)]

    without, halved = losses(0.0), losses(0.5)
    assert halved[0] == without[0]
    assert halved[2] != without[2]
    by_hand = training.train(small(epochs=3), blobs(), dials=(dials := training.Dials()))
    for event in by_hand:
        if isinstance(event, training.EpochEnded):
            dials.learning_rate = small().learning_rate * 0.5**event.epoch
            assert event.metrics.loss == halved[event.epoch - 1]


def test_data_set_has_its_own_class_names() -> None:
    clothes = data.load("clothes")
    assert clothes.class_names[9] == "Boot"
    result = evaluate(untrained(RunConfig(layers=())), clothes.test_images, clothes.test_labels)
    texts = [[str(count) for count in row] for row in result.confusion]
    colors = ("#000000", "#ffffff")
    figure = matrix.confusion_matrix(result.confusion, texts, range(10), colors, names=clothes.class_names)
    assert "Boot" in figure.to_json()
    text = keras_script(RunConfig(dataset="clothes"))
    assert "Keras does not have this run's data set, Clothes" in text
    assert "digit" not in text


def test_page_opens() -> None:
    page = AppTest.from_file("../app.py", default_timeout=60).switch_page("pages/ink.py").run()
    assert not page.exception
    assert page.title[0].value == "Ink"
'''


def follow(recipe: list[Edit], copy: Path) -> set[str]:
    """Make the changes; return the changed files other than tests and documents."""
    for edit in recipe:
        path = copy / edit.file
        if not edit.old:
            path.write_text(edit.new, encoding="utf-8")
            continue
        text = path.read_text(encoding="utf-8")
        assert text.count(edit.old) == 1, f"{edit.file} has changed, and so has the recipe: {edit.old}"
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    return {edit.file for edit in recipe if not edit.file.startswith("tests/")}


def run(copy: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project without ignored files."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_recipes_pass_all_checks(copy: Path) -> None:
    assert len(follow(ACTIVATION, copy)) <= 2
    assert len(follow(SETTING, copy)) <= 3
    assert len(follow(DATA_SET, copy)) == 1
    assert len(follow(CHART, copy)) == 1
    assert len(follow(PAGE, copy)) == 2
    write_files(copy / "data" / "clothes")
    (copy / "tests/test_probe.py").write_text(PROBE, encoding="utf-8")
    run(copy, "tests.rooms")
    run(copy, "ruff", "format", "--check", ".")
    run(copy, "ruff", "check", ".")
    edits = (edit.file for recipe in (ACTIVATION, SETTING, DATA_SET, CHART, PAGE) for edit in recipe)
    changed_tests = sorted({file for file in edits if file.startswith("tests/")})
    # With the project's cache: types of packages are read once, for this and for `make check`.
    cache = ("--cache-dir", str(ROOT / ".mypy_cache"))
    run(copy, "mypy", *cache, "mnist_core", "pages", "app.py", "tests/test_probe.py", *changed_tests)
    options = "-q", "-p", "no:cacheprovider", "-n", "0", "-k", NEW
    run(copy, "pytest", *options, *TESTS, *(f"--deselect={one}" for one in SLOW))
