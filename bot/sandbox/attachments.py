"""Attachments: what a message says about its files. The files themselves are not kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote

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


def attachment_payloads(world: World, channel: Channel, files: Iterable[File], base_url: str) -> list[Json]:
    """Build attachments; their addresses point into the sandbox, so that nothing reaches out."""
    payloads = []
    for file in files:
        snowflake = world.snowflakes.next()
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
