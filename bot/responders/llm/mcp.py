"""MCP servers as sources of tools, through pydantic-ai's own client (its extra ``mcp``).

A server that is a command runs as a child of the bot, with a few variables of the environment and those that the
settings name: never with the bot's token. What it writes to its standard error goes nowhere, because it may quote
people.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import McpError, ToolError
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import BinaryContent
from pydantic_core import to_json

from bot.errors import ConfigError
from bot.responders.tools import NAME_LENGTH, Asking, FateUnknown, Result, Tool, ToolFailed, ToolSource

SECONDS = 10.0
"""How long a server may take to tell which tools it has; an answer waits for it meanwhile."""
FRESH, PAUSE = 300.0, 30.0
"""Seconds until a server is asked again which tools it has, and until one that can't be reached is tried again."""
CONNECTION_CLOSED = -32000
"""The code of the SDK's error for a connection that ended (``mcp.types.CONNECTION_CLOSED``)."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class McpServer:
    """How a server is reached: by a ``command`` or at a ``url``.

    ``env`` are the names of variables that a command gets; ``token_env`` that of the one whose value is sent to an
    address as a bearer token ("": none).
    """

    name: str
    command: Sequence[str] = ()
    url: str = ""
    env: Sequence[str] = ()
    token_env: str = ""
    folder: Path = field(default_factory=Path.cwd)


class McpTool(Tool):
    """A tool of a server, under the server's name and its own."""

    def __init__(self, source: McpSource, told: Mapping[str, Any]) -> None:
        hints = told.get("annotations") or {}
        self._source, self._own_name = source, str(told["name"])
        self.name = f"{source.prefix}{self._own_name}"[:NAME_LENGTH]
        self.description = str(told.get("description") or "")
        self.parameters = told.get("inputSchema") or {"type": "object", "properties": {}}
        self.read_only = bool(hints.get("readOnlyHint"))
        self.idempotent = self.read_only or bool(hints.get("idempotentHint"))

    async def call(self, arguments: Mapping[str, object], asking: Asking) -> Result:
        """Have the server do it; raise ToolFailed with its words, or FateUnknown if it is gone."""
        del asking
        return Result(_text(await self._source.call(self._own_name, arguments)))


class McpSource(ToolSource):
    """The tools of one server. A command runs from its first use until :meth:`close`, and again when it has ended."""

    def __init__(self, server: McpServer, environ: Mapping[str, str]) -> None:
        self.name, self.prefix = server.name, f"{server.name}_"
        self._transport: StdioTransport | None = None
        if server.command:
            program, *arguments = server.command
            given = {name: environ[name] for name in server.env if name in environ}
            self._transport = StdioTransport(
                program, arguments, env=given, cwd=str(server.folder), log_file=Path(os.devnull)
            )
        headers = {"Authorization": f"Bearer {environ[server.token_env]}"} if server.token_env else None
        self._toolset: MCPToolset[None] = MCPToolset(
            self._transport or server.url,
            tool_error_behavior="error",
            headers=headers,
            init_timeout=SECONDS,
            read_timeout=None,
        )
        self._tools: tuple[Tool, ...] = ()
        self._trouble = ""
        self._due = 0.0
        self._lock = asyncio.Lock()

    async def tools(self) -> Sequence[Tool]:
        """Return the tools that the server told of; ask it if that is too long ago."""
        async with self._lock:
            if time.monotonic() >= self._due:
                before = self._trouble
                await self._look()
                if self._trouble and self._trouble != before:
                    _log.warning("mcp.away", server=self.name, reason=self._trouble)
        return self._tools

    async def trouble(self) -> str:
        """Ask the server now, and return why it can't be reached, "" if it can."""
        async with self._lock:
            await self._look()
        return self._trouble

    async def _look(self) -> None:
        self._trouble = ""
        try:
            async with asyncio.timeout(SECONDS):
                listed = await self._toolset.list_tools()
            self._tools = tuple(McpTool(self, each.model_dump(by_alias=True, mode="json")) for each in listed)
        except Exception as error:  # noqa: BLE001 - a server may send anything, so a library may raise anything
            self._tools, self._trouble = (), _reason(error)
        self._due = time.monotonic() + (PAUSE if self._trouble else FRESH)

    async def call(self, name: str, arguments: Mapping[str, object]) -> object:
        """Call a tool of the server; raise ToolFailed with its words, or FateUnknown if it went away meanwhile."""
        try:
            return await self._toolset.direct_call_tool(name, dict(arguments))
        except ToolError as error:
            raise ToolFailed(str(error)) from None
        except McpError as error:
            if error.error.code == CONNECTION_CLOSED:
                raise FateUnknown from None
            raise ToolFailed(str(error)) from None
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("mcp.away", server=self.name, reason=_reason(error))
            raise FateUnknown from None

    async def close(self) -> None:
        """End a command."""
        if self._transport is not None:
            await self._transport.disconnect()  # type: ignore[no-untyped-call]


def sources(servers: Sequence[McpServer], environ: Mapping[str, str]) -> list[McpSource]:
    """Return servers as sources; raise ConfigError if a variable is missing."""
    missing = [
        f"llm.mcp of {server.name} names {name}, which is not set: set it in the environment or in .env."
        for server in servers
        for name in (*server.env, server.token_env)
        if name and name not in environ
    ]
    if missing:
        raise ConfigError(*missing)
    return [McpSource(server, environ) for server in servers]


def _text(result: object) -> str:
    """Return what a server returned as a text; pictures and sounds are only named."""
    match result:
        case str():
            return result
        case list():
            return "\n".join(map(_text, result))
        case BinaryContent(data=data, media_type=kind):
            return f"[{kind}, {len(data)} bytes]"
    return to_json(result, fallback=str).decode()


def _reason(error: BaseException) -> str:
    """Return why a server can't be reached, in our own words: those of an error may quote people."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"silent for {SECONDS:g} s"
    if isinstance(error, McpError) and error.error.code == CONNECTION_CLOSED:
        return "it ended before it answered"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
