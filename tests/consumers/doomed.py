"""Consumers that die by SIGKILL at their n-th step, for every n; then a second life ends what the first began.

``python -m tests.consumers.doomed FOLDER table|files|rebuilt|webhook|kafka [EVERY]``: at each step, or every so many. A
step is a statement of a consumer's own database, a change of a file, a connection, or the beginning or end of something
that a producer does in Kafka: each death comes just before one, so also just after the one before. Each life is a fork
of this process, which has everything imported. Prints how often it died, and what a second life left wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from bot.consumers import Consumer, store
from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.follower import Patience
from bot.consumers.jsonl import Jsonl
from bot.consumers.kafka.settings import Place
from bot.core.events import Draft, GatewayLost
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.kafka_access import options_of
from tests.consumers.brokering import available, broker, committed
from tests.consumers.following import Table, caught_up, filled
from tests.consumers.receiving import Receiver, receiving

EVENTS = 5
BAD = 4
"""The position of an event that can't be handled."""
_TUNED = store._tuned
_REQUESTS = frozenset(("InitProducerIdRequest", "AddPartitionsToTxnRequest", "ProduceRequest", "EndTxnRequest"))
_OUTSIDE = frozenset(("os.rename", "os.remove", "os.truncate", "socket.connect"))


class Doom:
    """Kills this process at a step of the consumers' files (0: never)."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.steps = 0

    def watch(self, connection: sqlite3.Connection) -> None:
        """Count the statements of a consumer's own database."""
        connection.set_trace_callback(self.count)
        _TUNED(connection)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count an audit event of Python's (docs: "Audit events table")."""
        if event in _OUTSIDE or (event == "open" and str(arguments[0]).endswith(".jsonl")):
            self.count("")

    def watch_kafka(self) -> None:
        """Count what a producer does, and its requests that change something: before each, and after it."""
        producer, client = import_module("aiokafka").AIOKafkaProducer, import_module("aiokafka.client").AIOKafkaClient
        for kind, name in ((producer, "begin_transaction"), (producer, "send"), (producer, "commit_transaction")):
            setattr(kind, name, self._counted(getattr(kind, name)))
        client.send = self._counted(client.send, _REQUESTS)

    def _counted(self, work: Callable[..., Awaitable[object]], only: Collection[str] = ()) -> Callable[..., object]:
        async def counted(*given: object, **named: object) -> object:
            counts = not only or type(given[-1]).__name__.partition("_")[0] in only
            if counts:
                self.count("")
            found = await work(*given, **named)
            if counts:
                self.count("")
            return found

        return counted

    def count(self, _statement: str) -> None:
        """Count a step; die at the one that is this life's last."""
        self.steps += 1
        if self.steps == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


class Life(NamedTuple):
    """A life of a consumer over the log in ``folder``.

    ``run`` and ``number`` tell what it writes at ``address`` from what others do.
    """

    scenario: str
    folder: Path
    address: str
    number: int = 0
    run: str = ""

    @property
    def received(self) -> Path:
        """Return the file with what a receiver was sent in lives of this number."""
        return self.folder.parent / f"received-{self.number}"

    @property
    def topic(self) -> str:
        """Return the topic of lives of this number."""
        return f"events-{self.run}-{self.number}"

    def consumer(self) -> Consumer:
        """Return the consumer."""
        made = self._made()
        made.batch_size = 3
        return made

    def _made(self) -> Consumer:
        if self.scenario == "files":
            files = Jsonl(self.folder / "files")
            files.name = "jsonl"
            return files
        if self.scenario == "kafka":
            topic = import_module("bot.consumers.kafka.topic")
            made: Consumer = topic.KafkaTopic(Place(options_of(self.address), self.topic, 2))
            return made
        if self.scenario == "webhook":
            receiver = Receiver()
            receiver.port = int(self.address)
            return receiver.webhook(self.received.name)
        table = Table()
        table.fails = {BAD: ValueError()}
        if self.scenario == "rebuilt":
            table.version = 2
        return table

    async def live(self) -> None:
        """Open the log and have the consumer see all of it."""
        log = await open_log(Location(self.folder), clock=iter(range(10**9, 2 * 10**9)).__next__, full=False)
        consumers = Consumers([self.consumer()], lambda: 1, Patience(2, 0.0))
        async with consumers.of(log):
            await caught_up(consumers)
        await log.close()

    def outcome(self) -> object:
        """Return what is there after all."""
        if self.scenario == "files":
            lines = (line for path in self.folder.glob("files/*") for line in path.read_text().splitlines())
            return [json.loads(line)["position"] for line in lines]
        if self.scenario == "kafka":
            return asyncio.run(self._in_kafka()), self._parked("kafka")
        if self.scenario == "webhook":
            # A repeat is the same line with the same key.
            return list(dict.fromkeys(self.received.read_text().splitlines()))
        within = self.folder / FOLDER
        with closing(sqlite3.connect(within / "table.db")) as raw:
            rows = raw.execute("SELECT number, position, key FROM seen ORDER BY number").fetchall()
        return rows, self._parked("table"), sorted(path.name for path in within.iterdir())

    def _parked(self, name: str) -> list[tuple[int]]:
        with closing(sqlite3.connect(self.folder / FOLDER / f"{name}.db")) as raw:
            return raw.execute("SELECT position FROM echoless_parked").fetchall()

    async def _in_kafka(self) -> dict[str, list[int]]:
        """Return the positions of each channel's events, in the order in which they are read."""
        found: dict[str, list[int]] = {}
        for record in await committed(self.address, self.topic):
            found.setdefault(record.key.decode(), []).append(json.loads(record.value)["position"])
        return found


