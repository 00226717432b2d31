"""One owner per log folder: a lock that the kernel releases when the process dies, and a note of the holder."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bot.errors import LogLocked, LogUnwritable
from bot.private_file import private_file
from bot.times import iso_time


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a log folder; ``since`` is microseconds since the epoch."""

    pid: int
    host: str
    since: int


class Ownership:
    """The lock on a log folder, held until :meth:`release`."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / "owner.lock", mode=0o600, thread_local=False)
        self._note = folder / "owner.json"

    def acquire(self, now: int) -> None:
        """Take the folder; raise LogLocked, which names the holder, when another process has it."""
        owner = Owner(pid=os.getpid(), host=socket.gethostname(), since=now)
        try:
            self._lock.acquire(timeout=0)
            with private_file(self._note, replace=True) as file:
                json.dump(asdict(owner), file)
        except Timeout as error:
            raise LogLocked(self._refusal()) from error
        except OSError as error:
            self._lock.release()
            raise LogUnwritable(
                f"The log folder {self._note.parent} can't be locked: {error.strerror}. Check its permissions and the "
                "space on its disk."
            ) from error

    def release(self) -> None:
        """Release the folder. A second call does nothing, because another process may own the folder by then."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def _refusal(self) -> str:
        owner = read_owner(self._note.parent)
        holder = f"process {owner.pid} on {owner.host}" if owner else "another process"
        return (
            f"The log folder {self._note.parent} belongs to {holder}: stop it first, or give this one another folder "
            "(log.path)."
        )


def read_owner(folder: Path) -> Owner | None:
    """Return the process that last took the folder, or None without a readable note."""
    try:
        owner = Owner(**json.loads((folder / "owner.json").read_text(encoding="utf-8")))
        iso_time(owner.since)
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    return owner
