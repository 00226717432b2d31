"""Erase: the words of a person, a message, a channel or a server go, and the events stay."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.core.commands import Abandon
from bot.core.events import AbandonReason, ErasureReason
from bot.core.streams import channel_of, stream_of
from bot.eventlog import erasing
from bot.eventlog.erasing import Affected, Erased, Wanted
from bot.moderation.archived import archives_of
from bot.moderation.checks import OnProgress
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext, WritableLog
from bot.moderation.points import parse_point
from bot.moderation.text import count_text, printable

MOST_STREAMS = 20
"""Channels that are listed, those with the most events first."""


async def erase(  # noqa: PLR0913 - one for each option
    context: CommandContext,
    *,
    by: str,
    person_id: int | None = None,
    message_id: int | None = None,
    channel_id: int | None = None,
    server_id: int | None = None,
    before: str | None = None,
    answers: bool = False,
    progress: OnProgress | None = None,
) -> Report:
    """Erase the words that fit everything that is given, for the command line."""
    wanted = _wanted(context, person_id, message_id, channel_id, server_id, before, answers=answers)
    erased = await erase_and_give_up(context, wanted, ErasureReason.COMMAND_LINE, by, progress)
    held = (
        ()
        if erased.emptied
        else ("Somebody reads an older state of the log, or its engine is away: copies stay until that has ended.",)
    )
    archives = await archives_of(context.reader, wanted.stream)
    return Report(
        f"The words of {count_text(erased.events, 'event')} in {count_text(erased.streams, 'stream')} are erased",
        (*held, *map(_archived, archives)),
        {"events": erased.events, "streams": erased.streams, "emptied": erased.emptied, "archives": archives},
    )


async def preview(
    context: CommandContext,
    *,
    person_id: int | None = None,
    message_id: int | None = None,
    channel_id: int | None = None,
    server_id: int | None = None,
    before: str | None = None,
    answers: bool = False,
) -> Report:
    """Count the words that would be erased, by channel."""
    wanted = _wanted(context, person_id, message_id, channel_id, server_id, before, answers=answers)
    found = sorted(await erasing.find(context.reader, wanted), key=lambda each: -each.events)
    total = sum(each.events for each in found)
    rest, archives = found[MOST_STREAMS:], await archives_of(context.reader, wanted.stream)
    return Report(
        f"The words of {count_text(total, 'event')} in {count_text(len(found), 'stream')} would be erased, for ever"
        if found
        else "There are no such words in the log",
        (
            *map(_line, found[:MOST_STREAMS]),
            *((f"and {count_text(len(rest), 'stream')} more",) if rest else ()),
            *map(_archived, archives),
        ),
        {
            "changed": bool(found),
            "events": total,
            "by_stream": {each.stream: each.events for each in found},
            "archives": archives,
        },
    )


async def erase_and_give_up(
    context: CommandContext, wanted: Wanted, reason: ErasureReason, by: str, progress: OnProgress | None = None
) -> Erased:
    """Erase words and give up the unfinished replies to what has none any more; raise LogError."""
    owner = context.owned()
    affected = await erasing.find(context.reader, wanted)

    async def once() -> Erased:
        shown = progress or (lambda _done, _total: None)
        return await erasing.erase(owner.log, wanted, reason, by, record=owner.conversations.record, progress=shown)

    done = await once()
    channels = {channel_id for each in affected if (channel_id := channel_of(each.stream)) is not None}
    if await _give_up(owner, channels):
        # An answer to them may have been recorded just before it was given up.
        again = await once()
        done = Erased(done.events + again.events, done.streams, again.emptied)
    return done


async def _give_up(owner: WritableLog, channels: Collection[int]) -> int:
    """Give up the unfinished replies to questions whose words are erased; return how many there were."""
    given_up = 0
    for channel_id in sorted(channels):
        outbox = (await owner.conversations.state(channel_id)).outbox
        words = await owner.log.reader.bodies([entry.asked_position for entry in outbox]) if outbox else {}
        for entry in outbox:
            if entry.asked_position not in words:
                command = Abandon(entry.message_id, AbandonReason.ERASED)
                given_up += bool(await owner.conversations.handle(channel_id, command))
    return given_up


def _archived(digest: str) -> str:
    return f"An archive may hold such words: to be rid of them, delete the file. SHA-256 {digest}"


def _line(found: Affected) -> str:
    channel_id = channel_of(found.stream)
    name = printable(found.stream) if channel_id is None else f"channel {channel_id}"
    return f"{name}: {count_text(found.events, 'event')}"


def _wanted(context: CommandContext, *given: Any, answers: bool) -> Wanted:  # noqa: ANN401 - as the commands take them
    person_id, message_id, channel_id, server_id, before = given
    if all(each is None for each in given):
        raise ModerationError(
            "Say which words: of a person, a message, a channel, a server, or those from before a time."
        )
    if answers and message_id is None:
        raise ModerationError("The answers to which message? A person's words go with the answers to them.")
    point = parse_point(before, context.clock()) if before is not None else None
    if point is not None and point.moment is None:
        raise ModerationError("Before when? Give a time, such as 2026-11-20 14:00, or an age, such as 90d.")
    return Wanted(
        person_id=person_id,
        message_ids=() if message_id is None else (message_id,),
        answers=answers,
        stream=None if channel_id is None else stream_of(channel_id),
        guild_id=server_id,
        before=point.moment if point is not None else None,
    )
