"""Whether a message is addressed to the bot, and its text without what calls it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple
from unicodedata import normalize

from bot.core.events import MOST_PARTS, Author, Call, SkipReason, slot_of

DEFAULT, REPLY = 0, 19
"""Discord's types of messages that people write; all others are system messages (docs: message object, types)."""
RESPONSES = frozenset((20, 23))
"""Discord's types of messages that respond to commands."""
SPOKEN_TO = frozenset((Call.MENTION, Call.ROLE, Call.REPLY, Call.NAME, Call.THREAD, Call.ASK))
"""The ways in which somebody speaks to the bot itself: where they did so in a thread, the thread is its own."""
OVERHEARD = frozenset((Call.CHANNEL, Call.THREAD))
"""The ways in which a message is addressed to the bot by its place alone: if nothing answers it, nobody asked."""
ADDED = frozenset((Call.MENTION, Call.ROLE, Call.NAME))
"""The ways that stand in a message's words, so that an edit can add them."""

_CODE = re.compile(r"(?<![`\\])(?:```.+?```|(`+)(?!`).+?(?<!`)\1(?!`))", re.DOTALL)
_COMMA = r",\u060c\u3001\uff0c"
"""Commas: that of Latin writing, the Arabic, the ideographic and the full-width one."""
_AFTER_NAME = rf"(?:\s*(?:[{_COMMA};:\uff1a](?!/)|[.!?\u2026\u2014\u2013-](?=\s|\Z)|\n|\Z))"
_END = r"(?P<end>[\s.?!\u2026\uff1f\uff01\u3002]*)\Z"


class Own(NamedTuple):
    """What calls the bot in a place: the id of its account (0: not known), that of its role there (0: none), names."""

    bot_id: int = 0
    role_id: int = 0
    names: tuple[str, ...] = ()


class Address(NamedTuple):
    """The facts that decide whether a message is addressed to the bot.

    ``claimed``: a responder would answer it; ``mentions_role``: it mentions the role that the bot alone has; ``named``:
    it calls the bot by a name; ``everywhere``: its place needs no mention; ``own_thread``: the bot was asked there.
    """

    author: Author
    kind: int
    direct: bool
    replies_to_bot: bool
    mentions_bot: bool
    claimed: bool
    mentions_role: bool = False
    named: bool = False
    everywhere: bool = False
    own_thread: bool = False


def call_of(address: Address, answer: Collection[Call]) -> Call | None:
    """Return what addresses the message to the bot, of the ways that the settings answer, or None."""
    if not (
        (address.direct or address.replies_to_bot or address.mentions_bot or address.claimed)
        or (address.mentions_role or address.named or address.everywhere or address.own_thread)
    ):
        return None
    if address.author is Author.SELF or address.kind not in (DEFAULT, REPLY):
        return None
    present = (
        (Call.DM, address.direct),
        (Call.REPLY, address.replies_to_bot),
        (Call.MENTION, address.mentions_bot),
        (Call.ROLE, address.mentions_role),
        (Call.NAME, address.named),
        (Call.CHANNEL, address.everywhere),
        (Call.THREAD, address.own_thread),
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


def mentions_bot(text: str, bot_id: int, listed: Collection[int]) -> bool:
    """Tell whether a message mentions the bot; ``listed`` are the people whom Discord says that it mentions.

    Discord also lists the person whom a reply pings. A mention that stands only in code, or is escaped, is none.
    """
    return bot_id in listed and _stands(text, rf"<@!?{bot_id}>")


def mentions_role(text: str, role_id: int, listed: Collection[int]) -> bool:
    """Tell whether a message mentions a role, as :func:`mentions_bot` does."""
    return role_id in listed and _stands(text, rf"<@&{role_id}>")


def _stands(text: str, mention: str) -> bool:
    if ("`" not in text and "\\" not in text) or re.search(mention, text) is None:
        return True
    return re.search(rf"(?<!\\)(?:\\\\)*{mention}", _CODE.sub(" ", text)) is not None


def is_named(text: str, names: tuple[str, ...]) -> bool:
    """Tell whether a message calls the bot by a name: at its beginning, or after a comma at its end.

    Behind a name at the beginning comes a mark such as a comma or a colon. A name with an @ needs none.
    """
    begins, ends = _named(names)
    return begins.match(text) is not None or ends.search(text) is not None


def without_call(text: str, own: Own) -> str:
    """Return ``text`` without what calls the bot at its beginning and end: mentions of it and of its role, names."""
    if "<@" in text:
        role = rf"|<@&{own.role_id}>" if own.role_id else ""
        mention = rf"(?:<@!?{own.bot_id}>{role})"
        text = re.sub(rf"\A(\s*{mention})+|({mention}\s*)+\Z", "", text)
    text = text.strip()
    if own.names:
        begins, ends = _named(own.names)
        text = ends.sub(r"\g<end>", begins.sub("", text, count=1), count=1).strip()
    return text


@cache
def _named(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns for names at the beginning and the end of a text, in both forms of Unicode that people type."""
    forms = {normalize(form, name) for name in names for form in ("NFC", "NFD")}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    name = "|".join(r"\s+".join(map(re.escape, form.split())) for form in longest_first)
    begins = rf"\A\s*(?:@(?:{name})(?!\w){_AFTER_NAME}?|(?:{name}){_AFTER_NAME})\s*"
    ends = rf"(?:\A|[{_COMMA}])\s*@?(?:{name}){_END}"
    return re.compile(begins, re.IGNORECASE), re.compile(ends, re.IGNORECASE)


class Nonce(NamedTuple):
    """The content of one of our nonces: the message that is answered, the part, and the generation of the answer."""

    message_id: int
    part: int
    generation: int = 1


def nonce_of(message_id: int, part: int, generation: int = 1) -> str:
    """Return the nonce of a part: deterministic, at most 25 characters (docs/discord-facts.md, 1.1)."""
    return f"{message_id}.{slot_of(part, generation)}"


def answer_key(asked: Sequence[int], generation: int, edits: int) -> str:
    """Return what stands for an answer: the first and last message that it is for, which of their answers, the edits.

    It is the same at every attempt.
    """
    ids = "+".join(map(str, dict.fromkeys((asked[0], asked[-1]))))
    return f"{ids}.{generation}.{edits}"


def parse_nonce(nonce: str | int | None) -> Nonce | None:
    """Return the content of a nonce, or None if it is not one of ours."""
    match = re.fullmatch(r"([0-9]{1,20})\.([0-9]{1,5})", str(nonce))
    if match is None:
        return None
    later, part = divmod(int(match[2]), MOST_PARTS + 1)
    return Nonce(int(match[1]), part, later + 1)
