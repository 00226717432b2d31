"""The progress of a long command, shown by editing its answer until the report is ready."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import structlog

from bot.gateway.invocation import Expired, Invocation

PROGRESS_SECONDS = 2.0

_log = structlog.get_logger()


class ProgressMessage:
    """Shows progress by editing the answer at intervals of ``every`` seconds until the command is done."""

    def __init__(self, invocation: Invocation, every: float) -> None:
        self._invocation = invocation
        self._every = every
        self._done = asyncio.Event()
        self._counted: tuple[int, int] | None = None
        self._telling = asyncio.get_running_loop().create_task(self._tell(), name="progress")

    def __call__(self, checked: int, total: int) -> None:
        """Take the current progress."""
        self._counted = (checked, total)

    async def close(self) -> None:
        """Stop editing. An edit under way ends first, so that it can't overwrite the answer."""
        self._done.set()
        await self._telling

    async def _tell(self) -> None:
        told = None
        while not await self._waited():
            if self._counted is None or self._counted == told:
                continue
            told = checked, total = self._counted
            share = f" ({100 * checked // total} %)" if total else ""
            try:
                await self._invocation.show(f"Checked {checked:,} of {total:,} events{share}…")
            except (Expired, discord.DiscordException, aiohttp.ClientError, OSError, RuntimeError) as error:
                _log.debug("progress.untold", error=type(error).__name__)

    async def _waited(self) -> bool:
        """Wait one interval and tell whether the command ended meanwhile."""
        try:
            async with asyncio.timeout(self._every):
                await self._done.wait()
        except TimeoutError:
            return False
        return True
