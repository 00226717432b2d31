"""Words that are in an archive: erased in the log, and known to be there still."""

from __future__ import annotations

from bot.core.events import ErasureReason, PlainEvent, WordsErased
from bot.core.streams import stream_of
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.checks import OnProgress
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.text import count_text


async def erase_archived(
    context: CommandContext, channel_id: int, version: int, digest: str, *, by: str, progress: OnProgress | None = None
) -> Report:
    """Erase the words of a channel up to ``version``, which the archive of SHA-256 ``digest`` holds, but for a persona.

    Raises ModerationError while a reply is open, which may need them.
    """
    owner, stream = context.owned(), stream_of(channel_id)
    if (await context.state(channel_id)).outbox:
        raise ModerationError(f"{stream} has replies to finish: nothing was erased. Do the same again once they are.")

    async def record(stream: str, receipt: PlainEvent) -> None:
        await owner.conversations.record(stream, receipt.model_copy(update={"archive": digest}))

    erased = await erase(
        owner.log,
        Wanted(stream=stream, upto=version, personas=False),
        ErasureReason.ARCHIVED,
        by,
        record=record,
        progress=progress or (lambda _done, _total: None),
    )
    said = f"The words of {count_text(erased.events, 'event')} are erased in the log, and in the archive alone now."
    return Report(said, data={"erased": erased.events})


async def archives_of(reader: Reader, stream: str | None = None) -> list[str]:
    """Return the SHA-256 of the archives with words that a stream, or any, has lost to them.

    Nobody can take words out of these: whoever has to, deletes the file.
    """
    query = Query(stream=stream, types=(WordsErased.TYPE,))
    receipts = [recorded.event async for recorded in reader.events(query)]
    return list(dict.fromkeys(each.archive for each in receipts if isinstance(each, WordsErased) and each.archive))
