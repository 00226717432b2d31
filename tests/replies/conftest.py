"""Replies that fail on purpose, with pauses that a test can wait for."""

from __future__ import annotations

import pytest

from bot.replies import sending, worker


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between one attempt and the next."""
    for module in (sending, worker):
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
