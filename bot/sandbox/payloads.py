"""Users, guilds, channels and applications as Discord writes them; fields and types from its OpenAPI description."""

from __future__ import annotations

from typing import Any

from bot.sandbox import intents
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Channel, Guild, GuildRole, Member, User
from bot.sandbox.snowflakes import iso_moment, iso_time, timestamp_ms


def user_payload(user: User) -> Json:
    """Build a user; the result is shared, so copy before changing it."""
    if not user.payload:
        user.payload = {
            "id": str(user.id),
            "username": user.name,
            "avatar": None,
            "discriminator": _discriminator(user),
            "public_flags": 0,
            "flags": 0,
            "global_name": None if user.bot or user.webhook else user.name,
            "primary_guild": None,
        }
        if user.bot or user.webhook:
            user.payload["bot"] = True
    return user.payload


def _discriminator(user: User) -> str:
    """Return the four digits, which only bots still have."""
    if user.webhook:
        return "0000"
    return f"{(user.id >> 12) % 9999 + 1:04d}" if user.bot else "0"


def own_user_payload(user: User) -> Json:
    """Build a user as the account itself sees it."""
    return {
        **user_payload(user),
        "mfa_enabled": False,
        "locale": "en-US",
        "email": None,
        "verified": True,
    }


def member_payload(member: Member, *, with_user: bool) -> Json:
    """Build a member; message events carry it without the user."""
    payload: Json = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": iso_time(member.joined_ms),
        "nick": member.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role) for role in member.role_ids],
        "mute": False,
        "deaf": False,
    }
    if with_user:
        payload["user"] = user_payload(member.user)
    return payload


def role_payload(role: GuildRole) -> Json:
    """Build a role; the role that Discord manages for a bot has tags (docs: permissions, role tags)."""
    payload: Json = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.bot_id is not None,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    return payload if role.bot_id is None else payload | {"tags": {"bot_id": str(role.bot_id)}}


def channel_payload(channel: Channel) -> Json:
    """Build a text channel, a thread or a DM."""
    payload: Json = {
        "id": str(channel.id),
        "type": int(channel.kind),
        "last_message_id": _optional_id(channel.last_message_id),
        "flags": 0,
    }
    if channel.guild is None:
        payload["recipients"] = [user_payload(user) for user in channel.recipients if not user.bot]
        return payload
    payload |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    if channel.parent is not None:
        return payload | _thread_fields(channel, channel.parent)
    overwrites = [
        {"id": str(item.target_id), "type": item.kind, "allow": str(item.allow), "deny": str(item.deny)}
        for item in channel.overwrites.values()
    ]
    return payload | {
        "parent_id": None,
        "topic": channel.topic,
        "position": channel.position,
        "nsfw": False,
        "permission_overwrites": overwrites,
    }


def _thread_fields(thread: Channel, parent: Channel) -> Json:
    created = iso_time(timestamp_ms(thread.id))
    changed = created if thread.archive_changed_id is None else iso_moment(thread.archive_changed_id)
    return {
        "parent_id": str(parent.id),
        "owner_id": str(thread.owner_id),
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": changed,
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.locked,
            "create_timestamp": created,
        },
        "message_count": len(thread.message_ids),
        "member_count": len(thread.member_ids),
        "total_message_sent": thread.total_messages,
    }


def _optional_id(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)


def guild_payload(guild: Guild) -> Json:
    """Build a guild as GET /guilds/{id} answers it."""
    empty_lists: dict[str, list[Any]] = {name: [] for name in ("features", "emojis", "stickers")}
    nothing = (
        "icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id",
        "afk_channel_id", "system_channel_id", "widget_channel_id", "vanity_url_code", "rules_channel_id",
        "safety_alerts_channel_id", "public_updates_channel_id", "max_presences", "incidents_data",
    )  # fmt: skip
    zeroes = (
        "system_channel_flags", "verification_level", "default_message_notifications", "mfa_level",
        "explicit_content_filter", "max_stage_video_channel_users", "max_video_channel_users", "premium_tier",
        "premium_subscription_count", "nsfw_level",
    )  # fmt: skip
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        **dict.fromkeys(nothing),
        **dict.fromkeys(zeroes, 0),
        **empty_lists,
        "region": "deprecated",
        "afk_timeout": 300,
        "widget_enabled": False,
        "max_members": 500_000,
        "preferred_locale": "en-US",
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "roles": [role_payload(role) for role in guild.roles.values()],
    }


def guild_create_payload(guild: Guild, viewer: Member, threads: list[Channel], *, everybody: bool) -> Json:
    """Build GUILD_CREATE for one bot.

    Without the presences intent ``members`` holds only the bot (gateway-events.mdx, "Guild Create").
    """
    members = guild.members.values() if everybody else [viewer]
    empty = ("voice_states", "presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds")
    return {
        **guild_payload(guild),
        **{name: [] for name in empty},
        "joined_at": iso_time(viewer.joined_ms),
        "large": False,
        "member_count": len(guild.members),
        "members": [member_payload(member, with_user=True) for member in members],
        "channels": [channel_payload(channel) for channel in guild.channels.values()],
        "threads": [channel_payload(thread) for thread in threads],
    }


def thread_member_payload(thread: Channel, user_id: int) -> Json:
    """Build the membership of a user in a thread."""
    joined = iso_time(timestamp_ms(thread.id))
    return {"id": str(thread.id), "user_id": str(user_id), "join_timestamp": joined, "flags": 0}


def application_payload(application: Application, guild_count: int) -> Json:
    """Build the application as its own bot sees it."""
    flags = intents.application_flags(application.denied_intents)
    return {
        "id": str(application.id),
        "name": application.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_payload(application.user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": flags,
        "flags_new": str(flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_payload(application.owner),
        "approximate_guild_count": guild_count,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
    }
