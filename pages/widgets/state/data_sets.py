"""Data sets for the pages, loaded once for the whole server in the background, with a progress bar."""

from __future__ import annotations

import logging
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data import datasets, uploads
from mnist_core.errors import CapacityError, PlaygroundError
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.data.download import DownloadProgress

logger = logging.getLogger(__name__)

# For all visitors together; MNIST has 55 MB.
_MOST_UPLOADED = 300 * 2**20
_uploaded: weakref.WeakSet[Dataset] = weakref.WeakSet()
_counting = threading.Lock()

_OWN: Key[Dataset | None] = Key("own-data-noted", None)


@dataclass
class Loading:
    """A data set that is being loaded. The loading thread writes, pages read."""

    dataset: Dataset | None = None
    progress: DownloadProgress | None = None
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def load(self, name: str) -> None:
        """Load the data set, or store the error, and set `done`."""
        try:
            self.dataset = datasets.load(name, progress=self._note)
        except PlaygroundError as error:
            self.error = str(error)
        except Exception:
            logger.exception("The data set %s cannot be loaded", name)
            self.error = "The data set cannot be loaded. The reason is in the server's log."
        finally:
            self.done.set()

    def _note(self, progress: DownloadProgress) -> None:
        self.progress = progress


@st.cache_resource(show_spinner=False)
def loading_data_set(name: str) -> Loading:
    """The data set `name`; the first call starts loading it."""
    it = Loading()
    threading.Thread(target=it.load, args=(name,), name=f"load-{name}", daemon=True).start()
    return it


def names() -> dict[str, str]:
    """The data sets that the visitor can choose, each with its title."""
    own = {uploads.NAME: "Your own"} if _OWN.get() is not None else {}
    return dict(datasets.NAMES) | own


def take_uploaded(files: dict[str, bytes]) -> None:
    """Make the visitor's files their data set "own".

    Raises:
        DataError: the files are not a data set.
        CapacityError: the uploads of all visitors would take too much memory.
    """
    dataset = uploads.read(files)
    replaced = _OWN.get()
    with _counting:
        others = [one for one in _uploaded if one is not replaced]
        held = sum(one.train_images.nbytes + one.test_images.nbytes for one in others)
        size = dataset.train_images.nbytes + dataset.test_images.nbytes
        if held + size > _MOST_UPLOADED:
            raise CapacityError(
                f"The uploaded data sets on this server are at their limit of {_MOST_UPLOADED // 2**20} MB.",
                "Upload fewer images, or wait until other visitors have left.",
                f"{size // 2**20} MB",
            )
        _uploaded.add(dataset)
    _OWN.set(dataset)


def peek_data_set(name: str) -> Dataset | None:
    """The data set, after waiting a moment; None if it is not there yet. Shows nothing."""
    if name == uploads.NAME:
        return _OWN.get()
    if name not in datasets.NAMES:
        return None
    it = loading_data_set(name)
    it.done.wait(timeout=0 if it.progress else 2)
    return it.dataset


def get(name: str) -> Dataset | None:
    """The data set, after waiting a moment. If it is not there yet, shows the progress or an error and returns None.

    If another set is used in its place, shows the reason and a button to try again.
    """
    if name == uploads.NAME:
        own = _OWN.get()
        if own is None:
            st.info("Your own data set is no longer here. Upload it again on the Data page.", icon=":material/info:")
        return own
    it = loading_data_set(name)
    # Local files are read in less than two seconds; only a download reports progress and needs a progress bar.
    if not it.done.wait(timeout=0 if it.progress else 2):
        _show_progress(name)
        return None
    if it.error:
        st.error(it.error, icon=":material/error:")
    notice = it.dataset.notice if it.dataset else None
    if notice:
        st.info(notice, icon=":material/info:")
    if it.error or notice:
        st.button("Try again", icon=":material/refresh:", on_click=loading_data_set.clear, args=(name,))
    return it.dataset


@st.fragment(run_every=0.5)
def _show_progress(name: str) -> None:
    it = loading_data_set(name)
    if it.done.is_set():
        st.rerun()
    if it.progress is None:
        st.progress(0.0, text="Looking for the data set …")
        return
    got, total = it.progress.received, it.progress.total
    st.progress(
        min(1.0, got / total) if total else 0.0,
        text=f"Downloading {it.progress.name}: {got / 2**20:.1f} of {total / 2**20:.1f} MB",
    )
