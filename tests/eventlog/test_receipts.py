"""Erasing words: which they are, that the event of it takes them, and that verification knows both."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog import erasing
from bot.eventlog.erasing import Affected, Wanted, erase, find
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from bot.eventlog.oldest_words import server_in_log
from bot.eventlog.personal import about as about_person
from bot.eventlog.verify import verify
from tests.erasing import ERASE, erase_at
from tests.tampering import tampering

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

ADA, BOB, MODERATOR, BOT = 7, 8, 9, 1
SERVER, HERE, THERE, GUILD = 5, "channel:1", "channel:2", "guild:5"
HERS, HIS, LATER, ELSEWHERE, SENT = 101, 102, 103, 104, 150


def received(message_id: int, author_id: int, text: str, **more: object) -> e.Draft:
    """Return a message that somebody posts."""
    event = e.MessageReceived.model_validate(
        {"message_id": message_id, "author_id": author_id, "sent_at": 1, "guild_id": SERVER, **more}
    )
    return e.Draft(event, e.Body(name=f"name of {author_id}", parts=(text,), files=(f"{text}.png",)), author_id)


def composed(message_id: int, author_id: int, text: str) -> e.Draft:
    """Return an answer of the bot."""
    event = e.ReplyComposed(message_id=message_id, parts=1, responder="rules")
    return e.Draft(event, e.Body(parts=(text,)), author_id)


def summarised(upto: int, previous: int, *people: int) -> e.Draft:
    """Return a summary."""
    event = e.ConversationSummarised(upto=upto, turns=2, previous=previous, people=people)
    return e.Draft(event, e.Body(parts=(f"summary up to {upto}",)))


SCRIPT: tuple[tuple[str, e.Draft], ...] = (
    (HERE, received(HERS, ADA, "hers")),
    (HERE, composed(HERS, ADA, "answer to her")),
    (HERE, e.Draft(e.ReplySent(message_id=HERS, part=0, sent_id=SENT, proof=e.Proof.ECHO))),
    (HERE, received(HIS, BOB, "his")),
    (HERE, e.Draft(e.MessageEdited(message_id=HERS, author_id=ADA, edited_at=5), e.Body(parts=("hers, edited",)), ADA)),
    (HERE, summarised(HERS, 0, ADA)),
    (HERE, summarised(HIS, 6, ADA, BOB)),
    (HERE, received(LATER, BOB, "later")),
    (HERE, composed(LATER, BOB, "answer to both")),
    (HERE, summarised(LATER, 0, BOB)),
    (THERE, received(ELSEWHERE, ADA, "elsewhere")),
    (THERE, e.Draft(e.ReplyAbandoned(message_id=ELSEWHERE, reason=e.AbandonReason.TOGETHER, together_with=105))),
    (THERE, received(105, BOB, "first of both")),
    (THERE, composed(105, BOB, "answer to both of them")),
    (THERE, received(106, BOT, "said before this log", author=e.Author.SELF, reply_to=ELSEWHERE)),
    (THERE, received(107, BOT, "said to him", author=e.Author.SELF, reply_to=105)),
    (GUILD, e.Draft(e.PersonaSet(by="9"), e.Body(parts=("a persona",)), MODERATOR)),
    (GUILD, e.Draft(e.CommandUsed(user_id=ADA, channel_id=1, command="ask", outcome="ok"), e.Body(parts=("x",)), ADA)),
)  # fmt: skip


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log in which two people speak in two channels of a server."""
    async with opened(location) as log:
        for stream, draft in SCRIPT:
            await log.append(stream, [draft])
    return location


def left(path: Path) -> set[int]:
    """Return the positions that have words."""
    with closing(sqlite3.connect(path)) as connection:
        return {position for (position,) in connection.execute("SELECT position FROM bodies")}


async def problems(log: EventLog) -> list[str]:
    """Verify a log."""
    return [str(found) async for page in verify(log.reader) for found in page.findings]


@pytest.mark.parametrize(
    "wanted", [Wanted(person_id=ADA), Wanted(message_ids=(HERS,)), Wanted(guild_id=SERVER)], ids=str
)
async def test_data_that_is_no_json_keeps_nobody_from_being_forgotten(made: Location, wanted: Wanted) -> None:
    """A summary of which nobody can tell whose words are in it goes as well."""
    with tampering(made.database) as connection:
        connection.execute("UPDATE events SET data = 'hello' WHERE position IN (2, 3, 6, 8, 12)")

    reader = await open_reader(made)
    found = {affected.stream: affected.versions for affected in await find(reader, wanted)}
    about = [each.position async for page in about_person(reader, BOB) for each in page]
    server = await server_in_log(reader, 1)
    await reader.close()

    assert any(span.first <= 6 <= span.last for span in found[HERE])
    assert {4, 13} <= set(about)
    assert server == SERVER


