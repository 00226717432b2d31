"""A moderation bot: deletes messages with banned words, warns their author, and mutes at the third warning."""

import json
import os
import re
from pathlib import Path

import discord

BANNED = re.compile(r"\b(?:darn|heck)\b", re.IGNORECASE)
ALLOWED = 3
WARNINGS = Path("warnings.json")

intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents)


def warn(member: discord.Member) -> int:
    """Count a warning; return how many the member has now."""
    warnings = json.loads(WARNINGS.read_text()) if WARNINGS.exists() else {}
    warnings[str(member.id)] = count = warnings.get(str(member.id), 0) + 1
    WARNINGS.write_text(json.dumps(warnings))
    return count


@client.event
async def on_message(message: discord.Message) -> None:
    """Judge a message."""
    member = message.author
    if member.bot or not isinstance(member, discord.Member) or not BANNED.search(message.content):
        return
    await message.delete()
    count = warn(member)
    await message.channel.send(f"{member.mention}, mind your words: warning {count} of {ALLOWED}.")
    if count == ALLOWED:
        await mute(message, member)


async def mute(message: discord.Message, member: discord.Member) -> None:
    """Give the role that the server denies to speak."""
    role = discord.utils.get(member.guild.roles, name="Muted")
    if role is not None:
        await member.add_roles(role, reason=f"{ALLOWED} warnings")
        await message.channel.send(f"{member.mention} is muted.")


if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
