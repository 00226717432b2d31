"""What the parts of the chat share: the world, the way to act in it, the screen, and who speaks where."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.chat.names import Names
from bot.sandbox.chat.safe import printable
from bot.sandbox.chat.screen import ChatScreen
from bot.sandbox.control_client import ControlClient
from bot.sandbox.models import Application, Channel, Message
from bot.sandbox.services import Services


@dataclass(slots=True)
class Place:
    """The name that speaks, and the channel it speaks in."""

    author: str
    channel: Channel

    @property
    def channel_id(self) -> str:
        """Return the channel's id as the control API takes it."""
        return str(self.channel.id)

    @property
    def label(self) -> str:
        """Return what stands before the line, fit for a terminal."""
        where = "(private)" if self.channel.is_dm else f"#{self.channel.name}"
        return f"{printable(self.author)} {printable(where)}"


@dataclass(frozen=True, slots=True)
class ChatSession:
    """One chat."""

    services: Services
    control: ControlClient
    screen: ChatScreen
    names: Names
    place: Place

    def connected(self) -> set[Application]:
        """Return the applications whose bot is connected."""
        sessions = self.services.hub.sessions.values()
        return {item.application for item in sessions if item.ready and item.connection is not None}

    def messages_here(self) -> list[Message]:
        """Return the messages of the channel that still exist, the newest first."""
        return [self.services.world.messages[key] for key in reversed(self.place.channel.message_ids)]
