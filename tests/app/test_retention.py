"""Words that are older than the settings let them be: erased, with a receipt, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.app.retention import Ages, Retention
from bot.conversations import Conversations
from bot.core import events as e
from bot.core.streams import guild_stream, stream_of
from bot.errors import LogUnwritable
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.replies.place_settings import Surroundings
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from bot.times import DAY
from tests.harness import Launch
from tests.waiting import eventually

_RECEIPTS = Query(types=(e.WordsErased.TYPE,))
SERVER, OTHER_SERVER = 5, 6
CHANNEL, THREAD, QUIET = 1, 2, 3


@pytest.mark.parametrize(
    ("channel_id", "parent_id", "guild_id", "age"),
    [
        (1, 2, 5, 10),
        (9, 2, 5, 20),
        (9, 1, 5, 10),
        (9, None, 5, None),
        (9, 8, 5, None),
        (9, 8, 6, 30),
        (9, None, None, 40),
        (None, None, 6, 30),
    ],
)
def test_what_is_nearest_holds(channel_id: int | None, parent_id: int | None, guild_id: int | None, age: int) -> None:
    """The channel, the parent, the server, everywhere; "forever" is an age, too."""
    ages = Ages(40, {5: None, 6: 30}, {1: 10, 2: 20})

    assert ages.of(channel_id=channel_id, parent_id=parent_id, guild_id=guild_id) == age
    assert ages.least == 10


@dataclass
class World:
    """A log whose clock a test sets, and what Discord tells of channels."""

    folder: Path
    now: int = DAY
    around: dict[int, Surroundings] = field(default_factory=dict)
    log: EventLog = field(init=False)

    def retention(self, ages: Ages) -> Retention:
        """Return what erases, connected."""
        connected = asyncio.Event()
        connected.set()
        record = Conversations(self.log).record
        place = self.around.get
        return Retention(ages, self.log, record, lambda key: place(key) or Surroundings(), connected, lambda: self.now)

    async def says(self, channel_id: int, message_id: int, guild_id: int | None = SERVER) -> None:
        """Have somebody say something, a day after what was said before."""
        self.now += DAY
        event = e.MessageReceived(message_id=message_id, author_id=7, sent_at=1, guild_id=guild_id)
        await self.log.append(stream_of(channel_id), [e.Draft(event, e.Body(parts=("words",)), 7)])

    async def left(self) -> list[int]:
        """Return the messages whose words are left; hold the log to verify."""
        progress = [page async for page in verify(self.log.reader)]
        assert [finding for page in progress for finding in page.findings] == []
        rows = await self.log.reader.connection.run(
            lambda raw: raw.execute("SELECT message_id FROM bodies ORDER BY position").fetchall()
        )
        return [message_id for (message_id,) in rows]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return an empty log."""
    world = World(tmp_path)
    world.log = await open_log(Location(tmp_path / "log"), clock=lambda: world.now, full=False)
    yield world
    await world.log.close()


