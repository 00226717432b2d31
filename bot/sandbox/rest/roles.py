"""Roles: list, give one, take one (guild.mdx, "Add Guild Member Role", "Remove Guild Member Role")."""

from __future__ import annotations

from bot.sandbox import permissions
from bot.sandbox.errors import MISSING_PERMISSIONS, UNKNOWN_MEMBER, UNKNOWN_ROLE, ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Guild, GuildRole, Member
from bot.sandbox.payloads import role_payload
from bot.sandbox.permissions import Permission
from bot.sandbox.rest.router import RestCall, Route


def routes() -> list[Route]:
    """List the routes."""
    path = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"
    return [
        Route("GET", "/guilds/{guild_id}/roles", list_roles, "guilds.roles"),
        Route("PUT", path, give, "guilds.member.roles"),
        Route("DELETE", path, take, "guilds.member.roles"),
    ]


async def list_roles(call: RestCall) -> list[Json]:
    """List the guild's roles."""
    return [role_payload(role) for role in call.guild().roles.values()]


async def give(call: RestCall) -> None:
    """Give a member a role; one that the member has already changes nothing."""
    guild, member, role = _named(call)
    call.world.give_role(guild, member, role)


async def take(call: RestCall) -> None:
    """Take a role from a member; one that the member has not changes nothing."""
    guild, member, role = _named(call)
    call.world.take_role(guild, member, role)


def _named(call: RestCall) -> tuple[Guild, Member, GuildRole]:
    """Find what the path names, if the bot may change it: roles below its own highest (permissions.mdx, hierarchy)."""
    guild = call.guild()
    member, role = guild.members.get(call.snowflake("user_id")), guild.roles.get(call.snowflake("role_id"))
    if member is None:
        raise ApiError(*UNKNOWN_MEMBER)
    if role is None:
        raise ApiError(*UNKNOWN_ROLE)
    if not permissions.in_guild(guild, call.user_id) & Permission.MANAGE_ROLES:
        raise ApiError(*MISSING_PERMISSIONS)
    own = max((guild.roles[each].position for each in guild.members[call.user_id].role_ids), default=0)
    if role.id == guild.id or role.bot_id is not None or (role.position >= own and guild.owner_id != call.user_id):
        raise ApiError(*MISSING_PERMISSIONS)
    return guild, member, role
