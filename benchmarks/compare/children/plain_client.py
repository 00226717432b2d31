"""discord.py as its documentation shows it: a client that answers a word, or one that counts as well.

Only the two addresses are changed, which discord.py keeps in class constants. The one that counts keeps nothing in
caches, as the bot does.
"""

from __future__ import annotations

import argparse
import asyncio
import os

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.interpreter import settle

ASK = "!ping-pong"
"""A word that nobody writes in recorded chat."""

ANSWER = "pong"


class Answering(discord.Client):
    """Answers a word."""

    async def on_message(self, message: discord.Message) -> None:
        """Reply."""
        if message.author == self.user:
            return
        if message.content == ASK:
            await message.reply(self.answer())

    def answer(self) -> str:
        """Return what it answers."""
        return ANSWER


class Counting(Answering):
    """Counts what others post, and answers with the number."""

    def __init__(self, *, intents: discord.Intents) -> None:
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.count = 0

    async def on_message(self, message: discord.Message) -> None:
        """Count."""
        if message.author != self.user:
            await self.take(message)
            self.count += 1
        await super().on_message(message)

    def answer(self) -> str:
        """Return the number."""
        return str(self.count)

    async def take(self, message: discord.Message) -> None:
        """Do nothing more with it."""


def arguments() -> argparse.ArgumentParser:
    """Return a parser for the sandbox's two addresses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("api")
    parser.add_argument("gateway")
    return parser


def serve(kind: type[discord.Client], options: argparse.Namespace) -> None:
    """Run a client against the sandbox that the options name, until the process is ended."""
    Route.BASE = options.api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(options.gateway)
    intents = discord.Intents.default()
    intents.message_content = True
    asyncio.run(_run(kind(intents=intents), os.environ["DISCORD_TOKEN"]))


async def _run(client: discord.Client, token: str) -> None:
    async with client:
        settle()
        await client.start(token)


def main() -> None:
    """Run the client that the arguments name."""
    parser = arguments()
    parser.add_argument("--count", action="store_true", help="count what comes; otherwise only answer")
    options = parser.parse_args()
    serve(Counting if options.count else Answering, options)


if __name__ == "__main__":
    main()
