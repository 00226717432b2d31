"""Log lines about the bot's answers. They hold ids and none of the words of people or of the bot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
import structlog.typing

from bot.core.conversation import Conversation
from bot.core.events import MessageSkipped, Recorded, ReplyCompleted, ReplySent


def answer_log() -> Callable[[int, Conversation, tuple[Recorded, ...]], None]:
    """Return a function that logs what was recorded in a channel about answers.

    That is each part that was sent, each answer that is complete, and each message that gets no answer. The logger is
    made once, for the settings of now: structlog's usual one is made anew for every line, also for those not written.
    """
    return partial(_log_answers, structlog.get_logger().bind())


def _log_answers(
    log: structlog.typing.FilteringBoundLogger, channel_id: int, _state: Conversation, new: tuple[Recorded, ...]
) -> None:
    for entry in new:
        match entry.event:
            case ReplySent() as sent:
                log.info(
                    "reply.sent",
                    channel=channel_id,
                    message=sent.message_id,
                    reply=sent.sent_id,
                    part=sent.part + 1,
                    proof=sent.proof.value,
                )
            case ReplyCompleted(message_id=message_id):
                log.info("reply.completed", channel=channel_id, message=message_id)
            case MessageSkipped(message_id=message_id, reason=reason):
                log.info("message.skipped", channel=channel_id, message=message_id, reason=reason.value)
