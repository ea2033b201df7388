"""The visitor's own drawings and their own data set: saved in their workspace, and the same in all of its tabs."""

from __future__ import annotations

import dataclasses
import functools
import threading
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING

from mnist_core import limits
from mnist_core.drawing import own_drawings
from mnist_core.drawing.own_drawings import OwnDrawings
from mnist_core.errors import PlaygroundError, StoreError
from pages.widgets.server import visitor_limits
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from mnist_core.data import Dataset

LAST_DRAWING: Key[npt.NDArray[np.uint8] | None] = Key("last-drawing-noted", None)
"""The last drawing on the Draw page as the networks get it, (28, 28) uint8, 255 = ink."""
DRAWINGS, DATA = "drawings", "data"
"""The names of the files."""


class OwnWork:
    """What the tabs of a workspace share. Any thread may use it.

    Attributes:
        drawings: the drawings so far.
        dataset: the data set "own"; None if there is none, or it is not loaded yet.
        is_loaded: whether `drawings` holds what was saved before.
        trouble: why something is not saved, other than the saver's reasons.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.drawings = OwnDrawings()
        self.dataset: Dataset | None = None
        self.is_loaded = False
        self.trouble = ""


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
    own = of_visitor()
    if not own.is_loaded:
        _load(own)
    return own.drawings


def change_drawings(change: Callable[[OwnDrawings], OwnDrawings]) -> None:
    """Replace the drawings by what `change` makes of them, and save them."""
    drawings()
    own = of_visitor()
    with own.lock:
        before, own.drawings = own.drawings, change(own.drawings)
        if own.drawings is not before and own.is_loaded:  # Otherwise it would replace what cannot be read now.
            save(DRAWINGS, functools.partial(own_drawings.pack, own.drawings))


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
    own.trouble = ""
    try:
        if not workspace.is_used():
            visitor_limits.spend(limits.WORKSPACES)
        workspace.run_saver().save_file(workspace.token(), name, make)
        workspace.mark_used()
    except PlaygroundError as error:
        own.trouble = str(error)


def trouble(name: str) -> str:
    """Why a file of the workspace is not saved at the moment; empty if it is."""
    own = of_visitor()
    if name == DRAWINGS and not own.is_loaded:
        return own.trouble
    try:
        return own.trouble or workspace.run_saver().file_trouble(workspace.token(), name)
    except StoreError as error:
        return str(error)


def saved_data() -> Callable[[], bytes | None] | None:
    """A function that loads the visitor's saved data set, in any thread; None if none is saved."""
    if not workspace.is_used():
        return None
    saver, token = workspace.run_saver(), workspace.token()
    return (lambda: saver.load_file(token, DATA)) if DATA in saver.file_names(token) else None


def _load(own: OwnWork) -> None:
    saved = OwnDrawings()
    try:
        if workspace.is_used():
            saved = own_drawings.unpack(workspace.run_saver().load_file(workspace.token(), DRAWINGS) or b"")
    except StoreError as error:
        own.trouble = str(error)
        return
    with own.lock:
        if not own.is_loaded:
            own.drawings = own.drawings.with_older(saved)
            own.is_loaded, own.trouble = True, ""
