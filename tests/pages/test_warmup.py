"""The warm-up while the first visitor reads the page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.errors import NetworkFileError
from pages.widgets.state import data_sets, warmup
from tests.samples import blobs, small


def test_keras_and_tensorflow_state_survives_a_rerun(app: AppTest) -> None:
    warmup.start_warmup().join()
    import keras

    # Keras's counter of names restarts when its session is cleared.
    before = keras.backend.get_uid("survivor")
    app.run()
    assert keras.backend.get_uid("survivor") == before + 1


def test_damaged_built_in_network_does_not_stop_the_warmup(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged() -> None:
        raise NetworkFileError("It is damaged.", "Fetch it again.")

    compiled = []
    monkeypatch.setattr("mnist_core.evaluation.predictor.shipped", damaged)
    monkeypatch.setattr("mnist_core.runs.scheduler.give_way", lambda: None)  # This thread is used by other tests too.
    monkeypatch.setattr("mnist_core.training.loop.compile_ahead", lambda *_: compiled.append(True))
    loading = data_sets.Loading(dataset=blobs())
    loading.done.set()
    warmup._warm_up(small(), loading)
    assert compiled
    assert "The built-in network cannot be read" in caplog.text
