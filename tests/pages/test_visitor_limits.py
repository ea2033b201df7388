"""Messages for visitors whose address has reached a limit."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.server import visitor_limits
from tests.pages.conftest import ROOT
from tests.pages.visitor import press, train_briefly


def from_address(monkeypatch: pytest.MonkeyPatch, address: str, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    visitor_limits._shared.cache_clear()
    monkeypatch.setattr(visitor_limits, "_address", lambda: address)


def test_too_many_sessions_from_one_address_show_a_message(monkeypatch: pytest.MonkeyPatch, app: AppTest) -> None:
    from_address(monkeypatch, "203.0.113.7", MNIST_MAX_SESSIONS_PER_HOUR="2")
    first, second, third = (AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run() for _ in range(3))
    for visitor in (first, second):
        assert visitor.selectbox
        visitor.run()  # A rerun is not a new session.
        assert visitor.selectbox
    assert "Wait 30 minutes" in third.info[0].value
    assert not third.selectbox
    assert not third.exception
    monkeypatch.setattr(visitor_limits, "_address", lambda: "203.0.113.8")
    assert third.run().selectbox
    visitor_limits._shared.cache_clear()


def test_too_many_runs_or_visitors_show_a_message(monkeypatch: pytest.MonkeyPatch, app: AppTest) -> None:
    from_address(monkeypatch, "203.0.113.7", MNIST_MAX_RUNS_PER_HOUR="2", MNIST_MAX_WORKSPACES_PER_HOUR="1")
    train_briefly(app)
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    press(other, "Train")
    assert "too many new visitors from your network" in other.error[0].value
    assert other.session_state["current_run"] is None
    train_briefly(app)
    press(app, "Train")
    assert "too many runs from your network" in app.error[0].value
    assert "Wait 30 minutes" in app.error[0].value
    visitor_limits._shared.cache_clear()
