"""What is made ready while the first visitor reads."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from pages.widgets import warmup


def test_what_keras_and_tensorflow_have_prepared_survives_a_rerun(app: AppTest) -> None:
    warmup.start().join()
    import keras

    # Keras's own count of names starts again when its session is cleared.
    before = keras.backend.get_uid("survivor")
    app.run()
    assert keras.backend.get_uid("survivor") == before + 1
