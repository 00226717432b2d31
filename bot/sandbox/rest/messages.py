"""Messages: create, list, get, edit, delete, bulk delete."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from bot.sandbox import posting
from bot.sandbox.attachments import attachment_payloads
from bot.sandbox.errors import EMPTY_MESSAGE, MISSING_ACCESS, MISSING_PERMISSIONS, UNKNOWN_MESSAGE, ApiError, invalid
from bot.sandbox.intents import MESSAGE_CONTENT, denied_bits
from bot.sandbox.json_codec import Json, whole_text
from bot.sandbox.message_payloads import content_is_free, message_payload, without_content
from bot.sandbox.models import Channel, Message, MessageFlag
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.rest.bodies import parse_snowflake
from bot.sandbox.rest.message_forms import MessageForm, ReferenceForm, read_message
from bot.sandbox.rest.router import RestCall, Route
from bot.sandbox.snowflakes import timestamp_ms, wall_clock_ms

MAX_PAGE = 100
DEFAULT_PAGE = 50
BULK_MIN, BULK_MAX = 2, 100
BULK_AGE_MS = 14 * 24 * 3600 * 1000


def routes() -> list[Route]:
    """List the routes."""
    base = "/channels/{channel_id}/messages"
    one = f"{base}/{{message_id}}"
    return [
        Route("POST", base, create, "messages.create"),
        Route("GET", base, history, "messages.list"),
        Route("POST", f"{base}/bulk-delete", bulk_delete, "messages.bulk_delete"),
        Route("GET", one, get, "messages.get"),
        Route("PATCH", one, edit, "messages.edit"),
        Route("DELETE", one, delete, "messages.delete"),
    ]


def show(call: RestCall, message: Message) -> Json:
    """Build a message for the caller, without its content if the application's settings lack the content intent.

    REST looks at the settings of the application, not at the intents of a session (gateway.mdx:481-483).
    """
    payload = message_payload(message, call.world.messages.get, viewer_id=call.user_id)
    hidden = denied_bits(call.application.denied_intents) & MESSAGE_CONTENT
    return without_content(payload) if hidden and not content_is_free(message, call.user_id) else payload


async def create(call: RestCall) -> Json:
    """Post a message, or return the one that was made with the same nonce."""
    channel = call.visible_channel()
    require_sending(call, channel)
    if channel.archived and channel.locked:
        raise ApiError(400, 50083, "Thread is archived")
    form = read_message(await call.body())
    known = _made_before(call, form)
    if known is not None:
        return _with_nonce(show(call, known), known)
    form.require_something()
    reply_to = _resolve_reference(call, channel, form.message_reference)
    message = Message(channel, call.application.user, nonce=form.nonce)
    fill(call, message, form)
    message.flags &= ~MessageFlag.EPHEMERAL
    posting.post(call.world, message, reply_to=reply_to, allowed=form.allowed)
    return _with_nonce(show(call, message), message)


def fill(call: RestCall, message: Message, form: MessageForm) -> None:
    """Write what a client sent into a message that is about to be posted."""
    message.content = form.content or ""
    message.embeds = form.embed_payloads() or []
    message.components = form.components or []
    message.flags = form.flags or 0
    message.tts = form.tts
    message.attachments = attachment_payloads(call.services, message.channel, form.attachments)


def _with_nonce(payload: Json, message: Message) -> Json:
    return payload if message.nonce is None else {**payload, "nonce": message.nonce}


def _made_before(call: RestCall, form: MessageForm) -> Message | None:
    """Find the message of an enforced nonce; raise 10008 if it is deleted (docs PR 6647)."""
    if not form.enforce_nonce or form.nonce is None:
        return None
    message = call.world.nonces.find(call.user_id, form.nonce)
    if message is not None and message.deleted:
        raise ApiError(*UNKNOWN_MESSAGE)
    return message


def require_sending(call: RestCall, channel: Channel) -> None:
    """Refuse a bot that may not send to a channel with 50013."""
    needed = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    call.require(channel, needed)


def _resolve_reference(call: RestCall, channel: Channel, reference: ReferenceForm | None) -> Message | None:
    """Find the message to answer; return None if it is gone and need not exist (message.mdx:333)."""
    if reference is None:
        return None
    if not allows(channel, call.user_id, Permission.READ_MESSAGE_HISTORY):
        raise ApiError(403, 160002, "Cannot reply without permission to read message history")
    target = call.world.live_message(channel, reference.message_id)
    elsewhere = reference.channel_id is not None and reference.channel_id != channel.id
    if target is not None and not elsewhere:
        return target
    if reference.fail_if_not_exists:
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


async def history(call: RestCall) -> list[Json]:
    """List messages, newest first; none without READ_MESSAGE_HISTORY (message.mdx, "Get Channel Messages")."""
    channel = call.visible_channel()
    query = call.request.query
    limit = page_limit(query.get("limit"))
    anchors = {name: query[name] for name in ("around", "before", "after") if name in query}
    if len(anchors) > 1:
        raise ApiError(400, 50035, "Only one of around, before and after may be given")
    if not allows(channel, call.user_id, Permission.READ_MESSAGE_HISTORY):
        return []
    ids = _page(channel.message_ids, {name: parse_snowflake(value, name) for name, value in anchors.items()}, limit)
    return [show(call, call.world.messages[message_id]) for message_id in reversed(ids)]


def page_limit(text: str | None) -> int:
    """Read the length of a page; raise 50035 for one that no page has."""
    if text is None:
        return DEFAULT_PAGE
    if not text.isascii() or not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - no page is that long
        raise invalid("limit", "NUMBER_TYPE_COERCE", f'Value "{text[:20]}" is not int.')
    if not 1 <= int(text) <= MAX_PAGE:
        code = "NUMBER_TYPE_MAX" if int(text) else "NUMBER_TYPE_MIN"
        raise invalid("limit", code, f"int value should be between 1 and {MAX_PAGE}.")
    return int(text)


def _page(ids: list[int], anchors: dict[str, int], limit: int) -> list[int]:
    """Choose a page of ascending ids; anchors are exclusive."""
    if "after" in anchors:
        start = bisect_right(ids, anchors["after"])
        return ids[start : start + limit]
    if "before" in anchors:
        end = bisect_left(ids, anchors["before"])
        return ids[max(0, end - limit) : end]
    if "around" in anchors:
        middle = bisect_left(ids, anchors["around"])
        start = max(0, middle - limit // 2)
        return ids[start : start + limit]
    return ids[-limit:]


def existing(call: RestCall, channel: Channel) -> Message:
    """Find the message of the path; raise 10008 if it is gone."""
    message = call.world.live_message(channel, call.snowflake("message_id"))
    if message is None:
        raise ApiError(*UNKNOWN_MESSAGE)
    return message


async def get(call: RestCall) -> Json:
    """Get a message."""
    channel = call.visible_channel()
    if not allows(channel, call.user_id, Permission.READ_MESSAGE_HISTORY):
        raise ApiError(*MISSING_ACCESS)
    return show(call, existing(call, channel))


async def edit(call: RestCall) -> Json:
    """Edit an own message."""
    channel = call.visible_channel()
    message = existing(call, channel)
    if message.author is not call.application.user:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    form = read_message(await call.body())
    apply_edit(call, message, form)
    posting.announce_edit(call.world, message)
    return show(call, message)


def apply_edit(call: RestCall, message: Message, form: MessageForm) -> None:
    """Change a message in place; raise 50006 if nothing would be left."""
    content = message.content if form.content is None else form.content
    embeds = message.embeds if form.embeds is None else form.embed_payloads() or []
    components = message.components if form.components is None else form.components
    if not content.strip() and not embeds and not components and not message.attachments and not form.attachments:
        raise ApiError(*EMPTY_MESSAGE)
    message.content, message.embeds, message.components = whole_text(content), embeds, components
    if form.attachments:
        message.attachments = attachment_payloads(call.services, message.channel, form.attachments)
    posting.set_mentions(call.world, message, form.allowed, None)


async def delete(call: RestCall) -> None:
    """Delete an own message, or anybody's with MANAGE_MESSAGES."""
    channel = call.visible_channel()
    message = existing(call, channel)
    own = message.author is call.application.user
    if not own and (channel.is_dm or not allows(channel, call.user_id, Permission.MANAGE_MESSAGES)):
        raise ApiError(*MISSING_PERMISSIONS)
    posting.delete(call.world, message)


async def bulk_delete(call: RestCall) -> None:
    """Delete 2 to 100 messages not older than two weeks; unknown ids are ignored."""
    channel = call.visible_channel()
    if channel.is_dm or not allows(channel, call.user_id, Permission.MANAGE_MESSAGES):
        raise ApiError(*MISSING_PERMISSIONS)
    values = (await call.body()).mapping.get("messages")
    if not isinstance(values, list) or not BULK_MIN <= len(values) <= BULK_MAX:
        raise ApiError(400, 50016, "Provided too few or too many messages to delete. Must provide 2 to 100.")
    ids = [parse_snowflake(value, f"messages.{index}") for index, value in enumerate(values)]
    if len(set(ids)) != len(ids):
        raise invalid("messages", "BASE_TYPE_UNIQUE", "Must be unique.")
    if any(timestamp_ms(item) < wall_clock_ms() - BULK_AGE_MS for item in ids):
        raise ApiError(400, 50034, "A message provided was too old to bulk delete")
    found = [call.world.live_message(channel, item) for item in ids]
    posting.bulk_delete(call.world, channel, [message for message in found if message is not None])
