"""The context of commands: a log and, in the bot that owns it, what only that process knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.conversations import Conversations
from bot.core.addressing import Own
from bot.core.conversation import Conversation
from bot.core.events import Body, CommandUsed, Draft, KeyKind, ThreadSeen
from bot.core.streams import BOT_STREAM, guild_stream, stream_of
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.moderation.activity import CountActivity
from bot.moderation.command import ModerationError
from bot.moderation.opted_out import OptedOut
from bot.moderation.sought import Index
from bot.replies.attachments import Attachments
from bot.replies.place_settings import Surroundings
from bot.replies.reading import find_received
from bot.replies.reply_chains import ReplyChains
from bot.replies.toolkit import Places, Tools
from bot.responders.llm.settings import LlmSettings
from bot.responders.protocol import Condition, Responder


@dataclass(frozen=True, slots=True)
class RetentionStatus:
    """How the erasing of old words goes: when it was done last (microseconds, None: not yet), of how many events.

    ``trouble`` says why the last run failed ("": it did not).
    """

    at: int | None
    erased: int
    trouble: str


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """The status of a running bot: its connection to Discord, its counts in memory, its troubles.

    ``waiting`` counts what waits to be written to the log, ``working`` the channels with replies in progress.
    ``models`` are the conditions of the language models that answers depend on. ``retention`` is None where words are
    kept for ever.
    """

    connected: bool
    hot_channels: int
    waiting: int
    working: int
    trouble: tuple[str, ...] = ()
    models: tuple[Condition, ...] = ()
    retention: RetentionStatus | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """A consumer of the running bot: what it is at, up to where it has read, and how many events it is behind.

    ``trouble`` says why it waits or was stopped ("": it does neither).
    """

    name: str
    state: str
    position: int
    lag: int
    parked: int
    trouble: str


@dataclass(frozen=True, slots=True)
class WritableLog:
    """The writing side of a log, which only its owner may use, and the people whose words it does not take."""

    log: EventLog
    conversations: Conversations
    opted_out: OptedOut = field(default_factory=OptedOut)


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Everything that commands need, put together once.

    ``owner`` is None in a process that only reads the log. ``called`` returns what calls the bot in a channel,
    ``live`` the status of the running bot (None: this process runs none), ``around`` what a channel belongs to,
    ``clock`` microseconds since the epoch, ``activity`` what went on in the log. Replies are composed with
    ``responders``, ``window``, ``settings``, ``around``, ``chains`` (None: of the window), ``attachments`` (None: no
    files are read) and ``tools`` (None: there are none). ``forbids`` returns the sentence with which moderators are
    refused a model's answer in a channel, "" if they are not. ``following`` returns the consumers that run here,
    ``index`` finds words (None: there is none). ``invite`` returns a link to the page for a person, about what they see
    in a server (None: there is no page). ``llm`` are the settings of the responder of that name, and ``granted`` says
    where they let it use each tool.
    """

    folder: Path
    reader: Reader
    responders: Sequence[Responder]
    window: int
    settings: str
    clock: Callable[[], int]
    activity: CountActivity
    owner: WritableLog | None = None
    called: Callable[[int], Own] = lambda _channel_id: Own()
    live: Callable[[], ProcessStatus | None] = lambda: None
    around: Callable[[int], Surroundings] = lambda _channel_id: Surroundings()
    attachments: Attachments | None = None
    forbids: Callable[[int], str] = lambda _channel_id: ""
    following: Callable[[], Sequence[Following]] = tuple
    index: Index | None = None
    chains: ReplyChains | None = None
    tools: Tools | None = None
    invite: Callable[[int, int], str] | None = None
    llm: LlmSettings = field(default_factory=LlmSettings)
    granted: Mapping[str, Places] = field(default_factory=dict)

    def require_budget(self, channel_id: int, responder: str) -> None:
        """Raise ModerationError if a responder's answers cost money and moderators may have no more of them today."""
        asked = next((each for each in self.responders if each.name == responder), self.responders[0])
        if asked.costs and (refusal := self.forbids(channel_id)):
            raise ModerationError(refusal)

    @property
    def model_choices(self) -> tuple[str, ...]:
        """Return the models that can be chosen for a channel or server."""
        return tuple(dict.fromkeys(model for each in self.responders for model in each.choices))

    async def state(self, channel_id: int) -> Conversation:
        """Return a channel's current state."""
        if self.owner is not None:
            return await self.owner.conversations.state(channel_id)
        return (await self.reader.load(stream_of(channel_id))).state

    async def around_message(self, channel_id: int, message_id: int) -> Surroundings:
        """Return what the channel of a message belongs to; without Discord that is what the log knows of it."""
        around = self.around(channel_id)
        if around.guild_id is not None:
            return around
        message = await find_received(self.reader, channel_id, message_id)
        seen = await self.reader.find(BOT_STREAM, KeyKind.THREAD, channel_id)
        parent_id = next((each.event.parent_id for each in seen if isinstance(each.event, ThreadSeen)), None)
        # The first message of a forum's thread lies in the thread itself.
        inside = parent_id and await find_received(self.reader, channel_id, channel_id)
        begins_in = channel_id if inside else parent_id or 0
        guild_id = message.guild_id if message else None
        return replace(around, guild_id=guild_id, parent_id=parent_id, begins_in=begins_in)

    def owned(self) -> WritableLog:
        """Return the log's writing side; raise ModerationError in a process that only reads the log."""
        if self.owner is None:
            raise ModerationError("This log is only read here: nothing can be changed.")
        return self.owner

    async def note_use(
        self, *, user_id: int, guild_id: int | None, channel_id: int, command: str, options: str | None, outcome: str
    ) -> None:
        """Record a use of a command, refused or not, in the server's stream (for a DM: in the bot's).

        Without ``options`` (None), and of people who opted out, no words are recorded.
        """
        owner = self.owned()
        body = None if options is None or user_id in owner.opted_out else Body(parts=(options,))
        used = CommandUsed(user_id=user_id, channel_id=channel_id, command=command, outcome=outcome)
        stream = BOT_STREAM if guild_id is None else guild_stream(guild_id)
        await owner.log.append(stream, (Draft(used, body, subject_id=user_id),))
