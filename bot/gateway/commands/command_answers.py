"""Carry out a command from Discord: from its options to its function's arguments, and to a report or preview."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import discord

from bot.gateway.commands.access import NotAllowed, channel_meant, visible
from bot.gateway.commands.answers import Confirmation, PagedReport
from bot.gateway.commands.dispatcher import Dispatcher
from bot.gateway.commands.progress import PROGRESS_SECONDS, ProgressMessage
from bot.gateway.invocation import Invocation, invocation_of
from bot.moderation.command import (
    MESSAGES,
    PLACES,
    SEEN_CHANNELS,
    WHOLE_CHANNELS,
    Command,
    Kind,
    ModerationError,
    Report,
)
from bot.moderation.context import CommandContext
from bot.moderation.place_settings import Scope
from bot.moderation.points import is_all, named_message

LINES = 10
"""Events of one page; so many lines nearly always fit in a message."""
EVERYWHERE = "everywhere"
SNOWFLAKE = re.compile(r"(?<![0-9A-Za-z])[0-9]{15,20}(?![0-9A-Za-z])")

Given = Mapping[str, Any]
"""Options by the names of the function's arguments; None: not given."""


class CommandAnswers:
    """Carries out commands and answers with their reports."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.context: CommandContext = dispatcher.context
        self._reading: set[int] = set()

    def open_to_all(self, command: Command) -> bool:
        """Tell whether everybody may use a command, by the settings or by what it is."""
        return command.full_name in self._dispatcher.access.for_all

    async def serve(self, interaction: discord.Interaction, command: Command, given: Given) -> None:
        """Answer an admitted use of a command."""

        async def work(invocation: Invocation) -> PagedReport:
            return await (self._ask if command.preview else self._answer)(invocation, command, given)

        await self._dispatcher.serve(invocation_of(interaction), work)

    async def _answer(self, invocation: Invocation, command: Command, given: Given) -> PagedReport:
        arguments = await self._arguments(invocation, command, given)

        async def page(cursor: str) -> Report:
            return await self._run(invocation, command, {**arguments, "cursor": cursor})

        report = await self._run(invocation, command, arguments)
        if not command.for_all and not command.of_kind(*PLACES) and not self._dispatcher.owned_by(invocation.asker):
            # In a bot of several servers, each server learns of its own channels only.
            report = replace(report, lines=tuple(line for line in report.lines if _shown(invocation.interaction, line)))
        fetch = page if command.of_kind(Kind.CURSOR) else None
        channel_id, channels = arguments.get("channel_id"), ()
        if command.of_kind(Kind.READABLE_CHANNELS):
            # What Discord showed when the command was used, it may not show any more when a page is turned.
            named = given.get("channels") is not None
            channel_id, channels = (next(iter(arguments["channels"])), ()) if named else (None, arguments["channels"])
        return PagedReport(report, channel_id=channel_id, channels=channels, fetch=fetch)

    async def _ask(self, invocation: Invocation, command: Command, given: Given) -> PagedReport:
        """Answer with what a command would change and, if there is anything, with buttons to confirm or cancel it."""
        invocation.noted_as = f"{command.full_name} preview"
        arguments = await self._arguments(invocation, command, given)
        preview = await self._run(invocation, command.previewing or command, arguments)
        channel_id = arguments.get("channel_id")
        if not preview.data["changed"]:
            return PagedReport(preview, channel_id=channel_id)
        points = [point.argument for point in command.of_kind(Kind.POINT)]

        async def act() -> Report:
            return await self._run(invocation, command, settled(preview, arguments, *points))

        undoing = command.undoing

        async def undo(report: Report) -> Report:
            return await self._run(invocation, undoing or command, {**arguments, "of": report.data["version"]})

        return Confirmation(
            preview, channel_id=channel_id, label=command.label, act=act, undo=undo if undoing else None
        )

    async def _run(self, invocation: Invocation, command: Command, arguments: Given) -> Report:
        """Carry out a command in each partition that it is about."""
        parts = self._dispatcher.parts
        if parts is None:
            return await self._run_in(self.context, invocation, command, arguments)
        meant = parts.meant(self.context, command, arguments, direct=invocation.interaction.guild_id is None)
        reports = {
            number: await self._run_in(context, invocation, command, arguments) for number, context in meant.items()
        }
        return parts.together(reports) if len(reports) > 1 else next(iter(reports.values()))

    async def _run_in(
        self, context: CommandContext, invocation: Invocation, command: Command, arguments: Given
    ) -> Report:
        given = {
            "by": invocation.by,
            "asked_in": invocation.interaction.guild_id,
            "owner": self._dispatcher.owned_by(invocation.asker),
            "limit_bytes": invocation.interaction.filesize_limit,
        }
        more: dict[str, Any] = {name: value for name, value in given.items() if command.takes(name)}
        if command.takes("server_id"):
            more["server_id"] = self._server(invocation)
        if command.for_all:
            return await self._run_alone(invocation.asker.user_id, partial(command.run, context, **arguments, **more))
        if not command.takes("progress"):
            return await command.run(context, **arguments, **more)
        progress = ProgressMessage(invocation, PROGRESS_SECONDS)
        try:
            return await command.run(context, **arguments, **more, progress=progress)
        finally:
            await progress.close()

    async def _run_alone(self, person_id: int, run: Callable[[], Awaitable[Report]]) -> Report:
        """Run a command that everybody may use, one at a time for each person: it may read the whole log."""
        if person_id in self._reading:
            raise ModerationError("I am still at work on what you asked before: wait for that answer.")
        self._reading.add(person_id)
        try:
            return await run()
        finally:
            self._reading.discard(person_id)

    async def _arguments(self, invocation: Invocation, command: Command, given: Given) -> dict[str, Any]:
        """Return the arguments of the command's function; raise NotAllowed or ModerationError for invalid options."""
        if command.either and sum(given.get(each.argument) is not None for each in command.choices) != 1:
            raise ModerationError(command.either.missing)
        arguments: dict[str, Any] = {}
        for parameter in command.parameters:
            if parameter.is_option or parameter.kind is Kind.PAGE_SIZE:
                value = given.get(parameter.argument)
                arguments[parameter.argument] = self._read(invocation, parameter.kind, value)
        for channel in command.of_kind(*WHOLE_CHANNELS):
            points = [given.get(each.argument) for each in command.of_kind(Kind.POINT, *MESSAGES)]
            arguments["channel_id"] = await self._channel(invocation, channel.kind, given.get("channel_id"), points)
        if command.of_kind(*SEEN_CHANNELS):
            arguments["channels"] = await self._visible_channels(invocation.interaction, given.get("channels"))
        if command.of_kind(Kind.READABLE_CHANNELS) and arguments["channels"] is None:
            arguments["channels"] = {invocation.interaction.channel_id or 0: ""}
        return arguments

    def _read(self, invocation: Invocation, kind: Kind, value: Any) -> Any:  # noqa: ANN401 - as its kind has it
        match kind:
            case Kind.MESSAGE | Kind.MESSAGE_OR_ALL:
                return named_message(value, or_all=kind is Kind.MESSAGE_OR_ALL)
            case Kind.EVENT_TYPES:
                return (value,) if value else ()
            case Kind.PERSON:
                return value.id if value else None
            case Kind.PAGE_SIZE:
                return LINES
            case Kind.PLACE:
                return self._scope(invocation, server=value == "server")
            case Kind.SERVER_OR_ALL:
                return None if value == EVERYWHERE else invocation.interaction.guild_id
        return value

    async def _channel(
        self, invocation: Invocation, kind: Kind, channel: str | None, points: list[str | None]
    ) -> int | None:
        """Return the channel that is meant, or None for the whole log, which only an owner of the bot may mean."""
        named = [text for text in points if text is not None and not is_all(text)]
        anywhere = kind is Kind.CHANNEL_OR_LOG and channel is None and not named
        if anywhere and self._dispatcher.owned_by(invocation.asker):
            return None
        return await channel_meant(invocation.interaction, self.context.reader, channel, *named)

    async def _visible_channels(self, interaction: discord.Interaction, channel: str | None) -> dict[int, str] | None:
        """Return the channels to count, with their names; None: all."""
        guild = interaction.guild
        known = {} if guild is None else {each.id: each for each in (*guild.channels, *guild.threads)}
        names = {channel_id: f"#{each.name}" for channel_id, each in known.items()}
        if channel is not None:
            channel_id = await channel_meant(interaction, self.context.reader, channel)
            return {channel_id: names.get(channel_id, "")}
        if guild is None:
            return None
        here = interaction.channel_id or 0
        seen = {key: names[key] for key, each in known.items() if key == here or visible(interaction, each)}
        return {here: ""} | seen

    def _scope(self, invocation: Invocation, *, server: bool) -> Scope:
        """Return whose setting is meant; raise NotAllowed for a server's if the asker may not change all of it."""
        interaction = invocation.interaction
        if server:
            self._require_everywhere(invocation)
        parent = getattr(interaction.channel, "parent_id", None)
        return Scope(interaction.channel_id or 0, parent, interaction.guild_id, server=server)

    def _server(self, invocation: Invocation) -> int:
        """Return the server; raise ModerationError where there is none, NotAllowed if the asker may not everywhere."""
        if invocation.interaction.guild_id is None:
            raise ModerationError("There is no server here: use this in a channel of the server that it is about.")
        self._require_everywhere(invocation)
        return invocation.interaction.guild_id

    def _require_everywhere(self, invocation: Invocation) -> None:
        """Raise NotAllowed if the asker may not use the command in the whole server.

        A person may have the permission in one channel and not in the rest of the server.
        """
        member = invocation.interaction.user
        if isinstance(member, discord.Member):
            everywhere = replace(invocation.asker, permissions=member.guild_permissions.value)
            if refusal := self._dispatcher.access.refusal(everywhere, invocation.command):
                raise NotAllowed(refusal)


def settled(preview: Report, arguments: Given, *points: str) -> dict[str, Any]:
    """Return arguments with the previewed versions: "10 minutes ago" may be another version at confirmation."""
    found = {name: preview.data.get(name) for name in points}
    return {**arguments, **{name: str(version) for name, version in found.items() if isinstance(version, int)}}


def _shown(interaction: discord.Interaction, line: str) -> bool:
    """Tell whether all ids in a line are those of channels that the asker can see."""
    guild = interaction.guild
    ids = map(int, SNOWFLAKE.findall(line))
    return guild is not None and all(visible(interaction, guild.get_channel_or_thread(found)) for found in ids)
