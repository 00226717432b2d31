"""The backups that a running bot takes.

A process of its own copies and verifies, as a person would with ``echoless backup``: verifying takes a processor some
seconds for each hundred thousand events, and the bot's own process has people waiting.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from bot.config.model import KEY_VARIABLE, BackupSettings
from bot.eventlog.backup import log_id_of, newest_in, tidy
from bot.eventlog.location import Location
from bot.times import MINUTE, SECOND, length_of

AGAIN = 10 * MINUTE
"""The longest time until a backup that failed is tried again."""

NICENESS = 10
"""The process takes what the bot leaves of a processor."""

_OF_THE_WHOLE = ("ECHOLESS_SHARDS__PARTITIONS", "ECHOLESS_SHARDS__TOTAL", "ECHOLESS_SHARDS__IDS")
"""Variables that the process does without: it is given the folder of one partition."""

_log = structlog.get_logger()


class Backups:
    """Takes a backup whenever one is due; ``clock`` returns microseconds since the epoch.

    ``trouble`` says why the last try failed ("": it did not), ``taken_at`` when the last one was taken (0: none yet).
    """

    def __init__(self, settings: BackupSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self.trouble = ""
        self.taken_at = 0

    @asynccontextmanager
    async def of(self, location: Location) -> AsyncIterator[None]:
        """Take backups of a log within the context, if the settings say so. What an earlier process took counts."""
        tidy(self._settings.folder, log_id_of(location.database))
        if self._settings.every is None:
            yield
            return
        self.taken_at = newest_in(self._settings.folder, location.database)
        task = asyncio.create_task(self._run(location, length_of(self._settings.every)), name="backups")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self, location: Location, every: int) -> None:
        wait = self.taken_at + every - self._clock()
        while True:
            # A clock that was set back must not make the wait longer.
            await asyncio.sleep(max(0, min(wait, every)) / SECOND)
            await self._take(location)
            wait = min(every, AGAIN) if self.trouble else every

    async def _take(self, location: Location) -> None:
        settings = self._settings
        try:
            settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            code, said, error = await _backup(location, settings.folder, settings.keep)
        except OSError as problem:
            code, said, error = 1, "", f"{settings.folder}: {problem.strerror}"
        if code:
            self.trouble = error or f"exit code {code}"
            _log.error("backup.failed", reason=self.trouble)
            return
        self.trouble, self.taken_at = "", self._clock()
        taken: Mapping[str, Any] = json.loads(said)
        _log.info("backup.taken", file=taken["file"], position=taken["position"], removed=len(taken["removed"]))


async def _backup(location: Location, folder: Path, keep: int) -> tuple[int, str, str]:
    """Run ``echoless backup`` as a process; return its exit code, what it said, and why it failed."""
    places = {"ECHOLESS_LOG__PATH": location.folder, "ECHOLESS_LOG__KEY_FILE": location.key_path}
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_WHOLE}
    environment |= {name: str(path) for name, path in places.items()}
    if location.key is not None:
        environment[KEY_VARIABLE] = base64.b64encode(location.key).decode()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "backup", str(folder)),
        *("--keep", str(keep), "--json", "--config", os.devnull),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        said, error = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(), error.decode().strip().removeprefix("Error: ")
