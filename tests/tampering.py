"""Changing a log behind its back, as somebody would who has the file and a little skill."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.eventlog.chain import GENESIS, link_plain, packed

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'events'"
_ROWS = """
SELECT e.position, s.name, e.version, e.type, e.v, e.recorded_at, e.key_kind, e.key_id, e.key_part, e.correlation,
       e.causation, e.data, e.body_digest FROM events e JOIN streams s ON s.id = e.stream_id ORDER BY e.position
"""


@contextmanager
def tampering(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a log's database with its triggers out of the way, and put them back at the end."""
    with closing(sqlite3.connect(database)) as connection, connection:
        triggers = connection.execute(_TRIGGERS).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)


def relink_plain(connection: sqlite3.Connection) -> None:
    """Link all events as the first releases did, which needs no key, and make the heads fit."""
    heads: dict[str, tuple[int, bytes]] = defaultdict(lambda: (0, GENESIS))
    for position, stream, version, type_name, v, at, *rest in connection.execute(_ROWS).fetchall():
        *key, correlation, causation, data, digest = rest
        fields = packed(
            stream, position, version, type_name, v, at, tuple(key), correlation, causation, data.encode(), digest
        )
        link = link_plain(heads[stream][1], fields)
        heads[stream] = version, link
        connection.execute("UPDATE events SET hash = ? WHERE position = ?", (link, position))
    for stream, head in heads.items():
        connection.execute("UPDATE streams SET version = ?, hash = ? WHERE name = ?", (*head, stream))
