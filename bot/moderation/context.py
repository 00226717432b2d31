"""What the commands work with: a log, and where a bot owns it, what only its process knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.conversations import Conversations
from bot.core.conversation import Conversation
from bot.core.events import Body, CommandUsed, Draft
from bot.core.streams import BOT_STREAM, guild_stream, stream_of
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError
from bot.replies.attachments import Attachments
from bot.replies.personas import Surroundings
from bot.responders.protocol import Condition, Responder


@dataclass(frozen=True, slots=True)
class ProcessStatus:
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
class WritableLog:
    """What only the owner of a log may use: its writing side."""

    log: EventLog
    conversations: Conversations


@dataclass(frozen=True, slots=True)
class CommandContext:
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
    owner: WritableLog | None = None
    own_id: Callable[[], int | None] = lambda: None
    live: Callable[[], ProcessStatus | None] = lambda: None
    around: Callable[[int], Surroundings] = lambda _channel_id: Surroundings()
    attachments: Attachments | None = None

    async def state(self, channel_id: int) -> Conversation:
        """Return a channel's state now."""
        if self.owner is not None:
            return await self.owner.conversations.state(channel_id)
        return (await self.reader.load(stream_of(channel_id))).state

    def owned(self) -> WritableLog:
        """Return the log's writing side; raise ModerationError beside a log that is only read."""
        if self.owner is None:
            raise ModerationError("This log is only read here: nothing can be changed.")
        return self.owner

    async def note_use(
        self, *, user_id: int, guild_id: int | None, channel_id: int, command: str, options: str, outcome: str
    ) -> None:
        """Record that somebody used a command, or was refused it, in the server's stream (in DMs the bot's)."""
        used = CommandUsed(user_id=user_id, channel_id=channel_id, command=command, outcome=outcome)
        stream = BOT_STREAM if guild_id is None else guild_stream(guild_id)
        await self.owned().log.append(stream, (Draft(used, Body(parts=(options,)), subject_id=user_id),))
