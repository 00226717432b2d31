"""Effects besides replies that outlive a crash: made once, looked for where that can be, and resumed by themselves."""

from bot.effects.declared import (
    AddReaction,
    AddRole,
    CallHttp,
    DeclaredEffect,
    RemoveRole,
    SendDirectMessage,
    StartThread,
)

__all__ = [
    "AddReaction",
    "AddRole",
    "CallHttp",
    "DeclaredEffect",
    "RemoveRole",
    "SendDirectMessage",
    "StartThread",
]
