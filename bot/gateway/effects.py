"""Declared effects in Discord: roles, reactions, threads. What cannot be told by an answer is looked for.

Adding and removing a role or a reaction can be repeated (docs/discord-facts.md, 1.5).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import discord
from discord.enums import ChannelType

from bot.core.effects import Absent, Declined, Found, Hidden, Made, Outcome
from bot.core.events import AbandonReason, EffectEnd
from bot.core.fate import NotYet, Refused, Unknown
from bot.effects.declared import AddReaction, AddRole, DeclaredEffect, RemoveRole, StartThread
from bot.effects.performer import Intention
from bot.gateway.current import CurrentClient
from bot.gateway.requests import timed
from bot.gateway.sender import bodiless, coded, sort
from bot.gateway.snowflakes import snowflake, snowflake_at
from bot.gateway.starting_threads import archived_after, start_thread
from bot.times import SECOND

HAS_THREAD = 160004
"""Discord's code for a message that has a thread already (docs: JSON error codes)."""
_PAGE = 100
"""The most archived threads in one page (docs: list public archived threads)."""


class DiscordEffects:
    """Makes effects by the client that is connected now."""

    survives = False

    def __init__(self, current: CurrentClient) -> None:
        self._current = current

    def lacks(self, effect: DeclaredEffect) -> str:
        """Return nothing: what the bot lacks, Discord says."""
        del effect
        return ""

    async def ready(self) -> None:
        """Wait until a client is connected."""
        await self._current.connected.wait()

    async def close(self) -> None:
        """Close nothing: the client is not ours."""

    async def perform(self, intention: Intention) -> Outcome:
        """Make an effect, and sort how that ended."""
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        try:
            async with timed():
                return await self._made(client, intention.effect)
        except discord.HTTPException as error:
            if error.code == HAS_THREAD and isinstance(intention.effect, StartThread):
                thread_id = intention.effect.message_id or 0
                return Made(thread_id, thread_id, found=True)
            return outcome_of(error)
        except Exception as error:  # noqa: BLE001 - whatever a request raises, the effect may be made
            return outcome_of(error)

    async def _made(self, client: discord.Client, effect: DeclaredEffect) -> Outcome:
        http = client.http
        match effect:
            case RemoveRole():
                await bodiless(http.remove_role(effect.guild_id, effect.user_id, effect.role_id))
            case AddRole():
                await bodiless(http.add_role(effect.guild_id, effect.user_id, effect.role_id))
            case AddReaction():
                await bodiless(http.add_reaction(effect.channel_id, effect.message_id, coded(effect.emoji)))
            case StartThread():
                thread_id = await _started(client, effect)
                return Made(thread_id, thread_id)
            case _:
                raise TypeError(type(effect).__name__)
        return Made()

    async def look(self, intention: Intention) -> Found:
        """Look whether an effect is made."""
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        try:
            match intention.effect:
                case AddRole() as effect:
                    return await _role(client, effect)
                case AddReaction() as effect:
                    return await _reaction(client, effect)
                case StartThread(message_id=int(message_id)):
                    return await _thread_under(client, message_id)
                case StartThread() as effect:
                    return await self._thread(client, effect, intention)
        except Exception as error:  # noqa: BLE001 - whatever a look raises, nothing is found by it
            found = outcome_of(error)
            return Hidden(found.detail) if isinstance(found, Declined) else found
        raise TypeError(type(intention.effect).__name__)

    async def _thread(self, client: discord.Client, effect: StartThread, intention: Intention) -> Found:
        """Look for a thread of this name that the bot started since, and that is no other effect's."""
        taken, after = await intention.taken(), snowflake_at(intention.since)
        async for thread in _threads_since(client, effect.channel_id, intention.since):
            thread_id = snowflake(thread["id"])
            ours = snowflake(thread["owner_id"]) == self._current.own_id and thread["name"] == effect.name
            if ours and thread_id > after and thread_id not in taken:
                return Made(thread_id, thread_id)
        return Absent()


async def _started(client: discord.Client, effect: StartThread) -> int:
    if effect.message_id is not None:
        return await start_thread(client, effect.channel_id, effect.message_id, effect.name)
    data = await client.http.start_thread_without_message(
        effect.channel_id,
        name=effect.name,
        auto_archive_duration=archived_after(client, effect.channel_id),
        type=ChannelType.public_thread.value,
    )
    return snowflake(data["id"])


async def _role(client: discord.Client, effect: AddRole) -> Found:
    """Look whether a member has a role, or has it no more."""
    member = await _asked(client.http.get_member(effect.guild_id, effect.user_id))
    has = effect.role_id in map(snowflake, member["roles"])
    return Absent() if has is isinstance(effect, RemoveRole) else Made()


async def _reaction(client: discord.Client, effect: AddReaction) -> Found:
    message = await _asked(client.http.get_message(effect.channel_id, effect.message_id))
    own = [each["emoji"] for each in message.get("reactions", ()) if each["me"]]
    names = {each["name"] if each["id"] is None else f"{each['name']}:{each['id']}" for each in own}
    return Made() if coded(effect.emoji) in names else Absent()


async def _thread_under(client: discord.Client, message_id: int) -> Found:
    """Look whether a message has a thread, which has its id."""
    try:
        data = await _asked(client.http.get_channel(message_id))
    except discord.NotFound:
        return Absent()
    return Made(message_id, message_id) if snowflake(data["id"]) == message_id else Absent()


async def _threads_since(client: discord.Client, channel_id: int, since: int) -> AsyncIterator[Any]:
    """Yield a channel's threads, first those that are not archived; of archived ones those from ``since`` on, and more.

    A thread that is not archived any more or never was has the moment of its beginning as ``archive_timestamp`` or a
    later one (docs: thread metadata object), and the pages come newest first.
    """
    channel = await _asked(client.http.get_channel(channel_id))
    active = await _asked(client.http.get_active_threads(snowflake(channel["guild_id"])))
    for thread in active["threads"]:
        if snowflake(thread["parent_id"]) == channel_id:
            yield thread
    before: Any = None
    while True:
        page = await _asked(client.http.get_public_archived_threads(channel_id, before, _PAGE))
        for thread in page["threads"]:
            yield thread
        if not (page["has_more"] and page["threads"]):
            return
        before = page["threads"][-1]["thread_metadata"]["archive_timestamp"]
        if discord.utils.parse_time(before).timestamp() * SECOND < since:
            return


async def _asked(asking: Awaitable[Any]) -> Any:  # noqa: ANN401 - Discord's JSON
    async with timed():
        return await asking


def outcome_of(error: Exception) -> Declined | NotYet | Unknown:
    """Return what an exception from a request says about the effect."""
    match sort(error):
        case Refused(AbandonReason.FORBIDDEN, detail):
            return Declined(EffectEnd.FORBIDDEN, detail)
        case Refused(_, detail):
            return Declined(EffectEnd.REFUSED, detail)
        case NotYet() | Unknown() as outcome:
            return outcome
    return Unknown(type(error).__name__)
