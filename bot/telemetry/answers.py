"""Log lines about the bot's answers. They hold ids and none of the words of people or of the bot."""

from __future__ import annotations

import structlog

from bot.core.conversation import Conversation
from bot.core.events import MessageSkipped, Recorded, ReplyCompleted, ReplySent

_log = structlog.get_logger()


def log_answers(channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
    """Log each part of an answer that was sent, each answer that is complete, and each message that gets no answer."""
    for entry in new:
        match entry.event:
            case ReplySent() as sent:
                _log.info(
                    "reply.sent",
                    channel=channel_id,
                    message=sent.message_id,
                    reply=sent.sent_id,
                    part=sent.part + 1,
                    proof=sent.proof.value,
                )
            case ReplyCompleted(message_id=message_id):
                _log.info("reply.completed", channel=channel_id, message=message_id)
            case MessageSkipped(message_id=message_id, reason=reason):
                _log.info("message.skipped", channel=channel_id, message=message_id, reason=reason.value)
