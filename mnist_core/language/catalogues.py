"""The translations: one file in GNU gettext's PO format for each language, read at the first need."""

from __future__ import annotations

import functools
import gettext
import io
from pathlib import Path

SOURCE = "en"
"""The language of the texts in the code."""
LANGUAGES = {SOURCE: "English", "de": "Deutsch", "es": "Español"}
"""The languages, by ISO 639 code, with their own names."""
FOLDER = Path(__file__).parent


def path_of(language: str) -> Path:
    """The file with the translations into a language."""
    return FOLDER / f"{language}.po"


@functools.cache
def translations(language: str) -> gettext.NullTranslations:
    """The translations into a language. A text without one stays English.

    The PO file is compiled in memory (about 0.1 s), so no compiled file can be out of date.
    """
    if language == SOURCE:
        return gettext.NullTranslations()
    from babel.messages import mofile, pofile

    with path_of(language).open("rb") as file:
        catalogue = pofile.read_po(file, locale=language)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
