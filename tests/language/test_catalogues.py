"""The translations are whole, and keep what a text needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from mnist_core.language import LANGUAGES, SOURCE
from tests import catalogues

ROOT = Path(__file__).parents[2]
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
# The whole of Train, Draw, Evaluate and course A. Other pages may have texts that are still English.
WHOLE = re.compile(
    r"app\.py|pages/(train|draw|evaluate|learn)\.py|pages/widgets/(train|draw|evaluate|common|state)/.*"
    r"|pages/widgets/learn/(lessons|question_choice|check|words|own_network|trials|replays|explorers\w*)\.py"
    r"|mnist_core/lessons/(how_it_learns|check)\.py|mnist_core/(config|presets|charts|drawing|training|runs)\b.*"
)


def messages(language: str) -> list[Message]:
    return [message for message in catalogues.read(language) if message.id]


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each translation of a text, with the text."""
    translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
    texts = [message.id] if isinstance(message.id, str) else [message.id[0], message.id[-1]]
    return list(zip(texts, translations, strict=True))


def unlike(language: str, of: Callable[[str], object]) -> list[tuple[str, str]]:
    """The texts of which something is not the same as of their translation."""
    return [
        (text, translation)
        for message in messages(language)
        for text, translation in pairs(message)
        if translation and of(text) != of(translation)
    ]


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_has_the_texts_of_today(language: str) -> None:
    known = {message.id for message in messages(language)}
    today = set(catalogues.texts())
    assert known == today, "Run: python -m tests.catalogues"


@pytest.mark.parametrize("language", TRANSLATED)
def test_train_draw_evaluate_and_the_first_course_are_translated(language: str) -> None:
    missing = catalogues.missing(catalogues.read(language))
    assert [one.id for one in missing if any(WHOLE.fullmatch(file) for file, _ in one.locations)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_survive(language: str) -> None:
    assert unlike(language, catalogues.placeholders) == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("mark", ["**", "`", ":material/", "|", "\n", ":blue[", ":orange["])
def test_markdown_survives(language: str, mark: str) -> None:
    assert unlike(language, lambda text: text.count(mark)) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_spaces_at_the_ends_survive(language: str) -> None:
    def ends(text: str) -> tuple[bool, bool]:
        return text[:1].isspace(), text[-1:].isspace()

    assert unlike(language, ends) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_percent_sign_stays_with_its_number(language: str) -> None:
    broken = [
        translation for one in messages(language) for _, translation in pairs(one) if re.search(r"\d %", translation)
    ]
    assert broken == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_text_that_names_a_button_names_it_as_it_is_called(language: str) -> None:
    called = {str(one.id): str(one.string) for one in messages(language) if isinstance(one.id, str) and one.string}
    wrong = [
        (name, translation)
        for message in messages(language)
        for text, translation in pairs(message)
        for name in re.findall(r"\*\*([A-Z][^*]*)\*\*", text)
        if translation and name in called and f"**{called[name]}**" not in translation
    ]
    assert wrong == []


def test_every_kind_of_text_is_collected() -> None:
    found = catalogues.texts()
    for text in (
        "Compare",  # A page.
        "{count} seeds",  # With a value.
        "Lower the learning rate, now {rate:g}; a tenth of it is a good next try.",  # Of a thread.
        "There is no such run in this workspace.",  # Of an error.
        "Point at a unit. Blue is above 0, orange below.",  # Of a component.
        "The drawing is too large.",
    ):
        assert text in found, text
    assert ("{count} labelled drawing", "{count} labelled drawings") in found


def calls_of_translators() -> Iterator[tuple[str, ast.Call, bool]]:
    """Each call that translates or makes a text: where it stands, the call, and whether it is inside a function."""
    for path in (*(ROOT / "pages").rglob("*.py"), *(ROOT / "mnist_core").rglob("*.py"), ROOT / "app.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
        inside = {id(part) for function in functions for part in ast.walk(function)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in catalogues.TRANSLATORS
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node, id(node) in inside


def test_every_value_of_a_text_is_given() -> None:
    """Otherwise the page would fail, perhaps in a case that no other test reaches."""
    wrong = []
    for place, call, _inside in calls_of_translators():
        name = ast.unparse(call.func)
        texts = [one.value for one in call.args[: catalogues.TRANSLATORS[name]] if isinstance(one, ast.Constant)]
        given = {one.arg for one in call.keywords}
        if None in given:  # From a dictionary.
            continue
        needed = {field.partition(":")[0] for text in texts for field in catalogues.placeholders(str(text))}
        if needed - given - ({"count"} if name == "ngettext" else set()):
            wrong.append(place)
    assert wrong == []


def test_no_text_is_translated_when_a_module_is_imported() -> None:
    """It would stay in the language of the first visitor. Pages run as scripts, once for each visit."""
    scripts = {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")} | {"app.py"}
    early = [
        place
        for place, call, is_inside in calls_of_translators()
        if not is_inside and ast.unparse(call.func) != "Message" and place.partition(":")[0] not in scripts
    ]
    assert early == []
