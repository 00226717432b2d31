"""The checks that ask Discord: token, gateway, intents, permissions, clock."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.app import from_settings
from bot.cli.check_result import Result, failed, fine, warned
from bot.cli.output import count_text
from bot.config import Config
from bot.errors import TokenError
from bot.gateway.check import Access, Account, Unreachable, examine, probe, shown
from bot.gateway.reasons import SILENT_THREADS

FEW_SESSIONS = 100
"""Fewer sessions than this are worth a warning. A day has 1000; after the last Discord resets the token."""

SKEW_SECONDS, WRONG_SECONDS = 5, 300
CHANNELS_NAMED = 10
"""The most channels that are named; the others are only counted."""

PORTAL = "https://discord.com/developers/applications"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The results from Discord; when one is None, ``reason`` says why."""

    token: Result
    skew: float | None = None
    account: Account | None = None
    unreachable: str = ""
    reason: str = ""


async def check_discord(config: Config, known_guilds: Collection[int]) -> tuple[list[Result], Mapping[int, str]]:
    """Check Discord's side; ``known_guilds`` are the servers that the log knows.

    Returns the results, and the names of channels by id.
    """
    seen = await _look(config, known_guilds)
    results = [
        seen.token,
        _gateway(seen),
        *_shards(config, seen),
        _intents(config, seen),
        _permissions(seen),
        _clock(seen),
    ]
    return results, seen.account.names if seen.account else {}


def unchecked_discord(config: Config, reason: str) -> list[Result]:
    """Return the results for Discord's side when Discord can't be asked."""
    names = ("gateway", "intents", "permissions", "clock")
    return [_token_unasked(config, reason), *(warned(name, f"not checked: {reason}") for name in names)]


async def _look(config: Config, known_guilds: Collection[int]) -> _Seen:
    endpoint = from_settings.endpoint(config)
    try:
        skew = (await probe(endpoint)).skew
    except Unreachable as error:
        reason = "Discord can't be reached"
        return _Seen(_token_unasked(config, reason), unreachable=str(error), reason=reason)
    try:
        token = config.token(os.environ).get_secret_value()
    except TokenError as error:
        return _Seen(failed("token", str(error)), skew, reason="there is no token")
    try:
        account = await examine(endpoint, token, from_settings.places(config), known_guilds)
    except Unreachable as error:
        reason = "Discord does not answer"
        return _Seen(warned("token", f"not checked: {error}"), skew, unreachable=str(error), reason=reason)
    if account is None:
        todo = f"Copy it again from {PORTAL} (your application, Bot, Reset Token)."
        return _Seen(failed("token", "Discord refuses it.", todo), skew, reason="Discord refuses the token")
    return _Seen(fine("token", f"belongs to {account.name}"), skew, account)


def _token_unasked(config: Config, reason: str) -> Result:
    try:
        config.token(os.environ)
    except TokenError as error:
        return failed("token", str(error))
    return warned("token", f"there is one; not checked: {reason}")


def _gateway(seen: _Seen) -> Result:
    if seen.unreachable:
        todo = "Check the network and a proxy between, discord.api_url and gateway_url, and https://discordstatus.com."
        return failed("gateway", seen.unreachable, todo)
    if seen.account is None:
        return fine("gateway", "answers")
    left = seen.account.sessions_left
    told = "it is not told how many sessions" if left is None else count_text(left, "session")
    sessions = f"answers; {told} may begin today"
    if left is not None and left < FEW_SESSIONS:
        todo = "Find out why the bot starts so often: when none is left, Discord resets the token."
        return warned("gateway", sessions, todo) if left else failed("gateway", sessions, todo)
    if seen.account.interactions_elsewhere:
        todo = f"Remove the Interactions Endpoint URL at {PORTAL} (your application, General Information)."
        return warned("gateway", "answers, but slash commands go to another address", todo)
    return fine("gateway", sessions)


