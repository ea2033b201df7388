"""Import TensorFlow only when it is needed, since the import takes seconds."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_importing = threading.Lock()
_loaded = threading.Event()


def load_tensorflow() -> None:
    """Import TensorFlow and Keras; call it before anything is computed. The first call takes seconds.

    The two import each other, so two threads that start at the same time would each see a half-imported module.
    """
    with _importing:
        # oneDNN's own allocator keeps blocks of 128 MB for good. The system's gives the memory of ended runs back, and
        # is no slower.
        os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
        import keras
        import tensorflow as tf

        keras.backend.clear_session = _keep_session
        # We compile each architecture once. TensorFlow mistakes several in a row for one that is compiled too often.
        tf.get_logger().addFilter(_is_no_retracing)
        _loaded.set()


def is_loaded() -> bool:
    """Whether `load_tensorflow` has ended once, so that it no longer takes seconds."""
    return _loaded.is_set()


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def _keep_session(free_memory: bool = True) -> None:
    """In place of `keras.backend.clear_session`, which Streamlit calls after every script run: do nothing.

    It empties TensorFlow's cache of functions for all threads. A prediction of the shipped network would then take
    28 ms instead of 2, and every active run would have to prepare its step again. It also collects garbage, in every
    poll of every page. Nothing here uses Keras's session.
    """
    del free_memory
