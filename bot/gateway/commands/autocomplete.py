"""Suggestions while somebody types an option: visible channels, types of events, models, points in time.

Discord expects them within three seconds. They are only a help, so an error gives an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable

import discord
import structlog
from discord.app_commands import Choice

from bot.errors import EcholessError
from bot.eventlog.codec import event_models
from bot.gateway.commands.access import channel_meant, visible
from bot.moderation import history
from bot.moderation.context import CommandContext
from bot.times import brief

MOST = 25
"""Discord's limit of suggestions (docs: application commands, autocomplete)."""
NAME = 100
NEAR = 8
AGES = ("10 minutes ago", "1 hour ago", "6 hours ago", "1 day ago", "7 days ago")

_log = structlog.get_logger()

Choices = list[Choice[str]]


class Autocomplete:
    """Suggests values for options."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    async def types(self, _: discord.Interaction, current: str) -> Choices:
        """Suggest types of events."""
        wanted = current.strip().lower()
        return _choices((name, name) for name in sorted(model.TYPE for model in event_models()) if wanted in name)

    async def models(self, _: discord.Interaction, current: str) -> Choices:
        """Suggest the models that can be chosen."""
        wanted = current.strip().lower()
        return _choices((name, name) for name in self._context.model_choices if wanted in name.lower())

    async def channels(self, interaction: discord.Interaction, current: str) -> Choices:
        """Suggest channels and threads of this server that the asker can see."""
        guild = interaction.guild
        if guild is None:
            return []
        wanted = current.strip().lower().removeprefix("#")
        held = (channel for channel in (*guild.channels, *guild.threads) if hasattr(channel, "last_message_id"))
        return _choices(
            (f"#{channel.name}", str(channel.id))
            for channel in held
            if (wanted in channel.name.lower() or wanted == str(channel.id)) and visible(interaction, channel)
        )

    async def points(self, interaction: discord.Interaction, current: str) -> Choices:
        """Suggest ages, and the versions up to the typed point or, if none is typed, the newest."""
        wanted = current.strip()
        ages = [(age, age) for age in AGES if wanted.lower() in age]
        try:
            named = getattr(interaction.namespace, "channel", None)
            channel_id = await channel_meant(interaction, self._context.reader, named, wanted)
            near = await self._near(channel_id, wanted)
        except EcholessError:
            near = []
        except Exception as error:  # noqa: BLE001 - without suggestions the option can still be typed
            _log.error("suggestion.failed", error=type(error).__name__)
            near = []
        return _choices([*near, *ages] if wanted else [*ages, *near])

    async def _near(self, channel_id: int, wanted: str) -> list[tuple[str, str]]:
        """Return the events up to a point in time, or the newest of all if none is typed; the newest come first."""
        cursor = None
        if wanted:
            cursor = str((await history.state(self._context, channel_id, wanted)).data["version"])
        report = await history.timeline(self._context, channel_id, cursor=cursor, size=NEAR)
        return [
            (f"version {event['version']}: {event['type']}, {brief(event['recorded_at'])}", str(event["version"]))
            for event in report.data["events"]
        ]


def _choices(pairs: Iterable[tuple[str, str]]) -> Choices:
    return [Choice(name=name[:NAME], value=value[:NAME]) for name, value in list(dict.fromkeys(pairs))[:MOST]]
