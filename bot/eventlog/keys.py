"""The keys of a log: its owner keeps one, the master key, and the log holds the others, wrapped under it.

A log key is 32 random bytes. What seals words and what links events are keys derived from it, one for each purpose
(HKDF-SHA-256, RFC 5869). So another master key only needs the log keys wrapped anew (``echoless key rotate``), and
another log key only the words sealed anew (``echoless key renew``).

Key 0 is the master key of a log of the first releases, which sealed words with it directly.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import KeyMismatch, LogDamaged, LogError
from bot.eventlog.chain import Chain, ChainStart, Root
from bot.eventlog.key_file import KEY_BYTES
from bot.eventlog.transactions import transaction

NONCE_BYTES = 12
LOG_ID_BYTES = 16
FIRST_RELEASES = 0
"""The number of the key with which the first releases sealed words."""

_WRAP, _SEAL, _LINK, _WORDS, _NOTE, _ARCHIVE = (
    f"echoless {purpose} 2".encode() for purpose in ("wrap", "seal", "link", "words", "note", "archive")
)
_WRAPPED = struct.Struct(">qq")
_NUMBERED = struct.Struct(">q32s")
_START = struct.Struct(">qq32s")
_PROOF, _PROOF_POSITION = b"echoless vault", bytes(8)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The log keys by number, none of them wrapped; ``start`` is None for a log of the first releases."""

    log_id: bytes
    numbered: Mapping[int, bytes]
    start: ChainStart | None = None

    @property
    def newest(self) -> int:
        """Return the number of the key that seals new words."""
        return max(self.numbered)

    @property
    def begun(self) -> ChainStart:
        """Return ``start``; raise LogError for a log of the first releases."""
        if self.start is None:
            raise LogError(UNADOPTED)
        return self.start

    def sealing(self, number: int) -> bytes:
        """Return the key that seals words under log key ``number``."""
        return _derived(self.numbered[number], _SEAL)

    def chain(self) -> Chain:
        """Return what links events; raise LogError for a log of the first releases, which has to be opened first."""
        key = self.numbered[self.begun.key_number]
        return Chain(self.begun, _derived(key, _LINK), _derived(key, _WORDS))

    def archiving(self) -> bytes:
        """Return the key that seals archives; raise LogError for a log of the first releases."""
        return _derived(self.numbered[self.begun.key_number], _ARCHIVE)

    def with_new(self) -> LogKeys:
        """Return the keys with a fresh one, which seals words from then on."""
        return replace(self, numbered={**self.numbered, self.newest + 1: os.urandom(KEY_BYTES)})

    def with_needed(self) -> LogKeys:
        """Return the keys without those that nothing needs once all words are sealed under the newest."""
        needed = {self.newest, self.begun.key_number}
        return replace(self, numbered={number: self.numbered[number] for number in needed})


