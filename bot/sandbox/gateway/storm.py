"""A gateway that does the same to every connection, at one moment of it, until it is told to stop."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.errors import ControlError
from bot.sandbox.gateway.protocol import Op
from bot.sandbox.json_codec import Json, encode

MOMENTS = ("upgrade", "connect", "hello", "identify", "resume", "ready")
"""When a storm strikes: instead of the upgrade to a websocket; before Hello; after Hello; instead of beginning or
resuming a session; instead of resuming one; after READY or RESUMED."""

DEEDS = ("page", "cut", "close", "reconnect", "invalid-session", "silence")
CLOSE_CODES = (range(1000, 1002), range(4000, 5000))
_STATUSES = range(200, 600)


@dataclass(slots=True)
class Storm:
    """What is done (``does``) to connections and when (``at``); ``count``: to how many (None: all), ``hits``: done."""

    at: str
    does: str
    code: int = 4000
    resumable: bool = False
    status: int = 200
    count: int | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be done."""
        problems = {
            f"at must be one of {', '.join(MOMENTS)}": self.at in MOMENTS,
            f"does must be one of {', '.join(DEEDS)}": self.does in DEEDS,
            "a page is all there is instead of an upgrade, and only there": (self.at == "upgrade")
            == (self.does == "page"),
            "code must be 1000, 1001 or between 4000 and 4999": any(self.code in codes for codes in CLOSE_CODES),
            "status must be between 200 and 599": self.status in _STATUSES,
            "count must be a whole number from 1, or null": self.count is None or self.count >= 1,
        }
        for sentence, fine in problems.items():
            if not fine:
                raise ControlError(f"{sentence}.")

    def strikes(self, moment: str) -> bool:
        """Tell whether a connection is hit at this moment of it, and count it."""
        if self.at != moment or (self.count is not None and self.hits >= self.count):
            return False
        self.hits += 1
        return True

    def word(self) -> str | None:
        """Return what is sent, where the deed is a word of the gateway."""
        if self.does == "reconnect":
            return encode({"op": Op.RECONNECT, "d": None})
        if self.does == "invalid-session":
            return encode({"op": Op.INVALID_SESSION, "d": self.resumable})
        return None

    def payload(self) -> Json:
        """Build the JSON for the control API."""
        return {name: getattr(self, name) for name in ("at", "does", "code", "resumable", "status", "count", "hits")}