async def test_what_is_old_goes_once(world: World) -> None:
    """By channel, parent and server; with a receipt for each stream, and no second one."""
    world.around = {THREAD: Surroundings(CHANNEL, SERVER)}
    for number, channel_id in enumerate((CHANNEL, THREAD, QUIET, CHANNEL, THREAD, QUIET), 11):
        await world.says(channel_id, number, OTHER_SERVER if channel_id == QUIET else SERVER)
    used = e.Draft(e.CommandUsed(user_id=7, channel_id=1, command="state", outcome="done"), e.Body(parts=("x",)), 7)
    await world.log.append(guild_stream(SERVER), [used])
    world.now += DAY
    retention = world.retention(Ages(None, {SERVER: DAY // 2, OTHER_SERVER: DAY * 3 // 2}, {CHANNEL: DAY * 7 // 2}))

    first, left = await retention.enforce(), await world.left()
    again = await retention.enforce()

    assert (first, left, again) == (4, [14, 15, 16], 0)
    receipts = [row async for row in world.log.reader.events(_RECEIPTS)]
    assert sorted(row.stream for row in receipts) == ["channel:1", "channel:2", "channel:3", "guild:5"]
    assert {row.event.reason for row in receipts if isinstance(row.event, e.WordsErased)} == {e.ErasureReason.RETENTION}
    assert retention.status is not None
    assert (retention.status.at, retention.status.erased, retention.status.trouble) == (world.now, 4, "")


async def test_a_thread_that_discord_does_not_show_any_more_keeps_its_parents_age(world: World) -> None:
    """A process that starts later knows it from the log."""
    await world.says(THREAD, 11)
    ages = Ages(None, {SERVER: DAY}, {CHANNEL: None})
    world.around = {THREAD: Surroundings(CHANNEL, SERVER)}
    await world.retention(ages).enforce()
    world.around, world.now = {}, world.now + 9 * DAY

    assert await world.retention(ages).enforce() == 0
    assert await world.retention(Ages(None, {SERVER: DAY}, {QUIET: None})).enforce() == 1


async def test_a_persona_stays_and_so_does_what_an_open_reply_needs(world: World) -> None:
    """Until the reply is finished."""
    await world.says(QUIET, 11)
    await world.log.append(stream_of(QUIET), [e.Draft(e.PersonaSet(by="7"), e.Body(parts=("a pirate",)), 7)])
    await world.says(CHANNEL, 12)
    asked = e.ReplyRequested(message_id=12, author_id=7, responder="rules", call=e.Call.RULE)
    await world.log.append(stream_of(CHANNEL), [e.Draft(asked)])
    world.now += DAY
    retention = world.retention(Ages(1, {}, {}))

    erased, left = await retention.enforce(), await world.left()
    given_up = e.ReplyAbandoned(message_id=12, reason=e.AbandonReason.FORBIDDEN)
    await world.log.append(stream_of(CHANNEL), [e.Draft(given_up)])
    await world.log.finish(stream_of(CHANNEL), await world.log.reader.head(stream_of(CHANNEL)))
    world.now += DAY

    assert (erased, left) == (1, [None, 12])
    assert await retention.enforce() == 1
    assert await world.left() == [None]


async def test_without_a_setting_nothing_goes(world: World) -> None:
    """And nothing runs."""
    await world.says(CHANNEL, 11)
    retention = world.retention(Ages(None, {SERVER: None}, {}))

    async with retention.running():
        assert "retention" not in {task.get_name() for task in asyncio.all_tasks()}
    assert retention.status is None


@pytest.mark.parametrize("error", [LogUnwritable("The log can't grow: the disk is full."), KeyError("words")])
async def test_a_failure_is_told_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Until it is over, and without words that an error of somebody else's may hold."""

    async def failing(*_: object, **__: object) -> None:
        raise error

    await world.says(CHANNEL, 11)
    world.now += DAY
    retention = world.retention(Ages(1, {}, {}))
    with monkeypatch.context() as patched:
        patched.setattr("bot.app.retention.erase", failing)
        async with retention.running(every=1000):
            await eventually(lambda: retention.trouble)
            assert "words" not in retention.trouble
            patched.undo()
            await eventually(lambda: retention.erased)

    assert retention.trouble == ""


async def test_the_running_bot_erases_and_says_so(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """The question and the answer, once it is given; the state goes on."""
    bot = await launch()
    channel = sandbox.services.general.id
    await control.post("ask me")
    await bot.judge.expect(e.ReplySent)
    await bot.judge.settled(channel)
    await bot.stop()

    bot = await launch(retention={"channels": {str(channel): "1ms"}})
    await bot.judge.expect(e.WordsErased, 1)
    await eventually(lambda: bot.bot.retention.done_at)
    await control.post("ask more")
    await bot.judge.expect(e.ReplySent, 2)
    report = await bot.moderation.status()

    events = await bot.judge.all(stream_of(channel))
    assert len(await bot.judge.reader.bodies(each.position for each in events)) == 2
    assert report.data["bot"]["retention"]["erased"] == 2
    assert "old words erased" in "\n".join(report.lines)
    assert bot.bot.health().retention == ""
    assert [each.version for each in events] == list(range(1, len(events) + 1))
