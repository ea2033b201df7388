"""Texts with values in them: translated when they are shown, with numbers as the language writes them."""

from __future__ import annotations

import datetime
import functools
import re
import string
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mnist_core.language.catalogues import SOURCE, translations
from mnist_core.language.context import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from babel import Locale


class Message(str):
    """A text in English that can still be translated: `gettext` shows it in the language of whoever reads it.

    For texts that are made before it is known who reads them: in tables, in errors, by threads that serve all visitors.

    Args:
        template: the text in English, with ``{name}`` or ``{name:spec}`` for each value.
        values: what stands in it. A value may be a message too.

    >>> Message("{share:.0%} of {images:,} images", share=0.5, images=60_000)
    '50% of 60,000 images'
    """

    template: str
    values: Mapping[str, object]
    __slots__ = ("template", "values")

    def __new__(cls, template: str, /, **values: object) -> Message:
        """Format the text in English."""
        message = super().__new__(cls, template.format(**values) if values else template)
        message.template, message.values = str(template), values
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """What a copy is made from."""
        return (self.template,), dict(self.values)


class _Formatter(string.Formatter):
    """Formats values as a language writes them: numbers, dates, messages and errors."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Exception):
            value = getattr(value, "message", None) or _of_error(value)
        if isinstance(value, Message):
            value = gettext(value)
        if isinstance(value, datetime.datetime):
            from babel import dates

            return f"{dates.format_date(value, 'long', self._language)}, {value:%H:%M}"
        is_figure = isinstance(value, float) or (format_spec and not isinstance(value, str))
        written = format(value, format_spec)
        return _localized(written, self._language) if is_figure and self._language != SOURCE else written


def _of_error(error: Exception) -> object:
    """What an error of the core or of Python says."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Message) else str(error)


_formatter = functools.cache(_Formatter)
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<digits>\d[\d,]*(?:\.\d+)?)(?P<exponent>e[+-]?\d+)?(?P<percent>%?)")


def _localized(text: str, language: str) -> str:
    """A number as Python writes it, as the language writes it. What is no number stays as it is."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return text
    from babel import Locale, numbers

    locale = Locale.parse(language)
    digits = found["digits"]
    decimals = len(digits.partition(".")[2])
    pattern = ("#,##0" if "," in digits or found["percent"] else "0") + ("." + "0" * decimals if decimals else "")
    written = numbers.format_decimal(Decimal(digits.replace(",", "")), pattern, locale)
    signs = {"": "", "-": numbers.get_minus_sign_symbol(locale), "+": numbers.get_plus_sign_symbol(locale)}
    percent = _percent_sign(locale) if found["percent"] else ""
    room = " " * (len(text) - len(text.lstrip()))
    return f"{room}{signs[found['sign']]}{written}{found['exponent'] or ''}{percent}"


def _percent_sign(locale: Locale) -> str:
    """What stands after a percentage, with the space before it."""
    return str(locale.percent_formats[None].suffix[0])


def gettext(text: str, /, **values: object) -> str:
    """A text in the language that is spoken here, with values in it.

    Args:
        text: a text in English as it stands in the code, or a `Message`.
        values: for the names in braces. Numbers are written as the language writes them.
    """
    language = current()
    if isinstance(text, Message):
        values = {**text.values, **values}
        text = text.template
    translated = translations(language).gettext(text) if text else ""
    return _formatter(language).vformat(translated, (), values) if values else translated


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """The text for one thing or that for several, as `gettext`. The number is ``{count}`` in it."""
    language = current()
    translated = translations(language).ngettext(one, many, count)
    return _formatter(language).vformat(translated, (), {"count": count, **values})


def format_number(value: float, spec: str = ",") -> str:
    """A number as the language that is spoken here writes it.

    Args:
        value: the number.
        spec: how, in Python's format language, such as ".1%".

    >>> format_number(60_000)
    '60,000'
    """
    return _formatter(current()).format_field(value, spec)


def number_format() -> dict[str, Any]:
    """How the language that is spoken here writes numbers, as a locale of d3-format: for charts in the browser.

    Source: https://d3js.org/d3-format#formatLocale.
    """
    if current() == SOURCE:
        return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""], "percent": "%"}
    from babel import Locale, numbers

    locale = Locale.parse(current())
    return {
        "decimal": numbers.get_decimal_symbol(locale),
        "thousands": numbers.get_group_symbol(locale),
        "grouping": [3],
        "currency": ["", ""],
        "percent": _percent_sign(locale),
    }
