"""What people decide about their own words: see them, have them erased, have none recorded from now on.

Everybody may use these commands. :func:`forget` is the moderators' way to erase somebody's words on their server.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection

from bot.core.events import (
    POSTED,
    ConversationSummarised,
    ErasureReason,
    MessageEdited,
    MessagePreviewed,
    PersonaSet,
    ReactionAdded,
    ReactionRemoved,
    ReplyComposed,
)
from bot.core.streams import channel_of, stream_of
from bot.eventlog.erasing import Affected, Wanted, find
from bot.eventlog.personal import about, counted
from bot.moderation.archived import archives_of
from bot.moderation.command import ModerationError, Report, ReportFile
from bot.moderation.context import CommandContext
from bot.moderation.erase import erase_and_give_up
from bot.moderation.export import LIMIT_BYTES
from bot.moderation.text import count_text, lines, size_text
from bot.times import utc

KINDS = (
    (tuple(event.TYPE for event in POSTED), "message", ""),
    ((MessageEdited.TYPE,), "edit", ""),
    ((MessagePreviewed.TYPE,), "preview of a link", "previews of links"),
    ((ReplyComposed.TYPE,), "answer", ""),
    ((ConversationSummarised.TYPE,), "summary of a conversation", "summaries of conversations"),
    ((ReactionAdded.TYPE, ReactionRemoved.TYPE), "reaction", ""),
    ((PersonaSet.TYPE,), "persona of the bot", "personas of the bot"),
)
"""The types of events whose words are counted together, and how they are called; all others are "others"."""

STAYS = (
    "What stays: that there was something, with its ids and times. Nothing is deleted in Discord itself.",
    "Backups that were made before hold the words until they are rotated.",
)
LEFT = "A copy may be left in the log's side file for some minutes."
ARCHIVES = "Channels were archived before: who runs the bot has files that may hold such words, and can delete them."


async def preview_forget_me(context: CommandContext, guild_id: int | None, *, by: str) -> Report:
    """Say what :func:`forget_me` would erase, and change nothing."""
    where = "everywhere" if guild_id is None else "in this server"
    return await _preview(context, Wanted(person_id=int(by), guild_id=guild_id), f"your words {where}")


async def forget_me(context: CommandContext, guild_id: int | None, *, by: str) -> Report:
    """Erase a person's words, the answers to them, and summaries that saw them: of one server, or (None) all."""
    return await _erased(context, Wanted(person_id=int(by), guild_id=guild_id), ErasureReason.PERSON, by)


async def preview_forget(
    context: CommandContext, channel_id: int, person: int | None, message_id: int | None, *, server_id: int
) -> Report:
    """Say what :func:`forget` would erase, and change nothing."""
    what = f"<@{person}>'s words in this server" if person else f"the words of message {message_id}"
    return await _preview(context, _meant(channel_id, person, message_id, server_id), what)


async def forget(
    context: CommandContext, channel_id: int, person: int | None, message_id: int | None, *, server_id: int, by: str
) -> Report:
    """Erase a person's words on a server, or those of one message of a channel, with the answers."""
    return await _erased(context, _meant(channel_id, person, message_id, server_id), ErasureReason.MODERATOR, by)


async def opt_out(context: CommandContext, *, by: str) -> Report:
    """Record nothing of what a person writes from now on, and answer none of it."""
    owner = context.owned()
    new = await owner.opted_out.add(owner.log, int(by))
    return Report(
        "From now on I record none of your words, and I do not answer you."
        if new
        else "You have opted out already: I record none of your words, and I do not answer you.",
        (
            "It holds on every server and in direct messages, until you use /privacy opt-in.",
            "I still record that you wrote something, with its ids and times: without that I would take it for lost.",
            "What you wrote before is kept; /privacy forget-me erases it.",
        ),
        {"new": new},
    )


async def opt_in(context: CommandContext, *, by: str) -> Report:
    """Record and answer a person again."""
    owner = context.owned()
    new = await owner.opted_out.remove(owner.log, int(by))
    if not new:
        return Report("You have not opted out: I record what you write, and I answer you.", (), {"new": new})
    return Report(
        "I record what you write from now on, and I answer you again.",
        ("What you wrote in between was not recorded, and is not recorded now.",),
        {"new": new},
    )


async def export_me(
    context: CommandContext, after: int | None = None, *, by: str, limit_bytes: int = LIMIT_BYTES
) -> Report:
    """Return every event about a person with its words, of all channels, as many as fit into a file.

    ``after`` is the position of the last event of the file before. The answers to the person are in it. What others
    wrote is not, so neither are summaries.
    """
    content, count, last, whole = bytearray(), 0, after or 0, True
    async for page in about(context.reader, int(by), after=last):
        for line in await lines(context.reader, page, words=True):
            row = json.dumps(line.to_json(), separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"
            if content and len(content) + len(row) > limit_bytes:
                whole = False
                break
            content += row
            count, last = count + 1, line.recorded.position
        if not whole:
            break
    if not count:
        return Report("I have recorded nothing of you." if after is None else "Nothing comes after that.")
    today = f"{utc(context.clock()):%Y%m%d-%H%M%S}"
    rest = () if whole else (f"The file is full: use /privacy export-me with after:{last} for the rest.",)
    return Report(
        f"{count_text(count, 'event')} about you, {size_text(len(content))}",
        rest,
        {"events": count, "bytes": len(content), "more": None if whole else str(last)},
        ReportFile(f"my-data-{today}.jsonl", bytes(content)),
    )


def _meant(channel_id: int, person: int | None, message_id: int | None, server_id: int) -> Wanted:
    if person is not None:
        return Wanted(person_id=person, guild_id=server_id)
    return Wanted(message_ids=(message_id or 0,), answers=True, stream=stream_of(channel_id))


async def _preview(context: CommandContext, wanted: Wanted, what: str) -> Report:
    affected = await find(context.reader, wanted)
    sums = await counted(context.reader, affected)
    data = {"changed": bool(sums), "events": dict(sums), "streams": len(affected)}
    if not sums:
        return Report(f"There is nothing to erase: I keep none of {what}.", (), data)
    return Report(f"This would erase {what}", (*_said(sums, affected), *STAYS), data)


def _said(sums: Counter[str], affected: Collection[Affected]) -> tuple[str, ...]:
    """Return how many words of which kind there are, and in how many channels."""
    rest = Counter(sums)
    said: list[str] = []
    for types, noun, plural in KINDS:
        number = sum(rest.pop(each, 0) for each in types)
        said += [count_text(number, noun, plural)] if number else []
    said += [count_text(rest.total(), "other")] if rest.total() else []
    channels = sum(channel_of(each.stream) is not None for each in affected)
    return (", ".join(said), f"in {count_text(channels, 'channel')}, threads and direct messages included")


async def _erased(context: CommandContext, wanted: Wanted, reason: ErasureReason, by: str) -> Report:
    done = await erase_and_give_up(context, wanted, reason, by)
    if not done.events:
        raise ModerationError("There is nothing to erase any more.")
    return Report(
        f"Erased: the words of {count_text(done.events, 'event')} in {count_text(done.streams, 'place')}",
        (*STAYS, *(() if done.emptied else (LEFT,)), *((ARCHIVES,) if await archives_of(context.reader) else ())),
        {"events": done.events, "streams": done.streams, "emptied": done.emptied},
    )
