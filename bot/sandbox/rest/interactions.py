"""Answers to interactions, by callback and by the webhook of their token; and the webhooks of channels."""

from __future__ import annotations

import secrets
from typing import Any

from bot.sandbox import posting
from bot.sandbox.errors import INVALID_WEBHOOK_TOKEN, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, ApiError, invalid
from bot.sandbox.interactions import Callback, Interaction, InteractionKind, interaction_metadata
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import message_payload
from bot.sandbox.models import Message, MessageFlag, MessageKind, User, Webhook
from bot.sandbox.rest.bodies import RequestBody, parse_snowflake
from bot.sandbox.rest.message_forms import MessageForm, read_message
from bot.sandbox.rest.messages import apply_edit, fill
from bot.sandbox.rest.router import RestCall, Route

MAX_CHOICES = 25
ORIGINAL = "@original"
_TRUE = ("1", "true")
_FOR_COMPONENTS = (Callback.DEFERRED_UPDATE, Callback.UPDATE_MESSAGE)


def routes() -> list[Route]:
    """List the routes; the token in the path authenticates."""
    hook = "/webhooks/{webhook_id}/{token}"
    one = f"{hook}/messages/{{message_id}}"
    callback_path = "/interactions/{interaction_id}/{token}/callback"
    return [
        Route("POST", callback_path, callback, "interactions.callback", public=True, exempt=True),
        Route("GET", hook, describe, "webhooks.get", public=True, exempt=True),
        Route("POST", hook, execute, "webhooks.execute", public=True, exempt=True),
        Route("GET", one, get, "webhooks.message", public=True, exempt=True),
        Route("PATCH", one, edit, "webhooks.message", public=True, exempt=True),
        Route("DELETE", one, delete, "webhooks.message", public=True, exempt=True),
    ]


# -- the first response ------------------------------------------------------------------------------------------------


