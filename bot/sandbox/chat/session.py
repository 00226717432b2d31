"""One chat: who speaks, in which channel, and the look-up of names that a person types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bot.sandbox.chat.screen import ChatScreen, printable
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.models import Application, Channel, GuildRole, Message, User
from bot.sandbox.services import Services
from bot.sandbox.world import World

_MARKUP = re.compile(r"<(?P<sign>@!?|@&|#)(?P<id>\d{1,20})>")
_SHORT = re.compile(r"\^(?P<back>[1-9]\d{0,3})")
_LINK = re.compile(r"<?https?://\S+/channels/\S+/(?P<id>\d{1,20})>?")
_ID = re.compile(r"\d{1,20}")
_MOST_LISTED = 12


class Names:
    """Looks up names in the world as it is now."""

    def __init__(self, world: World) -> None:
        """Take the world."""
        self._world = world

    def people(self) -> dict[str, User]:
        """Return people and bots by name; a person hides a bot of the same name."""
        users = [user for user in self._world.users.values() if not user.webhook]
        return {user.name: user for user in sorted(users, key=lambda user: (not user.bot, -user.id))}

    def bots(self) -> list[User]:
        """Return the account of each application."""
        return [application.user for application in self._world.applications.values()]

    def channels(self) -> dict[str, Channel]:
        """Return the channels and threads by name."""
        return {channel.name: channel for channel in reversed(self._world.channels.values()) if not channel.is_dm}

    def roles(self) -> dict[str, GuildRole]:
        """Return the roles by name, except @everyone."""
        return {
            role.name: role
            for guild in self._world.guilds.values()
            for role in guild.roles.values()
            if role.id != guild.id
        }

    # -- mentions --------------------------------------------------------------------------------------------------

    def addressed(self, text: str) -> str:
        """Turn a bot's name at the beginning of a line into a mention, and drop the comma after it."""
        for bot in self.bots():
            found = re.match(rf"@?{re.escape(bot.name)}(?![\w-])[,:]?\s*", text, re.IGNORECASE)
            if found is not None:
                return f"<@{bot.id}> {text[found.end() :]}".rstrip()
        return text

    def marked_up(self, text: str) -> str:
        """Turn ``@name`` and ``#name`` into mentions; leave unknown names unchanged."""
        ids = {f"@{name}": f"<@&{role.id}>" for name, role in self.roles().items()}
        ids |= {f"@{name}": f"<@{user.id}>" for name, user in self.people().items()}
        ids |= {f"#{name}": f"<#{channel.id}>" for name, channel in self.channels().items()}
        names = "|".join(re.escape(name) for name in sorted(ids, key=len, reverse=True))
        return re.sub(rf"(?<![\w<])(?:{names})(?![\w-])", lambda found: ids[found[0]], text) if names else text

    def plain(self, text: str) -> str:
        """Turn mentions into what Discord shows: ``@alice``, ``#general``."""
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
        """Return the id of the named person or bot; raise SandboxError for an unknown name."""
        return _found(text.removeprefix("@"), self.people(), "person", text)

    def channel_id(self, text: str) -> str:
        """Return the id of the named channel or thread; raise SandboxError for an unknown name."""
        return _found(text.removeprefix("#"), self.channels(), "channel", text)

    def role_id(self, text: str) -> str:
        """Return the id of the named role; raise SandboxError for an unknown name."""
        return _found(text.removeprefix("@"), self.roles(), "role", text)

    def message_id(self, text: str, channel: Channel) -> str | None:
        """Return the id that an id, a link or ``^1`` (the newest of the channel) stands for; None for other text."""
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
        """Return the named message; raise SandboxError if there is none."""
        found = self.message_id(text, channel)
        message = None if found is None else self._world.messages.get(int(found))
        if message is None:
            raise SandboxError(f"{text!r} is no message: give its id (/ids shows them) or ^1 for the newest here.")
        return message


def _found(name: str, things: Mapping[str, User | Channel | GuildRole], what: str, typed: str) -> str:
    """Find something by its name, id or mention; return its id."""
    markup = _MARKUP.fullmatch(typed)
    key = markup["id"] if markup is not None else name
    for each in things.values():
        if key in (each.name, str(each.id)):
            return str(each.id)
    raise unknown(f"There is no {what} {name!r}", name, things)


def unknown(sentence: str, typed: str, known: Iterable[str], sign: str = "") -> SandboxError:
    """Return the error for an unknown name; it suggests the nearest known name, or else lists some."""
    names = list(known)
    by_small_letters = {name.lower(): name for name in names}
    close = get_close_matches(typed.lower(), by_small_letters, n=1, cutoff=0.6)
    if close:
        return SandboxError(f"{sentence}: did you mean {sign}{by_small_letters[close[0]]}?")
    listed = ", ".join(f"{sign}{name}" for name in names[:_MOST_LISTED])
    return SandboxError(f"{sentence}; there are {listed}." if listed else f"{sentence}.")


@dataclass(slots=True)
class ChatSession:
    """One chat: ``author`` is the name that speaks, ``channel`` is where."""

    services: Services
    control: ControlClient
    screen: ChatScreen
    names: Names
    author: str
    channel: Channel

    @property
    def channel_id(self) -> str:
        """Return the channel's id as the control API takes it."""
        return str(self.channel.id)

    @property
    def prompt(self) -> str:
        """Return what the prompt shows before the line, made printable."""
        where = "(private)" if self.channel.is_dm else f"#{self.channel.name}"
        return f"{printable(self.author)} {printable(where)}"

    def connected(self) -> set[Application]:
        """Return the applications whose bot is connected."""
        return {session.application for session in self.services.hub.ready_sessions()}

    def messages_here(self) -> list[Message]:
        """Return the messages of the channel that still exist, the newest first."""
        return [self.services.world.messages[key] for key in reversed(self.channel.message_ids)]
