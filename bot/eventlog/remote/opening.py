"""A view is opened by its owner: it is brought up to the engine, and the log is claimed."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import structlog

from bot import __version__
from bot.background import Background
from bot.errors import LogDamaged, LogForeign, LogUnwritable
from bot.eventlog import forms, keys
from bot.eventlog import partitions as count_partitions
from bot.eventlog.database import Connection
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.appending import Remote, kept
from bot.eventlog.remote.erasing import Erasing
from bot.eventlog.remote.following import Follower, away, follow
from bot.eventlog.remote.owning import POLL, Heart, Taking
from bot.eventlog.remote.port import NOTHING, Fenced, Partition, Unsure, digest_of
from bot.eventlog.remote.record import facts_of_claim, read_record
from bot.eventlog.remote.standing import Standing
from bot.eventlog.transactions import transaction

Wanted: TypeAlias = Callable[[int, Mapping[str, Any]], bool]
"""Tells of a claim, by its number, whether a folder can begin with it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine that keeps a log, and how it is taken.

    ``takeover``: seconds without a sign of life after which an owner is dead. ``force`` takes the log from one that
    lives, a ``standby`` waits until none does, and until it is its ``turn``. ``clock`` returns seconds of a monotonic
    clock. ``first`` is partition 0 of the same log, None for that itself. ``standing`` tells how this process stands to
    the log from then on.
    """

    partition: Partition
    clock: Callable[[], float]
    takeover: float = 10.0
    force: bool = False
    standby: bool = False
    first: Partition | None = None
    turn: Callable[[], bool] = lambda: True
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "standing", Standing.now(self.clock))

    async def beginning(self, partitions: int, wanted: Wanted) -> Beginning:
        """Connect to the engine; return how a folder begins with its log, which is one of so many partitions.

        ``wanted`` tells of a claim, by its number, whether the folder can begin with the keys there. A standby waits
        for partition 0 where that has not begun. Raises LogForeign for another number of partitions.
        """
        beginning, begun = await _beginning(self.partition, wanted), None
        if beginning.claim is None and self.first is not None:
            begun = await self._begun(self.first)
            beginning = await _beginning(self.partition, wanted)
        for each in (beginning.claim, begun):
            if each is not None:
                count_partitions.require(each.get("partitions", 1), partitions)
        return replace(beginning, first=begun)

    async def _begun(self, first: Partition) -> Mapping[str, Any]:
        """Return the claim with which partition 0 begins; raise LogError where it has none."""
        try:
            while True:
                if (claim := (await _beginning(first, lambda _seq, _claim: True)).claim) is not None:
                    return claim
                if not self.standby:
                    raise count_partitions.not_begun()
                await asyncio.sleep(POLL)
        finally:
            await first.close()


async def _beginning(partition: Partition, wanted: Wanted) -> Beginning:
    """Connect to a partition; return how a folder begins with it: by the first claim with keys that are ``wanted``."""
    await partition.open()
    first: Mapping[str, Any] | None = None
    try:
        async with aclosing(partition.read(0, NOTHING, "")) as entries:
            async for entry in entries:
                claim = read_record(entry).claim
                if claim is not None and wanted(entry.seq, claim):
                    return Beginning(claim)
                if first is None and claim is None:
                    raise LogDamaged("The log in the engine does not begin with a claim. Restore its own backup.")
                first = first or claim
    except Unsure as error:
        raise LogUnwritable(away(partition, error)) from error
    return Beginning(first, fits=first is None)


class Owned:
    """A log in an engine that this process owns; :meth:`start` begins what goes on beside the writer."""

    def __init__(self, remote: Remote, heart: Heart, standing: Standing, newest: int) -> None:
        self.remote = remote
        self.standing = standing
        self.heart = heart
        self._newest = newest
        self.erasing = Erasing(remote)
        remote.on_erased = self.erasing.begin
        self._background = Background()

    def start(self) -> None:
        """Give signs of life, and take words out of the engine that are erased in the view."""
        self._background.start(self.heart.run(), "log heart")
        self._background.start(self.erasing.run(), "log erasing")

    def not_before(self, clock: Callable[[], int]) -> Callable[[], int]:
        """Return a clock that is never behind the newest event: the last owner's clock may have been ahead."""
        return lambda: max(clock(), self._newest)

    async def close(self) -> None:
        """End that, tell others that nobody owns the log, and disconnect."""
        await self._background.cancel()
        await self.heart.stop()
        await self.remote.partition.close()


@dataclass(frozen=True, slots=True)
class Beginning:
    """How the log in an engine begins: with a claim, or with nothing yet; ``fits``: the folder's key opens the keys.

    ``first`` is the claim of partition 0, if this is another one that has none.
    """

    claim: Mapping[str, Any] | None
    fits: bool = True
    first: Mapping[str, Any] | None = None

    def begin(self, connection: sqlite3.Connection, master: bytes, now: int) -> None:
        """Make an empty database a view of that log; raise KeyMismatch when ``master`` is not its key."""
        if self.claim is None:
            if self.first is not None:
                claiming.require_key(self.first, master)
            keys.adopt(connection, master, now)
        with transaction(connection):
            if self.claim is not None:
                claiming.take(connection, self.claim, is_empty=True)
            view.lay_out(connection)
            view.save_bookmark(connection, view.Bookmark())
        keys.read(connection, master)


