"""Who may use which command: decided from what Discord resolved and what the settings say, and nothing else.

Discord hides commands by ``default_member_permissions``, which is a hint that a server may change and a client may
ignore (docs: application commands, permissions). This is the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ADMINISTRATOR = 1 << 3
"""The permission that stands for all others (docs: permissions)."""

PERMISSIONS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "administrator": (ADMINISTRATOR, "Administrator"),
        "manage_guild": (1 << 5, "Manage Server"),
        "manage_channels": (1 << 4, "Manage Channels"),
        "manage_roles": (1 << 28, "Manage Roles"),
        "manage_messages": (1 << 13, "Manage Messages"),
        "moderate_members": (1 << 40, "Timeout Members"),
        "kick_members": (1 << 1, "Kick Members"),
        "ban_members": (1 << 2, "Ban Members"),
        "view_audit_log": (1 << 7, "View Audit Log"),
    }
)
"""What the settings may name: each permission's bit, and what Discord's client calls it (docs: permissions)."""

DIRECT = "In direct messages these commands are for the owner of this bot alone: use them in a channel of your server."


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever uses a command; ``permissions`` are theirs in the channel where they use it, as Discord resolved them."""

    user_id: int
    permissions: int
    roles: frozenset[int]
    guild_id: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """Roles and people that the settings let in."""

    roles: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()

    def admits(self, asker: Asker) -> bool:
        """Tell whether somebody is named, or has a role that is."""
        return asker.user_id in self.people or not self.roles.isdisjoint(asker.roles)


@dataclass(frozen=True, slots=True)
class Access:
    """The settings: members with ``permission``, those named, and the bot's owners, who alone may in direct messages.

    ``named`` holds for every command that ``commands`` does not name.
    """

    permission: str
    named: Named
    commands: Mapping[str, Named]
    owners: frozenset[int]

    @property
    def bit(self) -> int:
        """Return the permission as Discord writes it."""
        return PERMISSIONS[self.permission][0]

    def refusal(self, asker: Asker, command: str) -> str | None:
        """Return why somebody may not use a command, as a sentence for them; None when they may."""
        if asker.user_id in self.owners:
            return None
        if asker.guild_id is None:
            return DIRECT
        if self._permitted(asker.permissions) or self._named(command).admits(asker):
            return None
        return (
            f"You may not use this command: it takes the permission {PERMISSIONS[self.permission][1]} in this server, "
            "or a role or a name in the bot's settings."
        )

    def _named(self, command: str) -> Named:
        """Return who is let in by name: of ``persona set``, those of ``persona``."""
        return self.commands.get(command) or self.commands.get(command.partition(" ")[0]) or self.named

    def _permitted(self, held: int) -> bool:
        return bool(held & ADMINISTRATOR) or held & self.bit == self.bit
