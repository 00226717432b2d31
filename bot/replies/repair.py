"""Putting an abandoned reply back into the outbox, by hand."""

from __future__ import annotations

from bot.conversations import Conversations, stream_of
from bot.core.commands import Retry
from bot.core.events import KeyKind, Recorded, ReplyComposed, ReplyRequested, ReplyRetried, ReplySent
from bot.core.outbox import ASKED
from bot.errors import EcholessError
from bot.eventlog.reader import Reader


class NothingToRetry(EcholessError):
    """The message has no reply that was given up."""


async def retry(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int, *, by: str
) -> tuple[Recorded, ...]:
    """Ask for the reply to a message again and return what was recorded.

    What was composed stays as it is, and parts that are in Discord are not sent again. Raises NothingToRetry when the
    message was never to be answered, was answered, or still waits for its answer.
    """
    stream = stream_of(channel_id)
    requested = await reader.find(stream, KeyKind.REQUESTED, message_id)
    if not requested:
        raise NothingToRetry(f"No reply to message {message_id} was ever requested in channel {channel_id}.")
    if isinstance(requested[0].event, ReplyRequested) and requested[0].event.via in ASKED:
        raise NothingToRetry(f"Question {message_id} was asked by a command, whose time is over: ask it again.")
    if (await conversations.state(channel_id)).pending(message_id) is not None:
        raise NothingToRetry(f"The reply to message {message_id} is not given up: it is still being tried.")
    composed = await reader.find(stream, KeyKind.COMPOSED, message_id)
    sent = [found.event for found in await reader.find(stream, KeyKind.SENT, message_id)]
    event = _event(requested[0], composed[-1] if composed else None, [s for s in sent if isinstance(s, ReplySent)], by)
    if event.sent_ids and 0 not in event.sent_ids:
        raise NothingToRetry(f"Message {message_id} was answered: all parts of the reply are in Discord.")
    return await conversations.handle(channel_id, Retry(event))


def _event(requested: Recorded, composed: Recorded | None, sent: list[ReplySent], by: str) -> ReplyRetried:
    request = requested.event
    if not isinstance(request, ReplyRequested):
        raise NothingToRetry(f"Event {requested.position} is not a request: run `echoless log verify`.")
    parts = composed.event.parts if composed and isinstance(composed.event, ReplyComposed) else 0
    ids = {event.part: event.sent_id for event in sent}
    return ReplyRetried(
        message_id=request.message_id,
        author_id=request.author_id,
        by=by,
        responder=request.responder,
        asked_at=requested.causation or 0,
        composed_at=composed.position if composed else 0,
        sent_ids=tuple(ids.get(part, 0) for part in range(parts)),
    )
