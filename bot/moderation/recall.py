"""The tool ``recall``: what was said in the channel of the one who asks, and may still be known.

It uses the index of words where there is one. Otherwise it reads the newest messages of the channel. Whatever finds
them, the words are opened from the log once more, and left out is what was erased, what a rewind or reset took out of
the conversation, what people wrote who opted out, and what was asked after the question. Its results are not recorded:
the log holds these words already.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bot.core.events import ConversationReset, ConversationRewound
from bot.core.rewinding import taken_out
from bot.core.seen import told, with_names
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError
from bot.moderation.search import LONGEST, Found, found_in
from bot.moderation.sought import Index, Sought
from bot.moderation.text import shortened
from bot.responders.tools import Asking, FunctionTool, Result, ToolFailed
from bot.times import utc_time

MOST_SHOWN = 8
MOST_LOOKED_AT = 40
"""Hits of which those are shown that may be."""
LENGTH = 500
"""Characters that are shown of one message."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Makes the tool for a log.

    ``index`` finds words (None: there is none), ``scan`` finds those among the newest messages alone, without one.
    ``opted_out`` are ids of people.
    """

    reader: Reader
    index: Index | None
    scan: Index
    opted_out: Container[int]

    def tool(self) -> FunctionTool:
        """Return the tool."""
        return FunctionTool(self.recall, read_only=True)

    async def recall(
        self,
        words: Annotated[str, Field(min_length=1, max_length=LONGEST, description="words that all have to be in it")],
        asking: Asking,
    ) -> Result:
        """Search the earlier messages of this channel, beyond those that you see. The newest come first."""
        found, by = await self._found(Sought(words, (asking.channel_id,)))
        shown = await self._shown(found, asking)
        if not shown:
            return Result(
                f"Nothing was found{' among the newest messages' if by is self.scan else ''}.", "nothing found"
            )
        ids = ", ".join(str(each.said.message_id) for each, _ in shown)
        return Result("\n".join(line for _, line in shown), f"found {len(shown)}: what was said at {ids}")

    async def _found(self, sought: Sought) -> tuple[list[Found], Index]:
        """Return what is found, and by what: while the index can't be read, by the scan. Raises ToolFailed."""
        said = ""
        for by in (self.index, self.scan):
            try:
                if by is not None:
                    return await found_in(self.reader, by, sought, MOST_LOOKED_AT), by
            except ModerationError as error:
                said = str(error)
        raise ToolFailed(said)

    async def _shown(self, found: Iterable[Found], asking: Asking) -> list[tuple[Found, str]]:
        """Return what may be shown of what was found, each as a line."""
        stream = stream_of(asking.channel_id)
        query = Query(stream, types=(ConversationRewound.TYPE, ConversationReset.TYPE))
        out = taken_out([each async for each in self.reader.events(query)])
        allowed = [
            each
            for each in found
            if each.said.author_id not in self.opted_out and each.said.message_id < asking.message_id
        ]
        positions = [each.hit.position for each in allowed]
        versions = {each.position: each.version for each in await self.reader.at(positions)}
        bodies = await self.reader.bodies(positions)
        shown: list[tuple[Found, str]] = []
        for each in allowed:
            version, body = versions.get(each.hit.position, 0), bodies.get(each.hit.position)
            if body is not None and not any(first <= version <= last for first, last in out):
                who = "you" if each.said.answer else " ".join(each.name.split()) or "someone"
                text = with_names(told(body, by_bot=each.said.answer), dict(body.names))
                text = shortened(" ".join(text.split()), LENGTH)
                shown.append((each, f"{utc_time(each.said.at)[:16]} UTC, {who}: {text}"))
        return shown[:MOST_SHOWN]
