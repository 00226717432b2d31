"""The consumer ``webhook``: signed POSTs of events to an address of the owner's, at least once.

The body is a JSON list of events, each with a key that is the same at each repeat. ``docs/howto/webhook.md`` shows a
receiver.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import aiohttp
from pydantic import Field, StrictBool

from bot.backoff import retry_after
from bot.consumers.consumer import Away, Batch, Consumer, Refused, Stop
from bot.consumers.settings import EVENT_TYPES, EventTypes
from bot.http_requests import start_of
from bot.own_tables import read
from bot.signed_post import ABOUT_US, LATER, Poster, Recipient, lasting

READ = 64 * 1024
"""Bytes of an answer that are read, and thrown away, so that the connection can be used again."""


class WebhookSettings(Recipient):
    """The table ``[consumers.webhook]``."""

    types: EventTypes = Field((), description=EVENT_TYPES)
    words: StrictBool = Field(default=False, description="true or false")
    batch: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(100, description="a whole number from 1 to 1000")
    timeout: Annotated[float, lasting(timedelta(minutes=5))] = Field(
        10.0, description='a duration such as "10s", up to "5m"'
    )


class Webhook(Consumer):
    """Posts batches of events where its settings say, signed with ``secret``; ``headers`` are sent along."""

    name = "webhook"
    rebuild = "by hand"

    def __init__(self, settings: WebhookSettings, secret: bytes, headers: Mapping[str, str]) -> None:
        self.types = settings.types
        self.wants_words = settings.words
        self.batch_size = settings.batch
        self.timeout = settings.timeout + 5
        patience = aiohttp.ClientTimeout(total=settings.timeout)
        self._poster = Poster(settings.url, secret, headers, patience, time.time)

    async def handle(self, batch: Batch) -> None:
        """Post the events; raise Away, Refused or Stop where they are not taken."""
        body = json.dumps([batch.line(recorded) for recorded in batch.events], separators=(",", ":")).encode()
        try:
            status, pause = await self._post(id_of(batch), body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Its words hold the address, which may hold a password.
            raise Away(f"the receiver can't be reached ({type(error).__name__})") from None
        _judge(status, pause)

    async def _post(self, number: str, body: bytes) -> tuple[int, str]:
        """Return the status of the answer, and its Retry-After."""
        async with self._poster.post(number, body) as response:
            with suppress(aiohttp.ClientError, TimeoutError):
                if len(await start_of(response.content, READ)) > READ:
                    response.close()
            return response.status, response.headers.get("Retry-After", "")

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def _judge(status: int, pause: str) -> None:
    """Raise what a status means, if it is not that the events were taken."""
    said = f"the receiver answers {status}"
    if status == HTTPStatus.GONE:
        raise Stop(f"{said}: it wants no more events; set another consumers.webhook.url and restart the bot")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LATER:
        raise Away(said, retry_after(pause, time.time()))
    if status in ABOUT_US:
        raise Away(f"{said}: check the url, the secret and the headers of [consumers.webhook]")
    if status >= HTTPStatus.BAD_REQUEST:
        raise Refused(said)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Away(f"{said}, and redirects are not followed: set the address that it leads to as its url")


def id_of(batch: Batch) -> str:
    """Return the id of a batch: the same for the same events."""
    first, last = batch.key(batch.events[0]), batch.key(batch.events[-1])
    return f"{batch.history.log_id}_{first}_{last}"


def webhook(name: str, settings: Mapping[str, object], folder: Path) -> Webhook:
    """Return the consumer of its settings; raise ConfigError."""
    found = read(WebhookSettings, name, settings, folder)
    secret = found.key(name, os.environ, "the webhook's secret")
    return Webhook(found, secret, found.all_headers(name, os.environ))
