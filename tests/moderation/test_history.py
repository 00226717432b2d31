from __future__ import annotations

import pytest
from pydantic import JsonValue

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.command import ModerationError
from bot.moderation.text import details
from tests.moderation.conftest import CHANNEL, Room


async def talk(room: Room) -> None:
    """Say something, ask something, get an answer, edit and delete."""
    await room.says(10)
    await room.says(20, "how?", asks=True, author=42)
    await room.answers(20, "so")
    await room.do(c.Edit(e.MessageEdited(message_id=10, author_id=41, edited_at=1), e.Body(name="ada", parts=("new",))))
    await room.do(c.Delete(20))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(1_700_000_000_000_000, "2023-11-14T22:13:20.000000+00:00", id="a time"),
        pytest.param(2**60, str(2**60), id="beyond the calendar"),
        pytest.param("soon", "soon", id="no number"),
    ],
)
def test_a_time_in_an_event_is_shown_as_one(value: JsonValue, shown: str) -> None:
    """A program's own event may have anything under its name."""
    event = e.OwnRecorded(type="thing.put", v=1, data={"retry_at": value})

    assert details(e.Recorded(1, "own", 1, 0, event, None, None)) == f"thing.put v1 retry_at={shown}"


async def test_the_state_then_and_now(room: Room) -> None:
    """With the words of the window, and what is unfinished."""
    await talk(room)

    then = await room.moderation.state(CHANNEL, "3")
    now = await room.moderation.state(CHANNEL)

    assert "at version 3" in then.title
    assert [entry["message_id"] for entry in then.data["outbox"]] == ["20"]
    assert any("20 asked by 42" in line and "not written yet" in line for line in then.lines)
    assert [(turn["message_id"], turn["text"]) for turn in now.data["window"]] == [("10", "new"), ("21", "so")]
    assert any("21 bot so" in line for line in now.lines)


async def test_words_cannot_drive_a_terminal(room: Room) -> None:
    """Nor turn its direction."""
    await room.says(10, "\x1b[2J\u202e!")

    report = await room.moderation.state(CHANNEL)

    assert any(r"\x1b[2J\u202e!" in line for line in report.lines)
    assert all(line.isprintable() for line in report.lines)


async def test_the_timeline_comes_in_pages(room: Room) -> None:
    """The newest first, every event once, with an end."""
    await talk(room)
    versions: list[int] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = await room.moderation.timeline(CHANNEL, size=3, cursor=cursor)
        versions += [event["version"] for event in page.data["events"]]
        pages += 1
        cursor = page.more
        if cursor is None:
            break

    assert versions == [7, 6, 5, 4, 3, 2, 1]
    assert pages == 3


async def test_new_events_do_not_shift_a_timeline_s_pages(room: Room) -> None:
    """What comes between two looks is on neither page twice."""
    await talk(room)
    first = await room.moderation.timeline(CHANNEL, size=4)
    await room.says(30)

    second = await room.moderation.timeline(CHANNEL, size=4, cursor=first.more)

    assert [event["version"] for event in second.data["events"]] == [3, 2, 1]


async def test_a_timeline_of_types_persons_and_times(room: Room) -> None:
    """Each narrows it."""
    await talk(room)

    def versions(report: object) -> list[int]:
        return [event["version"] for event in report.data["events"]]  # type: ignore[attr-defined]

    timeline = room.moderation.timeline
    assert [5, 4] == versions(await timeline(CHANNEL, types=("reply.sent", "reply.composed")))
    assert [3, 2] == versions(await timeline(CHANNEL, person=42))
    assert [7, 6] == versions(await timeline(CHANNEL, since="6"))
    assert [] == versions(await timeline(CHANNEL, since="2030-01-01"))
    assert ["No event is chosen."] == list((await timeline(CHANNEL, types=("reply.foreign",))).lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"types": ("reply.snt",)}, "Did you mean reply.sent?", id="no type"),
        pytest.param({"cursor": "x"}, "none of this timeline", id="no page"),
        pytest.param({"since": "99"}, "there is no version 99", id="no version"),
    ],
)
async def test_a_timeline_that_can_t_be_is_refused(room: Room, arguments: dict[str, object], said: str) -> None:
    """With what can."""
    await talk(room)

    with pytest.raises(ModerationError, match=said):
        await room.moderation.timeline(CHANNEL, **arguments)


async def test_what_differs_between_two_points(room: Room) -> None:
    """Turns that came, left and changed, what is unfinished, and the counters."""
    await talk(room)

    report = await room.moderation.diff(CHANNEL, "3", "7")

    assert [turn["message_id"] for turn in report.data["came"]] == ["21"]
    assert [turn["message_id"] for turn in report.data["left"]] == ["20"]
    assert [turn["message_id"] for turn in report.data["edited"]] == ["10"]
    assert report.data["changed"] == {"sent": [0, 1]}
    assert {"+ 21 bot so", "- 20 42 [words erased]", "~ 10 41 ada: new", "outbox - reply to 20", "sent: 0 -> 1"} == set(
        report.lines
    )
    assert ("Nothing differs.",) == (await room.moderation.diff(CHANNEL, "7", "7")).lines
