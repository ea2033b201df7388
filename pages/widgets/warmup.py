"""What is made ready while the first visitor reads the first page: TensorFlow, and a measure of the machine."""

from __future__ import annotations

import gc
import logging
import threading

import streamlit as st

from mnist_core import capacity

logger = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Begin once for each server, in the background."""
    thread = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up() -> None:
    try:
        import keras  # noqa: F401
        import tensorflow  # noqa: F401

        import mnist_core.drawing  # noqa: F401
    except Exception:
        # Pages would fail with the same error at the first run; here it is at least told when it happens.
        logger.exception("TensorFlow cannot be imported")
        return
    # Streamlit collects garbage after every rerun; without this it walks TensorFlow's objects each time (0.5 s).
    gc.collect()
    gc.freeze()
    capacity.measure_speed()
