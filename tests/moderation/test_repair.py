from __future__ import annotations

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.command import ModerationError
from tests.moderation.conftest import BY, CHANNEL, Room


async def test_what_is_not_sent_is_listed_with_its_reason(room: Room) -> None:
    """The unfinished ones, the oldest first, and those given up, the newest first."""
    await room.says(10, asks=True)
    await room.do(c.Delay(10, 0, "TimeoutError", 2, 5))
    await room.says(20, asks=True)
    await room.composes(20, "one", "two")
    await room.sends(20, 21)
    for message_id in (30, 40):
        await room.says(message_id, asks=True)
        await room.do(c.Abandon(message_id, e.AbandonReason.FORBIDDEN, "code 50013"))

    report = await room.moderation.pending(CHANNEL)

    assert [(entry["message_id"], entry["reason"], entry["detail"]) for entry in report.data["unfinished"]] == [
        ("10", "not written yet, 2 failed attempts", "TimeoutError"),
        ("20", "1 of 2 parts sent", ""),
    ]
    assert [entry["message_id"] for entry in report.data["abandoned"]] == ["40", "30"]
    assert report.title == f"2 unfinished replies and 2 given up in channel {CHANNEL}"
    assert all(entry["age_us"] > 0 for entry in report.data["unfinished"])
    assert len((await room.moderation.pending()).lines) == len(report.lines) == 4


async def test_what_was_answered_after_all_is_not_pending(room: Room) -> None:
    """By a retry, by an echo that came late, or together with another message."""
    await room.says(10, asks=True)
    await room.do(c.Abandon(10, e.AbandonReason.GAVE_UP))
    await room.moderation.retry(CHANNEL, 10, by=BY)
    await room.answers(10, "so")
    await room.says(20, asks=True)
    await room.composes(20, "one")
    await room.do(c.Abandon(20, e.AbandonReason.GAVE_UP))
    await room.sends(20, 21)
    await room.says(30, asks=True)
    await room.says(40, asks=True)
    await room.composes(30, "both", together=(40,))
    await room.sends(30, 31)

    report = await room.moderation.pending()

    assert (report.data["unfinished"], report.data["abandoned"]) == ([], [])


async def test_what_does_not_show_its_answer_is_pending(room: Room) -> None:
    """Given up while it was still shown as it had been written, or while it was composed anew: parts are there."""
    for message_id in (10, 20):
        await room.says(message_id, asks=True)
    await room.do(c.Begin(10))
    await room.sends(10, 11)
    await room.composes(10, "one")
    await room.do(c.Abandon(10, e.AbandonReason.GAVE_UP))
    await room.answers(20, "so")
    await room.moderation.again(CHANNEL, 20, by=BY)
    await room.do(c.Abandon(20, e.AbandonReason.POISON))

    assert [entry["message_id"] for entry in (await room.moderation.pending()).data["abandoned"]] == ["20", "10"]

    await room.moderation.retry(CHANNEL, 10, by=BY)
    await room.do(c.Complete(10))

    assert [entry["message_id"] for entry in (await room.moderation.pending()).data["abandoned"]] == ["20"]


async def test_a_retry_puts_it_back_and_a_drop_takes_it_out(room: Room) -> None:
    """Each is an event, and says so when there is nothing to do."""
    await room.says(10, asks=True)
    await room.moderation.drop(CHANNEL, 10, by=BY)
    assert (await room.conversations.state(CHANNEL)).outbox == ()

    await room.moderation.retry(CHANNEL, 10, by=BY)

    assert [entry.message_id for entry in (await room.conversations.state(CHANNEL)).outbox] == [10]
    abandoned, retried = [each.event for each in (await room.history())[-2:]]
    assert isinstance(abandoned, e.ReplyAbandoned)
    assert (abandoned.reason, abandoned.detail) == (e.AbandonReason.CANCELLED, BY)
    assert isinstance(retried, e.ReplyRetried)
    assert retried.by == BY


async def test_a_reply_may_be_named_by_its_part_in_discord(room: Room) -> None:
    """The message menu gives what was clicked on."""
    await room.says(10, asks=True)
    await room.composes(10, "one", "two")
    await room.sends(10, 11)

    report = await room.moderation.drop(CHANNEL, 11, by=BY)

    assert report.data["message_id"] == "10"


