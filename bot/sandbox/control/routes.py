"""All routes of the control API."""

from __future__ import annotations

from bot.sandbox.control import build, clicks, judge, people, storms, trouble
from bot.sandbox.control.call import ControlRoute


def all_routes() -> list[ControlRoute]:
    """List the routes of every module."""
    return [route for module in (build, people, clicks, judge, trouble, storms) for route in module.routes()]