def _shards(config: Config, seen: _Seen) -> list[Result]:
    """Say whether the settings have as many shards as Discord recommends; nothing where one is enough for both."""
    wanted, total = seen.account.shards if seen.account else None, config.shards.total
    if wanted is None or wanted <= 1 == total:
        return []
    if total >= wanted:
        return [fine("shards", f"Discord recommends {wanted}, and shards.total is {total}")]
    found = f"Discord recommends {wanted} shards, and shards.total is {total}: it refuses a shard with 2,500 servers."
    if wanted <= config.shards.partitions:
        return [warned("shards", found, "Set shards.total to a power of two that is as large, and start all anew.")]
    return [warned("shards", found, "The log has too few partitions for that: see docs/many-hosts.md.")]


def _intents(config: Config, seen: _Seen) -> Result:
    if seen.account is None:
        return warned("intents", f"not checked: {seen.reason}")
    if config.discord.message_content and not seen.account.message_content:
        todo = (
            f"Switch it on at {PORTAL} (your application, Bot, Privileged Gateway Intents), "
            "or set discord.message_content = false."
        )
        return failed("intents", "The message content intent is off, and the bot will not start without it.", todo)
    if not config.discord.message_content and "rule" in config.replies.answer:
        todo = 'Set discord.message_content = true, or leave "rule" out of replies.answer.'
        found = "Without message content, rules apply only where the bot is mentioned, replied to or written to."
        return warned("intents", found, todo)
    deaf = [name for name in ("names", "answer_all", "threads") if getattr(config.replies, name)]
    if not config.discord.message_content and deaf:
        todo = f"Set discord.message_content = true, or leave out {', '.join(f'replies.{name}' for name in deaf)}."
        return warned("intents", "Without message content, the bot sees no words where it is not mentioned.", todo)
    return fine("intents", f"message content is {'on' if config.discord.message_content else 'not asked for'}")


def _permissions(seen: _Seen) -> Result:
    account = seen.account
    if account is None:
        return warned("permissions", f"not checked: {seen.reason}")
    if not account.guilds and not account.listed:
        return warned("permissions", "not checked: the list of the bot's servers is not to be had")
    if not account.guilds:
        return warned("permissions", "The bot is on no server.", f"Invite it: {account.invitation}")
    lacking = [access for access in account.channels if access.missing]
    where = f"{count_text(len(account.channels), 'channel')} on {count_text(len(account.guilds), 'server')}"
    if not lacking and not account.threads_listed:
        return warned("permissions", f"{where}; active threads are not listed", f"{SILENT_THREADS.capitalize()}.")
    if not lacking:
        return fine("permissions", where)
    found = "; ".join(_missing(access) for access in lacking[:CHANNELS_NAMED])
    if len(lacking) > CHANNELS_NAMED:
        found += f"; and {count_text(len(lacking) - CHANNELS_NAMED, 'more channel')}"
    todo = "Give the bot's role these permissions there, or name the channels in channels.ignore or no_answer."
    if not any(access.works for access in account.channels):
        return failed("permissions", f"The bot can't work in any channel: {found}", todo)
    return warned("permissions", f"{len(lacking)} of {where}: {found}", todo)


def _missing(access: Access) -> str:
    missing = ", ".join(name.replace("_", " ") for name in access.missing)
    return f"{shown(access.name, access.guild, access.channel_id)} lacks {missing}"


def _clock(seen: _Seen) -> Result:
    if seen.skew is None:
        return warned("clock", f"not checked: {seen.reason or 'Discord does not say what time it is'}")
    off = abs(seen.skew)
    if off <= SKEW_SECONDS:
        return fine("clock", "agrees with Discord's")
    found = f"is {off:,.0f} s {'ahead of' if seen.skew > 0 else 'behind'} Discord's"
    todo = "Set it by the network (timedatectl set-ntp true): ages of messages and of replies are counted by it."
    return failed("clock", found, todo) if off > WRONG_SECONDS else warned("clock", found, todo)
