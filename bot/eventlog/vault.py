"""The vault: seals the words that people wrote, each bound to its log, its stream and its place there.

A seal begins with its form. Form 2 is AES-256-GCM-SIV (RFC 8452) under a key derived from a log key, whose number
follows. Where a nonce repeats, as it can after the snapshot of a virtual machine, that cipher shows no more than that
two texts at one place are the same. Form 1 is AES-256-GCM under the master key of the first releases, bound to the
position alone.
"""

from __future__ import annotations

import os
import struct
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from bot.errors import KeyMismatch
from bot.eventlog.keys import FIRST_RELEASES, NONCE_BYTES, LogKeys

_Cipher: TypeAlias = AESGCM | AESGCMSIV

_FIRST_FORM, FORM = 1, 2
"""The forms of a seal: that of the first releases, and that of now."""
_HEAD = struct.Struct(">BH")
_POSITION = struct.Struct(">q")
_RANDOM_BYTES = 8192
"""The number of random bytes that one system call returns."""


def head_of(number: int) -> bytes:
    """Return how seals under the log key ``number`` begin; heads of older keys are before it, byte by byte."""
    return _HEAD.pack(FORM, number)


class Vault:
    """Seals words under the newest of a log's ``keys``, and opens what any of them sealed."""

    def __init__(self, keys: LogKeys) -> None:
        self.keys = keys
        self._log_id = keys.log_id
        self._ciphers: dict[int, _Cipher] = {
            number: AESGCM(key) if number == FIRST_RELEASES else AESGCMSIV(keys.sealing(number))
            for number, key in keys.numbered.items()
        }
        self._head = head_of(keys.newest)
        self._newest = self._ciphers[keys.newest]

    def seal(self, stream: str, position: int, body: bytes, nonce: bytes) -> bytes:
        """Return ``body`` sealed for the event at ``position`` of ``stream`` with ``nonce`` (12 bytes)."""
        return self._head + nonce + self._newest.encrypt(nonce, body, self._place(stream, position))

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether words are sealed under the newest key."""
        return sealed.startswith(self._head)

    def open(self, stream: str, position: int, sealed: bytes) -> bytes:
        """Return the words sealed for this place; raise KeyMismatch when the key or the place does not fit."""
        try:
            if sealed[0] == _FIRST_FORM:
                return self._opened(FIRST_RELEASES, sealed[1:], _POSITION.pack(position))
            form, number = _HEAD.unpack_from(sealed)
            if form == FORM:
                return self._opened(number, sealed[_HEAD.size :], self._place(stream, position))
        except (InvalidTag, ValueError, TypeError, AttributeError, LookupError, struct.error):
            pass  # damage can make anything of a stored value
        raise KeyMismatch(
            f"The words of event {position} do not open with this key: give the key this log was made with "
            "(ECHOLESS_VAULT_KEY or log.key_file), or run `echoless log verify`."
        )

    def _opened(self, number: int, sealed: bytes, bound: bytes) -> bytes:
        return self._ciphers[number].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)

    def _place(self, stream: str, position: int) -> bytes:
        return self._log_id + _POSITION.pack(position) + stream.encode()


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
