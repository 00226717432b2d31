"""A gateway session: what IDENTIFY asked for, the events sent to the bot, and whether it is connected."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from bot.sandbox import intents
from bot.sandbox.events import Dispatch
from bot.sandbox.gateway.faults import Storm
from bot.sandbox.gateway.protocol import Close, GatewayClosed
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Guild
from bot.sandbox.payloads import own_user_payload
from bot.sandbox.permissions import Permission, effective


@dataclass(frozen=True, slots=True)
class SentDispatch:
    """One event of one session; ``text`` is its JSON, shared with other sessions."""

    sequence: int
    name: str
    text: str

    def frame(self) -> str:
        """Write the gateway message."""
        return f'{{"t":"{self.name}","s":{self.sequence},"op":0,"d":{self.text}}}'


class SessionConnection(Protocol):
    """A connection as its session sees it. The class of connections depends on this module, not the other way round."""

    session: GatewaySession | None
    closed_by_us: bool

    @property
    def backlog(self) -> int:
        """How many items wait to be sent."""

    def enqueue(self, item: SentDispatch | str | Storm) -> None:
        """Send or do something later."""

    async def close(self, code: int) -> None:
        """Close it with a code."""

    def abort(self) -> None:
        """Cut it without a close frame."""


@dataclass(slots=True, eq=False)
class GatewaySession:
    """One session; ``replay`` holds the events that RESUME can bring back, ``lost_at`` is when its connection ended."""

    id: str
    application: Application
    intents: int
    replay: deque[SentDispatch]
    shard: tuple[int, int] | None = None
    sequence: int = 0
    connection: SessionConnection | None = None
    lost_at: float | None = None
    created_at: float = field(default_factory=time.time)
    last_heartbeat: float | None = None
    resumes: int = 0
    ready: bool = False

    def push(self, name: str, text: str) -> None:
        """Send an event, and keep it for RESUME."""
        self.sequence += 1
        sent = SentDispatch(self.sequence, name, text)
        self.replay.append(sent)
        if self.connection is not None:
            self.connection.enqueue(sent)

    def missed_since(self, sequence: int) -> list[SentDispatch] | None:
        """List the events after a sequence number; return None if they are no longer known."""
        if sequence == self.sequence:
            return []
        if not self.replay or self.replay[0].sequence > sequence + 1:
            return None
        return [sent for sent in self.replay if sent.sequence > sequence]

    def sees_guild(self, guild: Guild) -> bool:
        """Tell whether the bot is a member and the guild is of this shard (gateway.mdx:627)."""
        if self.application.user.id not in guild.members:
            return False
        return self.shard is None or (guild.id >> 22) % self.shard[1] == self.shard[0]

    def wants(self, dispatch: Dispatch) -> bool:
        """Tell whether this session receives an event: application, intent, shard, permission."""
        if dispatch.application is not None and dispatch.application is not self.application:
            return False
        if dispatch.intent and not self.intents & dispatch.intent:
            return False
        channel = dispatch.channel
        if dispatch.guild is not None:
            if not self.sees_guild(dispatch.guild):
                return False
            # An unavailable guild is silent until it comes back.
            if dispatch.guild.unavailable and not dispatch.name.startswith("GUILD_"):
                return False
        elif channel is not None and self.shard is not None and self.shard[0] != 0:
            return False
        return channel is None or bool(effective(channel, self.application.user.id) & Permission.VIEW_CHANNEL)


def checked_intents(application: Application, value: object) -> int:
    """Check the intents of an IDENTIFY; raise GatewayClosed 4013 if invalid, 4014 if not granted."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value & ~intents.ALL:
        raise GatewayClosed(Close.INVALID_INTENTS, "Invalid intent(s).")
    if value & intents.denied_bits(application.denied_intents):
        raise GatewayClosed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
    return value


def checked_shard(value: object) -> tuple[int, int] | None:
    """Check the shard of an IDENTIFY, its number and the count; raise GatewayClosed 4010 if invalid."""
    if value is None:
        return None
    pair = value if isinstance(value, list) and len(value) == 2 else [None, None]  # noqa: PLR2004 - [id, count]
    number, count = pair
    if not isinstance(number, int) or not isinstance(count, int) or not 0 <= number < count:
        raise GatewayClosed(Close.INVALID_SHARD, "Invalid shard.")
    return number, count


def ready_payload(session: GatewaySession, guilds: list[Guild], gateway_url: str) -> Json:
    """Build READY; each guild follows as a GUILD_CREATE."""
    application = session.application
    ready: Json = {
        "v": 10,
        "user_settings": {},
        "user": own_user_payload(application.user),
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": gateway_url,
        "application": {
            "id": str(application.id),
            "flags": intents.application_flags(application.denied_intents),
        },
    }
    if session.shard is not None:
        ready["shard"] = list(session.shard)
    return ready
