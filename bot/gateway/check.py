"""Examine Discord's side, before or beside a running bot, without a session and without changing anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import islice

import aiohttp
import discord
import yarl

from bot.errors import EcholessError
from bot.gateway.client import Client, Endpoint
from bot.gateway.connecting import allowance
from bot.gateway.http import ApiClient
from bot.gateway.invitation import Duties, invitation
from bot.gateway.origin import HINT, Intercepted
from bot.gateway.places import Place, Places
from bot.gateway.reasons import GATEWAY, complaint
from bot.gateway.requests import UNREADABLE

HELLO = 10
"""The opcode of the gateway's first message on a connection (docs: opcodes)."""

GUILDS = 100
"""The most servers that a check examines, so that it ends."""

SECONDS = 60.0
"""The most seconds that the examination may take."""


class Unreachable(EcholessError):
    """Discord can't be reached, or does not answer as Discord does."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The result without a token: ``skew`` is how many seconds our clock is ahead of Discord's (None: unknown)."""

    skew: float | None


@dataclass(frozen=True, slots=True)
class Access:
    """A channel that the settings name or allow, and the bot's missing permissions there.

    ``works`` is False if one of them is essential. Without the others, answers come in the channel and not in a thread.
    """

    channel_id: int
    name: str
    guild: str
    missing: tuple[str, ...]
    works: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What Discord says about the bot.

    ``sessions_left`` is the number of gateway sessions that may still begin today (None: unknown). ``listed`` is False
    when the list of the bot's servers could not be read, ``threads_listed`` when that of active threads could not.
    ``names`` holds the name of each channel that the bot can see, with its server. ``shards`` is the number of shards
    that Discord recommends (None: unknown).
    """

    name: str
    message_content: bool
    interactions_elsewhere: bool
    sessions_left: int | None
    listed: bool
    guilds: tuple[str, ...]
    channels: tuple[Access, ...]
    names: Mapping[int, str]
    invitation: str = ""
    threads_listed: bool = True
    shards: int | None = None


async def probe(endpoint: Endpoint) -> Probe:
    """Ask the API and the gateway for a first answer; raise Unreachable when one of them does not answer."""
    timeout = aiohttp.ClientTimeout(total=endpoint.request_timeout.total_seconds())
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            before = time.time()
            async with session.get(f"{endpoint.api_url}/gateway", allow_redirects=False) as response:
                skew = _skew(response.headers.get("Date"), before, time.time())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(complaint(endpoint.api_url, error)) from error
        try:
            async with session.ws_connect(yarl.URL(endpoint.gateway_url).with_query(v=10, encoding="json")) as gateway:
                hello = await gateway.receive_json()
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
            raise Unreachable(complaint(endpoint.gateway_url, error, GATEWAY)) from error
    if not isinstance(hello, dict) or hello.get("op") != HELLO:
        raise Unreachable(f"{endpoint.gateway_url} answers, but not as {GATEWAY} does.")
    return Probe(skew)


async def examine(endpoint: Endpoint, token: str, places: Places, known_guilds: Collection[int] = ()) -> Account | None:
    """Return what Discord says about the bot, None when it refuses the token; raise Unreachable without an answer.

    ``known_guilds`` are examined when the list of the bot's servers cannot be read.
    """
    Client.point_at(endpoint)
    client = ApiClient(endpoint.request_timeout, intents=discord.Intents(guilds=True))
    try:
        async with asyncio.timeout(SECONDS):
            await client.login(token)
            allowed = await allowance(client.http)
            ids = await _listed(client)
            guilds = await _guilds(client, known_guilds if ids is None else ids)
            held = [(guild, await guild.fetch_channels()) for guild in guilds]
            channels = [
                access
                for guild, there in held
                for access in await _accesses(client, guild, there, places, endpoint.duties)
            ]
            names = {each.id: shown(each.name, guild.name, each.id) for guild, there in held for each in there}
            left = allowed.remaining if allowed else None
            found = _account(client, left, guilds, channels, names, listed=ids is not None)
            return replace(
                found,
                invitation=invitation(client.application_id or 0, endpoint.duties),
                threads_listed=await _threads_listed(client, guilds),
                shards=allowed.shards if allowed else None,
            )
    except discord.LoginFailure:
        return None
    except Intercepted as error:
        raise Unreachable(f"{HINT} Asked for the bot's account, it said: status {error.status}.") from error
    except UNREADABLE as error:
        raise Unreachable(complaint(endpoint.api_url, error)) from error
    finally:
        await client.close()


def shown(channel: str, guild: str, channel_id: int) -> str:
    """Return a channel as people see it: its name and its server."""
    return f"#{channel} ({guild}, {channel_id})"


def _account(
    client: discord.Client,
    left: int | None,
    guilds: list[discord.Guild],
    channels: list[Access],
    names: Mapping[int, str],
    *,
    listed: bool,
) -> Account:
    application = client.application
    if application is None or client.user is None:
        raise LookupError("application")
    flags = application.flags
    return Account(
        name=client.user.name,
        message_content=flags.gateway_message_content or flags.gateway_message_content_limited,
        interactions_elsewhere=application.interactions_endpoint_url is not None,
        sessions_left=left,
        listed=listed,
        guilds=tuple(guild.name for guild in guilds),
        channels=tuple(channels),
        names=names,
    )


async def _listed(client: discord.Client) -> list[int] | None:
    """Return the bot's servers; None when their list cannot be read."""
    try:
        return [guild.id async for guild in client.fetch_guilds(limit=GUILDS, with_counts=False)]
    except discord.NotFound:
        return None


