"""The checks of the log: its folder, its key, and the channels whose history the bot may not read."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.cli.check_result import Result, Status, failed, fine, warned
from bot.cli.options import log_location
from bot.cli.output import count_text, size_text
from bot.config import Config
from bot.core.events import CatchupCompleted, ChannelDeleted, HistoryForbidden, MessageReceived
from bot.core.streams import channel_of
from bot.errors import LogError
from bot.eventlog.forms import require_known
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.opening import see_as_owner
from bot.eventlog.owner import read_owner
from bot.eventlog.plain_files import require_own
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

LITTLE_SPACE, NO_SPACE = 500 * 2**20, 20 * 2**20
CHANNELS_NAMED = 10
NEWEST = 1000
"""How many of the newest messages are searched for the servers that the bot is on."""


@dataclass(frozen=True, slots=True)
class LogChecked:
    """The results from the log; ``guilds`` are the servers of its newest messages.

    ``forbidden`` are the channels whose history may not be read, by their last event about that. ``unread`` is the
    result in their place when the log could not be read.
    """

    log: Result
    guilds: frozenset[int] = frozenset()
    forbidden: tuple[int, ...] = ()
    unread: Result | None = None

    def history(self, names: Mapping[int, str]) -> Result:
        """Return the result about channels whose history may not be read; ``names`` holds their names by id."""
        if self.unread is not None:
            return self.unread
        if not self.forbidden:
            return fine("history", "readable wherever it was read")
        named = ", ".join(names.get(channel_id, str(channel_id)) for channel_id in self.forbidden[:CHANNELS_NAMED])
        left = len(self.forbidden) - CHANNELS_NAMED
        more = f" and {left:,} more" if left > 0 else ""
        found = f"The bot may not read the history of {count_text(len(self.forbidden), 'channel')}: {named}{more}."
        todo = "Allow it Read Message History there: what is said while it is away is lost to it otherwise."
        return warned("history", found, todo)


def together(parts: Mapping[int, LogChecked]) -> LogChecked:
    """Return the results of all partitions as one: the worst of each kind, with the number of its partition."""

    def worst(results: Mapping[int, Result]) -> Result:
        severity = [Status.OK, Status.WARN, Status.FAIL]
        number, found = max(results.items(), key=lambda each: severity.index(each[1].status))
        return replace(found, found=f"partition {number} of {len(parts)} here: {found.found}")

    unread = {number: each.unread for number, each in parts.items() if each.unread is not None}
    return LogChecked(
        worst({number: each.log for number, each in parts.items()}),
        frozenset().union(*(each.guilds for each in parts.values())),
        sum((each.forbidden for each in parts.values()), ()),
        worst(unread) if unread else None,
    )


async def check_log(config: Config) -> LogChecked:
    """Check the log."""
    try:
        location = log_location(config)
        if not location.database.exists():
            return LogChecked(_absent(location), unread=fine("history", "no log, so nothing was read yet"))
        require_own(location.database, location.key_path)
        if not _holder(location.folder):
            see_as_owner(location.database)
        reader = await open_reader(location)
    except LogError as error:
        return _failed(error, "opened")
    try:
        await reader.connection.run(require_known)
        return LogChecked(await _present(location, reader), await _guilds(reader), await _forbidden(reader))
    except LogError as error:
        return _failed(error, "read")
    finally:
        await reader.close()


def _failed(error: LogError, lacking: str) -> LogChecked:
    return LogChecked(failed("log", str(error)), unread=warned("history", f"not checked: the log can't be {lacking}"))


def _absent(location: Location) -> Result:
    """Check whether a log can be created."""
    parent = location.folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        todo = "Change its permissions, or name another folder (log.path)."
        return failed("log", f"There is none, and {parent} can't be written.", todo)
    return _space(parent) or fine("log", f"none yet; the first start makes it in {location.folder}")


async def _present(location: Location, reader: Reader) -> Result:
    if not os.access(location.folder, os.W_OK | os.X_OK) or not os.access(location.database, os.W_OK):
        todo = "Give them to the user that runs the bot."
        return failed("log", f"{location.folder} or a file in it can't be written.", todo)
    open_key = _open_key(location)
    if open_key is not None:
        todo = f"chmod 600 {open_key}"
        return warned("log", "Others on this machine may read the key to people's words.", todo)
    streams = await reader.streams()
    unfinished = await reader.unfinished()
    found = [
        count_text(sum(stream.version for stream in streams), "event"),
        f"{count_text(len(unfinished), 'channel')} with replies to finish" if unfinished else "",
        _holder(location.folder),
    ]
    return _space(location.folder) or fine("log", ", ".join(part for part in found if part))


def _open_key(location: Location) -> Path | None:
    """Return the key file when others than its owner may read it."""
    if location.key is not None:
        return None
    readable = location.key_path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return location.key_path if readable else None


def _holder(folder: Path) -> str:
    """Return which process writes the log, "" if none runs: a killed process leaves its note behind."""
    owner = read_owner(folder)
    if owner is None:
        return ""
    if owner.host == socket.gethostname() and not Path(f"/proc/{owner.pid}").exists() and Path("/proc").exists():
        return ""
    return f"written by process {owner.pid} on {owner.host}"


def _space(folder: Path) -> Result | None:
    free = shutil.disk_usage(folder).free
    if free >= LITTLE_SPACE:
        return None
    found, todo = f"Only {size_text(free)} are free in {folder}.", "Free some space, or move the log (log.path)."
    return failed("log", found, todo) if free < NO_SPACE else warned("log", found, todo)


async def _forbidden(reader: Reader) -> tuple[int, ...]:
    newest: dict[str, bool] = {}
    types = (HistoryForbidden.TYPE, CatchupCompleted.TYPE, ChannelDeleted.TYPE)
    async for recorded in reader.events(Query(types=types)):
        newest[recorded.stream] = isinstance(recorded.event, HistoryForbidden)
    channels = (channel_of(stream) for stream, forbidden in newest.items() if forbidden)
    return tuple(channel_id for channel_id in channels if channel_id is not None)


async def _guilds(reader: Reader) -> frozenset[int]:
    query = Query(types=(MessageReceived.TYPE,), newest_first=True)
    events = [recorded.event async for recorded in reader.events(query, limit=NEWEST)]
    return frozenset(event.guild_id for event in events if isinstance(event, MessageReceived) and event.guild_id)
