"""What was given up does not arrive later."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hosts import network
from tests.harness import ROOT, SEND_TIMEOUT, Launch


async def test_the_bots_connections_give_up_in_time(launch: Launch) -> None:
    """Half of the time for a request, so that nothing is on the way any more when it has timed out."""
    running = await launch()
    client = running.supervisor.client
    assert client is not None
    found: socket.socket = client.ws.socket.get_extra_info("socket")

    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        pytest.skip("only Linux can be told when to give up")
    assert found.getsockopt(socket.IPPROTO_TCP, option) == SEND_TIMEOUT * 1000 / 2


@pytest.mark.skipif(bool(network.why_not()), reason=network.why_not() or "it can be run")
def test_a_message_under_way_when_a_link_is_cut_does_not_arrive_when_it_is_mended() -> None:
    """Although the process that posted it has closed its connection, and ended."""
    ran = subprocess.run(
        network.entering((sys.executable, str(Path(__file__).with_name("late.py")))),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (0, "given up: in time\n"), ran.stderr
