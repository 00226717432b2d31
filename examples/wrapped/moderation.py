"""A moderation bot: deletes messages with banned words, warns their author, and mutes at the third warning."""

import os
import re
from contextlib import suppress

import discord

from bot import AddRole, Event, Fold, attach

BANNED = re.compile(r"\b(?:darn|heck)\b", re.IGNORECASE)
ALLOWED = 3

intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents)


class Warned(Event):
    """A member was warned for a message."""

    TYPE = "member.warned"

    message: int


class Warnings(Fold):
    """The messages that a member was warned for."""

    NAME = "warnings"
    EVENTS = (Warned,)

    messages: tuple[int, ...] = ()

    def apply(self, event: Warned) -> "Warnings":
        """Add a warning."""
        return Warnings(messages=(*self.messages, event.message))


async def warn(member: discord.Member, message: discord.Message) -> int:
    """Count a warning; return how many the member has now."""
    stream = f"warnings:{member.guild.id}:{member.id}"
    await client.log.append(stream, Warned(message=message.id), key=f"warned:{message.id}")
    return (await client.log.fold(stream, Warnings)).messages.index(message.id) + 1


@client.event
async def setup_hook() -> None:
    """Attach the log before the first event comes."""
    client.log = await attach(client, folder="log", redeliver=True)


@client.event
async def on_message(message: discord.Message) -> None:
    """Judge a message."""
    member = message.author
    if member.bot or not isinstance(member, discord.Member) or not BANNED.search(message.content):
        return
    count = await warn(member, message)
    text = f"{member.mention}, mind your words: warning {count} of {ALLOWED}."
    await client.log.send(message.channel, text, key=f"warning:{message.id}")
    if count == ALLOWED:
        await mute(message, member)
    # Last: a message that is gone can't be handed to this handler once more.
    with suppress(discord.NotFound):
        await message.delete()


async def mute(message: discord.Message, member: discord.Member) -> None:
    """Give the role that the server denies to speak."""
    role = discord.utils.get(member.guild.roles, name="Muted")
    if role is not None:
        muted = AddRole(guild_id=member.guild.id, user_id=member.id, role_id=role.id)
        await client.log.do(muted, key=f"mute:{message.id}")
        await client.log.send(message.channel, f"{member.mention} is muted.", key=f"muted:{message.id}")


if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
