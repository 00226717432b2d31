"""Routes requests to handlers: authentication, rate limits, faults, and Discord's form of errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.errors import (
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    UNKNOWN_GUILD,
    ApiError,
)
from bot.sandbox.json_codec import json_response
from bot.sandbox.models import Application, Channel, Guild
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.ratelimits import RateLimitDecision
from bot.sandbox.rest.bodies import RequestBody, parse_snowflake, read_body
from bot.sandbox.services import Services
from bot.sandbox.world import World

BASE = "/api/v10"
_MAJOR = ("channel_id", "guild_id", "webhook_id", "token")
_log = logging.getLogger(__name__)

Answer: TypeAlias = Any
Handler: TypeAlias = Callable[["RestCall"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Created:
    """An answer with status 201 instead of 200."""

    body: Any


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the API; ``name`` is its rate limit bucket.

    Public routes need no token; interaction routes do not count for the global limit (rate-limits.mdx:128).
    """

    method: str
    path: str
    handler: Handler
    name: str
    public: bool = False
    exempt: bool = False


@dataclass(slots=True)
class RestCall:
    """One request for a handler."""

    request: web.Request
    services: Services
    caller: Application | None

    @property
    def world(self) -> World:
        """The world."""
        return self.services.world

    @property
    def application(self) -> Application:
        """The application whose token the request has; public routes have none."""
        if self.caller is None:
            raise ApiError(*UNAUTHORIZED)
        return self.caller

    @property
    def user_id(self) -> int:
        """The bot user's id."""
        return self.application.user.id

    def snowflake(self, name: str) -> int:
        """Read an id from the path."""
        return parse_snowflake(self.request.match_info[name], name)

    def text(self, name: str) -> str:
        """Read a text from the path."""
        return self.request.match_info[name]

    def guild(self) -> Guild:
        """Find the guild of the path, which the bot must be in."""
        guild = self.world.guilds.get(self.snowflake("guild_id"))
        if guild is None:
            raise ApiError(*UNKNOWN_GUILD)
        if self.user_id not in guild.members:
            raise ApiError(*MISSING_ACCESS)
        return guild

    def visible_channel(self) -> Channel:
        """Find the channel of the path; raise 10003, or 50001 if the bot can't see it."""
        channel = self.world.channels.get(self.snowflake("channel_id"))
        if channel is None:
            raise ApiError(*UNKNOWN_CHANNEL)
        if not allows(channel, self.user_id, Permission.VIEW_CHANNEL):
            raise ApiError(*MISSING_ACCESS)
        return channel

    def require(self, channel: Channel, permission: Permission) -> None:
        """Refuse a bot that lacks a permission in a channel with 50013."""
        if not allows(channel, self.user_id, permission):
            raise ApiError(*MISSING_PERMISSIONS)

    async def body(self) -> RequestBody:
        """Read the body, JSON or form."""
        return await read_body(self.request)


def install(app: web.Application, services: Services, routes: Iterable[Route]) -> None:
    """Add the routes, and Discord's answers for unknown paths."""
    for route in routes:
        app.router.add_route(route.method, BASE + route.path, _endpoint(route, services))
    app.middlewares.append(_shape_errors)


@web.middleware
async def _shape_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer unknown paths and methods as Discord does."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return json_response({"message": f"{error.status}: {error.reason}", "code": 0}, status=error.status)


def _endpoint(route: Route, services: Services) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(BASE)
        entry = services.request_log.begin(request.method, path)
        fault = services.faults.strike(request.method, path)
        if fault is None:
            response: web.StreamResponse = await _serve(route, services, request)
            status: int | None = response.status
        else:
            entry.fault = fault.label
            fault.connected = len(services.hub.ready_sessions())
            response, status = await services.faults.apply(
                fault.rule, request, lambda: _serve(route, services, request)
            )
        services.request_log.finish(entry, status)
        # discord.py treats a 429 without Via as one of Cloudflare, and gives up (docs/discord-facts.md, 1.3).
        if fault is None or fault.rule.via:
            response.headers["Via"] = "1.1 google"
        return response

    return endpoint


async def _serve(route: Route, services: Services, request: web.Request) -> web.Response:
    verdict: RateLimitDecision | None = None
    try:
        caller = _authenticate(route, services, request)
        major = ":".join(request.match_info.get(name, "") for name in _MAJOR)
        verdict = services.limits.check(route.name, major, exempt=route.exempt)
        if not verdict.allowed:
            return _limited(verdict)
        answer = await route.handler(RestCall(request, services, caller))
        response = _respond(answer)
    except ApiError as error:
        response = json_response(error.body(), status=error.status)
    except web.HTTPException as error:
        response = json_response({"message": f"{error.status}: {error.reason}", "code": 0}, status=error.status)
    except Exception:  # noqa: BLE001 - a bug of ours must look like a failure of Discord
        _log.exception("The sandbox failed to answer %s %s", route.method, route.path)
        response = json_response({"message": "500: Internal Server Error", "code": 0}, status=500)
    if verdict is not None:
        response.headers.update(verdict.headers)
    return response


def _respond(answer: Answer) -> web.Response:
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, Created):
        return json_response(answer.body, status=201)
    return json_response(answer)


def _authenticate(route: Route, services: Services, request: web.Request) -> Application | None:
    if route.public:
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    application = services.world.application_by_token(token) if scheme == "Bot" else None
    if application is None:
        raise ApiError(*UNAUTHORIZED)
    return application


def _limited(verdict: RateLimitDecision) -> web.Response:
    wait = round(verdict.retry_after, 3)
    body = {"message": "You are being rate limited.", "retry_after": wait, "global": verdict.is_global, "code": 0}
    headers = {**verdict.headers, "Retry-After": str(max(1, round(wait + 0.5)))}
    return json_response(body, status=429, headers=headers)
