"""Commands to a running bot: HTTP over a socket in the log's folder that only the user of the process can open.

A client posts a :class:`Request` and reads the answer as lines of JSON, each a :class:`Line`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiohttp
import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError, validate_call

from bot.errors import EcholessError
from bot.moderation.checks import OnProgress
from bot.moderation.command import Command, ModerationError, Report
from bot.moderation.commands import calls
from bot.moderation.context import CommandContext

SOCKET = "control.sock"
MOST_AT_ONCE = 16
"""Commands that are carried out at once."""
MOST_CLIENTS = 64
"""Connections that are open at once."""
PATIENCE_SECONDS = 10.0
"""The time in which a client has to send its request."""
_MOMENT = 1.0
"""Seconds for a client that is one too many to send something."""
_LARGEST_REQUEST = 2**16
_LARGEST = 2**63 - 1
"""The largest number that the log can hold."""
_EXACTLY = ConfigDict(strict=True)
"""A number is written as a number, so that none is larger than it looks."""
_LONGEST_LINE = 2**26
_LONGEST_ADDRESS = 100
"""Bytes; the address of a socket may have 104 (macOS) or 108 (Linux)."""

_log = structlog.get_logger()


class Request(BaseModel):
    """The name of a command or of its preview (``preview_rewind``), and the arguments of its function."""

    command: str
    arguments: dict[str, Any]


class Line(BaseModel):
    """The number of finished events and that of all; the last line holds the report, or the sentence of a refusal."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    progress: tuple[int, int] | None = None
    report: Report | None = None
    error: str = ""

    def to_json(self) -> bytes:
        """Return it as a line of JSON."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


@asynccontextmanager
async def listening(context: CommandContext, folder: Path) -> AsyncIterator[None]:
    """Answer on the socket in ``folder``, which this process owns; go on without one if it can't be made."""
    application = web.Application(client_max_size=_LARGEST_REQUEST)
    application.router.add_post("/", Requests(context).serve)
    # A connection is idle until a request comes. A client that still waits when the bot stops gets no answer.
    runner = web.AppRunner(
        application,
        access_log=None,
        keepalive_timeout=PATIENCE_SECONDS,
        lingering_time=PATIENCE_SECONDS,
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        async with AsyncExitStack() as stack:
            try:
                admit = partial(_admit, runner)
                server = await asyncio.get_running_loop().create_unix_server(admit, sock=_listener(folder))
                stack.callback(server.close)
            except OSError as error:
                _log.warning("control.unavailable", reason=error.strerror)
            yield
    finally:
        with suppress(OSError):
            (folder / SOCKET).unlink(missing_ok=True)
        await runner.cleanup()


def _admit(runner: web.AppRunner) -> asyncio.BaseProtocol:
    server = runner.server
    return _TurnedAway() if server is None or len(server.connections) >= MOST_CLIENTS else server()


class _TurnedAway(asyncio.Protocol):
    """Answers a client that is one too many, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request: an answer before it could be lost."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(_MOMENT, self._transport.abort)

    def data_received(self, _data: bytes) -> None:
        """Answer."""
        said = Line(error=f"{MOST_CLIENTS} clients are connected: try again when one of them has left.").to_json()
        head = f"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: {len(said)}\r\n\r\n"
        self._transport.write(head.encode() + said)
        self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop waiting."""
        self._timer.cancel()


async def call(
    folder: Path, command: str, arguments: Mapping[str, Any], progress: OnProgress | None = None
) -> Report | None:
    """Have the bot that runs on the log in ``folder`` carry out a command; None if no bot listens there.

    Raises ModerationError with the sentence of a refusal.
    """
    forever = aiohttp.ClientTimeout(total=None)
    try:
        with _address(folder) as address:
            connector = aiohttp.UnixConnector(address)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=forever, read_bufsize=_LONGEST_LINE // 2) as session,
                session.post("http://bot/", json={"command": command, "arguments": arguments}) as response,
            ):
                return await _report(response, progress)
    except aiohttp.ClientConnectorError as error:
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
            return None
        raise ModerationError(f"The bot that runs on {folder} can't be reached: {error.strerror}.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ModerationError("The bot went away before it answered: look at its state, then try again.") from error


async def _report(response: aiohttp.ClientResponse, progress: OnProgress | None) -> Report:
    """Read up to the report; raise ValueError if the connection ends before it or sends something else."""
    async for text in response.content:
        line = Line.model_validate_json(text)
        if line.error:
            raise ModerationError(line.error)
        if line.report is not None:
            return line.report
        if line.progress is not None and progress is not None:
            progress(*line.progress)
    raise ValueError


class Requests:
    """Carries out requests, up to ``MOST_AT_ONCE`` at once."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request line by line."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Connection": "close"})
        told: list[asyncio.Future[None]] = []

        def progress(done: int, total: int) -> None:
            told.append(asyncio.ensure_future(response.write(Line(progress=(done, total)).to_json())))

        # The client may leave at any moment.
        with suppress(ConnectionError):
            await response.prepare(request)
            last = await self._last_line(request, progress)
            await asyncio.gather(*told, return_exceptions=True)
            await response.write(last)
        return response

    async def _last_line(self, request: web.Request, progress: OnProgress) -> bytes:
        try:
            return Line(report=await self.carry_out(*await _request(request), progress)).to_json()
        except EcholessError as error:
            refusal = str(error)
        except Exception as error:  # noqa: BLE001 - no request may harm the bot
            _log.error("control.failed", error=type(error).__name__)
            refusal = f"The command failed ({type(error).__name__}): look into the bot's log."
        return Line(error=refusal).to_json()

    async def carry_out(self, command: Command, arguments: dict[str, Any], progress: OnProgress) -> Report:
        """Return a command's report; raise ModerationError if it is refused or has other arguments."""
        if self._room.locked():
            raise ModerationError(f"{MOST_AT_ONCE} commands are under way: try again when one of them is done.")
        if command.takes("progress"):
            arguments = arguments | {"progress": progress}
        try:
            async with self._room:
                run = validate_call(config=_EXACTLY)(partial(command.run, self._context))
                report: Report = await run(**arguments)
        except ValidationError as error:
            wrong = ", ".join(str(found["loc"][0]) for found in error.errors(include_input=False) if found["loc"])
            raise ModerationError(f"{command.name} does not take these arguments: {wrong}.") from None
        return report


async def _request(request: web.Request) -> tuple[Command, dict[str, Any]]:
    """Read a command and its arguments; raise ModerationError if the request is invalid or does not arrive in time."""
    if not _same_user(request):
        raise ModerationError("Only the user whose bot this is may ask it.")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            data = await request.read()
    except (TimeoutError, web.HTTPRequestEntityTooLarge):
        data = b""
    return read_request(data)


def read_request(data: bytes) -> tuple[Command, dict[str, Any]]:
    """Return the command and the arguments of a request's JSON; raise ModerationError if it is no request."""
    known = calls()
    try:
        asked = Request.model_validate_json(data)
    except ValidationError:
        asked = None
    if asked is None or asked.command not in known or "progress" in asked.arguments:
        raise ModerationError(f"That is no request: there are {', '.join(known)}, each with its arguments.") from None
    huge = [name for name, value in asked.arguments.items() if isinstance(value, int) and abs(value) > _LARGEST]
    if huge:
        raise ModerationError(f"These numbers are larger than any id or version: {', '.join(huge)}.")
    return known[asked.command], asked.arguments


def _listener(folder: Path) -> socket.socket:
    """Return a socket that only this user can open; it replaces one that a dead process left."""
    (folder / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # On Linux the socket has this mode from the beginning. Elsewhere nobody can connect before it listens.
        with suppress(OSError):
            os.fchmod(listener.fileno(), 0o600)
        with _address(folder) as address:
            listener.bind(address)
        if stat.S_IMODE((folder / SOCKET).lstat().st_mode) != 0o600:  # noqa: PLR2004 - its owner alone
            (folder / SOCKET).chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the address of the socket in ``folder``. If its path is too long, it leads through the open folder."""
    path = os.fspath(folder.absolute() / SOCKET)
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield path
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def _same_user(request: web.Request) -> bool:
    """Tell whether the client runs as this process's user or as root; True on systems that can't tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or request.transport is None:
        return option is None
    peer = request.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", peer)
    return user in (0, os.getuid())
