"""Messages from files go into the log, each once, and what was erased stays erased."""

from __future__ import annotations

from typing import Any

import pytest

from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.streams import BOT_STREAM, guild_stream, stream_of
from bot.eventlog.erasing import Wanted as Words
from bot.eventlog.erasing import erase
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.importing.found import Place
from bot.importing.people import Withheld
from bot.importing.recording import ERASED, IMPORTED, KNOWN, LEFT_OUT, TOO_OLD, Wanted
from bot.moderation.display_names import names_of
from tests.importing.conftest import NOW, Imported
from tests.importing.samples import ALICE, BOB, CHANNEL, FIRST, GUILD, THREAD, message, user

STREAM = stream_of(CHANNEL)


def received(number: int, *, via: e.Via = e.Via.LIVE, author: int = ALICE, **more: Any) -> c.Receive:  # noqa: ANN401
    """Return the command with which the bot itself records a message."""
    event = e.MessageReceived(message_id=FIRST + number, author_id=author, sent_at=1, via=via, guild_id=GUILD)
    return c.Receive(event, e.Body(name="alice", parts=(f"live {number}",)), **more)


async def state_of(imported: Imported) -> Conversation:
    """Return the state of the channel."""
    return (await imported.log.reader.load(STREAM)).state


def numbers(state: Conversation) -> list[int]:
    """Return the numbers of the messages in the window."""
    return [turn.message_id - FIRST for turn in state.window]


async def test_a_second_import_adds_nothing(imported: Imported) -> None:
    """And the log is whole."""
    first = await imported.take([message(1, "one"), message(2, "two"), message(2, "two")])
    second = await imported.take([message(1, "one"), message(2, "two")])

    assert (first.counts, second.counts) == ({IMPORTED: 2, KNOWN: 1}, {KNOWN: 2})
    assert [each.event.TYPE for each in await imported.events()] == [e.MessageImported.TYPE] * 2
    assert [finding async for page in verify(imported.log.reader) for finding in page.findings] == []


async def test_what_the_bot_missed_comes_after_what_it_has(imported: Imported) -> None:
    """The window goes by the messages' own order, and the watermark stays."""
    conversations = Conversations(imported.log)
    for number in (2, 4):
        await conversations.handle(CHANNEL, received(number))
    await conversations.close()

    importer = await imported.take([message(number, f"file {number}") for number in range(1, 6)])

    state = await state_of(imported)
    assert importer.counts == {IMPORTED: 3, KNOWN: 2}
    assert [each.event.about() for each in await imported.events()] == [FIRST + each for each in (2, 4, 1, 3, 5)]
    assert numbers(state) == [1, 2, 3, 4, 5]
    assert (state.watermark_id, state.received, state.imported, state.outbox) == (FIRST + 4, 2, 3, ())


async def test_what_comes_again_from_discord_is_known(imported: Imported) -> None:
    """A catch-up that brings an imported question records and answers nothing."""
    await imported.take([message(1, "@bot question?")])
    conversations = Conversations(imported.log)
    asked = received(1, via=e.Via.CATCHUP, call=e.Call.MENTION, responder="rules")

    new = await conversations.handle(CHANNEL, asked)
    # Also where the window does not hold it any more.
    await conversations.handle(CHANNEL, c.Reset("me"))
    again = await conversations.handle(CHANNEL, asked)
    await conversations.close()

    assert (new, again) == ((), ())
    assert (await state_of(imported)).outbox == ()


async def test_a_reset_is_not_undone(imported: Imported) -> None:
    """What a moderator took out of the window stays out, and so does what is older."""
    conversations = Conversations(imported.log)
    await conversations.handle(CHANNEL, received(2))
    await conversations.handle(CHANNEL, c.Reset("me"))
    await conversations.close()

    await imported.take([message(1, "older")])

    state = await state_of(imported)
    assert (numbers(state), state.imported) == ([], 1)


async def test_the_answers_of_the_bot_are_known(imported: Imported) -> None:
    """By the ids under which they were sent."""
    conversations = Conversations(imported.log)
    await conversations.handle(CHANNEL, received(1, call=e.Call.MENTION, responder="rules"))
    composed = e.ReplyComposed(message_id=FIRST + 1, parts=1, responder="rules")
    await conversations.handle(CHANNEL, c.Compose(composed, e.Body(parts=("Yes.",))))
    await conversations.handle(CHANNEL, c.Confirm(FIRST + 1, 0, FIRST + 2, e.Proof.RESPONSE))
    await conversations.close()

    importer = await imported.take([message(1, "?"), message(2, "Yes."), message(3, "Thanks")])

    assert importer.counts == {IMPORTED: 1, KNOWN: 2}


async def test_what_was_deleted_stays_deleted(imported: Imported) -> None:
    """A message, whether it was recorded or not, and all of a channel that was deleted once."""
    conversations = Conversations(imported.log)
    await conversations.handle(CHANNEL, received(1))
    await conversations.handle(CHANNEL, c.Delete(FIRST + 1))
    await conversations.handle(CHANNEL, c.Delete(FIRST + 2))
    await conversations.handle(THREAD, c.DeleteChannel())
    await conversations.close()

    here = await imported.take([message(1, "one"), message(2, "two"), message(3, "three")])
    gone = await imported.take([message(4, "four")], channel={"id": str(THREAD)})

    assert here.counts == {IMPORTED: 1, KNOWN: 1, ERASED: 1}
    assert gone.counts == {ERASED: 1}


