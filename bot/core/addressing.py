"""Whether a message is addressed to the bot, and its text without the mention."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from bot.core.events import MOST_PARTS, Author, Call, SkipReason, slot_of

DEFAULT, REPLY = 0, 19
"""Discord's types of messages that people write; all others are system messages (docs: message object, types)."""
RESPONSES = frozenset((20, 23))
"""Discord's types of messages that respond to commands."""


class Address(NamedTuple):
    """The facts that decide whether a message is addressed to the bot; ``claimed``: a responder would answer it."""

    author: Author
    kind: int
    direct: bool
    replies_to_bot: bool
    mentions_bot: bool
    claimed: bool


def call_of(address: Address, answer: Collection[Call]) -> Call | None:
    """Return what addresses the message to the bot, of the ways in the setting ``replies.answer``, or None."""
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
    """The content of one of our nonces: the message that is answered, the part, and the generation of the answer."""

    message_id: int
    part: int
    generation: int = 1


def nonce_of(message_id: int, part: int, generation: int = 1) -> str:
    """Return the nonce of a part: deterministic, at most 25 characters (docs/discord-facts.md, 1.1)."""
    return f"{message_id}.{slot_of(part, generation)}"


def parse_nonce(nonce: str | int | None) -> Nonce | None:
    """Return the content of a nonce, or None if it is not one of ours."""
    match = re.fullmatch(r"([0-9]{1,20})\.([0-9]{1,5})", str(nonce))
    if match is None:
        return None
    later, part = divmod(int(match[2]), MOST_PARTS + 1)
    return Nonce(int(match[1]), part, later + 1)
