from __future__ import annotations

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.usage import collect
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
