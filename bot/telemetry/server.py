"""An HTTP server with ``/healthz``, for restarting the bot, ``/metrics``, for watching it, and perhaps ``/events``."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus

from aiohttp import web

from bot.errors import ConfigError
from bot.telemetry.events import EventFeed
from bot.telemetry.metrics import Metrics

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


@asynccontextmanager
async def serve(
    host: str, port: int, *, health: Callable[[], Health], metrics: Metrics, feed: EventFeed | None = None
) -> AsyncIterator[None]:
    """Serve ``/healthz`` and ``/metrics`` within the context, and ``/events`` of a ``feed``; port 0 serves nothing.

    ``health`` is called for each request. Raises :class:`~bot.errors.ConfigError` when host or port can't be used.
    """
    if not port:
        yield
        return
    application = _application(health, metrics)
    if feed is not None:
        application.router.add_get("/events", feed.events, allow_head=False)
        application.on_shutdown.append(feed.stop)
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
