"""The log in PostgreSQL: a table of records, one row each.

The only module that speaks to the driver, asyncpg. PostgreSQL itself refuses a second record at a number, and a record
whose predecessor is missing, as it can be after a failover to a copy that lagged behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import asyncpg

from bot.engines.postgresql_rights import LOOK, faults_of
from bot.errors import LogUnwritable
from bot.eventlog.remote.port import Entry, Fenced, Torn, Unsure, digest_of

TIMEOUT = 5.0
"""Seconds for one statement, and for connecting."""
PAGE_BYTES = 1_000_000
"""Bytes of records that are read at a time, about."""

_MAKE = """
SELECT pg_advisory_xact_lock(7163482);
CREATE TABLE IF NOT EXISTS echoless_log (
    part integer, seq bigint, facts bytea NOT NULL, words bytea, PRIMARY KEY (part, seq)
);
CREATE TABLE IF NOT EXISTS echoless_owner (part integer PRIMARY KEY, beat bytea NOT NULL);
ALTER TABLE echoless_log ALTER facts SET STORAGE EXTERNAL, ALTER words SET STORAGE EXTERNAL;
"""
"""Makes the tables, in one transaction. What is compressed or sealed already is not compressed again."""
_THERE = "SELECT to_regclass('echoless_log') IS NOT NULL AND to_regclass('echoless_owner') IS NOT NULL"
_APPEND = """
INSERT INTO echoless_log (part, seq, facts, words) SELECT $1::integer, $2::bigint, $3, $4
WHERE $2 = 1 OR EXISTS (SELECT FROM echoless_log WHERE part = $1 AND seq = $2 - 1)
ON CONFLICT (part, seq) DO NOTHING RETURNING 1
"""
_ONE = "SELECT facts, words FROM echoless_log WHERE part = $1 AND seq = $2"
_REWRITE = "UPDATE echoless_log SET words = $4 WHERE part = $1 AND seq = $2 AND words = $3 RETURNING 1"
_READ = "SELECT seq, facts, words FROM echoless_log WHERE part = $1 AND seq >= $2 ORDER BY seq LIMIT $3"
_BEAT = "INSERT INTO echoless_owner VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET beat = excluded.beat"
_BEATS = "SELECT beat FROM echoless_owner WHERE part = $1"
_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError)


class PostgresqlPartition:
    """A partition in the database at ``dsn``, a URI as PostgreSQL's own programs take it."""

    name = "PostgreSQL"
    limit = 2_000_000

    def __init__(self, dsn: str, part: int = 0) -> None:
        self._part = part
        # Signs of life do not wait for appends, nor appends for what is read.
        self._appending, self._aside = _Link(dsn), _Link(dsn)

    async def open(self) -> None:
        """Connect, and make the tables; raise LogUnwritable where that can't be done."""
        try:
            await self._appending.ask(_THERE)
        except Unsure as error:
            raise LogUnwritable(
                f"The log's PostgreSQL can't be used ({error}): check that it runs, its address, and that the user may "
                "create tables or use those that are there."
            ) from error

    async def faults(self) -> list[str]:
        """Return what is not as it should be."""
        return faults_of((await self._aside.ask(LOOK, makes=False))[0])

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Keep a record; see :class:`bot.eventlog.remote.port.Partition`, as for the other methods."""
        if await self._appending.ask(_APPEND, self._part, seq, facts, words):
            return ""
        there = await self._appending.ask(_ONE, self._part, seq)
        if not there:
            raise Torn
        if there[0]["facts"] != facts:
            raise Fenced
        return ""

    async def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Yield all records after a mark."""
        mark, limit = seq, 10
        while True:
            rows = await self._aside.ask(_READ, self._part, mark, limit)
            if mark == seq > 0 and not (rows and rows[0]["seq"] == seq and digest_of(rows[0]["facts"]) == digest):
                raise Torn
            for row in rows[1:] if mark else rows:
                yield Entry(row["seq"], place, row["facts"], row["words"])
            if len(rows) < limit:
                return
            mark = rows[-1]["seq"]
            limit = max(2, PAGE_BYTES * limit // sum(len(row["facts"]) + len(row["words"] or b"") for row in rows))

    async def words(self, seq: int, place: str) -> bytes | None:  # noqa: ARG002 - words stand beside their facts here
        """Return the words of a record."""
        rows = await self._aside.ask(_ONE, self._part, seq)
        return rows[0]["words"] if rows else None

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:  # noqa: ARG002 - as above
        """Put other words in the place of ``before``."""
        return bool(await self._aside.ask(_REWRITE, self._part, seq, before, after))

    async def beat(self, beat: bytes) -> None:
        """Keep the owner's sign of life."""
        await self._aside.ask(_BEAT, self._part, beat)

    async def beats(self) -> bytes:
        """Return the newest sign of life."""
        rows = await self._aside.ask(_BEATS, self._part)
        return rows[0]["beat"] if rows else b""

    async def close(self) -> None:
        """Disconnect."""
        await self._appending.close()
        await self._aside.close()


class _Link:
    """A connection that is made when it is needed, and anew after a fault; one statement at a time."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._turn = asyncio.Lock()
        self._link: asyncpg.Connection | None = None

    async def ask(self, sql: str, *values: object, makes: bool = True) -> list[asyncpg.Record]:
        """Return the rows of a statement; raise Unsure whatever goes wrong, without the server's words."""
        async with self._turn:
            try:
                if self._link is None:
                    self._link = await asyncpg.connect(self._dsn, timeout=TIMEOUT, command_timeout=TIMEOUT)
                    await self._link.execute("SET synchronous_commit = on")
                    if makes and not await self._link.fetchval(_THERE):
                        await self._link.execute(_MAKE)
                return list(await self._link.fetch(sql, *values))
            except BaseException as error:
                # What the server has begun may end there yet, or never: the next statement has a link of its own.
                self._drop()
                if isinstance(error, _FAULTS):
                    raise Unsure(f"{type(error).__name__} {getattr(error, 'sqlstate', '')}".strip()) from None
                raise

    async def close(self) -> None:
        """Disconnect."""
        async with self._turn:
            self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.terminate()
            self._link = None
