"""Signed POSTs of JSON to an address of the owner's.

Signed as https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md says (1.0): the
headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``, over ``id.timestamp.body``. The id is the same
at each repeat, and is sent as ``Idempotency-Key`` as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import aiohttp
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bot.errors import ConfigError
from bot.http_requests import OURS, USER_AGENT, are_settable, fits, keyed, parts_of
from bot.own_tables import Settings
from bot.secret import secret_of
from bot.times import parse_duration

PREFIX = "whsec_"
"""How the specification marks a secret; what follows is 24 to 64 bytes in base64."""
MAKE_ONE = 'To make one: echo "whsec_$(openssl rand -base64 32)"'
ABOUT_US = frozenset(
    (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.MISDIRECTED_REQUEST,
    )
)
"""Statuses that are about the address and who asks, and not about what is sent."""
LATER = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS))
"""Statuses below 500 after which the same is sent again."""

_OURS = re.compile(rf"webhook-.*|content-type|{OURS}", re.IGNORECASE)


def _address(url: SecretStr) -> SecretStr:
    parts_of(url.get_secret_value())
    return url


def _named(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not are_settable(headers, _OURS):
        raise ValueError("no header that may be set")
    return headers


def lasting(most: timedelta) -> BeforeValidator:
    """Return what reads a setting that is a duration of at most ``most``, as seconds."""

    def seconds(value: object) -> float:
        found = parse_duration(str(value)) if isinstance(value, str) else timedelta()
        if not timedelta() < found <= most:
            raise ValueError("too short or too long")
        return found / timedelta(seconds=1)

    return BeforeValidator(seconds)


class Recipient(Settings):
    """The settings that say where is posted to, and how whoever is there knows us."""

    url: Annotated[SecretStr, AfterValidator(_address)] = Field(description="an http:// or https:// address")
    secret_env: str = Field("", pattern=r"^\w*$", description="the name of an environment variable with the secret")
    secret_file: Path | None = Field(None, description="the path of a file that holds the secret")
    headers: Annotated[Mapping[str, str], AfterValidator(_named)] = Field(
        {}, description="a table of headers and their values, without those that are sent anyway"
    )
    headers_env: Annotated[Mapping[str, str], AfterValidator(_named)] = Field(
        {}, description="a table of headers and, of each, the name of the environment variable with its value"
    )

    def key(self, name: str, environ: Mapping[str, str], whose: str, *, needed: bool = True) -> bytes:
        """Return the bytes of the secret; none where none is named or ``needed``. ``whose`` is the word for it.

        Raises ConfigError.
        """
        table = f"[{self.KIND}.{name}]"
        text = secret_of(self.secret_env, self.secret_file, environ, "secret", whose)
        if not text and needed:
            raise ConfigError(
                f"{table} names no secret to sign with: name the environment variable that holds it as secret_env, or "
                f"a file as secret_file. {MAKE_ONE}"
            )
        return key_of(text, table) if text else b""

    def all_headers(self, name: str, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of both tables; raise ConfigError where a variable holds none."""
        table = f"[{self.KIND}.{name}]"
        named = {header: _value(table, header, environ, each) for header, each in self.headers_env.items()}
        return {**self.headers, **named}


def _value(table: str, header: str, environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value or not fits(value):
        raise ConfigError(
            f"{table} sends a header {header}, and the environment variable {variable} holds nothing that "
            "a header can hold: set it, or remove the header from headers_env."
        )
    return value


def key_of(text: str, table: str) -> bytes:
    """Return the bytes of a secret; raise ConfigError, which names the ``table`` that it is for."""
    with suppress(binascii.Error):
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        if 24 <= len(key) <= 64:  # noqa: PLR2004 - what the specification allows
            return key
    raise ConfigError(f"The secret of {table} has to be {PREFIX} and 24 to 64 bytes in base64. {MAKE_ONE}")


def signature(secret: bytes, number: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body, as the specification has it."""
    signed = hmac.new(secret, f"{number}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


class Poster:
    """Posts to one address, signed with ``secret`` if there is one; ``headers`` are sent along.

    No redirect is followed, no cookie kept, and nothing compressed is opened. ``clock`` returns seconds since the
    epoch.
    """

    def __init__(
        self,
        url: SecretStr,
        secret: bytes,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
        clock: Callable[[], float],
    ) -> None:
        self._url = url
        self._secret = secret
        self._headers = {**headers, "User-Agent": USER_AGENT, "Content-Type": "application/json"}
        self._timeout = timeout
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    def post(self, number: str, body: bytes) -> AbstractAsyncContextManager[aiohttp.ClientResponse, None]:
        """Post a body of JSON under an id; raises aiohttp's errors, whose words hold the address."""
        headers = {**self._headers, **self._signed(number, body)}
        return self._opened().post(self._url.get_secret_value(), data=body, headers=headers, allow_redirects=False)

    def get(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse, None]:
        """Ask for what is at the address, to see whether anybody is there; raises as ``post`` does."""
        return self._opened().get(self._url.get_secret_value(), headers=self._headers, allow_redirects=False)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session

    def _signed(self, number: str, body: bytes) -> Mapping[str, str]:
        if not self._secret:
            return keyed(number)
        timestamp = str(int(self._clock()))
        signed = signature(self._secret, number, timestamp, body)
        return {**keyed(number), "webhook-id": number, "webhook-timestamp": timestamp, "webhook-signature": signed}

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
