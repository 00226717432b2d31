"""The vault's key and seal: AES-256-GCM over the words that people wrote.

The key comes from the environment (base64 of 32 bytes) or from a file that only its owner may read, made at the first
start. A sealed body is bound to its event's position, so one body cannot replace another.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import KeyMismatch, LogUnwritable

KEY_BYTES = 32
NONCE_BYTES = 12
_RANDOM_BYTES = 8192
"""The number of random bytes that one system call returns."""
_CHECK = b"echoless vault"
_CHECK_POSITION = 0


class Vault:
    """Seals and opens bodies under one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, position: int, body: bytes, nonce: bytes = b"") -> bytes:
        """Return ``body`` sealed for the event at ``position`` with ``nonce`` (12 bytes; drawn here by default)."""
        nonce = nonce or os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, body, _bound(position))

    def open(self, position: int, sealed: bytes) -> bytes:
        """Return the body sealed for ``position``; raise KeyMismatch when the key or the position does not fit."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(position))
        except (InvalidTag, ValueError) as error:
            raise KeyMismatch(
                f"The words of event {position} do not open with this key: give the key this log was made with "
                "(ECHOLESS_VAULT_KEY or log.key_file), or run `echoless log verify`."
            ) from error

    def proof(self) -> bytes:
        """Return a sealed constant by which a log recognizes its key."""
        return self.seal(_CHECK_POSITION, _CHECK)

    def check(self, proof: bytes) -> None:
        """Raise KeyMismatch unless ``proof`` was made with this key."""
        try:
            self._cipher.decrypt(proof[:NONCE_BYTES], proof[NONCE_BYTES:], _bound(_CHECK_POSITION))
        except (InvalidTag, ValueError) as error:
            raise KeyMismatch(
                "This key is not the one the log was made with: give the right one by ECHOLESS_VAULT_KEY "
                "or log.key_file. Nothing was changed."
            ) from error


def parse_key(text: str, origin: str) -> bytes:
    """Return the key of ``text`` in base64; raise KeyMismatch, which names ``origin``, when it is no such key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMismatch(f"{origin} does not hold a key: it must be the base64 of {KEY_BYTES} bytes.")
    return key


def read_key(path: Path) -> bytes:
    """Return the key in the file at ``path``; raise KeyMismatch when it is missing, unreadable or no key."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise KeyMismatch(
            f"The key file {path} is missing, and the log's words can't be read without it: put it back from a backup, "
            "or give the key by ECHOLESS_VAULT_KEY."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyMismatch(f"The key file {path} can't be read: check its owner and its contents.") from error
    return parse_key(text, f"The key file {path}")


def has_key(path: Path) -> bool:
    """Tell whether there is a key file. An empty file does not count: an interrupted :func:`make_key` leaves one."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def make_key(path: Path) -> bytes:
    """Write a fresh key to ``path``, readable by its owner alone, and return it."""
    key = os.urandom(KEY_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not has_key(path):
            path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LogUnwritable(f"The key file {path} can't be written: {error.strerror}. Check log.key_file.") from error
    return key


def _bound(position: int) -> bytes:
    return position.to_bytes(8, "big")


class Entropy:
    """Draws random bytes of the system for salts and nonces, none of them twice.

    One system call serves many events. Each call releases the interpreter's lock, too briefly for a waiting thread to
    take it, and restarts that thread's wait. Measured with one call an event: the log's writer waited 4 ms beside a
    busy loop.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def draw(self, size: int) -> bytes:
        """Return ``size`` bytes, at most 8192."""
        start, self._used = self._used, self._used + size
        if self._used > len(self._pool):
            self._pool, start, self._used = os.urandom(_RANDOM_BYTES), 0, size
        return self._pool[start : self._used]
