"""A server in the sandbox with what effects are made at, and how often each is there."""

from __future__ import annotations

from bot.effects import AddReaction, AddRole, DeclaredEffect, RemoveRole, StartThread
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox

KINDS = ("role", "unrole", "reaction", "thread", "thread under")


class Server:
    """A server in the sandbox with what effects are made at."""

    def __init__(self, sandbox: Sandbox, control: ControlClient) -> None:
        self.sandbox, self.control = sandbox, control
        self.guild, self.channel = sandbox.services.guild.id, sandbox.services.general.id
        self.bob = self.carol = self.role = self.message = 0

    async def furnish(self) -> None:
        """Make a member with a role below the bot's own and one without it, and a message."""
        self.message = int((await self.control.post("hi", author="bob"))["id"])
        self.bob, self.carol = [int((await self.control.create_user(name))["id"]) for name in ("dave", "carol")]
        world, guild = self.sandbox.services.world, self.sandbox.services.guild
        self.role = int((await self.control.create_role("level 5"))["id"])
        await self.control.create_role("bot", permissions=["MANAGE_ROLES"], users=["sandbox-bot"])
        world.add_member(guild, world.users[self.bob])
        world.give_role(guild, world.add_member(guild, world.users[self.carol]), guild.roles[self.role])

    def effect(self, kind: str) -> DeclaredEffect:
        """Return an effect of a kind."""
        member = {"guild_id": self.guild, "role_id": self.role}
        effects: dict[str, DeclaredEffect] = {
            "role": AddRole(user_id=self.bob, **member),
            "unrole": RemoveRole(user_id=self.carol, **member),
            "reaction": AddReaction(channel_id=self.channel, message_id=self.message, emoji="👍"),
            "thread": StartThread(channel_id=self.channel, name="Ticket 7"),
            "thread under": StartThread(channel_id=self.channel, message_id=self.message, name="Ticket 8"),
        }
        return effects[kind]

    def count(self, kind: str) -> int:
        """Return how often an effect is there."""
        message, guild = self.sandbox.services.world.messages[self.message], self.sandbox.services.guild
        return {
            "role": guild.members[self.bob].role_ids.count(self.role),
            "unrole": 1 - guild.members[self.carol].role_ids.count(self.role),
            "reaction": sum(len(each.user_ids) for each in message.reactions),
            "thread": sum(each.name == "Ticket 7" for each in guild.threads.values()),
            "thread under": sum(each.id == self.message for each in guild.threads.values()),
        }[kind]
