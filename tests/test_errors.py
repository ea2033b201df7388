"""Error messages repeat a received value in one short line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import MAX_PROBLEM, MAX_RECEIVED, ConfigError, DataError, brief


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(nested(100_000), id="nested"),
        pytest.param({"a": nested(100_000)}, id="nested in a dictionary"),
        pytest.param("x" * 10**6, id="long text"),
        pytest.param(["x" * 10**6] * 1000, id="long list of long texts"),
        pytest.param({f"{i}" * 1000: i for i in range(1000)}, id="large dictionary"),
        pytest.param(10**100_000, id="long number"),
        pytest.param(b"\0" * 10**6, id="bytes"),
        pytest.param("a\nb\r\n\tc\x1b[31m\x00", id="control characters"),
        pytest.param(np.zeros((500, 500)), id="array"),
        pytest.param(object(), id="object"),
    ],
)
def test_received_value_is_one_short_line(value: object) -> None:
    line = brief(value)
    assert len(line) <= MAX_RECEIVED
    assert line.isprintable()
    assert " at 0x" not in line
    assert f"Received: {line}." in str(DataError("It is wrong.", "Mend it.", value))


@pytest.mark.parametrize(
    ("value", "line"),
    [(5000, "5000"), (0.5, "0.5"), (True, "True"), ([1, "a"], "[1, 'a']"), ((3, 4), "(3, 4)"), ("text", "text")],
)
def test_short_value_is_shown_unchanged(value: object, line: str) -> None:
    assert brief(value) == line


def test_long_text_ends_with_an_ellipsis() -> None:
    assert brief("x" * 200) == "x" * 119 + "…"
    assert brief("x" * 120) == "x" * 120


def test_long_problem_is_shortened() -> None:
    error = DataError("x" * 10**6, "y" * 10**6)
    assert len(str(error)) <= 2 * MAX_PROBLEM + 1


@pytest.mark.parametrize("before", ['{"layers": ', '{"layers": [{"kind": ', '{"batch_size": ', '{"optimizer": '])
def test_deeply_nested_settings_give_a_short_message(before: str) -> None:
    after = "".join({"{": "}", "[": "]"}.get(letter, "") for letter in reversed(before))
    for depth in range(2, 1100):
        with pytest.raises(ConfigError) as caught:
            RunConfig.from_json(before + "[" * depth + "]" * depth + after)
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ['{"' + "x" * 200_000 + '": 1}', '{"dataset": "' + "x" * 200_000 + '"}'])
def test_long_settings_give_a_short_message(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_json(text)
    assert len(str(caught.value)) < 1000
