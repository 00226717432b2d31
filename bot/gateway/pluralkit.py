"""PluralKit's API, which knows whose message a copy is (docs: pluralkit.me/api/endpoints, Get Proxied Message)."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
import structlog

from bot.gateway.bodies import TooLong, body_of
from bot.gateway.snowflakes import NoSnowflake, snowflake

SECONDS = 2.0
"""Seconds for an answer: what is said after the copy waits as long."""
TRIES, AGAIN_AFTER = 4, 0.25
"""How often, and after how many seconds, it is asked again about a copy that it notes only after it posted it."""
MOST_BYTES = 1_000_000
USER_AGENT = "Echoless (self-hosted Discord bot)"

_log = structlog.get_logger()


class Proxied(NamedTuple):
    """Whose a copy is, and the id of the message that it stands for."""

    sender_id: int
    original_id: int


class PluralKit:
    """Asks the API at an address such as ``https://api.pluralkit.me/v2``."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def proxied(self, message_id: int) -> Proxied | None:
        """Return whose copy a message is, None if PluralKit does not say; never raises."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                aiohttp.ClientSession(headers={"User-Agent": USER_AGENT}) as session,
            ):
                for _ in range(TRIES):
                    if found := await self._asked(session, message_id):
                        data = json.loads(found)
                        return Proxied(snowflake(data["sender"]), snowflake(data["original"]))
                    await asyncio.sleep(AGAIN_AFTER)
                return None
        except (aiohttp.ClientError, TimeoutError, TooLong, ValueError, LookupError, TypeError, NoSnowflake) as error:
            _log.info("pluralkit.silent", message=message_id, reason=type(error).__name__)
            return None

    async def _asked(self, session: aiohttp.ClientSession, message_id: int) -> bytes | None:
        """Return the answer about a message, None if PluralKit does not know it yet or asks for patience."""
        async with session.get(f"{self._address}/messages/{message_id}") as response:
            if response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS):
                return None
            response.raise_for_status()
            return await body_of(response, MOST_BYTES)
