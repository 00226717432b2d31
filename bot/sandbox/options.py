"""The settings of a sandbox at its start."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, fields

from bot.sandbox.errors import SandboxError
from bot.sandbox.intents import PRIVILEGED_BY_NAME

DEFAULT_TOKEN = "sandbox.token.not-a-secret"  # noqa: S105 - opens nothing but a loopback server
_RATE = re.compile(r"(?P<limit>\d{1,6})/(?P<seconds>\d{1,5}(?:\.\d{1,3})?)")
MAX_PORT = 65535
_POSITIVE = frozenset(
    {"heartbeat_interval", "replay_limit", "queue_limit", "stall_patience", "identify_concurrency", "identify_total"}
    | {"identify_period", "recommended_shards", "interaction_deadline", "interaction_token_life"}
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Allow ``limit`` requests in each window of ``seconds``."""

    limit: int
    seconds: float

    def __str__(self) -> str:
        """Write the rate as ``5/5``."""
        return f"{self.limit}/{self.seconds:g}"

    @classmethod
    def parse(cls, text: str) -> RateLimit | None:
        """Read ``5/5`` (five per five seconds), or ``off`` as None; raise SandboxError otherwise."""
        if text.strip().lower() == "off":
            return None
        match = _RATE.fullmatch(text.strip())
        if match is None or not int(match["limit"]) or not float(match["seconds"]):
            raise SandboxError(f"{text!r} is not a rate: write requests/seconds, such as 5/5, or off.")
        return cls(int(match["limit"]), float(match["seconds"]))


@dataclass(slots=True)
class SandboxOptions:
    """Settings of one sandbox; times in seconds.

    ``message_rate`` is what Discord seems to allow per channel (field reports, not documented). ``global_rate`` is
    documented (rate-limits.mdx:122). ``nonce_window`` and ``resume_window`` are "a few minutes" in the documents.
    A client loses its session if it reads nothing for ``stall_patience`` while much waits, or lets ``queue_limit``
    events pile up. At most ``identify_concurrency`` sessions begin in each ``identify_period``, of shards one for each
    remainder (gateway.mdx, "Max Concurrency"). ``denied_intents`` are privileged intents that are not switched on for
    the application.
    """

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    token: str = DEFAULT_TOKEN
    bot_name: str = "sandbox-bot"
    nonce_window: float = 300.0
    message_rate: RateLimit | None = field(default_factory=lambda: RateLimit(5, 5))
    global_rate: RateLimit | None = field(default_factory=lambda: RateLimit(50, 1))
    heartbeat_interval: float = 41.25
    resume_window: float = 180.0
    replay_limit: int = 10_000
    queue_limit: int = 20_000
    stall_patience: float = 5.0
    identify_concurrency: int = 16
    identify_period: float = 5.0
    recommended_shards: int = 1
    identify_total: int = 1000
    denied_intents: frozenset[str] = frozenset()
    interaction_deadline: float = 3.0
    interaction_token_life: float = 900.0

    def __post_init__(self) -> None:
        """Refuse settings that can't work, and addresses that are not loopback."""
        if not is_loopback(self.host):
            raise SandboxError(f"{self.host!r} is not a loopback address: use 127.0.0.1, ::1 or localhost.")
        if not self.token.strip() or self.token != self.token.strip() or not self.token.isascii():
            raise SandboxError("The token must be plain characters without spaces at its ends.")
        unknown = self.denied_intents - PRIVILEGED_BY_NAME.keys()
        if unknown:
            known = ", ".join(sorted(PRIVILEGED_BY_NAME))
            raise SandboxError(f"{min(unknown)!r} is not a privileged intent: choose from {known}.")
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if name.endswith("port") and not 0 <= value <= MAX_PORT:
                raise SandboxError(f"{name} must be between 0 (any free port) and {MAX_PORT}.")
            if name in ("nonce_window", "resume_window") and value < 0:
                raise SandboxError(f"{name} must not be negative.")
            if name in _POSITIVE and value <= 0:
                raise SandboxError(f"{name} must be more than zero.")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
