"""The visitor's drawings, data set and answers: saved in their workspace, and the same in all of its tabs."""

from __future__ import annotations

import dataclasses
import functools
import threading
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from mnist_core import limits
from mnist_core.drawing import own_drawings
from mnist_core.drawing.own_drawings import OwnDrawings
from mnist_core.errors import PlaygroundError, StoreError
from mnist_core.lessons import answers
from mnist_core.lessons.answers import LessonAnswers
from pages.widgets.server import visitor_limits
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from mnist_core.data import Dataset

T = TypeVar("T")

LAST_DRAWING: Key[npt.NDArray[np.uint8] | None] = Key("last-drawing-noted", None)
"""The last drawing on the Draw page as the networks get it, (28, 28) uint8, 255 = ink."""
DRAWINGS, DATA, ANSWERS = "drawings", "data", "answers"
"""The names of the files."""


class Saved(Generic[T]):
    """A value that the tabs of a workspace share, saved as a file. Any thread may use it.

    Args:
        name: of the file.
        value: at first.
        pack: makes the content of the file.
        unpack: reads it; may raise `StoreError`.
        with_older: what was changed before the file could be read, together with what the file holds.

    Attributes:
        is_loaded: whether `value` holds what was saved before.
    """

    def __init__(
        self,
        name: str,
        value: T,
        pack: Callable[[T], bytes],
        unpack: Callable[[bytes], T],
        with_older: Callable[[T, T], T],
    ) -> None:
        self.name = name
        self.value = value
        self.is_loaded = False
        self._is_ahead = False  # Whether it was changed before the file could be read.
        self._pack = pack
        self._unpack = unpack
        self._with_older = with_older
        self._lock = threading.Lock()

    def get(self) -> T:
        """The value, with what was saved before. If that cannot be read, `trouble` of the work says why."""
        if not self.is_loaded:
            self._load()
        return self.value

    def change(self, change: Callable[[T], T]) -> None:
        """Replace the value by what `change` makes of it, and save it."""
        self.get()
        with self._lock:
            before, self.value = self.value, change(self.value)
            if self.value == before:
                return
            self._is_ahead = not self.is_loaded
            if self.is_loaded:  # Otherwise it would replace what cannot be read now.
                save(self.name, functools.partial(self._pack, self.value))

    def _load(self) -> None:
        own = of_visitor()
        saved = self._unpack(b"")
        try:
            if workspace.is_used():
                saved = self._unpack(workspace.run_saver().load_file(workspace.token(), self.name) or b"")
        except StoreError as error:
            own.troubles[self.name] = error.message
            return
        with self._lock:
            if not self.is_loaded:
                self.value = self._with_older(self.value, saved)
                self.is_loaded = True
                own.troubles.pop(self.name, None)
                if self._is_ahead:
                    save(self.name, functools.partial(self._pack, self.value))


class OwnWork:
    """What the tabs of a workspace share. Any thread may use it.

    Attributes:
        drawings: the visitor's drawings.
        answers: the visitor's answers on the Learn page.
        dataset: the data set "own"; None if there is none, or it is not loaded yet.
        lock: held while `dataset` changes.
        troubles: why a file is not saved, by its name, other than the saver's reasons.
    """

    def __init__(self) -> None:
        self.drawings = Saved(DRAWINGS, OwnDrawings(), own_drawings.pack, own_drawings.unpack, OwnDrawings.with_older)
        self.answers = Saved(ANSWERS, LessonAnswers(), answers.pack, answers.unpack, LessonAnswers.with_older)
        self.dataset: Dataset | None = None
        self.lock = threading.Lock()
        self.troubles: dict[str, str] = {}


_all: weakref.WeakValueDictionary[str, OwnWork] = weakref.WeakValueDictionary()
_finding = threading.Lock()
_OWN: Key[OwnWork | None] = Key("own-work-noted", None, of_workspace=True)


def of_visitor() -> OwnWork:
    """The work of the visitor's workspace. While the tab is open, it stays in memory."""
    own = _OWN.get()
    if own is None:
        with _finding:
            own = _all.setdefault(workspace.token(), OwnWork())
        _OWN.set(own)
    return own


def drawings() -> OwnDrawings:
    """The visitor's labelled drawings, with those that were saved before."""
    return of_visitor().drawings.get()


def change_drawings(change: Callable[[OwnDrawings], OwnDrawings]) -> None:
    """Replace the drawings by what `change` makes of them, and save them."""
    of_visitor().drawings.change(change)


def lesson_answers() -> LessonAnswers:
    """The visitor's answers on the Learn page, with those that were saved before."""
    return of_visitor().answers.get()


def change_lesson_answers(change: Callable[[LessonAnswers], LessonAnswers]) -> None:
    """Replace the answers by what `change` makes of them, and save them."""
    of_visitor().answers.change(change)


def remember_lesson(run_id: str, lesson: own_drawings.Lesson) -> None:
    """Remember what the network of a run was taught."""
    change_drawings(lambda now: dataclasses.replace(now, lessons=MappingProxyType({**now.lessons, run_id: lesson})))


def inherit_lesson(run_id: str, of_run: str) -> None:
    """Remember that a run continues from the network of another, which may have been taught drawings."""
    lesson = drawings().lessons.get(of_run)
    if lesson is not None:
        remember_lesson(run_id, lesson)


def save(name: str, make: Callable[[], bytes]) -> None:
    """Save a file of the workspace soon. If the server refuses a new workspace, `trouble` says why."""
    own = of_visitor()
    own.troubles.pop(name, None)
    try:
        if not workspace.is_used():
            visitor_limits.spend(limits.WORKSPACES)
        workspace.run_saver().save_file(workspace.token(), name, make)
        workspace.mark_used()
    except PlaygroundError as error:
        own.troubles[name] = error.message


def trouble(name: str) -> str:
    """Why a file of the workspace is not saved at the moment; empty if it is."""
    own = of_visitor()
    if name in own.troubles:
        return own.troubles[name]
    try:
        return workspace.run_saver().file_trouble(workspace.token(), name)
    except StoreError as error:
        return error.message


def saved_data() -> Callable[[], bytes | None] | None:
    """A function that loads the visitor's saved data set, in any thread; None if none is saved."""
    if not workspace.is_used():
        return None
    saver, token = workspace.run_saver(), workspace.token()
    return (lambda: saver.load_file(token, DATA)) if DATA in saver.file_names(token) else None
