"""The members of a thread (threads.mdx, "Thread membership")."""

from __future__ import annotations

from bot.sandbox import intents, posting
from bot.sandbox.errors import WRONG_CHANNEL_TYPE, ApiError
from bot.sandbox.events import Dispatch
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, Message, MessageKind
from bot.sandbox.payloads import channel_payload, member_payload, thread_member_payload
from bot.sandbox.permissions import Permission
from bot.sandbox.rest.router import RestCall, Route


def routes() -> list[Route]:
    """List the routes."""
    base = "/channels/{channel_id}/thread-members"
    return [
        Route("GET", base, list_members, "threads.members"),
        Route("PUT", f"{base}/@me", join, "threads.members"),
        Route("DELETE", f"{base}/@me", leave, "threads.members"),
        Route("PUT", f"{base}/{{user_id}}", add, "threads.members"),
        Route("DELETE", f"{base}/{{user_id}}", remove, "threads.members"),
    ]


async def list_members(call: RestCall) -> list[Json]:
    """List who is in the thread."""
    thread = _thread(call)
    return [thread_member_payload(thread, user_id) for user_id in sorted(thread.member_ids)]


async def join(call: RestCall) -> None:
    """Join a thread."""
    _enter(_active(call), call.user_id)


async def leave(call: RestCall) -> None:
    """Leave a thread."""
    _exit(_active(call), call.user_id)


async def add(call: RestCall) -> None:
    """Add another member, who may be in the thread already: a system message, and THREAD_MEMBERS_UPDATE.

    A bot is told of the thread first, because it may not have seen a private one (threads.mdx): THREAD_CREATE.
    """
    thread, user_id = _active(call), call.snowflake("user_id")
    call.require(thread, Permission.SEND_MESSAGES_IN_THREADS)
    if thread.guild is None or user_id not in thread.guild.members:
        raise ApiError(404, 10013, "Unknown User")
    if user_id not in thread.member_ids:
        _enter(thread, user_id)
        if bot := call.world.applications.get(user_id):
            told = channel_payload(thread) | {"member": thread_member_payload(thread, user_id)}
            call.world.emit(Dispatch("THREAD_CREATE", told, intent=intents.GUILDS, guild=thread.guild, application=bot))
        member = member_payload(thread.guild.members[user_id], with_user=True)
        _say(call, thread, MessageKind.RECIPIENT_ADD, user_id)
        _announce(call, thread, added_members=[{**thread_member_payload(thread, user_id), "member": member}])


async def remove(call: RestCall) -> None:
    """Remove another member, which who started the thread may, and who manages threads: as for one that is added."""
    thread, user_id = _active(call), call.snowflake("user_id")
    if thread.owner_id != call.user_id:
        call.require(thread, Permission.MANAGE_THREADS)
    if user_id in thread.member_ids:
        _exit(thread, user_id)
        _say(call, thread, MessageKind.RECIPIENT_REMOVE, user_id)
        _announce(call, thread, removed_member_ids=[str(user_id)])


def _enter(thread: Channel, user_id: int) -> None:
    thread.member_ids.add(user_id)
    thread.permission_cache.clear()


def _exit(thread: Channel, user_id: int) -> None:
    thread.member_ids.discard(user_id)
    thread.permission_cache.clear()


def _thread(call: RestCall) -> Channel:
    channel = call.visible_channel()
    if not channel.is_thread:
        raise ApiError(*WRONG_CHANNEL_TYPE)
    return channel


def _active(call: RestCall) -> Channel:
    """Return the thread, whose members change only while it is not archived (channel.mdx)."""
    thread = _thread(call)
    if thread.archived:
        raise ApiError(400, 50083, "Thread is archived")
    return thread


def _say(call: RestCall, thread: Channel, kind: MessageKind, user_id: int) -> None:
    named = [call.world.users[user_id]]
    posting.post(call.world, Message(thread, call.application.user, kind=kind, mentions=named))


def _announce(call: RestCall, thread: Channel, **changed: object) -> None:
    """Tell of others than the bot itself, which needs the intent for members (gateway-events.mdx)."""
    guild = thread.guild
    about = {"id": str(thread.id), "guild_id": str(guild.id if guild else 0), "member_count": len(thread.member_ids)}
    event = Dispatch(
        "THREAD_MEMBERS_UPDATE", about | changed, intent=intents.GUILD_MEMBERS, guild=guild, channel=thread
    )
    call.world.emit(event)
