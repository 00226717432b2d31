"""Logs as older releases left them, made from one of today's: its words sealed and its events linked as then."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.eventlog import database, keys
from bot.eventlog.chain import digest_plain
from bot.eventlog.key_file import read_key
from bot.eventlog.opening import IN_USE
from bot.eventlog.vault import Vault
from tests.tampering import relink_plain, tampering

COLUMNS = (
    "position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation, data, "
    "body_digest, hash"
)
SPLIT = 3
"""The last schema that had words in a table of their own."""
TABLES = ("streams", "snapshots", "unfinished", "meta")
_WORDS = """
SELECT s.name, e.position, e.salt, e.sealed FROM events e JOIN streams s ON s.id = e.stream_id WHERE sealed IS NOT NULL
"""


def make_older(path: Path, schema: int) -> None:
    """Put a log with the same contents in the place of a closed one, in an older schema, at most ``SPLIT``."""
    _make_plain(path)
    older = path.with_name("older.db")
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {database.PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        connection.executescript(database.BOOKKEEPING)
        for number, (name, script) in enumerate(database.migrations()[:schema], 1):
            connection.executescript(script)
            connection.execute("INSERT INTO migrations VALUES (?, ?, 1)", (number, name))
        connection.execute(f"PRAGMA user_version = {schema}")
        connection.execute("ATTACH ? AS newer", (str(path),))
        for table in TABLES:
            connection.execute(f"INSERT INTO {table} SELECT * FROM newer.{table}")  # noqa: S608 - constants
        connection.execute(f"INSERT INTO events SELECT {COLUMNS} FROM newer.events")  # noqa: S608 - constants
        connection.execute(
            "INSERT INTO bodies SELECT position, subject_id, message_id, salt, substr(sealed, 2) FROM newer.bodies"
        )
        connection.execute("DETACH newer")
        connection.execute("PRAGMA journal_mode = WAL")
    older.rename(path)


def _make_plain(path: Path) -> None:
    """Seal words, link events and prove the key as the first releases did."""
    master = read_key(path.with_name("vault.key"))
    vault = Vault(database.look(path, partial(keys.read, master=master)))
    with tampering(path) as connection:
        for stream, position, salt, sealed in connection.execute(_WORDS).fetchall():
            body = vault.open(stream, position, sealed)
            values = digest_plain(salt, body), b"\x01" + _sealed(master, position, body), position
            connection.execute("UPDATE events SET body_digest = ?, sealed = ? WHERE position = ?", values)
        relink_plain(connection)
        connection.execute("DELETE FROM meta WHERE name IN ('log_id', 'chain')")
        connection.execute("INSERT INTO meta VALUES ('key_proof', ?)", (_sealed(master, 0, b"echoless vault"),))


def _sealed(master: bytes, position: int, body: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(master).encrypt(nonce, body, position.to_bytes(8, "big"))


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a log in any schema, words apart from events and without what its keys are."""
    wanted = dict.fromkeys((*TABLES, "bodies"), "*") | {"events": COLUMNS}
    with closing(sqlite3.connect(path)) as connection:
        found = {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}"), key=repr)  # noqa: S608 - constants
            for table, columns in wanted.items()
        }
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
    found["meta"] = [row for row in found["meta"] if row[0] not in {"log_id", "chain", "key_proof", IN_USE}]
    if schema > SPLIT:
        found["bodies"] = [(*row[:-1], bytes(row[-1])[1:]) for row in found["bodies"]]
    return found
