"""A bot's life: from settings to open logs, connected shards, and closed logs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog

from bot.app import from_settings
from bot.app.life import alive
from bot.app.opening import Opening
from bot.app.process import Process
from bot.app.responders import answered, responders_of, why_silent, why_unasked
from bot.config import Config
from bot.eventlog.location import Location
from bot.gateway.supervisor import checked_token

_log = structlog.get_logger()


async def run_bot(
    config: Config,
    token: str,
    location: Location,
    stopping: asyncio.Event,
    *,
    accept_unknown: bool = False,
    take_over: bool = False,
    standby: bool = False,
) -> None:
    """Run the bot's shards until ``stopping`` is set, or until an error that needs a person.

    ``accept_unknown`` goes on where a newer release wrote to the log what this one does not know; ``take_over`` takes a
    log in an engine from a process that runs, a ``standby`` follows that until it ends. Raises TokenError, IntentError,
    LogError and ConfigError. Settings and token are checked before anything is made.
    """
    answering = responders_of(config)
    shards = config.shards
    owned = {number: shards.sharding.owned_by(number) for number in shards.here}
    locations = {each: location.of(each, shards.partitions) for each in sorted(sum(owned.values(), ()))}
    opening = Opening(config, locations, stopping, accept_unknown=accept_unknown, take_over=take_over, standby=standby)
    process = Process(config, token, answering, locations, standings=opening.standings)
    _say_what_is_answered(config)
    if not await checked_token(from_settings.endpoint(config), token, stopping):
        return

    async def live(number: int) -> None:
        async with opening.of(owned[number]) as logs:
            if logs is not None:
                shard = process.shard(number, logs)
                async with AsyncExitStack() as stack:
                    for partition, bot in shard.bots.items():
                        await stack.enter_async_context(alive(bot.log))
                        await stack.enter_async_context(bot.backups.of(locations[partition]))
                    await process.run(shard, stopping)

    reason = "error"
    try:
        if standby:
            await process.serve()
        await _together([asyncio.create_task(live(number), name=f"shard {number}") for number in owned], stopping)
        reason = "asked to"
    finally:
        await process.close()
        if process.shards:
            _log.info("bot.stopped", reason=reason)


async def _together(shards: list[asyncio.Task[None]], stopping: asyncio.Event) -> None:
    """Wait until all shards have ended; when one fails the others stop, and its error is raised."""
    try:
        await asyncio.wait(shards, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stopping.set()
        await asyncio.wait(shards)
    for shard in shards:
        shard.result()


def _say_what_is_answered(config: Config) -> None:
    if silent := why_silent(config):
        _log.warning("bot.silent", reason=silent)
        return
    _log.info("bot.answers", **answered(config))
    if unasked := why_unasked(config):
        _log.warning("model.unasked", reason=unasked)
