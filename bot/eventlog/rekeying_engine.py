"""New keys for a log that an engine keeps: wrapped under another master key, words sealed anew.

Keys are in claims, so a claim tells other folders of new ones. Each of the two takes the log as its owner, and may be
killed at any moment: begun again, here or on another machine, it goes on or starts over.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial

from bot.backoff import backoff
from bot.errors import LogUnwritable
from bot.eventlog import database, keys
from bot.eventlog.key_file import make_key
from bot.eventlog.keys import NONCE_BYTES
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.master import find_master, take_next_key
from bot.eventlog.rekeying import OnProgress, has_older_seals
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.appending import LONGEST_PAUSE, TRIES, Remote
from bot.eventlog.remote.following import away
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import NOTHING, Entry, Unsure
from bot.eventlog.remote.record import pack_words, unpack_words
from bot.eventlog.vault import Entropy, Vault

PAGE = 100
"""Records whose words go into the view in one transaction, once they are in the engine."""

_OF_RECORD = """
SELECT e.position - r.first, e.position, s.name, e.sealed FROM records r JOIN events e ON e.position >= r.first
AND e.position < coalesce((SELECT min(n.first) FROM records n WHERE n.first > r.first), 9223372036854775807)
JOIN streams s ON s.id = e.stream_id WHERE r.seq = ? AND e.sealed IS NOT NULL
"""


async def rotate(location: Location, engine: Engine, *, clock: Callable[[], int]) -> None:
    """Give a log another master key, as :func:`bot.eventlog.rekeying.rotate` does, and tell the other folders.

    They need the new key from then on. Raises LogError as opening the log does.
    """
    async with _opened(location, engine, clock) as log:
        known = await log.remote.run(partial(keys.read, master=find_master(location)))
        location.next_key_path.unlink(missing_ok=True)
        new = make_key(location.next_key_path)
        database.sync_folder(location.next_key_path.parent)
        await log.remote.claim_again(partial(keys.save, keys=known, master=new, now=clock()))
        if location.key is None:
            take_next_key(location)


async def renew(
    location: Location,
    engine: Engine,
    *,
    clock: Callable[[], int],
    progress: OnProgress = lambda _done, _total: None,
) -> int:
    """Seal all words under a new log key, in the engine and here, and forget the keys that nothing needs any more.

    Other folders take the words over when they next follow. Returns how many events' words were sealed anew.
    """
    async with _opened(location, engine, clock) as log:
        master = find_master(location)
        known = await log.remote.run(partial(keys.read, master=master))
        if not await log.remote.run(partial(has_older_seals, vault=Vault(known))):
            known = known.with_new()
            await log.remote.claim_again(partial(keys.save, keys=known, master=master, now=clock()))
        count = await _Renewal(log.remote, Vault(known), progress).run()
        await log.remote.claim_again(partial(_end, known.with_needed(), master, clock()))
        return count


@asynccontextmanager
async def _opened(location: Location, engine: Engine, clock: Callable[[], int]) -> AsyncIterator[EventLog]:
    log = await open_log(location, clock=clock, full=False, engine=engine)
    try:
        yield log
    finally:
        await log.close()


def _end(needed: keys.LogKeys, master: bytes, now: int, connection: sqlite3.Connection) -> None:
    keys.save(connection, needed, master, now)
    claiming.note_resealed(connection, needed.newest)


class _Renewal:
    """Seals the words of each record anew, in the engine first: what is there already is taken over."""

    def __init__(self, remote: Remote, vault: Vault, progress: OnProgress) -> None:
        self._remote = remote
        self._vault = vault
        self._progress = progress
        self._entropy = Entropy()
        self._fresh: list[tuple[bytes, int]] = []
        self._count = 0

    async def run(self) -> int:
        """Return how many events' words were sealed anew."""
        total = self._remote.follower.mark.position
        async with aclosing(self._remote.partition.read(0, NOTHING, "")) as entries:
            async for entry in entries:
                await self._record(entry)
                if entry.seq % PAGE == 0:
                    await self._store(total)
        await self._store(total)
        return self._count

    async def _record(self, entry: Entry) -> None:
        tries, before = 0, entry.words
        while before is not None:
            try:
                fresh = await self._remote.run(partial(self._sealed, entry.seq, before))
                words = unpack_words(entry.seq, before)
                kept = {at: (*words[at][:2], sealed) for at, (sealed, _) in fresh.items() if at in words}
                after = pack_words(kept)
                if after == before or await self._remote.partition.rewrite(entry.seq, entry.place, before, after):
                    self._fresh += fresh.values()
                    return
                before = await self._remote.partition.words(entry.seq, entry.place)
            except Unsure as error:
                tries += 1
                if tries == TRIES:
                    raise LogUnwritable(f"{away(self._remote.partition, error)} {_GO_ON}") from error
                await asyncio.sleep(backoff(tries, LONGEST_PAUSE))

    def _sealed(self, seq: int, words: bytes, connection: sqlite3.Connection) -> dict[int, tuple[bytes, int]]:
        """Return a record's seals under the newest key, and their positions, by where they stand in it."""
        there = unpack_words(seq, words)
        fresh: dict[int, tuple[bytes, int]] = {}
        for at, position, stream, sealed in connection.execute(_OF_RECORD, (seq,)):
            held = there[at][2] if at in there else sealed
            if not self._vault.is_newest(held):
                body = self._vault.open(stream, position, held)
                held = self._vault.seal(stream, position, body, self._entropy.draw(NONCE_BYTES))
                self._count += 1
            fresh[at] = (held, position)
        return fresh

    async def _store(self, total: int) -> None:
        page, self._fresh = self._fresh, []
        await self._remote.run(partial(view.take_seals, seals=page))
        if page:
            self._progress(page[-1][1], total)


_GO_ON = "Nothing is lost: begin again, and it goes on."
