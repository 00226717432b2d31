"""Files attached to a question. They are fetched when it is answered; their addresses expire and are not recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from bot.core.events import Attachment
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.replies.reading import find_asked
from bot.responders.kinds import family, kind_of, unread_because
from bot.responders.protocol import Attached, File

MOST = 10
"""The most files of one question that are fetched: as many as a message can have."""
TOO_MANY = f"there are more than {MOST} files"
TOO_LARGE_TOGETHER = "the files are too large together"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The files that were fetched, and why others were not, by their ids."""

    files: tuple[File, ...] = ()
    faults: dict[int, str] = field(default_factory=dict)


class FileSource(Protocol):
    """Fetches files from Discord."""

    async def fetch(
        self, channel_id: int, message_id: int, wanted: Sequence[int], limit: int, refuse: Callable[[bytes], str]
    ) -> Fetched:
        """Fetch the files with these ids, of at most ``limit`` bytes together; never raises.

        ``refuse`` is given the first bytes of a file, and returns why the rest is not wanted ("": it is).
        """
        ...


@dataclass(frozen=True, slots=True)
class Attachments:
    """Reads the files attached to questions, at most ``limit`` bytes together; pictures only with ``images``.

    What a file is, its first bytes tell. Only what Discord calls sound or film is not even begun.
    """

    reader: Reader
    source: FileSource
    limit: int
    images: bool = False

    async def read(self, channel_id: int, entries: Sequence[Pending]) -> Fetched:
        """Return the files of questions, and why those are missing that could not be fetched."""
        files: list[File] = []
        faults: dict[int, str] = {}
        refuse = partial(_refusal, images=self.images)
        for entry in entries if self.limit else ():
            asked_in, message = await find_asked(self.reader, channel_id, entry)
            wanted = [each.id for each in (message.attachments if message else ()) if self._readable(each)]
            begun, rest = wanted[: MOST - len(files)], wanted[MOST - len(files) :]
            faults |= dict.fromkeys(rest, TOO_MANY)
            left = self.limit - sum(len(file.data) for file in files)
            fetched = await self.source.fetch(asked_in, entry.message_id, begun, left, refuse) if begun else Fetched()
            files += fetched.files
            faults |= fetched.faults
        return Fetched(tuple(files), faults)

    def _readable(self, file: Attachment) -> bool:
        return file.size <= self.limit and family(file.content_type) not in ("audio", "video")


def _refusal(head: bytes, *, images: bool) -> str:
    return unread_because(kind_of(head), images=images)


def attached(files: Sequence[Attachment], names: Sequence[str]) -> Iterator[Attached]:
    """Yield the files of a question with their names. An edit may have left fewer names than there were files."""
    for at, file in enumerate(files):
        name = names[at] if len(names) == len(files) else ""
        yield Attached(file.content_type, file.size, file.id, name)
