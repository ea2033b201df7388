"""Which modules may import which, read from the source; and what importing the core loads."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import rooms

ROOT = Path(__file__).parents[1]
CORE = ROOT / "mnist_core"
PAGES = ROOT / "pages"

# In order: a room imports only rooms before it in this list. Each package is a room, and so is each module beside them.
# Add a new room here.
ROOMS = [
    "language",
    "errors",
    "lazy",
    "environment",
    "limits",
    "config",
    "presets",
    "links",
    "data",
    "network",
    "charts",
    "evaluation",
    "drawing",
    "training",
    "store",
    "lessons",
    "classes",
    "runs",
    "export",
    "__main__",
]
CORE_FILES = sorted(CORE.rglob("*.py"))
PAGE_FILES = sorted(PAGES.glob("*.py"))
# Widgets for all pages, in the same order; the folders of the single pages come after them.
WIDGET_ROOMS = ["server", "state", "common"]
WIDGET_FILES = sorted((PAGES / "widgets").rglob("*.py"))
APP_FILES = [ROOT / "app.py", *PAGE_FILES, *WIDGET_FILES]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path, tree: ast.AST | None = None) -> Iterator[str]:
    """Yield every module that a file imports, also in functions and for type checking.

    ``from a import b`` gives both ``a`` and ``a.b``, since `b` may be a module.
    """
    for node in ast.walk(tree or ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            source = ".".join([*package, *([node.module] if node.module else [])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def room(path: Path) -> str:
    """Return the room of a file of the core; empty for the core's ``__init__.py``."""
    first = path.relative_to(CORE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a file imports, its own included."""
    parts = [name.split(".") for name in imports(path)]
    return {part[1] for part in parts if part[0] == "mnist_core" and len(part) > 1} & set(ROOMS)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def files_by_room() -> dict[str, list[Path]]:
    """Return every room with its files, in order; a page and its folder are one room."""
    found = {name: [path for path in CORE_FILES if room(path) == name] for name in ROOMS}
    folders = [*WIDGET_ROOMS, *(path.stem for path in PAGE_FILES)]
    for name in folders:
        own = [path for path in WIDGET_FILES if path.parent.name == name]
        found[f"pages/{name}"] = [*own, *(path for path in PAGE_FILES if path.stem == name)]
    return {**found, "app.py": [ROOT / "app.py"]}


def arrows() -> dict[str, set[str]]:
    """Return the rooms that each room imports."""
    prefixes = {f"mnist_core.{name}": name for name in ROOMS}
    prefixes |= {f"pages.widgets.{path.name}": f"pages/{path.name}" for path in (PAGES / "widgets").iterdir()}
    found = {}
    for name, paths in files_by_room().items():
        modules = {module for path in paths for module in imports(path)}
        found[name] = {
            prefixes.get(".".join(module.split(".")[:depth]), name) for module in modules for depth in (2, 3)
        }
        found[name] -= {name}
    return found


def test_drawing_matches_the_imports() -> None:
    assert rooms.read(rooms.current_drawing()) == arrows(), "run `python -m tests.rooms`"


def test_drawing_round_trip_by_hand() -> None:
    """A drawing by hand: c imports a and b, b imports nothing."""
    drawing = "a ─┐\nb  │─┐\nc  ● ●\n"
    assert rooms.read(drawing) == {"a": set(), "b": set(), "c": {"a", "b"}}
    assert rooms.draw({"a": set(), "b": set(), "c": {"a", "b"}}) == drawing
    assert rooms.floors({"a": set(), "b": set(), "c": {"a", "b"}, "d": {"c"}}) == 3


def test_every_room_is_in_the_order() -> None:
    assert sorted(ROOMS) == sorted({room(path) for path in CORE_FILES} - {""})


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_room_imports_only_rooms_above_it(path: Path) -> None:
    own = room(path)
    assert imported_rooms(path) - {own} <= set(ROOMS[: ROOMS.index(own)] if own else [])


@pytest.mark.parametrize("name", sorted({room(path) for path in CORE_FILES if path.parent != CORE}))
def test_no_import_cycles_in_a_room(name: str) -> None:
    files = {module_name(path): path for path in CORE_FILES if room(path) == name}
    graph = {module: {other for other in imports(path) if other in files} for module, path in files.items()}
    # A package's `__init__.py` is imported with each of its modules, so only an import of the package itself counts.
    graceful = {module: others - {f"mnist_core.{name}"} for module, others in graph.items()}
    graphlib.TopologicalSorter(graceful).prepare()  # Raises a CycleError that names the cycle.


def test_imports_are_found_in_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form of import is recognized; the other tests rely on it."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "mnist_core").mkdir()
    path = tmp_path / "mnist_core" / "example.py"
    path.write_text(
        "import mnist_core.config as c\n"
        "from mnist_core import errors\n"
        "from . import limits\n"
        "from .network import TrainedNetwork\n"
        "def f():\n    import streamlit as st\n"
        "if TYPE_CHECKING:\n    from mnist_core.training.engine import Weights\n"
    )
    assert imported_rooms(path) == {"config", "errors", "limits", "network", "training"}
    assert "streamlit" in packages(path)


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_core_does_not_import_streamlit(path: Path) -> None:
    assert not packages(path) & {"streamlit", "streamlit_drawable_canvas", "app", "pages", "tests", "benchmarks"}


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_core_imports_tensorflow_only_inside_functions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            node.body = []
    at_the_top = {name.split(".")[0] for name in imports(path, tree)}
    assert not at_the_top & {"tensorflow", "keras"}


@pytest.mark.parametrize("path", PAGE_FILES, ids=name_of)
def test_page_imports_only_core_and_widgets(path: Path) -> None:
    others = {name for name in imports(path) if name.split(".")[0] in ("app", "pages", "tests")}
    assert all(name == "pages" or name.startswith("pages.widgets") for name in others)


@pytest.mark.parametrize("path", WIDGET_FILES, ids=name_of)
def test_widget_imports_no_page(path: Path) -> None:
    others = {name for name in imports(path) if name.split(".")[0] in ("app", "pages", "tests")}
    assert all(name == "pages" or name.startswith("pages.widgets") for name in others)


@pytest.mark.parametrize("path", [*PAGE_FILES, *WIDGET_FILES], ids=name_of)
def test_page_imports_only_own_and_common_widgets(path: Path) -> None:
    parts = [name.split(".") for name in imports(path)]
    used = {part[2] for part in parts if part[:2] == ["pages", "widgets"] and len(part) > 2}
    own = path.stem if path in PAGE_FILES else path.parent.name
    below = WIDGET_ROOMS[: WIDGET_ROOMS.index(own)] if own in WIDGET_ROOMS else WIDGET_ROOMS
    assert used <= {own, *below}


# Verbs that fit any widget: such names cannot be searched for.
VAGUE = {"ask", "choose", "draw", "find", "get", "go", "name", "offer", "open", "remember", "row", "say", "set", "show"}
SHOWING = [path for path in WIDGET_FILES if path.parent.name not in ("server", "state")]


def test_widgets_are_named_after_what_they_show() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SHOWING]
    functions = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    public = [name for name in functions if not name.startswith("_")]
    assert len(public) > 50
    assert not VAGUE & set(public)
    assert sorted(public) == sorted(set(public))  # Each name belongs to one function.


STATE_DOOR = [PAGES / "widgets" / "state" / name for name in ("keys.py", "controls.py")]


@pytest.mark.parametrize("path", [one for one in APP_FILES if one not in STATE_DOOR], ids=name_of)
def test_only_state_modules_touch_session_state(path: Path) -> None:
    """Pages and widgets use the typed keys and the functions of `state` instead."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "session_state" not in names
    assert not any(name.endswith(".session_state") for name in imports(path))


@pytest.mark.parametrize("path", [one for one in APP_FILES if one.name != "vega_chart.py"], ids=name_of)
def test_charts_write_numbers_in_the_language_of_the_page(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert "vega_lite_chart" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", APP_FILES, ids=name_of)
def test_pages_do_not_import_tensorflow(path: Path) -> None:
    assert not packages(path) & {"tensorflow", "keras"}


IMPORT_EACH = """
import importlib, sys
heavy = {"tensorflow", "keras", "streamlit", "plotly"}
for name in sys.argv[1:]:
    importlib.import_module(name)
    found = sorted(heavy & set(sys.modules))
    if found:
        sys.exit(f"{name} brings {', '.join(found)} with it")
print("done")
"""


START_TOGETHER = """
import threading
import numpy as np
from mnist_core.config import RunConfig
from mnist_core.network import TrainedNetwork, to_keras
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import initial_weights
config, failed, together = RunConfig(layers=()), [], threading.Barrier(3)
def begin(work):
    try:
        together.wait()
        work()
    except BaseException as error:
        failed.append(error)
network = TrainedNetwork(config, initial_weights(config))
works = [load_tensorflow, lambda: network.predict(np.zeros((1, 28, 28), np.float32)), lambda: to_keras(config)]
threads = [threading.Thread(target=begin, args=(work,)) for work in works]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(failed or "done")
"""


def test_concurrent_first_imports_of_tensorflow() -> None:
    """On a new server a drawing may be read while the warm-up still imports TensorFlow."""
    child = subprocess.run(
        [sys.executable, "-c", START_TOGETHER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert child.stdout.strip() == "done", child.stdout + child.stderr


def test_importing_the_core_is_light() -> None:
    names = [module_name(path) for path in CORE_FILES if path.stem != "__main__"]
    child = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == ["done"]
