"""One use of a command, from the acknowledgement to the answer, and what its interaction says about it.

An interaction needs its first response within three seconds, and its token lives for fifteen minutes
(docs/discord-facts.md, 1.4). So it is deferred before anything else, and answered by editing the original response,
which can be repeated without harm. An answer that comes after the token's end is dropped.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import discord
import structlog
from discord.webhook.async_ import async_context

from bot.backoff import backoff
from bot.gateway.http import InteractionHttp
from bot.gateway.requests import UNREADABLE
from bot.gateway.snowflakes import snowflake
from bot.moderation import commands
from bot.moderation.command import REPLAY, ReportFile

TOKEN_SECONDS = 14 * 60.0 + 45
"""Seconds for an answer: the token's fifteen minutes, minus the time of a request."""
ATTEMPTS = 4
ACKNOWLEDGEMENTS = 2
ACKNOWLEDGE_SECONDS = 1.4
"""Seconds for one acknowledgement, so that two fit into Discord's three."""
EDIT_SECONDS = 40.0
"""Seconds for one edit, including discord.py's own repeats after a 5xx (docs/discord-facts.md, 1.3)."""
ALREADY_ACKNOWLEDGED = 40060
GONE = {10008, 10015, 10062, 50027}
"""Discord's codes for an unknown message, webhook or interaction and an invalid token (docs: JSON error codes)."""

_ADMITTED = "invocation"

_log = structlog.get_logger()


class Expired(Exception):
    """The interaction's token is no longer valid, so the asker can't be answered."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who uses a command; ``permissions`` are theirs in that channel, as Discord resolved them."""

    user_id: int
    permissions: int
    roles: frozenset[int]
    guild_id: int | None


@dataclass(slots=True)
class Invocation:
    """A person's use of a command or a button.

    ``command`` is its name in the settings, ``noted_as`` its name in the log ("": it is not recorded). ``deadline`` is
    a time of the event loop. ``word`` belongs to the live answer whose button was pressed. ``public``: everybody sees
    the answer. ``aside``: a press is answered by a message of its own, and not by an edit of the one with the button.
    """

    interaction: discord.Interaction
    command: str
    options: str
    deadline: float
    noted_as: str
    word: str = ""
    public: bool = False
    aside: bool = False
    _responses: InteractionHttp = field(default_factory=InteractionHttp)

    @property
    def asker(self) -> Asker:
        """Return who asks."""
        return asker_of(self.interaction)

    @property
    def by(self) -> str:
        """Return the asker as the log shows it."""
        return str(self.interaction.user.id)

    async def defer(self) -> None:
        """Acknowledge at once and answer later; raise Expired when it is too late."""
        response = self.interaction.response
        if self.interaction.type is discord.InteractionType.component and not self.aside:
            await self._respond(response.defer)
        else:
            await self._respond(partial(response.defer, ephemeral=not self.public, thinking=True))

    async def say(self, sentence: str) -> None:
        """Acknowledge with a sentence for the asker's eyes alone; raise Expired when it is too late."""
        none = discord.AllowedMentions.none()
        send = self.interaction.response.send_message
        await self._respond(partial(send, sentence, ephemeral=True, allowed_mentions=none))

    async def pass_over(self) -> None:
        """Acknowledge a press without saying anything; raise Expired when it is too late."""
        await self._respond(self.interaction.response.defer)

    async def _respond(self, acknowledge: Callable[[], Awaitable[object]]) -> None:
        """Acknowledge.

        After a broken connection, or an answer that is not Discord's, nobody knows whether the acknowledgement arrived.
        So it is repeated.
        """
        for _ in range(ACKNOWLEDGEMENTS):
            try:
                async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                    with self._believing():
                        await acknowledge()
            except discord.InteractionResponded:
                # The first one arrived, but Discord's answer could not be read.
                return
            except discord.HTTPException as error:
                # discord.py repeats it after a 5xx (docs/discord-facts.md, 1.3); Discord may have taken the first.
                if error.code == ALREADY_ACKNOWLEDGED:
                    return
                raise Expired from error
            except UNREADABLE as error:
                _log.debug("acknowledgement.unknown", error=type(error).__name__)
                continue
            return
        raise Expired

    async def show(self, text: str, *, view: discord.ui.View | None = None, file: ReportFile | None = None) -> int:
        """Show an answer and return the id of its message.

        Raises Expired when the time is over, and discord.py's errors when the edit fails.
        """
        for attempt in range(1, ATTEMPTS + 1):
            if self._left <= 0:
                raise Expired
            try:
                return await self._edit(text, view, file)
            except discord.HTTPException as error:
                if error.code in GONE or error.status == HTTPStatus.UNAUTHORIZED:
                    raise Expired from error
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS:
                    raise
            except RuntimeError:
                # The client is closed.
                raise
            except UNREADABLE as error:
                if attempt == ATTEMPTS:
                    raise
                if isinstance(error, discord.RateLimited):
                    await asyncio.sleep(min(error.retry_after, self._left))
            await asyncio.sleep(backoff(attempt, 5.0))
        raise Expired

    async def _edit(self, text: str, view: discord.ui.View | None, file: ReportFile | None) -> int:
        attachments = [discord.File(io.BytesIO(file.content), file.name)] if file is not None else []
        soon = asyncio.get_running_loop().time() + EDIT_SECONDS
        async with asyncio.timeout_at(min(self.deadline, soon)):
            with self._believing():
                message = await self.interaction.edit_original_response(
                    content=text, view=view, attachments=attachments, allowed_mentions=discord.AllowedMentions.none()
                )
        return snowflake(message.id)

    @property
    def _left(self) -> float:
        """Return the seconds that are left for an answer."""
        return self.deadline - asyncio.get_running_loop().time()

    @contextmanager
    def _believing(self) -> Iterator[None]:
        """Have discord.py use our requests; it takes them from a context variable."""
        token = async_context.set(self._responses)
        try:
            yield
        finally:
            async_context.reset(token)


