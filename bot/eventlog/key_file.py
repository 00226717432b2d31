"""The master key of a log: given by the environment, or kept in a file that only its owner may read."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from bot.errors import KeyMismatch, LogUnwritable

KEY_BYTES = 32


def parse_key(text: str, origin: str) -> bytes:
    """Return the key of ``text`` in base64; raise KeyMismatch, which names ``origin``, when it is no such key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMismatch(f"{origin} does not hold a key: it must be the base64 of {KEY_BYTES} bytes.")
    if len(set(key)) == 1:
        raise KeyMismatch(
            f"{origin} holds a key that anybody would try, one byte {KEY_BYTES} times: make one with "
            f"`head -c {KEY_BYTES} /dev/urandom | base64`."
        )
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
    write_key(path, key)
    return key


def write_key(path: Path, key: bytes) -> None:
    """Write a key to a new file, readable by its owner alone; raise LogUnwritable, also when there is a file."""
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
