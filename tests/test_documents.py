"""The documents: their links work, all settings are listed, and figures and examples are correct."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    ROOT / "mnist_core" / "assets" / "README.md",
]
CODE = [
    ROOT / "app.py",
    *(path for folder in ("mnist_core", "pages", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Set by a benchmark to measure its cost.
NOT_A_SETTING = {"STREAMLIT_RUNNER_POST_SCRIPT_GC"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(text: str) -> list[str]:
    """Return the targets of a document's links and pictures, without those in code."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes from the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_link_has_a_target(path: Path) -> None:
    for link in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.is_relative_to(ROOT), link
        assert found.exists(), link
        assert not anchor or anchor in anchors(found.read_text(encoding="utf-8")), link


def test_every_document_is_linked_from_the_readme() -> None:
    reached, queue = set(), [ROOT / "README.md"]
    while queue:
        path = queue.pop()
        if path not in reached:
            reached.add(path)
            targets = [link.partition("#")[0] for link in links(path.read_text(encoding="utf-8")) if ":" not in link]
            queue += [(path.parent / target).resolve() for target in targets if target.endswith(".md")]
    assert set(DOCUMENTS) <= reached


def variables(tree: ast.AST) -> Iterator[str]:
    """Yield the environment variables that code reads or sets, as patterns; f-strings give wildcards."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="get" | "setdefault" | "getenv", value=owner), args=[key, *_]) if (
                "environ" in ast.unparse(owner) or ast.unparse(owner) == "os"
            ):
                yield from pattern(key)
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=key):
                yield from pattern(key)
            case ast.Constant(value=str(text)) if re.fullmatch(r"MNIST_[A-Z_]*[A-Z]", text):
                yield text
            case ast.JoinedStr() if "MNIST_" in ast.unparse(node):
                yield from pattern(node)


def pattern(key: ast.expr) -> Iterator[str]:
    match key:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            gaps = [str(part.value) if isinstance(part, ast.Constant) else "[A-Z]+" for part in parts]
            if re.fullmatch(r"(MNIST_|[A-Z_]|\[A-Z\]\+)+", "".join(gaps)):
                yield "".join(gaps)


def test_environment_variables_are_found_in_source() -> None:
    """Every way to read a variable is recognized; the next test relies on it."""
    code = (
        "os.environ.get('A', '')\nos.environ['B']\nos.getenv('C')\nos.environ.setdefault('D', '1')\n"
        "setting('MNIST_PROXIES', 1)\nsetting(f'MNIST_MAX_{kind.upper()}_PER_HOUR', 2)\n"
        "print(f'Set MNIST_F to {one}.')\nnames.get('G')\n"
    )
    assert set(variables(ast.parse(code))) == {"A", "B", "C", "D", "MNIST_PROXIES", "MNIST_MAX_[A-Z]+_PER_HOUR"}


def test_documented_settings_match_the_code() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text, flags=re.MULTILINE))
    read = {name for path in CODE for name in variables(ast.parse(path.read_text(encoding="utf-8")))} - NOT_A_SETTING
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    read |= set(re.findall(r"^(?:export )?(PORT|MALLOC_ARENA_MAX) \?=", makefile, flags=re.MULTILINE))
    read |= set(re.findall(r"\$\((PYTHON)\)", makefile))
    unknown = [one for one in read if not any(re.fullmatch(one, name) for name in documented)]
    assert unknown == []
    assert [name for name in sorted(documented) if not any(re.fullmatch(one, name) for one in read)] == []


def test_readme_is_short() -> None:
    assert len(README.split()) <= 800


@pytest.mark.parametrize(("name", "peers"), [("README.md", 2), ("docs/benchmarks.md", 3)])
def test_speed_figures_match_the_results(name: str, peers: int) -> None:
    file = ROOT / "benchmarks" / "results" / "training.json"
    measured = json.loads(file.read_text(encoding="utf-8"))["results"]["speed"]
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `([\w-]+)`[^|]*((?:\| [\d.-]+ ){{{peers + 1}}})\|$", text, flags=re.MULTILINE)
    assert len(rows) >= 4
    for network, figures in rows:
        ratios = [measured[network]["ratios"].get(peer) for peer in ("fit", "torch", "matrix")[:peers]]
        expected = [f"{measured[network]['seconds']['ours']:.3f}", *(f"{one:.2f}" if one else "-" for one in ratios)]
        assert re.findall(r"[\d.-]+", figures) == expected, network


@pytest.mark.parametrize("name", ["README.md", "docs/command-line.md"])
def test_python_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(code.replace('load("mnist")', 'load("embedded")'), name, "exec"), {})
    printed = capsys.readouterr().out.split()
    assert printed[:40:2] == [str(epoch) for epoch in range(1, 21)]
    assert all(0 < float(accuracy) <= 1 for accuracy in [*printed[1:40:2], *printed[40:]])


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    tree = ast.parse((ROOT / "mnist_core" / "__main__.py").read_text(encoding="utf-8"))
    commands = {
        ast.literal_eval(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("add_parser")
    }
    assert commands
    assert set(re.findall(r"python -m mnist_core ([a-z]+)", text)) == commands


def test_changelog_format() -> None:
    """Keep a Changelog: newest version first, with its date, and changes under six known headings."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *versions = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert first == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", version) for version in versions]
    releases = [(tuple(map(int, match.groups()[:3])), match[4]) for match in found if match]
    assert len(releases) == len(versions)
    assert releases == sorted(releases, reverse=True)
    kinds = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert versions[0].startswith(f"[{project['version']}]")


def recipes() -> list[str]:
    """Return each item of the recipes in CONTRIBUTING.md, with its continuation lines."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## Recipes\n")[2].partition("\n## ")[0]
    return re.findall(r"^- (.*(?:\n  .*)*)", section, flags=re.MULTILINE)


def test_recipes_name_existing_code() -> None:
    """Every file exists and contains at least one of the names listed with it."""
    assert len(recipes()) > 12
    for recipe in recipes():
        quoted = re.findall(r"`([^`\n]+)`", recipe)
        paths = [ROOT / name for name in quoted if re.fullmatch(r"[\w/.-]+(/|\.\w{2,4})", name)]
        missing = [path for path in paths if not path.exists()]
        assert not missing, recipe
        code = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())
        names = [name for name in quoted if re.fullmatch(r"_?[A-Z][A-Z_]+|[A-Z][a-z]+[A-Z]?\w*", name)]
        assert [name for name in names if not re.search(rf"\b{name}\b", code)] == [], recipe


@pytest.mark.parametrize("name", ["CONTRIBUTING.md"])
def test_named_file_exists(name: str) -> None:
    quoted = re.findall(r"`((?:\w+/)+[\w.]*)`", (ROOT / name).read_text(encoding="utf-8"))
    places = [ROOT, ROOT / "tests", ROOT / "pages" / "widgets"]
    assert [one for one in quoted if not any((place / one).exists() for place in places)] == []
