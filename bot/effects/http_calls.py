"""Calls of addresses on the network, each with an ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07).

A call of unknown fate is repeated with the same key: that is what the key is for. A server that does not know such keys
may take a call twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.backoff import retry_after
from bot.core.effects import Absent, Declined, Found, Made, Outcome
from bot.core.events import EffectEnd
from bot.core.fate import NotYet, Unknown
from bot.effects.declared import CallHttp, DeclaredEffect
from bot.effects.performer import Intention
from bot.http_requests import USER_AGENT, fits, keyed, start_of
from bot.times import SECOND

TIMEOUT = 30.0
"""Seconds for a call with its answer."""
LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are kept."""

_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY)
"""Beside 5xx. By the draft (2.7), 409 says that a call with this key is still being worked on."""


class HttpCalls:
    """Makes calls over HTTP. ``environ`` holds the values of secret headers, ``clock`` returns microseconds."""

    survives = False

    def __init__(self, clock: Callable[[], int], environ: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._environ = environ
        self._session: aiohttp.ClientSession | None = None

    def lacks(self, effect: DeclaredEffect) -> str:
        """Return which variable of the environment holds no value for a header, "" if each does."""
        variables = effect.headers_env.values() if isinstance(effect, CallHttp) else ()
        empty = next((each for each in variables if not (value := self._value(each)) or not fits(value)), "")
        return f"the environment variable {empty} holds nothing that a header can hold, so set it" if empty else ""

    def _value(self, variable: str) -> str:
        return self._environ.get(variable, "").strip()

    async def ready(self) -> None:
        """Return at once: a call that finds nobody is made again later."""

    async def look(self, intention: Intention) -> Found:
        """Find nothing: nobody can ask an address for what it did."""
        del intention
        return Absent()

    async def perform(self, intention: Intention) -> Outcome:
        """Make the call, and sort how it ended."""
        effect = intention.effect
        assert isinstance(effect, CallHttp)  # noqa: S101 - what it is registered for
        if lacking := self.lacks(effect):
            return NotYet(lacking)
        try:
            return await self._call(effect, intention.token)
        except aiohttp.ClientConnectorError as error:
            return NotYet(f"no connection ({type(error.os_error).__name__})")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Its words hold the address.
            return Unknown(type(error).__name__)

    async def _call(self, effect: CallHttp, token: str) -> Outcome:
        if self._session is None:
            patience = aiohttp.ClientTimeout(total=TIMEOUT)
            self._session = aiohttp.ClientSession(timeout=patience, cookie_jar=aiohttp.DummyCookieJar())
        secrets = {header: self._value(name) for header, name in effect.headers_env.items()}
        usual = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
        headers = {**usual, **effect.headers, **secrets, **keyed(token)}
        data = None if effect.body is None else json.dumps(effect.body).encode()
        async with self._session.request(
            effect.method, effect.url, data=data, headers=headers, allow_redirects=False
        ) as response:
            return await self._judge(response)

    async def _judge(self, response: aiohttp.ClientResponse) -> Outcome:
        status, said = response.status, f"status {response.status}"
        pause = retry_after(response.headers.get("Retry-After", ""), self._clock() / SECOND)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return NotYet(said, pause)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
            return Unknown(said, pause)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return Declined(EffectEnd.FORBIDDEN if status in _FORBIDDEN else EffectEnd.REFUSED, said)
        return Made(await _answer(response))

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return status and text of an answer; of a long one the beginning, and that it is ``cut``."""
    read = await start_of(response.content, LONGEST_ANSWER)
    cut = len(read) > LONGEST_ANSWER
    text = read[:LONGEST_ANSWER].decode(errors="replace")
    return {"status": response.status, "body": text, **({"cut": True} if cut else {})}
