"""What every test starts from."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A slow machine is no mistake of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the token of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("ECHOLESS_") or name == "DISCORD_TOKEN":
            monkeypatch.delenv(name)
