"""Roles of a guild, and giving them to members."""

from __future__ import annotations

from bot.sandbox import permissions
from bot.sandbox.errors import MISSING_PERMISSIONS, ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Guild, GuildRole, Member
from bot.sandbox.payloads import role_payload
from bot.sandbox.permissions import Permission
from bot.sandbox.rest.router import RestCall, Route


def routes() -> list[Route]:
    """List the routes."""
    role = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"
    return [
        Route("GET", "/guilds/{guild_id}/roles", list_roles, "guilds.roles"),
        Route("PUT", role, give, "guilds.member_roles"),
        Route("DELETE", role, take, "guilds.member_roles"),
    ]


async def list_roles(call: RestCall) -> list[Json]:
    """List the guild's roles."""
    return [role_payload(role) for role in call.guild().roles.values()]


async def give(call: RestCall) -> None:
    """Give a member a role; one that the member has already changes nothing."""
    guild, member, role = _asked(call)
    call.world.give_role(guild, member, role)


async def take(call: RestCall) -> None:
    """Take a role from a member; one that the member has not changes nothing."""
    guild, member, role = _asked(call)
    call.world.take_role(guild, member, role)


def _asked(call: RestCall) -> tuple[Guild, Member, GuildRole]:
    """Find what the path names; raise 10007, 10011, 50028 or 50013."""
    guild = call.guild()
    member = guild.members.get(call.snowflake("user_id"))
    if member is None:
        raise ApiError(404, 10007, "Unknown Member")
    role = guild.roles.get(call.snowflake("role_id"))
    if role is None:
        raise ApiError(404, 10011, "Unknown Role")
    if role.bot_id is not None or role.id == guild.id:
        raise ApiError(400, 50028, "Invalid Role")
    if not _may_give(guild, call.user_id, role):
        raise ApiError(*MISSING_PERMISSIONS)
    return guild, member, role


def _may_give(guild: Guild, user_id: int, role: GuildRole) -> bool:
    """Tell whether a user may give a role: one below the user's highest (permissions.mdx, "Permission Hierarchy")."""
    if user_id == guild.owner_id:
        return True
    highest = max((guild.roles[held].position for held in guild.members[user_id].role_ids), default=0)
    return bool(permissions.in_guild(guild, user_id) & Permission.MANAGE_ROLES) and role.position < highest
