"""Routes of the bot itself: its user, application and DMs, and the gateway's address."""

from __future__ import annotations

from bot.sandbox import permissions
from bot.sandbox.errors import ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.payloads import application_payload, channel_payload, own_user_payload
from bot.sandbox.rest.bodies import parse_snowflake
from bot.sandbox.rest.router import RestCall, Route


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("GET", "/users/@me", me, "users.me"),
        Route("GET", "/users/@me/guilds", my_guilds, "users.guilds"),
        Route("POST", "/users/@me/channels", open_dm, "users.open_dm"),
        Route("GET", "/oauth2/applications/@me", application, "applications.me"),
        Route("GET", "/applications/@me", application, "applications.me"),
        Route("GET", "/gateway", gateway, "gateway", public=True),
        Route("GET", "/gateway/bot", gateway_bot, "gateway.bot"),
    ]


async def me(call: RestCall) -> Json:
    """Describe the bot user."""
    return own_user_payload(call.application.user)


async def my_guilds(call: RestCall) -> list[Json]:
    """List the guilds that the bot is a member of, each in short."""
    return [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner_id == call.user_id,
            "permissions": str(permissions.in_guild(guild, call.user_id)),
            "features": [],
        }
        for guild in call.world.guilds.values()
        if call.user_id in guild.members
    ]


async def application(call: RestCall) -> Json:
    """Describe the application."""
    guilds = [guild for guild in call.world.guilds.values() if call.user_id in guild.members]
    return application_payload(call.application, len(guilds))


async def gateway(call: RestCall) -> Json:
    """Tell where the gateway is."""
    return {"url": call.services.addresses.gateway}


async def gateway_bot(call: RestCall) -> Json:
    """Tell where the gateway is and how often a session may begin."""
    options = call.services.options
    limit = {
        "total": options.identify_total,
        "remaining": max(0, options.identify_total - call.application.identifies),
        "reset_after": 86_400_000,
        "max_concurrency": options.identify_concurrency,
    }
    return {"url": call.services.addresses.gateway, "shards": options.recommended_shards, "session_start_limit": limit}


async def open_dm(call: RestCall) -> Json:
    """Open a DM with a user."""
    body = (await call.body()).mapping
    user = call.world.users.get(parse_snowflake(body.get("recipient_id"), "recipient_id"))
    if user is None or user.webhook:
        raise ApiError(400, 50033, "Invalid Recipient(s)")
    if user.bot:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    return channel_payload(call.world.open_dm(call.application, user))
