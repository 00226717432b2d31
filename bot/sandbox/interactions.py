"""Interactions: uses of commands, components and forms, from the first click to the last follow-up.

Facts: the first response must come within three seconds, the token lives fifteen minutes
(receiving-and-responding.mdx:351, :432), and the first follow-up after a deferral edits the original (:479).
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum

from bot.sandbox.errors import INVALID_WEBHOOK_TOKEN, UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, ApiError
from bot.sandbox.events import Dispatch
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import message_payload
from bot.sandbox.models import Application, Channel, Message, User
from bot.sandbox.payloads import channel_payload, member_payload, user_payload
from bot.sandbox.permissions import effective
from bot.sandbox.world import World

ATTACHMENT_SIZE_LIMIT = 26_214_400


class InteractionKind(IntEnum):
    """Interaction types."""

    PING = 1
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    """Interaction callback types."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE_MESSAGE = 7
    AUTOCOMPLETE_RESULT = 8
    MODAL = 9


@dataclass(slots=True, eq=False)
class Interaction:
    """One interaction and its answers.

    ``source`` is the message whose component was used. ``waiting`` is true while a deferred answer has no content.
    """

    id: int
    token: str
    application: Application
    kind: InteractionKind
    user: User
    channel: Channel
    data: Json
    source: Message | None = None
    created: float = field(default_factory=time.monotonic)
    acknowledged: Callback | None = None
    acknowledged_after: float | None = None
    original: Message | None = None
    waiting: bool = False
    followups: list[Message] = field(default_factory=list)
    answer: Json = field(default_factory=dict)


class Interactions:
    """Starts interactions, and enforces their rules."""

    def __init__(self, world: World, *, deadline: float, token_life: float) -> None:
        """Take the two times, in seconds."""
        self._world = world
        self.deadline = deadline
        self.token_life = token_life
        self.by_id: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def start(
        self,
        application: Application,
        kind: InteractionKind,
        user: User,
        channel: Channel,
        data: Json,
        *,
        permissions: int | None = None,
        source: Message | None = None,
        locale: str = "en-US",
    ) -> Interaction:
        """Begin an interaction: INTERACTION_CREATE, only to the application, by the shard of the server (else 0)."""
        token = f"aW50ZXJhY3Rpb246{secrets.token_urlsafe(32)}"
        interaction = Interaction(self._world.snowflakes.next(), token, application, kind, user, channel, data, source)
        self.by_id[interaction.id] = interaction
        self._by_token[token] = interaction
        payload = self._payload(interaction, permissions, locale)
        # A channel of a server is not named: whether the bot may see it does not matter.
        private = None if channel.guild else channel
        event = Dispatch("INTERACTION_CREATE", payload, application=application, guild=channel.guild, channel=private)
        self._world.emit(event)
        return interaction

    def _payload(self, interaction: Interaction, permissions: int | None, locale: str) -> Json:
        channel, user = interaction.channel, interaction.user
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(interaction.application.id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": channel_payload(channel),
            "app_permissions": str(effective(channel, interaction.application.user.id)),
            "locale": locale,
            "entitlements": [],
            "attachment_size_limit": ATTACHMENT_SIZE_LIMIT,
            "authorizing_integration_owners": _owners(interaction),
            "context": 1 if channel.guild is None else 0,
        }
        if interaction.source is not None:
            payload["message"] = message_payload(interaction.source, self._world.messages.get)
        if channel.guild is None:
            return payload | {"user": user_payload(user)}
        member = channel.guild.members.get(user.id) or self._world.add_member(channel.guild, user)
        bits = effective(channel, user.id) if permissions is None else permissions
        payload["channel"]["permissions"] = str(bits)
        return payload | {
            "guild_id": str(channel.guild.id),
            "guild": {"id": str(channel.guild.id), "features": [], "locale": "en-US"},
            "guild_locale": "en-US",
            "member": {**member_payload(member, with_user=True), "permissions": str(bits)},
        }

    def unanswered(self, interaction_id: int, token: str) -> Interaction:
        """Find an interaction without a first response; raise 10062 if unknown or too late, 40060 if it has one."""
        interaction = self.by_id.get(interaction_id)
        if interaction is None or not secrets.compare_digest(interaction.token.encode(), token.encode()):
            raise ApiError(*UNKNOWN_INTERACTION)
        if interaction.acknowledged is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if time.monotonic() - interaction.created > self.deadline:
            raise ApiError(*UNKNOWN_INTERACTION)
        return interaction

    def acknowledge(self, interaction: Interaction, callback: Callback) -> None:
        """Record the first response."""
        interaction.acknowledged = callback
        interaction.acknowledged_after = time.monotonic() - interaction.created
        self._world.changes.notify()

    def answered(self, application_id: int, token: str) -> Interaction | None:
        """Find the interaction of a webhook token; return None for other tokens.

        Raises ApiError 50027 after the token's life, 10015 before the first response.
        """
        interaction = self._by_token.get(token)
        if interaction is None or interaction.application.id != application_id:
            return None
        if time.monotonic() - interaction.created > self.token_life:
            raise ApiError(*INVALID_WEBHOOK_TOKEN)
        if interaction.acknowledged is None:
            raise ApiError(*UNKNOWN_WEBHOOK)
        return interaction


def _owners(interaction: Interaction) -> Json:
    guild = interaction.channel.guild
    return {"0": str(guild.id if guild is not None else 0)}


def interaction_metadata(interaction: Interaction) -> Json:
    """Build a message's description of the interaction that it answers."""
    kind = interaction.kind
    metadata: Json = {
        "id": str(interaction.id),
        "type": int(kind),
        "user": user_payload(interaction.user),
        "authorizing_integration_owners": _owners(interaction),
    }
    if kind is InteractionKind.COMMAND:
        metadata["name"] = interaction.data.get("name", "")
        metadata["command_type"] = interaction.data.get("type", 1)
    if kind is InteractionKind.COMPONENT and interaction.source is not None:
        metadata["interacted_message_id"] = str(interaction.source.id)
    return metadata
