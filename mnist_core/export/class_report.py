"""What a class has handed in, as one page to print and as a table."""

from __future__ import annotations

import csv
import html
import io
import statistics
from types import MappingProxyType
from typing import TYPE_CHECKING

from mnist_core import presets
from mnist_core.classes import Ask, Draw, Look, Train, config_of, progress, question_of
from mnist_core.drawing import test_set
from mnist_core.export import report
from mnist_core.language import SOURCE, speaking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mnist_core.classes import Task
    from mnist_core.classes.class_test import ClassTest
    from mnist_core.store.handed_in import Work

COLUMNS = (
    "task", "what", "seat", "first vote", "second vote", "right", "seconds", "guess", "networks",
    "best validation accuracy", "goal reached", "drawings", "drawings read right", "missed",
)  # fmt: skip
"""Of the table: one row for each seat and task for which it has handed in something, or which it has missed.

Shares are from 0 to 1; cells that a task does not have are empty.

The seconds are from the opening of the task to the first thing that the seat has handed in; for who only took part in
the second vote, from the opening of that one. A seat has missed a task that was over before it was taken.
"""


@speaking(SOURCE)
def class_csv(
    plan: Sequence[Task],
    works: Sequence[Work],
    names: Mapping[int, str],
    tests: Mapping[str, ClassTest] = MappingProxyType({}),
    missed: Mapping[int, Collection[str]] = MappingProxyType({}),
) -> str:
    """All that was handed in, as CSV with `COLUMNS`.

    Args:
        plan: the tasks of the class.
        works: what the seats handed in.
        names: of the seats, by number; others are called by their numbers.
        tests: what the networks of the class have read in its drawings, by the ids of tasks.
        missed: the ids of the tasks that were over before a seat was taken, by its number.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, task in enumerate(plan, 1):
        rows = {work.seat: [*_cells(task, work, tests.get(task.id)), ""] for work in works if work.task == task.id}
        for seat in _who_missed(task, missed):
            rows.setdefault(seat, [*[""] * (len(COLUMNS) - 4), "yes"])
        for seat, cells in sorted(rows.items()):
            writer.writerow([number, _what(task), _name(seat, names), *cells])
    return buffer.getvalue()


@speaking(SOURCE)
def class_page(
    title: str,
    plan: Sequence[Task],
    works: Sequence[Work],
    names: Mapping[int, str],
    tests: Mapping[str, ClassTest] = MappingProxyType({}),
    missed: Mapping[int, Collection[str]] = MappingProxyType({}),
) -> str:
    """All that was handed in, as one self-contained HTML page to print: each task, then each seat.

    Args:
        title: the teacher's name of the class; empty for none.
        plan: the tasks of the class.
        works: what the seats handed in.
        names: of the seats, by number; others are called by their numbers.
        tests: what the networks of the class have read in its drawings, by the ids of tasks.
        missed: the ids of the tasks that were over before a seat was taken, by its number.
    """
    title = title or "Class"
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>Seats with work handed in: {len({one.seat for one in works})}.</p>"]
    for number, task in enumerate(plan, 1):
        given = [work for work in works if work.task == task.id]
        if given:
            content = _content(task, given, names, tests.get(task.id))
            parts.append(report.section(f"{number}. {_what(task)}", content))
    parts.append(report.section("Seat by seat", _by_seat(plan, works, names, missed)))
    return report.page(title, parts)


def _cells(task: Task, work: Work, test: ClassTest | None) -> list[object]:
    if isinstance(task, Draw):
        scores = [] if test is None else [test.scores[at] for at in _places(test, work.seat)]
        best = round(float(max(scores)), 4) if scores else ""
        return ["", "", "", _seconds(work), "", "", "", "", len(work.drawings), best]
    if isinstance(task, Look):  # Nothing is handed in.
        return [""] * 10
    return [*(_asked(task, work) if isinstance(task, Ask) else _trained(task, work)), "", ""]


def _places(test: ClassTest, seat: int) -> list[int]:
    """Where the networks of a seat are among those that have read the drawings."""
    if test.is_built_in or not test.drawings:
        return []
    return [at for at, one in enumerate(test.networks) if one.seat == seat]


def _content(task: Task, works: Sequence[Work], names: Mapping[int, str], test: ClassTest | None) -> str:
    if isinstance(task, Draw):
        return _drawings(works, names, test)
    if isinstance(task, Look):
        return ""
    return _votes(task, works) if isinstance(task, Ask) else _networks(task, works)


def _what(task: Task) -> str:
    if isinstance(task, Draw):
        return f"Draw digits: {', '.join(map(str, task.digits))}"
    if isinstance(task, Look):
        return f"Look at: {task.at}"
    text = question_of(task).text if isinstance(task, Ask) else presets.title_of(config_of(task))
    return text.replace("**", "")


def _name(seat: int, names: Mapping[int, str]) -> str:
    return names.get(seat, f"seat {seat}")


def _choice(task: Ask, place: int | None) -> str:
    """The text of a choice. A plan that was changed since may have fewer choices."""
    choices = question_of(task).choices
    return choices[place].replace("**", "") if place is not None and place < len(choices) else ""


def _is_right(task: Ask, work: Work) -> bool | None:
    """Whether the last vote is right; None if no answer is, or there is no vote."""
    right = question_of(task).right
    return None if right is None or not work.votes else work.votes[max(work.votes)] == right


def _best(work: Work) -> float | None:
    return max((one.accuracy for one in progress.networks_in(work)), default=None)


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _seconds(work: Work) -> object:
    return "" if work.seconds is None else round(work.seconds)


def _asked(task: Ask, work: Work) -> list[object]:
    return [
        _choice(task, work.votes.get(1)),
        _choice(task, work.votes.get(2)),
        _yes(_is_right(task, work)),
        _seconds(work),
        "",
        "",
        "",
        "",
    ]


def _trained(task: Train, work: Work) -> list[object]:
    has_goal = task.accuracy is not None or task.parameters is not None
    reached = _yes(progress.has_reached(task, work)) if has_goal else ""
    guess = "" if work.guess is None else work.guess
    return ["", "", "", _seconds(work), guess, len(work.runs), _best(work) or "", reached]


def _votes(task: Ask, works: Sequence[Work]) -> str:
    """Each choice with its votes before and after talking."""
    asked = question_of(task)
    rounds = sorted({round_ for work in works for round_ in work.votes})
    head = ["Answer", *(("First vote", "Second vote")[round_ - 1] for round_ in rounds)]
    rows = []
    for place in range(len(asked.choices)):
        mark = " ✓" if place == asked.right else ""
        counts = [sum(work.votes.get(round_) == place for work in works) for round_ in rounds]
        rows.append([_choice(task, place) + mark, *map(str, counts)])
    return _table(head, rows)


def _networks(task: Train, works: Sequence[Work]) -> str:
    """How many networks there are, the best one, and the guesses."""
    found = progress.networks_by({work.seat: work.runs for work in works})
    guesses = [work.guess for work in works if work.guess is not None]
    lines = [f"Networks: {sum(len(work.runs) for work in works)}."]
    if found:
        best = max(found, key=lambda one: one.accuracy)
        lines.append(
            f"The best validation accuracy is {best.accuracy:.1%}, with {best.parameters:,} parameters: "
            f"{presets.title_of(best.config)}."
        )
    if guesses:
        lines.append(f"Half of the guesses are {statistics.median(guesses):.0%} or less.")
    if task.accuracy is not None or task.parameters is not None:
        lines.append(f"Seats that reached the goal: {sum(progress.has_reached(task, work) for work in works)}.")
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _drawings(works: Sequence[Work], names: Mapping[int, str], test: ClassTest | None) -> str:
    """All drawings, digit by digit, and which network of the class reads them best."""
    found = sorted((one.label, one.data) for work in works for one in work.drawings)
    tags = [
        report.image_tag(test_set.unpack(data, label).image, f"{'An' if label == 8 else 'A'} {label}")
        for label, data in found
    ]
    lines = [f"Drawings: {len(found)}."]
    if test is not None and test.best and not test.is_built_in:
        best = [
            f"{_name(one.seat, names)} ({presets.title_of(one.config)})"
            for one in map(test.networks.__getitem__, test.best)
        ]
        lines.append(f"Networks that have read them: {len(test.networks)}.")
        lines.append(f"The best reads {max(test.scores):.0%} right: {', '.join(best)}.")
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines) + f"<p>{''.join(tags)}</p>"


def _who_missed(task: Task, missed: Mapping[int, Collection[str]]) -> list[int]:
    return [seat for seat, tasks in missed.items() if task.id in tasks]


def _by_seat(
    plan: Sequence[Task], works: Sequence[Work], names: Mapping[int, str], missed: Mapping[int, Collection[str]]
) -> str:
    """A row for each seat, a column for each task: whether the last vote is right, or the best accuracy."""
    cells: dict[int, dict[str, str]] = {}
    for task in plan:
        for seat in _who_missed(task, missed):
            cells.setdefault(seat, {})[task.id] = "missed"
        for work in works:
            if work.task == task.id:
                own = cells.setdefault(work.seat, {})
                if isinstance(task, Ask):
                    is_right = _is_right(task, work)
                    own[task.id] = ("·" if is_right is None else "✓" if is_right else "✗") if work.votes else ""
                elif isinstance(task, Draw):
                    own[task.id] = f"{len(work.drawings)} drawn"
                elif isinstance(task, Train):
                    best = _best(work)
                    own[task.id] = "" if best is None else f"{best:.1%}"
    head = ["Seat", *map(str, range(1, len(plan) + 1))]
    rows = [[_name(seat, names), *(own.get(task.id, "") for task in plan)] for seat, own in sorted(cells.items())]
    return _table(head, rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="numbers"><tr>{cells}</tr>{body}</table>'
