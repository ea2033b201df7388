"""The language of the texts on screens: which one, its translations, and numbers as it writes them.

Texts stand in the code in English. `gettext` translates them when they are shown; a table or an error holds them as
they are, or as a `Message` if values stand in them. Links, stored data, exports and logs stay English.
"""

from mnist_core.language.catalogues import LANGUAGES, SOURCE, translations
from mnist_core.language.context import current, match, provide, speaking
from mnist_core.language.messages import Message, format_number, gettext, ngettext, number_format

__all__ = [
    "LANGUAGES",
    "SOURCE",
    "Message",
    "current",
    "format_number",
    "gettext",
    "match",
    "ngettext",
    "number_format",
    "provide",
    "speaking",
    "translations",
]
