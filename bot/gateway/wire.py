"""MESSAGE_CREATE of a server's known channel, from Discord's own JSON.

discord.py would build an object of each message, which costs more than all the rest of taking it. The bot needs one
only where discord.py learns from it what it keeps and the bot asks it for:

- the bot's own name and roles in a server come with its own messages and may come with a reply to one;
- a thread may come with the message that it was started from;
- a private channel becomes known by its first message.

Such messages, those of unknown channels, and those that lack something go through discord.py. It keeps nothing else of
a message with this client's options: no messages, so no votes either, and no other members or users. The newest id of a
channel is noted here. ``tests/gateway/test_wire.py`` holds discord.py to that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import discord

from bot.gateway.incoming import Incoming, from_payload
from bot.gateway.places import HOLDING, Place

EVENT = "MESSAGE_CREATE"

_ALWAYS = frozenset(("id", "type", "content", "attachments", "mentions"))
_ALWAYS_OF_AUTHOR = frozenset(("id", "username", "discriminator", "avatar"))
_ALWAYS_OF_FILE = frozenset(("id", "filename", "size", "url", "proxy_url"))
_LEARNED = frozenset(("member", "thread", "referenced_message"))
"""What may tell discord.py, within a message that is replied to, of the bot itself or of a thread."""


class Arrival(NamedTuple):
    """A message that the gateway brings, and its place."""

    incoming: Incoming
    place: Place


def take_first(parsers: dict[str, Callable[[Any], None]], take: Callable[[Any], bool]) -> None:
    """Have ``take`` asked before discord.py's parser of messages, which parses what ``take`` returns False for.

    A discord.py without such a parser is left as it is.
    """
    if EVENT in parsers:
        parsers[EVENT] = partial(_taken, take, parsers[EVENT])


def _taken(take: Callable[[Any], bool], parse: Callable[[Any], None], data: Any) -> None:  # noqa: ANN401 - JSON
    if not take(data):
        parse(data)


def arrival(client: discord.Client, data: Any, own_id: int) -> Arrival | None:  # noqa: ANN401 - Discord's JSON
    """Translate a message and note it as its channel's newest; return None when discord.py has to parse it."""
    try:
        if "guild_id" not in data or not whole(data) or _teaches(data):
            return None
        incoming = from_payload(data, own_id, client=client)
        guild = client.get_guild(incoming.guild_id) if incoming.guild_id and incoming.author_id != own_id else None
        channel = guild.get_channel_or_thread(incoming.channel_id) if guild else None
        if guild is None or not isinstance(channel, HOLDING):
            return None
        channel.last_message_id = incoming.message_id
    except Exception:  # noqa: BLE001 - whatever it is: discord.py's own way has an answer to each odd payload
        return None
    return Arrival(incoming, Place(incoming.channel_id, getattr(channel, "parent_id", None), guild.id))


def whole(data: Any) -> bool:  # noqa: ANN401 - Discord's JSON
    """Tell whether a message has all that Discord always sends. A mangled one is read from the history instead."""
    return (
        data.keys() >= _ALWAYS
        and isinstance(data["content"], str)
        and isinstance(data["type"], int)
        and data["author"].keys() >= _ALWAYS_OF_AUTHOR
        and all(map(_whole_file, data["attachments"]))
    )


def _whole_file(file: Any) -> bool:  # noqa: ANN401 - Discord's JSON
    return file.keys() >= _ALWAYS_OF_FILE and isinstance(file["filename"], str) and isinstance(file["size"], int)


def _teaches(data: Any) -> bool:  # noqa: ANN401 - Discord's JSON
    """Tell whether discord.py may learn from a message what the bot asks it for."""
    replied = data.get("referenced_message")
    return "thread" in data or (replied is not None and not _LEARNED.isdisjoint(replied))
