"""What Discord's clients say in the place of a system message, as a short sentence about its author.

Types as in Discord's OpenAPI description (MessageType); what ``content`` and the other fields of each mean, and the
sentences, as Discord's clients and discord.py's ``Message.system_content`` have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RECIPIENTS = {1: "added {who}", 2: "removed {who}"}
_SENTENCES = {
    3: "started a call",
    4: "changed the channel's name: {content}",
    5: "changed the channel's icon",
    6: "pinned a message to this channel",
    7: "joined the server",
    8: "boosted the server",
    9: "boosted the server, which is at level 1 now",
    10: "boosted the server, which is at level 2 now",
    11: "boosted the server, which is at level 3 now",
    12: "had the messages of {content} shown in this channel",
    14: "This server was removed from Server Discovery",
    15: "This server is eligible for Server Discovery again",
    16: "This server has failed Server Discovery's requirements for a week",
    17: "This server has failed Server Discovery's requirements for three weeks",
    18: "started a thread: {content}",
    21: "this thread was started from a message of the channel",
    22: "a reminder to invite people",
    24: "AutoMod acted on a message",
    25: "subscribed to a role of the server",
    26: "an offer of a bot's paid features",
    27: "started a stage: {content}",
    28: "ended the stage: {content}",
    29: "is a speaker of the stage now",
    31: "changed the stage's topic: {content}",
    32: "subscribed to a bot",
    36: "enabled security actions",
    37: "disabled security actions",
    38: "reported a raid",
    39: "reported a raid that was none",
    44: "bought something of the server",
    55: "upgraded the stream",
}
_POLL_RESULT = 46


def said_by_discord(kind: int, data: Mapping[str, Any]) -> str:
    """Return the sentence of a system message of a type; where that is not known, its text as it is."""
    content = str(data.get("content") or "").strip()
    if kind in _RECIPIENTS:
        names = (each.get("global_name") or each.get("username") for each in data.get("mentions") or ())
        return _RECIPIENTS[kind].format(who=", ".join(map(str, names)) or "somebody")
    if kind == _POLL_RESULT:
        return _poll_result(data)
    sentence = _SENTENCES.get(kind, "a message of Discord's: {content}")
    return sentence.format(content=content).removesuffix(": ")


def _poll_result(data: Mapping[str, Any]) -> str:
    """Return the result of a poll, whose fields are those of an embed (docs: poll results embed fields)."""
    embed: Mapping[str, Any] = next(iter(data.get("embeds") or ()), {})
    told = {field["name"]: str(field["value"]) for field in embed.get("fields") or ()}
    question, winner = told.get("poll_question_text", ""), told.get("victor_answer_text", "")
    votes = f"{told.get('victor_answer_votes', '?')} of {told.get('total_votes', '?')} votes"
    outcome = f"{winner} won with {votes}" if winner else f"nothing won, of {told.get('total_votes', '?')} votes"
    return f"the poll {question} has ended: {outcome}" if question else f"a poll has ended: {outcome}"
