"""A ticket bot: who presses its button gets a thread with a number, where the team answers until it is closed."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import discord

FILE = Path("tickets.json")

intents = discord.Intents.default()
intents.message_content = True


@dataclass
class Ticket:
    """Who asked for help, and where."""

    channel: int
    user: int


def keep(ticket: Ticket) -> int:
    """Add a ticket to the file; return its number."""
    tickets = json.loads(FILE.read_text()) if FILE.exists() else []
    tickets.append(asdict(ticket))
    FILE.with_suffix(".new").write_text(json.dumps(tickets))
    FILE.with_suffix(".new").replace(FILE)
    return len(tickets)


class Panel(discord.ui.View):
    """The message with the button, which is posted once and never goes away."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Open a ticket", style=discord.ButtonStyle.primary, custom_id="ticket:open")
    async def open(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        """Start a ticket, and say where it is."""
        ticket = Ticket(channel=interaction.channel_id, user=interaction.user.id)
        number = keep(ticket)
        await interaction.response.defer(ephemeral=True, thinking=True)
        thread = await open_ticket(number, ticket)
        await interaction.followup.send(f"Your ticket: <#{thread}>", ephemeral=True)


class Close(discord.ui.View):
    """The button in a ticket's thread."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Close", style=discord.ButtonStyle.danger, custom_id="ticket:close")
    async def close(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        """Say so, and close it."""
        await interaction.response.send_message("Closed.")
        await interaction.channel.edit(archived=True, locked=True)


async def open_ticket(number: int, ticket: Ticket) -> int:
    """Start the thread of a ticket; return its id."""
    name = f"ticket-{number:04}"
    channel = client.get_channel(ticket.channel)
    thread = (await channel.create_thread(name=name, type=discord.ChannelType.public_thread)).id
    await greet(thread, ticket)
    return thread


async def greet(thread_id: int, ticket: Ticket) -> None:
    """Bring the asker into the thread."""
    thread = await client.fetch_channel(thread_id)
    await thread.add_user(discord.Object(ticket.user))
    await thread.send(f"<@{ticket.user}>, what can we do for you?", view=Close())


class Bot(discord.Client):
    """The bot; the server's owner has it post the button."""

    async def setup_hook(self) -> None:
        """Listen for presses of the buttons that stand there already."""
        self.add_view(Panel())
        self.add_view(Close())

    async def on_message(self, message: discord.Message) -> None:
        """Post the button."""
        if message.content == "!panel" and message.guild and message.author.id == message.guild.owner_id:
            await message.channel.send("Do you need help?", view=Panel())


client = Bot(intents=intents)

if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
