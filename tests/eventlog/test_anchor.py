"""An anchor kept elsewhere shows what a log alone can't: that there was more."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged, LogError
from bot.eventlog import database
from bot.eventlog.anchor import Anchor, anchor_of, parse_anchor
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from bot.eventlog.verify import verify

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

OLD = Path(__file__).parents[1] / "corpus" / "0.1.0" / "types"
LINE = f"echoless-anchor-1 {'ab' * 16} 2 70 {'cd' * 32}"


def ended() -> list[e.Draft]:
    """Return an event."""
    return [e.Draft(e.BotStopped(reason="end"))]


def anchored(location: Location) -> Anchor:
    """Return the anchor of a log."""
    return database.look(location.database, anchor_of)


async def said(location: Location, anchor: Anchor) -> list[str]:
    """Verify a log against an anchor."""
    reader = await open_reader(location)
    try:
        return [str(found) async for progress in verify(reader, anchor=anchor) for found in progress.findings]
    finally:
        await reader.close()


def test_an_anchor_is_one_line() -> None:
    """Written and read the same way, with space around it or not."""
    anchor = Anchor(bytes.fromhex("ab" * 16), 2, 70, bytes.fromhex("cd" * 32))

    assert str(anchor) == LINE
    assert parse_anchor(LINE) == parse_anchor(f"  {LINE}\n") == anchor


NO_ANCHORS = {
    "nothing": "",
    "a word": "anchor",
    "half of one": LINE[:60],
    "a hash cut short": LINE[:-2],
    "an identity cut short": LINE.replace("ab" * 16, "ab" * 15),
    "another form": LINE.replace("anchor-1", "anchor-9"),
    "no number": LINE.replace(" 70 ", " x "),
    "a negative position": LINE.replace(" 70 ", " -70 "),
    "two of them": f"{LINE} {LINE}",
}


@pytest.mark.parametrize("line", NO_ANCHORS.values(), ids=NO_ANCHORS)
def test_what_is_no_anchor_is_refused(line: str) -> None:
    """With where to get one."""
    with pytest.raises(LogError, match="give the whole line that `echoless log anchor` printed"):
        parse_anchor(line)


async def test_a_log_fits_each_of_its_anchors(location: Location, opened: Opener) -> None:
    """From the one of an empty log on."""
    anchors = []
    for _ in range(4):
        async with opened(location) as log:
            anchors.append(await log.reader.connection.run(anchor_of))
            await log.append("bot", ended())

    assert [anchor.position for anchor in anchors] == [0, 1, 2, 3]
    for anchor in anchors:
        assert await said(location, anchor) == []


@pytest.mark.sqlite_only("no copy of a view can go on by itself")
async def test_another_log_a_copy_of_before_and_one_that_went_on_do_not_fit(
    location: Location, opened: Opener, tmp_path: Path
) -> None:
    """Each is told by its name."""
    async with opened(location) as log:
        await log.append("bot", ended())
    older, other = Location(Path(shutil.copytree(location.folder, tmp_path / "older"))), Location(tmp_path / "other")
    async with opened(location) as log:
        await log.append("bot", ended())
    async with opened(other) as log:
        await log.append("bot", ended())
    anchor = anchored(location)

    assert await said(other, anchor) == ["the log: this is another log than the anchor's"]
    assert await said(older, anchor) == [
        "the log: it ends at position 1, and the anchor is at 2: its end was taken away"
    ]
    async with opened(older) as log:
        await log.append("bot", [e.Draft(e.BotStopped(reason="other"))])
    assert await said(older, anchor) == ["the log: what it holds up to position 2 is not what the anchor stands for"]


async def test_a_restored_log_says_so(location: Location, opened: Opener) -> None:
    """Its owner knows whether he restored it."""
    async with opened(location) as log:
        await log.append("bot", ended())
    anchor = anchored(location)
    async with opened(location) as log:
        await log.append("bot", [e.Draft(e.LogRestored(incarnation=3, position=1))])

    assert anchored(location).incarnation == 3
    assert await said(location, anchor) == ["the log: it was restored from a backup since the anchor (incarnation 3)"]


@pytest.mark.sqlite_only("only a log in its folder has the forms of older releases")
async def test_a_log_of_the_first_release_has_anchors_once_it_has_keys(tmp_path: Path, opened: Opener) -> None:
    """Of all that was there before, and no other events fit them."""
    old = Location(Path(shutil.copytree(OLD, tmp_path / "old")))
    with pytest.raises(LogError, match="start the bot once"):
        anchored(old)
    async with opened(old):
        pass
    anchor = anchored(old)
    async with opened(old) as log:
        await log.append("bot", ended())

    assert anchor.position == 69  # two are receipts of words that 0.1.0 had erased
    assert await said(old, anchor) == []
    assert await said(old, Anchor(anchor.log_id, 0, 69, bytes(32))) != []
    assert await said(old, Anchor(anchor.log_id, 0, 5, anchor.hash)) != []


async def test_a_log_that_does_not_say_which_it_is_is_damaged(location: Location, opened: Opener) -> None:
    """Said in a sentence."""
    async with opened(location) as log:
        await log.append("bot", ended())
    with closing(sqlite3.connect(location.database)) as connection, connection:
        assert connection.execute("DELETE FROM meta WHERE name = 'chain'").rowcount

    with pytest.raises(LogDamaged):
        anchored(location)
