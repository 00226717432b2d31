"""The way into a running bot: a socket in the log's folder, open to the owner of the process alone.

A request is one line of JSON, ``{"command": ..., "arguments": {...}}``: a command's name, or its preview's
(``preview_rewind``), and what its function takes. Lines ``{"progress": [done, total]}`` may follow, and at last
``{"report": {...}}`` or ``{"error": "a sentence"}``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError, validate_call

from bot.background import Background
from bot.errors import EcholessError
from bot.moderation.checks import OnProgress
from bot.moderation.command import Command, ModerationError, Report, ReportFile
from bot.moderation.commands import calls
from bot.moderation.context import CommandContext

SOCKET = "control.sock"
_LONGEST_ANSWER = 2**26
_LONGEST_ADDRESS = 100
"""A bit less than the 104 (macOS) or 108 (Linux) bytes that the address of a socket may have."""

_log = structlog.get_logger()


@asynccontextmanager
async def listening(context: CommandContext, folder: Path) -> AsyncIterator[None]:
    """Answer on the socket in ``folder``, whose owner this process is; without one where it can't be made."""
    requests = _Requests(context)
    try:
        listener = _listener(folder)
        server = await asyncio.start_unix_server(requests.serve, sock=listener)
    except OSError as error:
        _log.warning("control.unavailable", reason=error.strerror)
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / SOCKET).unlink(missing_ok=True)
        server.close()
        await requests.close()


async def call(
    folder: Path, command: str, arguments: Mapping[str, Any], progress: OnProgress | None = None
) -> Report | None:
    """Have the bot that runs on the log in ``folder`` carry out a command; None when none listens there.

    Raises ModerationError with the sentence of a refusal.
    """
    try:
        with _address(folder) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=_LONGEST_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise ModerationError(f"The bot that runs on {folder} can't be reached: {error.strerror}.") from error
    try:
        writer.write(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
        await writer.drain()
        return await _answer(reader, progress)
    except (OSError, ValueError) as error:
        raise ModerationError("The bot went away before it answered: look at its state, then try again.") from error
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, progress: OnProgress | None) -> Report:
    """Read until the report comes; raise ValueError where the connection ends before, or for what is no answer."""
    while True:
        said = json.loads(await reader.readline())
        if "error" in said:
            raise ModerationError(said["error"])
        if "report" in said:
            return _report(said["report"])
        if progress is not None:
            progress(*said["progress"])


class _Requests:
    """Takes connections, a request each."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._background = Background()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._one(reader, writer))
        self._background.keep(task)
        await asyncio.wait((task,))

    async def close(self) -> None:
        await self._background.cancel()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(**said: object) -> None:
            writer.write(json.dumps(said).encode() + b"\n")

        try:
            if not _same_user(writer):
                say(error="Only the user whose bot this is may ask it.")
            else:
                say(report=_wire(await self._carry_out(*await _request(reader), say)))
        except EcholessError as error:
            say(error=str(error))
        except Exception as error:  # noqa: BLE001 - no request may harm the bot
            _log.error("control.failed", error=type(error).__name__)
            say(error=f"The command failed ({type(error).__name__}): look into the bot's log.")
        finally:
            with suppress(OSError):
                await writer.drain()
            writer.close()

    async def _carry_out(self, command: Command, arguments: dict[str, Any], say: Callable[..., None]) -> Report:
        if command.takes("progress"):
            arguments = arguments | {"progress": lambda done, total: say(progress=[done, total])}
        try:
            report: Report = await validate_call(partial(command.run, self._context))(**arguments)
        except ValidationError as error:
            wrong = ", ".join(str(found["loc"][0]) for found in error.errors(include_input=False) if found["loc"])
            raise ModerationError(f"{command.name} does not take these arguments: {wrong}.") from None
        return report


async def _request(reader: asyncio.StreamReader) -> tuple[Command, dict[str, Any]]:
    """Read a command and its arguments; raise ModerationError for anything else."""
    known = calls()
    try:
        request = json.loads(await reader.readline())
    except (ValueError, RecursionError):
        request = None
    match request:
        case {"command": str(name), "arguments": dict(arguments)} if name in known and "progress" not in arguments:
            return known[name], arguments
    raise ModerationError(f"That is no request: there are {', '.join(known)}, each with its arguments.")


def _wire(report: Report) -> dict[str, Any]:
    file = report.file
    return {
        "title": report.title,
        "lines": report.lines,
        "data": report.data,
        "file": {"name": file.name, "content": base64.b64encode(file.content).decode()} if file else None,
        "more": report.more,
    }


def _report(wire: Mapping[str, Any]) -> Report:
    file = wire["file"]
    return Report(
        wire["title"],
        tuple(wire["lines"]),
        wire["data"],
        ReportFile(file["name"], base64.b64decode(file["content"])) if file else None,
        wire["more"],
    )


def _listener(folder: Path) -> socket.socket:
    """Return a listening socket that only this user can open, in place of one that a dead process left."""
    (folder / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _address(folder) as address:
            listener.bind(address)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the address of the socket in ``folder``, by way of an open folder where its path is too long for one."""
    path = os.fspath(folder.absolute() / SOCKET)
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield path
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Tell whether who asks runs as this process's user, or root; where the system can't say, the file's mode rules."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", peer)
    return user in (0, os.getuid())
