"""Rewind, undo, reset. Each appends an event; nothing is sent again and nothing is read again from Discord."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core.commands import Remembered, Reset, Rewind, Undo
from bot.core.conversation import Conversation
from bot.core.events import MessageDeleted, Recorded
from bot.core.place_settings import PLACE_SETTINGS
from bot.core.streams import stream_of
from bot.core.window import Turn, Window
from bot.eventlog.query import Query
from bot.eventlog.reader import Bodies, Reader
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.points import known_head, version_of
from bot.moderation.text import count_text, plain, turn_line, words_of

Turns = tuple[Turn, ...]
Ids = frozenset[int]
NONE: Ids = frozenset()


@dataclass(frozen=True, slots=True)
class _Change:
    """What a rewind to ``to_version`` changes in window, summary and the channel's ``settings``, which are named.

    ``gone`` are turns deleted since then.
    """

    to_version: int
    left: Turns
    back: Turns
    reworded: Turns
    gone: Turns
    bodies: Bodies | None
    settings: tuple[str, ...]
    summary: bool

    def __bool__(self) -> bool:
        return bool(self.left or self.back or self.reworded or self.settings or self.summary)

    def lines(self) -> tuple[str, ...]:
        """Return the turns that leave, come back, change their words, or stay away because they were deleted."""
        groups = (
            ("leaves the window", "leave the window", "-", self.left),
            ("comes back", "come back", "+", self.back),
            ("gets other words", "get other words", "~", self.reworded),
            ("was deleted since and stays away", "were deleted since and stay away", "x", self.gone),
        )
        rows: list[str] = []
        for one, many, mark, turns in groups:
            if turns:
                rows.append(f"{count_text(len(turns), 'turn')} {one if len(turns) == 1 else many}:")
                rows += [f"  {mark} {turn_line(turn, self.bodies)}" for turn in turns]
        rows += [f"The {name} becomes what it was." for name in self.settings]
        if self.summary:
            rows.append("The summary becomes what it was.")
        return tuple(rows) or ("The window stays as it is.",)

    def to_json(self, channel_id: int, version: int) -> dict[str, object]:
        """Return the change for machines."""
        return {
            "channel_id": str(channel_id),
            "version": version,
            "to": self.to_version,
            "changed": bool(self),
            "left": plain(self.left),
            "back": plain(self.back),
            "reworded": plain(self.reworded),
            "deleted": plain(self.gone),
            **{setting.name: setting.name in self.settings for setting in PLACE_SETTINGS},
            "summary": self.summary,
        }

    def report(self, title: str, channel_id: int, version: int, *hints: str) -> Report:
        """Return the change as a report; one without any change says so."""
        if not self:
            return Report(
                f"Nothing to change: channel {channel_id} knows just that already",
                self.lines() if self.gone else (),
                self.to_json(channel_id, version),
            )
        return Report(title, (*self.lines(), *hints), self.to_json(channel_id, version))


async def preview(context: CommandContext, channel_id: int, to: str) -> Report:
    """List what a rewind would change, and change nothing."""
    version, now = await _ends(context, channel_id, to)
    old = await _state_at(context, channel_id, version)
    deleted = await _deleted(context.reader, channel_id, after=version)
    then = replace(old, window=Window(_without(old.window, deleted)))
    change = await _compared(context, version, now, then, _only(old.window, deleted))
    title = f"Rewinding channel {channel_id} from version {now.version} to version {version} would change its window so"
    return change.report(title, channel_id, now.version)


async def rewind(context: CommandContext, channel_id: int, to: str, *, by: str) -> Report:
    """Bring back the window of a point in time, without the messages that were deleted since."""
    version, now = await _ends(context, channel_id, to)
    old = await _state_at(context, channel_id, version)
    new = await _record(context, channel_id, version, lambda deleted: Rewind(by, version, _remembered(old, deleted)))
    gone = _only(old.window, await _deleted(context.reader, channel_id, after=version))
    change, since_version = await _changed_by(context, channel_id, version, now, new, gone)
    return change.report(
        f"Channel {channel_id} is rewound to version {version}",
        channel_id,
        since_version,
        "Nothing is sent again; undo takes it back.",
    )


async def undo(context: CommandContext, channel_id: int, *, by: str) -> Report:
    """Take back the newest rewind or reset that was not taken back yet; messages since then stay."""
    now = await context.owned().conversations.state(channel_id)
    undone_version = now.rewound_version
    if not undone_version:
        raise ModerationError(f"Channel {channel_id} has no rewind or reset to take back.")
    before, after = [await _state_at(context, channel_id, version) for version in (undone_version - 1, undone_version)]
    new = await _record(
        context,
        channel_id,
        before.version,
        lambda deleted: Undo(
            by, undone_version, _remembered(before, deleted), _remembered(after), before.rewound_version
        ),
    )
    if not new:
        raise ModerationError(f"Channel {channel_id} has moved on, and there is nothing to take back any more.")
    change, since_version = await _changed_by(context, channel_id, before.version, now, new)
    further = (f"Undo takes back the one at version {before.rewound_version} next.",) if before.rewound_version else ()
    return Report(
        f"Undone in channel {channel_id}: the rewind or reset at version {undone_version}",
        (*change.lines(), *further),
        change.to_json(channel_id, since_version) | {"next_undo": before.rewound_version},
    )


async def preview_reset(context: CommandContext, channel_id: int) -> Report:
    """List what a reset would change, and change nothing."""
    await known_head(context.reader, channel_id)
    now = await context.state(channel_id)
    change = await _compared(context, 0, now, replace(now, window=Window(), summary_position=0))
    return change.report(f"Resetting channel {channel_id} would change its window so", channel_id, now.version)


async def reset(context: CommandContext, channel_id: int, *, by: str) -> Report:
    """Empty the window and drop the summary."""
    await known_head(context.reader, channel_id)
    conversations = context.owned().conversations
    now = await conversations.state(channel_id)
    new = await conversations.handle(channel_id, Reset(by))
    change, since_version = await _changed_by(context, channel_id, 0, now, new)
    return change.report(
        f"The window of channel {channel_id} is empty", channel_id, since_version, "Undo brings it back."
    )


async def _ends(context: CommandContext, channel_id: int, to: str) -> tuple[int, Conversation]:
    """Return the version to go back to, and the current state."""
    version = await version_of(context.reader, channel_id, to, context.clock())
    now = await context.state(channel_id)
    if version >= now.version:
        raise ModerationError(f"Channel {channel_id} is at version {now.version}: nothing came after it.")
    return version, now


async def _state_at(context: CommandContext, channel_id: int, version: int) -> Conversation:
    return (await context.reader.load(stream_of(channel_id), upto=version)).state


async def _changed_by(
    context: CommandContext,
    channel_id: int,
    to_version: int,
    now: Conversation,
    new: Sequence[Recorded],
    gone: Turns = (),
) -> tuple[_Change, int]:
    """Return the change that ``new`` events made and the version after it; without events, an empty change."""
    if not new:
        return await _compared(context, to_version, now, now, gone), now.version
    before, after = [await _state_at(context, channel_id, version) for version in (new[0].version - 1, new[-1].version)]
    return await _compared(context, to_version, before, after, gone), after.version


async def _compared(
    context: CommandContext, to_version: int, before: Conversation, after: Conversation, gone: Turns = ()
) -> _Change:
    old, new = ({turn.message_id: turn for turn in each.window} for each in (before, after))
    left = tuple(turn for turn in before.window if turn.message_id not in new)
    back = tuple(turn for turn in after.window if turn.message_id not in old)
    reworded = tuple(turn for turn in after.window if turn.message_id in old and turn != old[turn.message_id])
    bodies = await words_of(context.reader, (*left, *back, *reworded))
    settings = tuple(each.name for each in PLACE_SETTINGS if each.position(before) != each.position(after))
    summary = before.summary_position != after.summary_position
    return _Change(to_version, left, back, reworded, gone, bodies, settings, summary=summary)


async def _record(
    context: CommandContext, channel_id: int, version: int, command: Callable[[Ids], Rewind | Undo]
) -> tuple[Recorded, ...]:
    """Record a rewind or an undo, without the messages that were deleted between ``version`` and the rewind itself.

    A deletion may be recorded after the log was read and before the rewind: then the window is recorded once more,
    without that message.
    """
    conversations = context.owned().conversations
    deleted = await _deleted(context.reader, channel_id, after=version)
    asked = command(deleted)
    new = await conversations.handle(channel_id, asked)
    if not new:
        return ()
    late = await _deleted(context.reader, channel_id, after=version, upto=new[-1].version) - deleted
    state = await conversations.state(channel_id)
    if not _only(state.window, late):
        return new
    again = Rewind(asked.by, version, _remembered(state, late), next_undo_version=state.rewound_version)
    return (*new, *await conversations.handle(channel_id, again))


def _remembered(state: Conversation, deleted: Ids = NONE) -> Remembered:
    window = _without(state.window, deleted)
    return Remembered(
        window, state.persona_position, state.summary_position, state.summary_upto_id, state.model_position
    )


def _without(window: Iterable[Turn], deleted: Ids) -> Turns:
    return tuple(turn for turn in window if turn.message_id not in deleted)


def _only(window: Iterable[Turn], deleted: Ids) -> Turns:
    return tuple(turn for turn in window if turn.message_id in deleted)


async def _deleted(reader: Reader, channel_id: int, *, after: int, upto: int | None = None) -> Ids:
    """Return the messages of a channel that were deleted after one version and up to another."""
    query = Query(
        stream=stream_of(channel_id), types=(MessageDeleted.TYPE,), first_version=after + 1, last_version=upto
    )
    events = [recorded.event async for recorded in reader.events(query)]
    return frozenset(event.message_id for event in events if isinstance(event, MessageDeleted))
