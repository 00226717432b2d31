"""Take a conversation back: rewind, undo, reset. Each is one more event; nothing is sent again and nothing re-read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.conversations import stream_of
from bot.core.commands import Reset, Rewind, Undo
from bot.core.conversation import Conversation, Turn
from bot.core.events import Body, ConversationRewound, MessageDeleted, Recorded
from bot.eventlog.reader import Query, Reader
from bot.moderation.desk import Desk
from bot.moderation.points import version_of
from bot.moderation.report import ModerationError, Report
from bot.moderation.see import turn_line, words_of
from bot.moderation.text import count_text, plain

Turns = tuple[Turn, ...]
Change = Callable[[Turns, Conversation], Rewind | Undo]
"""Makes a command of a window and of the state in which it was so."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What a rewind to version ``to`` makes of the window."""

    to: int
    left: Turns
    back: Turns
    gone: Turns
    bodies: Mapping[int, Body] | None
    persona: bool = False

    def lines(self) -> tuple[str, ...]:
        """Return each turn that leaves, comes back, or stays away since it was deleted."""
        groups = (
            ("leaves the window", "leave the window", "-", self.left),
            ("comes back", "come back", "+", self.back),
            ("was deleted since and stays away", "were deleted since and stay away", "x", self.gone),
        )
        rows: list[str] = []
        for one, many, mark, turns in groups:
            if turns:
                rows.append(f"{count_text(len(turns), 'turn')} {one if len(turns) == 1 else many}:")
                rows += [f"  {mark} {turn_line(turn, self.bodies)}" for turn in turns]
        if self.persona:
            rows.append("The persona becomes what it was.")
        return tuple(rows) or ("The window stays as it is.",)

    def to_json(self, channel_id: int, version: int) -> dict[str, object]:
        """Return the same for machines."""
        return {
            "channel_id": str(channel_id),
            "version": version,
            "to": self.to,
            "left": plain(self.left),
            "back": plain(self.back),
            "deleted": plain(self.gone),
            "persona": self.persona,
        }


async def preview(desk: Desk, channel_id: int, to: str) -> Report:
    """List what a rewind would change, and change nothing."""
    version, now = await _ends(desk, channel_id, to)
    change = await _change(desk, channel_id, now, version)
    return Report(
        f"Rewinding channel {channel_id} from version {now.version} to version {version} would change its window so",
        change.lines(),
        change.to_json(channel_id, now.version),
    )


async def rewind(desk: Desk, channel_id: int, to: str, *, by: str) -> Report:
    """Bring the window back to what it was at a point in time, without what was deleted since."""
    version, now = await _ends(desk, channel_id, to)
    change = await _change(desk, channel_id, now, version)
    recorded = await _record(
        desk,
        channel_id,
        version,
        lambda window, old: Rewind(by, version, window, old.persona_at, old.summary_at, old.summary_upto),
    )
    return Report(
        f"Channel {channel_id} is rewound to version {version}",
        (*change.lines(), "Nothing is sent again; undo takes it back."),
        change.to_json(channel_id, recorded.version),
    )


async def undo(desk: Desk, channel_id: int, *, by: str) -> Report:
    """Take the newest rewind or reset back; what was said since stays."""
    now = await desk.owned().conversations.state(channel_id)
    if not now.rewound_at:
        raise ModerationError(f"Channel {channel_id} has no rewind or reset to take back.")
    recorded = await _record(
        desk,
        channel_id,
        now.rewound_at - 1,
        lambda window, old: Undo(by, window, old.persona_at, old.summary_at, old.summary_upto),
    )
    after = (await desk.reader.load(stream_of(channel_id), upto=recorded.version)).state
    known = {turn.message_id for turn in now.window}
    back = tuple(turn for turn in after.window if turn.message_id not in known)
    persona = after.persona_at != now.persona_at
    change = _Change(now.rewound_at - 1, (), back, (), await words_of(desk, back), persona)
    return Report(
        f"Undone in channel {channel_id}: the rewind or reset at version {now.rewound_at}",
        change.lines(),
        change.to_json(channel_id, recorded.version),
    )


async def reset(desk: Desk, channel_id: int, *, by: str) -> Report:
    """Empty the window."""
    conversations = desk.owned().conversations
    now = await conversations.state(channel_id)
    new = await conversations.handle(channel_id, Reset(by))
    if not new:
        raise ModerationError(f"The window of channel {channel_id} is empty already.")
    gone = tuple(now.window)
    change = _Change(0, gone, (), (), await words_of(desk, gone))
    return Report(
        f"The window of channel {channel_id} is empty",
        (*change.lines(), "Undo brings it back."),
        change.to_json(channel_id, new[-1].version),
    )


async def _ends(desk: Desk, channel_id: int, to: str) -> tuple[int, Conversation]:
    """Return the version to go back to, and the state now."""
    version = await version_of(desk.reader, channel_id, to, desk.clock())
    now = await desk.state(channel_id)
    if version >= now.version:
        raise ModerationError(f"Channel {channel_id} is at version {now.version}: nothing came after it.")
    return version, now


async def _change(desk: Desk, channel_id: int, now: Conversation, to: int) -> _Change:
    old = (await desk.reader.load(stream_of(channel_id), upto=to)).state
    then, persona = old.window, old.persona_at != now.persona_at
    deleted = await _deleted(desk.reader, channel_id, after=to)
    window = _without(then, deleted)
    ids, present = ({turn.message_id for turn in turns} for turns in (window, now.window))
    left = tuple(turn for turn in now.window if turn.message_id not in ids)
    back = tuple(turn for turn in window if turn.message_id not in present)
    gone = tuple(turn for turn in then if turn.message_id in deleted)
    return _Change(to, left, back, gone, await words_of(desk, (*left, *back)), persona)


async def _record(desk: Desk, channel_id: int, to: int, command: Change) -> Recorded:
    """Record a rewind whose window is that of version ``to`` without what was deleted up to the rewind itself.

    A deletion may be recorded between the look at the log and the rewind: then the window goes once more, without it.
    """
    conversations, stream = desk.owned().conversations, stream_of(channel_id)
    old = (await desk.reader.load(stream, upto=to)).state
    then = old.window
    deleted = await _deleted(desk.reader, channel_id, after=to)
    new = await conversations.handle(channel_id, command(_without(then, deleted), old))
    if not new or not isinstance(new[0].event, ConversationRewound):
        raise ModerationError(f"Channel {channel_id} has moved on, and there is nothing to take back any more.")
    late = await _deleted(desk.reader, channel_id, after=to, upto=new[-1].version) - deleted
    if any(turn.message_id in late for turn in then):
        state = await conversations.state(channel_id)
        window, by = _without(state.window, late), new[0].event.by
        again = Rewind(by, to, window, old.persona_at, state.summary_at, state.summary_upto)
        new = await conversations.handle(channel_id, again)
    return new[-1]


def _without(window: Iterable[Turn], deleted: frozenset[int]) -> Turns:
    return tuple(turn for turn in window if turn.message_id not in deleted)


async def _deleted(reader: Reader, channel_id: int, *, after: int, upto: int | None = None) -> frozenset[int]:
    """Return the messages of a channel that were deleted after one version and up to another."""
    query = Query(stream=stream_of(channel_id), types=(MessageDeleted.TYPE,), first=after + 1, last=upto)
    events = [recorded.event async for recorded in reader.events(query)]
    return frozenset(event.message_id for event in events if isinstance(event, MessageDeleted))