async def test_nothing_comes_back_of_a_server_that_was_left(imported: Imported) -> None:
    """Its words went when the bot did."""
    await imported.log.append(guild_stream(GUILD), [e.Draft(e.ServerLeft(guild_id=GUILD))])

    left = await imported.take([message(1, "one")])
    other = await imported.take([message(1, "one")], guild_id=GUILD + 1)

    assert (left.counts, other.counts) == ({ERASED: 1}, {IMPORTED: 1})


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ([e.PersonOptedOut(user_id=ALICE)], Withheld.OPTED_OUT),
        ([e.PersonOptedOut(user_id=BOB)], None),
        ([e.PersonOptedOut(user_id=ALICE), e.PersonOptedIn(user_id=ALICE)], None),
    ],
)
async def test_who_opted_out_is_left_out(imported: Imported, choices: list[e.Event], why: Withheld | None) -> None:
    """Nothing is recorded of them."""
    await imported.log.append(BOT_STREAM, [e.Draft(choice) for choice in choices])

    importer = await imported.take([message(1, "one"), message(2, "two", by=user(77, "other"))])

    assert importer.counts == ({IMPORTED: 1, why.value: 1} if why else {IMPORTED: 2})


async def test_what_somebody_wrote_while_they_had_opted_out_is_left_out_for_ever(imported: Imported) -> None:
    """As the bot promises when they opt in again."""
    for choice in (e.PersonOptedOut(user_id=ALICE), e.PersonOptedIn(user_id=ALICE)):
        await imported.log.append(BOT_STREAM, [e.Draft(choice)])
    out, back = await imported.events()
    within = message(0, "in between", id=str(((out.recorded_at // 1000 + 10) - 1_420_070_400_000) << 22))
    after = message(0, "after", id=str(((back.recorded_at // 1000 + 10) - 1_420_070_400_000) << 22))

    importer = await imported.take([within, after], wanted=Wanted(NOW * 2))

    assert importer.counts == {IMPORTED: 1, Withheld.OPTED_OUT.value: 1}


async def test_who_was_forgotten_stays_forgotten(imported: Imported) -> None:
    """Their words do not come back, neither those that were recorded nor others from before."""
    await imported.take([message(1, "one")])
    await erase(imported.log, Words(person_id=ALICE), e.ErasureReason.PERSON, str(ALICE))

    again = await imported.take([message(1, "one"), message(2, "two"), message(3, "three", by=user(BOB, "bob"))])

    assert again.counts == {IMPORTED: 1, Withheld.FORGOTTEN.value: 2}


async def test_words_that_a_moderator_had_erased_stay_erased(imported: Imported) -> None:
    """The message is known."""
    await imported.take([message(1, "one"), message(2, "two")])
    await erase(imported.log, Words(message_ids=(FIRST + 1,)), e.ErasureReason.MODERATOR, "7")

    again = await imported.take([message(1, "one"), message(2, "two")])

    assert again.counts == {KNOWN: 2}
    assert list(await imported.log.reader.bodies((1, 2))) == [2]


async def test_imported_words_are_erased_as_others(imported: Imported) -> None:
    """Of a person, and of a server whose channels only imported messages tell."""
    await imported.take([message(1, "one"), message(2, "two", by=user(BOB, "bob"))])
    assert await names_of(imported.log.reader, [ALICE, BOB]) == {ALICE: "Alice", BOB: "Bob"}

    person = await erase(imported.log, Words(person_id=ALICE), e.ErasureReason.PERSON, str(ALICE))
    server = await erase(imported.log, Words(guild_id=GUILD), e.ErasureReason.COMMAND_LINE)

    assert (person.events, server.events) == (1, 1)
    assert not await imported.log.reader.bodies((1, 2))


async def test_only_what_is_wanted_is_taken(imported: Imported) -> None:
    """By channel, by time, and by how long words are kept here."""
    messages = [message(1, "one"), message(2, "a minute later", id=str(FIRST + (60_000 << 22)))]
    since = (FIRST + (30_000 << 22) >> 22) * 1000 + 1_420_070_400_000_000

    for wanted, counts in (
        (Wanted(NOW, channels=(THREAD,)), {LEFT_OUT: 2}),
        (Wanted(NOW, channels=(CHANNEL,), since=since), {LEFT_OUT: 1, IMPORTED: 1}),
        (
            Wanted(NOW, oldest=lambda place: since if place == Place(CHANNEL, GUILD) else None),
            {TOO_OLD: 1, IMPORTED: 1},
        ),
    ):
        assert (await imported.take(messages, wanted=wanted, dry_run=True)).counts == counts

    assert await imported.events() == []


async def test_a_message_of_a_time_to_come_is_set_aside(imported: Imported) -> None:
    """Every later one would stand before it."""
    importer = await imported.take([message(1, "one"), message(2, "two", id=str(2**62))])

    assert importer.counts == {IMPORTED: 1}
    assert [(aside.number, aside.message_id) for _, aside in imported.asides] == [(2, 2**62)]


async def test_a_thread_is_noted_with_its_channel(imported: Imported) -> None:
    """So its words go when the channel is deleted."""
    thread = {"id": str(THREAD), "type": "GuildPublicThread", "categoryId": str(CHANNEL)}

    for number in (1, 2):
        await imported.take([message(number, "one")], channel=thread)

    seen = await imported.events(Query(stream=BOT_STREAM))
    assert [each.event for each in seen] == [e.ThreadSeen(channel_id=THREAD, parent_id=CHANNEL)]


async def test_a_long_import_leaves_a_snapshot(imported: Imported) -> None:
    """So the bot starts as fast as before."""
    await imported.take([message(number, "x") for number in range(60)])

    loaded = await imported.log.reader.load(STREAM)

    assert (loaded.snapshot_version, loaded.state.imported) == (60, 60)
