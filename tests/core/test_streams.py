"""The names of the log's streams are stored: they stay what they are."""

from __future__ import annotations

import pytest

from bot.core.streams import BOT_STREAM, channel_of, guild_stream, stream_of


def test_the_kind_is_part_of_the_name() -> None:
    """A server and a channel of it may share an id."""
    assert (stream_of(42), guild_stream(42), BOT_STREAM) == ("channel:42", "guild:42", "bot")


@pytest.mark.parametrize(
    ("stream", "channel_id"),
    [
        (stream_of(42), 42),
        (guild_stream(42), None),
        (BOT_STREAM, None),
        ("channel:", None),
        ("channel:-1", None),
        ("channel:٣", None),
        (f"channel:{'9' * 5000}", None),
    ],
)
def test_the_channel_of_a_stream(stream: str, channel_id: int | None) -> None:
    """None where it is nobody's, or no name that the log gives."""
    assert channel_of(stream) == channel_id
