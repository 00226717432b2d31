"""One call of the control API: reads its values, and finds the channels, users and guilds that it names."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.sandbox.errors import ControlError, first_problem
from bot.sandbox.json_codec import Json, decode
from bot.sandbox.models import Application, Channel, Guild, Message, User
from bot.sandbox.services import Services
from bot.sandbox.world import World

ControlHandler: TypeAlias = Callable[["ControlCall"], Awaitable[Any]]
_MISSING: Any = object()
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ControlRoute:
    """A route; ``example`` is an example of its body or query."""

    method: str
    path: str
    handler: ControlHandler
    example: Any = None


@dataclass(slots=True)
class ControlCall:
    """One call; ``body`` is its JSON object (its query for GET and DELETE), with the parameters of its path."""

    services: Services
    body: Json

    @classmethod
    async def read(cls, services: Services, request: web.Request) -> ControlCall:
        """Read the request; raise ControlError if its body is not a JSON object."""
        if request.method in ("GET", "DELETE"):
            return cls(services, {**request.query, **request.match_info})
        data = await request.read()
        try:
            body = decode(data) if data.strip() else {}
        except ValueError as error:
            message = "The body is not JSON."
            raise ControlError(message) from error
        if not isinstance(body, dict):
            message = "The body must be a JSON object."
            raise ControlError(message)
        return cls(services, {**body, **request.match_info})

    def part(self, body: Json) -> ControlCall:
        """Make a call of an object inside the body."""
        return ControlCall(self.services, body)

    def read_as(self, model: type[_Model]) -> _Model:
        """Check the body with a pydantic model."""
        try:
            return model.model_validate(self.body)
        except ValidationError as error:
            raise ControlError(first_problem(error)) from error

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

    def guild(self) -> Guild:
        """Find the guild ``guild`` by id or name; the first one if none is named."""
        guilds, key = self.world.guilds, self.body.get("guild")
        if key is None and guilds:
            return next(iter(guilds.values()))
        found = guilds.get(_as_id(key)) or next((guild for guild in guilds.values() if guild.name == key), None)
        if found is None:
            raise _unknown("guild", key)
        return found

    def channel(self, name: str = "channel", default: Any = _MISSING) -> Channel:  # noqa: ANN401 - id or name
        """Find a channel, thread or DM by id, or a channel or thread by name (a leading # is fine)."""
        key = self._value(name, default)
        found = self.world.channels.get(_as_id(key))
        if found is not None:
            return found
        plain = key.removeprefix("#") if isinstance(key, str) else None
        for channel in self.world.channels.values():
            if channel.name == plain and not channel.is_dm:
                return channel
        raise _unknown("channel", key)

    def user(self, name: str = "user", default: Any = None, *, create: bool = True) -> User:  # noqa: ANN401 - id or name
        """Find a user by id or name; a new name makes a new person if ``create``."""
        key = self._value(name, default)
        found = self.world.users.get(_as_id(key))
        if found is None and isinstance(key, str) and key.strip():
            found = self.world.find_user(key)
            if found is None and create and not key.isdecimal():
                found = self.world.create_user(key)
        if found is None:
            raise _unknown("user", key)
        return found

    def message(self, name: str = "message") -> Message:
        """Find a message by id, deleted or not."""
        key = self.body.get(name)
        message = self.world.messages.get(_as_id(key))
        if message is None:
            raise _unknown("message", key)
        return message

    def live_message(self, name: str = "message") -> Message:
        """Find a message that still exists."""
        message = self.message(name)
        if message.deleted:
            raise ControlError(f"Message {message.id} is deleted.", status=404)
        return message

    def application(self) -> Application:
        """Find the application ``application`` by id or name; the first one if none is named."""
        key = self.body.get("application")
        if key is None:
            return self.services.application
        found = self.world.applications.get(_as_id(key))
        for application in self.world.applications.values():
            if found is None and application.name == key:
                found = application
        if found is None:
            raise _unknown("application", key)
        return found


def _as_id(key: object) -> int:
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) <= 20 else -1  # noqa: PLR2004


def _unknown(what: str, key: object) -> ControlError:
    return ControlError(f"There is no {what} {key!r}.", status=404)
