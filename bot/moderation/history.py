"""What the bot knew and what happened: the state at a point in time, the timeline, the difference of two states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from bot.core.conversation import Conversation
from bot.core.outbox import Pending
from bot.core.streams import stream_of
from bot.eventlog.codec import event_models
from bot.eventlog.query import Query
from bot.eventlog.reader import Loaded, Reader
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.points import known_head, parse_point, version_of
from bot.moderation.replayed import Replayed
from bot.moderation.text import ID_FIELDS, SHOWN_AS, count_text, lines, plain, printable, turn_line, words_of
from bot.times import utc_time

LARGEST_PAGE = 200

_COMPARED = (
    "watermark_id", "rewound_version", "persona_position", "model_position", "summary_position", "paused", "deleted",
    "history_forbidden", "received", "sent", "skipped", "abandoned", "foreign", "unreadable", "imported",
)  # fmt: skip


async def state(context: CommandContext, channel_id: int, at: str | None = None) -> Report:
    """Show a channel's state at a point in time."""
    now = context.clock()
    version = await (version_of(context.reader, channel_id, at, now) if at else known_head(context.reader, channel_id))
    seen = await state_at(context.reader, channel_id, version, words=context.reader.vault is not None)
    when = "before its first event" if seen.recorded_at is None else utc_time(seen.recorded_at)
    return Report(f"Channel {channel_id} at version {seen.state.version}, {when}", _state_lines(seen), seen.to_json())


async def state_at(reader: Reader, channel_id: int, version: int | None, *, words: bool) -> Replayed:
    """Return the state of a channel at a version (None: the newest) and, with ``words``, the words of its window."""
    loaded = await reader.load(stream_of(channel_id), upto=version)
    return await replayed(reader, channel_id, loaded, words=words)


async def replayed(reader: Reader, channel_id: int, loaded: Loaded, *, words: bool) -> Replayed:
    """Return a state of a channel with its newest event and, with ``words``, the words of its window."""
    stream = stream_of(channel_id)
    head = loaded.state.version
    newest = [event async for page in reader.tail(stream, after=head - 1, upto=head) for event in page]
    bodies = await reader.bodies({turn.position for turn in loaded.state.window}) if words else None
    return Replayed(channel_id, loaded.state, loaded.snapshot_version, newest[0] if newest else None, bodies)


async def timeline(
    context: CommandContext,
    channel_id: int,
    *,
    types: Sequence[str] = (),
    since: str | None = None,
    person: int | None = None,
    cursor: str | None = None,
    size: int = 20,
) -> Report:
    """List a channel's events, the newest first; those of the next page have versions below the cursor."""
    head = await known_head(context.reader, channel_id)
    size = min(max(size, 1), LARGEST_PAGE)
    first, moment = await since_point(context, channel_id, since)
    query = Query(
        stream=stream_of(channel_id),
        types=known_types(types),
        since=moment,
        author_id=person,
        first_version=first,
        last_version=_cursor(cursor, head),
        newest_first=True,
    )
    found = [recorded async for recorded in context.reader.events(query, limit=size + 1)]
    page = await lines(context.reader, found[:size], words=context.reader.vault is not None)
    more = str(page[-1].recorded.version - 1) if len(found) > size else None
    chosen = " of those chosen" if types or since or person is not None else ""
    return Report(
        f"Channel {channel_id}: {count_text(len(page), 'event')}{chosen}, the newest first",
        tuple(line.to_text() for line in page) or ("No event is chosen.",),
        {"channel_id": str(channel_id), "version": head, "events": [line.to_json() for line in page], "more": more},
        more=more,
    )


async def diff(context: CommandContext, channel_id: int, first: str, second: str) -> Report:
    """Compare a channel's states at two points in time."""
    now = context.clock()
    versions = [await version_of(context.reader, channel_id, at, now) for at in (first, second)]
    before, after = [(await context.reader.load(stream_of(channel_id), upto=version)).state for version in versions]
    return await difference(context.reader, channel_id, before, after)


