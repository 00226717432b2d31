from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.command import ModerationError
from bot.moderation.points import (
    Point,
    channel_with,
    parse_channel,
    parse_message,
    parse_person,
    parse_point,
    version_of,
)
from bot.times import iso_time, utc_time
from tests.laws.strategies import TIMES
from tests.moderation.conftest import BEGAN, CHANNEL, SECOND, Room, furnish

NOW = BEGAN * SECOND
MESSAGE = 1_300_000_000_000_000_001


@pytest.mark.parametrize(
    ("text", "point"),
    [
        pytest.param("0", Point(version=0), id="the beginning"),
        pytest.param(" 12 ", Point(version=12), id="a version"),
        pytest.param(str(MESSAGE), Point(message_id=MESSAGE), id="a message's id"),
        pytest.param(
            f"https://discord.com/channels/1/{CHANNEL}/{MESSAGE}",
            Point(message_id=MESSAGE, channel_id=CHANNEL),
            id="a link",
        ),
        pytest.param(
            f"<http://127.0.0.1:8000/channels/@me/{CHANNEL}/{MESSAGE}>",
            Point(message_id=MESSAGE, channel_id=CHANNEL),
            id="a link into a DM on another host, without its preview",
        ),
        pytest.param("10 minutes ago", Point(moment=NOW - 600 * SECOND), id="an age in words"),
        pytest.param("2h", Point(moment=NOW - 7200 * SECOND), id="an age"),
        pytest.param("2H AGO", Point(moment=NOW - 7200 * SECOND), id="an age in capitals"),
        pytest.param("250ms", Point(moment=NOW - SECOND // 4), id="an age in milliseconds"),
        pytest.param("3 min 20 s ago", Point(moment=NOW - 200 * SECOND), id="an age as it is printed"),
        pytest.param("0.125 s ago", Point(moment=NOW - SECOND // 8), id="a short age as it is printed"),
        pytest.param("1d 2 hours 3min 4s ago", Point(moment=NOW - 93_784 * SECOND), id="an age of several units"),
        pytest.param("2023-11-14 22:13", Point(moment=(BEGAN - 20) * SECOND), id="a time without an offset is UTC"),
        pytest.param("2023-11-15T00:13:20+02:00", Point(moment=NOW), id="a time with an offset"),
        pytest.param("2023-11-15 07:13:20 +0900", Point(moment=NOW), id="an offset apart, without its colon"),
        pytest.param("2023-11-14T22:13:20+00", Point(moment=NOW), id="an offset in hours"),
        pytest.param("2023-11-14 22:13:20 UTC", Point(moment=NOW), id="UTC in letters"),
        pytest.param("2023-11-14 22:13:20z", Point(moment=NOW), id="a small z"),
        pytest.param("2023-11-14Z", Point(moment=(BEGAN - 80_000) * SECOND), id="a day"),
        pytest.param("20231114T221320Z", Point(moment=NOW), id="a compact time"),
        pytest.param("2023-11-14 22:13:20.394Z", Point(moment=NOW + 394_000, covers=1000), id="as it is printed"),
        pytest.param("2023-11-14T22:13:20.394001+00:00", Point(moment=NOW + 394_001), id="as machines are told it"),
        pytest.param(
            "2023-11-14T22:13:20.5Z", Point(moment=NOW + SECOND // 2, covers=SECOND // 10), id="a time with a fraction"
        ),
    ],
)
def test_points_are_read(text: str, point: Point) -> None:
    """However a person writes them."""
    assert point == parse_point(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "", "ago", "soon", "-3", "3 moons ago", "5x", "2h1d", "1m1m", "1.5h", "9" * 40, "9" * 9999, "12026-01-01",
        "0000-01-01", "2023-13-01", "25:00", "2023-11-14 22:13+25:00", "2023-11-14 22:13+01:00Z",
        "https://discord.com/channels/1/2",
    ],
)  # fmt: skip
def test_what_is_no_point_is_refused(text: str) -> None:
    """With what is one."""
    with pytest.raises(ModerationError, match="a version, a message's link or id"):
        parse_point(text, NOW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("999999999d", "at most 36500 days", id="an age past the calendar"),
        pytest.param("9" * 400 + "d ago", "at most 36500 days", id="an age of 400 digits"),
        pytest.param("36500d1ms", "at most 36500 days", id="an age a bit too long"),
        pytest.param("0001-01-01T00:00+14:00", "outside of the calendar", id="before the first year"),
        pytest.param("9999-12-31T23:59:59.9-10:00", "outside of the calendar", id="after the last year"),
    ],
)
def test_what_is_past_the_calendar_is_refused(text: str, said: str) -> None:
    """With a sentence of its own."""
    with pytest.raises(ModerationError, match=said):
        parse_point(text, NOW)


@pytest.mark.parametrize(
    ("text", "point", "said"),
    [
        pytest.param("2026-11-20 14:00", "2026-11-20T13:00:00.000000Z", "", id="in winter"),
        pytest.param("2026-07-20", "2026-07-19T22:00:00.000000Z", "", id="in summer"),
        pytest.param("2026-07-20 14:00:00.25Z", "2026-07-20T14:00:00.25Z", "", id="with a zone of its own"),
        pytest.param(
            "2026-10-25 02:30",
            "",
            "2026-10-25 02:30 happens twice here: add +02:00 or +01:00.",
            id="the hour that comes twice",
        ),
        pytest.param("2026-10-25 02:30+02:00", "2026-10-25T00:30:00.000000Z", "", id="the first of them"),
        pytest.param("2026-10-25 02:30 +01:00", "2026-10-25T01:30:00.000000Z", "", id="the second of them"),
        pytest.param("2026-10-25 03:00", "2026-10-25T02:00:00.000000Z", "", id="the end of it"),
        pytest.param("2026-03-29T02:30:01", "", "2026-03-29 02:30:01 never happens here", id="what is skipped"),
        pytest.param("2026-03-29 03:00", "2026-03-29T01:00:00.000000Z", "", id="after it"),
    ],
)
def test_clock_changes_are_asked_about(text: str, point: str, said: str) -> None:
    """And never guessed."""
    berlin = ZoneInfo("Europe/Berlin")
    if said:
        with pytest.raises(ModerationError, match=re.escape(said)):
            parse_point(text, NOW, berlin)
    else:
        assert point == str(parse_point(text, NOW, berlin))


MOMENTS = st.integers(-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1)
IDS = st.integers(1, 2**63 - 1)
POINTS = st.one_of(
    st.builds(Point, version=st.integers(0, 10**14 - 1)),
    st.builds(Point, message_id=st.integers(10**14, 2**63 - 1)),
    st.builds(Point, message_id=IDS, channel_id=IDS),
    st.builds(
        lambda moment, digits: Point(moment=moment // 10**digits * 10**digits, covers=10**digits),
        MOMENTS,
        st.integers(0, 5),
    ),
)


@given(POINTS, MOMENTS, st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "UTC"]))
def test_a_point_means_the_same_wherever_its_text_is_read(point: Point, now: int, zone: str) -> None:
    """At any time, in any zone: so it may be handed to another process."""
    assert point == parse_point(str(point), now, ZoneInfo(zone))


@given(MOMENTS, st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "UTC"]))
def test_what_is_printed_can_be_typed(moment: int, zone: str) -> None:
    """A time printed for eyes covers the moment that it was printed for; one for machines is that moment."""
    printed = parse_point(utc_time(moment), 0, ZoneInfo(zone))

    assert printed.moment is not None
    assert printed.upto is not None
    assert printed.moment <= moment <= printed.upto < printed.moment + 1000
    assert Point(moment=moment) == parse_point(iso_time(moment), 0, ZoneInfo(zone))


