"""Files of messages, fetched by the addresses that Discord signs anew for each read (docs/discord-facts.md, 1.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog

from bot.gateway.cdn import Gone, NoFile, Refused, download, session
from bot.gateway.current import CurrentClient
from bot.replies.attachments import TOO_LARGE_TOGETHER, Fetched
from bot.responders.protocol import File

SECONDS = 15.0
"""Seconds for all files of a message. An answer without them is better than a late one."""
UNFETCHED = "it could not be fetched"
GONE = "it is no longer there"
LATE = "it took too long to fetch"
BROKEN_OFF = "its download broke off"

_log = structlog.get_logger()


class DiscordFiles:
    """Fetches files by the client that is connected now."""

    def __init__(self, current: CurrentClient) -> None:
        self._current = current

    async def fetch(
        self, channel_id: int, message_id: int, wanted: Sequence[int], limit: int, refuse: Callable[[bytes], str]
    ) -> Fetched:
        """Fetch the files with these ids, of at most ``limit`` bytes together; never raises."""
        client = self._current.client
        if client is None:
            return Fetched(faults=dict.fromkeys(wanted, UNFETCHED))
        message = _Message(client.http, channel_id, message_id)
        files: list[File] = []
        faults: dict[int, str] = {}
        fault = UNFETCHED
        try:
            async with asyncio.timeout(SECONDS), session() as opened:
                for number in wanted:
                    left = limit - sum(len(file.data) for file in files)
                    try:
                        files.append(await message.file(opened, number, left, refuse))
                    except (NoFile, aiohttp.ClientError) as error:
                        faults[number] = _fault(error)
                        _log.info("attachment.unread", attachment=number, reason=_logged(error))
        except Exception as error:  # noqa: BLE001 - whatever keeps a file away, the question is answered without it
            _log.info("attachments.unread", channel=channel_id, message=message_id, reason=type(error).__name__)
            fault = LATE if isinstance(error, TimeoutError) else UNFETCHED
        there = {file.id for file in files}
        missing = {number: fault for number in wanted if number not in there}
        return Fetched(tuple(files), missing | faults)


@dataclass(slots=True)
class _Message:
    """A message whose files are fetched; ``attached`` is what the last of its ``reads`` said of them, by id."""

    http: Any
    channel_id: int
    message_id: int
    attached: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    reads: int = 0

    async def file(
        self, opened: aiohttp.ClientSession, number: int, limit: int, refuse: Callable[[bytes], str]
    ) -> File:
        """Return one file; raise NoFile or an error of aiohttp's if it can't be had."""
        if not self.reads:
            await self._read()
        try:
            return await self._download(opened, number, limit, refuse)
        except Gone:
            # Its address may have expired meanwhile: Discord signs a new one for each read.
            if self.reads > 1:
                raise
            await self._read()
            return await self._download(opened, number, limit, refuse)

    async def _read(self) -> None:
        message = await self.http.get_message(self.channel_id, self.message_id)
        self.reads += 1
        self.attached = {int(each["id"]): each for each in message.get("attachments") or ()}

    async def _download(
        self, opened: aiohttp.ClientSession, number: int, limit: int, refuse: Callable[[bytes], str]
    ) -> File:
        attached = self.attached.get(number)
        if attached is None:
            raise Gone("not among the message's files")
        size = int(attached.get("size") or 0)
        if size > limit:
            raise Refused(TOO_LARGE_TOGETHER)
        data = await download(opened, attached["url"], limit, refuse)
        if len(data) != size:
            raise Refused(f"{len(data)} bytes came of {size}")
        return File(number, attached.get("filename") or "", attached.get("content_type") or "", data)


def _fault(error: NoFile | aiohttp.ClientError) -> str:
    """Return what the model is told of an error."""
    match error:
        case Refused():
            return str(error)
        case Gone():
            return GONE
        case aiohttp.ClientPayloadError():
            return BROKEN_OFF
    return UNFETCHED


def _logged(error: NoFile | aiohttp.ClientError) -> str:
    """Return what is logged: an error of aiohttp's may quote the address, which is a secret."""
    return str(error) if isinstance(error, NoFile) else type(error).__name__
