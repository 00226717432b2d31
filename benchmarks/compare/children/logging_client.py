"""A discord.py client that counts as the plain one does, and appends each message through eventsourcing.

An aggregate stands for a channel. The call blocks the event loop. The file is in the folder where the client runs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import discord

from benchmarks.compare.children.plain_client import Counting, arguments, serve
from benchmarks.compare.contenders import with_eventsourcing
from bot.core import events as e


class Logging(Counting):
    """Appends what others post."""

    def __init__(self, *, intents: discord.Intents) -> None:
        super().__init__(intents=intents)
        self.channels = with_eventsourcing.application(Path.cwd())
        self.versions: Counter[str] = Counter()

    async def take(self, message: discord.Message) -> None:
        """Append it."""
        stream = f"channel:{message.channel.id}"
        if not self.versions[stream]:
            self.channels.save(with_eventsourcing.first(stream))
            self.versions[stream] = 1
        self.versions[stream] += 1
        sent_at = int(message.created_at.timestamp() * 1_000_000)
        event = e.MessageReceived(message_id=message.id, author_id=message.author.id, sent_at=sent_at)
        body = e.Body(name=message.author.name, parts=(message.content,))
        self.channels.save(with_eventsourcing.stored(stream, self.versions[stream], event, body))


if __name__ == "__main__":
    serve(Logging, arguments().parse_args())