def require_kind(connection: sqlite3.Connection, *, is_remote: bool) -> None:
    """Raise LogForeign for a view that is opened without its engine, and for another log that is opened with one."""
    if view.is_view(connection) and not is_remote:
        raise LogForeign(
            "The log's folder shows a log that is kept in an engine: name it by log.engine, and do there what is to be "
            "done, or name another folder (log.path). Nothing was changed. See docs/many-hosts.md."
        )
    if is_remote and not view.is_view(connection):
        raise LogForeign(
            "The log's folder holds a log of its own, and log.engine names another place for it. Nothing was changed. "
            'Name an empty folder (log.path), or leave the log where it is (log.engine = "sqlite").'
        )


async def own(
    engine: Engine, connection: Connection, *, accept_unknown: bool, require_key: Callable[[sqlite3.Connection], object]
) -> Owned:
    """Bring the view up to the engine and claim the log; a standby follows the owner until there is none.

    ``require_key`` raises KeyMismatch where the folder has not the key that the log has by then. Raises LogLocked while
    another process owns it and lives, LogIncomplete where the view does not fit the engine, LogForeign where a newer
    release wrote what this one does not know, LogUnwritable while the engine is away.
    """
    mark, holder = await connection.run(_known)
    follower = engine.standing.follower = Follower.at(mark)
    try:
        require = [require_key] if accept_unknown else [require_key, forms.require_known]
        before = await _claimed(engine, holder, connection, follower, require)
        remote = Remote(engine.partition, connection, follower, follower.mark.owner)
        heart = Heart(remote, engine.takeover, engine.clock, engine.standing)
        await heart.begin(wait=engine.force and before not in (b"", holder))
    except Unsure as error:
        raise LogUnwritable(away(engine.partition, error)) from error
    engine.standing.is_owner = True
    mark = follower.mark
    _log.info("log.claimed", record=mark.seq, position=mark.position, before=before.hex()[:8] or "nobody")
    return Owned(remote, heart, engine.standing, await connection.run(_newest))


async def _claimed(
    engine: Engine,
    holder: bytes | None,
    connection: Connection,
    follower: Follower,
    require: Sequence[Callable[[sqlite3.Connection], object]],
) -> bytes:
    """Claim the log, once the view has all that is in the engine; return the owner before, b"" if it has left.

    ``require`` are functions that raise LogError where this process must not own the log.
    """
    partition = engine.partition
    taking = Taking(partition, engine.takeover, engine.clock, engine.standby, holder, engine.standing, engine.turn)
    catch_up = partial(follow, partition, connection, follower)
    while True:
        await follow(partition, connection, follower, lambda position: _log.info("log.following", position=position))
        if not engine.force:
            await taking.until_free(lambda: follower.mark, catch_up)
        for each in require:
            await connection.run(each)
        await connection.run(partial(forms.note, release=__version__))
        before = follower.mark.owner
        try:
            await _claim(partition, connection, follower)
        except Fenced:
            continue  # the owner has appended meanwhile, or another process was the first to claim
        return b"" if await partition.beats() == before else before


async def _claim(partition: Partition, connection: Connection, follower: Follower) -> None:
    """Append a claim to what the view has, and note it; raise Fenced where there is more by now."""
    owner, seq = claiming.new_owner(), follower.seq + 1
    claim = await connection.run(claiming.claim_of)
    facts = facts_of_claim(owner, follower.digest, claim)
    place = await kept(partition, seq, facts, None)
    follower.go(follower.mark._replace(seq=seq, digest=digest_of(facts), place=place, owner=owner))
    follower.claims += 1
    await connection.run(partial(_note, follower.mark, claim))


def _known(connection: sqlite3.Connection) -> tuple[view.Bookmark, bytes | None]:
    """Return the bookmark, and the owner that this folder's lock has replaced: the newest claim was made from here."""
    with transaction(connection):
        view.lay_out(connection)
    mark = view.read_bookmark(connection)
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (view.HOLDER,)).fetchone()
    owner, host = json.loads(row[0]) if row else ("", "")
    return mark, bytes.fromhex(owner) if host == socket.gethostname() else None


def _newest(connection: sqlite3.Connection) -> int:
    """Return when the newest event was recorded, in microseconds."""
    row = connection.execute("SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def _note(mark: view.Bookmark, claim: Mapping[str, Any], connection: sqlite3.Connection) -> None:
    holder = json.dumps((mark.owner.hex(), socket.gethostname())).encode()
    with transaction(connection):
        view.save_bookmark(connection, mark)
        view.note_claim(connection, claim)
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (view.HOLDER, holder))
