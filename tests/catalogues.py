"""Collect the texts on screens for translation: ``python -m tests.catalogues`` updates the PO files.

They are in `mnist_core/language`. It keeps the translations that are there, adds new texts with an empty one, and
drops those that are gone.
"""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from mnist_core.language import LANGUAGES, SOURCE
from mnist_core.language.catalogues import path_of
from pages.widgets.common import live_panel

ROOT = Path(__file__).parents[1]
Id = str | tuple[str, str]
TRANSLATORS = {"_": 1, "gettext": 1, "Message": 1, "ngettext": 2}
"""How many texts each of these functions begins with."""
# What a developer or the owner of a server reads, not a visitor.
_ELSEWHERE = re.compile(
    r"mnist_core/(__main__|language/.*|store/migrations/.*|training/(pretraining|checkpoint)|export/.*)\.py"
)
# A choice such as "0.5", which has a comma in other languages.
_NUMBER = re.compile(r"\d[\d,.]*[,.]\d+")
_GLOSSARY = "mnist_core/lessons/glossary.py"
# In these, each string that looks like a text is one.
_ALL_TEXTS = re.compile(r"mnist_core/lessons/(?!__init__|answers|courses|experiments)\w+\.py")


_HEADER = """# {name}. `python -m tests.catalogues` adds new texts here.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: {plural}\\n"

"""


def texts(root: Path = ROOT) -> dict[Id, list[tuple[str, int]]]:
    """All texts on screens below a checkout, with the places where they stand: file and line."""
    found: dict[Id, list[tuple[str, int]]] = {}
    paths = [root / "app.py", *(path for folder in ("pages", "mnist_core") for path in (root / folder).rglob("*.py"))]
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        if _ELSEWHERE.fullmatch(name):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        terms = _terms(tree) if name == _GLOSSARY else ()
        for line, text in (*_in_python(tree, bool(_ALL_TEXTS.fullmatch(name))), *terms):
            found.setdefault(text, []).append((name, line))
    for path in sorted((root / "pages").rglob("*.js")):
        code = path.read_text(encoding="utf-8")
        for at, text in live_panel.said(code):
            found.setdefault(text, []).append((path.relative_to(root).as_posix(), code.count("\n", 0, at) + 1))
    return found


def _in_python(tree: ast.Module, are_all_texts: bool) -> Iterator[tuple[int, Id]]:
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            given = [_constant(one) for one in node.args[: TRANSLATORS.get(name, 0)]]
            if given and all(given):
                yield node.lineno, cast("Id", given[0] if len(given) == 1 else tuple(given))
            if name == "__init__" or (name.endswith("Error") and name[0].isupper()):
                every = [*node.args, *(one.value for one in node.keywords)]
                yield from ((node.lineno, one) for one in map(_constant, every) if one and _is_text(one))
        elif are_all_texts and id(node) not in skipped and isinstance(node, ast.Constant):
            value = node.value if isinstance(node.value, str) else ""
            if _is_text(value) or _NUMBER.fullmatch(value):
                yield node.lineno, value


def _terms(tree: ast.Module) -> Iterator[tuple[int, Id]]:
    """The terms of the glossary; many are a single word in lower case."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from ((one.lineno, term) for one in node.keys if one is not None and (term := _constant(one)))


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_text(value: str) -> bool:
    return bool(re.search(r"[A-Za-z]{2}", value)) and (" " in value.strip() or value[:1].isupper())


def placeholders(text: str) -> set[str]:
    """The values that stand in a text, with their formats."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return set()
    return {f"{name}:{spec}" for _, name, spec, _ in parts if name is not None}


def template() -> Catalog:
    """A catalogue of all texts, without translations."""
    catalogue = Catalog(project="MNIST playground", fuzzy=False)
    for text, places in texts().items():
        files = sorted({file for file, _ in places})
        catalogue.add(text, locations=[(file, None) for file in files])  # type: ignore[misc] # Without lines.
    return catalogue


def read(language: str) -> Catalog:
    """The translations into a language, as they are saved."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The translations into a language, with the texts of today."""
    old, new = read(language), Catalog(locale=language, project="MNIST playground", fuzzy=False)
    for message in template():
        if message.id:
            known = old.get(message.id)
            new.add(message.id, known.string if known else None, locations=message.locations)
    return new


def write(catalogue: Catalog) -> None:
    """Save the translations into a language."""
    language = str(catalogue.locale_identifier)
    with path_of(language).open("wb") as file:
        # Babel's own header has the time of the last update, and nobody's address.
        file.write(_HEADER.format(name=LANGUAGES[language], language=language, plural=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=120, omit_header=True, sort_by_file=True)


def missing(catalogue: Catalog) -> list[Message]:
    """The texts without a translation."""
    return [one for one in catalogue if one.id and not all(_strings(one))]


def _strings(message: Message) -> tuple[str, ...]:
    """The translations of a text: one, or one for each number."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def main() -> int:
    """Update the files, and print how much of each is translated."""
    for language in LANGUAGES:
        if language != SOURCE:
            catalogue = updated(language)
            write(catalogue)
            every = len(catalogue)
            print(f"{language}: {every - len(missing(catalogue))} of {every} texts")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