async def callback(call: RestCall) -> Json | None:
    """Respond to an interaction, once and within three seconds."""
    body = await call.body()
    interaction = call.services.interactions.unanswered(call.snowflake("interaction_id"), call.text("token"))
    kind = _callback_kind(body.mapping.get("type"), interaction)
    data = body.mapping.get("data")
    if data is not None and not isinstance(data, dict):
        raise invalid("data", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
    inner = RequestBody(data or {}, body.uploads)
    if kind is Callback.MESSAGE:
        interaction.original = _post(call, _first_answer(interaction), _checked(inner))
    elif kind is Callback.DEFERRED_MESSAGE:
        interaction.original = _defer(call, interaction, read_message(inner))
    elif kind is Callback.DEFERRED_UPDATE:
        interaction.original = interaction.source
    elif kind is Callback.UPDATE_MESSAGE and interaction.source is not None:
        apply_edit(call, interaction.source, read_message(inner))
        posting.announce_update(call.world, interaction.source)
        interaction.original = interaction.source
    elif kind in (Callback.AUTOCOMPLETE_RESULT, Callback.MODAL):
        interaction.answer = _plain_answer(kind, inner.mapping)
    call.services.interactions.acknowledge(interaction, kind)
    return _callback_answer(call, interaction, kind) if _asked(call, "with_response") else None


def _callback_kind(value: Any, interaction: Interaction) -> Callback:  # noqa: ANN401 - JSON
    try:
        kind = Callback(value)
    except ValueError:
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {tuple(map(int, Callback))}.") from None
    completes = interaction.kind is InteractionKind.AUTOCOMPLETE
    if (
        (kind is Callback.AUTOCOMPLETE_RESULT) != completes
        or kind is Callback.PONG
        or (kind in _FOR_COMPONENTS and interaction.source is None)
        or (kind is Callback.MODAL and interaction.kind is InteractionKind.MODAL_SUBMIT)
    ):
        raise invalid("type", "INTERACTION_CALLBACK_INVALID_TYPE", "This response type does not fit the interaction.")
    return kind


def _checked(body: RequestBody) -> MessageForm:
    form = read_message(body)
    form.require_something()
    return form


def _plain_answer(kind: Callback, data: Json) -> Json:
    if kind is Callback.AUTOCOMPLETE_RESULT:
        choices = data.get("choices")
        if not isinstance(choices, list) or len(choices) > MAX_CHOICES:
            raise invalid("data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length.")
        return {"choices": choices}
    if not all(isinstance(data.get(name), str) for name in ("custom_id", "title")):
        raise invalid("data.custom_id", "BASE_TYPE_REQUIRED", "This field is required")
    return {"modal": data}


def _answer(interaction: Interaction, kind: MessageKind) -> Message:
    """Begin a message that answers an interaction."""
    application = interaction.application
    return Message(
        interaction.channel,
        application.user,
        kind=kind,
        webhook_id=application.id,
        application_id=application.id,
        interaction_metadata=interaction_metadata(interaction),
    )


def _first_answer(interaction: Interaction) -> Message:
    kind = MessageKind.DEFAULT
    if interaction.kind is InteractionKind.COMMAND:
        chat = interaction.data.get("type", 1) == 1
        kind = MessageKind.CHAT_INPUT_COMMAND if chat else MessageKind.CONTEXT_MENU_COMMAND
    return _answer(interaction, kind)


def _post(call: RestCall, message: Message, form: MessageForm, reply_to: Message | None = None) -> Message:
    fill(call, message, form)
    return posting.post(call.world, message, reply_to=reply_to, allowed=form.allowed)


def _defer(call: RestCall, interaction: Interaction, form: MessageForm) -> Message:
    """Post the message that shows that the bot is thinking; of the body only EPHEMERAL counts (:304)."""
    message = _first_answer(interaction)
    message.flags = MessageFlag.LOADING | ((form.flags or 0) & MessageFlag.EPHEMERAL)
    interaction.waiting = True
    return posting.post(call.world, message)


def _callback_answer(call: RestCall, interaction: Interaction, kind: Callback) -> Json:
    described: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    original = interaction.original
    if original is not None:
        described |= {
            "response_message_id": str(original.id),
            "response_message_loading": interaction.waiting,
            "response_message_ephemeral": original.ephemeral,
        }
    answer: Json = {"interaction": described}
    if kind in (Callback.MESSAGE, Callback.UPDATE_MESSAGE) and original is not None:
        answer["resource"] = {"type": int(kind), "message": _show(call, original)}
    return answer


def _show(call: RestCall, message: Message) -> Json:
    return message_payload(message, call.world.messages.get)


def _asked(call: RestCall, name: str) -> bool:
    return call.request.query.get(name, "").lower() in _TRUE


# -- the webhook behind a token ----------------------------------------------------------------------------------------


def _open(call: RestCall) -> Interaction | Webhook:
    """Find the interaction or webhook of the path's id and token."""
    hook_id, token = call.snowflake("webhook_id"), call.text("token")
    interaction = call.services.interactions.answered(hook_id, token)
    if interaction is not None:
        return interaction
    webhook = call.world.webhooks.get(hook_id)
    if webhook is None:
        raise ApiError(*UNKNOWN_WEBHOOK)
    if not secrets.compare_digest(webhook.token.encode(), token.encode()):
        raise ApiError(*INVALID_WEBHOOK_TOKEN)
    return webhook


async def describe(call: RestCall) -> Json:
    """Describe a webhook of a channel."""
    webhook = _open(call)
    if isinstance(webhook, Interaction):
        raise ApiError(*UNKNOWN_WEBHOOK)
    guild = webhook.channel.guild
    return {
        "id": str(webhook.id),
        "type": 1,
        "application_id": None,
        "name": webhook.user.name,
        "avatar": None,
        "channel_id": str(webhook.channel.id),
        "guild_id": None if guild is None else str(guild.id),
        "token": webhook.token,
    }


async def execute(call: RestCall) -> Json | None:
    """Post a follow-up or a webhook message; the first follow-up after a deferral edits the original (:479)."""
    opened = _open(call)
    body = await call.body()
    form = _checked(body)
    if isinstance(opened, Webhook):
        message = _post_as_webhook(call, opened, form, body)
        return _show(call, message) if _asked(call, "wait") else None
    if opened.waiting and opened.original is not None:
        return _finish_waiting(call, opened, opened.original, form)
    reply_to = opened.original if opened.original is not None and not opened.original.deleted else None
    message = _post(call, _answer(opened, MessageKind.DEFAULT), form, reply_to)
    opened.followups.append(message)
    return _show(call, message)


def _finish_waiting(call: RestCall, interaction: Interaction, original: Message, form: MessageForm) -> Json:
    apply_edit(call, original, form)
    original.flags &= ~MessageFlag.LOADING
    interaction.waiting = False
    posting.announce_update(call.world, original)
    return _show(call, original)


def _post_as_webhook(call: RestCall, webhook: Webhook, form: MessageForm, body: RequestBody) -> Message:
    name = body.mapping.get("username")
    author = webhook.user if not isinstance(name, str) or not name else User(webhook.id, name, webhook=True)
    form.flags = (form.flags or 0) & ~MessageFlag.EPHEMERAL
    message = Message(webhook.channel, author, webhook_id=webhook.id, application_id=webhook.application_id)
    return _post(call, message, form)


def _target(call: RestCall) -> tuple[Interaction | Webhook, Message]:
    """Find the message of the path among those of the token."""
    opened, name = _open(call), call.text("message_id")
    if isinstance(opened, Webhook):
        found = call.world.messages.get(parse_snowflake(name, "message_id"))
        message = found if found is not None and found.webhook_id == opened.id else None
    elif name == ORIGINAL:
        message = opened.original
    else:
        wanted = parse_snowflake(name, "message_id")
        own = [*opened.followups, *([opened.original] if opened.original is not None else [])]
        message = next((item for item in own if item.id == wanted), None)
    if message is None or message.deleted:
        raise ApiError(*UNKNOWN_MESSAGE)
    return opened, message


async def get(call: RestCall) -> Json:
    """Get the original response, a follow-up or a webhook message."""
    return _show(call, _target(call)[1])


async def edit(call: RestCall) -> Json:
    """Edit it; an edit of a deferred response sets its content, and does not count as an edit."""
    opened, message = _target(call)
    form = read_message(await call.body())
    if isinstance(opened, Interaction) and opened.waiting and message is opened.original:
        return _finish_waiting(call, opened, message, form)
    apply_edit(call, message, form)
    posting.announce_edit(call.world, message)
    return _show(call, message)


async def delete(call: RestCall) -> None:
    """Delete an answer or a webhook message."""
    posting.delete(call.world, _target(call)[1])
