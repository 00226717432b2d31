from __future__ import annotations

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.streams import BOT_STREAM
from bot.moderation.command import ModerationError
from bot.moderation.display_names import LONGEST
from bot.moderation.usage import collect, usage
from bot.replies.repair import again
from bot.times import utc_time
from tests.moderation.conftest import CHANNEL, Room


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


MESSAGE = 1_300_000_000_000_000_001


async def _answered(room: Room, message_id: int, name: str, *, author: int = 41) -> None:
    """Let somebody ask and a model answer."""
    received = e.MessageReceived(message_id=message_id, author_id=author, sent_at=0)
    await room.do(c.Receive(received, e.Body(name=name, parts=("so?",)), e.Call.DM, "echo"))
    composed = e.ReplyComposed(message_id=message_id, parts=1, responder="echo", model="m", tokens_in=5)
    await room.do(c.Compose(composed, e.Body(parts=("so",))))


async def test_people_have_their_newest_name(room: Room) -> None:
    """Beside the id: what may drive a terminal is escaped, and what is long is cut."""
    await _answered(room, MESSAGE, "ada")
    await _answered(room, MESSAGE + 1, "Ada\x1b[2J" + "a" * 99)
    await _answered(room, MESSAGE + 2, "bob", author=42)
    await room.log.append(BOT_STREAM, (e.Draft(e.DirectChannelOpened(channel_id=CHANNEL)),))

    report = await usage(room.context)

    assert {person: each["name"] for person, each in report.data["people"].items()} == {
        "41": "Ada\x1b[2J" + "a" * 99, "42": "bob",
    }  # fmt: skip
    assert report.data["channels"][str(CHANNEL)]["name"] == "bob"
    (row,) = [row for row in report.lines if row.startswith("  41 ")]
    assert row.endswith("  " + ("Ada\\x1b[2J" + "a" * 99)[: LONGEST - 1] + "…")
    assert all(row.isprintable() for row in report.lines)


async def test_a_name_from_elsewhere_stays_there(room: Room) -> None:
    """Whoever may see one channel is not told what somebody is called in another."""
    await _answered(room, MESSAGE, "ada")
    other = e.MessageReceived(message_id=MESSAGE + 1, author_id=41, sent_at=0)
    await room.log.append("channel:77", (e.Draft(other, e.Body(name="the boss", parts=("hi",)), subject_id=41),))

    here = await usage(room.context, {CHANNEL: "#general"})
    everywhere = await usage(room.context)

    assert here.data["people"]["41"]["name"] == "ada"
    assert here.data["channels"][str(CHANNEL)]["name"] == "#general"
    assert everywhere.data["people"]["41"]["name"] == "the boss"


@pytest.mark.parametrize("since", ["version", "message", "time", "link"])
async def test_usage_since_any_point(room: Room, since: str) -> None:
    """That of the second of three messages."""
    for number in range(3):
        await _answered(room, MESSAGE + number, "ada")
    version, moment = next(
        (recorded.version, recorded.recorded_at)
        for recorded in await room.history()
        if recorded.correlation == MESSAGE + 1
    )
    link = f"https://discord.com/channels/5/{CHANNEL}/{MESSAGE + 1}"
    texts = {"version": str(version), "message": str(MESSAGE + 1), "time": utc_time(moment), "link": link}

    report = await usage(room.context, {CHANNEL: ""}, texts[since])

    assert report.data["total"]["replies"] == 2


@pytest.mark.parametrize(
    ("channels", "since", "said"),
    [
        pytest.param(None, "3", "Version 3 of which channel?", id="a version of no channel"),
        pytest.param({CHANNEL: ""}, "99", "there is no version 99", id="a version to come"),
        pytest.param({77: ""}, str(MESSAGE), "is in no channel that is counted here", id="a message elsewhere"),
        pytest.param({77: ""}, str(MESSAGE + 9), "is in no channel that is counted here", id="an unknown message"),
        pytest.param(None, "999999999d", "at most 36500 days", id="an age past the calendar"),
        pytest.param(None, "soon", "no point in time", id="no point"),
    ],
)
async def test_usage_since_what_is_not_there_is_refused(
    room: Room, channels: dict[int, str] | None, since: str, said: str
) -> None:
    """With a sentence."""
    await _answered(room, MESSAGE, "ada")

    with pytest.raises(ModerationError, match=said):
        await usage(room.context, channels, since)
