"""Single messages, read from Discord for a question that refers to them; nothing of them is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Container

import structlog

from bot.core.events import Author
from bot.core.seen import told
from bot.gateway.current import CurrentClient
from bot.gateway.incoming import from_payload
from bot.responders.protocol import Utterance

SECONDS = 3.0
"""Seconds for a message. An answer without it is better than a late one."""

_log = structlog.get_logger()


class DiscordMessages:
    """Reads messages by the client that is connected now, except those of people in ``opted_out``."""

    def __init__(self, current: CurrentClient, opted_out: Container[int]) -> None:
        self._current = current
        self._opted_out = opted_out

    async def message(self, channel_id: int, message_id: int) -> Utterance | None:
        """Return a message, or None where it can't be read or its author opted out; never raises."""
        client = self._current.client
        if client is None:
            return None
        try:
            async with asyncio.timeout(SECONDS):
                data = await client.http.get_message(channel_id, message_id)
            guild_id = self._current.around(channel_id).guild_id
            found = from_payload(data, self._current.own_id, guild_id=guild_id, client=client)
        except Exception as error:  # noqa: BLE001 - whatever keeps a message away, the question is answered without it
            _log.debug("message.unread", channel=channel_id, message=message_id, reason=type(error).__name__)
            return None
        by_bot, names = found.author is Author.SELF, dict(found.names)
        text = "" if found.author_id in self._opted_out else told(found.body, by_bot=by_bot)
        if not text:
            return None
        return Utterance(message_id, found.name, text, by_bot, found.author_id, found.reply_to, names)
