"""The receipts of a log of the first releases, which kept none.

Its first owner of this release records, before anything else, what is erased already, in one transaction. What was
deleted in Discord has its receipt: that event (see ``migrations/0006_erasing.sql``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

from bot.core.events import Draft, ErasureReason, Span, WordsErased
from bot.errors import LogDamaged
from bot.eventlog import keys, tail
from bot.eventlog.batch import Append, Batch
from bot.eventlog.ledger import Ledger, look_up
from bot.eventlog.vault import Vault

_WITHOUT = """
SELECT s.name, e.version FROM events e JOIN streams s ON s.id = e.stream_id
LEFT JOIN (
    SELECT stream_id, max(version) AS last FROM events WHERE type = 'channel.deleted' GROUP BY stream_id
) AS gone ON gone.stream_id = e.stream_id
WHERE e.body_digest IS NOT NULL AND e.sealed IS NULL AND NOT EXISTS (
    SELECT 1 FROM events d WHERE e.key_kind IN (1, 2) AND d.key_kind = 3 AND d.key_id = e.key_id
    AND +d.stream_id = e.stream_id AND d.position > e.position
) AND e.version > coalesce(gone.last, 0)
ORDER BY s.name, e.version
"""


def settled(connection: sqlite3.Connection) -> bool:
    """Tell whether a log keeps receipts: then words that are gone have one.

    A log of the first releases does not, and neither does one to which nothing was appended since its first owner of
    this release looked for what is erased.
    """
    try:
        first = keys.read_start(connection).first
    except LogDamaged:
        return False
    return first == 1 or tail.newest_position(connection) >= first


def settle(connection: sqlite3.Connection, vault: Vault, clock: Callable[[], int]) -> None:
    """Record receipts for the words that are gone from a log that keeps none yet."""
    if settled(connection):
        return
    erased = {
        stream: tuple(Span(version, version) for _, version in rows)
        for stream, rows in groupby(connection.execute(_WITHOUT).fetchall(), itemgetter(0))
    }
    receipts = [
        Append(stream, ((Draft(WordsErased(reason=ErasureReason.EARLIER, versions=versions)),),), None)
        for stream, versions in erased.items()
    ]
    ledger, batch = Ledger(vault, vault.keys.chain(), clock), Batch()
    ledger.learn(look_up(connection, [(receipt, False) for receipt in receipts]))
    for receipt in receipts:
        ledger.append(batch, receipt, None)
    if receipts:
        batch.write(connection)
