"""The answers of the control API, as types for its client, and the record of a message."""

from __future__ import annotations

from typing import TypedDict

from bot.sandbox.json_codec import Json
from bot.sandbox.models import Message
from bot.sandbox.snowflakes import iso_moment, iso_time, timestamp_ms
from bot.sandbox.world import World


class MessageRecord(TypedDict):
    """A message as the control API shows it; ids are text.

    ``reference`` is the id of the message it answers, ``interaction`` that of the use of a command.
    """

    id: str
    channel_id: str
    channel: str
    guild_id: str | None
    author_id: str
    author: str
    bot: bool
    content: str
    type: int
    reference: str | None
    interaction: str | None
    nonce: int | str | None
    at: str
    edited_at: str | None
    deleted: bool
    ephemeral: bool
    flags: int
    embeds: list[Json]
    attachments: list[Json]
    components: list[Json]
    mentions: list[str]
    reactions: list[Json]


class ReportRow(MessageRecord):
    """A message, and the bots' replies to it."""

    replies: list[MessageRecord]


class ReplyReport(TypedDict):
    """Messages with the replies to them; ``doubled`` counts messages with more than one reply."""

    messages: list[ReportRow]
    answered: int
    doubled: int
    replies: int


class Ids(TypedDict):
    """The id of a new object."""

    id: str


class RequestRecord(TypedDict):
    """A REST request of a bot; ``status`` None: there is no answer (yet)."""

    number: int
    at: float
    method: str
    path: str
    status: int | None
    fault: str | None


def message_record(world: World, message: Message) -> MessageRecord:
    """Build the record of a message."""
    guild, answered = message.channel.guild, message.interaction_metadata
    return {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "channel": message.channel.name,
        "guild_id": None if guild is None else str(guild.id),
        "author_id": str(message.author.id),
        "author": message.author.name,
        "bot": message.author.bot or message.author.webhook,
        "content": message.content,
        "type": int(message.kind),
        "reference": None if message.referenced_id is None else str(message.referenced_id),
        "interaction": None if answered is None else answered["id"],
        "nonce": message.nonce,
        "at": iso_time(timestamp_ms(message.id)),
        "edited_at": None if message.edited_id is None else iso_moment(message.edited_id),
        "deleted": message.deleted,
        "ephemeral": message.ephemeral,
        "flags": message.flags,
        "embeds": message.embeds,
        "attachments": message.attachments,
        "components": message.components,
        "mentions": [str(user.id) for user in message.mentions],
        "reactions": [
            {"emoji": item.emoji["name"], "users": [world.users[user].name for user in item.user_ids]}
            for item in message.reactions
        ],
    }
