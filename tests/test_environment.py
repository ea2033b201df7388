"""Whole numbers in environment variables: what is read, and what is ignored with a line in the log."""

from __future__ import annotations

import pytest

from mnist_core import environment
from mnist_core.environment import whole_number


@pytest.fixture(autouse=True)
def nothing_was_read_before() -> None:
    environment._read.cache_clear()


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("0012", 12)])
def test_number_is_read(
    text: str, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NUMBER", text)
    assert whole_number("NUMBER", 3) == number
    assert caplog.text == ""


@pytest.mark.parametrize("text", [None, ""])
def test_default_without_a_number(
    text: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NUMBER", raising=False)
    if text is not None:
        monkeypatch.setenv("NUMBER", text)
    assert whole_number("NUMBER", 2.5) == 2.5
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "1e3", "nan", "inf", "²", "7 MB", " "])
def test_other_texts_are_ignored_and_logged_once(
    text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NUMBER", text)
    for _ in range(3):
        assert whole_number("NUMBER", 3) == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"NUMBER is {text!r} and is ignored. It must be a whole number, at least 0."
    ]


def test_number_below_the_least_is_ignored(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("NUMBER", "1")
    assert whole_number("NUMBER", 3, least=2) == 3
    assert "at least 2" in caplog.text
    assert whole_number("NUMBER", 3, least=1) == 1


def test_changed_number_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 1):
        monkeypatch.setenv("NUMBER", f"{number}")
        assert whole_number("NUMBER", 0) == number
