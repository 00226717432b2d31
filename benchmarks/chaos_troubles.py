"""What goes wrong in a chaos run. To have one thing more go wrong, add a line to one of these lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.sandbox.json_codec import Json

MESSAGES = "/channels/*/messages"
MESSAGE = "/channels/*/messages/*"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One call of the sandbox's control API, made at a moment of the run, while somebody is connected."""

    name: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """The model's server is killed, and started again after so many seconds.

    ``fault``: until then one in its place fails in this way, as its command line takes it ("": there is none, and
    connections are refused).
    """

    name: str
    seconds: float
    fault: str = ""


OUTAGES = (
    Outage("model gone", 4.0),
    Outage("model unavailable (503)", 3.0, "503"),
)
"""Each comes as often as every trouble, where a model answers."""

TROUBLES = (
    Trouble("cut", "/gateway/drop"),
    Trouble("cut, session gone", "/gateway/drop", {"invalidate": True}),
    Trouble("closed (1001)", "/gateway/drop", {"code": 1001}),
    Trouble("reconnect (op 7)", "/gateway/reconnect"),
    Trouble("invalid session (op 9)", "/gateway/invalid-session", {"resumable": False}),
    Trouble("storm before Hello", "/gateway/storm", {"at": "connect", "does": "cut", "count": 2}),
    Trouble("storm instead of 101", "/gateway/storm", {"at": "upgrade", "does": "page", "count": 1}),
    Trouble("page (403)", "/faults", {"kind": "page", "status": 403, "count": 3}),
    Trouble("page (404) of posts", "/faults", {"kind": "page", "status": 404, "method": "POST", "path": MESSAGES}),
    Trouble("rate limit", "/faults", {"kind": "ratelimit", "method": "POST", "path": MESSAGES, "retry_after": 1.5}),
)
"""Each comes as often as every other."""

SENDS: tuple[Json, ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "reset"},
    {"kind": "cut"},
    {"kind": "hang"},
    {"kind": "page", "status": 200},
    {"kind": "page", "status": 403},
)
"""The ways in which a send fails after Discord took the message."""

LATENCY: tuple[Json, ...] = (
    {"method": "POST", "when": "after", "seconds": 0.15, "probability": 0.5},
    {"method": "POST", "when": "before", "seconds": 0.15},
    {"method": "GET", "when": "before", "seconds": 0.1},
)
"""How long Discord takes: a kill is to meet sends under way, half of them taken, and histories half read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A moment inside a request of the bot: before its effect, or ``seconds`` after it and before the answer."""

    name: str
    method: str
    path: str
    when: str
    seconds: float = 0.0


PLACES = (
    Place("send, not made", "POST", MESSAGES, "before"),
    Place("send, made", "POST", MESSAGES, "after"),
    Place("send, made and echoed", "POST", MESSAGES, "after", 0.3),
    Place("edit, not made", "PATCH", MESSAGE, "before"),
    Place("edit, made", "PATCH", MESSAGE, "after"),
    Place("history, not read", "GET", MESSAGES, "before"),
    Place("history, read", "GET", MESSAGES, "after"),
    Place("login", "GET", "/users/@me", "after"),
)
"""Half of the kills come at one of these, each as often as every other."""
