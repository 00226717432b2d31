"""Things that go wrong with chosen REST requests, each before or after the request takes effect."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from aiohttp import web

from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json, json_response

KINDS = ("status", "page", "relabel", "reset", "fin", "cut", "hang", "ratelimit", "delay", "kill", "missing")
STATUSES = (500, 502, 503, 504, 520, 522, 524)
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to use this network.</body></html>"
"""What a captive portal, a company's proxy or a firewall answers instead of Discord."""

Effect = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class FaultRule:
    """One rule; the fields are documented in the control API.

    ``nth`` (from 1) skips matching requests before it; ``count`` says how many are hit (None: all that follow).
    ``connected`` is how many sessions were connected and ready when it struck last.
    """

    id: int
    kind: str
    method: str = "*"
    path: str = "*"
    when: str = "before"
    nth: int = 1
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    body: str = PAGE
    content_type: str = "text/html; charset=utf-8"
    location: str = ""
    via: bool = True
    retry_after: float = 0.1
    is_global: bool = False
    seconds: float = 0.0
    pid: int = 0
    seen: int = 0
    hits: int = 0
    connected: int = 0
    dice: random.Random = field(default_factory=random.Random)

    def strikes(self, method: str, path: str) -> bool:
        """Count a request, and tell whether this fault hits it."""
        if not fnmatchcase(method, self.method.upper()) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.hits >= self.count):
            return False
        if self.dice.random() >= self.probability:
            return False
        self.hits += 1
        return True

    @property
    def label(self) -> str:
        """Name the fault for the journal."""
        detail = f" {self.status}" if self.kind in ("status", "page") else ""
        return f"{self.kind}{detail} {self.when}"

    def payload(self) -> Json:
        """Build the JSON for the control API."""
        names = ("id", "kind", "method", "path", "when", "nth", "count", "probability", "seed", "status", "via")
        answer = ("body", "content_type", "location", "retry_after", "is_global", "seconds")
        more = (*answer, "pid", "seen", "hits", "connected")
        return {name: getattr(self, name) for name in (*names, *more)}


class Faults:
    """The rules in force, oldest first; the first that strikes wins, unless one kills."""

    def __init__(self) -> None:
        """Begin with none."""
        self.rules: list[FaultRule] = []
        self._next_id = 1
        self._released = asyncio.Event()

    def add(self, body: Json) -> FaultRule:
        """Add a rule; raise ControlError for what does not make sense."""
        known = set(FaultRule.__dataclass_fields__) - {"id", "seen", "hits", "connected", "dice"}
        unknown = sorted(set(body) - known)
        if unknown:
            message = f"{unknown[0]!r} is not a property of a fault: choose from {', '.join(sorted(known))}."
            raise ControlError(message)
        if "kind" not in body:
            message = f"A fault needs a kind: {', '.join(KINDS)}."
            raise ControlError(message)
        fault = FaultRule(self._next_id, **body)
        _check(fault)
        fault.dice.seed(fault.seed)
        self._next_id += 1
        self.rules.append(fault)
        return fault

    def remove(self, fault_id: int) -> None:
        """Remove one rule; raise ControlError when there is none with this id."""
        kept = [fault for fault in self.rules if fault.id != fault_id]
        if len(kept) == len(self.rules):
            message = f"There is no fault {fault_id}."
            raise ControlError(message, status=404)
        self.rules = kept
        self._release()

    def clear(self) -> None:
        """Remove all rules; requests that hang are cut off."""
        self.rules.clear()
        self._release()

    def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def strike(self, method: str, path: str) -> FaultRule | None:
        """Find the fault for a request; every rule counts it."""
        struck = [fault for fault in self.rules if fault.strikes(method, path)]
        struck.sort(key=lambda fault: fault.kind != "kill")
        return struck[0] if struck else None

    async def apply(
        self, fault: FaultRule, request: web.Request, effect: Effect
    ) -> tuple[web.StreamResponse, int | None]:
        """Answer a struck request, running ``effect`` first when the fault comes after it.

        Gives the response and the status for the journal (None: nothing was answered).
        """
        response: web.StreamResponse | None = None
        if fault.when == "after":
            response = await effect()
        if fault.kind in ("delay", "relabel"):
            await asyncio.sleep(fault.seconds)
            response = response or await effect()
            if fault.kind == "relabel":
                response.headers["Content-Type"] = fault.content_type
            return response, response.status
        if fault.kind == "status":
            return _failure(fault.status), fault.status
        if fault.kind == "page":
            return _page(fault), fault.status
        if fault.kind == "missing":
            return json_response({"message": "404: Not Found", "code": 0}, status=404), 404
        if fault.kind == "ratelimit":
            return _rate_limited(fault), 429
        if fault.kind == "cut":
            _cut(request, response)
            return web.Response(), 200
        if fault.kind == "kill":
            if fault.seconds:
                # Without, nothing may happen in between: nobody hears of the effect.
                await asyncio.sleep(fault.seconds)
            with suppress(ProcessLookupError):
                os.kill(fault.pid, signal.SIGKILL)
        if fault.kind in ("hang", "kill"):
            released = self._released
            await released.wait()
        _disconnect(request, abruptly=fault.kind != "fin")
        return web.Response(), None


