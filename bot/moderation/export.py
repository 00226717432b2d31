"""Export a channel as JSON Lines, in files that Discord accepts."""

from __future__ import annotations

import json

from bot.core.events import Recorded
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.moderation.command import ModerationError, Report, ReportFile
from bot.moderation.context import CommandContext
from bot.moderation.history import since_point
from bot.moderation.points import known_head
from bot.moderation.text import count_text, lines, size_text
from bot.times import utc

CHUNK = 500
"""Events whose words are fetched at once."""
LIMIT_BYTES = 8_000_000
"""The default limit of a file: Discord accepts 10 MiB from everybody, with the rest of the form included."""


async def export(
    context: CommandContext,
    channel_id: int,
    *,
    since: str | None = None,
    words: bool = True,
    limit_bytes: int = LIMIT_BYTES,
) -> Report:
    """Return a channel's events from a point in time on, the oldest first, as many as fit into ``limit_bytes``.

    ``more`` in the report is the ``since`` of the first event that did not fit.
    """
    if words and context.reader.vault is None:
        raise ModerationError("What people wrote needs the log's key: export without words.")
    await known_head(context.reader, channel_id)
    writer = _Writer(context, words, limit_bytes)
    chunk: list[Recorded] = []
    first, moment = await since_point(context, channel_id, since)
    async for recorded in context.reader.events(Query(stream=stream_of(channel_id), since=moment, first_version=first)):
        chunk.append(recorded)
        if len(chunk) == CHUNK:
            await writer.write(chunk)
            chunk = []
            if writer.next_version is not None:
                break
    if chunk:
        await writer.write(chunk)
    return writer.report(channel_id)


class _Writer:
    """Collects lines until one does not fit; ``next_version`` is then the version of that one's event."""

    def __init__(self, context: CommandContext, words: bool, limit: int) -> None:  # noqa: FBT001 - within this module
        self._context = context
        self._words = words
        self._limit = limit
        self._content = bytearray()
        self._count = 0
        self.next_version: int | None = None

    async def write(self, events: list[Recorded]) -> None:
        for line in await lines(self._context.reader, events, words=self._words):
            row = json.dumps(line.to_json(), separators=(",", ":")).encode() + b"\n"
            if self._content and len(self._content) + len(row) > self._limit:
                self.next_version = line.recorded.version
                return
            self._content += row
            self._count += 1

    def report(self, channel_id: int) -> Report:
        today = f"{utc(self._context.clock()):%Y%m%d-%H%M%S}"
        more = None if self.next_version is None else str(self.next_version)
        size = size_text(len(self._content))
        left = () if more is None else (f"The file is full: export since {more} for the rest.",)
        return Report(
            f"{count_text(self._count, 'event')} of channel {channel_id}, {size}",
            left,
            {"channel_id": str(channel_id), "events": self._count, "bytes": len(self._content), "more": more},
            ReportFile(f"channel-{channel_id}-{today}.jsonl", bytes(self._content)),
            more,
        )
