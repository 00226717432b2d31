"""Threads: start from a message or alone, archive."""

from __future__ import annotations

from bot.sandbox import posting
from bot.sandbox.errors import ApiError, FormErrors, missing_permissions
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, ChannelKind, MessageFlag
from bot.sandbox.payloads import channel_payload, thread_member_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.rest.messages import existing, visible_channel
from bot.sandbox.rest.router import Created, RestCall, Route

MAX_NAME = 100
_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
_STARTABLE = (ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT)


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("POST", "/channels/{channel_id}/threads", start, "threads.start"),
        Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", start_from_message, "threads.start"),
        Route("PATCH", "/channels/{channel_id}", change, "channels.edit"),
        Route("PUT", "/channels/{channel_id}/thread-members/@me", join, "threads.members"),
        Route("DELETE", "/channels/{channel_id}/thread-members/@me", leave, "threads.members"),
    ]


async def start(call: RestCall) -> Created:
    """Start a thread without a message; the documented default is a private one."""
    channel = _parent(call)
    body = (await call.body()).mapping
    public = body.get("type") == ChannelKind.PUBLIC_THREAD
    kind = ChannelKind.PUBLIC_THREAD if public else ChannelKind.PRIVATE_THREAD
    _require(call, channel, Permission.CREATE_PUBLIC_THREADS if public else Permission.CREATE_PRIVATE_THREADS)
    name, minutes = _name_and_minutes(body)
    thread = call.world.create_thread(channel, name, call.application.user, kind=kind)
    thread.auto_archive_minutes = minutes
    return Created(_joined(call, thread))


async def start_from_message(call: RestCall) -> Created:
    """Start a thread from a message, whose id it takes."""
    channel = _parent(call)
    _require(call, channel, Permission.CREATE_PUBLIC_THREADS)
    message = existing(call, channel)
    if message.thread is not None or message.id in call.world.channels:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    name, minutes = _name_and_minutes((await call.body()).mapping)
    thread = call.world.create_thread(channel, name, call.application.user, message=message)
    thread.auto_archive_minutes = minutes
    message.thread = thread
    message.flags |= MessageFlag.HAS_THREAD
    posting.announce_update(call.world, message)
    return Created(_joined(call, thread))


def _parent(call: RestCall) -> Channel:
    channel = visible_channel(call)
    if channel.kind not in _STARTABLE:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    return channel


def _require(call: RestCall, channel: Channel, permission: Permission) -> None:
    if not allows(channel, call.user_id, permission):
        raise missing_permissions()


def _joined(call: RestCall, thread: Channel) -> Json:
    return {**channel_payload(thread), "member": thread_member_payload(thread, call.user_id)}


def _name_and_minutes(body: Json) -> tuple[str, int]:
    errors = FormErrors()
    name, minutes = body.get("name"), body.get("auto_archive_duration") or 1440
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        errors.add("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_NAME} in length.")
    if minutes not in _ARCHIVE_MINUTES:
        errors.add("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {_ARCHIVE_MINUTES}.")
    errors.raise_if_any()
    return str(name), int(minutes)


async def change(call: RestCall) -> Json:
    """Rename, archive or lock a thread; other channels only take a name or topic."""
    channel = visible_channel(call)
    body = (await call.body()).mapping
    manager = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
    own = channel.is_thread and channel.owner_id == call.user_id and "locked" not in body
    if channel.is_dm or not (own or allows(channel, call.user_id, manager)):
        raise missing_permissions()
    errors = FormErrors()
    name = body.get("name", channel.name)
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        errors.add("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_NAME} in length.")
    switches = {key: body.get(key, getattr(channel, key)) for key in ("archived", "locked")}
    for key, value in switches.items():
        if not isinstance(value, bool):
            errors.add(key, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    errors.raise_if_any()
    call.world.change_channel(channel, name=name, archived=switches["archived"], locked=switches["locked"])
    return channel_payload(channel)


def _thread(call: RestCall) -> Channel:
    channel = visible_channel(call)
    if not channel.is_thread:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    return channel


async def join(call: RestCall) -> None:
    """Join a thread."""
    _thread(call).member_ids.add(call.user_id)


async def leave(call: RestCall) -> None:
    """Leave a thread."""
    _thread(call).member_ids.discard(call.user_id)
