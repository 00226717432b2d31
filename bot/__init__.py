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
    from bot.attached.own_streams import Folded, Placed
    from bot.core.own import Event, Fold
    from bot.effects import AddReaction, AddRole, CallHttp, RemoveRole, SendDirectMessage, StartThread

__version__ = "0.2.0.dev0"
__all__ = [
    "AddReaction",
    "AddRole",
    "CallHttp",
    "Event",
    "Fold",
    "Folded",
    "Log",
    "Placed",
    "RemoveRole",
    "SendDirectMessage",
    "StartThread",
    "Told",
    "__version__",
    "attach",
]

_PLACES = {
    "AddReaction": "bot.effects",
    "AddRole": "bot.effects",
    "CallHttp": "bot.effects",
    "Event": "bot.core.own",
    "Fold": "bot.core.own",
    "Folded": "bot.attached.own_streams",
    "Log": "bot.attached.log",
    "Placed": "bot.attached.own_streams",
    "RemoveRole": "bot.effects",
    "SendDirectMessage": "bot.effects",
    "StartThread": "bot.effects",
    "Told": "bot.attached.log",
    "attach": "bot.attached.attach",
}
"""The module of each public name."""


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