HER_WORDS = {1, 2, 5, 6, 7, 11, 14, 15, 18}
WORDS = {at for at, (_, draft) in enumerate(SCRIPT, 1) if draft.body is not None}


CASES: tuple[tuple[Wanted, set[int]], ...] = (
    (Wanted(person_id=ADA), HER_WORDS),
    (Wanted(person_id=ADA, stream=THERE), {11, 14, 15}),
    (Wanted(person_id=ADA, guild_id=SERVER), HER_WORDS),
    (Wanted(person_id=ADA, guild_id=6), set()),
    (Wanted(person_id=MODERATOR), {17}),
    (Wanted(message_ids=(HERS,)), {1, 5, 6, 7}),
    (Wanted(message_ids=(HERS,), answers=True), {1, 2, 5, 6, 7}),
    (Wanted(message_ids=(HIS,)), {4, 7, 10}),
    (Wanted(message_ids=(LATER, ELSEWHERE)), {8, 10, 11}),
    (Wanted(message_ids=(SENT,)), {2}),
    (Wanted(message_ids=(999,)), set()),
    (Wanted(stream=HERE), {1, 2, 4, 5, 6, 7, 8, 9, 10}),
    (Wanted(guild_id=SERVER), WORDS),
    (Wanted(before=2**60), WORDS),
    (Wanted(before=1), set()),
    (Wanted(stream=THERE, before=2**60), {11, 13, 14, 15, 16}),
)


def positions(found: Sequence[Affected]) -> set[int]:
    """Return the positions of the events with words that are found."""
    versions: Counter[str] = Counter()
    chosen: set[int] = set()
    for position, (stream, _) in enumerate(SCRIPT, 1):
        versions[stream] += 1
        spans = [span for each in found if each.stream == stream for span in each.versions]
        if position in WORDS and any(span.first <= versions[stream] <= span.last for span in spans):
            chosen.add(position)
    return chosen


async def test_what_is_wanted_is_found_and_nothing_else(made: Location, opened: Opener) -> None:
    """In whichever way it is said."""
    async with opened(made) as log:
        for wanted, expected in CASES:
            found = await find(log.reader, wanted)

            assert positions(found) == expected, wanted
            assert sum(each.events for each in found) == len(expected), wanted


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [(Wanted(person_id=ADA), True), (Wanted(message_ids=(HERS,)), True), (Wanted(person_id=BOB), False)],
)
async def test_what_tools_were_told_and_said_goes_with_the_message(
    made: Location, opened: Opener, wanted: Wanted, *, goes: bool
) -> None:
    """And with the person who asked: it repeats what they asked for."""
    called = e.ToolCalled(message_id=HERS, tool="weather", number=1)
    returned = e.ToolReturned(message_id=HERS, tool="weather", number=1, outcome=e.ToolOutcome.RETURNED)
    at = {len(SCRIPT) + 1, len(SCRIPT) + 2}
    async with opened(made) as log:
        await log.append(HERE, [e.Draft(event, e.Body(parts=("her town",)), ADA) for event in (called, returned)])
        await erase(log, wanted, e.ErasureReason.PERSON)

        assert left(made.database) & at == (set() if goes else at)


async def test_what_is_wanted_goes_and_nothing_else(made: Location, opened: Opener) -> None:
    """Receipts say all of it."""
    async with opened(made) as log:
        erased = await erase(log, Wanted(person_id=ADA), e.ErasureReason.MODERATOR, "9")

        assert WORDS - left(made.database) == HER_WORDS
        assert erased == (len(HER_WORDS), 3, True)
        assert await find(log.reader, Wanted(person_id=ADA)) == []
        assert await problems(log) == []


async def test_a_receipt_says_why_and_who(made: Location, opened: Opener) -> None:
    """In the stream whose words went."""
    async with opened(made) as log:
        await erase(log, Wanted(message_ids=(HERS,)), e.ErasureReason.PERSON, "7")
        (receipt,) = [one async for page in log.reader.tail(HERE, after=10) for one in page]

    assert receipt.event == e.WordsErased(reason=e.ErasureReason.PERSON, by="7", versions=(e.Span(1, 1), e.Span(5, 7)))


