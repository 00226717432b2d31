from __future__ import annotations

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.usage import collect
from bot.replies.repair import again
from tests.moderation.conftest import Room


async def test_what_has_no_price_is_marked(room: Room) -> None:
    """Not what costs nothing by the settings' prices, and not an answer that takes no tokens; failed ones alike."""
    for message_id, priced, model in ((10, True, "free"), (20, False, "unknown"), (30, True, "")):
        await room.says(message_id, asks=True)
        tokens = 50 if model else 0
        composed = e.ReplyComposed(
            message_id=message_id, parts=1, responder="echo", model=model, tokens_in=tokens, priced=priced
        )
        await room.do(c.Delay(message_id, 0, "cut", 1, 5, c.Spent(tokens // 5, priced=priced)))
        await room.do(c.Compose(composed, e.Body(parts=("so",))))

    found = await collect(room.log.reader)

    assert {name: each.unpriced for name, each in found.models.items()} == {
        "free": 0, "unknown": 1, "failed": 1,
    }  # fmt: skip
    assert (found.total.replies, found.total.failed, found.total.tokens, found.total.unpriced) == (2, 2, 120, 2)


async def test_whoever_asked_before_is_known(room: Room) -> None:
    """Before the time from which on it is counted; and of an answer that was composed anew."""
    await room.says(10, asks=True, author=41)
    since = (await room.history())[-1].recorded_at + 1
    await room.do(c.Delay(10, 0, "cut", 1, 5, c.Spent(10)))
    for generation in (1, 2):
        if generation > 1:
            await room.sends(10, 11)
            await again(room.conversations, room.log.reader, room.id, 10, by="user 7")
        composed = e.ReplyComposed(
            message_id=10, parts=1, responder="echo", model="m", tokens_in=50, generation=generation
        )
        await room.do(c.Compose(composed, e.Body(parts=("so",))))

    found = await collect(room.log.reader, since=since)

    assert {person: (each.replies, each.tokens) for person, each in found.people.items()} == {"41": (2, 110)}
