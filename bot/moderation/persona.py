"""Show, set and clear the persona of the bot, for a channel or thread or for a whole server."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.commands import SetPersona
from bot.core.decider import set_persona
from bot.core.events import PersonaSet, Recorded
from bot.core.streams import guild_stream, stream_of
from bot.moderation.command import ModerationError, Report, ReportFile
from bot.moderation.context import CommandContext
from bot.moderation.text import printable, without_words
from bot.replies.personas import Personas, Surroundings, server_persona
from bot.times import utc_time

LONGEST = 4000
"""Characters of a persona; that is a bit more than fits into the budget of a small model."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose persona is meant: the channel's or, with ``server``, that of the server that the channel belongs to."""

    channel_id: int
    parent_id: int | None = None
    guild_id: int | None = None
    server: bool = False

    @property
    def stream(self) -> str:
        """Return the stream that holds it; raise ModerationError if a server is meant and there is none."""
        if not self.server:
            return stream_of(self.channel_id)
        if self.guild_id is None:
            raise ModerationError("There is no server here: only the persona of this channel can be set.")
        return guild_stream(self.guild_id)

    @property
    def name(self) -> str:
        """Return the name that people see."""
        return "this server" if self.server else f"<#{self.channel_id}>"


async def show(context: CommandContext, scope: Scope) -> Report:
    """Show the persona of a server, or the one that applies in a channel, with its origin."""
    if scope.server:
        _ = scope.stream
        found = await server_persona(context.reader, scope.guild_id or 0)
        at = found.position if found else 0
    else:
        personas = Personas(context.reader, lambda _: Surroundings(scope.parent_id, scope.guild_id))
        at = (await personas.persona(scope.channel_id, await context.state(scope.channel_id))).position
    if not at:
        return Report(f"The persona in {scope.name} is that of the settings.", (), {"persona": None})
    (recorded,) = await context.reader.at((at,))
    bodies = await context.reader.bodies((at,))
    body = bodies.get(at)
    text = body.text if body else ""
    return Report(
        f"The persona in {scope.name} is {origin(recorded)}:",
        tuple(printable(line) for line in text.splitlines()) or (without_words(bodies, at),),
        {"persona": text or None, "stream": recorded.stream, "version": recorded.version, "position": at},
        file=ReportFile("persona.txt", text.encode()) if len(text) > LONGEST // 4 else None,
    )


async def set_(context: CommandContext, scope: Scope, text: str, *, by: str) -> Report:
    """Set the persona, from the next answer on."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise ModerationError(f"A persona has from 1 to {LONGEST:,} characters, and this has {len(text):,}.")
    (recorded,) = await _record(context, scope, text, by)
    return Report(
        f"The persona of {scope.name} is set, as version {recorded.version}",
        ("It holds from my next answer on; /persona clear takes it away.",),
        {"stream": recorded.stream, "version": recorded.version, "position": recorded.position},
    )


async def clear(context: CommandContext, scope: Scope, *, by: str) -> Report:
    """Clear a persona; then that of the parent channel, the server or the settings applies."""
    if scope.server and await server_persona(context.reader, scope.guild_id or 0) is None:
        raise ModerationError(f"There is no persona of {scope.name} to clear.")
    recorded = await _record(context, scope, "", by)
    if not recorded:
        raise ModerationError(f"{scope.name} has no persona of its own to clear.")
    return Report(
        f"The persona of {scope.name} is cleared", (), {"stream": scope.stream, "version": recorded[-1].version}
    )


def origin(recorded: Recorded) -> str:
    """Return the origin of a persona: its stream and version, when it was set and by whom."""
    by = recorded.event.by if isinstance(recorded.event, PersonaSet) else "?"
    when = utc_time(recorded.recorded_at)
    return f"version {recorded.version} of {recorded.stream}, set by {printable(by)} at {when}"


async def _record(context: CommandContext, scope: Scope, text: str, by: str) -> tuple[Recorded, ...]:
    command = SetPersona(by, text, int(by) if by.isascii() and by.isdecimal() else None)
    stream, owner = scope.stream, context.owned()
    if not scope.server:
        return await owner.conversations.handle(scope.channel_id, command)
    return (await owner.log.append(stream, set_persona(command))).new
