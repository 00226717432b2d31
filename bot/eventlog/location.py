"""Where a log lies: its folder, its database and the files of its key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.errors import LogUnwritable
from bot.eventlog import database

KEY_FILE = "vault.key"
SCRATCH = "restoring"
"""The folder within a log's in which a backup is made ready to take its place."""
DRAFT = "importing"
"""The folder within a log's in which a log is made of an export."""


@dataclass(frozen=True, slots=True)
class Location:
    """A log's folder and key. Without ``key`` the key file is used (default: ``vault.key`` in the folder)."""

    folder: Path
    key: bytes | None = None
    key_file: Path | None = None

    @property
    def database(self) -> Path:
        """Return the path of the database file."""
        return self.folder / database.FILE_NAME

    @property
    def key_path(self) -> Path:
        """Return the path of the key file."""
        return self.key_file or self.folder / KEY_FILE

    @property
    def next_key_path(self) -> Path:
        """Return the path at which a rotation keeps the next key until the log needs it."""
        return self.key_path.with_name(self.key_path.name + ".new")

    @property
    def old_key_path(self) -> Path:
        """Return the path at which a rotation leaves the key of before, for older backups."""
        return self.key_path.with_name(self.key_path.name + ".old")

    def has_log(self) -> bool:
        """Tell whether there is a database; raise LogUnwritable when the folder cannot be read."""
        try:
            return self.database.exists()
        except OSError as error:
            raise LogUnwritable(
                f"The log folder {self.folder} can't be read: {error.strerror}. Check its name and permissions."
            ) from error
