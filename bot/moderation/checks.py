"""Commands that check the log: fold a channel again, keep a snapshot, verify everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

from bot.core.conversation import Conversation
from bot.core.fold import evolve
from bot.core.streams import stream_of
from bot.eventlog.snapshots import SPACING
from bot.eventlog.verify import verify as verified
from bot.eventlog.verify_events import Finding
from bot.moderation.command import Report
from bot.moderation.context import CommandContext
from bot.moderation.points import known_head
from bot.moderation.text import count_text, printable
from bot.times import SECOND

MOST_FINDINGS = 100
"""Findings that are listed; the count includes all."""

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with the number of checked events and that of all."""


async def rebuild(context: CommandContext, channel_id: int) -> Report:
    """Delete a channel's snapshots, fold its events from the first on, and compare with the state before."""
    await known_head(context.reader, channel_id)
    owner, stream = context.owned(), stream_of(channel_id)
    in_memory = owner.conversations.peek(channel_id)
    known = in_memory or (await context.reader.load(stream)).state
    forgotten = await owner.log.forget_snapshots(stream)
    state, kept = Conversation(), 0
    async for page in context.reader.tail(stream, upto=known.version):
        for recorded in page:
            state = evolve(state, recorded)
            if state.version % SPACING == 0:
                await owner.log.save_snapshot(stream, state)
                kept += 1
    await owner.log.save_snapshot(stream, state)
    same = state == known
    if not same:
        owner.conversations.forget(channel_id)
    verdict = "the same state as before" if same else "ANOTHER state than before, which counts from now on"
    return Report(
        f"Channel {channel_id} is folded again: {verdict}",
        (
            f"{count_text(state.version, 'event')} folded",
            f"{count_text(forgotten, 'snapshot')} forgotten, {kept + 1} kept anew",
            *(() if same else ("Run verify: a snapshot or the memory was not what the events give.",)),
        ),
        {
            "channel_id": str(channel_id),
            "version": state.version,
            "forgotten": forgotten,
            "kept": kept + 1,
            "same": same,
        },
    )


async def snapshot(context: CommandContext, channel_id: int) -> Report:
    """Keep a snapshot of a channel's current state."""
    await known_head(context.reader, channel_id)
    owner = context.owned()
    state = await owner.conversations.state(channel_id)
    await owner.log.save_snapshot(stream_of(channel_id), state)
    return Report(
        f"A snapshot of channel {channel_id} at version {state.version} is kept",
        (),
        {"channel_id": str(channel_id), "version": state.version},
    )


async def verify(context: CommandContext, channel_id: int | None = None, progress: OnProgress | None = None) -> Report:
    """Verify the log, or one channel of it, page by page."""
    if channel_id is not None:
        await known_head(context.reader, channel_id)
    began = context.clock()
    wanted = None if channel_id is None else stream_of(channel_id)
    streams = [info for info in await context.reader.streams() if wanted in (None, info.name)]
    total = sum(info.version for info in streams)
    events, erased, count = 0, 0, 0
    findings: list[Finding] = []
    async for page in verified(context.reader, wanted):
        events += page.events
        erased += page.erased
        count += len(page.findings)
        findings += page.findings[: MOST_FINDINGS - len(findings)]
        if progress is not None and page.events:
            progress(events, max(total, events))
    seconds = max(context.clock() - began, 1) / SECOND
    with_key = context.reader.vault is not None
    return Report(
        f"{'All is well' if not count else count_text(count, 'finding')} in {count_text(events, 'event')} of "
        f"{count_text(len(streams), 'stream')}",
        (
            f"checked in {seconds:.2f} s ({events / seconds:,.0f} events a second)",
            "structure, events, snapshots, hashes and words"
            if with_key
            else "structure, events and snapshots; hashes and words need the key",
            *((f"the words of {count_text(erased, 'event')} are erased",) if erased else ()),
            *(printable(str(found)) for found in findings),
            *(("and more",) if count > len(findings) else ()),
        ),
        {
            "ok": not count,
            "events": events,
            "streams": len(streams),
            "findings": [asdict(found) for found in findings],
            "finding_count": count,
            "erased": erased,
            "hashes_checked": with_key,
            "words_checked": with_key,
            "seconds": round(seconds, 3),
            "events_per_second": round(events / seconds),
        },
    )
