"""Who may use which command: decided from what Discord resolved and what the settings say, and nothing else.

Discord hides commands by ``default_member_permissions``, which is a hint that a server may change and a client may
ignore (docs: application commands, permissions). This is the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ADMINISTRATOR = 1 << 3
"""The permission that stands for all others (docs: permissions)."""

DIRECT = "Commands work in servers; in private, only for the owner of this bot."


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever uses a command; ``permissions`` are theirs in the channel where they use it, as Discord resolved them."""

    user_id: int
    permissions: int
    roles: frozenset[int]
    guild_id: int | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may: those with every bit of ``permission`` (0: none is enough), with any of the roles, or named.

    ``label`` names the permission for people.
    """

    permission: int
    label: str
    roles: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()

    def admits(self, asker: Asker) -> bool:
        """Tell whether this lets a member of a server in."""
        held = asker.permissions & ADMINISTRATOR or asker.permissions & self.permission == self.permission
        by_permission = self.permission != 0 and bool(held)
        return by_permission or not self.roles.isdisjoint(asker.roles) or asker.user_id in self.people


@dataclass(frozen=True, slots=True)
class Access:
    """The settings: ``default`` holds for every command that ``commands`` does not name."""

    default: Allowed
    owners: frozenset[int] = frozenset()
    commands: Mapping[str, Allowed] = field(default_factory=lambda: MappingProxyType({}))

    def refusal(self, asker: Asker, command: str) -> str | None:
        """Return why somebody may not use a command, as a sentence for them; None when they may."""
        if asker.guild_id is None:
            return None if asker.user_id in self.owners else DIRECT
        allowed = self.commands.get(command, self.default)
        if allowed.admits(asker):
            return None
        return (
            f"You may not use this command: it takes the permission {allowed.label} in this server, "
            "or a role or a name in the bot's settings."
        )
