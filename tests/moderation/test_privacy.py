"""What people are told of words that were theirs."""

from __future__ import annotations

from bot.core import events as e
from bot.core.streams import stream_of
from bot.moderation import privacy
from tests.moderation.conftest import Room

AUTHOR = 41


async def test_archives_are_told_of(room: Room) -> None:
    """Nobody can take words out of them, so whoever is forgotten has to know that there are some."""
    told = []
    for number in (1, 2):
        await room.says(number, "hello")
        told.append((await privacy.forget_me(room.context, None, by=str(AUTHOR))).lines)
        receipt = e.WordsErased(reason=e.ErasureReason.ARCHIVED, archive="ab" * 32, versions=(e.Span(1, 1),))
        await room.conversations.record(stream_of(room.id), receipt)

    assert [privacy.ARCHIVES in lines for lines in told] == [False, True]