async def test_a_pause_and_its_end(room: Room) -> None:
    """What is asked in between is skipped."""
    await room.moderation.pause(CHANNEL, by=BY)
    await room.says(10, asks=True)
    await room.moderation.resume(CHANNEL, by=BY)
    await room.says(20, asks=True)

    assert [entry.message_id for entry in (await room.conversations.state(CHANNEL)).outbox] == [20]
    assert (await room.moderation.why(CHANNEL, 10)).data["outcome"] == "not answered: paused"


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        pytest.param("retry", {"message_id": 10}, "still being tried", id="a retry of what is tried"),
        pytest.param(
            "retry", {"message_id": 20}, "all parts of the reply are in Discord", id="a retry of what is sent"
        ),
        pytest.param("retry", {"message_id": 77}, "was ever requested", id="a retry of nothing"),
        pytest.param("drop", {"message_id": 20}, "has no unfinished reply", id="a drop of what is sent"),
        pytest.param("resume", {}, "are not paused", id="a resume of what goes on"),
    ],
)
async def test_what_can_t_be_repaired_is_refused(
    room: Room, command: str, arguments: dict[str, int], said: str
) -> None:
    """And nothing is recorded."""
    await room.says(20, asks=True)
    await room.answers(20, "so")
    await room.says(10, asks=True)
    version = await room.version()

    with pytest.raises(ModerationError, match=said):
        await getattr(room.moderation, command)(CHANNEL, by=BY, **arguments)
    with pytest.raises(ModerationError, match="There is no channel 1 "):
        await getattr(room.moderation, command)(1, by=BY, **arguments)
    assert version == await room.version()


async def test_a_pause_twice_is_refused(room: Room) -> None:
    """It is paused already."""
    await room.moderation.pause(CHANNEL, by=BY)

    with pytest.raises(ModerationError, match="paused in channel 5000 already"):
        await room.moderation.pause(CHANNEL, by=BY)


@pytest.mark.parametrize(("guild_id", "stream"), [(9, "guild:9"), (None, "bot")])
async def test_the_use_of_a_command_is_an_event(room: Room, guild_id: int | None, stream: str) -> None:
    """With its options sealed among people's words."""
    await room.context.note_use(
        user_id=7, guild_id=guild_id, channel_id=CHANNEL, command="rewind", options="to=3", outcome="refused"
    )

    ((recorded,),) = [page async for page in room.log.reader.tail(stream)]
    assert recorded.event == e.CommandUsed(user_id=7, channel_id=CHANNEL, command="rewind", outcome="refused")
    assert (await room.log.reader.bodies((recorded.position,)))[recorded.position].parts == ("to=3",)


AWAY = "openai:tiny: model away (no connection)"


async def test_retry_all_takes_what_an_outage_left(room: Room) -> None:
    """In the order of the questions; what was refused, dropped, deleted or answered stays as it is."""
    ends = {
        10: (e.AbandonReason.EXPIRED, AWAY),
        20: (e.AbandonReason.POISON, "openai:tiny: question refused (HTTP 400)"),
        30: (e.AbandonReason.GAVE_UP, ""),
        40: (e.AbandonReason.CANCELLED, "owner"),
        50: (e.AbandonReason.POISON, "openai:tiny: key refused (HTTP 401)"),
        60: (e.AbandonReason.EXPIRED, AWAY),
    }
    for message_id, (reason, detail) in ends.items():
        await room.says(message_id, asks=True)
        await room.do(c.Abandon(message_id, reason, detail))
    await room.do(c.Delete(60))

    report = await room.moderation.retry(CHANNEL, None, by=BY)
    again = await room.moderation.retry(None, None, by=BY)

    assert [entry.message_id for entry in (await room.conversations.state(CHANNEL)).outbox] == [10, 30, 50]
    assert report.title == f"3 replies are asked for again in channel {CHANNEL}"
    assert (report.data, again.data) == ({"retried": 3}, {"retried": 0})


async def test_a_single_retry_needs_its_channel(room: Room) -> None:
    """A message alone is nowhere."""
    with pytest.raises(ModerationError, match="which channel"):
        await room.moderation.retry(None, 10, by=BY)
