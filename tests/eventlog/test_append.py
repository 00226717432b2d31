"""The log's contract: what appending promises, on real files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from bot.core import events as e
from bot.errors import LogError, VersionConflict
from bot.eventlog.batch import Appended
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"


def said(message_id: int, text: str = "hello") -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(
        e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), e.Body(parts=(text,)), subject_id=7
    )


def asked(message_id: int) -> e.Draft:
    """Request a reply to it."""
    return e.Draft(e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM))


async def history(log: EventLog, stream: str = STREAM) -> list[e.Recorded]:
    """Read a stream."""
    return [recorded async for page in log.reader.tail(stream) for recorded in page]


async def message_ids(log: EventLog, stream: str = STREAM) -> list[int]:
    """Read which messages a stream's events are about."""
    return [recorded.correlation or 0 for recorded in await history(log, stream)]


async def test_events_are_recorded_in_the_order_of_the_append(log: EventLog) -> None:
    """What append returns is what is read, with version, position and time."""
    appended = await log.append(STREAM, [said(30), said(10), said(20)])

    assert [(one.position, one.version, one.correlation) for one in appended.new] == [
        (1, 1, 30),
        (2, 2, 10),
        (3, 3, 20),
    ]
    assert appended.known == ()
    assert await history(log) == list(appended.new)
    assert len({one.recorded_at for one in appended.new}) == 1


async def test_versions_count_in_each_stream_and_positions_in_the_log(log: EventLog) -> None:
    """Versions have no gaps in their stream, positions none in the log."""
    for message_id in range(1, 4):
        await log.append("channel:1", [said(message_id)])
        await log.append("guild:1", [said(message_id), asked(message_id)])

    everything = [recorded async for recorded in log.reader.events(Query())]
    assert [one.position for one in everything] == list(range(1, 10))
    assert [one.version for one in everything if one.stream == "channel:1"] == [1, 2, 3]
    assert [one.version for one in everything if one.stream == "guild:1"] == [1, 2, 3, 4, 5, 6]


async def test_versions_and_positions_go_on_after_reopening(location: Location, opened: Opener) -> None:
    """A new process continues where the last one ended."""
    async with opened(location) as log:
        first = await log.append(STREAM, [said(1), said(2)])
    async with opened(location) as log:
        second = await log.append(STREAM, [said(3)])
        other = await log.append("channel:2", [said(4)])

        assert await history(log) == [*first.new, *second.new]
        assert [(one.position, one.version) for one in (*second.new, *other.new)] == [(3, 3), (4, 1)]


async def test_the_expected_version_is_met(log: EventLog) -> None:
    """A new stream is at version 0."""
    await log.append(STREAM, [said(1), said(2)], expected_version=0)
    appended = await log.append(STREAM, [said(3)], expected_version=2)

    assert [one.version for one in appended.new] == [3]


async def test_without_an_expected_version_events_go_wherever_the_stream_is(log: EventLog) -> None:
    """None expects nothing."""
    await log.append(STREAM, [said(1)])

    assert [one.version for one in (await log.append(STREAM, [said(2)], expected_version=None)).new] == [2]


@pytest.mark.parametrize("expected", [0, 1, 3, 99, -1])
async def test_a_stale_version_is_refused_with_both_versions(log: EventLog, expected: int) -> None:
    """Nothing of the append is recorded."""
    await log.append(STREAM, [said(1), said(2)])

    with pytest.raises(VersionConflict, match=f"at version 2, not {expected}") as caught:
        await log.append(STREAM, [said(3), said(4)], expected_version=expected)

    assert (caught.value.stream, caught.value.expected, caught.value.actual) == (STREAM, expected, 2)
    assert await message_ids(log) == [1, 2]


async def test_a_version_expected_of_a_stream_that_does_not_exist_is_refused(log: EventLog) -> None:
    """The stream does not come to be by that."""
    with pytest.raises(VersionConflict, match="at version 0, not 1"):
        await log.append(STREAM, [said(1)], expected_version=1)

    assert await log.reader.streams() == []


async def test_a_stale_version_goes_before_a_repeated_key(log: EventLog) -> None:
    """Who decided on an old state has to decide anew, and then learns that it is known."""
    first = await log.append(STREAM, [said(1)])

    with pytest.raises(VersionConflict):
        await log.append(STREAM, [said(1)], expected_version=0)
    assert await log.append(STREAM, [said(1)], expected_version=1) == Appended(known=first.new)


async def test_a_repeated_key_returns_the_events_already_there(log: EventLog) -> None:
    """What was recorded first stays, and nothing is added."""
    first = await log.append(STREAM, [said(1, "first words"), asked(1)])
    again = await log.append(STREAM, [said(1, "other words"), asked(1)])

    assert again == Appended(known=first.new)
    assert await history(log) == list(first.new)
    bodies = await log.reader.bodies([1, 2, 3])
    assert [body.text for body in bodies.values()] == ["first words"]


async def test_one_repeated_key_holds_its_whole_unit_back(log: EventLog) -> None:
    """A unit is recorded together or not at all."""
    first = await log.append(STREAM, [said(1)])
    again = await log.append(STREAM, [said(2), said(1), asked(2)])

    assert again == Appended(known=first.new)
    assert await message_ids(log) == [1]


async def test_a_key_is_recognized_after_reopening(location: Location, opened: Opener) -> None:
    """A redelivery to the next process is one too."""
    async with opened(location) as log:
        first = await log.append(STREAM, [said(1)])
    async with opened(location) as log:
        assert await log.append(STREAM, [said(1)]) == Appended(known=first.new)


