"""A language model that says the next piece when Discord shows the last one, so that every run takes the same steps."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from benchmarks.bots import event_counts
from bot.core.parts import growing
from bot.sandbox.control_client import ControlClient
from tests.responders.llm.model_server import ModelServer, Request, Script
from tests.waiting import eventually

RETOLD_PATIENCE = 1.0
"""Seconds for a piece of a story told again to be shown: a bot in doubt of a message shows none before it looks."""
PARAGRAPH = "It goes on for a while. " * 75


class Narrator(ModelServer):
    """Tells a story of two messages, another one each time; ``trouble`` says what is wrong with the asking."""

    def __init__(self, control: ControlClient, folder: Path) -> None:
        super().__init__()
        self._control = control
        self._folder = folder
        self._told = ""
        self.trouble = ""

    def _tokens(self, request: Request, script: Script) -> list[str]:
        del request, script
        self._told = ""
        if self._composed():
            self.trouble = "the model was asked for what was composed"
        opening = f"Told for the {len(self.requests)}. time. "
        return [opening, "Once upon a time. ", PARAGRAPH, "\n\nThe second message ", "goes on, ", "and ends."]

    async def _say(self, response: web.StreamResponse, request: Request, token: str, *, counting: bool = False) -> None:
        """Wait until everything said so far is shown, then say more."""
        if len(self.requests) == 1:
            await eventually(self._shown)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETOLD_PATIENCE):
                    await eventually(self._shown)
        self._told += token
        await super()._say(response, request, token, counting=counting)

    async def _shown(self) -> bool:
        parts: Sequence[str] = [part.strip() for part in growing(self._told)]
        messages = await self._control.messages(author="sandbox-bot")
        return [message["content"].strip() for message in messages][: len(parts)] == parts

    def _composed(self) -> bool:
        try:
            return event_counts(self._folder)["reply.composed"] > 0
        except sqlite3.OperationalError:
            return False
