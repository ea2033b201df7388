"""Texts and numbers in the language that is spoken."""

from __future__ import annotations

import contextvars
import copy
import datetime
import gettext as standard
import pickle
import threading

import pytest
from babel import numbers

from mnist_core.errors import ConfigError, DataError
from mnist_core.language import (
    Message,
    current,
    format_number,
    gettext,
    match,
    messages,
    ngettext,
    number_format,
    provide,
    speaking,
)


class Spanish(standard.NullTranslations):
    """A few translations, by hand."""

    def gettext(self, message: str) -> str:
        known = {
            "{share:.0%} of {images:,} images": "{share:.0%} de {images:,} imágenes",
            "{what} is too large.": "{what} es demasiado grande.",
            "The file": "El archivo",
        }
        return known.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return {"{count} run": "{count} ejecución", "{count} runs": "{count} ejecuciones"}[msgid1 if n == 1 else msgid2]


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "translations", lambda language: Spanish())


@pytest.mark.usefixtures("spanish")
def test_values_stand_in_the_translation() -> None:
    with speaking("es"):
        assert gettext("{share:.0%} of {images:,} images", share=0.5, images=60_000) == "50\xa0% de 60.000 imágenes"
        assert [ngettext("{count} run", "{count} runs", count) for count in (1, 2)] == ["1 ejecución", "2 ejecuciones"]


def test_text_without_translation_stays_english() -> None:
    with speaking("de"):
        assert gettext("No such text: {value:.1f}", value=1.5) == "No such text: 1,5"


@pytest.mark.usefixtures("spanish")
def test_message_is_english_until_it_is_shown() -> None:
    message = Message("{what} is too large.", what=Message("The file"))
    assert message == "The file is too large."
    with speaking("es"):
        assert gettext(message) == "El archivo es demasiado grande."
        assert f"{message}" == "The file is too large."


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copied_message_can_be_translated(duplicate: object) -> None:
    message = duplicate(Message("{what} is too large.", what="data.npz"))  # type: ignore[operator]
    with speaking("es"):
        assert gettext(message) == "data.npz es demasiado grande."


@pytest.mark.usefixtures("spanish")
def test_error_is_logged_in_english_and_shown_translated() -> None:
    error = DataError(Message("{what} is too large.", what=Message("The file")), "Choose another.", 7)
    assert str(error) == "The file is too large. Received: 7. Choose another."
    with speaking("es"):
        assert str(error) == "The file is too large. Received: 7. Choose another."
        assert gettext(error.message) == "El archivo es demasiado grande. Received: 7. Choose another."
        assert gettext("A: {error}", error=error).startswith("A: El archivo es")
        assert gettext(ConfigError("units", "{what} is too large.", "").message).startswith("units: {what} es")


def test_text_from_outside_is_no_template() -> None:
    name = "{share:.0%} {0} {secret.__class__}"
    assert gettext("{name} is too large.", name=name) == f"{name} is too large."
    assert str(DataError(Message("{name} is too large.", name=name), "")).startswith(name)


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("value", [0, 7, 999, 1_234, 60_000, 1_234_567, -5])
def test_whole_numbers_are_written_as_babel_does(language: str, value: int) -> None:
    with speaking(language):
        assert format_number(value) == numbers.format_decimal(value, locale=language)


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("value", [0.0, 0.004, 0.9264, 1.0, -0.05])
def test_shares_are_written_as_babel_does(language: str, value: float) -> None:
    with speaking(language):
        assert format_number(value, ".0%") == numbers.format_percent(value, locale=language)


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_charts_write_numbers_as_babel_does(language: str) -> None:
    with speaking(language):
        found = number_format()
    group, point = found["thousands"], found["decimal"]
    assert f"12{group}345{point}6" == numbers.format_decimal(12_345.6, locale=language)
    assert f"90{found['percent']}" == numbers.format_percent(0.9, locale=language)


@pytest.mark.parametrize(
    ("value", "spec", "written"),
    [
        (0.00012, "g", "0,00012"),
        (1e-7, "g", "1e-07"),
        (1.5e-7, "g", "1,5e-07"),
        (12345.678, ".2f", "12345,68"),
        (12345.678, ",.2f", "12.345,68"),
        (0.5, "+.1%", "+50,0\xa0%"),
        (3.5, "6.1f", "   3,5"),
        (float("nan"), ".2f", "nan"),
        (float("inf"), ".2f", "inf"),
    ],
)
def test_numbers_in_german(value: float, spec: str, written: str) -> None:
    with speaking("de"):
        assert format_number(value, spec) == written
    assert format_number(value, spec) == format(value, spec)


def test_value_without_a_format() -> None:
    with speaking("de"):
        assert gettext("{a} {b} {c}", a=0.15, b=2026, c="0.15") == "0,15 2026 0.15"


def test_moments() -> None:
    moment = datetime.datetime(2026, 3, 1, 14, 5)
    written = []
    for language in ("en", "de", "es"):
        with speaking(language):
            written.append(gettext("{moment}", moment=moment))
    assert written == ["March 1, 2026, 14:05", "1. März 2026, 14:05", "1 de marzo de 2026, 14:05"]


def test_language_of_a_block_goes_before_that_of_the_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist_core.language import context

    monkeypatch.setattr(context, "_of_visitor", context._of_visitor)
    provide(lambda: "de")
    assert current() == "de"
    with speaking("en"):
        assert current() == "en"
    assert current() == "de"
    provide(lambda: None)
    assert current() == "en"


def test_block_speaks_for_its_own_thread_only() -> None:
    heard: list[str] = []
    with speaking("de"):
        thread = threading.Thread(target=lambda: heard.append(current()), daemon=True)
        thread.start()
        thread.join()
        told = threading.Thread(target=contextvars.copy_context().run, args=(lambda: heard.append(current()),))
        told.start()
        told.join()
    assert heard == ["en", "de"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("ES_mx", "es"),
        ("en-GB", "en"),
        ("fr", None),
        ("", None),
        (None, None),
        ("*", None),
    ],
)
def test_language_for_a_tag(wanted: str | None, found: str | None) -> None:
    assert match(wanted) == found


def test_unknown_language_is_english() -> None:
    with speaking("../../secret"):
        assert current() == "en"
