from __future__ import annotations

from pathlib import Path

import pytest

from tests.ports import HIGHEST, free_port

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not RANGE.exists(), reason="only Linux says which ports it gives by itself")
def test_the_system_gives_a_chosen_port_to_nobody_by_itself() -> None:
    """A client elsewhere had taken one between the choice and the server's start, and the tests spoke to nobody."""
    lowest, _ = map(int, RANGE.read_text(encoding="ascii").split())

    assert free_port() <= HIGHEST < lowest
