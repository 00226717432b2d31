"""Sending through discord.py, with every ending sorted: sent, refused, not yet, unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
import structlog

from bot.core.delivery import Sighting
from bot.core.events import AbandonReason
from bot.gateway.places import may_read_history
from bot.gateway.requests import UNREADABLE, ServerFault, timed
from bot.replies.sender import Look, LookFailed, NotYet, Outcome, Refused, Sent, Unknown

LOOK_PAGES = 100
PAGE = 100

_log = structlog.get_logger()


class DiscordSender:
    """Sends by whichever client is connected now."""

    def __init__(self, client: Callable[[], discord.Client | None], connected: asyncio.Event) -> None:
        self._client = client
        self._connected = connected

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account; 0 before the first connection."""
        client = self._client()
        return client.user.id if client and client.user else 0

    async def ready(self) -> None:
        """Wait until a client is connected."""
        await self._connected.wait()

    async def send(self, channel_id: int, text: str, *, nonce: str, reply_to: int) -> Outcome:
        """Send one part and sort how it ended."""
        client = self._client()
        if client is None:
            return NotYet("not connected")
        reference = discord.MessageReference(message_id=reply_to, channel_id=channel_id, fail_if_not_exists=False)
        try:
            async with timed():
                message = await client.get_partial_messageable(channel_id).send(
                    text, nonce=nonce, reference=reference, allowed_mentions=discord.AllowedMentions.none()
                )
        except Exception as error:  # noqa: BLE001 - whatever a send raises, the part may be in Discord
            return sort(error)
        return Sent(message.id, message.content)

    async def edit(self, channel_id: int, message_id: int, text: str) -> Outcome:
        """Let a message of the bot say something else."""
        client = self._client()
        if client is None:
            return NotYet("not connected")
        message = client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with timed():
                await message.edit(content=text, allowed_mentions=discord.AllowedMentions.none())
        except Exception as error:  # noqa: BLE001 - whatever it raises, the edit may have been made, and may be again
            return sort(error)
        return Sent(message_id, text)

    async def remove(self, channel_id: int, message_id: int) -> Outcome:
        """Delete a message of the bot, which may be gone already."""
        client = self._client()
        if client is None:
            return NotYet("not connected")
        try:
            async with timed():
                await client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()
        except discord.NotFound:
            return Sent(message_id, "")
        except Exception as error:  # noqa: BLE001 - whatever it raises, it may be gone, and may be deleted again
            return sort(error)
        return Sent(message_id, "")

    async def typing(self, channel_id: int) -> None:
        """Show for ten seconds that the bot is writing."""
        await self._hint("typing", channel_id, lambda client: client.http.send_typing(channel_id))

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Put a reaction to a message."""
        await self._hint(
            "reaction", channel_id, lambda client: client.http.add_reaction(channel_id, message_id, _coded(emoji))
        )

    async def unreact(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Take the bot's reaction to a message off."""
        await self._hint(
            "reaction",
            channel_id,
            lambda client: client.http.remove_own_reaction(channel_id, message_id, _coded(emoji)),
        )

    async def say(self, channel_id: int, text: str, *, nonce: str) -> None:
        """Post a message that answers none."""

        async def post(client: discord.Client) -> None:
            channel = client.get_partial_messageable(channel_id)
            await channel.send(text, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())

        await self._hint("notice", channel_id, post)

    async def _hint(self, what: str, channel_id: int, show: Callable[[discord.Client], Awaitable[object]]) -> None:
        """Show something that nobody misses where it can't be shown."""
        client = self._client()
        if client is None:
            return
        try:
            async with timed():
                await show(client)
        except Exception as error:  # noqa: BLE001 - a hint that nobody misses
            _log.debug(f"{what}.failed", channel=channel_id, error=type(error).__name__)

    async def look(self, channel_id: int, since: int) -> Look:
        """Return the bot's own messages from message ``since`` on, oldest first."""
        client = self._client()
        if client is None:
            raise LookFailed("not connected")
        try:
            messages, complete = await self._history(client, channel_id, since - 1)
            sightings = tuple(_sighting(message) for message in messages if int(message["author"]["id"]) == self.own_id)
            present = frozenset(int(message["id"]) for message in messages)
        except (discord.Forbidden, discord.NotFound):
            return Look((), readable=False)
        except UNREADABLE as error:
            raise LookFailed(f"history: {type(error).__name__}") from error
        return Look(sightings, present, readable=complete and (bool(messages) or may_read_history(client, channel_id)))

    async def _history(self, client: discord.Client, channel_id: int, after: int) -> tuple[list[Any], bool]:
        """Return the messages after ``after``, oldest first, and whether these are all."""
        messages: list[Any] = []
        for _ in range(LOOK_PAGES):
            async with timed():
                page = await client.http.logs_from(channel_id, PAGE, after=after)
            messages += sorted(page, key=lambda message: int(message["id"]))
            if len(page) < PAGE:
                return messages, True
            after = int(messages[-1]["id"])
        return messages, False


def sort(error: Exception) -> Outcome:  # noqa: PLR0911 - one row of the table per case
    """Return what an exception out of a send says about the part (FACTS: "server commits, then fails")."""
    match error:
        case discord.NotFound(code=10008):
            return Refused(AbandonReason.GONE_AFTER_SEND, "unknown message")
        case discord.NotFound(code=10003):
            return Refused(AbandonReason.CHANNEL_DELETED, "unknown channel")
        case discord.Forbidden():
            return Refused(AbandonReason.FORBIDDEN, f"code {error.code}")
        case discord.RateLimited():
            return NotYet("rate limit", error.retry_after)
        case discord.HTTPException(status=429):
            return NotYet("rate limit", _retry_after(error))
        case discord.HTTPException(status=401):
            return NotYet("unauthorized")
        case discord.HTTPException(status=408):
            return Unknown("status 408")
        case discord.HTTPException() if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Refused(AbandonReason.REFUSED, f"status {error.status}, code {error.code}")
        case discord.HTTPException() | ServerFault():
            return Unknown(f"status {error.status}")
        case aiohttp.ClientConnectorError():
            return NotYet("no connection")
        case _:
            return Unknown(type(error).__name__)


def _coded(emoji: str) -> str:
    """Return an emoji as a request for a reaction names it."""
    return ":".join(emoji.strip("<>").split(":")[-2:])


def _retry_after(error: discord.HTTPException) -> float | None:
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def _sighting(message: Any) -> Sighting:  # noqa: ANN401 - Discord's JSON
    reference = message.get("message_reference") or {}
    reply_to = reference.get("message_id")
    return Sighting(int(message["id"]), int(reply_to) if reply_to else None, message.get("content") or "")
