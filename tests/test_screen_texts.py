"""The checker of the words on screens finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import screen_texts
from tests.screen_texts import Text, level, problems, sentences, syllables, texts

LONG = "It has more words than it may have, " + ", and then".join(["one more"] * 12) + "."


def checkout(tmp_path: Path, source: str, name: str = "pages/train.py") -> list[Text]:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(source)
    return texts(tmp_path)


def test_texts_on_screens_are_in_order() -> None:
    assert problems(texts()) == []
    assert len(texts()) > 1000


@pytest.mark.parametrize(
    "source",
    [
        'st.markdown("Whoever opens this link finds it.")',
        'st.markdown(f"Whoever opens {this} link finds it.")',
        'st.caption("It reads 98 "\n    "of 100 images right.")',
        f'st.markdown("{LONG}")',
        f'NOTE = f"It is {{x}}. {LONG}"',
    ],
)
def test_problem_is_found(tmp_path: Path, source: str) -> None:
    [problem] = problems(checkout(tmp_path, source))
    assert problem.startswith("pages/train.py:1: ")


def test_problem_in_a_component_is_found(tmp_path: Path) -> None:
    found = checkout(tmp_path, 'note.title = "Meanwhile the network goes on learning.";', "pages/widgets/common/a.js")
    assert len(problems(found)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""Whoever reads this docstring is a developer, or meanwhile became one."""',
        'logger.warning("Meanwhile the thread of the saver ended.")',
        'raise ValueError("meanwhile it was no longer there")',
        "# Whoever reads this comment is a developer.",
        'key = "meanwhile"',
    ],
)
def test_words_for_developers_are_not_checked(tmp_path: Path, source: str) -> None:
    assert problems(checkout(tmp_path, source)) == []


def test_sentences_end_at_points_and_lines() -> None:
    assert sentences("It is **good**. Is it? Yes:\n- one\n- two") == ["It is good.", "Is it?", "Yes:", "- one", "- two"]


@pytest.mark.parametrize(("word", "count"), [("the", 1), ("image", 2), ("network", 2), ("little", 2), ("accuracy", 4)])
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_level_of_two_sentences() -> None:
    found = [Text("a", 1, "The cat sat on a mat. It is a good cat there.")]
    # Twelve words in two sentences, one syllable each: 206.835 - 1.015 * 6 - 84.6.
    assert f"Flesch reading ease {206.835 - 1.015 * 6 - 84.6:.0f}" in level(found)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert screen_texts.main([]) == 0
    assert "in order" in capsys.readouterr().out
