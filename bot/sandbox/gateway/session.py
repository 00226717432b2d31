"""A gateway session: what a bot subscribed to, what it was sent, and whether it is connected."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from bot.sandbox import intents
from bot.sandbox.events import Dispatch
from bot.sandbox.models import Application, Guild
from bot.sandbox.permissions import Permission, effective


@dataclass(frozen=True, slots=True)
class SentDispatch:
    """One dispatch of one session; ``text`` is shared with other sessions."""

    sequence: int
    name: str
    text: str

    def frame(self) -> str:
        """Write the gateway message."""
        return f'{{"t":"{self.name}","s":{self.sequence},"op":0,"d":{self.text}}}'


class ClientLink(Protocol):
    """What carries a session's events to the client."""

    @property
    def backlog(self) -> int:
        """How many events wait to be sent."""

    def enqueue(self, item: SentDispatch | str) -> None:
        """Send later."""

    def abort(self) -> None:
        """Cut the line."""

    def detach(self) -> None:
        """Forget the session."""


@dataclass(slots=True, eq=False)
class GatewaySession:
    """One session; ``replay`` is what RESUME can bring back, ``lost_at`` when its connection went away."""

    id: str
    application: Application
    intents: int
    replay: deque[SentDispatch]
    shard: tuple[int, int] | None = None
    sequence: int = 0
    connection: ClientLink | None = None
    lost_at: float | None = None
    created_at: float = field(default_factory=time.time)
    last_heartbeat: float | None = None
    resumes: int = 0
    ready: bool = False

    def push(self, name: str, text: str) -> None:
        """Send an event, or keep it for RESUME while there is no connection."""
        self.sequence += 1
        sent = SentDispatch(self.sequence, name, text)
        self.replay.append(sent)
        if self.connection is not None:
            self.connection.enqueue(sent)

    def missed_since(self, sequence: int) -> list[SentDispatch] | None:
        """List what was sent after a sequence number; None when that is no longer known."""
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

    @property
    def wants_presences(self) -> bool:
        """Tell whether GUILD_CREATE lists every member."""
        return bool(self.intents & intents.GUILD_PRESENCES)
