"""A person at Discord's client: uses commands, presses buttons, reads the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.control_client import ControlClient
from tests.harness import RunningBot
from tests.waiting import eventually

Record = dict[str, Any]


@dataclass(slots=True)
class Moderator:
    """Whoever uses the commands; ``owner`` owns the sandbox's server and may all."""

    control: ControlClient
    user: str = "owner"
    channel: str = "general"

    async def registered(self) -> None:
        """Wait until Discord knows the commands."""
        await self.control.wait_for_requests(method="PUT", path="/applications/*/commands", status=200)

    async def use(self, command: str, options: Record | None = None, **more: object) -> Record:
        """Use a command and return its interaction once it is answered."""
        body = {"command": command, "options": options or {}, "user": self.user, "channel": self.channel}
        used = await self.control.call("POST", "/interactions/command", {**body, **more})
        return await self.control.wait_for_answer(used["id"])

    async def ask(self, command: str, options: Record | None = None, **more: object) -> str:
        """Use a subcommand of ``/replay`` and return the text of the answer."""
        return text_of(await self.use(f"replay {command}", options, **more))

    async def press(self, answer: Record, label: str, **more: object) -> Record:
        """Press a button under an answer; return the press's interaction."""
        body = {"message": answer["original"]["id"], "custom_id": button(answer, label)["custom_id"]}
        pressed = await self.control.call("POST", "/interactions/component", {"user": self.user, **body, **more})
        return await self.control.wait_for_answer(pressed["id"])

    async def sees(self, answer: Record, text: str) -> Record:
        """Wait until an answer shows a text and return it as it is then."""

        async def shown() -> bool:
            return text in text_of(await self.control.interaction(answer["id"]))

        await eventually(shown)
        return await self.control.interaction(answer["id"])

    async def suggestions(self, command: str, focused: str, typed: str, **options: object) -> list[str]:
        """Type into an option and return what is offered."""
        used = await self.control.use_command(
            f"replay {command}", {**options, focused: typed}, user=self.user, channel=self.channel, focused=focused
        )
        answer = await self.control.wait_for_answer(used["id"], until="acknowledged")
        return [choice["name"] for choice in answer["choices"]]


async def caught_up(running: RunningBot) -> None:
    """Wait until no look at a history is under way: it would find what is posted now, and add to the log."""
    client = running.supervisor.client
    assert client is not None
    assert client.listening.catchup is not None
    underway = client.listening.catchup._underway
    await eventually(lambda: not underway)


def text_of(answer: Record) -> str:
    """Return what an answer says."""
    text: str = answer["original"]["content"]
    return text


def buttons(answer: Record) -> list[Record]:
    """Return the buttons under an answer."""
    return [item for row in answer["original"]["components"] for item in row["components"]]


def labels(answer: Record) -> list[str]:
    """Return what the buttons say that can be pressed."""
    return [item["label"] for item in buttons(answer) if not item.get("disabled")]


def button(answer: Record, label: str) -> Record:
    """Return one button."""
    return next(item for item in buttons(answer) if item["label"] == label)
