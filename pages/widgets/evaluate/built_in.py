"""The built-in network on the Evaluate page, for visitors who have not trained one yet."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.evaluation import predictor
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from pages.widgets.state import data_sets, editor_state

if TYPE_CHECKING:
    from mnist_core.data import Dataset

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_NAME = Message("Built-in network")


@dataclass
class _Test:
    """The test of the built-in network. Its thread writes, pages read."""

    run: Run | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def begin(self, dataset: Dataset) -> None:
        """Test it, or log why that is not possible; then set `done`."""
        try:
            run = Run.of_network(predictor.shipped().network, dataset, "")
            run.title = _NAME
            self.run = run
        except Exception:
            logger.exception("The built-in network cannot be tested")
        finally:
            self.done.set()


@st.cache_resource(show_spinner=False, max_entries=2)
def _test_of(fingerprint: str, _dataset: Dataset) -> _Test:
    """The test on a data set, the same for all visitors; the first call starts it."""
    del fingerprint  # The key.
    it = _Test()
    threading.Thread(target=it.begin, args=(_dataset,), name="test-built-in", daemon=True).start()
    return it


def built_in_run() -> Run | None:
    """The built-in network as an ended run. While it is being tested, says so and returns None."""
    dataset = data_sets.get(editor_state.first_config().dataset)
    if dataset is None:
        return None
    it = _test_of(dataset.fingerprint, dataset)
    if not it.done.is_set():
        st.fragment(_wait, run_every=_POLL_SECONDS)(it)
    elif it.run is not None:
        title = data_sets.names().get(dataset.name, dataset.name)
        st.markdown(
            _(
                "**{name}**, tested on {count:,} images: {title}",
                name=_(_NAME),
                count=len(dataset.test_labels),
                title=title,
            )
        )
    return it.run


def _wait(it: _Test) -> None:
    st.caption(_("Testing the built-in network …"))
    if it.done.is_set():
        st.rerun()