@contextmanager
def serving(scenario: str, folder: Path) -> Iterator[str]:
    """Run what a scenario's consumer writes to; yield its address."""
    if scenario == "kafka":
        import_module("bot.consumers.kafka.topic")  # once, and not in each life
        with broker(folder / "broker") as address:
            yield address
        return
    if scenario != "webhook":
        yield ""
        return
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        asyncio.run(_receive(folder, writing))
    try:
        yield os.read(reading, 10).decode()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


async def _receive(folder: Path, port: int) -> None:
    """Add each event that is posted to the file of the request's name, and then say that it was taken."""
    async with receiving() as receiver:

        async def noted(request: web.Request, lines: list[dict[str, Any]]) -> web.Response:
            receiver.answers.append(noted)
            with (folder / request.path.strip("/")).open("a") as file:
                file.writelines(f"{json.dumps(line)}\n" for line in lines)
            return web.Response(status=204)

        receiver.answers.append(noted)
        os.write(port, str(receiver.port).encode())
        await asyncio.Event().wait()


def forked(doom: Doom, work: Callable[[], object]) -> int:
    """Run ``work`` in a process of its own; return the status that it ended with."""
    child = os.fork()
    if not child:
        sys.addaudithook(doom.hear)
        store._tuned = doom.watch  # type: ignore[assignment]  # the seam of this test
        if available():
            doom.watch_kafka()
        try:
            work()
        except BaseException:  # noqa: BLE001 - the parent reports it
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main() -> None:
    """Die at every step, and print what came of it."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with serving(scenario, folder) as address:
        die(Life(scenario, folder / "life", address, run=uuid.uuid4().hex), folder / "start", every)


def lived(life: Life) -> None:
    """Live a life to its end."""
    asyncio.run(life.live())


def die(first: Life, start: Path, every: int) -> None:
    """Die at every so many steps, each time of a copy of the same log."""
    forked(Doom(0), lambda: asyncio.run(begin(first._replace(folder=start))))
    shutil.copytree(start, first.folder)
    assert not forked(Doom(0), partial(lived, first))
    expected, wrong, died = first.outcome(), [], 0
    for step in count(1, every):
        shutil.rmtree(first.folder)
        shutil.copytree(start, first.folder)
        life = first._replace(number=step)
        ended = forked(Doom(step), partial(lived, life))
        if ended != signal.SIGKILL:
            break
        died += 1
        if forked(Doom(0), partial(lived, life)) or life.outcome() != expected:
            wrong.append([step, str(life.outcome())])
    print(json.dumps({"died": died, "wrong": wrong, "expected": expected}))  # noqa: T201 - for who began it


async def begin(life: Life) -> None:
    """Make a log; where a consumer is to be rebuilt, one that was made by another version of it."""
    log = await open_log(Location(life.folder), clock=iter(range(10**9)).__next__, full=False)
    if life.scenario == "kafka":
        await filled(log, BAD - 1)
        await log.append("guild:0", [Draft(GatewayLost(reason="more than a record holds " * 50_000))])
    await filled(log, EVENTS - BAD if life.scenario == "kafka" else EVENTS)
    await log.close()
    if life.scenario == "rebuilt":
        await life._replace(scenario="table").live()


if __name__ == "__main__":
    main()
