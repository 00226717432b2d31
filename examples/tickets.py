"""A ticket bot: who presses its button gets a thread with a number, where the team answers until it is closed."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import discord

FILE = Path("tickets.json")

intents = discord.Intents.default()
intents.message_content = True
changing = asyncio.Lock()


def read() -> dict[str, Any]:
    """Return the last ticket's number, and the thread of each person who has an open ticket."""
    return json.loads(FILE.read_text()) if FILE.exists() else {"last": 0, "open": {}}


def write(tickets: dict[str, Any]) -> None:
    """Keep the tickets."""
    FILE.write_text(json.dumps(tickets))


class Panel(discord.ui.View):
    """The message with the button, which is posted once and never goes away."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Open a ticket", style=discord.ButtonStyle.primary, custom_id="ticket:open")
    async def open(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        """Start a ticket, and say where it is."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        thread = await open_ticket(interaction.channel, interaction.user)
        await interaction.followup.send(f"Your ticket: <#{thread}>", ephemeral=True)


class Ticket(discord.ui.View):
    """The button in a ticket's thread."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Close", style=discord.ButtonStyle.danger, custom_id="ticket:close")
    async def close(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        """Say so, and close it."""
        await interaction.response.send_message("Closed.")
        await close_ticket(interaction.channel)


async def open_ticket(channel: discord.TextChannel, user: discord.User) -> int:
    """Start a person's ticket, if none is open; return the id of its thread."""
    async with changing:
        tickets = read()
        if str(user.id) in tickets["open"]:
            return tickets["open"][str(user.id)]
        number = tickets["last"] + 1
        thread = await channel.create_thread(name=f"ticket-{number:04}", invitable=False)
        await thread.add_user(user)
        await thread.send(f"{user.mention}, what can we do for you?", view=Ticket())
        write({"last": number, "open": {**tickets["open"], str(user.id): thread.id}})
        return thread.id


async def close_ticket(thread: discord.Thread) -> None:
    """End a ticket."""
    async with changing:
        tickets = read()
        still_open = {user: number for user, number in tickets["open"].items() if number != thread.id}
        write({"last": tickets["last"], "open": still_open})
        await thread.edit(archived=True, locked=True)


class Bot(discord.Client):
    """The bot; the server's owner has it post the button."""

    async def setup_hook(self) -> None:
        """Listen for presses of the buttons that stand there already."""
        self.add_view(Panel())
        self.add_view(Ticket())

    async def on_message(self, message: discord.Message) -> None:
        """Post the button."""
        if message.content == "!panel" and message.guild and message.author.id == message.guild.owner_id:
            await message.channel.send("Do you need help?", view=Panel())


client = Bot(intents=intents)

if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
