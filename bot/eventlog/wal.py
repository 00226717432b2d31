"""What SQLite's write-ahead log says of itself, read from the file.

The format is documented at https://www.sqlite.org/fileformat2.html#walformat: a header of 32 bytes with two salts, then
frames, each a header of 24 bytes (page, size of the database after a commit, both salts) and a page. When all pages are
copied into the database, the next commit begins the file anew: the first salt is one more, the second is random. Frames
of the generation before stay behind the new ones.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">4I")
_FRAME_HEADER_BYTES = 24
_MAGICS = (0x377F0682, 0x377F0683)
_SALTS = 2**32


def wal_path(path: Path) -> Path:
    """Return the path of a database's write-ahead log."""
    return path.with_name(path.name + "-wal")


def shm_path(path: Path) -> Path:
    """Return the path of a database's index of its write-ahead log."""
    return path.with_name(path.name + "-shm")


def wal_pages(path: Path, page_size: int) -> set[int]:
    """Return the numbers of the pages in the write-ahead log's file: after a header, each with a header of its own."""
    wal = wal_path(path)
    if not wal.exists():
        return set()
    with closing(FileIO(wal)) as file:
        return {frame.page for frame in _frames(file, wal.stat().st_size, page_size)}


def wal_length(path: Path) -> int:
    """Return how many pages the write-ahead log of the open log at ``path`` holds.

    Its file keeps its size when it begins anew. Pages of earlier rounds then follow, and do not have the salts of its
    header. The file has no lock that closing it here could release.
    """
    with wal_path(path).open("rb") as file:
        handle = file.fileno()
        header = os.pread(handle, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return 0
        (page_size,) = struct.unpack_from(">I", header, 8)
        starts = range(_HEADER.size, os.fstat(handle).st_size, _FRAME_HEADER_BYTES + page_size)
        return bisect_left(starts, 1, key=lambda start: int(os.pread(handle, 8, start + 8) != header[16:24]))


class _Frame(NamedTuple):
    page: int
    commit_pages: int
    salt: int
    offset: int


@dataclass(frozen=True, slots=True)
class WriteAheadLog:
    """The committed frames of the newest generation, and what is left of the one before.

    ``pages`` holds the offset of each page's newest committed content. ``database_pages`` is the size of the database
    after the newest commit (0: there is none). ``older`` holds the same as ``pages`` of the generation before.
    ``torn``: frames of a later generation follow, so the file was begun anew while somebody copied it.
    """

    size: int
    page_size: int = 0
    database_pages: int = 0
    pages: Mapping[int, int] = field(default_factory=dict)
    older: Mapping[int, int] = field(default_factory=dict)
    torn: bool = False

    @property
    def committed(self) -> bool:
        """Tell whether it holds a commit."""
        return self.database_pages > 0


def read_wal(path: Path) -> WriteAheadLog | None:
    """Return what a write-ahead log that nobody writes holds, None where there is none.

    A damaged header counts as nothing held.
    """
    try:
        file = FileIO(path)
    except FileNotFoundError:
        return None
    with closing(file):
        size = os.fstat(file.fileno()).st_size
        head = os.pread(file.fileno(), _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return WriteAheadLog(size)
        magic, _, page_size, _, salt, *_ = _HEADER.unpack(head)
        if magic not in _MAGICS or page_size <= 0:
            return WriteAheadLog(size)
        return _sorted(size, page_size, salt, _frames(file, size, page_size))


def leftover_fits(wal: WriteAheadLog, path: Path, database: Path) -> bool:
    """Tell whether a database holds all that the generation before had committed; False where nothing is left of it."""
    with closing(FileIO(path)) as log, closing(FileIO(database)) as file:
        return bool(wal.older) and all(
            os.pread(log.fileno(), wal.page_size, offset)
            == os.pread(file.fileno(), wal.page_size, (page - 1) * wal.page_size)
            for page, offset in wal.older.items()
        )


def _frames(file: FileIO, size: int, page_size: int) -> Iterator[_Frame]:
    step = _FRAME_HEADER_BYTES + page_size
    for at in range(_HEADER.size, size - step + 1, step):
        page, commit_pages, salt, _ = _FRAME.unpack(os.pread(file.fileno(), _FRAME.size, at))
        yield _Frame(page, commit_pages, salt, at + _FRAME_HEADER_BYTES)


def _sorted(size: int, page_size: int, salt: int, frames: Iterator[_Frame]) -> WriteAheadLog:
    ours: list[_Frame] = []
    before: list[_Frame] = []
    torn = False
    for frame in frames:
        torn = torn or frame.salt == (salt + 1) % _SALTS
        if frame.salt == salt and not before:
            ours.append(frame)
        elif frame.salt == (salt - 1) % _SALTS:
            before.append(frame)
    pages, database_pages = _committed(ours)
    return WriteAheadLog(size, page_size, database_pages, pages, _committed(before)[0], torn)


def _committed(frames: list[_Frame]) -> tuple[dict[int, int], int]:
    """Return where the newest committed content of each page is, and the size of the database after that commit."""
    last = next((at for at in range(len(frames) - 1, -1, -1) if frames[at].commit_pages), -1)
    pages = {frame.page: frame.offset for frame in frames[: last + 1]}
    return pages, frames[last].commit_pages if last >= 0 else 0
