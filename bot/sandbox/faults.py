"""Faults: chosen REST requests fail, before or after they take effect."""

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
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json, json_response

STATUSES = (500, 502, 503, 504, 520, 522, 524)
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to use this network.</body></html>"
"""The answer of a captive portal, a company's proxy or a firewall, instead of Discord's."""

Effect = Callable[[], Awaitable[web.StreamResponse]]


_OneLine = Annotated[str, Field(pattern=r"^[^\r\n]*$")]


class FaultRule(BaseModel):
    """Which requests fail, and how; the control API documents the fields.

    ``nth`` (from 1) skips the matching requests before it. ``count`` is the number of requests to hit (None: all).
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal[
        "status", "page", "relabel", "reset", "fin", "cut", "hang", "ratelimit", "delay", "kill", "missing"
    ]  # fmt: skip
    method: str = "*"
    path: str = "*"
    when: Literal["before", "after"] = "before"
    nth: int = Field(1, ge=1)
    count: int | None = Field(1, ge=1)
    probability: float = Field(1.0, ge=0, le=1)
    seed: int = 0
    status: int = Field(500, ge=200, le=599)
    via: bool = True
    body: str = PAGE
    content_type: _OneLine = "text/html; charset=utf-8"
    location: _OneLine = ""
    retry_after: float = Field(0.1, ge=0)
    is_global: bool = False
    seconds: float = Field(0.0, ge=0)
    pid: int = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind != "page" and self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(map(str, STATUSES))}")
        if self.kind == "kill" and self.pid <= 1:
            raise ValueError("kill needs the pid of a process")
        return self


@dataclass(slots=True)
class ActiveFault:
    """An active rule, and its counts.

    ``seen`` counts matching requests, ``hits`` those that failed. ``connected`` is the number of sessions that were
    connected and ready at the last hit.
    """

    id: int
    rule: FaultRule
    seen: int = 0
    hits: int = 0
    connected: int = 0
    dice: random.Random = field(default_factory=random.Random)

    def strikes(self, method: str, path: str) -> bool:
        """Count a request, and tell whether this fault hits it."""
        rule = self.rule
        matches = any(fnmatchcase(path, each) for each in rule.path.split())
        if not fnmatchcase(method, rule.method.upper()) or not matches:
            return False
        self.seen += 1
        if self.seen < rule.nth or (rule.count is not None and self.hits >= rule.count):
            return False
        if self.dice.random() >= rule.probability:
            return False
        self.hits += 1
        return True

    @property
    def label(self) -> str:
        """Name the fault for the request log."""
        detail = f" {self.rule.status}" if self.rule.kind in ("status", "page") else ""
        return f"{self.rule.kind}{detail} {self.rule.when}"

    def payload(self) -> Json:
        """Build the JSON for the control API."""
        met = {"seen": self.seen, "hits": self.hits, "connected": self.connected}
        return {"id": self.id, **self.rule.model_dump(), **met}


_TURNS = {"kill": 0, "delay": 2}
"""The place of a kind among those that strike one request; 1 for every other."""


class Faults:
    """The active faults, oldest first. The first that strikes applies, but one that kills goes first, a delay last."""

    def __init__(self) -> None:
        """Begin with none."""
        self.active: list[ActiveFault] = []
        self._next_id = 1
        self._released = asyncio.Event()

    def add(self, rule: FaultRule | Json) -> ActiveFault:
        """Add a fault by its rule, or by the JSON of its rule."""
        fault = ActiveFault(self._next_id, FaultRule.model_validate(rule))
        fault.dice.seed(fault.rule.seed)
        self._next_id += 1
        self.active.append(fault)
        return fault

    def remove(self, fault_id: int) -> None:
        """Remove one fault; raise ControlError for an unknown id."""
        kept = [fault for fault in self.active if fault.id != fault_id]
        if len(kept) == len(self.active):
            message = f"There is no fault {fault_id}."
            raise ControlError(message, status=404)
        self.active = kept
        self._release()

    def clear(self) -> None:
        """Remove all faults, and cut off requests that hang."""
        self.active.clear()
        self._release()

    def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def strike(self, method: str, path: str) -> ActiveFault | None:
        """Find the fault that hits a request; every matching fault counts the request."""
        struck = [fault for fault in self.active if fault.strikes(method, path)]
        struck.sort(key=lambda fault: _TURNS.get(fault.rule.kind, 1))
        return struck[0] if struck else None

    async def apply(
        self, fault: FaultRule, request: web.Request, effect: Effect
    ) -> tuple[web.StreamResponse, int | None]:
        """Answer a request that a fault hits; run ``effect`` first if the fault comes after it.

        Returns the response, and the status for the request log (None: no answer).
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
                # Without a delay nothing may run in between, so that no client sees the effect.
                await asyncio.sleep(fault.seconds)
            with suppress(ProcessLookupError):
                os.kill(fault.pid, signal.SIGKILL)
        if fault.kind in ("hang", "kill"):
            released = self._released
            await released.wait()
        _disconnect(request, abruptly=fault.kind != "fin")
        return web.Response(), None


def _page(fault: FaultRule) -> web.Response:
    headers = {"Content-Type": fault.content_type}
    if fault.location:
        headers["Location"] = fault.location
    if fault.status == 429:  # noqa: PLR2004 - the status with which Cloudflare shuts clients out
        headers["Retry-After"] = str(max(1, round(fault.retry_after)))
    return web.Response(body=fault.body.encode("utf-8", "replace"), status=fault.status, headers=headers)


def _failure(status: int) -> web.Response:
    if status == 500:  # noqa: PLR2004 - Discord's own failure; the others come from its front
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
    """Announce a whole body, send half of it, and close the connection."""
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        body = b'{"id":"1"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    if request.transport is not None:
        request.transport.write(head.encode() + body[: len(body) // 2])
        request.transport.close()


def _disconnect(request: web.Request, *, abruptly: bool) -> None:
    """Close the connection, with a TCP reset or with FIN."""
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