def asker_of(interaction: discord.Interaction) -> Asker:
    """Return the asker, with the permissions that Discord resolved for this interaction."""
    user = interaction.user
    roles = (role.id for role in user.roles) if isinstance(user, discord.Member) else ()
    return Asker(user.id, interaction.permissions.value, frozenset(roles), interaction.guild_id)


def admit(interaction: discord.Interaction, invocation: Invocation) -> None:
    """Attach an admitted use to its interaction."""
    interaction.extras[_ADMITTED] = invocation


def is_admitted(interaction: discord.Interaction) -> bool:
    """Tell whether an interaction was admitted as a use."""
    return _ADMITTED in interaction.extras


def invocation_of(interaction: discord.Interaction) -> Invocation:
    """Return the use that an interaction was admitted as."""
    invocation: Invocation = interaction.extras[_ADMITTED]
    return invocation


def command_of(interaction: discord.Interaction) -> str:
    """Return a command's name in the settings: the words after ``/replay``, or the whole name of another command."""
    data = _data(interaction)
    name = str(data.get("name", ""))
    words = [str(option.get("name", "")) for option in _path(data)]
    menus = {each.menu: each.name for each in commands.COMMANDS if each.menu}
    return " ".join(words if words and name == REPLAY else [menus.get(name, name), *words])


def options_of(interaction: discord.Interaction) -> str:
    """Return the options of a command as the asker gave them."""
    data = _data(interaction)
    if data.get("target_id"):
        return f"message:{data['target_id']}"
    given = _options(data)
    for option in _path(data):
        given = _options(option)
    return " ".join(f"{option.get('name', '')}:{option.get('value', '')}" for option in given)


def custom_id_of(interaction: discord.Interaction) -> str:
    """Return the id of the button that was pressed, or of the form that was sent."""
    return str(_data(interaction).get("custom_id", ""))


def _data(interaction: discord.Interaction) -> Mapping[str, Any]:
    data: Any = interaction.data
    return data if isinstance(data, Mapping) else {}


def _options(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the options within a command or an option, without malformed ones."""
    options = data.get("options")
    return [option for option in options if isinstance(option, Mapping)] if isinstance(options, list) else []


def _path(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the subcommands (types 1 and 2) that were chosen."""
    chosen = next(iter(_options(data)), None)
    while chosen is not None and chosen.get("type") in (1, 2):
        yield chosen
        chosen = next(iter(_options(chosen)), None)
