"""What the index of words takes: filling, memory, a search, an erasure, and how long the loop waits beside them.

``python -m benchmarks.search [MESSAGES] [SEARCHES]``: makes a log of so many messages in a scratch folder. Measured are
filling the index (beside reading the same log with its words, and nothing else), the memory of a message, searches of
words of the chat, from the most common to those that are said once, and the first page of them without an index.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.compare.chat import RECORDING, Chat, chat_at
from bot.consumers import fulltext
from bot.consumers.consumers import Consumers
from bot.consumers.scan import Scan
from bot.consumers.search import Search, SearchSettings
from bot.core.events import Body, Draft, ErasureReason, MessageReceived
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.pages import read_page
from bot.interpreter import settle
from bot.moderation.search import report_of
from bot.moderation.sought import Index, Sought
from bot.times import DAY

PAIRS = 5
CHUNK = 2000
CHANNELS = 20
PAGE = 10
A_LOOK = 0.001
AT = 1_700_000_000_000_000
TYPES = [kind.TYPE for kind in fulltext.TYPES]


def clock() -> int:
    """Return a moment at which all messages are young, in microseconds."""
    return AT + DAY


async def fill(log: EventLog, chat: Chat, messages: int) -> None:
    """Append messages to some channels."""
    for first in range(0, messages, CHUNK):
        await asyncio.gather(*(_said(log, number, *chat.received(number)) for number in range(first, first + CHUNK)))


async def _said(log: EventLog, number: int, event: MessageReceived, body: Body) -> None:
    young = event.model_copy(update={"sent_at": AT})
    await log.append(f"channel:{number % CHANNELS}", [Draft(young, body, event.author_id)])


async def read(log: EventLog) -> float:
    """Return the processor's seconds of reading all with words, page by page, as a consumer does."""
    began, after, head = time.process_time(), 0, await log.aside.newest()
    while after < head:
        page = await log.aside.connection.run(partial(read_page, after, TYPES, 500, log.aside.vault))
        after = page.upto
    return time.process_time() - began


@asynccontextmanager
async def indexed(log: EventLog) -> AsyncIterator[tuple[Search, Consumers]]:
    """Run the consumer; it has seen everything within the context."""
    search = Search(SearchSettings(days=3650, megabytes=100_000), clock)
    search.name = "search"
    consumers = Consumers([search], clock)
    async with consumers.of(log):
        while consumers.lag("search"):
            await asyncio.sleep(0.005)
        yield search, consumers


class Waiting:
    """Measures how late the loop is, a thousand times a second."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(A_LOOK)
            self.longest = max(self.longest, time.perf_counter() - began - A_LOOK)


def words_of(chat: Chat, count: int) -> list[str]:
    """Return words of the chat, the common as often as the rare, and some of two words."""
    said = Counter(word for line in chat.lines for word in line.content.lower().split() if word.isalpha())
    ranked = [word for word, _ in said.most_common()]
    chance = random.Random(1)  # noqa: S311 - repeatable
    chosen = [ranked[int(len(ranked) ** chance.random()) - 1] for _ in range(count)]
    return [f"{word} {chance.choice(ranked[:50])}" if number % 4 == 0 else word for number, word in enumerate(chosen)]


async def timed(log: EventLog, index: Callable[[], Index], words: Sequence[str]) -> list[float]:
    """Return the seconds of each search for a first page, from the shortest to the longest."""
    taken: list[float] = []
    for each in words:
        began = time.perf_counter()
        await report_of(log.aside, index(), Sought(each), PAGE, {})
        taken.append(time.perf_counter() - began)
    return sorted(taken)


def at(taken: Sequence[float], part: float) -> float:
    """Return milliseconds."""
    return round(1000 * taken[min(len(taken) - 1, int(len(taken) * part))], 2)


def memory() -> int:
    """Return the memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def measure(folder: Path, messages: int, searches: int) -> dict[str, object]:
    """Return the figures."""
    settle()
    chat = chat_at(RECORDING)
    log = await open_log(Location(folder), clock=lambda: AT, full=False)
    await fill(log, chat, messages)
    await read(log)
    before, pairs, rates = memory(), [], []
    waiting = Waiting()
    watching = asyncio.create_task(waiting.watch())
    reading: list[float] = []
    filling: list[float] = []
    grown = 0
    for _ in range(PAIRS):
        waiting.longest = 0.0
        plain = await read(log)
        reading.append(waiting.longest)
        waiting.longest, began, used = 0.0, time.perf_counter(), time.process_time()
        async with indexed(log):
            rates.append(messages / (time.perf_counter() - began))
            pairs.append((plain, time.process_time() - used))
            filling.append(waiting.longest)
            grown = grown or memory() - before
    words = words_of(chat, searches)
    async with indexed(log) as (search, consumers):
        size = await search.looked(fulltext.size)
        waiting.longest = 0.0
        found = await timed(log, lambda: search, words)
        searching = waiting.longest
        scanned = await timed(log, lambda: Scan(log.aside, 0, lambda _done, _total: None), words[:20])
        author = chat.ids[chat.lines[0].author]
        began = time.perf_counter()
        erased = await erase(log, Wanted(person_id=author), ErasureReason.PERSON)
        taken = time.perf_counter()
        while consumers.lag("search"):
            await asyncio.sleep(0.001)
        gone = time.perf_counter() - taken
    watching.cancel()
    await log.close()
    return {
        "messages": messages,
        "real_chat": chat.real,
        "filled_a_second": round(statistics.median(rates)),
        "processor_beside_reading": round(statistics.median(index / plain for plain, index in pairs), 2),
        "bytes_a_message": round(size / messages),
        "process_bytes_a_message": round(grown / messages),
        "search_ms": {name: at(found, part) for name, part in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0))},
        "without_index_ms": {name: at(scanned, part) for name, part in (("p50", 0.5), ("longest", 1.0))},
        "loop_waited_ms": {
            "reading": round(1000 * statistics.median(reading), 1),
            "filling": round(1000 * statistics.median(filling), 1),
            "searching": round(1000 * searching, 1),
        },
        "erased": {
            "events": erased.events,
            "log_ms": round(1000 * (taken - began)),
            "index_ms": round(1000 * gone),
        },
    }


def main() -> None:
    """Measure, and print one JSON object."""
    messages, searches = (int(each) for each in (*sys.argv[1:], "100000", "1000")[:2])
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(asyncio.run(measure(Path(scratch) / "log", messages, searches))))  # noqa: T201 - the figures


if __name__ == "__main__":
    main()
