"""A model whose answers are stopped and go on, and the person who presses the buttons, again where the bot was dead."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.bots import event_counts
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from tests.crashpoints.narrator import PARAGRAPH
from tests.responders.llm.model_server import ModelServer, Request, Script
from tests.waiting import eventually

BEGINNING, REST = ("Once upon ", "a time, "), ("there was ", "a king.")
ANEW = ("Another ", "story. ", PARAGRAPH, "\n\nIts second message ", "ends.")
SLOWLY = 0.1
"""Seconds for a piece to be shown."""


class Fabulist(ModelServer):
    """Begins a story and says nothing more until it is stopped; asked to go on, it tells the rest, or else another."""

    trouble = ""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _tokens(self, request: Request, script: Script) -> list[str]:
        del script
        goes_on = request.body["messages"][-2]["role"] == "assistant"
        if goes_on:
            return [*REST]
        anew = recorded(self._folder, "reply.retried") > 0
        return [*ANEW] if anew else [*BEGINNING, "and so on. " * 1000]

    async def _say(self, response: web.StreamResponse, request: Request, token: str, *, counting: bool = False) -> None:
        if len(token) > len(PARAGRAPH) * 2:
            # The client goes away when the answer is stopped.
            await self.stopping.wait()
        await asyncio.sleep(SLOWLY)
        await super()._say(response, request, token, counting=counting)


class Presser:
    """Presses a button until the log holds the press: a press that the bot did not take down fails visibly."""

    def __init__(self, control: ControlClient, folder: Path, life: Callable[[], int]) -> None:
        self._control = control
        self._folder = folder
        self._life = life

    async def press(self, label: str, presses: int) -> None:
        """Press a button of the bot's last message, until ``presses`` are recorded."""
        while recorded(self._folder, "button.pressed") < presses:
            life = self._life()
            with suppress(SandboxError, StopIteration):
                await self._control.wait_for_ready()
                await self._press(label)
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await eventually(lambda: recorded(self._folder, "button.pressed") >= presses or self._life() > life)  # noqa: B023

    async def _press(self, label: str) -> None:
        message = (await self.messages())[-1]
        items = (item for row in message["components"] for item in row["components"])
        custom_id = next(item["custom_id"] for item in items if item["label"] == label)
        body = {"user": "alice", "message": message["id"], "custom_id": custom_id}
        await self._control.call("POST", "/interactions/component", body)

    async def stands(self, label: str) -> None:
        """Wait for a button under the bot's last message."""

        async def there() -> bool:
            shown = await self.messages()
            return bool(shown) and any(
                item["label"] == label for row in shown[-1]["components"] for item in row["components"]
            )

        await eventually(there)

    async def messages(self) -> list[Any]:
        """Return the bot's messages that everybody sees."""
        found = await self._control.messages(author="sandbox-bot")
        return [each for each in found if not (each["ephemeral"] or each["deleted"])]


def recorded(folder: Path, kind: str) -> int:
    """Return how many events of a kind the log of a bot holds."""
    try:
        return event_counts(folder)[kind]
    except sqlite3.OperationalError:
        # There is no log yet.
        return 0
