"""Search: the messages and answers of the last days that hold some words.

The words are opened from the log once more before they are shown. So nothing is shown that is erased, whatever an index
may still hold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from bot.core.events import KeyKind, MessagePosted, MessageReceived, Recorded, ReplySent, Via
from bot.core.streams import channel_of
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.display_names import beside
from bot.moderation.points import parse_point
from bot.moderation.sought import Hit, Index, Said, Sought, said_by
from bot.moderation.text import printable
from bot.moderation.usage import since_moment
from bot.times import iso_time, utc_time

LONGEST = 200
"""Characters that somebody may look for."""
LARGEST_PAGE = 1000
_ABSENT = "There is no index of words: whoever runs this bot makes one with [consumers.search] in the settings."
_BOT = "bot"


@dataclass(frozen=True, slots=True)
class Found:
    """A message or an answer as it is shown; ``message_id`` is 0 where it is no message in Discord."""

    hit: Hit
    said: Said
    channel_id: int
    guild_id: int | None
    message_id: int
    name: str

    @property
    def link(self) -> str:
        """Return the address of the message, "" where there is none."""
        server = self.guild_id or "@me"
        return f"https://discord.com/channels/{server}/{self.channel_id}/{self.message_id}" if self.message_id else ""

    def to_json(self) -> dict[str, Any]:
        """Return it for machines: ids as text, the time in UTC."""
        return {
            "position": self.hit.position,
            "at": iso_time(self.said.at),
            "channel_id": str(self.channel_id),
            "message_id": str(self.message_id) if self.message_id else None,
            "author_id": None if self.said.answer else str(self.said.author_id),
            "name": None if self.said.answer else self.name or None,
            "excerpt": self.hit.excerpt,
            "link": self.link or None,
        }

    def to_text(self, channels: Mapping[int, str]) -> str:
        """Return it as a line; ``channels`` are the names of channels."""
        who = _BOT if self.said.answer else beside(self.name) or str(self.said.author_id)
        where = beside(channels.get(self.channel_id)) or f"#{self.channel_id}"
        return f"{utc_time(self.said.at)[:16]}Z  {where}  {who}: {printable(self.hit.excerpt)}"


async def search(
    context: CommandContext,
    words: str,
    channels: Mapping[int, str] | None = None,
    person: int | None = None,
    since: str | None = None,
    *,
    cursor: str | None = None,
    size: int = 10,
) -> Report:
    """Find words in ``channels``, given with their names ("": none), or in all (None); the newest come first."""
    if context.index is None:
        raise ModerationError(_ABSENT)
    point = parse_point(since, context.clock()) if since else None
    moment = 0 if point is None else await since_moment(context.reader, channels, point)
    sought = Sought(words, channels, person, moment, 2**62 if cursor is None else _position(cursor))
    if person is not None and person == context.called(0).bot_id:
        sought = replace(sought, author_id=0)
    report = await report_of(context.reader, context.index, sought, size, channels or {})
    unready = [each for each in context.following() if each.name == context.index.name and each.state != "following"]
    late = tuple(f"The index is {each.state}: the newest words are still missing." for each in unready)
    return replace(report, lines=(*report.lines, *late))


async def find(
    context: CommandContext, words: str, channel_id: int | None, person: int | None, since: int, size: int
) -> Report:
    """Find words for the command line; without data where the index does not hold all of them since then."""
    index = context.index
    ready = index is not None and any(
        each.name == index.name and each.state == "following" for each in context.following()
    )
    if index is None or not ready or await index.reaches() > since:
        return Report("")
    channels = None if channel_id is None else (channel_id,)
    return await report_of(context.reader, index, Sought(words, channels, person, since), size, {})


async def report_of(reader: Reader, index: Index, sought: Sought, size: int, channels: Mapping[int, str]) -> Report:
    """Return a page of what is found; ``channels`` are the names of channels."""
    size = min(max(size, 1), LARGEST_PAGE)
    found = await found_in(reader, index, sought, size + 1)
    page = found[:size]
    more = str(page[-1].hit.position) if len(found) > size else None
    reaches = max(sought.since, await index.reaches())
    data = {"hits": [each.to_json() for each in page], "since": iso_time(reaches), "more": more}
    if not page:
        return Report(f"Nothing holds these words since {utc_time(reaches)[:16]}Z", (), data)
    title = "What holds these words, the newest first"
    return Report(
        title,
        tuple(each.to_text(channels) for each in page),
        data,
        more=more,
        links=tuple(each.link for each in page),
    )


def _position(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):  # noqa: PLR2004 - 64 bits
        raise ModerationError("That page is none of this search: begin again without a cursor.")
    return int(cursor)


async def found_in(reader: Reader, index: Index, sought: Sought, limit: int) -> list[Found]:
    """Return up to ``limit`` hits that may be shown."""
    found: list[Found] = []
    async with aclosing(index.hits(sought)) as hits:
        async for some in _together(hits, limit):
            found += await _shown(reader, some)
            if len(found) >= limit:
                break
    return found[:limit]


async def _together(hits: AsyncIterator[Hit], size: int) -> AsyncIterator[list[Hit]]:
    some: list[Hit] = []
    async for hit in hits:
        some.append(hit)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


async def _shown(reader: Reader, hits: Sequence[Hit]) -> list[Found]:
    """Return the hits whose words are still there, and were not said for one person's eyes alone."""
    positions = [hit.position for hit in hits]
    events = {recorded.position: recorded for recorded in await reader.at(positions)}
    bodies = await reader.bodies(positions)
    found: list[Found] = []
    for hit in hits:
        recorded, body = events.get(hit.position), bodies.get(hit.position)
        said = None if recorded is None else said_by(recorded)
        if recorded is None or said is None or body is None:
            continue
        question = await _question(reader, recorded, said)
        if _via(question) is Via.WHISPER:
            continue
        message_id = await _in_discord(reader, recorded.stream, said, question)
        guild_id = question.guild_id if question is not None else None
        found.append(Found(hit, said, channel_of(recorded.stream) or 0, guild_id, message_id, body.name))
    return found


async def _question(reader: Reader, recorded: Recorded, said: Said) -> MessagePosted | None:
    """Return the message itself or, for an answer, the message that it answers, as it came."""
    events = [recorded] if isinstance(recorded.event, MessagePosted) else []
    events = events or await reader.find(recorded.stream, KeyKind.RECEIVED, said.message_id)
    return next((each.event for each in events if isinstance(each.event, MessagePosted)), None)


async def _in_discord(reader: Reader, stream: str, said: Said, question: MessagePosted | None) -> int:
    """Return the id of the message that shows the words: for an answer that was sent, of its first part."""
    if said.answer:
        sent = await reader.find(stream, KeyKind.SENT, said.message_id)
        shown = next((each.event.sent_id for each in sent if isinstance(each.event, ReplySent)), 0)
        if shown:
            return shown
    # The id of a question by /ask is the interaction's. Of a message that is not in the log the server is not known.
    return 0 if question is None or _via(question) is Via.ASK else said.message_id


def _via(question: MessagePosted | None) -> Via | None:
    """Return how a message came to the bot, None for one that was imported."""
    return question.via if isinstance(question, MessageReceived) else None