@given(st.text() | TIMES, st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "UTC"]))
def test_no_text_breaks_it(text: str, zone: str) -> None:
    """It is read, as something that can be printed and read again, or refused."""
    try:
        point = parse_point(text, NOW, ZoneInfo(zone))
    except ModerationError:
        return
    assert point == parse_point(str(point), NOW)
    assert sum(value is not None for value in (point.version, point.message_id, point.moment)) == 1


@pytest.mark.parametrize(
    ("text", "message", "channel", "person"),
    [
        pytest.param("7", Point(message_id=7), 7, 7, id="an id, however small"),
        pytest.param(" <#7> ", None, 7, None, id="a channel's mention"),
        pytest.param("#7", None, 7, None, id="an id behind a #"),
        pytest.param("<@7>", None, None, 7, id="a person's mention"),
        pytest.param("<@!7>", None, None, 7, id="an old mention"),
        pytest.param("https://discord.com/channels/5/7", None, 7, None, id="a channel's link"),
        pytest.param("https://discord.com/channels/@me/7/", None, 7, None, id="a private channel's"),
        pytest.param("https://x/channels/5/7/9", Point(message_id=9, channel_id=7), 7, None, id="a message's link"),
        pytest.param("0", None, None, None, id="nought"),
        pytest.param(str(2**63), None, None, None, id="too large an id"),
        pytest.param("9" * 9999, None, None, None, id="far too large an id"),
        pytest.param("٣", None, None, None, id="digits of another script"),
        pytest.param("general", None, None, None, id="a name"),
    ],
)
def test_messages_channels_and_people_are_read(
    text: str, message: Point | None, channel: int | None, person: int | None
) -> None:
    """By id, mention or link."""
    assert (parse_message(text), parse_channel(text), parse_person(text)) == (message, channel, person)


