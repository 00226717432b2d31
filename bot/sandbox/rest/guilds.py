"""Guilds and channels."""

from __future__ import annotations

from bot.sandbox import posting
from bot.sandbox.errors import UNKNOWN_MEMBER, ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.payloads import channel_payload, guild_payload, member_payload, thread_member_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.rest.messages import require_sending
from bot.sandbox.rest.router import RestCall, Route


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("GET", "/guilds/{guild_id}", get_guild, "guilds.get"),
        Route("GET", "/guilds/{guild_id}/channels", list_channels, "guilds.channels"),
        Route("GET", "/guilds/{guild_id}/threads/active", active_threads, "guilds.threads"),
        Route("GET", "/guilds/{guild_id}/members/{user_id}", get_member, "guilds.member"),
        Route("GET", "/channels/{channel_id}", get_channel, "channels.get"),
        Route("POST", "/channels/{channel_id}/typing", typing, "channels.typing"),
    ]


async def get_guild(call: RestCall) -> Json:
    """Describe a guild."""
    guild = call.guild()
    return guild_payload(guild) | (
        {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
        if call.request.query.get("with_counts", "").lower() in ("true", "1")
        else {}
    )


async def list_channels(call: RestCall) -> list[Json]:
    """List a guild's channels, without threads."""
    return [channel_payload(channel) for channel in call.guild().channels.values()]


async def active_threads(call: RestCall) -> Json:
    """List the threads that are not archived and that the bot can see, newest first (threads.mdx:140)."""
    threads = [
        thread
        for thread in call.guild().threads.values()
        if not thread.archived and allows(thread, call.user_id, Permission.VIEW_CHANNEL)
    ]
    threads.sort(key=lambda thread: thread.id, reverse=True)
    joined = [thread for thread in threads if call.user_id in thread.member_ids]
    return {
        "threads": [channel_payload(thread) for thread in threads],
        "members": [thread_member_payload(thread, call.user_id) for thread in joined],
        "has_more": False,
    }


async def get_member(call: RestCall) -> Json:
    """Describe a member."""
    member = call.guild().members.get(call.snowflake("user_id"))
    if member is None:
        raise ApiError(*UNKNOWN_MEMBER)
    return member_payload(member, with_user=True)


async def get_channel(call: RestCall) -> Json:
    """Describe a channel, thread or DM."""
    return channel_payload(call.visible_channel())


async def typing(call: RestCall) -> None:
    """Show that the bot types."""
    channel = call.visible_channel()
    require_sending(call, channel)
    posting.start_typing(call.world, channel, call.application.user)
