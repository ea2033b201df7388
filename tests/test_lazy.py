"""Properties that are computed when first read."""

from __future__ import annotations

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mnist_core.lazy import lazy_property

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Slow:
    both_compute: threading.Barrier
    calls: list[int] = field(default_factory=list)

    @lazy_property
    def answer(self) -> int:
        """Forty-two."""
        self.calls.append(1)
        self.both_compute.wait(30)
        return 42


def test_two_objects_compute_concurrently() -> None:
    # With one lock for all objects the second would never start, and the barrier would break.
    both_compute = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.answer, [Slow(both_compute), Slow(both_compute)]))
    assert answers == [42, 42]


def test_value_is_computed_once() -> None:
    one = Slow(threading.Barrier(1))
    assert [one.answer, one.answer] == [42, 42]
    assert one.calls == [1]


def test_docstring_is_preserved() -> None:
    assert Slow.answer.__doc__ == "Forty-two."


def test_project_uses_no_cached_property_with_a_shared_lock() -> None:
    for path in [*(ROOT / "mnist_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert "cached_property" not in names, path