async def test_keys_are_of_their_stream(log: EventLog) -> None:
    """The same key in another stream is another fact."""
    await log.append("channel:1", [said(1)])

    assert len((await log.append("channel:2", [said(1)])).new) == 1


async def test_keys_differ_by_kind_id_and_part(log: EventLog) -> None:
    """A message's facts do not hide each other."""
    proof = e.Proof.RESPONSE
    facts: list[e.Event] = [
        e.ReplySent(message_id=1, part=0, sent_id=9, proof=proof),
        e.ReplySent(message_id=1, part=1, sent_id=9, proof=proof),
        e.ReplySent(message_id=2, part=0, sent_id=9, proof=proof),
        e.MessageDeleted(message_id=1),
        e.MessageEdited(message_id=1, author_id=7, edited_at=1),
        e.MessageEdited(message_id=1, author_id=7, edited_at=2),
        e.ReplyComposed(message_id=1, parts=1, responder="rules", generation=1),
        e.ReplyComposed(message_id=1, parts=1, responder="rules", generation=2),
    ]

    assert [len((await log.append(STREAM, [e.Draft(fact)])).new) for fact in facts] == [1] * len(facts)
    assert [len((await log.append(STREAM, [e.Draft(fact)])).known) for fact in facts] == [1] * len(facts)


async def test_a_fact_without_a_key_may_be_repeated(log: EventLog) -> None:
    """Each repetition is a fact of its own."""
    pause = e.Draft(e.RepliesPaused(by="moderator"))
    await log.append(STREAM, [pause, pause])

    assert len((await log.append(STREAM, [pause])).new) == 1
    assert await log.reader.head(STREAM) == 3


async def test_units_are_recorded_one_after_the_other(log: EventLog) -> None:
    """Each is answered for itself, an empty one too."""
    outcomes = await log.append_units(STREAM, [[said(1)], [], [said(3), asked(3)]])

    assert [[one.version for one in outcome.new] for outcome in outcomes] == [[1], [], [2, 3]]
    assert [outcome.known for outcome in outcomes] == [(), (), ()]


async def test_units_end_at_the_first_known_one(log: EventLog) -> None:
    """What comes after it was decided in the belief that it is new: the rest is the caller's to decide again."""
    first = await log.append(STREAM, [said(2), asked(2)])
    outcomes = await log.append_units(STREAM, [[said(1)], [said(2)], [said(3)]])

    assert [[one.version for one in outcome.new] for outcome in outcomes] == [[3], []]
    assert outcomes[1].known == first.new[:1]
    assert await message_ids(log) == [2, 2, 1]


async def test_a_unit_recognizes_one_of_the_same_append(log: EventLog) -> None:
    """A message that comes twice in one batch is recorded once."""
    first, second = await log.append_units(STREAM, [[said(1), asked(1)], [said(1)]])

    assert second == Appended(known=first.new[:1])
    assert await message_ids(log) == [1, 1]


async def test_units_share_one_expected_version(log: EventLog) -> None:
    """All of them are appended, or none."""
    await log.append_units(STREAM, [[said(1)], [said(2)]], expected_version=0)

    with pytest.raises(VersionConflict):
        await log.append_units(STREAM, [[said(3)], [said(4)]], expected_version=1)
    assert await message_ids(log) == [1, 2]


async def test_nothing_appended_is_nothing_recorded(log: EventLog) -> None:
    """A decision without drafts may be appended all the same."""
    assert await log.append(STREAM, []) == Appended()
    assert await log.append_units(STREAM, []) == []
    assert await log.reader.streams() == []


async def test_the_first_event_of_a_unit_causes_the_others(log: EventLog) -> None:
    """Unless a draft names its cause; and nothing causes the first one by default."""
    named = e.Draft(e.MessageSkipped(message_id=1, reason=e.SkipReason.MUTED), causation=41)
    pause = e.Draft(e.RepliesPaused(by="moderator"))
    first, second = await log.append_units(STREAM, [[said(1), asked(1), named, pause], [said(2), asked(2)]])

    assert [one.causation for one in first.new] == [None, 1, 41, 1]
    assert [one.causation for one in second.new] == [None, 5]


async def test_events_correlate_by_the_message_they_are_about(log: EventLog) -> None:
    """An event about no message has no correlation."""
    appended = await log.append(STREAM, [said(5), e.Draft(e.ChannelDeleted())])

    assert [one.correlation for one in appended.new] == [5, None]


async def test_the_largest_numbers_come_back(log: EventLog) -> None:
    """Discord's ids have 64 bits, of which the highest stays free until 2084."""
    appended = await log.append(STREAM, [said(2**63 - 1)])

    assert (await log.append(STREAM, [said(2**63 - 1)])).known == appended.new
    assert (await history(log))[0].event == said(2**63 - 1).event


async def test_a_probe_writes_and_records_nothing(log: EventLog) -> None:
    """It can be repeated."""
    await log.probe()
    await log.probe()

    assert (await log.reader.stats()).events == 0


@pytest.fixture
async def closed(location: Location, opened: Opener) -> AsyncIterator[EventLog]:
    """Return a log that was closed."""
    async with opened(location) as log:
        await log.close()
        yield log


async def test_a_closed_log_refuses_to_append(closed: EventLog) -> None:
    """The refusal is an error of ours."""
    with pytest.raises(LogError, match="closed"):
        await closed.append(STREAM, [said(1)])


async def test_a_log_is_closed_once(closed: EventLog, location: Location, opened: Opener) -> None:
    """Closing it again is harmless, even to the next owner."""
    async with opened(location) as log:
        await closed.close()

        assert len((await log.append(STREAM, [said(1)])).new) == 1
        assert (location.folder / "owner.json").exists()