async def difference(reader: Reader, channel_id: int, before: Conversation, after: Conversation) -> Report:
    """Compare two states of a channel."""
    old, new = ({turn.message_id: turn for turn in each.window} for each in (before, after))
    came = [turn for turn in after.window if turn.message_id not in old]
    left = [turn for turn in before.window if turn.message_id not in new]
    edited = [turn for turn in after.window if turn.message_id in old and turn != old[turn.message_id]]
    changed = dict(_changed(before, after))
    bodies = await words_of(reader, (*came, *left, *edited))
    return Report(
        f"Channel {channel_id} from version {before.version} to {after.version}",
        (
            *(f"+ {turn_line(turn, bodies)}" for turn in came),
            *(f"- {turn_line(turn, bodies)}" for turn in left),
            *(f"~ {turn_line(turn, bodies)}" for turn in edited),
            *_outbox_changes(before, after),
            *(f"{name}: {old} -> {new}" for name, (old, new) in changed.items()),
        )
        or ("Nothing differs.",),
        {
            "channel_id": str(channel_id),
            "from": before.version,
            "to": after.version,
            "came": plain(came),
            "left": plain(left),
            "edited": plain(edited),
            "outbox": {"from": plain(before.outbox), "to": plain(after.outbox)},
            "changed": {name: list(values) for name, values in changed.items()},
        },
    )


def known_types(types: Sequence[str]) -> tuple[str, ...]:
    """Return ``types``; raise ModerationError for an unknown one, with the one that was probably meant."""
    known = [model.TYPE for model in event_models()]
    for name in types:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"The types are: {', '.join(known)}."
            raise ModerationError(f"There is no type of event {printable(name)!r}. {meant}")
    return tuple(types)


def _state_lines(seen: Replayed) -> tuple[str, ...]:
    now = seen.state
    origin = (
        f"snapshot of version {seen.snapshot_version} and what follows"
        if seen.snapshot_version
        else "its first event on"
    )
    return (
        f"folded from: {origin}",
        f"watermark: {now.watermark_id or 'none'}",
        f"flags: {', '.join(name for name, value in seen.flags.items() if value) or 'none'}",
        f"counters: {', '.join(f'{name} {value:,}' for name, value in seen.counters.items())}",
        *(f"{name}: {value}" for name, value in seen.others.items() if value),
        f"outbox: {count_text(len(now.outbox), 'reply', 'replies')}",
        *(f"  {pending_line(entry)}" for entry in now.outbox),
        f"window: {count_text(len(now.window), 'turn')}",
        *(f"  {turn_line(turn, seen.bodies)}" for turn in now.window),
    )


def pending_line(entry: Pending) -> str:
    """Return an unfinished reply as a line."""
    if not entry.composed:
        progress = "not written yet"
    else:
        progress = f"{sum(map(bool, entry.sent_ids))} of {count_text(len(entry.sent_ids), 'part')} sent"
    tried = f", {count_text(entry.attempts, 'failed attempt')}" if entry.attempts else ""
    return f"{entry.message_id} asked by {entry.author_id} at {utc_time(entry.requested_at)}: {progress}{tried}"


async def since_point(context: CommandContext, channel_id: int, since: str | None) -> tuple[int | None, int | None]:
    """Return the first version, or else the first moment, that ``since`` includes."""
    if not since:
        return None, None
    point = parse_point(since, context.clock())
    if point.moment is not None:
        return None, point.moment
    return await version_of(context.reader, channel_id, since, context.clock()), None


def _cursor(cursor: str | None, head: int) -> int:
    if cursor is None:
        return head
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= len(str(head))):
        raise ModerationError("That page is none of this timeline: begin again without a cursor.")
    return int(cursor)


def _changed(before: Conversation, after: Conversation) -> Iterator[tuple[str, tuple[object, object]]]:
    """Yield each flag, counter and other field that differs, with both values."""
    for name in _COMPARED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            shown = SHOWN_AS.get(name, name)
            yield shown, (plain(old, is_id=shown in ID_FIELDS), plain(new, is_id=shown in ID_FIELDS))


def _outbox_changes(before: Conversation, after: Conversation) -> Iterator[str]:
    old, new = ({entry.message_id for entry in each.outbox} for each in (before, after))
    for message_id in sorted(new - old):
        yield f"outbox + reply to {message_id}"
    for message_id in sorted(old - new):
        yield f"outbox - reply to {message_id}"
