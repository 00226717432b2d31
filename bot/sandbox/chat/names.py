"""Names and mentions: what a person types as a name, Discord's markup for it, and back again."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.sandbox.chat.mistakes import unknown
from bot.sandbox.chat.safe import printable
from bot.sandbox.errors import SandboxError
from bot.sandbox.models import Channel, GuildRole, Message, User
from bot.sandbox.world import World

_MARKUP = re.compile(r"<(?P<sign>@!?|@&|#)(?P<id>\d{1,20})>")
_SHORT = re.compile(r"\^(?P<back>[1-9]\d{0,3})")
_LINK = re.compile(r"<?https?://\S+/channels/\S+/(?P<id>\d{1,20})>?")
_ID = re.compile(r"\d{1,20}")


class Names:
    """Looks names up in the world as it is now."""

    def __init__(self, world: World) -> None:
        """Take the world."""
        self._world = world

    def people(self) -> dict[str, User]:
        """Return everybody by name, bots included; of namesakes a person goes before a bot."""
        users = [user for user in self._world.users.values() if not user.webhook]
        return {user.name: user for user in sorted(users, key=lambda user: (not user.bot, -user.id))}

    def bots(self) -> list[User]:
        """Return the account of each application."""
        return [application.user for application in self._world.applications.values()]

    def channels(self) -> dict[str, Channel]:
        """Return the channels and threads by name."""
        return {channel.name: channel for channel in reversed(self._world.channels.values()) if not channel.is_dm}

    def roles(self) -> dict[str, GuildRole]:
        """Return the roles by name, except that of everyone."""
        return {
            role.name: role
            for guild in self._world.guilds.values()
            for role in guild.roles.values()
            if role.id != guild.id
        }

    # -- mentions --------------------------------------------------------------------------------------------------

    def addressed(self, text: str) -> str:
        """Return a line whose first word may be a bot's name, which mentions the bot; the comma after it goes."""
        for bot in self.bots():
            found = re.match(rf"@?{re.escape(bot.name)}(?![\w-])[,:]?\s*", text, re.IGNORECASE)
            if found is not None:
                return f"<@{bot.id}> {text[found.end() :]}".rstrip()
        return text

    def marked_up(self, text: str) -> str:
        """Return text with ``@name`` and ``#name`` as the mentions they are; names that nobody has stay as they are."""
        ids = {f"@{name}": f"<@&{role.id}>" for name, role in self.roles().items()}
        ids |= {f"@{name}": f"<@{user.id}>" for name, user in self.people().items()}
        ids |= {f"#{name}": f"<#{channel.id}>" for name, channel in self.channels().items()}
        names = "|".join(re.escape(name) for name in sorted(ids, key=len, reverse=True))
        return re.sub(rf"(?<![\w<])(?:{names})(?![\w-])", lambda found: ids[found[0]], text) if names else text

    def plain(self, text: str) -> str:
        """Return text with mentions as Discord shows them: ``@alice``, ``#general``."""
        return _MARKUP.sub(self._name_of, text)

    def _name_of(self, found: re.Match[str]) -> str:
        key, sign = int(found["id"]), found["sign"]
        things: Mapping[int, User | Channel] = self._world.channels if sign == "#" else self._world.users
        if sign == "@&":
            name = next((role.name for role in self.roles().values() if role.id == key), "")
        else:
            name = things[key].name if key in things else ""
        return f"{sign[0]}{printable(name)}" if name else found[0]

    # -- one thing -------------------------------------------------------------------------------------------------

    def user_id(self, text: str) -> str:
        """Return the id of somebody who is named; raise SandboxError where nobody is."""
        return _found(text.removeprefix("@"), self.people(), "person", text)

    def channel_id(self, text: str) -> str:
        """Return the id of a channel or thread that is named; raise SandboxError where none is."""
        return _found(text.removeprefix("#"), self.channels(), "channel", text)

    def role_id(self, text: str) -> str:
        """Return the id of a role that is named; raise SandboxError where none is."""
        return _found(text.removeprefix("@"), self.roles(), "role", text)

    def message_id(self, text: str, channel: Channel) -> str | None:
        """Return the id of a message named by its id, its link or ``^1`` (the newest of the channel), or None."""
        short = _SHORT.fullmatch(text)
        if short is not None:
            back = int(short["back"])
            if back > len(channel.message_ids):
                raise SandboxError(f"There are only {len(channel.message_ids)} messages here: {text} is none of them.")
            return str(channel.message_ids[-back])
        link = _LINK.fullmatch(text)
        if link is not None:
            return link["id"]
        return text if _ID.fullmatch(text) else None

    def message(self, text: str, channel: Channel) -> Message:
        """Return the message that is named; raise SandboxError where none is."""
        found = self.message_id(text, channel)
        message = None if found is None else self._world.messages.get(int(found))
        if message is None:
            raise SandboxError(f"{text!r} is no message: give its id (/ids shows them) or ^1 for the newest here.")
        return message


def _found(name: str, things: Mapping[str, User | Channel | GuildRole], what: str, typed: str) -> str:
    """Return the id of what is named, by its name or its id."""
    markup = _MARKUP.fullmatch(typed)
    key = markup["id"] if markup is not None else name
    for each in things.values():
        if key in (each.name, str(each.id)):
            return str(each.id)
    raise unknown(f"There is no {what} {name!r}", name, things)
