"""Threads: start from a message or alone, archive."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.sandbox import posting
from bot.sandbox.errors import MISSING_PERMISSIONS, WRONG_CHANNEL_TYPE, ApiError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, ChannelKind, MessageFlag
from bot.sandbox.payloads import channel_payload, thread_member_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.rest.bodies import Flag, JsonForm, checked, length_between, one_of
from bot.sandbox.rest.messages import existing, page_limit
from bot.sandbox.rest.router import Created, RestCall, Route

_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
_STARTABLE = (ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT)


_Name = Annotated[str, length_between(1, 100)]


class ThreadForm(JsonForm):
    """A thread to start."""

    name: _Name = Field("", validate_default=True)
    auto_archive_duration: Annotated[int, one_of(_ARCHIVE_MINUTES, f"one of {_ARCHIVE_MINUTES}")] = 1440


class ChannelForm(JsonForm):
    """The new values of a channel or thread."""

    name: _Name
    archived: Flag
    locked: Flag


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("POST", "/channels/{channel_id}/threads", start, "threads.start"),
        Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", start_from_message, "threads.start"),
        Route("GET", "/channels/{channel_id}/threads/archived/public", archived, "threads.archived"),
        Route("PATCH", "/channels/{channel_id}", change, "channels.edit"),
    ]


async def start(call: RestCall) -> Created:
    """Start a thread without a message; the documented default is a private one."""
    channel = _parent(call)
    body = (await call.body()).mapping
    public = body.get("type") == ChannelKind.PUBLIC_THREAD
    kind = ChannelKind.PUBLIC_THREAD if public else ChannelKind.PRIVATE_THREAD
    call.require(channel, Permission.CREATE_PUBLIC_THREADS if public else Permission.CREATE_PRIVATE_THREADS)
    form = checked(ThreadForm, body)
    thread = call.world.create_thread(channel, form.name, call.application.user, kind=kind)
    thread.auto_archive_minutes = form.auto_archive_duration
    return Created(_joined(call, thread))


async def start_from_message(call: RestCall) -> Created:
    """Start a thread from a message, whose id it takes."""
    channel = _parent(call)
    call.require(channel, Permission.CREATE_PUBLIC_THREADS)
    message = existing(call, channel)
    if message.thread is not None or message.id in call.world.channels:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    form = checked(ThreadForm, (await call.body()).mapping)
    thread = call.world.create_thread(channel, form.name, call.application.user, message=message)
    thread.auto_archive_minutes = form.auto_archive_duration
    message.thread = thread
    message.flags |= MessageFlag.HAS_THREAD
    posting.announce_update(call.world, message)
    return Created(_joined(call, thread))


async def archived(call: RestCall) -> Json:
    """List a channel's archived public threads, the one that was archived last first (channel.mdx)."""
    channel = _parent(call)
    call.require(channel, Permission.READ_MESSAGE_HISTORY)
    query, guild = call.request.query, channel.guild
    limit, before = page_limit(query.get("limit")), query.get("before", "")
    there = [
        channel_payload(thread)
        for thread in (guild.threads.values() if guild else ())
        if thread.parent is channel and thread.archived and thread.kind is not ChannelKind.PRIVATE_THREAD
    ]
    there.sort(key=_archived_at, reverse=True)
    older = [thread for thread in there if not before or _archived_at(thread) < before]
    return {"threads": older[:limit], "members": [], "has_more": len(older) > limit}


def _archived_at(thread: Json) -> str:
    return str(thread["thread_metadata"]["archive_timestamp"])


def _parent(call: RestCall) -> Channel:
    channel = call.visible_channel()
    if channel.kind not in _STARTABLE:
        raise ApiError(*WRONG_CHANNEL_TYPE)
    return channel


def _joined(call: RestCall, thread: Channel) -> Json:
    return {**channel_payload(thread), "member": thread_member_payload(thread, call.user_id)}


async def change(call: RestCall) -> Json:
    """Rename, archive or lock a thread; other channels only take a name or topic."""
    channel = call.visible_channel()
    body = (await call.body()).mapping
    manager = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
    own = channel.is_thread and channel.owner_id == call.user_id and "locked" not in body
    if channel.is_dm or not (own or allows(channel, call.user_id, manager)):
        raise ApiError(*MISSING_PERMISSIONS)
    present = {"name": channel.name, "archived": channel.archived, "locked": channel.locked}
    form = checked(ChannelForm, present | body)
    call.world.change_channel(channel, name=form.name, archived=form.archived, locked=form.locked)
    return channel_payload(channel)
