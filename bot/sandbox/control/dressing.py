"""What a posted message shows besides its text, from the body of a control call (message.mdx; poll.mdx)."""

from __future__ import annotations

from bot.sandbox.control.call import ControlCall
from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import snapshot
from bot.sandbox.models import FORWARD, Message, MessageFlag, MessageKind
from bot.sandbox.snowflakes import iso_time, wall_clock_ms

_SYSTEM = {
    int(kind): kind
    for kind in MessageKind
    if kind
    not in (MessageKind.DEFAULT, MessageKind.REPLY, MessageKind.CHAT_INPUT_COMMAND, MessageKind.CONTEXT_MENU_COMMAND)
}
_DAY_MS = 86_400_000


def dressed(call: ControlCall, message: Message) -> Message:
    """Give a message what the call says that it shows."""
    kind = call.body.get("type", 0)
    if kind:
        if not isinstance(kind, int) or kind not in _SYSTEM:
            raise ControlError(f"type must be that of a system message: one of {sorted(_SYSTEM)}.")
        message.kind = _SYSTEM[kind]
    message.embeds = embeds_of(call)
    message.components = _objects(call, "components")
    message.stickers = [
        {"id": str(call.world.snowflakes.next()), "name": str(name), "format_type": 1}
        for name in call.items("stickers", [])
    ]
    if "poll" in call.body:
        message.poll = _poll(call.mapping("poll"))
    if call.body.get("forward") is not None:
        _forward(call, message)
    return message


def shows(message: Message) -> bool:
    """Tell whether a message without a text shows anything."""
    things = (message.embeds, message.components, message.stickers, message.poll, message.snapshots)
    return any(things) or message.kind is not MessageKind.DEFAULT


def embeds_of(call: ControlCall) -> list[Json]:
    """Return the embeds of a call."""
    return [{"type": "rich", **each} for each in _objects(call, "embeds")]


def _objects(call: ControlCall, name: str) -> list[Json]:
    items = call.items(name, [])
    if not all(isinstance(each, dict) for each in items):
        raise ControlError(f"{name} must be a list of objects.")
    return items


def _poll(body: Json) -> Json:
    """Build a poll. Without votes there are no results, as of one that nobody voted in."""
    answers, votes = body.get("answers"), body.get("votes")
    if not isinstance(answers, list) or not answers or not isinstance(body.get("question"), str):
        raise ControlError("A poll has a question and answers.")
    poll: Json = {
        "question": {"text": body["question"]},
        "answers": [{"answer_id": at, "poll_media": {"text": str(each)}} for at, each in enumerate(answers, start=1)],
        "expiry": iso_time(wall_clock_ms() + _DAY_MS),
        "allow_multiselect": False,
        "layout_type": 1,
    }
    if isinstance(votes, list):
        if not all(type(each) is int and each >= 0 for each in votes):
            raise ControlError("votes must be whole numbers, one for each answer.")
        counts = [{"id": at, "count": each, "me_voted": False} for at, each in enumerate(votes, start=1)]
        poll["results"] = {"is_finalized": body.get("ended") is True, "answer_counts": counts}
    return poll


def _forward(call: ControlCall, message: Message) -> None:
    original = call.message("forward")
    place = {"channel_id": str(original.channel.id), "message_id": str(original.id)}
    guild = original.channel.guild
    message.reference = {"type": FORWARD, **place, **({"guild_id": str(guild.id)} if guild else {})}
    message.snapshots = [snapshot(original)]
    message.flags |= MessageFlag.HAS_SNAPSHOT
