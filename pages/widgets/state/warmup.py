"""Warm-up while the first visitor reads: import TensorFlow, measure the machine, compile the first network."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import predictor
from mnist_core.network.backend import load_tensorflow
from mnist_core.runs import scheduler
from mnist_core.training import capacity
from pages.widgets.server import garbage
from pages.widgets.state import data_sets, editor_state, keys, visitor_runs

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

logger = logging.getLogger(__name__)
_imported = threading.Event()
_imported.set()  # Without a warm-up there is nothing to wait for: the page imports what it needs.


@st.cache_resource(show_spinner=False)
def start_warmup() -> threading.Thread:
    """Start the warm-up in the background, once a server."""
    _imported.clear()
    config = editor_state.first_config()
    thread = threading.Thread(
        target=_warm_up, args=(config, data_sets.loading_data_set(config.dataset)), name="warm-up", daemon=True
    )
    thread.start()
    return thread


def wait_for_tensorflow() -> None:
    """Wait until the warm-up has imported TensorFlow; the visitor can go to another page meanwhile."""
    while not _imported.wait(0.05):
        keys.end_if_outdated()


def _warm_up(config: RunConfig, loading: data_sets.Loading) -> None:
    # TensorFlow starts its threads from this one. They must have low priority too, so that pages stay fast.
    scheduler.give_way()
    try:
        load_tensorflow()
        import pandas  # noqa: F401

        import mnist_core.drawing.preprocessing
        import mnist_core.runs.saver  # noqa: F401
    except Exception:
        # Pages would fail with the same error at the first run; log it as soon as it happens.
        logger.exception("TensorFlow cannot be imported")
        return
    finally:
        _imported.set()
    garbage.start_collecting(visitor_runs.is_memory_full)
    capacity.measure_speed()
    try:
        predictor.shipped()(np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32))
    except PlaygroundError:
        logger.exception("The built-in network cannot be read")  # The Draw page shows the error; everything else works.
    loading.done.wait()
    if loading.dataset is not None:
        scheduler.shared().prepare(config, loading.dataset)
