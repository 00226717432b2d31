"""Giving a client's handlers the messages that are owed, as discord.py would have given them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import discord
import structlog

from bot.background import Background
from bot.backoff import backoff
from bot.gateway.deliveries import Deliveries
from bot.gateway.history import page_of
from bot.gateway.pacing import LONGEST_PAUSE
from bot.gateway.reasons import reason
from bot.gateway.requests import UNREADABLE, timed

_log = structlog.get_logger()


class Redelivering:
    """Reads owed messages from the history, channel by channel, and calls ``give`` with each, the oldest first."""

    def __init__(self, client: discord.Client, deliveries: Deliveries, give: Callable[[discord.Message], None]) -> None:
        self._client = client
        self._deliveries = deliveries
        self._give = give
        self._at_work: set[int] = set()
        self._background = Background()
        self._is_stopped = False
        deliveries.on_owed = self.begin

    def begin_all(self) -> None:
        """Begin with every channel of which messages are owed: the client is ready."""
        for channel_id in self._deliveries.channels:
            self.begin(channel_id)

    def begin(self, channel_id: int) -> None:
        """Begin with a channel, unless that is under way."""
        if channel_id not in self._at_work and not self._is_stopped:
            self._at_work.add(channel_id)
            self._background.start(self._serve(channel_id), f"owed {channel_id}")

    async def stop(self) -> None:
        """Stop; what is still owed is given after the next start."""
        self._is_stopped = True
        await self._background.cancel()

    async def _serve(self, channel_id: int) -> None:
        failures = 0
        try:
            while owed := self._deliveries.owed(channel_id):
                try:
                    await self._page(channel_id, owed)
                    failures = 0
                except (discord.Forbidden, discord.NotFound) as error:
                    _log.warning("redelivery.refused", channel=channel_id, messages=len(owed), code=error.code)
                    for message_id in owed:
                        self._deliveries.end(message_id)
                except UNREADABLE as error:
                    failures += 1
                    _log.warning("redelivery.failed", channel=channel_id, reason=reason(error), attempt=failures)
                    await asyncio.sleep(backoff(failures, LONGEST_PAUSE))
        finally:
            self._at_work.discard(channel_id)

    async def _page(self, channel_id: int, owed: list[int]) -> None:
        """Give the owed messages of one page of the history; what it leaves out is gone from Discord."""
        channel: Any = self._client.get_channel(channel_id)
        if channel is None:
            async with timed():
                channel = await self._client.fetch_channel(channel_id)
        page = await page_of(self._client, channel_id, owed[0] - 1)
        there = {int(data["id"]): data for data in page.messages}
        reach = max(there, default=owed[-1])
        for message_id in owed:
            if message_id in there:
                await self._given(channel, there[message_id])
            elif message_id <= reach:
                self._deliveries.end(message_id)

    async def _given(self, channel: Any, data: Any) -> None:  # noqa: ANN401 - any channel, Discord's JSON
        guild = getattr(channel, "guild", None)
        if guild is not None:
            # The history names no members; a message that comes live does.
            data = {**data, "guild_id": str(guild.id)} | await self._member(guild, data)
        state: Any = self._client._connection  # noqa: SLF001 - as discord.py makes its messages
        self._give(discord.Message(state=state, channel=channel, data=data))
        await asyncio.sleep(0)

    async def _member(self, guild: discord.Guild, data: Any) -> dict[str, Any]:  # noqa: ANN401 - Discord's JSON
        author_id = int(data["author"]["id"])
        if data.get("webhook_id") is not None or guild.get_member(author_id) is not None:
            return {}
        try:
            async with timed():
                return {"member": await self._client.http.get_member(guild.id, author_id)}
        except discord.NotFound:
            return {}