async def _threads_listed(client: discord.Client, guilds: list[discord.Guild]) -> bool:
    """Tell whether Discord lists active threads, judged by the first server."""
    try:
        for guild in guilds[:1]:
            await client.http.get_active_threads(guild.id)
    except (discord.Forbidden, discord.NotFound):
        return False
    return True


async def _guilds(client: discord.Client, ids: Iterable[int]) -> list[discord.Guild]:
    found = [await _guild(client, guild_id) for guild_id in islice(ids, GUILDS)]
    return [guild for guild in found if guild is not None]


async def _guild(client: discord.Client, guild_id: int) -> discord.Guild | None:
    try:
        return await client.fetch_guild(guild_id, with_counts=False)
    except (discord.Forbidden, discord.NotFound):
        return None


async def _accesses(
    client: discord.Client,
    guild: discord.Guild,
    channels: Iterable[discord.abc.GuildChannel],
    places: Places,
    duties: Duties,
) -> list[Access]:
    """Return the channels of a server that hold messages, are recorded, and are not hidden from the bot on purpose."""
    me = await guild.fetch_member(client.user.id if client.user else 0)
    found = []
    for channel in channels:
        place = Place(channel.id, channel.category_id, guild.id)
        if not isinstance(channel, discord.TextChannel | discord.VoiceChannel | discord.StageChannel):
            continue
        granted = channel.permissions_for(me)
        named = channel.id in places.record | places.answer
        if not places.records(place) or not (granted.view_channel or named):
            continue
        # Only a text channel has threads that start from a message.
        opens = duties.opens_threads and isinstance(channel, discord.TextChannel)
        here = Duties(places.answers(place), opens)
        missing = tuple(name for name, needed in here.needed if needed and not getattr(granted, name))
        works = here.essential.is_subset(granted)
        found.append(Access(channel.id, channel.name, guild.name, missing, works))
    return found


def _skew(header: str | None, before: float, after: float) -> float | None:
    """Return the seconds by which our clock is ahead of a Date header, which is cut to the second; None without one."""
    if header is None:
        return None
    try:
        sent = parsedate_to_datetime(header).replace(tzinfo=UTC)
    except ValueError:
        return None
    theirs = sent.timestamp()
    if before - 1 <= theirs <= after:
        return 0.0
    return (before + after) / 2 - (theirs + 0.5)
