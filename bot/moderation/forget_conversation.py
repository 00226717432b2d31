"""A reset that people may do themselves, where a setting says so: of their direct messages, or of a channel.

It is recorded as a reset, so moderators see it and can take it back. Its reports tell how much there is and no words:
whoever may use it may not be allowed to read the channel's history.
"""

from __future__ import annotations

from bot.moderation import rewind
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.text import count_text

STAYS = "Messages in Discord stay as they are, and so does what I have on record."


async def preview(context: CommandContext, channel_id: int) -> Report:
    """Tell how much would be forgotten, and change nothing."""
    data = (await rewind.preview_reset(context, channel_id)).data
    return _told(data, "I would forget", "left", STAYS)


async def forget(context: CommandContext, channel_id: int, *, by: str) -> Report:
    """Empty the window and drop the summary."""
    data = (await rewind.reset(context, channel_id, by=by)).data
    return _told(data, "I have forgotten", "left", "From now on I answer as if nothing had been said here before.")


async def undo(context: CommandContext, channel_id: int, of: int, *, by: str) -> Report:
    """Bring back what was forgotten at version ``of``, if nobody rewound or reset the conversation since."""
    if (await context.state(channel_id)).rewound_version != of:
        raise ModerationError("This conversation was reset or rewound since, or taken back: it stays as it is.")
    data = (await rewind.undo(context, channel_id, by=by)).data
    return _told(data, "I remember again", "back")


def _told(data: dict[str, object], done: str, turns: str, *hints: str) -> Report:
    """Return a change of the window by its numbers; ``turns`` is the name of what is counted."""
    listed = data[turns]
    count = len(listed) if isinstance(listed, list) else 0
    numbers = {"changed": data["changed"], "version": data["version"], "turns": count, "summary": data["summary"]}
    if not data["changed"]:
        return Report("I remember nothing of this conversation.", (), numbers)
    summary = " and the summary of what was said before" if data["summary"] else ""
    return Report(f"{done} {count_text(count, 'turn')} of this conversation{summary}.", hints, numbers)
