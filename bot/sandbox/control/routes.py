"""All routes of the control API."""

from __future__ import annotations

from bot.sandbox.control import judge, people
from bot.sandbox.control.call import ControlRoute


def all_routes() -> list[ControlRoute]:
    """List the routes of every module."""
    return [route for module in (people, judge) for route in module.routes()]
