from __future__ import annotations

import pytest

from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator


@pytest.fixture
def moderator(control: ControlClient) -> Moderator:
    """Return the owner of the server."""
    return Moderator(control)
