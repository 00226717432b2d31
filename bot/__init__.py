"""Echoless: a Discord chat bot with event sourcing built in, and a library that gives other bots its log.

What ``docs/library.md`` describes is imported from here. It is loaded when it is first asked for: ``import bot`` alone
imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.attached.attach import attach
    from bot.attached.log import Log, Told
    from bot.effects import AddReaction, AddRole, CallHttp, RemoveRole, SendDirectMessage, StartThread

__version__ = "0.2.0.dev0"
__all__ = [
    "AddReaction",
    "AddRole",
    "CallHttp",
    "Log",
    "RemoveRole",
    "SendDirectMessage",
    "StartThread",
    "Told",
    "__version__",
    "attach",
]

_PLACES = {
    **dict.fromkeys(
        ("AddReaction", "AddRole", "CallHttp", "RemoveRole", "SendDirectMessage", "StartThread"), "bot.effects"
    ),
    "Log": "bot.attached.log",
    "Told": "bot.attached.log",
    "attach": "bot.attached.attach",
}
"""The module of each public name."""


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
