"""One control request, and how it names things: channels, users and guilds by id or by name."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json, decode
from bot.sandbox.models import Application, Channel, Guild, Message, User
from bot.sandbox.services import Services
from bot.sandbox.world import World

ControlHandler: TypeAlias = Callable[["ControlCall"], Awaitable[Any]]
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class ControlRoute:
    """A route; ``example`` is a body (or query) that works on a fresh sandbox, or nearly."""

    method: str
    path: str
    handler: ControlHandler
    example: Any = None


@dataclass(slots=True)
class ControlCall:
    """One request; ``body`` is its JSON object, or its query for GET and DELETE."""

    services: Services
    request: web.Request
    body: Json

    @classmethod
    async def read(cls, services: Services, request: web.Request) -> ControlCall:
        """Read the request; 400 when it is not a JSON object."""
        if request.method in ("GET", "DELETE"):
            return cls(services, request, dict(request.query))
        data = await request.read()
        try:
            body = decode(data) if data.strip() else {}
        except ValueError as error:
            message = "The body is not JSON."
            raise ControlError(message) from error
        if not isinstance(body, dict):
            message = "The body must be a JSON object."
            raise ControlError(message)
        return cls(services, request, body)

    @property
    def world(self) -> World:
        """The world."""
        return self.services.world

    # -- plain values ----------------------------------------------------------------------------------------------

    def text(self, name: str, default: Any = _MISSING) -> Any:  # noqa: ANN401 - the default decides
        """Read a text."""
        value = self._value(name, default)
        if value is not default and not isinstance(value, str):
            raise ControlError(f"{name} must be text.")
        return value

    def number(self, name: str, default: Any = _MISSING, *, whole: bool = False) -> Any:  # noqa: ANN401
        """Read a number; query strings may hold one too."""
        value = self._value(name, default)
        if value is default:
            return default
        wrong = ControlError(f"{name} must be a {'whole ' if whole else ''}number.")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise wrong
        try:
            number = int(value) if whole else float(value)
        except (ValueError, OverflowError):
            raise wrong from None
        if math.isnan(number):
            raise wrong
        return number

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read true or false."""
        value = self._value(name, default)
        if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
            return value.lower() in ("true", "1")
        if not isinstance(value, bool):
            raise ControlError(f"{name} must be true or false.")
        return value

    def items(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Read an array."""
        value = self._value(name, default if default is not None else _MISSING)
        if not isinstance(value, list):
            raise ControlError(f"{name} must be an array.")
        return value

    def mapping(self, name: str, default: Json | None = None) -> Json:
        """Read an object."""
        value = self._value(name, default if default is not None else _MISSING)
        if not isinstance(value, dict):
            raise ControlError(f"{name} must be an object.")
        return value

    def _value(self, name: str, default: Any) -> Any:  # noqa: ANN401 - JSON
        value = self.body.get(name)
        if value is None:
            if default is _MISSING:
                raise ControlError(f"{name} is missing.")
            return default
        return value

    # -- things ----------------------------------------------------------------------------------------------------

    def path_id(self, name: str) -> int:
        """Read an id from the path."""
        text = self.request.match_info[name]
        if not text.isascii() or not text.isdecimal():
            raise ControlError(f"{text!r} is not an id.")
        return int(text)

    def guild(self, key: Any = None) -> Guild:  # noqa: ANN401 - id or name
        """Find a guild by id or name; the first one when none is named."""
        guilds = self.world.guilds
        if key is None:
            if guilds:
                return next(iter(guilds.values()))
        elif (found := guilds.get(_as_id(key))) is not None:
            return found
        else:
            for guild in guilds.values():
                if guild.name == key:
                    return guild
        raise ControlError(f"There is no guild {key!r}.", status=404)

    def channel(self, key: Any = None) -> Channel:  # noqa: ANN401 - id or name
        """Find a channel, thread or DM by id, or a channel or thread by name."""
        key = self._value("channel", _MISSING) if key is None else key
        return find_channel(self.world, key)

    def path_channel(self) -> Channel:
        """Find the channel of the path."""
        return self.channel(self.request.match_info["channel"])

    def user(self, key: Any, *, create: bool = True) -> User:  # noqa: ANN401 - id or name
        """Find a user by id or name; a new name makes a new person."""
        return find_user(self.world, key, create=create)

    def message(self, key: Any) -> Message:  # noqa: ANN401 - id
        """Find a message by id, deleted or not."""
        return find_message(self.world, key)

    def live_message(self, key: Any) -> Message:  # noqa: ANN401 - id
        """Find a message that still exists."""
        message = self.message(key)
        if message.deleted:
            raise ControlError(f"Message {message.id} is deleted.", status=404)
        return message

    def application(self, key: Any = None) -> Application:  # noqa: ANN401 - id or name
        """Find an application by id or name; the first one when none is named."""
        applications = self.world.applications
        if key is None:
            return self.services.application
        found = applications.get(_as_id(key))
        for application in applications.values():
            if found is None and application.name == key:
                found = application
        if found is None:
            raise ControlError(f"There is no application {key!r}.", status=404)
        return found


def _as_id(key: object) -> int:
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) <= 20 else -1  # noqa: PLR2004


def find_channel(world: World, key: object) -> Channel:
    """Find a channel by id, or by name (a leading # is fine)."""
    found = world.channels.get(_as_id(key))
    if found is not None:
        return found
    if isinstance(key, str):
        name = key.removeprefix("#")
        for channel in world.channels.values():
            if channel.name == name and not channel.is_dm:
                return channel
    raise ControlError(f"There is no channel {key!r}.", status=404)


def find_user(world: World, key: object, *, create: bool = True) -> User:
    """Find a user by id or name; a new name makes a new person when ``create``."""
    found = world.users.get(_as_id(key))
    if found is None and isinstance(key, str) and key.strip():
        found = world.find_user(key) or (world.create_user(key) if create and not key.isdecimal() else None)
    if found is None:
        raise ControlError(f"There is no user {key!r}.", status=404)
    return found


def find_message(world: World, key: object) -> Message:
    """Find a message by id, deleted or not."""
    message = world.messages.get(_as_id(key))
    if message is None:
        raise ControlError(f"There is no message {key!r}.", status=404)
    return message
