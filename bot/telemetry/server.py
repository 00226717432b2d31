"""An HTTP server with ``/healthz``, for restarting the bot, ``/metrics``, for watching it, and perhaps ``/events``."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from bot.errors import ConfigError
from bot.telemetry.events import EventFeed
from bot.telemetry.metrics import Metrics

GATEWAYS = ("connected", "waiting", "disconnected")
LOGS = ("writable", "followed", "unfollowed", "unwritable")
ROLES = ("owner", "standby")
"""The states of a process in one word, the worst last."""
CLOSING_SECONDS = 1.0
"""For requests that are being answered when the bot leaves."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the process. Each of ``reasons`` names a problem; without any, the process works.

    ``gateway`` and ``log`` are states in one word; ``pending`` counts unfinished replies. ``model`` says which language
    model is away and why, ``backup`` why the last backup failed, ``retention`` why old words could not be erased,
    ``consumers`` which of them do not get on, ``reading`` which channels can't be read from the log ("": nothing is
    wrong). ``unreadable`` counts the events that can't be read and are skipped. They are no reasons, because a restart
    of the bot does not help. ``role`` is "standby" while another process owns a log that is kept in an engine.
    """

    gateway: str
    log: str
    pending: int
    reasons: tuple[str, ...] = ()
    model: str = ""
    backup: str = ""
    retention: str = ""
    consumers: str = ""
    reading: str = ""
    unreadable: int = 0
    role: str = "owner"

    @property
    def status(self) -> str:
        """Return the health in one word."""
        degraded = (self.model, self.backup, self.retention, self.consumers, self.reading, self.unreadable)
        return "failing" if self.reasons else "degraded" if any(degraded) else "ok"


def together(parts: Mapping[int, Health]) -> Health:
    """Return the health of a process from that of its partitions: what one of them says of itself has its number."""
    if len(parts) == 1:
        return next(iter(parts.values()))

    def worst(states: Sequence[str], said: Callable[[Health], str]) -> str:
        return max(map(said, parts.values()), key=states.index)

    def said(what: Callable[[Health], str]) -> str:
        return "; ".join(f"partition {number}: {what(each)}" for number, each in parts.items() if what(each))

    reasons = {reason: list[int]() for each in parts.values() for reason in each.reasons}
    for number, each in parts.items():
        for reason in each.reasons:
            reasons[reason].append(number)
    return Health(
        gateway=worst(GATEWAYS, lambda each: each.gateway),
        log=worst(LOGS, lambda each: each.log),
        pending=sum(each.pending for each in parts.values()),
        reasons=tuple(f"partition {', '.join(map(str, each))}: {reason}" for reason, each in reasons.items()),
        model=next(iter(parts.values())).model,
        backup=said(lambda each: each.backup),
        retention=said(lambda each: each.retention),
        consumers=said(lambda each: each.consumers),
        reading=said(lambda each: each.reading),
        unreadable=sum(each.unreadable for each in parts.values()),
        role=worst(ROLES, lambda each: each.role),
    )


@asynccontextmanager
async def serve(
    host: str,
    port: int,
    *,
    health: Callable[[], Health],
    metrics: Metrics,
    feeds: Mapping[str, EventFeed] = MappingProxyType({}),
    pages: Mapping[str, web.Application] = MappingProxyType({}),
) -> AsyncIterator[None]:
    """Serve ``/healthz`` and ``/metrics`` within the context, ``feeds`` by their paths, ``pages`` below theirs.

    Port 0 serves nothing. ``health`` is called for each request. Raises :class:`~bot.errors.ConfigError` when host or
    port can't be used.
    """
    if not port:
        yield
        return
    application = _application(health, metrics)
    for path, feed in feeds.items():
        application.router.add_get(path, feed.events, allow_head=False)
        application.on_shutdown.append(feed.stop)
    for path, page in pages.items():
        application.add_subapp(path, page)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSING_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {port} on {host} is taken: set telemetry.port to a free one, or to 0 to go without /healthz."
            ) from exc
        raise ConfigError(
            f"Port {port} on {host} can't be listened on ({exc.strerror}): "
            "check telemetry.host and telemetry.port, or set the port to 0 to go without /healthz."
        ) from exc


def _application(health: Callable[[], Health], metrics: Metrics) -> web.Application:
    async def healthz(request: web.Request) -> web.Response:
        del request
        now = health()
        status = HTTPStatus.SERVICE_UNAVAILABLE if now.reasons else HTTPStatus.OK
        body = {"status": now.status, **asdict(now)}
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})

    async def exposition(request: web.Request) -> web.Response:
        del request
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    application = web.Application()
    application.add_routes([web.get("/healthz", healthz), web.get("/metrics", exposition)])
    return application
