"""Counts of the answers to the check, in SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mnist_core.store.runs import RunStore


def test_no_counts_at_first(url: str) -> None:
    assert RunStore(url).checks.counts() == {}


def test_answers_are_counted(url: str) -> None:
    store = RunStore(url)
    store.checks.count("before", {"file": 0, "gap": 2})
    store.checks.count("before", {"file": 1, "gap": 2})
    store.checks.count("after", {"file": 0})
    assert store.checks.counts() == {
        ("before", "file", 0): 1,
        ("before", "file", 1): 1,
        ("before", "gap", 2): 2,
        ("after", "file", 0): 1,
    }


def test_no_answer_is_lost_when_many_come_at_once(url: str) -> None:
    store = RunStore(url)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.checks.count("before", {"file": 0}), range(20)))
    assert store.checks.counts() == {("before", "file", 0): 20}
