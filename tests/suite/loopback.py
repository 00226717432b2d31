"""No test asks anybody outside this machine: neither Discord nor a model, in whatever library, imported whenever."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator

import pytest

HERE = ("localhost", "", None)

_asked: list[str] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if not _is_here(name):
        _asked.append(str(name))
        raise ConnectionRefusedError(f"No test asks anybody outside this machine, not {name} either.")


def _is_here(host: object) -> bool:
    try:
        return host in HERE or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def pytest_configure() -> None:
    """Listen for as long as the process lives: nothing can take a hook away."""
    sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def nobody_outside_is_asked() -> Iterator[list[str]]:
    """Fail a test that tried, even where that was taken for an outage; return whom it tried."""
    _asked.clear()
    yield _asked
    asked, _asked[:] = list(_asked), []
    assert asked == []
