"""Writes the text of the PDF on standard input to standard output, as JSON: ``{"text": ...}`` or ``{"fault": ...}``.

This is a program of its own (:mod:`bot.responders.llm.pdf` runs it), so it imports nothing of ours. Its arguments are
the characters after which it ends, and the most seconds of work and bytes of memory that it may take.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress

from pypdf import PasswordType, PdfReader

_LOCKED = {"fault": "it is locked with a password"}
_DAMAGED = {"fault": "its PDF is damaged"}


def main() -> None:
    """Read, and say what was found."""
    characters, seconds, memory = map(int, sys.argv[1:])
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):  # a system may not know one of them, or hold it lower
            resource.setrlimit(kind, (most, most))
    logging.disable()
    json.dump(found(sys.stdin.buffer.read(), characters), sys.stdout)


def found(data: bytes, characters: int) -> dict[str, str]:
    """Return the text of a PDF, or why there is none."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            return _LOCKED
        pages = len(reader.pages)
        text = "\n\n".join(_texts(reader, characters))
    except MemoryError:
        return {"fault": "it takes too much memory to read"}
    except Exception:  # noqa: BLE001 - the library may raise anything at a damaged file
        return _DAMAGED
    if text:
        return {"text": text}
    return {"fault": "its pages hold pictures and no text" if pages else "it has no pages"}


def _texts(reader: PdfReader, characters: int) -> Iterator[str]:
    """Yield the texts of pages until there are enough characters."""
    for page in reader.pages:
        if characters <= 0:
            return
        text = page.extract_text().strip()[:characters]
        characters -= len(text)
        if text:
            yield text


if __name__ == "__main__":
    main()
