"""discord.py as its documentation shows it: a client that only counts messages, or one that answers.

Of it only the two addresses are changed, which discord.py keeps in class constants.
"""

from __future__ import annotations

import argparse
import os
import time

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

ASK = "!ping"
ANSWER = "pong"


class Counting(discord.Client):
    """Counts what others post and prints the time whenever a burst is complete."""

    def __init__(self, burst: int, intents: discord.Intents) -> None:
        super().__init__(intents=intents)
        self.burst = burst
        self.count = 0

    async def on_message(self, _message: discord.Message) -> None:
        """Count."""
        self.count += 1
        if self.count % self.burst == 0:
            print(time.monotonic(), flush=True)  # noqa: T201 - for the parent


class Answering(discord.Client):
    """Answers a word."""

    async def on_message(self, message: discord.Message) -> None:
        """Reply."""
        if message.author == self.user:
            return
        if message.content == ASK:
            await message.reply(ANSWER)


def main() -> None:
    """Run the client that the arguments name against the sandbox that they name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("api")
    parser.add_argument("gateway")
    parser.add_argument("--burst", type=int, default=0, help="count, and tell of each burst of so many messages")
    options = parser.parse_args()
    Route.BASE = options.api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(options.gateway)
    intents = discord.Intents.default()
    intents.message_content = True
    client = Counting(options.burst, intents) if options.burst else Answering(intents=intents)
    client.run(os.environ["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
