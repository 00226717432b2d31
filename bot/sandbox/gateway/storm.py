"""A storm: the gateway does the same thing to every connection, at the same moment of it, until it is told to stop."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from bot.sandbox.gateway.protocol import Op
from bot.sandbox.json_codec import encode

CLOSE_CODES = (range(1000, 1002), range(4000, 5000))


class Storm(BaseModel):
    """What is done to connections (``does``), and when (``at``).

    ``upgrade`` is instead of the upgrade to a websocket, ``connect`` before Hello, ``hello`` after it, ``identify``
    instead of beginning or resuming a session, ``resume`` instead of resuming one, ``ready`` after READY or RESUMED.
    ``count`` is the number of connections to hit (None: all); ``hits`` were hit.
    """

    at: Literal["upgrade", "connect", "hello", "identify", "resume", "ready"]
    does: Literal["page", "cut", "close", "reconnect", "invalid-session", "silence"]
    code: int = 4000
    resumable: bool = False
    status: int = Field(200, ge=200, le=599)
    count: int | None = Field(None, ge=1)
    hits: int = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at == "upgrade") != (self.does == "page"):
            raise ValueError("a page is all there is instead of an upgrade, and only there")
        if not any(self.code in codes for codes in CLOSE_CODES):
            raise ValueError("code must be 1000, 1001 or between 4000 and 4999")
        return self

    def strikes(self, moment: str) -> bool:
        """Tell whether a connection is hit at this moment, and count it."""
        if self.at != moment or (self.count is not None and self.hits >= self.count):
            return False
        self.hits += 1
        return True

    def frame(self) -> str | None:
        """Return the gateway message that is sent; None if the storm sends none."""
        if self.does == "reconnect":
            return encode({"op": Op.RECONNECT, "d": None})
        if self.does == "invalid-session":
            return encode({"op": Op.INVALID_SESSION, "d": self.resumable})
        return None
