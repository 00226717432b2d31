"""Reactions."""

from __future__ import annotations

import re
from urllib.parse import unquote

from bot.sandbox import posting
from bot.sandbox.errors import MISSING_PERMISSIONS, UNKNOWN_EMOJI, ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Message
from bot.sandbox.payloads import user_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.rest.messages import existing
from bot.sandbox.rest.router import RestCall, Route

_CUSTOM = re.compile(r"(?P<name>\w{2,32}):(?P<id>\d{1,20})")
_MAX_EMOJI = 32


def routes() -> list[Route]:
    """List the routes."""
    base = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}"
    return [
        Route("PUT", f"{base}/@me", add, "reactions"),
        Route("DELETE", f"{base}/@me", remove_own, "reactions"),
        Route("DELETE", f"{base}/{{user_id}}", remove, "reactions"),
        Route("GET", base, who, "reactions.list"),
    ]


def _message(call: RestCall) -> Message:
    channel = call.visible_channel()
    call.require(channel, Permission.READ_MESSAGE_HISTORY)
    return existing(call, channel)


def _emoji(call: RestCall) -> Json:
    text = unquote(call.text("emoji"))
    custom = _CUSTOM.fullmatch(text)
    if custom is not None:
        return {"id": custom["id"], "name": custom["name"]}
    if text.isascii() or len(text) > _MAX_EMOJI:
        raise ApiError(400, 10014, "Unknown Emoji")
    return {"id": None, "name": text}


async def add(call: RestCall) -> None:
    """React as the bot."""
    message, emoji = _message(call), _emoji(call)
    first = all(item.emoji != emoji for item in message.reactions)
    if first and not allows(message.channel, call.user_id, Permission.ADD_REACTIONS):
        raise ApiError(*MISSING_PERMISSIONS)
    posting.react(call.world, message, call.application.user, emoji)


async def remove_own(call: RestCall) -> None:
    """Take the bot's reaction back."""
    message = _message(call)
    if not posting.unreact(call.world, message, call.application.user, _emoji(call)):
        raise ApiError(*UNKNOWN_EMOJI)


async def remove(call: RestCall) -> None:
    """Take somebody's reaction off, with MANAGE_MESSAGES."""
    message = _message(call)
    call.require(message.channel, Permission.MANAGE_MESSAGES)
    user = call.world.users.get(call.snowflake("user_id"))
    if user is None or not posting.unreact(call.world, message, user, _emoji(call)):
        raise ApiError(*UNKNOWN_EMOJI)


async def who(call: RestCall) -> list[Json]:
    """List who reacted."""
    message, emoji = _message(call), _emoji(call)
    found = [item for item in message.reactions if item.emoji == emoji]
    return [user_payload(call.world.users[user_id]) for item in found for user_id in item.user_ids]
