"""Register the commands with Discord, only if they changed.

Discord keeps commands (docs: application commands, registering) and allows 200 new ones a day, so a hash of the last
registered ones is kept in the log's folder. A failure is logged and tried again at the next start; the bot works
without.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import structlog
from discord import app_commands

from bot.gateway.reasons import reason
from bot.gateway.requests import UNREADABLE
from bot.private_file import private_file

FILE_NAME = "commands.json"

_log = structlog.get_logger()


def fingerprint(tree: app_commands.CommandTree[Any]) -> str:
    """Return a hash of the definitions of all commands."""
    definitions = [command.to_dict(tree) for command in tree.get_commands()]
    text = json.dumps(sorted(definitions, key=lambda one: (one["type"], one["name"])), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Registration:
    """Registers a tree's commands with the Discord at ``api_url``, once for each change of their definitions."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self._path = folder / FILE_NAME
        self._api_url = api_url

    async def register(self, tree: app_commands.CommandTree[Any]) -> None:
        """Register the commands unless this application already has them."""
        wanted = {
            "application": str(tree.client.application_id),
            "api_url": self._api_url,
            "hash": fingerprint(tree),
        }
        if await asyncio.to_thread(self._read) == wanted:
            return
        try:
            commands = await tree.sync()
        except UNREADABLE as error:
            _log.warning("commands.unregistered", reason=reason(error), hint="tried again at the next start")
            return
        _log.info("commands.registered", count=len(commands))
        try:
            await asyncio.to_thread(self._write, wanted)
        except OSError as error:
            _log.warning("commands.unnoted", error=type(error).__name__, hint="they are put again at the next start")

    def _read(self) -> object:
        """Return what was registered last, or None if that can't be read."""
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None

    def _write(self, wanted: dict[str, str]) -> None:
        with private_file(self._path, replace=True) as file:
            file.write(json.dumps(wanted, indent=2) + "\n")
