"""``/stats``: what its answer says, with and without a picture."""

from __future__ import annotations

import sys

import pytest

from bot.core import events as e
from bot.core.streams import BOT_STREAM
from bot.moderation.command import ModerationError, Report
from bot.moderation.display_names import LONGEST
from bot.moderation.pictures.png import MISSING
from bot.moderation.stats import stats
from bot.times import DAY, iso_time
from tests.moderation.conftest import BEGAN, CHANNEL, SECOND, Room

MESSAGE = 1_300_000_000_000_000_001


async def _said(room: Room, message_id: int, *, author: int = 41, stream: str = f"channel:{CHANNEL}") -> None:
    event = e.MessageReceived(message_id=message_id, author_id=author, sent_at=BEGAN * SECOND)
    await room.log.append(stream, (e.Draft(event, e.Body(name="ada", parts=("hm",)), subject_id=author),))


async def _busy(room: Room) -> None:
    """Let two people ask, one be answered by a model, and one message be skipped."""
    await _said(room, MESSAGE)
    await _said(room, MESSAGE + 1, author=42)
    await _said(room, MESSAGE + 2, stream="channel:77")
    for event in (
        e.ReplyRequested(message_id=MESSAGE, author_id=41, responder="r", call=e.Call.DM),
        e.ReplyComposed(message_id=MESSAGE, parts=1, responder="r", model="m", tokens_in=1200, cost_micros=500_000),
        e.ReplySent(message_id=MESSAGE, part=0, sent_id=9, proof=e.Proof.ECHO),
        e.MessageSkipped(message_id=MESSAGE + 1, reason=e.SkipReason.MUTED),
        e.ReplyAbandoned(message_id=MESSAGE + 1, reason=e.AbandonReason.EXPIRED),
    ):
        await room.log.append(f"channel:{CHANNEL}", (e.Draft(event),))


def _rows(report: Report) -> str:
    assert all(row.isprintable() for row in (report.title, *report.lines))
    return "\n".join(report.lines)


async def test_it_says_what_went_on(room: Room) -> None:
    """In numbers and as a picture; channels have names."""
    await _busy(room)

    report = await stats(room.context, {CHANNEL: "#general", 77: ""})

    began = iso_time(BEGAN * SECOND - 30 * DAY)
    assert report.title.startswith(f"Since {began[:10]}")
    assert report.title.endswith(": 3 messages, 2 people, 1 reply, 1 skipped, 1 given up")
    shown = _rows(report)
    assert "replies came: half within 1.9 s, 95 % within 2 s" in shown
    assert "skipped: 1 muted" in shown
    assert "given up: 1 expired" in shown
    assert "models took: 1,200 tokens, $0.5000" in shown
    assert "#general" in shown
    assert "by hour" not in shown
    assert report.file is not None
    assert report.file.name == "stats.png"
    assert report.file.content.startswith(b"\x89PNG")
    assert report.data["channels"]["77"]["messages"] == 1
    assert report.data["total"]["latency_ms"]["count"] == 1


async def test_without_the_extra_there_are_bars(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a sentence that says how to get the picture."""
    await _busy(room)
    monkeypatch.setitem(sys.modules, "PIL", None)

    report = await stats(room.context, None, "2h")

    assert report.file is None
    assert MISSING in report.lines
    assert "by hour:" in report.lines
    assert "█" in _rows(report)


async def test_nothing_went_on(room: Room) -> None:
    """A log may be empty, and a channel may have been silent."""
    report = await stats(room.context, {CHANNEL: "#general"})

    assert report.title.endswith(": 0 messages, 0 people, 0 replies")
    assert report.lines == ()
    assert report.file is not None


async def test_other_channels_are_not_counted(room: Room) -> None:
    """A moderator learns nothing of those that they can't see."""
    await _busy(room)

    report = await stats(room.context, {77: "#lab"})

    assert report.title.endswith(": 1 message, 1 person, 0 replies")
    assert report.data["channels"].keys() == {"77"}
    with pytest.raises(ModerationError, match="is in no channel that is counted here"):
        await stats(room.context, {77: "#lab"}, str(MESSAGE))


@pytest.mark.parametrize("name", ["#a\x1b[2J\nb", "#\u202eevil", "#😀😀", "#مرحبا", "#" + "a" * 99])
async def test_odd_names_do_no_harm(room: Room, name: str) -> None:
    """What may drive a terminal is escaped, and what is long is cut; the picture shows none."""
    await _busy(room)

    shown = _rows(await stats(room.context, {CHANNEL: name}))

    assert max(map(len, shown.splitlines())) < 100 + LONGEST


async def test_a_private_channel_has_the_name_of_its_person(room: Room) -> None:
    """As in ``/usage``."""
    await room.log.append(BOT_STREAM, (e.Draft(e.DirectChannelOpened(channel_id=CHANNEL)),))
    await _busy(room)

    assert (await stats(room.context)).data["channels"][str(CHANNEL)]["name"] == "ada"
