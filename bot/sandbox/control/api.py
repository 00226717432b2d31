"""The control API as a web application; ``GET /control`` lists its routes with their handlers' docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.control import faults, interactions, messages, observation, world
from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.control.origins import require_local
from bot.sandbox.errors import ApiError, ControlError
from bot.sandbox.json_codec import Json, json_response
from bot.sandbox.services import Services

PREFIX = "/control"
_Endpoint: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MAX_BODY = 256 * 1024 * 1024


def application(services: Services) -> web.Application:
    """Build the application."""
    app = web.Application(client_max_size=_MAX_BODY, middlewares=[_shape_errors])
    routes = all_routes()
    listing = _listing(routes)

    async def describe(_request: web.Request) -> web.StreamResponse:
        return json_response({"sandbox": services.description(), "routes": listing})

    app.router.add_get(PREFIX, describe)
    for route in routes:
        app.router.add_route(route.method, PREFIX + route.path, _endpoint(services, route))
    return app


def all_routes() -> list[ControlRoute]:
    """List the routes of every module."""
    return [route for module in (world, messages, interactions, observation, faults) for route in module.routes()]


def _listing(routes: list[ControlRoute]) -> list[Json]:
    return [
        {
            "method": route.method,
            "path": PREFIX + route.path,
            "does": inspect.getdoc(route.handler),
            "example": route.example,
        }
        for route in routes
    ]


def _endpoint(services: Services, route: ControlRoute) -> _Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        answer: Any = await route.handler(await ControlCall.read(services, request))
        return json_response(answer)

    return endpoint


@web.middleware
async def _shape_errors(request: web.Request, handler: _Endpoint) -> web.StreamResponse:
    try:
        require_local(request)
        return await handler(request)
    except ControlError as error:
        return json_response({"error": error.message}, status=error.status)
    except ApiError as error:
        return json_response({"error": error.message, **error.body()}, status=error.status)
    except web.HTTPException as error:
        sentence = f"{error.reason}: GET {PREFIX} lists what there is."
        return json_response({"error": sentence}, status=error.status)
