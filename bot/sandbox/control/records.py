"""Messages as the control API shows them to a judge, and how to filter them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.sandbox.control.call import ControlCall
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Message
from bot.sandbox.snowflakes import iso_time, timestamp_ms
from bot.sandbox.world import World


def message_record(world: World, message: Message) -> Json:
    """Build the record of a message: ``reference`` is the message it answers, ``interaction`` the use of a command."""
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
        "edited_at": None if message.edited_ms is None else iso_time(message.edited_ms),
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


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages count; None means any."""

    channel_id: int | None = None
    author_id: int | None = None
    bot: bool | None = None
    after: int = 0
    reference: int | None = None
    deleted: bool | None = None
    edited: bool | None = None
    contains: str | None = None

    @classmethod
    def read(cls, call: ControlCall, source: Json) -> MessageFilter:
        """Read a filter from a query or a body."""
        part = ControlCall(call.services, call.request, source)
        return cls(
            channel_id=None if source.get("channel") is None else call.channel(source["channel"]).id,
            author_id=None if source.get("author") is None else call.user(source["author"], create=False).id,
            bot=None if source.get("bot") is None else part.flag("bot"),
            after=part.number("after", 0, whole=True),
            reference=part.number("reference", None, whole=True),
            deleted=None if source.get("deleted") is None else part.flag("deleted"),
            edited=None if source.get("edited") is None else part.flag("edited"),
            contains=part.text("contains", None),
        )

    def matches(self, message: Message) -> bool:
        """Tell whether a message counts."""
        return (
            (self.channel_id is None or message.channel.id == self.channel_id)
            and (self.author_id is None or message.author.id == self.author_id)
            and (self.bot is None or self.bot == (message.author.bot or message.author.webhook))
            and (self.reference is None or message.referenced_id == self.reference)
            and (self.deleted is None or message.deleted == self.deleted)
            and (self.edited is None or (message.edited_ms is not None) == self.edited)
            and (self.contains is None or self.contains in message.content)
        )

    def select(self, world: World) -> Iterator[Message]:
        """List the messages that count, oldest first."""
        return (message for message in world.messages_after(self.after) if self.matches(message))