def _check(fault: FaultRule) -> None:
    problems = {
        f"kind must be one of {', '.join(KINDS)}": fault.kind in KINDS,
        "when must be before or after": fault.when in ("before", "after"),
        f"status must be one of {', '.join(map(str, STATUSES))}": fault.kind == "page" or fault.status in STATUSES,
        "a page needs a status from 200 to 599": fault.kind != "page" or _is_status(fault.status),
        "nth must be a whole number from 1": _whole(fault.nth) and fault.nth >= 1,
        "count must be a whole number from 1, or null": fault.count is None
        or (_whole(fault.count) and fault.count >= 1),
        "probability must be between 0 and 1": _number(fault.probability) and 0 <= fault.probability <= 1,
        "seconds must not be negative": _number(fault.seconds) and fault.seconds >= 0,
        "retry_after must not be negative": _number(fault.retry_after) and fault.retry_after >= 0,
        "seed must be a whole number": _whole(fault.seed),
        "method, path, body, content_type and location must be text": all(
            _text(item) for item in (fault.method, fault.path, fault.body, fault.content_type, fault.location)
        ),
        "content_type and location must be one line": not {"\r", "\n"}
        & {*str(fault.content_type), *str(fault.location)},
        "kill needs the pid of a process": _whole(fault.pid) and (fault.kind != "kill" or fault.pid > 1),
    }
    for sentence, fine in problems.items():
        if not fine:
            raise ControlError(f"{sentence}.")


def _text(value: object) -> bool:
    return isinstance(value, str)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_status(value: object) -> bool:
    return _whole(value) and 200 <= int(str(value)) < 600  # noqa: PLR2004 - HTTP's answers


def _page(fault: FaultRule) -> web.Response:
    headers = {"Content-Type": fault.content_type}
    if fault.location:
        headers["Location"] = fault.location
    if fault.status == 429:  # noqa: PLR2004 - what Cloudflare says to whom it shuts out
        headers["Retry-After"] = str(max(1, round(fault.retry_after)))
    return web.Response(body=fault.body.encode("utf-8", "replace"), status=fault.status, headers=headers)


def _failure(status: int) -> web.Response:
    if status == 500:  # noqa: PLR2004 - Discord's own failure; the others come from what is in front of it
        return json_response({"message": "500: Internal Server Error", "code": 0}, status=500)
    page = f"<html><head><title>{status}</title></head><body>The server is having a bad day.</body></html>"
    return web.Response(text=page, status=status, content_type="text/html")


def _rate_limited(fault: FaultRule) -> web.Response:
    body = {"message": "You are being rate limited.", "retry_after": fault.retry_after, "global": fault.is_global}
    headers = {
        "Retry-After": str(max(1, round(fault.retry_after))),
        "X-RateLimit-Scope": "global" if fault.is_global else "user",
    }
    if fault.is_global:
        headers["X-RateLimit-Global"] = "true"
    return json_response({**body, "code": 0}, status=429, headers=headers)


def _cut(request: web.Request, response: web.StreamResponse | None) -> None:
    """Promise a whole body, send half of it, and hang up."""
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        body = b'{"id":"1"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    if request.transport is not None:
        request.transport.write(head.encode() + body[: len(body) // 2])
        request.transport.close()


def _disconnect(request: web.Request, *, abruptly: bool) -> None:
    """Close the connection: with a TCP reset when abruptly, else with FIN."""
    transport = request.transport
    if transport is None:
        return
    if not abruptly:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
