"""The note of what a log may hold: an older release refuses what it does not know, and never forgets it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot import __version__
from bot.core import events as e
from bot.errors import LogDamaged, LogForeign
from bot.eventlog import codec, forms
from bot.eventlog.backup import take
from bot.eventlog.codec import event_models
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.master import vault_of
from bot.eventlog.query import Query
from bot.eventlog.upcasters import STEPS, Chain, raised, retired
from tests.newer import newer

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]


def noted(location: Location) -> dict[str, list[object]]:
    """Return what is noted in a log."""
    with closing(sqlite3.connect(location.database)) as connection:
        (value,) = connection.execute("SELECT value FROM meta WHERE name = 'forms'").fetchone()
    found: dict[str, list[object]] = json.loads(value)
    return found


def note(location: Location, **others: tuple[int, str]) -> None:
    """Note what a newer release would."""
    value = json.dumps({**noted(location), **{name.replace("_", "."): each for name, each in others.items()}}).encode()
    with closing(sqlite3.connect(location.database)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'forms'", (value,))


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a closed log."""
    async with opened(location) as log:
        await log.append("bot", [e.Draft(e.BotStopped(reason="done"))])
    return location


async def test_a_release_notes_what_it_may_write_before_it_does(made: Location) -> None:
    """Every type of event with its version, the words and their seal, each with the release that began with it."""
    found = noted(made)

    assert found == {
        **{model.TYPE: [model.V, __version__] for model in event_models()},
        "words": [e.Body.V, __version__],
        "seal": [2, __version__],
    }


@pytest.mark.parametrize(
    ("others", "named"),
    [
        pytest.param({"bot_dreamt": (1, "7.0")}, r"Release 7\.0 .*\(bot\.dreamt v1\)", id="an unknown type"),
        pytest.param({"bot_stopped": (2, "7.1")}, r"Release 7\.1 .*\(bot\.stopped v2\)", id="a newer version"),
        pytest.param({"words": (3, "7.2")}, r"Release 7\.2 .*\(words v3\)", id="a form of words"),
        pytest.param({"seal": (3, "7.3")}, r"Release 7\.3 .*\(seal v3\)", id="a form of seals"),
        pytest.param(
            {f"bot_dreamt{number}": (1, f"7.{number % 2}") for number in range(7)},
            r"Release 7\.0 and 7\.1 .*\(bot\.dreamt0 v1, .* and 2 more\)",
            id="many",
        ),
    ],
)
async def test_a_log_of_a_newer_release_is_refused(
    made: Location, others: dict[str, tuple[int, str]], named: str
) -> None:
    """Before anything is changed, with the release that wrote it and what to do."""
    note(made, **others)
    before = {path.name: path.read_bytes() for path in made.folder.iterdir() if path.name.startswith("events")}

    with pytest.raises(LogForeign, match=f"{named}.*--accept-unknown"):
        await open_log(made, clock=lambda: 1, full=False)

    assert before == {path.name: path.read_bytes() for path in made.folder.iterdir() if path.name.startswith("events")}


async def test_who_goes_on_all_the_same_lowers_nothing(made: Location) -> None:
    """What the newer release noted stays, so the next start is refused again; a reader never is."""
    note(made, bot_dreamt=(1, "7.0"), bot_stopped=(3, "7.0"))
    before = noted(made)

    log = await open_log(made, clock=lambda: 1, full=False, accept_unknown=True)
    await log.append("bot", [e.Draft(e.BotStopped(reason="again"))])
    await log.close()
    reader = await open_reader(made)
    read = [recorded.event async for recorded in reader.events(Query())]
    await reader.close()

    assert noted(made) == before
    assert read == [e.BotStopped(reason="done"), e.BotStopped(reason="again")]
    with pytest.raises(LogForeign):
        await open_log(made, clock=lambda: 1, full=False)


async def test_a_log_without_a_note_gets_one(made: Location, opened: Opener) -> None:
    """It is of a release that noted nothing, and knew nothing that this one does not."""
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE name = 'forms'")

    async with opened(made):
        pass

    assert noted(made)["bot.stopped"] == [1, __version__]


async def test_a_newer_version_of_ours_takes_the_place_of_an_older_one(
    made: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was noted by a release before stays as that one noted it."""
    note(made, bot_stopped=(1, "0.1.9"), bot_started=(1, "0.1.9"))
    monkeypatch.setattr(e.BotStopped, "V", 2)
    with closing(sqlite3.connect(made.database, isolation_level=None)) as connection:
        forms.note(connection, "0.3")

    assert noted(made)["bot.stopped"] == [2, "0.3"]
    assert noted(made)["bot.started"] == [1, "0.1.9"]


async def test_a_type_that_is_retired_is_known(made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older release noted it; its note stays, and nothing is refused."""
    note(made, bot_dreamt=(2, "0.1.9"))
    chain = Chain((*STEPS, raised("bot.dreamt", 1), retired("bot.dreamt", 2)), codec.lifting().known)
    monkeypatch.setattr(forms, "lifting", lambda: chain)

    async with opened(made):
        pass

    assert noted(made)["bot.dreamt"] == [2, "0.1.9"]


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b'{"a": 1}', b'{"a": ["b", 1]}', b'{"a": [1]}'], ids=ascii)
async def test_a_damaged_note_stops_nothing(made: Location, opened: Opener, value: bytes) -> None:
    """It says nothing then. Events that can't be read are still shown as such."""
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'forms'", (value,))

    async with opened(made):
        pass

    assert noted(made)["bot.stopped"] == [1, __version__]


async def test_a_backup_holds_what_a_newer_release_wrote(made: Location, tmp_path: Path) -> None:
    """It is as it was written, so a copy of it is whole; what fits no schema is damage."""
    log = await open_log(made, clock=lambda: 1, full=False)
    await log.append("bot", [newer("bot.dreamt"), newer("bot.stopped", 2)])
    await log.close()

    take(made.database, tmp_path / "backup.db", vault=vault_of(made), release="0", now=1)
    log = await open_log(made, clock=lambda: 1, full=False)
    await log.append("bot", [newer("bot.stopped", 1)])
    await log.close()

    assert (tmp_path / "backup.db").exists()
    with pytest.raises(LogDamaged, match=r"it can't be read: bot\.stopped v1, does not fit its schema"):
        take(made.database, tmp_path / "another.db", vault=vault_of(made), release="0", now=1)
