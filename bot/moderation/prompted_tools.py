"""The calls of tools for an answer, as the log holds them, in the messages in which its model was told them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.eventlog.reader import Reader
from bot.moderation.text import WORDS_ERASED, size_text
from bot.replies.tool_calls import Before, calls_before
from bot.responders.llm.prompt import PromptMessage
from bot.responders.llm.tokens import PER_MESSAGE, estimate
from bot.responders.llm.tool_messages import tool_messages
from bot.responders.tools import Made

NO_WORDS = "[not recorded]"
NO_RESULT = "[no result is recorded]"


async def calls_of(reader: Reader, channel_id: int, message_id: int, generation: int) -> list[Made]:
    """Return the calls for an answer, the oldest first."""
    return [_made(before) for before in await calls_before(reader, channel_id, message_id, generation)]


def call_messages(made: Sequence[Made], most: int) -> Iterator[PromptMessage]:
    """Yield two messages for each call; results take at most ``most`` tokens together."""
    for number, message in enumerate(tool_messages(made, most, estimate)):
        arguments = made[number // 2].arguments
        if message.call is not None and arguments in (NO_WORDS, WORDS_ERASED):
            # No JSON, so a model would be told none.
            yield replace(message, call=message.call._replace(arguments=arguments))
        else:
            yield message


def tokens_of(messages: Sequence[PromptMessage]) -> int:
    """Return about how many tokens of a prompt calls and results take."""
    return sum(
        estimate(message.text) + (estimate(message.call.arguments) if message.call else 0) + PER_MESSAGE
        for message in messages
    )


def _made(before: Before) -> Made:
    returned = before.returned
    result = before.made.result
    if returned is None:
        result = NO_RESULT
    elif not returned.kept:
        result = f"[{size_text(returned.size)}, not kept in the log; in its place: {result}]"
    elif not before.told:
        result = NO_WORDS
    return before.made._replace(result=result, arguments=before.made.arguments if before.known else NO_WORDS)
