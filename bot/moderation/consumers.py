"""What follows the log in the running bot, for the command line: files alone do not tell what became of it."""

from __future__ import annotations

from dataclasses import asdict

from bot.moderation.command import Report
from bot.moderation.context import CommandContext
from bot.moderation.text import count_text


async def consumers(context: CommandContext) -> Report:
    """List the consumers that run here."""
    found = context.following()
    return Report(count_text(len(found), "consumer"), (), [asdict(each) for each in found])
