"""Whether a message is addressed to the bot, and what it says once the mention is taken off."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from bot.core.events import MOST_PARTS, Author, Call, SkipReason, slot_of

DEFAULT, REPLY = 0, 19
"""Discord's message types that people write; all others are notices (docs: message object, message types)."""
RESPONSES = frozenset((20, 23))
"""Its types of what a bot answers to commands."""


class Address(NamedTuple):
    """What of a message decides whether it is addressed to the bot; ``claimed``: a responder would answer its text."""

    author: Author
    kind: int
    direct: bool
    replies_to_bot: bool
    mentions_bot: bool
    claimed: bool


def call_of(address: Address, answer: Collection[Call]) -> Call | None:
    """Return what addresses the message to the bot under the setting ``replies.answer``, or None."""
    if not (address.direct or address.replies_to_bot or address.mentions_bot or address.claimed):
        return None
    if address.author is Author.SELF or address.kind not in (DEFAULT, REPLY):
        return None
    present = (
        (Call.DM, address.direct),
        (Call.REPLY, address.replies_to_bot),
        (Call.MENTION, address.mentions_bot),
        (Call.RULE, address.claimed),
    )
    return next((call for call, there in present if there and call in answer), None)


def refusal_of(address: Address, *, answers_here: bool, answers_bots: bool) -> SkipReason | None:
    """Return why a message addressed to the bot may not be answered, or None when it may."""
    if address.author is not Author.PERSON and not answers_bots:
        return SkipReason.AUTHOR
    if not answers_here:
        return SkipReason.MUTED
    return None if address.claimed else SkipReason.NO_ANSWER


def without_mention(text: str, bot_id: int) -> str:
    """Return ``text`` without mentions of the bot at its beginning and end."""
    if "<@" not in text:
        return text.strip()
    mention = rf"<@!?{bot_id}>"
    return re.sub(rf"\A(\s*{mention})+|({mention}\s*)+\Z", "", text).strip()


class Nonce(NamedTuple):
    """What one of our nonces says: which part of the reply to which message was made for which answer."""

    message_id: int
    part: int
    generation: int = 1


def nonce_of(message_id: int, part: int, generation: int = 1) -> str:
    """Return the nonce of a part of the reply to ``message_id``: deterministic, at most 25 characters."""
    return f"{message_id}.{slot_of(part, generation)}"


def parse_nonce(nonce: str | int | None) -> Nonce | None:
    """Return what one of our nonces says, or None for anybody else's."""
    match = re.fullmatch(r"([0-9]{1,20})\.([0-9]{1,5})", str(nonce))
    if match is None:
        return None
    later, part = divmod(int(match[2]), MOST_PARTS + 1)
    return Nonce(int(match[1]), part, later + 1)
