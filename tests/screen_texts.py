"""Check the texts on screens: no banned words, no sentence over 25 words. ``--level`` prints how easy they are to read.

Run ``python -m tests.screen_texts``, as `make check` does. Texts are the strings of `pages` and `mnist_core` that look
like sentences, and those of the browser components. The level is the Flesch reading ease: 60 to 70 is plain English, 80
and more is easy (R. Flesch, "A new readability yardstick", 1948).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_WORDS = 25
# What a developer or the owner of a server reads, not a visitor.
_ELSEWHERE = ("mnist_core/__main__.py", "mnist_core/store/migrations", "mnist_core/training/pretraining.py")
BANNED = (
    *("whoever", "meanwhile", "by heart", "surest", "anew", "thereof", "hence", "thus", "whilst", "amongst", "upon"),
    *("shall", "so it is", "by the way", "as it were", "in order to", "utilize", "in vain", "lest", "somebody's hand"),
    *("of 100", "of a hundred", "points of a hundred", "e.g.", "i.e.", "etc.", "published against yours"),
    *("learned by heart", "lay out", "bring it back", "let it run", "so that it", "of its own", "the one, the other"),
)
"""Words and phrases that are hard for people whose second language is English, with a plainer one for each."""
EXCEPTIONS = frozenset({"95 of 100 mushrooms"})
"""Parts of texts that may contain a banned phrase, because they count things."""
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


@dataclass(frozen=True)
class Text:
    """A text on a screen, and where it stands."""

    path: str
    line: int
    words: str


def texts(root: Path = ROOT) -> list[Text]:
    """All texts on screens below a checkout."""
    found: list[Text] = []
    for folder in ("pages", "mnist_core"):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_ELSEWHERE):
                found += [Text(name, line, words) for line, words in _in_python(path.read_text())]
        for path in sorted((root / folder).rglob("*.js")):
            name = path.relative_to(root).as_posix()
            found += [Text(name, line, words) for line, words in _in_javascript(path.read_text())]
    return found


def _in_python(source: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))  # A docstring.
        elif isinstance(node, ast.Call) and _is_for_developers(node.func):
            skipped.update(id(inner) for inner in ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        words = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value
        elif isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if _is_sentence(words):
            yield node.lineno, words  # type: ignore[attr-defined]


def _is_for_developers(function: ast.expr) -> bool:
    """Whether the arguments of a call are a log line, the message of a programming error, or a component's code."""
    name = ast.unparse(function)
    return name.startswith("logger.") or name.endswith(
        ("ValueError", "TypeError", "RuntimeError", "warn", "compile", "component", "TypeVar")
    )


def _in_javascript(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), 1):
        if not line.lstrip().startswith("//"):
            for words in re.findall(r'["`]([^"`]{12,})["`]', line):
                if _is_sentence(words):
                    yield number, re.sub(r"\$\{[^}]*\}", "{}", words)


def _is_sentence(words: str) -> bool:
    plain = re.sub(r"[\s{}.,:;()*'’\"%…-]", "", words)
    letters = sum(letter.isalpha() for letter in plain)
    return len(_WORD.findall(words)) >= 4 and letters > 0.7 * len(plain) and "=>" not in words and "</" not in words


def sentences(text: str) -> list[str]:
    """The sentences of a text. Lists and tables count line by line."""
    plain = re.sub(r"[*`]|:(material|blue|orange)[/\w]*:?", "", text)
    return [one for one in re.split(r"(?<=[.!?…])\s+|\n+| \| ", plain) if _WORD.search(one)]


def problems(found: Sequence[Text]) -> list[str]:
    """What is wrong with the texts, one line each."""
    lines = []
    for text in found:
        allowed = text.words
        for part in EXCEPTIONS:
            allowed = allowed.replace(part, "")
        lines += [
            f"{text.path}:{text.line}: banned: {word!r}"
            for word in BANNED
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", allowed, re.IGNORECASE)
        ]
        for one in sentences(text.words):
            count = len(one.split())
            if count > MOST_WORDS:
                lines.append(f"{text.path}:{text.line}: {count} words: {one[:90]} …")
    return lines


def syllables(word: str) -> int:
    """The number of groups of vowels; a final silent e does not count."""
    groups = re.findall(r"[aeiouy]+", word.lower())
    silent = word.lower().endswith("e") and not word.lower().endswith(("le", "ee")) and len(groups) > 1
    return max(1, len(groups) - silent)


def level(found: Sequence[Text]) -> str:
    """The reading level of the texts, in one line."""
    every = [one for text in found for one in sentences(text.words)]
    words = [word for one in every for word in _WORD.findall(one)]
    a_sentence = len(words) / len(every)
    a_word = sum(map(syllables, words)) / len(words)
    ease = 206.835 - 1.015 * a_sentence - 84.6 * a_word
    long = sum(len(one.split()) > MOST_WORDS for one in every)
    return (
        f"{len(found):,} texts, {len(every):,} sentences, {len(words):,} words: {a_sentence:.1f} words a sentence, "
        f"{a_word:.2f} syllables a word, Flesch reading ease {ease:.0f}, {long} sentences over {MOST_WORDS} words"
    )


def main(arguments: Sequence[str]) -> int:
    """Print the problems; with ``--level`` the reading level of this checkout, or of one that is named after it."""
    if "--level" in arguments:
        root = Path(arguments[1]) if len(arguments) > 1 else ROOT
        for name, prefix in (("all", ""), ("Learn", "mnist_core/lessons"), ("pages", "pages"), ("core", "mnist_core")):
            print(f"{name}: {level([text for text in texts(root) if text.path.startswith(prefix)])}")
        return 0
    found = problems(texts())
    print("\n".join(found) or "The texts on screens are in order.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
