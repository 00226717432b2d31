"""The header of the database file, which is looked at before SQLite opens it.

It is documented at https://www.sqlite.org/fileformat.html: magic at 0, page size at 16, size in pages at 28, user
version at 60, application id at 68.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from bot.errors import LogDamaged, LogForeign, LogUnwritable
from bot.eventlog import database
from bot.eventlog.sqlite_errors import RESTORE
from bot.eventlog.wal import wal_pages

_HEADER_BYTES = 100
_PAGE_SIZES = frozenset(2**power for power in range(9, 17))
_MAGIC = b"SQLite format 3\x00"


def inspect(path: Path) -> int:
    """Return the schema version of the log file at ``path``, read from its header without changing anything.

    Raises LogDamaged for a truncated file or one that is no SQLite database, LogForeign for another program's database
    or a newer release's log.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
            # Read the size after the header, because a running owner makes the file grow.
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise LogUnwritable(f"The log {path} can't be read: {error.strerror}. Check its permissions.") from error
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise LogDamaged(f"{path} is not an SQLite database ({size} bytes): {RESTORE}")
    page_size = struct.unpack_from(">H", header, 16)[0]
    page_size = 65536 if page_size == 1 else page_size
    pages, version, application = (struct.unpack_from(">I", header, at)[0] for at in (28, 60, 68))
    if application != database.APPLICATION_ID:
        raise LogForeign(f"{path} belongs to another program: name an empty folder for the log (log.path).")
    database.refuse_newer(path, version)
    if page_size not in _PAGE_SIZES:
        raise LogDamaged(f"{path} has a damaged header (page size {page_size}). {RESTORE}")
    if _is_short(path, size, pages, page_size):
        raise LogDamaged(f"{path} is cut short: {size} of {pages * page_size} bytes are there. {RESTORE}")
    return int(version)


def _is_short(path: Path, size: int, pages: int, page_size: int) -> bool:
    """Tell whether pages are missing from both the file and the write-ahead log.

    A crash or a full disk during a checkpoint leaves a short file. It may end within a page; the other pages are still
    in the write-ahead log. A running owner may have finished the checkpoint meanwhile.
    """
    missing = range(size // page_size + 1, pages + 1)
    if not missing:
        return False
    # A damaged header may name thousands of millions of pages: the first that is missing is enough.
    there = wal_pages(path, page_size)
    return any(page not in there for page in missing) and path.stat().st_size < pages * page_size
