"""The Streamlit settings that a server of this project reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit import config

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.maxMessageSize", 8),
        ("server.maxWidgetStateSize", 2),
        ("server.maxUploadSize", 64),
        ("server.enableCORS", True),
        ("server.enableXsrfProtection", True),
        ("client.showErrorDetails", "none"),
    ],
)
def test_security_settings(name: str, value: object) -> None:
    section, option = name.split(".")
    assert SETTINGS[section][option] == value
    assert config.get_option(name) == value


def test_every_setting_exists_in_streamlit() -> None:
    known = config.get_config_options()
    for section, options in SETTINGS.items():
        for name, value in options.items():
            for full in (
                [f"{section}.{name}"] if not isinstance(value, dict) else [f"{section}.{name}.{x}" for x in value]
            ):
                assert full in known, full
