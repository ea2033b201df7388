"""A language in which each text is marked: what is not marked on a page has not gone through `gettext`."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from streamlit.testing.v1 import AppTest

from tests import catalogues

# The parts of Streamlit's elements that are shown or read out.
_SHOWN = {"label", "body", "help", "options", "placeholder", "caption", "captions", "alt"}
_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
# Icons, colours, pictures, code, links.
_NO_WORDS = re.compile(r":material/\w+:|:(blue|orange)\[|data:image\S*|`[^`]*`|https?://\S+|<[^>]+>")
# Names, which are the same in all languages.
_NAMES = re.compile(
    r"\b(ReLU|GELU|ELU|SGD|AdamW?|RMSprop|Keras|MNIST|IDX|NPZ|Deutsch|English|Español"
    r"|Input|Flatten|Reshape|Dense|Softmax|MaxPooling2D|Conv2D|Dropout|uint8|float32)\b"
)


class Marked(gettext.NullTranslations):
    """Each text that a translator can translate, in double brackets."""

    def __init__(self) -> None:
        super().__init__()
        self._known = {one for text in catalogues.texts() for one in ([text] if isinstance(text, str) else text)}

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧" if message in self._known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def unmarked(app: AppTest) -> list[str]:
    """The texts on a page that are not marked."""
    return [text for text in dict.fromkeys(_texts(app._tree)) if re.search(r"[A-Za-z]{3}", _rest(text))]


def _rest(text: str) -> str:
    """What is left of a text without the marked ones in it."""
    text = _NO_WORDS.sub("", text)
    while _MARKED.search(text):
        text = _MARKED.sub("", text)
    return _NAMES.sub("", text)


def _texts(node: Any) -> Iterator[str]:
    proto = getattr(node, "proto", None)
    if hasattr(proto, "DESCRIPTOR"):
        yield from _strings(MessageToDict(proto), "")
    for child in getattr(node, "children", {}).values():
        yield from _texts(child)


def _strings(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _strings(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, key)
    elif isinstance(value, str) and key in _SHOWN:
        yield value
