"""A levelling bot: every message is worth points, every hundred points a level, and level 5 a role."""

import json
import os
from pathlib import Path

import discord

POINTS, STEP = 20, 100
REGULAR_AT = 5
FILE = Path("points.json")

intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents)


def gain(member: discord.Member) -> tuple[int, int]:
    """Add the points of a message; return the member's points before and after."""
    points = json.loads(FILE.read_text()) if FILE.exists() else {}
    before = points.get(str(member.id), 0)
    points[str(member.id)] = before + POINTS
    FILE.write_text(json.dumps(points))
    return before, before + POINTS


@client.event
async def on_message(message: discord.Message) -> None:
    """Count a message, or say how far its author is."""
    member = message.author
    if member.bot or not isinstance(member, discord.Member):
        return
    before, after = gain(member)
    if message.content == "!level":
        await message.reply(f"Level {after // STEP}, with {after} points.")
    if after // STEP > before // STEP:
        await level_up(message, member, after // STEP)


async def level_up(message: discord.Message, member: discord.Member, level: int) -> None:
    """Congratulate, and give the role to who is a regular now."""
    await message.reply(f"{member.mention} is now at level {level}!")
    role = discord.utils.get(member.guild.roles, name="Regular")
    if level == REGULAR_AT and role is not None:
        await member.add_roles(role, reason=f"level {level}")


if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
