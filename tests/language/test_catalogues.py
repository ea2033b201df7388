"""The translations are whole, and keep what a text needs."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message

from mnist_core.language import LANGUAGES, SOURCE
from tests import catalogues

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
# The whole of Train, Draw, Evaluate and course A. Other pages may have texts that are still English.
WHOLE = re.compile(
    r"app\.py|pages/(train|draw|evaluate|learn)\.py|pages/widgets/(train|draw|evaluate|common|state)/.*"
    r"|pages/widgets/learn/(lessons|question_choice|check|words|own_network|trials)\.py"
    r"|mnist_core/lessons/(how_it_learns|check)\.py|mnist_core/(config|presets|charts|drawing|training|runs)\b.*"
)


def messages(language: str) -> list[Message]:
    return [message for message in catalogues.read(language) if message.id]


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each translation of a text, with the text."""
    translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
    texts = [message.id] if isinstance(message.id, str) else [message.id[0], message.id[-1]]
    return list(zip(texts, translations, strict=True))


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
    lost = [
        (text, translation)
        for message in messages(language)
        for text, translation in pairs(message)
        if translation and catalogues.placeholders(text) != catalogues.placeholders(translation)
    ]
    assert lost == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("mark", ["**", "`", ":material/", "|", "\n", ":blue[", ":orange["])
def test_markdown_survives(language: str, mark: str) -> None:
    lost = [
        (text, translation)
        for message in messages(language)
        for text, translation in pairs(message)
        if translation and text.count(mark) != translation.count(mark)
    ]
    assert lost == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_spaces_at_the_ends_survive(language: str) -> None:
    def ends(text: str) -> tuple[bool, bool]:
        return text[:1].isspace(), text[-1:].isspace()

    every = [pair for message in messages(language) for pair in pairs(message)]
    assert [text for text, translation in every if translation and ends(text) != ends(translation)] == []


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
