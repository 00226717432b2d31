"""The REST API: one module for each resource."""

from __future__ import annotations

from bot.sandbox.rest import commands, guilds, interactions, messages, reactions, threads, users
from bot.sandbox.rest.router import Route

__all__ = ["all_routes"]


def all_routes() -> list[Route]:
    """List the routes of every resource."""
    modules = (users, guilds, messages, reactions, threads, commands, interactions)
    return [route for module in modules for route in module.routes()]
