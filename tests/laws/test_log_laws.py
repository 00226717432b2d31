"""What holds for every course of events on a real log: redelivered, decided on an old state, with crashes between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.decider import decide
from bot.core.fold import fold
from bot.errors import VersionConflict
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.verify import verify
from tests.laws.strategies import COMMANDS, EVENTS

Keyed: TypeAlias = c.Receive | c.Edit | c.Delete | c.Compose | c.Confirm | c.NoteForeign


@dataclass(slots=True)
class Laboratory:
    """A real log, and what runs its coroutines; each example has a stream of its own in it."""

    runner: asyncio.Runner
    log: EventLog
    examples: int = 0

    def stream(self) -> str:
        """Return a stream that nobody has used."""
        self.examples += 1
        return f"channel:{self.examples}"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Return a laboratory with an empty log."""
    now = iter(range(1, 10**9))
    with asyncio.Runner() as runner:
        location = Location(tmp_path_factory.mktemp("laws") / "log")
        log = runner.run(open_log(location, clock=lambda: next(now), full=False))
        yield Laboratory(runner, log)
        runner.run(log.close())


async def history(log: EventLog, stream: str) -> list[e.Recorded]:
    """Read a stream."""
    return [recorded async for page in log.reader.tail(stream) for recorded in page]


async def check(log: EventLog, stream: str, kept: Sequence[e.Recorded]) -> None:
    """Hold a stream to what was acknowledged, every version's state to the fold, and the chain to verify."""
    assert await history(log, stream) == list(kept)
    assert [one.version for one in kept] == list(range(1, len(kept) + 1))
    for version in range(len(kept) + 1):
        assert (await log.reader.load(stream, upto=version)).state == fold(kept[:version])
    if kept:
        progress = [progress async for progress in verify(log.reader, stream)]
        assert [finding for one in progress for finding in one.findings] == []
        assert sum(one.events for one in progress) == len(kept)


def has_own_keys(unit: Sequence[e.Event]) -> bool:
    """Tell whether no two events of a unit are the same fact."""
    keys = [key for event in unit if (key := event.key()) is not None]
    return len(keys) == len(set(keys))


UNITS = st.lists(st.lists(EVENTS, max_size=3).filter(has_own_keys), max_size=15)


@settings(max_examples=40)
@given(units=UNITS, chance=st.randoms())
@example(units=[], chance=Random(1))
def test_a_state_from_the_log_is_the_fold_at_every_version(
    laboratory: Laboratory, units: list[list[e.Event]], chance: Random
) -> None:
    """With snapshots at any of them, in a real file."""
    log, stream = laboratory.log, laboratory.stream()

    async def run() -> None:
        kept: list[e.Recorded] = []
        for unit in units:
            kept += (await log.append(stream, [e.Draft(event) for event in unit])).new
            if chance.random() < 0.3:
                await log.save_snapshot(stream, fold(kept))
        await check(log, stream, kept)

    laboratory.runner.run(run())


@dataclass(slots=True)
class Process:
    """A process that decides on the state it has, which may be old, and on a new one when the log refuses it."""

    log: EventLog
    stream: str
    state: Conversation = field(default_factory=Conversation)

    async def deliver(self, command: c.Command) -> tuple[e.Recorded, ...]:
        """Decide and append a command as one unit; return what is new."""
        while True:
            drafts = decide(self.state, command)
            try:
                appended = await self.log.append(self.stream, drafts, expected_version=self.state.version)
            except VersionConflict:
                await self.restart()
                continue
            self.state = fold(appended.new, self.state)
            return appended.new

    async def restart(self) -> None:
        """Forget the state and load it from the log."""
        self.state = (await self.log.reader.load(self.stream)).state


def hold(kept: Sequence[e.Recorded]) -> None:
    """Hold a history to G1 and G2 as far as the log can see them, after every event."""
    facts = Counter(
        (
            one.event.TYPE,
            one.event.message_id,
            (one.event.generation, one.event.part) if isinstance(one.event, e.ReplySent) else (0, 0),
        )
        for one in kept
        if isinstance(one.event, e.MessageReceived | e.ReplyRequested | e.ReplySent)
    )
    assert [fact for fact, times in facts.items() if times > 1] == []
    for version in range(len(kept) + 1):
        waiting = [entry.message_id for entry in fold(kept[:version]).outbox]
        assert len(waiting) == len(set(waiting))


MOMENTS = st.lists(
    st.tuples(COMMANDS, st.integers(0, 1), st.sampled_from(["go on", "go on", "restart", "snapshot", "deliver again"])),
    max_size=25,
)


@settings(max_examples=60)
@given(moments=MOMENTS, chance=st.randoms())
def test_any_interleaving_keeps_the_log_whole_and_records_each_fact_once(
    laboratory: Laboratory, moments: list[tuple[c.Command, int, str]], chance: Random
) -> None:
    """Two processes that don't know of each other take turns; in the end everything is delivered once more."""
    log, stream = laboratory.log, laboratory.stream()
    processes = (Process(log, stream), Process(log, stream))

    async def run() -> None:
        kept: list[e.Recorded] = []
        known: list[Keyed] = []
        for command, which, then in moments:
            process = processes[which]
            kept += (new := await process.deliver(command))
            if new and isinstance(command, Keyed):
                known.append(command)
            if then == "restart":
                await process.restart()
            elif then == "snapshot":
                await log.save_snapshot(stream, process.state)
            elif then == "deliver again" and known:
                assert await processes[1 - which].deliver(chance.choice(known)) == ()
        hold(kept)
        chance.shuffle(known)
        for command in known:
            for process in processes:
                assert await process.deliver(command) == ()
        await check(log, stream, kept)

    laboratory.runner.run(run())


@settings(max_examples=30)
@given(commands=st.lists(COMMANDS, max_size=25))
def test_commands_that_come_at_once_are_recorded_one_after_the_other(
    laboratory: Laboratory, commands: list[c.Command]
) -> None:
    """Each decided by a process of its own, on the empty state; all but one have to decide anew, again and again."""
    log, stream = laboratory.log, laboratory.stream()

    async def run() -> None:
        delivered = await asyncio.gather(*(Process(log, stream).deliver(command) for command in commands))
        kept = sorted((one for new in delivered for one in new), key=lambda one: one.version)
        hold(kept)
        await check(log, stream, kept)

    laboratory.runner.run(run())
