from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core import commands as c
from bot.core import events as e
from bot.core.fold import fold
from bot.core.place_settings import PERSONA
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.command import ModerationError
from tests.moderating import Moderation
from tests.moderation.conftest import BY, CHANNEL, Room, furnish


async def five(room: Room) -> None:
    """Post messages 10 to 50: their versions are 1 to 5."""
    for number in range(10, 60, 10):
        await room.says(number)


async def test_a_rewind_takes_the_later_turns_away(room: Room) -> None:
    """It is one more event, by somebody, and says what it changed."""
    await five(room)

    report = await room.moderation.rewind(CHANNEL, "2", by=BY)

    assert await room.window() == [10, 20]
    assert [turn["message_id"] for turn in report.data["left"]] == ["30", "40", "50"]
    assert "3 turns leave the window:" in report.lines
    (rewound,) = [each.event for each in await room.history() if isinstance(each.event, e.ConversationRewound)]
    assert (rewound.by, rewound.to) == (BY, 2)


async def test_a_preview_changes_nothing_and_says_the_same(room: Room) -> None:
    """What leaves, what comes back."""
    await five(room)
    await room.moderation.reset(CHANNEL, by=BY)
    before = await room.version()

    preview = await room.moderation.preview_rewind(CHANNEL, "3")

    assert before == await room.version()
    assert [turn["message_id"] for turn in preview.data["back"]] == ["10", "20", "30"]
    assert preview.lines == (await room.moderation.rewind(CHANNEL, "3", by=BY)).lines[:-1]


async def test_what_was_deleted_since_stays_away(room: Room) -> None:
    """From a rewind as from an undo."""
    await five(room)
    await room.do(c.Delete(20))

    report = await room.moderation.rewind(CHANNEL, "3", by=BY)
    await room.do(c.Delete(40))
    await room.moderation.undo(CHANNEL, by=BY)

    assert [turn["message_id"] for turn in report.data["deleted"]] == ["20"]
    assert await room.window() == [10, 30, 50]


async def test_a_deletion_that_slips_in_between_counts(room: Room) -> None:
    """It is decided in the same batch, after the look at the log and before the rewind."""
    await five(room)
    submit = room.conversations.submit

    async def handle(channel_id: int, command: c.Command) -> tuple[e.Recorded, ...]:
        if isinstance(command, c.Rewind):
            submit(channel_id, c.Delete(10))
        return await submit(channel_id, command)

    room.conversations.handle = handle  # type: ignore[method-assign]  # another caller gets in first

    await room.moderation.rewind(CHANNEL, "2", by=BY)

    assert await room.window() == [20]
    await room.moderation.undo(CHANNEL, by=BY)
    assert await room.window() == [20, 30, 40, 50]


async def test_undo_brings_back_and_keeps_what_came_since(room: Room) -> None:
    """Once: then there is nothing to take back."""
    await five(room)
    await room.moderation.rewind(CHANNEL, "2", by=BY)
    await room.says(60)

    report = await room.moderation.undo(CHANNEL, by=BY)

    assert await room.window() == [10, 20, 30, 40, 50, 60]
    assert [turn["message_id"] for turn in report.data["back"]] == ["30", "40", "50"]
    with pytest.raises(ModerationError, match="no rewind or reset to take back"):
        await room.moderation.undo(CHANNEL, by=BY)


async def test_a_reset_empties_and_can_be_undone(room: Room) -> None:
    """Its preview says what leaves."""
    await five(room)

    preview = await room.moderation.preview_reset(CHANNEL)
    report = await room.moderation.reset(CHANNEL, by=BY)

    assert await room.window() == []
    assert "5 turns leave the window:" in preview.lines
    assert report.lines == (*preview.lines, "Undo brings it back.")
    await room.moderation.undo(CHANNEL, by=BY)
    assert await room.window() == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("first", ["reset", "rewind"])
async def test_what_changes_nothing_is_not_recorded_and_uses_no_undo_up(room: Room, first: str) -> None:
    """Whether it is only previewed, or done."""
    await five(room)
    await (room.moderation.reset(CHANNEL, by=BY) if first == "reset" else room.moderation.rewind(CHANNEL, "0", by=BY))
    before = await room.version()

    reports = [
        await room.moderation.preview_reset(CHANNEL),
        await room.moderation.reset(CHANNEL, by=BY),
        await room.moderation.preview_rewind(CHANNEL, "0"),
        await room.moderation.rewind(CHANNEL, "0", by=BY),
    ]

    assert [report.data["changed"] for report in reports] == [False] * 4
    assert all(report.title.startswith("Nothing to change") and not report.lines for report in reports)
    assert before == await room.version()
    await room.moderation.undo(CHANNEL, by=BY)
    assert await room.window() == [10, 20, 30, 40, 50]


