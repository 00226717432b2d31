"""``/page``: a link with which a moderator signs in to the page of conversations."""

from __future__ import annotations

from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext

OFF = "There is no page of conversations here: whoever runs this bot turns it on with [page] in the settings."
HERE = (
    "Use this in a server: the page shows what you see there. All of a log is shown by `echoless page` at its machine."
)


async def page(context: CommandContext, *, by: str, asked_in: int | None) -> Report:
    """Return a link for who asks, to what they may see in the server where they ask."""
    if context.invite is None:
        raise ModerationError(OFF)
    if asked_in is None:
        raise ModerationError(HERE)
    link = context.invite(int(by), asked_in)
    return Report(
        "The page of conversations, with what you may see in this server",
        (f"This link works once, within ten minutes: {link}",),
        {"link": link},
    )
