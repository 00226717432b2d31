"""Attachments of messages, and the address where their files can be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel
from bot.sandbox.services import Services
from bot.sandbox.world import World


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file of a message; it can't be fetched if its ``content`` is None.

    ``described`` is its alternative text; one with ``seconds`` is recorded sound, with a waveform.
    """

    filename: str
    content_type: str
    size: int
    content: bytes | None = None
    described: str = ""
    seconds: float = 0.0


def attachment_payloads(services: Services, channel: Channel, files: Iterable[AttachedFile]) -> list[Json]:
    """Build attachments; their addresses point into the sandbox, never to the internet."""
    payloads, base_url = [], services.addresses.api or "http://127.0.0.1"
    for file in files:
        snowflake = services.world.snowflakes.next()
        if file.content is not None:
            services.world.files[snowflake] = file.content
        url = f"{base_url}/attachments/{channel.id}/{snowflake}/{quote(file.filename, safe='')}"
        payloads.append(
            {
                "id": str(snowflake),
                "filename": file.filename,
                "size": file.size,
                "url": url,
                "proxy_url": url,
                "content_type": file.content_type,
                **({"description": file.described} if file.described else {}),
                **({"duration_secs": file.seconds, "waveform": "AAAA"} if file.seconds else {}),
            }
        )
    return payloads


def install_files(application: web.Application, world: World, base: str) -> None:
    """Serve the files to everybody who has their address, as Discord's content delivery network does."""

    async def serve(request: web.Request) -> web.Response:
        key = request.match_info["attachment"]
        content = world.files.get(int(key)) if key.isdecimal() else None
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="application/octet-stream")

    application.router.add_get(f"{base}/attachments/{{channel}}/{{attachment}}/{{name}}", serve)
