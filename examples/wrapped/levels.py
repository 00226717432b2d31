"""A levelling bot: every message is worth points, every hundred points a level, and level 5 a role."""

import os
from collections.abc import Mapping

import discord

from bot import AddRole, Event, Fold, attach

POINTS, STEP = 20, 100
REGULAR_AT = 5

intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents)


class Gained(Event):
    """Somebody wrote a message, which is worth points."""

    TYPE = "points.gained"

    message: int
    points: int


class Standing(Fold):
    """The points of a member, and the message that brought each level."""

    NAME = "standing"
    EVENTS = (Gained,)

    points: int = 0
    brought: Mapping[int, int] = {}

    def apply(self, event: Gained) -> "Standing":
        """Add points."""
        points = self.points + event.points
        new = range(self.points // STEP + 1, points // STEP + 1)
        return Standing(points=points, brought={**self.brought, **dict.fromkeys(new, event.message)})


@client.event
async def setup_hook() -> None:
    """Attach the log before the first event comes."""
    client.log = await attach(client, folder="log", redeliver=True)


@client.event
async def on_message(message: discord.Message) -> None:
    """Count a message, or say how far its author is."""
    member = message.author
    if member.bot or not isinstance(member, discord.Member):
        return
    stream = f"member:{member.guild.id}:{member.id}"
    await client.log.append(stream, Gained(message=message.id, points=POINTS), key=f"message:{message.id}")
    standing = await client.log.fold(stream, Standing)
    if message.content == "!level":
        text = f"Level {standing.points // STEP}, with {standing.points} points."
        await client.log.reply(message, text, key=f"asked:{message.id}")
    for level in (level for level, brought in standing.brought.items() if brought == message.id):
        await level_up(message, member, level)


async def level_up(message: discord.Message, member: discord.Member, level: int) -> None:
    """Congratulate, and give the role to who is a regular now."""
    await client.log.reply(message, f"{member.mention} is now at level {level}!", key=f"level:{member.id}:{level}")
    role = discord.utils.get(member.guild.roles, name="Regular")
    if level == REGULAR_AT and role is not None:
        regular = AddRole(guild_id=member.guild.id, user_id=member.id, role_id=role.id)
        await client.log.do(regular, key=f"regular:{member.guild.id}:{member.id}")


if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