async def test_undo_twice_takes_two_rewinds_back(room: Room) -> None:
    """The newest first, and a reset counts like a rewind; then there is nothing left."""
    await five(room)
    await room.moderation.rewind(CHANNEL, "4", by=BY)
    await room.moderation.rewind(CHANNEL, "1", by=BY)
    await room.moderation.reset(CHANNEL, by=BY)

    windows, hints = [], []
    for _ in range(3):
        report = await room.moderation.undo(CHANNEL, by=BY)
        windows.append(await room.window())
        hints.append((report.data["next_undo"], report.lines[-1]))

    assert windows == [[10], [10, 20, 30, 40], [10, 20, 30, 40, 50]]
    assert hints[0] == (7, "Undo takes back the one at version 7 next.")
    assert [version for version, _ in hints] == [7, 6, 0]
    with pytest.raises(ModerationError, match="no rewind or reset to take back"):
        await room.moderation.undo(CHANNEL, by=BY)


async def test_an_undo_takes_away_what_the_rewind_had_brought_back(room: Room) -> None:
    """A rewind to before another brings turns into the window."""
    await five(room)
    await room.moderation.rewind(CHANNEL, "2", by=BY)
    await room.moderation.rewind(CHANNEL, "5", by=BY)

    report = await room.moderation.undo(CHANNEL, by=BY)

    assert await room.window() == [10, 20]
    assert [turn["message_id"] for turn in report.data["left"]] == ["30", "40", "50"]


async def test_what_is_said_between_two_rewinds_stays(room: Room) -> None:
    """Whichever of them are taken back."""
    await five(room)
    await room.moderation.rewind(CHANNEL, "2", by=BY)
    await room.says(60)
    await room.moderation.rewind(CHANNEL, "1", by=BY)
    await room.says(70)

    windows = []
    for _ in range(2):
        await room.moderation.undo(CHANNEL, by=BY)
        windows.append(await room.window())

    assert windows == [[10, 20, 60, 70], [10, 20, 30, 40, 50, 60, 70]]


async def test_persona_and_summary_go_and_come_back_with_each(room: Room) -> None:
    """A preview says so, where nothing else changes."""
    await room.says(10)
    await room.do(c.Choose(PERSONA, BY, "a pirate"))
    await room.do(c.Summarise(e.ConversationSummarised(upto=10, turns=1), e.Body(parts=("hello",))))
    before = await room.conversations.state(CHANNEL)

    preview = await room.moderation.preview_rewind(CHANNEL, "1")
    await room.moderation.rewind(CHANNEL, "1", by=BY)
    await room.moderation.reset(CHANNEL, by=BY)
    for _ in range(2):
        await room.moderation.undo(CHANNEL, by=BY)

    after = await room.conversations.state(CHANNEL)
    assert preview.lines == ("The persona becomes what it was.", "The summary becomes what it was.")
    for name in ("window", "persona_position", "summary_position", "summary_upto_id", "rewound_version"):
        assert getattr(after, name) == getattr(before, name)


async def test_an_edit_is_taken_back_and_the_preview_says_so(room: Room) -> None:
    """The turn stays, with its earlier words."""
    await room.says(10, "tea")
    await room.do(c.Edit(e.MessageEdited(message_id=10, author_id=41, edited_at=5), e.Body(parts=("coffee",))))

    preview = await room.moderation.preview_rewind(CHANNEL, "1")

    assert preview.data["changed"]
    assert preview.lines == ("1 turn gets other words:", "  ~ 10 41 ada: tea")


async def test_a_pending_reply_survives_a_rewind(room: Room) -> None:
    """Its request lies after the version, and it is sent once all the same."""
    await five(room)
    await room.says(60, asks=True)
    outbox = (await room.conversations.state(CHANNEL)).outbox

    await room.moderation.rewind(CHANNEL, "2", by=BY)
    assert outbox == (await room.conversations.state(CHANNEL)).outbox
    await room.answers(60, "so")

    state = await room.conversations.state(CHANNEL)
    assert (state.outbox, state.sent) == ((), 1)
    assert await room.window() == [10, 20, 61]


async def test_what_was_sent_is_neither_requested_nor_sent_again(room: Room) -> None:
    """The outbox stays empty, and a redelivered message is known."""
    await room.says(10, asks=True)
    await room.answers(10, "so")
    await room.moderation.rewind(CHANNEL, "0", by=BY)
    version = await room.version()

    await room.says(10, asks=True)

    assert (await room.conversations.state(CHANNEL)).outbox == ()
    assert version == await room.version()


async def test_a_rewind_in_the_middle_of_a_catch_up_moves_no_watermark(room: Room) -> None:
    """The catch-up goes on and brings what is missing into the window, in its place."""
    await five(room)
    await room.do(c.Record(e.CatchupStarted(after=50)))
    await room.do(c.Receive(_missed(70), e.Body(parts=("missed",))))

    await room.moderation.rewind(CHANNEL, "2", by=BY)
    watermark = (await room.conversations.state(CHANNEL)).watermark_id
    await room.do(c.Receive(_missed(60), e.Body(parts=("missed",))))
    await room.do(c.Record(e.CatchupCompleted(after=50, upto=70, count=2)))

    assert watermark == 70
    assert (await room.conversations.state(CHANNEL)).watermark_id == 70
    assert await room.window() == [10, 20, 60]