def adopt(connection: sqlite3.Connection, master: bytes, now: int) -> None:
    """Give a log its keys, unless it has them: a new one, or one of the first releases, whose events are bound too."""
    with transaction(connection):
        if connection.execute("SELECT 1 FROM meta WHERE name = 'log_id'").fetchone():
            return
        log_id = os.urandom(LOG_ID_BYTES)
        (last,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        root = Root(log_id)
        for (link,) in connection.execute("SELECT hash FROM events ORDER BY position"):
            root.add(link)
        numbered = {1: os.urandom(KEY_BYTES)} | ({FIRST_RELEASES: master} if last else {})
        connection.execute("INSERT INTO meta VALUES ('log_id', ?)", (log_id,))
        save(connection, LogKeys(log_id, numbered, ChainStart(1, last + 1, root.digest())), master, now)
        connection.execute("DELETE FROM meta WHERE name = 'key_proof'")


def save(connection: sqlite3.Connection, keys: LogKeys, master: bytes, now: int) -> None:
    """Store the keys, wrapped under ``master``, and a note of them all and of where the keyed chain begins.

    The note is authenticated by one of the keys: nobody without the master key can add a key, put an old one back, or
    move the beginning of the chain.
    """
    rows = [(number, now, _wrapped(master, keys.log_id, number, now, key)) for number, key in keys.numbered.items()]
    connection.execute("DELETE FROM keys")
    connection.executemany("INSERT INTO keys (number, wrapped_at, wrapped) VALUES (?, ?, ?)", rows)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('chain', ?)", (_note(keys),))


def read(connection: sqlite3.Connection, master: bytes) -> LogKeys:
    """Return the keys of a log; raise KeyMismatch when ``master`` is not its key, LogDamaged when they were changed."""
    meta = _meta(connection)
    if "key_proof" in meta and "log_id" not in meta:
        _check_proof(master, meta["key_proof"])
        return LogKeys(b"", {FIRST_RELEASES: master})
    if meta.keys() != {"log_id", "chain"}:
        raise LogDamaged(_DAMAGED)
    rows = connection.execute("SELECT number, wrapped_at, wrapped FROM keys").fetchall()
    numbered = {row[0]: key for row in rows if (key := _unwrapped(master, meta["log_id"], *row))}
    if rows and not numbered:
        raise KeyMismatch(_MISMATCH)
    try:
        keys = LogKeys(meta["log_id"], numbered, read_start(connection))
        if len(numbered) == len(rows) and hmac.compare_digest(meta["chain"], _note(keys)):
            return keys
    except (KeyError, struct.error):
        pass
    raise LogDamaged(_DAMAGED)


def require_fit(log_id: bytes, rows: Iterable[tuple[int, int, bytes]], master: bytes) -> None:
    """Raise KeyMismatch unless ``master`` opens a key of a log: its number, when it was wrapped, and it, wrapped."""
    if not any(_unwrapped(master, log_id, *row) for row in rows):
        raise KeyMismatch(_MISMATCH)


def read_start(connection: sqlite3.Connection) -> ChainStart:
    """Return where the keyed chain of a log is said to begin; raise LogDamaged when that can't be read.

    Only :func:`read` tells whether the log's owner said so.
    """
    note = _meta(connection).get("chain", b"")
    if len(note) < _START.size:
        raise LogDamaged(_DAMAGED)
    return ChainStart(*_START.unpack_from(note))


def _meta(connection: sqlite3.Connection) -> dict[str, bytes]:
    rows = connection.execute("SELECT name, value FROM meta WHERE name IN ('log_id', 'chain', 'key_proof')")
    return {name: value for name, value in rows if isinstance(value, bytes)}


def _note(keys: LogKeys) -> bytes:
    start = _START.pack(*keys.begun)
    numbered = b"".join(_NUMBERED.pack(*each) for each in sorted(keys.numbered.items()))
    key = _derived(keys.numbered[keys.begun.key_number], _NOTE)
    return start + hmac.digest(key, keys.log_id + start + numbered, "sha256")


def _wrapped(master: bytes, log_id: bytes, number: int, wrapped_at: int, key: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    wrapping = AESGCMSIV(_derived(master, _WRAP, log_id))
    return nonce + wrapping.encrypt(nonce, key, _WRAPPED.pack(number, wrapped_at))


def _unwrapped(master: bytes, log_id: bytes, number: int, wrapped_at: int, wrapped: bytes) -> bytes | None:
    """Return a log key, or None when it is not one that ``master`` wrapped."""
    wrapping = AESGCMSIV(_derived(master, _WRAP, log_id))
    try:
        key = wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _WRAPPED.pack(number, wrapped_at))
    except (InvalidTag, ValueError, TypeError, struct.error):
        return None
    return key if len(key) == KEY_BYTES else None


def _check_proof(master: bytes, proof: bytes) -> None:
    """Raise KeyMismatch unless a log of the first releases was made with this key: it keeps a sealed constant."""
    try:
        AESGCM(master).decrypt(proof[:NONCE_BYTES], proof[NONCE_BYTES:], _PROOF_POSITION)
    except (InvalidTag, ValueError) as error:
        raise KeyMismatch(_MISMATCH) from error


_MISMATCH = (
    "This key is not the one the log was made with: give the right one by ECHOLESS_VAULT_KEY or log.key_file. "
    "Nothing was changed."
)
_DAMAGED = (
    "What the log holds of its keys was changed outside the bot: keep the folder as it is, and restore a backup beside "
    "it."
)
UNADOPTED = "This log is of an older release: start the bot once, which gives it keys and an identity of its own."


def _derived(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, purpose).derive(key)
