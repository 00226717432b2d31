"""``echoless consumers``: what follows the log is listed and steered, beside a bot or without one."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from bot.cli.main import echoless
from bot.consumers import Away
from bot.consumers.activity.reading import count_activity
from bot.consumers.consumers import FOLDER
from bot.consumers.search import Search, SearchSettings
from bot.consumers.status import State
from bot.consumers.wishes import Wishes
from bot.eventlog.database import Connection
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.moderation.context import CommandContext
from bot.moderation.control_socket import listening
from tests.cli.conftest import Run
from tests.consumers.following import Table, caught_up, filled, running
from tests.eventlog.conftest import clock, location, log, opened
from tests.waiting import eventually

__all__ = ["clock", "location", "log", "opened"]


def followed(folder: Path) -> None:
    """Have a consumer see a log, park an event of it, and leave two events unseen."""

    async def follow() -> None:
        log = await open_log(Location(folder), clock=lambda: 1_700_000_000_000_000)
        table = Table()
        table.fails = {2: ValueError()}
        await filled(log, 3)
        async with running(log, table) as consumers:
            await caught_up(consumers)
        await filled(log, 2)
        await log.close()

    asyncio.run(follow())


def test_consumers_are_listed_and_steered(run: Run, tmp_path: Path) -> None:
    """By their files, whether the settings name them or not."""
    folder = tmp_path / "data"
    followed(folder)
    wishes = Wishes(folder / FOLDER)

    listed, shown = run("consumers", "--json"), run("consumers", "--log", folder)
    parked = run("consumers", "parked", "table")
    as_json = run("consumers", "parked", "table", "--json")
    steered = [run("consumers", *words) for words in (("pause", "table"), ("reset", "table"), ("drop", "table"))]
    retried = run("consumers", "retry", "table", "2")

    row = {"name": "table", "state": "following", "position": 3, "lag": 2, "parked": 1, "trouble": ""}
    assert [row] == listed.rows
    assert "table\tfollowing\t3\t2\t1" in shown.out
    assert "ValueError in" in parked.out
    assert [2] == [each["position"] for each in as_json.rows]
    assert [0, 0, 0, 0] == [each.code for each in (*steered, retried)]
    assert retried.out == "1 event will be handed over once more.\n"
    assert wishes.read().paused == {"table"}
    assert [("reset", None), ("drop", None), ("retry", 2)] == [
        (each.what, each.position) for each in wishes.read().wishes
    ]
    assert "paused" in run("consumers").out
    assert run("consumers", "resume", "table").code == 0
    assert wishes.read().paused == frozenset()


def test_what_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    """With what there is."""
    followed(tmp_path / "data")

    unknown = run("consumers", "pause", "tabel")
    unparked = run("consumers", "retry", "table", "3")
    odd = run("consumers", "drop", "table", "x")

    assert (unknown.code, "There are: table." in unknown.err) == (2, True)
    assert (unparked.code, "no event parked at position 3" in unparked.err) == (2, True)
    assert (odd.code, "neither a position nor all" in odd.err) == (2, True)


async def test_a_running_bot_tells_what_its_files_do_not(log: EventLog, location: Location) -> None:
    """That a consumer was stopped, and why; and how far one is that has no file."""

    class Waiting(Table):
        name = "away"

        async def prepare(self, database: Connection) -> None:
            del database
            raise Away("the mail server is away")

    searching = Search(SearchSettings())
    searching.name = "search"
    await filled(log, 2)
    async with running(log, Waiting(), searching) as consumers:
        activity = partial(count_activity, log.aside, location.folder)
        context = CommandContext(
            location.folder, log.aside, (), 64, "", lambda: 1, activity, following=consumers.following, index=searching
        )
        await caught_up(consumers, "search")
        await eventually(lambda: consumers.status("away").state is State.WAITING)
        (location.folder / "config.toml").write_text("[consumers.search]\n")
        arguments = ["consumers", "--log", str(location.folder), "--config", str(location.folder / "config.toml")]
        async with listening(context, location.folder):
            told = await asyncio.to_thread(CliRunner().invoke, echoless, [*arguments, "--json"])
            shown = await asyncio.to_thread(CliRunner().invoke, echoless, arguments)

    rows = {row["name"]: row for row in map(json.loads, told.output.splitlines())}
    assert (rows["away"]["state"], rows["away"]["trouble"]) == ("waiting", "the mail server is away")
    assert (rows["search"]["state"], rows["search"]["lag"]) == ("following", 0)
    assert "away is waiting: the mail server is away" in shown.output
