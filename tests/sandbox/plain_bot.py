"""A bot by hand: it does what a test says, over plain REST and a plain gateway connection."""

from __future__ import annotations

from typing import Any

from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Rest, Socket

INTENTS = 1 + 512 + 4096 + 32768
EPHEMERAL = 1 << 6


class PlainBot:
    """The bot of a sandbox."""

    def __init__(self, rest: Rest, sandbox: Sandbox, socket: Socket) -> None:
        self.rest = rest
        self.socket = socket
        self.id = sandbox.services.application.id
        self.general = sandbox.services.general.id

    async def call(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Make a call that works; give what it answers."""
        answer = await self.rest(method, path, body)
        assert answer.status < 300, answer.body
        return answer.body

    async def says(self, **body: object) -> str:
        """Post in #general; give the message's id."""
        return str((await self.call("POST", f"/channels/{self.general}/messages", body))["id"])

    async def edits(self, message: str, **body: object) -> None:
        """Edit a message in #general."""
        await self.call("PATCH", f"/channels/{self.general}/messages/{message}", body)

    async def registers(self, *commands: dict[str, Any]) -> None:
        """Register its commands."""
        await self.call("PUT", f"/applications/{self.id}/commands", list(commands))

    async def used(self) -> dict[str, Any]:
        """Wait for an interaction."""
        interaction: dict[str, Any] = await self.socket.expect("INTERACTION_CREATE")
        return interaction

    async def answers(self, interaction: dict[str, Any], kind: int, data: dict[str, Any] | None = None) -> None:
        """Answer an interaction."""
        path = f"/interactions/{interaction['id']}/{interaction['token']}/callback"
        await self.call("POST", path, {"type": kind, "data": data})

    async def finishes(self, interaction: dict[str, Any], **body: object) -> None:
        """Edit the original answer."""
        await self.call("PATCH", f"/webhooks/{self.id}/{interaction['token']}/messages/@original", body)


def row(*components: dict[str, Any]) -> list[dict[str, Any]]:
    """Return components in a row."""
    return [{"type": 1, "components": list(components)}]


def button(label: str, **more: object) -> dict[str, Any]:
    """Return a button."""
    return {"type": 2, "style": 1, "label": label, "custom_id": label.lower(), **more}
