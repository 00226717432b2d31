"""Where a log lies: its folder, its database and the files of its key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import LogUnwritable
from bot.eventlog import database

KEY_FILE = "vault.key"
SCRATCH = "restoring"
"""The folder within a log's in which a backup is made ready to take its place."""
DRAFT = "importing"
"""The folder within a log's in which a log is made of an export."""


def partition_folder(folder: Path, partition: int, partitions: int) -> Path:
    """Return the folder of a partition within that of the log; a log that is not divided has but one."""
    return folder / str(partition) if partitions > 1 else folder


@dataclass(frozen=True, slots=True)
class Location:
    """A log's folder and key. Without ``key`` the key file is used (default: ``vault.key`` in the folder).

    It is the log of one ``partition`` of several, or all of it.
    """

    folder: Path
    key: bytes | None = None
    key_file: Path | None = None
    partition: int = 0
    partitions: int = 1

    @property
    def undivided(self) -> Location:
        """Return where the log would lie if it were not divided."""
        return self if self.partitions == 1 else replace(self, folder=self.folder.parent, partition=0, partitions=1)

    def of(self, partition: int, partitions: int) -> Location:
        """Return where a partition lies of a log that is divided into so many."""
        whole = self.undivided
        if partitions == 1:
            return whole
        folder = partition_folder(whole.folder, partition, partitions)
        return Location(folder, self.key, whole.key_path, partition, partitions)

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
