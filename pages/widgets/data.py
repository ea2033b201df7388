"""Data sets for the pages: loaded once for the whole server, in the background, with something to look at meanwhile."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import datasets
from mnist_core.errors import PlaygroundError

if TYPE_CHECKING:
    from mnist_core.datasets import Dataset
    from mnist_core.download import DownloadProgress

logger = logging.getLogger(__name__)


@dataclass
class Loading:
    """A data set on its way. The loading thread writes, pages read."""

    dataset: Dataset | None = None
    progress: DownloadProgress | None = None
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def load(self, name: str) -> None:
        """Load, and say so when done or when it cannot be."""
        try:
            self.dataset = datasets.load(name, progress=self._note)
        except PlaygroundError as error:
            self.error = str(error)
        except Exception:
            logger.exception("The data set %s cannot be loaded", name)
            self.error = "The data set cannot be loaded; the server's log tells why."
        finally:
            self.done.set()

    def _note(self, progress: DownloadProgress) -> None:
        self.progress = progress


@st.cache_resource(show_spinner=False)
def loading(name: str) -> Loading:
    """The data set `name`, asked for by the first page that needs it."""
    it = Loading()
    threading.Thread(target=it.load, args=(name,), name=f"load-{name}", daemon=True).start()
    return it


def get(name: str) -> Dataset | None:
    """The data set if it is there; otherwise None, after showing how far it is and what can be done.

    A set that stands in for another is announced with the reason and a way to try again.
    """
    it = loading(name)
    # Files on this machine are read in less than this; only a download, which reports progress, is worth a picture.
    if not it.done.wait(timeout=0 if it.progress else 2):
        _show_progress(name)
        return None
    if it.error:
        st.error(it.error, icon=":material/error:")
    notice = it.dataset.notice if it.dataset else None
    if notice:
        st.info(notice, icon=":material/info:")
    if it.error or notice:
        st.button("Try again", icon=":material/refresh:", on_click=loading.clear, args=(name,))
    return it.dataset


@st.fragment(run_every=0.5)
def _show_progress(name: str) -> None:
    it = loading(name)
    if it.done.is_set():
        st.rerun()
    if it.progress is None:
        st.progress(0.0, text="Looking for the data set …")
        return
    got, total = it.progress.received, it.progress.total
    st.progress(
        min(1.0, got / total) if total else 0.0,
        text=f"Fetching {it.progress.name}: {got / 2**20:.1f} of {total / 2**20:.1f} MB",
    )