async def test_many_words_go_in_pieces(made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a receipt of its own; what lies between and has no words makes no gap."""
    monkeypatch.setattr(erasing, "PIECE", 4)
    steps: list[tuple[int, int]] = []
    async with opened(made) as log:
        await erase(log, Wanted(stream=HERE), e.ErasureReason.RETENTION, progress=lambda *step: steps.append(step))
        receipts = [one.event async for page in log.reader.tail(HERE, after=10) for one in page]
        assert await problems(log) == []

    assert [receipt.versions for receipt in receipts if isinstance(receipt, e.WordsErased)] == [
        ((1, 5),),
        ((6, 9),),
        ((10, 10),),
    ]
    assert steps == [(4, 9), (8, 9), (9, 9)]


def test_nothing_in_particular_is_no_wish() -> None:
    """Else everything would go."""
    with pytest.raises(ValueError, match="whose or which words"):
        Wanted(answers=True)


async def test_words_that_come_meanwhile_go_too(made: Location, opened: Opener) -> None:
    """As a summary that was being written."""
    late: list[e.Recorded] = []
    async with opened(made) as log:

        async def record(stream: str, receipt: e.WordsErased) -> None:
            await log.append(stream, [e.Draft(receipt)])
            if stream == HERE and not late:
                late.extend((await log.append(HERE, [summarised(200, 0, ADA)])).new)

        await erase(log, Wanted(person_id=ADA), e.ErasureReason.PERSON, "7", record=record)

        assert await find(log.reader, Wanted(person_id=ADA)) == []


async def test_a_deletion_in_discord_erases(made: Location, opened: Opener) -> None:
    """A message goes with its edits; a channel with all; the events that say so are the receipts."""
    async with opened(made) as log:
        await log.append(HERE, [e.Draft(e.MessageDeleted(message_id=HERS))])
        assert WORDS - left(made.database) == {1, 5}
        await log.append(THERE, [e.Draft(e.MessageDeleted(message_id=HIS))])
        assert WORDS - left(made.database) == {1, 5}
        await log.append(THERE, [e.Draft(e.ChannelDeleted()), received(110, BOB, "back again")])
        assert left(made.database) == WORDS - {1, 5, 11, 13, 14, 15, 16} | {22}
        assert await problems(log) == []


FORGED = {
    "words gone": (None, "channel:1 v4: its words are gone, and no event says who erased them"),
    "words back, erased": (1, "channel:1 v11: it says that words were erased, and they are there"),
    "words back, message deleted": (4, "channel:1 v12: it says that a message was deleted, and its words are there"),
    "words back, channel deleted": (
        13,
        "channel:2 v7: it says that the channel was deleted, and words from before are there",
    ),
}
_PUT_BACK = """
UPDATE main.events SET (subject_id, salt, sealed) = (
    SELECT subject_id, salt, sealed FROM older.events o WHERE o.position = events.position
) WHERE position = ?
"""


@pytest.mark.parametrize(("back", "says"), FORGED.values(), ids=FORGED)
async def test_words_and_receipts_fit(
    made: Location, opened: Opener, tmp_path: Path, back: int | None, says: str
) -> None:
    """Who takes words away leaves no receipt; who puts them back out of a copy has one against him."""
    older = tmp_path / "older.db"
    shutil.copy(made.database, older)
    if back is not None:
        async with opened(made) as log:
            await erase_at(log, 1)
            await log.append(HERE, [e.Draft(e.MessageDeleted(message_id=HIS))])
            await log.append(THERE, [e.Draft(e.ChannelDeleted())])
            assert await problems(log) == []
    with tampering(made.database) as connection:
        connection.execute("ATTACH ? AS older", (str(older),))
        connection.execute(_PUT_BACK, (back,)) if back else connection.execute(f"{ERASE} WHERE position = 4")

    async with opened(made) as log:
        assert await problems(log) == [says]


async def test_nothing_of_the_words_is_left_while_the_log_is_open(made: Location, opened: Opener) -> None:
    """The write-ahead log is emptied, and as soon as a reader of an older state has ended where there is one."""
    with closing(sqlite3.connect(made.database)) as reading:
        rows = reading.execute("SELECT salt, sealed FROM bodies").fetchall()
        needles = [part for salt, sealed in rows for part in (salt, sealed[:40])]
        async with opened(made) as log:
            await log.append(HERE, [received(300, ADA, "one more")])
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM events").fetchone()
            log._checkpointer._patience = 0.1
            erased = await erase(log, Wanted(before=2**60), e.ErasureReason.RETENTION)
            assert not erased.emptied
            reading.execute("ROLLBACK")
            assert await log.empty_wal()
            found = [path.name for path in made.folder.iterdir() for each in needles if each in path.read_bytes()]
            assert found == []
            assert made.database.with_name("events.db-wal").stat().st_size == 0
