"""How fast events go out of the process: into a topic of Kafka's, and as webhooks.

``python -m benchmarks.sinks [EVENTS]``: makes a log of so many events in a scratch folder, then has the consumers kafka
and webhook catch up, one after the other. The broker is the one of the tests (``ECHOLESS_TEST_KAFKA`` names another),
the receiver a process that answers 204 to everything. Prints events a second, and the user seconds of this process.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from benchmarks.consumers import clock, fill
from bot.consumers import Consumer
from bot.consumers.consumers import Consumers
from bot.consumers.kafka.settings import Place
from bot.consumers.kafka.topic import KafkaTopic
from bot.consumers.webhook import Webhook, WebhookSettings
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.interpreter import settle
from bot.kafka_access import options_of
from tests.consumers.brokering import broker


def receive(port: Connection) -> None:
    """Answer 204 to everything, until killed."""

    async def taken(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    async def serve() -> None:
        application = web.Application(client_max_size=2**26)
        application.add_routes([web.post("/", taken)])
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())


async def caught_up(log: EventLog, consumer: Consumer, events: int) -> dict[str, float]:
    """Return how fast a consumer has seen all of the log."""
    consumers = Consumers([consumer], clock)
    began, busy = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
    async with consumers.of(log):
        while consumers.lag(consumer.name):
            await asyncio.sleep(0.01)
        took = time.perf_counter() - began
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - busy
    return {"events a second": round(events / took), "user seconds": round(spent, 2)}


async def measure(folder: Path, events: int, address: str, port: int) -> None:
    """Fill a log, and print how fast each consumer catches up."""
    settle()
    log = await open_log(Location(folder / "log"), clock=clock, full=False)
    await fill(log, events)
    hook = WebhookSettings.model_validate({"url": f"http://127.0.0.1:{port}/", "batch": 500})
    found = {
        "kafka": await caught_up(log, KafkaTopic(Place(options_of(address), f"events-{clock()}")), events),
        "webhook": await caught_up(log, Webhook(hook, b"k" * 32, {}), events),
    }
    print(json.dumps({"events": events, **found}))  # noqa: T201 - for who began it
    await log.close()


def main() -> None:
    """Measure in a scratch folder."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    here, there = multiprocessing.Pipe()
    receiver = multiprocessing.Process(target=receive, args=(there,), daemon=True)
    receiver.start()
    with tempfile.TemporaryDirectory() as scratch, broker(Path(scratch) / "broker") as address:
        asyncio.run(measure(Path(scratch), events, address, here.recv()))
    receiver.kill()


if __name__ == "__main__":
    main()
