"""The consumer ``webhook``: signed POSTs of events to an address of the owner's, at least once.

Signed as https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md says (1.0): the
headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``, over ``id.timestamp.body``. The body is a JSON
list of events, each with a key that is the same at each repeat. ``docs/howto/webhook.md`` shows a receiver.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StrictBool

from bot import __version__
from bot.backoff import retry_after
from bot.consumers.consumer import Away, Batch, Consumer, Refused, Stop
from bot.consumers.settings import EVENT_TYPES, EventTypes, Settings, read
from bot.errors import ConfigError
from bot.secret import secret_of
from bot.times import parse_duration

PREFIX = "whsec_"
"""How the specification marks a secret; what follows is 24 to 64 bytes in base64."""
READ = 64 * 1024
"""Bytes of an answer that are read, and thrown away, so that the connection can be used again."""

_OURS = re.compile(r"webhook-.*|idempotency-key|content-(type|length)|host|transfer-encoding|connection", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ABOUT_US = frozenset(
    (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.MISDIRECTED_REQUEST,
    )
)
"""Statuses that are about the address and who asks, and no event's fault."""
_LATER = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS))


def _address(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no address")
    return url


def _seconds(value: object) -> float:
    seconds = parse_duration(str(value)) / timedelta(seconds=1)
    if not 0 < seconds <= 300:  # noqa: PLR2004 - five minutes
        raise ValueError("too short or too long")
    return seconds


def _named(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or _OURS.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError("no header that may be set")
    return headers


class WebhookSettings(Settings):
    """The table ``[consumers.webhook]``."""

    url: Annotated[SecretStr, AfterValidator(_address)] = Field(description="an http:// or https:// address")
    secret_env: str = Field("", pattern=r"^\w*$", description="the name of an environment variable with the secret")
    secret_file: Path | None = Field(None, description="the path of a file that holds the secret")
    types: EventTypes = Field((), description=EVENT_TYPES)
    words: StrictBool = Field(default=False, description="true or false")
    batch: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(100, description="a whole number from 1 to 1000")
    timeout: Annotated[float, BeforeValidator(_seconds)] = Field(
        10.0, description='a duration such as "10s", up to "5m"'
    )
    headers: Annotated[Mapping[str, str], AfterValidator(_named)] = Field(
        {}, description="a table of headers and their values, without those that are sent anyway"
    )
    headers_env: Annotated[Mapping[str, str], AfterValidator(_named)] = Field(
        {}, description="a table of headers and, of each, the name of the environment variable with its value"
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
        self._url = settings.url
        self._secret = secret
        self._headers = {**headers, "User-Agent": f"Echoless/{__version__}", "Content-Type": "application/json"}
        self._patience = aiohttp.ClientTimeout(total=settings.timeout)
        self._session: aiohttp.ClientSession | None = None

    async def handle(self, batch: Batch) -> None:
        """Post the events; raise Away, Refused or Stop where they are not taken."""
        body = json.dumps([batch.line(recorded) for recorded in batch.events], separators=(",", ":")).encode()
        number = id_of(batch)
        timestamp = str(int(time.time()))
        headers = {
            **self._headers,
            "webhook-id": number,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, number, timestamp, body),
            # A string as RFC 8941 writes it, which draft-ietf-httpapi-idempotency-key-header asks for.
            "Idempotency-Key": f'"{number}"',
        }
        try:
            status, pause = await self._post(headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Its words hold the address, which may hold a password.
            raise Away(f"the receiver can't be reached ({type(error).__name__})") from None
        _judge(status, pause)

    async def _post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Return the status of the answer, and its Retry-After."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._patience, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        url = self._url.get_secret_value()
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            with suppress(aiohttp.ClientError, TimeoutError):
                if len(await _start(response.content)) > READ:
                    response.close()
            return response.status, response.headers.get("Retry-After", "")

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _start(content: aiohttp.StreamReader) -> bytes:
    """Return what an answer begins with: all of it, or somewhat more than READ."""
    read = b""
    while len(read) <= READ and (chunk := await content.read(READ)):
        read += chunk
    return read


def _judge(status: int, pause: str) -> None:
    """Raise what a status means, if it is not that the events were taken."""
    said = f"the receiver answers {status}"
    if status == HTTPStatus.GONE:
        raise Stop(f"{said}: it wants no more events; set another consumers.webhook.url and restart the bot")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        raise Away(said, retry_after(pause, time.time()))
    if status in _ABOUT_US:
        raise Away(f"{said}: check the url, the secret and the headers of [consumers.webhook]")
    if status >= HTTPStatus.BAD_REQUEST:
        raise Refused(said)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Away(f"{said}, and redirects are not followed: set the address that it leads to as its url")


def id_of(batch: Batch) -> str:
    """Return the id of a batch: the same for the same events."""
    first, last = batch.key(batch.events[0]), batch.key(batch.events[-1])
    return f"{batch.history.log_id}_{first}_{last}"


def signature(secret: bytes, number: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body, as the specification has it."""
    signed = hmac.new(secret, f"{number}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def webhook(name: str, settings: Mapping[str, object], folder: Path) -> Webhook:
    """Return the consumer of its settings; raise ConfigError."""
    found = read(WebhookSettings, name, settings, folder)
    text = secret_of(found.secret_env, found.secret_file, os.environ, "secret", "the webhook's secret")
    if not text:
        raise ConfigError(
            f"[consumers.{name}] names no secret to sign with: name the environment variable that holds it as "
            'secret_env, or a file as secret_file. To make one: echo "whsec_$(openssl rand -base64 32)"'
        )
    named = {header: _value(name, header, variable) for header, variable in found.headers_env.items()}
    return Webhook(found, _key(name, text), {**found.headers, **named})


def _value(name: str, header: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigError(
            f"[consumers.{name}] sends a header {header}, and the environment variable {variable} holds nothing that "
            "a header can hold: set it, or remove the header from headers_env."
        )
    return value


def _key(name: str, text: str) -> bytes:
    """Return the bytes of a secret; raise ConfigError."""
    with suppress(binascii.Error):
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        if 24 <= len(key) <= 64:  # noqa: PLR2004 - what the specification allows
            return key
    raise ConfigError(
        f"The secret of [consumers.{name}] has to be {PREFIX} and 24 to 64 bytes in base64. To make one: "
        'echo "whsec_$(openssl rand -base64 32)"'
    )
