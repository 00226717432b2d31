"""Events of the process, its connection, and its catch-ups."""

from __future__ import annotations

from bot.core.events.base import Event, PlainEvent
from bot.core.events.vocabulary import Key, KeyKind


class CatchupStarted(PlainEvent):
    """Reading the channel's history began after message ``after`` (0: from its beginning)."""

    TYPE = "catchup.started"

    after: int


class CatchupCompleted(PlainEvent):
    """The channel is complete up to message ``upto``; ``count`` messages were new."""

    TYPE = "catchup.completed"

    after: int
    upto: int
    count: int
    truncated: bool = False


class HistoryForbidden(PlainEvent):
    """The bot may not read this channel's history, so messages from while it was away stay missing."""

    TYPE = "history.forbidden"


class BotStarted(Event):
    """A process took the log."""

    TYPE = "bot.started"

    release: str
    host: str
    pid: int


class BotStopped(Event):
    """A process closed the log properly."""

    TYPE = "bot.stopped"

    reason: str


class LogRestored(Event):
    """A backup took the log's place: what the bot did between ``position`` and now, only Discord knows.

    ``incarnation`` counts how often the log was restored.
    """

    TYPE = "log.restored"

    incarnation: int
    position: int

    def key(self) -> Key:
        """Return ``restored:<incarnation>``."""
        return Key(KeyKind.RESTORED, self.incarnation)


class DirectChannelOpened(Event):
    """Somebody wrote to the bot in private for the first time. Discord never lists such channels."""

    TYPE = "dm.opened"

    channel_id: int

    def key(self) -> Key:
        """Return ``dm opened:<channel id>``."""
        return Key(KeyKind.DM_OPENED, self.channel_id)


class ThreadSeen(Event):
    """The bot saw a thread of channel ``parent_id`` for the first time.

    When a channel is deleted, Discord does not name its archived threads.
    """

    TYPE = "thread.seen"

    channel_id: int
    parent_id: int

    def key(self) -> Key:
        """Return ``thread:<channel id>``."""
        return Key(KeyKind.THREAD, self.channel_id)


class ServerLeft(Event):
    """The bot is no longer on the server of this stream: it was removed, or the server was deleted."""

    TYPE = "server.left"

    guild_id: int


class GatewayReady(Event):
    """A new gateway session began."""

    TYPE = "gateway.ready"

    session: str
    guilds: int


class GatewayResumed(Event):
    """The gateway session went on after a break; Discord replayed the missed events."""

    TYPE = "gateway.resumed"

    session: str


class GatewayLost(Event):
    """The connection to the gateway broke."""

    TYPE = "gateway.lost"

    reason: str = ""


class GapFound(Event):
    """An audit found, and recorded, what neither the gateway nor a catch-up had brought."""

    TYPE = "gap.found"

    channel_id: int
    missing: int
    deleted: int


class LogImported(Event):
    """All events up to ``position`` were taken from an export of another log, with their places and times.

    ``digest`` is the SHA-256 of the export. ``lost`` counts events whose words did not open when they were exported,
    and which have none here.
    """

    TYPE = "log.imported"

    position: int
    digest: str
    lost: int = 0
