"""TensorFlow, which is imported at the first need: that takes seconds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_importing = threading.Lock()


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, which takes seconds the first time; to be called before anything is computed.

    They import each other, so two threads that begin at the same time would each meet half a module.
    """
    with _importing:
        import keras  # noqa: F401
        import tensorflow as tf

        # Each architecture is compiled once, on purpose; TensorFlow takes several in a row for one compiled too often.
        tf.get_logger().addFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def keep_compiled() -> None:
    """Make `keras.backend.clear_session` do nothing, for a server that calls it again and again.

    It throws away what TensorFlow has made ready of every function that was called, for all threads: one answer of the
    shipped network then takes 28 ms instead of 2, and each run under way has to make its step ready anew. Nothing here
    builds on Keras's session.
    """
    load_tensorflow()
    import keras

    def clear_session(free_memory: bool = True) -> None:
        del free_memory

    keras.backend.clear_session = clear_session
