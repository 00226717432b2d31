"""The files of a log as they have to be: in a folder that can be written, plain files, and for an owner his own.

A folder or a mount may stand behind a symbolic link; a file of the log may not, because SQLite keeps its other files
beside the link's target. A folder may be writable for its group: people who share it are trusted with it, and container
platforms mount volumes so. For everybody it may not, with a sticky bit neither. A process of root takes files of any
user, because containers run as root over volumes of others; files of root are taken by everybody.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bot.errors import LogExposed, LogUnwritable

_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def prepare_folder(folder: Path) -> None:
    """Make the folder of a log where there is none; raise LogUnwritable when it can't be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LogUnwritable(
            f"The log folder {folder} can't be made: {error.strerror}. Name another one (log.path)."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LogUnwritable(f"The log folder {folder} can't be written: change its permissions or name another one.")


def require_plain(database: Path, key_file: Path) -> None:
    """Raise LogExposed for a file that is no plain file; reading it might wait for ever, or write elsewhere.

    A key file may be a link, as container platforms mount secrets.
    """
    for path in _of_sqlite(database):
        _require_plain(path, _mode(path, follow=False))
    _require_plain(key_file, _mode(key_file, follow=True))


def require_own(database: Path, key_file: Path) -> None:
    """Raise LogExposed as :func:`require_plain`, and when others may write the folder or have put a file there."""
    require_plain(database, key_file)
    folder = database.parent
    if _mode(folder, follow=True) & stat.S_IWOTH:
        raise LogExposed(
            f"Everybody may write the log folder {folder}, so anybody can put files there: run `chmod o-w {folder}`, "
            "or name another folder (log.path)."
        )
    user = os.geteuid()
    for path in (*_of_sqlite(database), folder / "owner.lock", folder / "owner.json"):
        mode = _mode(path, follow=False)
        _require_plain(path, mode)
        if mode and user and (owner := path.lstat().st_uid) not in (0, user):
            raise LogExposed(
                f"{path} belongs to another user (id {owner}): give it to the user of this process with `chown`, or "
                "move it away if nobody knows how it came there."
            )


def _of_sqlite(database: Path) -> Iterator[Path]:
    for suffix in ("", "-wal", "-shm", "-journal"):
        yield database.with_name(database.name + suffix)


def _mode(path: Path, *, follow: bool) -> int:
    """Return a file's mode, 0 where there is none; other troubles show when it is opened."""
    try:
        return path.stat(follow_symlinks=follow).st_mode
    except OSError:
        return 0


def _require_plain(path: Path, mode: int) -> None:
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), None)
    if kind is not None:
        raise LogExposed(
            f"{path} is {kind}, and has to be a plain file: move it away. Only the folder may be a link to another "
            "place."
        )
