"""Data sets for the pages, loaded once for the whole server in the background, with a progress bar."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data import datasets, uploads
from mnist_core.errors import CapacityError, DataError, PlaygroundError, StoreError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from pages.widgets.state import editor_state, own_work
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset
    from mnist_core.data.download import DownloadProgress, Progress

logger = logging.getLogger(__name__)

# For all visitors together; MNIST has 55 MB.
_MOST_UPLOADED = 300 * 2**20
_uploaded: weakref.WeakSet[Dataset] = weakref.WeakSet()
_counting = threading.Lock()

# Whether the visitor's own data set is being loaded from where it was saved.
_SAVED: Key[Loading | None] = Key("saved-data-noted", None, of_workspace=True)


@dataclass
class Loading:
    """A data set that is being loaded. The loading thread writes, pages read."""

    dataset: Dataset | None = None
    progress: DownloadProgress | None = None
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def start(self, load: Callable[[Progress], Dataset], name: str) -> None:
        """Begin to load the data set `name` with a function, in a thread."""
        threading.Thread(target=self._load, args=(load, name), name=f"load-{name}", daemon=True).start()

    def _load(self, load: Callable[[Progress], Dataset], name: str) -> None:
        """Load the data set, or store the error, and set `done`."""
        try:
            self.dataset = load(self._note)
        except PlaygroundError as error:
            self.error = error.message
        except Exception:
            logger.exception("The data set %s cannot be loaded", name)
            self.error = Message("The data set cannot be loaded. The reason is in the server's log.")
        finally:
            self.done.set()

    def _note(self, progress: DownloadProgress) -> None:
        self.progress = progress


@st.cache_resource(show_spinner=False)
def loading_data_set(name: str) -> Loading:
    """The data set `name`; the first call starts loading it."""
    it = Loading()
    it.start(lambda progress: datasets.load(name, progress=progress), name)
    return it


def names() -> dict[str, str]:
    """The data sets that the visitor can choose, each with its title."""
    own = {uploads.NAME: _("Your own")} if _own() is not None or _saved() is not None else {}
    return {name: _(title) for name, title in datasets.NAMES.items()} | own


def take_uploaded(files: dict[str, bytes]) -> None:
    """Make the visitor's files their data set "own".

    Raises:
        DataError: the files are not a data set.
        CapacityError: the own data sets of all visitors would take too much memory.
    """
    take_own(uploads.read(files))


def take_own(dataset: Dataset) -> None:
    """Make a data set the visitor's own, and save it in their workspace.

    Raises:
        CapacityError: the own data sets of all visitors would take too much memory.
    """
    own = own_work.of_visitor()
    _count(dataset, own.dataset)
    own.dataset = dataset
    own_work.save(own_work.DATA, functools.partial(uploads.pack, dataset))


def delete_own() -> None:
    """Delete the visitor's own data set, also where it is saved. Runs that use it keep it until they end."""
    own_work.of_visitor().dataset = None
    _SAVED.set(None)
    own_work.save(own_work.DATA, bytes)
    if editor_state.draft().dataset == uploads.NAME:
        editor_state.use_data_set(editor_state.first_config().dataset)


def _count(dataset: Dataset, replaced: Dataset | None) -> None:
    with _counting:
        others = [one for one in _uploaded if one is not replaced]
        held = sum(one.train_images.nbytes + one.test_images.nbytes for one in others)
        size = dataset.train_images.nbytes + dataset.test_images.nbytes
        if held + size > _MOST_UPLOADED:
            raise CapacityError(
                Message(
                    "The visitors' own data sets on this server are at their limit of {most} MB.",
                    most=_MOST_UPLOADED // 2**20,
                ),
                "Use fewer images, or wait until other visitors have left.",
                Message("{size} MB", size=size // 2**20),
            )
        _uploaded.add(dataset)


def _own() -> Dataset | None:
    return own_work.of_visitor().dataset


def _saved() -> Loading | None:
    """The visitor's saved data set, which begins to load when it is asked for; None if none is saved."""
    if not _SAVED.is_set():
        it = None
        with contextlib.suppress(StoreError):  # A page that lists the saved runs shows the error.
            load = own_work.saved_data()
            it = None if load is None else _begin(load)
        _SAVED.set(it)
    found = _SAVED.get()
    was_deleted = found is not None and found.done.is_set() and not found.error and _own() is None
    return None if was_deleted else found


def _begin(load: Callable[[], bytes | None]) -> Loading:
    own, it = own_work.of_visitor(), Loading()

    def read(_progress: Progress) -> Dataset:
        if own.dataset is None:  # Another tab may have loaded it.
            data = load()
            if not data:
                raise DataError("Your own data set is no longer here.", "Upload it again on the Data page.")
            found = dataclasses.replace(uploads.read({"saved.npz": data}), provenance="your saved data set")
            _count(found, None)
            own.dataset = found
        return own.dataset

    it.start(read, uploads.NAME)
    return it


def peek_data_set(name: str) -> Dataset | None:
    """The data set, after waiting a moment; None if it is not there yet. Shows nothing."""
    it = _loading(name)
    if it is not None:
        it.done.wait(timeout=0 if it.progress else 2)
    return _own() if name == uploads.NAME else it.dataset if it else None


def _loading(name: str) -> Loading | None:
    if name == uploads.NAME:
        return None if _own() is not None else _saved()
    return loading_data_set(name) if name in datasets.NAMES else None


def get(name: str) -> Dataset | None:
    """The data set, after waiting a moment. If it is not there yet, shows the progress or an error and returns None.

    If another set is used in its place, shows the reason and a button to try again.
    """
    if name == uploads.NAME and _own() is not None:
        return _own()
    it = _loading(name)
    if it is None:
        st.info(_("Your own data set is no longer here. Upload it again on the Data page."), icon=":material/info:")
        return None
    # Local files are read in less than two seconds; only a download reports progress and needs a progress bar.
    if not it.done.wait(timeout=0 if it.progress else 2):
        _show_progress(it)
        return None
    if it.error:
        st.error(_(it.error), icon=":material/error:")
    notice = it.dataset.notice if it.dataset else None
    if notice:
        st.info(_(notice), icon=":material/info:")
    if it.error or notice:
        st.button(_("Try again"), icon=":material/refresh:", on_click=_forget, args=(name,))
    return it.dataset


def _forget(name: str) -> None:
    """Forget what could not be loaded, so that it is tried again."""
    if name == uploads.NAME:
        _SAVED.forget()
    else:
        loading_data_set.clear(name)


@st.fragment(run_every=0.5)
def _show_progress(it: Loading) -> None:
    if it.done.is_set():
        st.rerun()
    if it.progress is None:
        st.progress(0.0, text=_("Looking for the data set …"))
        return
    got, total = it.progress.received, it.progress.total
    st.progress(
        min(1.0, got / total) if total else 0.0,
        text=_(
            "Downloading {name}: {got:.1f} of {total:.1f} MB",
            name=it.progress.name,
            got=got / 2**20,
            total=total / 2**20,
        ),
    )
