"""Files of messages, fetched by the addresses that Discord signs anew for each read (docs/discord-facts.md, 1.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import structlog

from bot.gateway.cdn import NoFile, download, session
from bot.gateway.current import CurrentClient
from bot.responders.protocol import File

SECONDS = 15.0
"""Seconds for all files of a message. An answer without them is better than a late one."""

_log = structlog.get_logger()


class DiscordFiles:
    """Fetches files by the client that is connected now."""

    def __init__(self, current: CurrentClient) -> None:
        self._current = current

    async def fetch(self, channel_id: int, message_id: int, wanted: Sequence[int], limit: int) -> tuple[File, ...]:
        """Return, by id, the files that could be fetched, of at most ``limit`` bytes together; never raises."""
        client, files = self._current.client, list[File]()
        if client is None:
            return ()
        try:
            async with asyncio.timeout(SECONDS), session() as opened:
                message: Mapping[str, Any] = await client.http.get_message(channel_id, message_id)
                for attached in message.get("attachments") or ():
                    left = limit - sum(len(file.data) for file in files)
                    if int(attached["id"]) in wanted and int(attached.get("size") or 0) <= left:
                        files += await _fetched(opened, attached, left)
        except Exception as error:  # noqa: BLE001 - whatever keeps a file away, the question is answered without it
            _log.info("attachments.unread", channel=channel_id, message=message_id, reason=type(error).__name__)
        return tuple(files)


async def _fetched(opened: aiohttp.ClientSession, attached: Mapping[str, Any], limit: int) -> list[File]:
    """Return one file, or nothing when it can't be fetched or is larger than Discord says."""
    try:
        data = await download(opened, attached["url"], limit)
    except NoFile as error:
        _log.info("attachment.unread", attachment=int(attached["id"]), reason=str(error))
        return []
    except aiohttp.ClientError as error:
        _log.info("attachment.unread", attachment=int(attached["id"]), reason=type(error).__name__)
        return []
    return [File(int(attached["id"]), attached.get("filename") or "", attached.get("content_type") or "", data)]
