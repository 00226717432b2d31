"""The tool ``recall``: only what the one who asks may still know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.consumers.scan import Scan
from bot.core import events as e
from bot.core.rewinding import taken_out
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.moderation.recall import Recall
from bot.responders import Asking, Result, ToolFailed

HERE, THERE, ADA, BOB = "channel:1", "channel:2", 7, 8
ASKING = Asking(1, 900, 5, ADA, "Ada")


def said(message_id: int, text: str, author_id: int = ADA, **more: object) -> e.Draft:
    """Return a message with a plum in it."""
    event = e.MessageReceived.model_validate(
        {"message_id": message_id, "author_id": author_id, "sent_at": message_id * 1_000_000, "guild_id": 5, **more}
    )
    return e.Draft(event, e.Body(name=f"name\n{author_id}", parts=(f"{text} plum",)), author_id)


def rewound(to: int, undoes: int = 0) -> e.Draft:
    """Return a rewind, or the undo of one."""
    return e.Draft(e.ConversationRewound(by="9", to=to, window=(), undoes=undoes, next_undo=0 if undoes else None))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    """Open a log."""
    opened = await open_log(Location(tmp_path), clock=lambda: 1_700_000_000_000_000)
    yield opened
    await opened.close()


async def test_nothing_is_recalled_that_is_not_to_be_known(log: EventLog) -> None:
    """Other channels, erased and rewound words, people who opted out, the question itself and what came after it."""
    answer = e.Draft(
        e.ReplyComposed(message_id=101, parts=1, responder="llm"), e.Body(parts=("A plum.\n-# 🔧 `recall`",)), ADA
    )
    edit = e.Draft(
        e.MessageEdited(message_id=101, author_id=ADA, edited_at=1), e.Body(name="Ada", parts=("edited plum",)), ADA
    )
    reset = e.Draft(e.ConversationReset(by="9"))
    erased = e.Draft(e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(6, 6),)))
    for draft in (
        said(90, "before a reset"), reset, said(101, "first"), edit, answer, said(102, "erased"), erased,
        said(103, "of Bob", BOB), said(104, "taken out"), rewound(8), said(105, "back"), rewound(10), rewound(11, 12),
        said(106, "whispered", via=e.Via.WHISPER), said(900, "what was it"),
        said(901, "asked later"),
    ):  # fmt: skip
        await log.append(HERE, [draft])
    await log.append(THERE, [said(201, "elsewhere")])
    recall = Recall(log.reader, None, Scan(log.reader, 0, limit=100), {BOB}).recall

    found = await recall("PLUM", ASKING)

    assert [line.partition("UTC, ")[2] for line in found.text.split("\n")] == [
        "name 7: back plum",
        "you: A plum.",
        "Ada: edited plum",
    ]
    assert found.kept == "found 3: what was said at 105, 101, 101"
    assert await recall("pear", ASKING) == Result("Nothing was found among the newest messages.", "nothing found")
    with pytest.raises(ToolFailed, match="Give a word to look for"):
        await recall("!?", ASKING)


async def test_few_events_are_read_where_there_is_no_index(log: EventLog) -> None:
    """The newest."""
    await log.append(HERE, [said(number, "a") for number in range(1, 6)])

    found = await Recall(log.reader, None, Scan(log.reader, 0, limit=2), ()).recall("plum", ASKING)

    assert found.kept == "found 2: what was said at 5, 4"


@pytest.mark.parametrize(
    ("events", "out"),
    [
        ([], []),
        ([(5, rewound(2))], [(3, 5)]),
        ([(5, rewound(2)), (9, rewound(4, 5))], []),
        ([(5, rewound(2)), (8, rewound(6)), (9, rewound(7, 8))], [(3, 5)]),
        ([(4, e.Draft(e.ConversationReset(by="9")))], [(1, 4)]),
    ],
)
def test_what_was_taken_out(events: list[tuple[int, e.Draft]], out: list[tuple[int, int]]) -> None:
    """And not taken back."""
    recorded = [e.Recorded(version, HERE, version, 0, draft.event) for version, draft in events]

    assert taken_out(recorded) == out
