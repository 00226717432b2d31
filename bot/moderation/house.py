"""What moderators of a server set and see beside its conversations: personas, and what answers took."""

from __future__ import annotations

from collections.abc import Mapping

from bot.moderation import persona, usage
from bot.moderation.desk import Desk
from bot.moderation.persona import Scope
from bot.moderation.report import Report


class House:
    """The commands that are no part of ``/replay``; each answers with a Report or raises ModerationError."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def persona(self, scope: Scope) -> Report:
        """Show who the bot is in a channel or a server."""
        return await persona.show(self._desk, scope)

    async def set_persona(self, scope: Scope, text: str, *, by: str) -> Report:
        """Say who the bot is from its next answer on."""
        return await persona.set_(self._desk, scope, text, by=by)

    async def clear_persona(self, scope: Scope, *, by: str) -> Report:
        """Take a persona away."""
        return await persona.clear(self._desk, scope, by=by)

    async def usage(self, channels: Mapping[int, str] | None = None, since: str | None = None) -> Report:
        """Show what answers took in some channels, by id with their names ("": not known), or in all."""
        return await usage.usage(self._desk, channels, since)
