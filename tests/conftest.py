"""What every test starts from."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the token of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("ECHOLESS_") or name == "DISCORD_TOKEN":
            monkeypatch.delenv(name)
