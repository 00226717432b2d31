from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.moderation import ModerationError
from bot.moderation.points import Point, parse_point, version_of
from tests.moderation.conftest import BEGAN, CHANNEL, SECOND, Room

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
        pytest.param("1d 2 hours 3min 4s ago", Point(moment=NOW - 93_784 * SECOND), id="an age of several units"),
        pytest.param("2023-11-14 22:13", Point(moment=(BEGAN - 20) * SECOND), id="a time without an offset is UTC"),
        pytest.param("2023-11-15T00:13:20+02:00", Point(moment=NOW), id="a time with an offset"),
        pytest.param("2023-11-14T22:13:20.5Z", Point(moment=NOW + SECOND // 2), id="a time with a fraction"),
    ],
)
def test_points_are_read(text: str, point: Point) -> None:
    """However a person writes them."""
    assert point == parse_point(text, NOW)


@pytest.mark.parametrize(
    "text", ["", "ago", "soon", "-3", "3 moons ago", "5x", "9" * 40, "https://discord.com/channels/1/2"]
)
def test_what_is_no_point_is_refused(text: str) -> None:
    """With what is one."""
    with pytest.raises(ModerationError, match="a version, a message's link or id"):
        parse_point(text, NOW)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """It is read or refused."""
    try:
        point = parse_point(text, NOW)
    except ModerationError:
        return
    assert sum(value is not None for value in (point.version, point.message_id, point.moment)) == 1


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
