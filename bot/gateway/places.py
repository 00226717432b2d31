"""Where the bot records and answers, from the settings ``[channels]``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import discord

from bot.core.seen import marks_in, with_names
from bot.replies.place_settings import Surroundings

HOLDING = (discord.TextChannel, discord.VoiceChannel, discord.StageChannel, discord.Thread)
"""The channels of a server that hold messages."""


class Place(NamedTuple):
    """A channel with its parent and its server. The settings may name any of the three."""

    channel_id: int
    parent_id: int | None = None
    guild_id: int | None = None

    @property
    def direct(self) -> bool:
        """Tell whether it is a direct-message channel."""
        return self.guild_id is None

    def within(self, ids: Collection[int]) -> bool:
        """Tell whether ``ids`` names this place."""
        return self.channel_id in ids or self.parent_id in ids or self.guild_id in ids


def place_of(channel: object, guild: discord.Guild | None) -> Place:
    """Return the place of a channel that a message or an event names."""
    channel_id: int = channel.id  # type: ignore[attr-defined]  # every kind of channel has one
    return Place(channel_id, getattr(channel, "parent_id", None), server_id(channel, guild))


def server_id(channel: object, guild: discord.Guild | None) -> int | None:
    """Return the id of a channel's server, which discord.py may not know yet; None for a private channel."""
    if guild is not None:
        return guild.id
    named: int | None = getattr(channel, "guild_id", None)
    return named


def place_in(client: discord.Client, channel_id: int, guild_id: int | None = None) -> Place:
    """Return the place of a channel as far as the client knows it; ``guild_id`` is its server if already known."""
    channel = client.get_channel(channel_id)
    guild = getattr(channel, "guild", None)
    return Place(channel_id, getattr(channel, "parent_id", None), guild.id if guild else guild_id)


def surroundings(client: discord.Client | None, channel_id: int, above_id: int = 0) -> Surroundings:
    """Return the surroundings of a channel as far as the client knows them; a thread has its parent's topic.

    ``above_id`` is the parent of a thread that the client may not know yet (0: it is no such thread).
    """
    channel = client.get_channel(channel_id) if client else None
    if channel is None and above_id:
        return replace(surroundings(client, above_id), parent_id=above_id, begins_in=above_id)
    guild = getattr(channel, "guild", None)
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    titled = channel.parent if isinstance(channel, discord.Thread) else channel
    own = (guild.me if guild else None) or (client.user if client else None)
    topic = getattr(titled, "topic", None) or ""
    names = {mark: name_in(client, mark, guild.id if guild else None) for mark in marks_in(topic)} if client else {}
    return Surroundings(
        parent_id,
        guild.id if guild else None,
        topic=with_names(topic, names),
        bot_name=own.display_name if own else "",
        thread=_title(channel) if isinstance(channel, discord.Thread) else "",
        begins_in=_beginning(channel) if isinstance(channel, discord.Thread) else 0,
    )


def _title(thread: discord.Thread) -> str:
    tags = ", ".join(tag.name for tag in thread.applied_tags)
    return f"{thread.name} (tags: {tags})" if tags else thread.name


def standing_for(client: discord.Client, channel_id: int, message_id: int) -> tuple[int, int]:
    """Return channel and id of the message that shows what becomes of a question in a channel.

    That is the question. Where a thread was opened for it, that is the message that the thread was started from.
    """
    channel = client.get_channel(channel_id)
    if isinstance(channel, discord.Thread) and message_id <= channel_id:
        return _beginning(channel), channel_id
    return channel_id, message_id


def _beginning(thread: discord.Thread) -> int:
    """Return the channel of a thread's first message: a forum's lies in the thread itself (docs: threads)."""
    return thread.id if isinstance(thread.parent, discord.ForumChannel) else thread.parent_id


def name_in(client: discord.Client, mark: str, guild_id: int | None) -> str:
    """Return the name of a person, role or channel of a server by its mark, "" if the client does not know it.

    A name from elsewhere is none: whoever is mentioned in one server must not be named by another.
    """
    sign, number = mark[0], int(mark[1:])
    guild = client.get_guild(guild_id) if guild_id else None
    if sign == "@" and client.user is not None and number == client.user.id:
        return ((guild.me if guild else None) or client.user).display_name
    if guild is None:
        return ""
    if sign == "@":
        member = guild.get_member(number)
        return member.display_name if member else ""
    found = guild.get_role(number) if sign == "&" else guild.get_channel_or_thread(number)
    return found.name if found else ""


def may_read_history(client: discord.Client, channel_id: int) -> bool:
    """Tell whether the bot may read a channel's history. Without the permission Discord shows an empty one.

    This is what discord.py's cache knows, and what is not known counts as allowed.
    """
    held = _held(client.get_channel(channel_id))
    return held is None or held.read_message_history


def lacks(client: discord.Client, channel_id: int) -> str:
    """Return the permission that the bot lacks to post in a channel, by its name in Discord's client; "" if none.

    This is what discord.py's cache knows, and what is not known is not lacking.
    """
    channel = client.get_channel(channel_id)
    held = _held(channel)
    if held is None:
        return ""
    if not held.view_channel:
        return "View Channel"
    if isinstance(channel, discord.Thread):
        return "" if held.send_messages_in_threads else "Send Messages in Threads"
    return "" if held.send_messages else "Send Messages"


def no_thread(client: discord.Client, channel_id: int) -> str:
    """Return why no thread can be started from a message of a channel; "" if one can, as far as is known.

    Threads belong to a server's text and announcement channels (docs: start thread from message).
    """
    channel = client.get_channel(channel_id)
    held = _held(channel)
    if channel is not None and not isinstance(channel, discord.TextChannel):
        return "this kind of channel has no threads"
    if held is not None and not held.create_public_threads:
        return "no permission Create Public Threads"
    return "" if held is None or held.send_messages_in_threads else "no permission Send Messages in Threads"


def _held(channel: object) -> discord.Permissions | None:
    """Return the bot's permissions in a channel or thread of a server, None where they are not known."""
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    if not isinstance(parent, discord.abc.GuildChannel):
        return None
    # A server that came without the bot as a member says nothing about its permissions.
    own: discord.Member | None = parent.guild.me
    return parent.permissions_for(own) if own is not None else None


@dataclass(frozen=True, slots=True)
class Places:
    """The settings ``[channels]``; an empty ``record`` or ``answer`` means everywhere."""

    record: frozenset[int] = frozenset()
    ignore: frozenset[int] = frozenset()
    answer: frozenset[int] = frozenset()
    no_answer: frozenset[int] = frozenset()

    def records(self, place: Place) -> bool:
        """Tell whether messages of this place are recorded."""
        return (not self.record or place.within(self.record)) and not place.within(self.ignore)

    def answers(self, place: Place) -> bool:
        """Tell whether messages of this place may be answered."""
        return (not self.answer or place.within(self.answer)) and not place.within(self.no_answer)
