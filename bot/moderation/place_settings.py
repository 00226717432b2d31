"""Show, set and clear the settings of a place: the persona of the bot, and the model that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.commands import Choose
from bot.core.events import ModelSet, PlaceSettingSet, Recorded
from bot.core.place_settings import MODEL, PERSONA, PlaceSetting
from bot.core.streams import guild_stream, stream_of
from bot.moderation.command import ModerationError, Report, ReportFile
from bot.moderation.context import CommandContext
from bot.moderation.text import printable, without_words
from bot.replies.place_settings import Held, PlaceSettings, Surroundings, of_server
from bot.times import utc_time

LONGEST = 4000
"""Characters of a persona; that is a bit more than fits into the budget of a small model."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose setting is meant: the channel's or, with ``server``, that of the server that the channel belongs to."""

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
            raise ModerationError("There is no server here: this can be set for this channel only.")
        return guild_stream(self.guild_id)

    @property
    def name(self) -> str:
        """Return the name that people see."""
        return "this server" if self.server else f"<#{self.channel_id}>"


async def show_persona(context: CommandContext, scope: Scope) -> Report:
    """Show the persona of a server, or the one that applies in a channel, with its origin."""
    if scope.server:
        at = await _of_server(context, scope, PERSONA)
    else:
        state = await context.state(scope.channel_id)
        at = (await _settings(context, scope).persona(scope.channel_id, state)).position
    if not at:
        return Report(f"The persona in {scope.name} is that of the settings.", (), {"persona": None})
    (recorded,) = await context.reader.at((at,))
    bodies = await context.reader.bodies((at,))
    body = bodies.get(at)
    text = body.text if body else ""
    return Report(
        f"The persona in {scope.name} is {origin(recorded)}:",
        tuple(printable(line) for line in text.splitlines()) or (without_words(bodies, at),),
        {"persona": text or None, **_where(recorded)},
        file=ReportFile("persona.txt", text.encode()) if len(text) > LONGEST // 4 else None,
    )


async def set_persona(context: CommandContext, scope: Scope, text: str, *, by: str) -> Report:
    """Set the persona, from the next answer on."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise ModerationError(f"A persona has from 1 to {LONGEST:,} characters, and this has {len(text):,}.")
    return await _set(context, scope, PERSONA, text, by)


async def clear_persona(context: CommandContext, scope: Scope, *, by: str) -> Report:
    """Clear a persona; then that of the parent channel, the server or the settings applies."""
    return await _clear(context, scope, PERSONA, by)


async def show_model(context: CommandContext, scope: Scope) -> Report:
    """Show which model was chosen for a server, or which one holds in a channel, and which can be chosen."""
    choices = context.model_choices
    chosen = await _chosen_models(context, scope)
    held = next((each for each in chosen if each.value in choices), None)
    recorded = {each.position: each for each in await context.reader.at(each.position for each in chosen)}
    gone = [each for each in chosen if each.value not in choices]
    unused = [
        line
        for each in gone
        for line in (
            f"Chosen, and not used, because it is not in the settings any more: {printable(each.value)},",
            f"  {origin(recorded[each.position])}",
        )
    ]
    listed = f"To choose from: {', '.join(choices)}." if choices else _NO_CHOICE
    title = (
        f"The model in {scope.name} is {held.value}, {origin(recorded[held.position])}"
        if held
        else f"The model in {scope.name} is that of the settings."
    )
    data = {"model": held.value if held else None, "choices": list(choices), "unused": [each.value for each in gone]}
    return Report(title, (*unused, listed), data | (_where(recorded[held.position]) if held else {}))


async def set_model(context: CommandContext, scope: Scope, model: str, *, by: str) -> Report:
    """Choose the model that is asked first, from the next answer on."""
    model, choices = model.strip(), context.model_choices
    if not choices:
        raise ModerationError(_NO_CHOICE)
    if model not in choices:
        raise ModerationError(f"That model can't be chosen here. It is one of: {', '.join(choices)}.")
    return await _set(context, scope, MODEL, model, by)


async def clear_model(context: CommandContext, scope: Scope, *, by: str) -> Report:
    """Clear the choice of a model; then that of the parent channel, the server or the settings applies."""
    return await _clear(context, scope, MODEL, by)


_NO_CHOICE = "There is no model to choose: whoever runs this bot names some as llm.models in its settings."


def origin(recorded: Recorded) -> str:
    """Return the origin of a setting: its stream and version, when it was set and by whom."""
    by = recorded.event.by if isinstance(recorded.event, PlaceSettingSet) else "?"
    when = utc_time(recorded.recorded_at)
    return f"version {recorded.version} of {recorded.stream}, set by {printable(by)} at {when}"


def _settings(context: CommandContext, scope: Scope) -> PlaceSettings:
    return PlaceSettings(context.reader, lambda _: Surroundings(scope.parent_id, scope.guild_id))


async def _of_server(context: CommandContext, scope: Scope, setting: PlaceSetting) -> int:
    """Return the position of the event that set a server's own value, 0 if it has none."""
    _ = scope.stream
    found = await of_server(context.reader, setting, scope.guild_id or 0)
    return found.position if found else 0


async def _chosen_models(context: CommandContext, scope: Scope) -> Sequence[Held]:
    if not scope.server:
        state = await context.state(scope.channel_id)
        return await _settings(context, scope).models(scope.channel_id, state)
    found = await context.reader.at(filter(None, [await _of_server(context, scope, MODEL)]))
    return [Held(each.event.model, each.position) for each in found if isinstance(each.event, ModelSet)]


async def _set(context: CommandContext, scope: Scope, setting: PlaceSetting, value: str, by: str) -> Report:
    (recorded,) = await _record(context, scope, setting, value, by)
    return Report(
        f"The {setting.name} of {scope.name} is set, as version {recorded.version}",
        (f"It holds from my next answer on; /{setting.name} clear takes it away.",),
        _where(recorded),
    )


async def _clear(context: CommandContext, scope: Scope, setting: PlaceSetting, by: str) -> Report:
    name = setting.name
    if scope.server and not await _of_server(context, scope, setting):
        raise ModerationError(f"There is no {name} of {scope.name} to clear.")
    recorded = await _record(context, scope, setting, "", by)
    if not recorded:
        raise ModerationError(f"{scope.name} has no {name} of its own to clear.")
    return Report(
        f"The {name} of {scope.name} is cleared", (), {"stream": scope.stream, "version": recorded[-1].version}
    )


async def _record(
    context: CommandContext, scope: Scope, setting: PlaceSetting, value: str, by: str
) -> tuple[Recorded, ...]:
    subject_id = int(by) if by.isascii() and by.isdecimal() else None
    stream, owner = scope.stream, context.owned()
    if not scope.server:
        return await owner.conversations.handle(scope.channel_id, Choose(setting, by, value, subject_id))
    return (await owner.log.append(stream, (setting.change(by, value, subject_id),))).new


def _where(recorded: Recorded) -> dict[str, object]:
    return {"stream": recorded.stream, "version": recorded.version, "position": recorded.position}
