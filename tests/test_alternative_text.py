"""Every picture and chart in the source has an alternative text for screen readers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
SHOWN = {
    "image", "vega_lite_chart", "plotly_chart", "altair_chart", "line_chart", "bar_chart", "area_chart",
    "scatter_chart", "pyplot", "graphviz_chart",
}  # fmt: skip


def without_text(source: str) -> list[int]:
    """Return the lines of calls that show something without a text, or with an empty one."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWN:
            texts = [keyword.value for keyword in node.keywords if keyword.arg == "alt"]
            is_empty = isinstance(texts[0], ast.Constant) and not str(texts[0].value or "").strip() if texts else True
            if is_empty:
                lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_picture_and_chart_has_a_text(path: Path) -> None:
    assert without_text(path.read_text(encoding="utf-8")) == []


def test_missing_and_empty_texts_are_found() -> None:
    source = 'st.image(a)\nleft.image(a, alt="")\nst.vega_lite_chart(a, b, alt=None)\nst.image(a, alt=f"a {b}")\n'
    assert without_text(source) == [1, 2, 3]
