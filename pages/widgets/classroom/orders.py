"""What a teacher orders at the desk, and why an order was refused. All but `trouble` are for callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_core.errors import PlaygroundError
from mnist_core.runs import scheduler
from pages.widgets.classroom import drawings, membership
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mnist_core.store.class_records import Class

# The class, and why the last order for it was refused.
_TROUBLE: Key[tuple[str, str]] = Key("class-desk-trouble-noted", ("", ""))


def trouble(class_id: str) -> str:
    """Why the last order for a class was refused; empty if it was carried out."""
    of_class, message = _TROUBLE.get()
    return message if of_class == class_id else ""


def move(now: Class, changes: Mapping[str, object]) -> None:
    """Move a class from where its page showed it."""
    carry_out(now.id, lambda: membership.classes().move(workspace.token(), now.id, now.revision, **changes))


def begin_again(now: Class) -> None:
    """Delete what was handed in for the current task, and go back to before it."""
    carry_out(now.id, lambda: membership.classes().begin_again(workspace.token(), now.id, now.revision))


def remove_seat(class_id: str, number: int) -> None:
    """Take a seat away."""
    carry_out(class_id, lambda: membership.classes().remove_seat(workspace.token(), class_id, number))


def remove_pretend(now: Class) -> None:
    """Take all pretend students away."""
    carry_out(now.id, lambda: membership.classes().remove_pretend(workspace.token(), now.id))


def hide_drawing(now: Class, seat: int, n: int, is_hidden: bool) -> None:
    """Take a drawing of the current task out, or put it back."""
    hide = membership.classes().hide_drawing
    carry_out(now.id, lambda: hide(workspace.token(), now.id, now.task, seat, n, is_hidden))


def end(class_id: str, is_deleted: bool) -> None:
    """End a class, and keep what was handed in, or delete everything."""

    def end_it() -> None:
        gone = membership.classes().end(workspace.token(), class_id, delete=is_deleted)
        for run in workspace.run_saver().drop(gone):
            scheduler.shared().stop(run)

    carry_out(class_id, end_it)
    if not trouble(class_id):
        drawings.class_tests().forget(class_id)
        if is_deleted:
            membership.lead("")


def carry_out(class_id: str, action: Callable[[], object]) -> None:
    """Do something for a class, and remember why it was refused, for `trouble`."""
    _TROUBLE.set(("", ""))
    try:
        action()
    except PlaygroundError as error:
        _TROUBLE.set((class_id, error.message))
    membership.boards().outdate(class_id)
