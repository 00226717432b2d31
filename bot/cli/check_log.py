"""The checks that look at the log: its folder, its key, and channels whose history the bot may not read."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path

from bot.cli.check_result import Result, failed, fine, warned
from bot.cli.options import log_location
from bot.cli.output import count_text, size_text
from bot.config import Config
from bot.conversations import channel_of
from bot.core.events import CatchupCompleted, ChannelDeleted, HistoryForbidden, MessageReceived
from bot.errors import LogError
from bot.eventlog.log import Location, open_reader
from bot.eventlog.owner import read_owner
from bot.eventlog.reader import Query, Reader

LITTLE_SPACE, NO_SPACE = 500 * 2**20, 20 * 2**20
CHANNELS_NAMED = 10
NEWEST = 1000
"""Messages in which the servers that the bot is on are looked for."""


async def check_log(config: Config) -> tuple[list[Result], frozenset[int]]:
    """Look at the log; return also the servers that its newest messages come from."""
    try:
        location = log_location(config)
        if not location.database.exists():
            return [_absent(location), fine("history", "no log, so nothing was read yet")], frozenset()
        reader = await open_reader(location)
    except LogError as error:
        return [failed("log", str(error)), warned("history", "not checked: the log can't be opened")], frozenset()
    try:
        return [await _present(location, reader), await _history(reader)], await _guilds(reader)
    except LogError as error:
        return [failed("log", str(error)), warned("history", "not checked: the log can't be read")], frozenset()
    finally:
        await reader.close()


def _absent(location: Location) -> Result:
    """Judge whether a log can be made."""
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
    """Return which process writes the log, as far as its note is to be believed: a killed one leaves it behind."""
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


async def _history(reader: Reader) -> Result:
    """List the channels of which the last thing known is that their history may not be read."""
    newest: dict[str, bool] = {}
    types = (HistoryForbidden.TYPE, CatchupCompleted.TYPE, ChannelDeleted.TYPE)
    async for recorded in reader.events(Query(types=types)):
        newest[recorded.stream] = isinstance(recorded.event, HistoryForbidden)
    channels = [str(channel_of(stream)) for stream, forbidden in newest.items() if forbidden]
    if not channels:
        return fine("history", "readable wherever it was read")
    named = ", ".join(channels[:CHANNELS_NAMED])
    more = f" and {len(channels) - CHANNELS_NAMED:,} more" if len(channels) > CHANNELS_NAMED else ""
    found = f"The bot may not read the history of {count_text(len(channels), 'channel')}: {named}{more}."
    todo = "Allow it Read Message History there: what is said while it is away is lost to it otherwise."
    return warned("history", found, todo)


async def _guilds(reader: Reader) -> frozenset[int]:
    query = Query(types=(MessageReceived.TYPE,), newest_first=True)
    events = [recorded.event async for recorded in reader.events(query, limit=NEWEST)]
    return frozenset(event.guild_id for event in events if isinstance(event, MessageReceived) and event.guild_id)
