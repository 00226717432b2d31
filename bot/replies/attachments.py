"""Files attached to a question. They are fetched when it is answered; their addresses expire and are not recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.events import Attachment
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.replies.reading import find_asked
from bot.responders.protocol import File

MOST = 10
"""The most files of one question that are fetched: as many as a message can have."""
_SEEN = "image/"
_NEVER = ("audio/", "video/")


class FileSource(Protocol):
    """Fetches files from Discord."""

    async def fetch(self, channel_id: int, message_id: int, wanted: Sequence[int], limit: int) -> tuple[File, ...]:
        """Return, by id, the files that could be fetched, of at most ``limit`` bytes together; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Attachments:
    """Reads the files attached to questions: texts and, with ``images``, images; at most ``limit`` bytes together."""

    reader: Reader
    source: FileSource
    limit: int
    images: bool = False

    async def read(self, channel_id: int, entries: Sequence[Pending]) -> tuple[File, ...]:
        """Return the files of questions, without those that could not be fetched."""
        if not self.limit:
            return ()
        files: list[File] = []
        for entry in entries:
            asked_in, message = await find_asked(self.reader, channel_id, entry)
            wanted = [each.id for each in (message.attachments if message else ()) if self._readable(each)]
            left = self.limit - sum(len(file.data) for file in files)
            if wanted and left > 0:
                files += await self.source.fetch(asked_in, entry.message_id, wanted[: MOST - len(files)], left)
        return tuple(files)

    def _readable(self, file: Attachment) -> bool:
        kind = file.content_type.lower()
        if file.size > self.limit or kind.startswith(_NEVER):
            return False
        return self.images or not kind.startswith(_SEEN)