def _missed(message_id: int) -> e.MessageReceived:
    return e.MessageReceived(message_id=message_id, author_id=41, sent_at=0, via=e.Via.CATCHUP)


async def test_a_rewind_outlives_a_restart(tmp_path: Path, ticking: Callable[[], int]) -> None:
    """With a snapshot or without one, and undo still knows what to take back."""
    log = await open_log(Location(tmp_path), clock=ticking, full=False)
    room = furnish(log, tmp_path, ticking)
    await five(room)
    await room.moderation.rewind(CHANNEL, "2", by=BY)
    await room.conversations.close()
    await log.close()

    log = await open_log(Location(tmp_path), clock=ticking, full=False)
    room = furnish(log, tmp_path, ticking)
    after = await room.window()
    await room.moderation.undo(CHANNEL, by=BY)
    undone = await room.window()
    await room.conversations.close()
    await log.close()

    assert (after, undone) == ([10, 20], [10, 20, 30, 40, 50])


async def test_a_rewind_to_before_the_first_snapshot(room: Room) -> None:
    """Snapshots are a cache: nothing depends on how far back they reach."""
    for number in range(1, 251):
        await room.says(number)

    await room.moderation.rewind(CHANNEL, "3", by=BY)

    assert await room.window() == [1, 2, 3]


@pytest.mark.parametrize("to", ["5", "https://discord.com/channels/1/5000/50000000000000000"])
async def test_nothing_to_rewind_is_refused(room: Room, to: str) -> None:
    """The present, or a message that was never seen."""
    await five(room)

    with pytest.raises(ModerationError):
        await room.moderation.rewind(CHANNEL, to, by=BY)
    with pytest.raises(ModerationError, match="There is no channel 1"):
        await room.moderation.rewind(1, "0", by=BY)


async def test_a_log_that_is_only_read_is_not_rewound(room: Room) -> None:
    """The one owner writes."""
    await five(room)
    room.moderation = Moderation(replace(room.context, owner=None))

    with pytest.raises(ModerationError, match="only read"):
        await room.moderation.rewind(CHANNEL, "2", by=BY)
    assert (await room.moderation.preview_rewind(CHANNEL, "2")).data["to"] == 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 20)),
        st.tuples(st.just("ask"), st.integers(1, 20)),
        st.tuples(st.just("answer"), st.integers(1, 20)),
        st.tuples(st.just("delete"), st.integers(1, 20)),
        st.tuples(st.just("rewind"), st.integers(0, 30)),
        st.tuples(st.just("undo"), st.just(0)),
        st.tuples(st.just("reset"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_whatever_is_rewound_nothing_is_requested_or_sent_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """And the deleted stay away, what is promised stays promised, and the log folds to what memory holds."""
    folder = tmp_path_factory.mktemp("law")
    log = await open_log(Location(folder), clock=lambda: 1, full=False)
    room = furnish(log, folder, lambda: 1)
    received: set[int] = set()
    deleted: set[int] = set()
    early: set[int] = set()
    for what, number in steps:
        outbox = (await room.conversations.state(CHANNEL)).outbox
        try:
            await _step(room, what, number * 10 if what != "rewind" else number)
        except ModerationError:
            continue
        state = await room.conversations.state(CHANNEL)
        received |= {number * 10} if what in {"say", "ask"} else set()
        # A deletion that came before its message is a fact already: told again, it changes nothing.
        early |= {number * 10} - received if what == "delete" else set()
        deleted |= {number * 10} & received - early if what == "delete" else set()
        assert not deleted & {turn.message_id for turn in state.window}
        if what in {"rewind", "undo", "reset"}:
            assert outbox == state.outbox
    state = await room.conversations.state(CHANNEL)
    history = await room.history()
    while (await room.conversations.state(CHANNEL)).rewound_version:
        await room.moderation.undo(CHANNEL, by=BY)
    undone = await room.window()
    await room.conversations.close()
    await log.close()
    # With everything taken back, it is as if nothing had ever been rewound.
    others = [each for each in history if not isinstance(each.event, e.ConversationRewound | e.ConversationReset)]
    assert undone == [turn.message_id for turn in fold(others).window]
    keys = [event.event.key() for event in history if event.event.key() is not None]
    assert len(keys) == len(set(keys))
    assert fold(history) == state


async def _step(room: Room, what: str, number: int) -> None:
    match what:
        case "say" | "ask":
            await room.says(number, asks=what == "ask")
        case "answer":
            if (await room.conversations.state(CHANNEL)).pending(number):
                await room.answers(number, "so")
        case "delete":
            await room.do(c.Delete(number))
        case "rewind":
            await room.moderation.rewind(CHANNEL, str(number), by=BY)
        case "undo":
            await room.moderation.undo(CHANNEL, by=BY)
        case "reset":
            await room.moderation.reset(CHANNEL, by=BY)
        case "restart":
            await room.conversations.close()
            assert room.conversations.hot == 0
