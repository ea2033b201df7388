"""What is made ready while the first visitor reads: TensorFlow, a measure of the machine, the first network."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import predictor
from mnist_core.network.backend import keep_compiled, load_tensorflow
from mnist_core.runs import scheduler
from mnist_core.training import capacity, loop
from pages.widgets.server import garbage
from pages.widgets.state import data_sets, editor_state

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

logger = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def start_warmup() -> threading.Thread:
    """Begin once for each server, in the background."""
    config = editor_state.first_config()
    thread = threading.Thread(
        target=_warm_up, args=(config, data_sets.loading_data_set(config.dataset)), name="warm-up", daemon=True
    )
    thread.start()
    return thread


def _warm_up(config: RunConfig, loading: data_sets.Loading) -> None:
    # TensorFlow's own threads are started from here, and shall train behind the pages' backs too.
    scheduler.give_way()
    try:
        load_tensorflow()
        # Streamlit has Keras clear its session after every run of a script, a poll included.
        keep_compiled()
        import pandas  # noqa: F401

        import mnist_core.drawing.preprocessing
        import mnist_core.runs.saver  # noqa: F401
    except Exception:
        # Pages would fail with the same error at the first run; here it is at least told when it happens.
        logger.exception("TensorFlow cannot be imported")
        return
    garbage.start()
    capacity.measure_speed()
    try:
        predictor.shipped()(np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32))
    except PlaygroundError:
        logger.exception("The built-in network cannot be read")  # The Draw page says so too; all else goes on.
    loading.done.wait()
    if loading.dataset is not None:
        loop.rehearse(config, loading.dataset)
