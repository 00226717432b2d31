"""What the commands work with: a log, and where a bot owns it, what only its process knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.conversations import Conversations
from bot.core.conversation import Conversation
from bot.core.streams import stream_of
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.moderation.report import ModerationError
from bot.replies.attachments import Attachments
from bot.replies.personas import Surroundings
from bot.responders.protocol import Condition, Responder


@dataclass(frozen=True, slots=True)
class Live:
    """How a running bot is: whether it speaks to Discord, what it holds in memory, and what is wrong.

    ``waiting`` counts what waits for the log to be written, ``working`` the channels whose replies are at work.
    ``models`` tell how the language models are that answers depend on.
    """

    connected: bool
    hot_channels: int
    waiting: int
    working: int
    trouble: tuple[str, ...] = ()
    models: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Ownership:
    """What only the owner of a log may use: its writing side."""

    log: EventLog
    conversations: Conversations


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the commands need, wired once.

    ``owner`` is None for a reader beside, ``own_id`` gives the bot's id in Discord (None: not known), ``live`` how the
    running bot is (None: none runs here). ``responders``, ``window`` and ``settings`` are what replies are composed
    with at present, and so are ``attachments`` (None: no files are read) and ``around``, which tells what a channel
    belongs to; ``clock`` returns microseconds since the epoch.
    """

    folder: Path
    reader: Reader
    responders: Sequence[Responder]
    window: int
    settings: str
    clock: Callable[[], int]
    owner: Ownership | None = None
    own_id: Callable[[], int | None] = lambda: None
    live: Callable[[], Live | None] = lambda: None
    around: Callable[[int], Surroundings] = lambda _channel_id: Surroundings()
    attachments: Attachments | None = None

    async def state(self, channel_id: int) -> Conversation:
        """Return a channel's state now."""
        if self.owner is not None:
            return await self.owner.conversations.state(channel_id)
        return (await self.reader.load(stream_of(channel_id))).state

    def owned(self) -> Ownership:
        """Return the log's writing side; raise ModerationError beside a log that is only read."""
        if self.owner is None:
            raise ModerationError("This log is only read here: nothing can be changed.")
        return self.owner
