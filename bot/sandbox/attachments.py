"""Attachments: what a message says about its files, and the files of those whose content was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.models import Channel
from bot.sandbox.wire import Json
from bot.sandbox.world import World


class File(Protocol):
    """What is known of a file."""

    @property
    def filename(self) -> str:
        """The name."""

    @property
    def content_type(self) -> str:
        """The media type."""

    @property
    def size(self) -> int:
        """The size in bytes."""

    @property
    def content(self) -> bytes | None:
        """What is in it; None: nobody can fetch it."""


def attachment_payloads(world: World, channel: Channel, files: Iterable[File], base_url: str) -> list[Json]:
    """Build attachments; their addresses point into the sandbox, so that nothing reaches out."""
    payloads = []
    for file in files:
        snowflake = world.snowflakes.next()
        if file.content is not None:
            world.files[snowflake] = file.content
        url = f"{base_url or 'http://127.0.0.1'}/attachments/{channel.id}/{snowflake}/{quote(file.filename, safe='')}"
        payloads.append(
            {
                "id": str(snowflake),
                "filename": file.filename,
                "size": file.size,
                "url": url,
                "proxy_url": url,
                "content_type": file.content_type,
            }
        )
    return payloads


def install_files(application: web.Application, world: World, base: str) -> None:
    """Serve the files, to whoever has their address, as a content delivery network does."""

    async def serve(request: web.Request) -> web.Response:
        key = request.match_info["attachment"]
        content = world.files.get(int(key)) if key.isdecimal() else None
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="application/octet-stream")

    application.router.add_get(f"{base}/attachments/{{channel}}/{{attachment}}/{{name}}", serve)
