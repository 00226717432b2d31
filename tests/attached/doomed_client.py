"""A client with a log, doomed to die by SIGKILL at a step of a post: of its reply (0) or of its other one (1).

Its arguments are API GATEWAY TOKEN FOLDER STEP NUMBER REDELIVER. STEP is one of

- ``request before`` and ``request after``: at the commit that records what is to be posted;
- ``sending`` and ``posted``: before its request to Discord leaves, and when Discord has taken it;
- ``sent before`` and ``sent after``: at the commit that records that it is there;
- ``handled``: when the handler is about to end.

A message "go" has both posted.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from dataclasses import dataclass
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import Log, attach
from bot.conversations import Conversations
from bot.core.commands import Confirm, Post
from bot.eventlog.batch import Batch
from bot.gateway.sender import DiscordSender


@dataclass(slots=True)
class Doom:
    """Where to die; ``armed``: at the next commit. ``seen`` counts the posts that have come to a step."""

    step: str
    number: int
    armed: bool = False
    asked: int = 0
    sent: int = 0


def die() -> None:
    """End as a power loss would."""
    os.kill(os.getpid(), signal.SIGKILL)


def doom_commits(doom: Doom) -> None:
    """Die at the commit of the request, or of what became of it."""
    write, handle = Batch.write, Conversations.handle

    async def handling(self: Conversations, channel_id: int, command: Any) -> Any:  # noqa: ANN401 - any command
        if isinstance(command, Post):
            doom.asked += 1
            doom.armed |= doom.step.startswith("request") and doom.asked == doom.number + 1
        elif isinstance(command, Confirm):
            doom.armed |= doom.step.startswith("sent") and doom.sent == doom.number + 1
        return await handle(self, channel_id, command)

    def committing(batch: Batch, connection: sqlite3.Connection) -> Any:  # noqa: ANN401 - what it returns
        if doom.armed and doom.step.endswith("before"):
            die()
        done = write(batch, connection)
        if doom.armed:
            die()
        return done

    Conversations.handle = handling  # type: ignore[method-assign]
    Batch.write = committing  # type: ignore[method-assign, assignment]


def doom_sends(doom: Doom) -> None:
    """Die before a request leaves, or when Discord has taken it."""
    send = DiscordSender.send

    async def sending(self: DiscordSender, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as it takes
        here = doom.sent == doom.number
        doom.sent += 1
        if here and doom.step == "sending":
            die()
        outcome = await send(self, *arguments, **named)
        if here and doom.step == "posted":
            die()
        return outcome

    DiscordSender.send = sending  # type: ignore[method-assign]


async def main() -> None:
    """Serve until death."""
    api, gateway, token, folder, step, number, redeliver = sys.argv[1:]
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = api, yarl.URL(gateway)
    doom = Doom(step, int(number))
    doom_commits(doom)
    doom_sends(doom)
    intents = discord.Intents.default()
    intents.message_content = True
    client = discord.Client(intents=intents, guild_ready_timeout=0.05)
    logs: list[Log] = []

    async def setup_hook() -> None:
        logs.append(await attach(client, folder, redeliver=redeliver == "1"))

    async def on_message(message: discord.Message) -> None:
        if message.content == "go":
            reply = logs[0].reply(message, "replied", key=f"reply {message.id}")
            await asyncio.gather(reply, logs[0].send(message.channel, "posted", key=f"post {message.id}"))
            if step == "handled":
                die()

    client.setup_hook = setup_hook  # type: ignore[method-assign]
    client.event(on_message)
    await client.start(token)


if __name__ == "__main__":
    asyncio.run(main())
