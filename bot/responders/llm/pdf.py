"""Reads the text of a PDF in a process of its own, which may take only so much time and memory.

A PDF is a program as much as a file, and may be made to keep its reader busy. A thread can't be ended; a process can.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from bot.responders.llm.unread import Unread

MISSING = "PDFs take: pip install 'echoless[pdf]'"
SECONDS = 10
"""The most seconds of work, and of waiting, for one file."""
MEMORY = 512 * 2**20
"""The most bytes of address space, Python's own included."""
TOO_MUCH = "it takes too much time or memory to read"
_SCRIPT = Path(__file__).with_name("pdf_text.py")
_KEPT = ("LD_LIBRARY_PATH", "PATH", "SYSTEMROOT")
"""Variables that Python may need to start. No others: the bot's token may be among them."""


def installed() -> bool:
    """Tell whether the library is there that reads PDFs."""
    return find_spec("pypdf") is not None


async def text_of(data: bytes, characters: int) -> str:
    """Return about ``characters`` of a PDF's text from its beginning; raise Unread."""
    if not installed():
        raise Unread(MISSING)
    words = [sys.executable, "-I", str(_SCRIPT), *map(str, (characters, SECONDS, MEMORY))]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    reader = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environ,
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await reader.communicate(data)
    except TimeoutError as error:
        raise Unread(TOO_MUCH) from error
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    return _text(said)


def _text(said: bytes) -> str:
    """Return the text that the process found; raise Unread with its reason, or if it was ended before it said one."""
    try:
        found = json.loads(said)
    except ValueError as error:
        raise Unread(TOO_MUCH) from error
    if "fault" in found:
        raise Unread(found["fault"])
    return str(found["text"])
