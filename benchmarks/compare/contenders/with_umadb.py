"""UmaDB: an event store in Rust, a server that is asked over gRPC. Its Python package holds client and server.

Every commit is synced; what waits meanwhile goes into the next one. A stream is a tag. The version that an append
expects is the position of the stream's newest event: an append fails if the tag has a newer one.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.compare.contenders.payload import payload
from bot.core import events as e
from bot.sandbox.child_process import tethered

with contextlib.suppress(ImportError):
    import umadb

NAME = "UmaDB"
MISSING = "UmaDB is left out: its package is for Linux on x86_64, with glibc 2.34 or newer"
PATIENCE = 30.0
_TICK = 0.02


def installed() -> bool:
    """Tell whether the package is there."""
    return find_spec("umadb") is not None


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """Start a server on a new file, and return a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    program = Path(sys.executable).with_name("umadb")
    server = subprocess.Popen(  # noqa: S603 - the package's own program
        tethered(str(program), "--listen", address, "--db-path", str(folder / "uma.db")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,  # a terminal's Ctrl-C is for the command that was typed
    )
    try:
        yield _client(server, f"http://{address}")
    finally:
        server.terminate()
        server.wait()


def _client(server: subprocess.Popen[bytes], url: str) -> Any:  # noqa: ANN401 - the library's
    until = time.monotonic() + PATIENCE
    while True:
        try:
            client = umadb.Client(url)
            client.head()
        except umadb.TransportError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"UmaDB's server does not answer; its exit code is {server.returncode}.") from None
            time.sleep(_TICK)
        else:
            return client


def event(stream: str, draft: e.Draft) -> Any:  # noqa: ANN401 - the library's
    """Return one of our messages as one of theirs."""
    return umadb.Event(draft.event.TYPE, payload(draft).encode(), [stream])


class Stream:
    """Appends to one stream, each event after the one before."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - the library's
        self._client = client
        self._query = umadb.Query([umadb.QueryItem(tags=[name])])
        self._last: int | None = None

    def append(self, one: Any) -> None:  # noqa: ANN401 - the library's
        """Append an event; raise IntegrityError if somebody else did since."""
        self._last = self._client.append([one], umadb.AppendCondition(self._query, self._last))
