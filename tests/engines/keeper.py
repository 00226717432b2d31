"""Servers that outlive a test and end with the tests: the process that keeps one is nobody's child.

Run as ``keeper.py COMMAND...`` it starts the command and goes on in the background until its standard input ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


@contextmanager
def serving(*command: str, port: int, environ: Mapping[str, str], folder: str) -> Iterator[None]:
    """Run a server, from when its port answers on."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subprocess.run(
            (sys.executable, "-I", "-S", __file__, *command),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environ},
            cwd=folder,
            check=True,
        )
        theirs.close()
        ours.settimeout(60)
        try:
            wait_for(port)
            yield
        finally:
            ours.shutdown(socket.SHUT_WR)
            ours.recv(1)  # nothing comes: the keeper has ended


def wait_for(port: int) -> None:
    """Wait until a port of the loopback answers."""
    for _ in range(6000):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise TimeoutError("the server does not answer")


def keep(command: list[str]) -> None:
    """Be the keeper."""
    if os.fork():
        os._exit(0)
    os.setsid()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    os.read(0, 1)
    server.terminate()  # some save what they have only then
    with suppress(subprocess.TimeoutExpired):
        server.wait(10)
    server.kill()
    server.wait()


if __name__ == "__main__":
    keep(sys.argv[1:])
