"""Discord's objects as plain data: users, guilds, channels, messages, applications; named as Discord names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from bot.sandbox.json_codec import Json


class ChannelKind(IntEnum):
    """Channel types (channel.mdx)."""

    TEXT = 0
    DM = 1
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class MessageKind(IntEnum):
    """Message types (message.mdx)."""

    DEFAULT = 0
    RECIPIENT_ADD = 1
    RECIPIENT_REMOVE = 2
    CHANNEL_PINNED_MESSAGE = 6
    USER_JOIN = 7
    GUILD_BOOST = 8
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23
    POLL_RESULT = 46


FORWARD = 1
"""The type of a reference to a message that is forwarded (message.mdx, "Message Reference Types")."""


class MessageFlag:
    """Message flags (message.mdx)."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_VOICE_MESSAGE = 1 << 13
    HAS_SNAPSHOT = 1 << 14


@dataclass(slots=True, eq=False)
class User:
    """An account: a person, a bot, or the author of a webhook's messages."""

    id: int
    name: str
    bot: bool = False
    webhook: bool = False
    payload: Json = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class GuildRole:
    """A role; the one with the guild's own id is @everyone. ``bot_id``: Discord manages it for that bot alone."""

    id: int
    name: str
    permissions: int
    position: int = 0
    bot_id: int | None = None


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild."""

    user: User
    joined_ms: int
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None


@dataclass(slots=True, eq=False)
class Guild:
    """A server with its roles, members, channels and threads by id."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, GuildRole] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    threads: dict[int, Channel] = field(default_factory=dict)
    unavailable: bool = False


@dataclass(slots=True, eq=False)
class Overwrite:
    """The permissions that a channel allows and denies to one role (0) or member (1)."""

    target_id: int
    kind: int
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel, a thread (with ``parent``) or a DM (with ``recipients``, without ``guild``).

    ``message_ids`` are those of messages that still exist, ascending.
    """

    id: int
    kind: ChannelKind
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    position: int = 0
    topic: str | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipients: list[User] = field(default_factory=list)
    owner_id: int = 0
    archived: bool = False
    archive_changed_id: int | None = None
    """An id made when it was last archived or brought back."""
    locked: bool = False
    auto_archive_minutes: int = 1440
    last_message_id: int | None = None
    total_messages: int = 0
    member_ids: set[int] = field(default_factory=set)
    message_ids: list[int] = field(default_factory=list)
    permission_cache: dict[int, int] = field(default_factory=dict)

    @property
    def is_thread(self) -> bool:
        """Tell whether this is a thread."""
        return self.parent is not None

    @property
    def is_dm(self) -> bool:
        """Tell whether this is a direct message channel."""
        return self.kind is ChannelKind.DM


@dataclass(slots=True, eq=False)
class MessageReaction:
    """An emoji on a message, and the users who put it there, in order."""

    emoji: Json
    user_ids: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Message:
    """A message. It gets its ``id`` when it is posted. A deleted one is kept, so that tests can see it."""

    channel: Channel
    author: User
    content: str = ""
    id: int = 0
    kind: MessageKind = MessageKind.DEFAULT
    nonce: int | str | None = None
    reference: Json | None = None
    attachments: list[Json] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    flags: int = 0
    tts: bool = False
    edited_id: int | None = None
    """An id made when it was last edited."""
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_metadata: Json | None = None
    reactions: list[MessageReaction] = field(default_factory=list)
    thread: Channel | None = None
    poll: Json | None = None
    stickers: list[Json] = field(default_factory=list)
    snapshots: list[Json] = field(default_factory=list)
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        """Tell whether only the user of an interaction sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def referenced_id(self) -> int | None:
        """Return the id of the message that this one answers; a forward answers none."""
        reference = self.reference or {}
        return int(reference["message_id"]) if "message_id" in reference and reference["type"] != FORWARD else None


@dataclass(slots=True, eq=False)
class Application:
    """A bot application: its token, its bot user, its commands by scope (None is global)."""

    id: int
    name: str
    token: str
    user: User
    owner: User
    denied_intents: frozenset[str] = frozenset()
    commands: dict[int | None, dict[int, Json]] = field(default_factory=dict)
    identifies: int = 0


@dataclass(slots=True, eq=False)
class Webhook:
    """A webhook of a channel; its token is enough to post. ``application_id`` is that of the bot that created it."""

    id: int
    token: str
    channel: Channel
    user: User
    application_id: int | None = None