async def test_a_printed_time_brings_its_event_back(tmp_path: Path) -> None:
    """As an upper bound its state or a later one of the same millisecond, as a lower bound itself and what follows."""
    now = [NOW]
    log = await open_log(Location(tmp_path), clock=lambda: now[-1], full=False)
    room = furnish(log, tmp_path, lambda: now[-1])
    try:
        for number, step in enumerate((1, 999, 1000, 1999, 5_000_000, 5_000_001, 4_000_000, 7_123_456), start=1):
            now.append(NOW + step)
            await room.says(MESSAGE + number)
        for recorded in await room.history():
            printed = utc_time(recorded.recorded_at)
            state = await room.moderation.state(CHANNEL, printed)
            since = await room.moderation.timeline(CHANNEL, since=printed)

            assert recorded.version <= await version_of(log.reader, CHANNEL, printed, 0) == state.data["version"]
            assert str(MESSAGE + recorded.version) in {turn["message_id"] for turn in state.data["window"]}
            assert recorded.version in {event["version"] for event in since.data["events"]}
    finally:
        await room.conversations.close()
        await log.close()


async def test_a_message_leads_to_its_channel(room: Room) -> None:
    """Somebody's, and one of the bot's."""
    await room.says(MESSAGE, asks=True)
    await room.answers(MESSAGE, "yes")

    assert [CHANNEL, CHANNEL] == [await channel_with(room.log.reader, MESSAGE + more) for more in (0, 1)]
    with pytest.raises(ModerationError, match=f"Message {MESSAGE + 2} is not in this log."):
        await channel_with(room.log.reader, MESSAGE + 2)


async def test_a_point_names_a_version(room: Room) -> None:
    """A message that at which it came, the bot's own that at which it was sent, a moment the newest one by then."""
    await room.says(MESSAGE, asks=True)
    await room.answers(MESSAGE, "yes")
    link = f"https://discord.com/channels/9/{CHANNEL}/{MESSAGE}"

    versions = [await version_of(room.log.reader, CHANNEL, at, NOW) for at in (str(MESSAGE), link, str(MESSAGE + 1))]

    assert versions == [1, 1, 4]
    recorded_at = [recorded.recorded_at for recorded in await room.history()]
    assert 2 == await version_of(room.log.reader, CHANNEL, "0s", recorded_at[2] - 1)
    assert 0 == await version_of(room.log.reader, CHANNEL, "1d", NOW)


@pytest.mark.parametrize(
    ("channel", "at", "said"),
    [
        pytest.param(CHANNEL, "5", "is at version 1: there is no version 5 yet", id="a version to come"),
        pytest.param(CHANNEL, str(MESSAGE + 9), "was never recorded in channel", id="an unknown message"),
        pytest.param(1, "0", "There is no channel 1 in this log", id="an unknown channel"),
        pytest.param(
            CHANNEL,
            f"https://discord.com/channels/9/77/{MESSAGE}",
            "leads into channel 77",
            id="another channel's link",
        ),
    ],
)
async def test_a_point_that_is_not_there_is_refused(room: Room, channel: int, at: str, said: str) -> None:
    """With a sentence."""
    await room.says(MESSAGE)

    with pytest.raises(ModerationError, match=said):
        await version_of(room.log.reader, channel, at, NOW)
