"""Keeping a client alive: when it dies, a new one starts after a pause, unless a person has to act first.

A client dies when its login fails or when READY or RESUMED can't be read. After any other failure it connects again by
itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import discord
import structlog

from bot.errors import EcholessError, IntentError, TokenError
from bot.gateway.client import Client, Endpoint
from bot.gateway.connecting import FATAL_CODES
from bot.gateway.current import CurrentClient
from bot.gateway.http import ApiClient
from bot.gateway.origin import HINT, Intercepted
from bot.gateway.reasons import complaint
from bot.gateway.requests import UNREADABLE
from bot.gateway.wiring import Wiring, Wirings

WRONG_TOKEN = 4004
REFUSED_INTENTS = {4013, 4014}

_log = structlog.get_logger()


class Supervisor:
    """Runs one client after the other until :meth:`stop`."""

    def __init__(self, endpoint: Endpoint, token: str, wirings: Wirings, current: CurrentClient) -> None:
        self._endpoint = endpoint
        self._token = token
        self._wirings = wirings
        self._current = current
        self.reconnects = current.reconnects
        self._stopping = asyncio.Event()
        self._connection: asyncio.Task[None] | None = None
        self.client: Client | None = None

    async def run(self) -> None:
        """Keep a client connected.

        Raises TokenError when Discord refuses the token and IntentError when it refuses an intent: both need a person.
        """
        while not self._stopping.is_set():
            cause = await self._session()
            if not self._stopping.is_set():
                await self._pause(self.reconnects.failure(cause, fresh=True))

    def complete(self, channels: Iterable[int], wiring: Wiring) -> None:
        """Catch up channels of one partition whose messages could not be recorded."""
        if self.client is not None:
            self.client.listening.complete(channels, wiring)

    def hurry(self) -> None:
        """End all waits for rate limits. The outbox tries these requests again after the next start."""
        if self.client is not None:
            self.client.http.waits.hurry()

    async def stop(self) -> None:
        """Close the client and let :meth:`run` end."""
        self._stopping.set()
        self.reconnects.stop()
        if self._connection is not None:
            # Closing alone would wait until the pause before the next connection is over.
            while not self._connection.done():
                # A timeout that expires at the same moment can swallow a cancellation.
                self._connection.cancel()
                await asyncio.wait((self._connection,), timeout=0.1)

    async def _session(self) -> str:
        """Run one client until it ends, and return the reason."""
        self.client = self._current.client = client = Client(self._endpoint, self._wirings, self.reconnects)
        audits = [each.audit.run(client) for each in self._wirings if each.audit]
        auditing = [asyncio.create_task(audit, name="audit") for audit in audits]
        self._connection = asyncio.create_task(client.start(self._token), name="connection")
        try:
            await asyncio.wait((self._connection,))
            if not self._connection.cancelled():
                self._connection.result()
        except Exception as error:
            fatal = fatal_error(error)
            if fatal is not None:
                raise fatal from error
            if isinstance(error, Intercepted):
                _log.error("discord.intercepted", status=error.status, hint=HINT)
            return client.complaint(error)
        else:
            return ""
        finally:
            for wiring in self._wirings:
                wiring.on_lost()
            for task in auditing:
                task.cancel()
            client.listening.stop()
            await client.close()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def checked_token(endpoint: Endpoint, token: str, stopping: asyncio.Event) -> bool:
    """Ask Discord once whether it takes the token; return False when ``stopping`` is set before it answers.

    Raises TokenError when Discord refuses it. A Discord that can't be reached says nothing about the token.
    """
    checking, stop = asyncio.create_task(_check_token(endpoint, token)), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((checking, stop), return_when=asyncio.FIRST_COMPLETED)
        if checking.done():
            checking.result()
        return checking.done()
    finally:
        checking.cancel()
        stop.cancel()
        await asyncio.wait((checking, stop))


async def _check_token(endpoint: Endpoint, token: str) -> None:
    Client.point_at(endpoint)
    client = ApiClient(endpoint.request_timeout, intents=discord.Intents(guilds=True))
    try:
        async with asyncio.timeout(endpoint.request_timeout.total_seconds()):
            await client.login(token)
    except discord.LoginFailure as error:
        raise _wrong_token() from error
    except Intercepted as error:
        _log.warning("discord.intercepted", status=error.status, hint=HINT)
    except UNREADABLE as error:
        _log.warning("discord.unreachable", reason=complaint(endpoint.api_url, error))
    finally:
        await client.close()


def fatal_error(error: Exception) -> EcholessError | None:
    """Return the error that tells a person what to do about a client's death, or None when a new client may help."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else None
    if isinstance(error, discord.LoginFailure) or code == WRONG_TOKEN:
        return _wrong_token()
    if isinstance(error, discord.PrivilegedIntentsRequired) or code in REFUSED_INTENTS:
        return IntentError(
            "Discord refuses the message content intent: switch it on at https://discord.com/developers/applications "
            "(your application, Bot, Privileged Gateway Intents), or set discord.message_content = false."
        )
    if code in FATAL_CODES:
        return EcholessError(f"Discord closed the connection for good (code {code}): see its documentation.")
    return None


def _wrong_token() -> TokenError:
    return TokenError(
        "Discord refuses the token: copy it again from https://discord.com/developers/applications (your application, "
        "Bot, Reset Token) and set DISCORD_TOKEN or discord.token_file."
    )
