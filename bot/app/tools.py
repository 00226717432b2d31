"""Makes the tools that the settings name."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from bot.config import Config
from bot.config.tools import McpSettings
from bot.consumers.scan import Scan
from bot.errors import ConfigError
from bot.eventlog.reader import Reader
from bot.moderation.recall import Recall
from bot.moderation.sought import Index
from bot.replies.toolkit import ANY, Places, Tools
from bot.responders.load_tool import load_tool
from bot.responders.tools import Fixed, Limits, Tool, ToolSource

RECALL = "recall"
SCANNED = 2000
"""Events of a channel that the tool ``recall`` looks through where there is no index of words."""
DOLLAR = 1_000_000
"""Costs are counted in millionths."""

_MCP = "bot.responders.llm.mcp"


class Offered(NamedTuple):
    """Where tools come from, and where each may be used, by the name that models know it by.

    A process has one, which all its bots share: so each MCP server is started once.
    """

    sources: Sequence[ToolSource] = ()
    allow: Mapping[str, Places] = MappingProxyType({})

    async def close(self) -> None:
        """Close the connections of all sources."""
        await asyncio.gather(*(source.close() for source in self.sources), return_exceptions=True)


NOTHING_OFFERED = Offered()


def tools_of(config: Config, environ: Mapping[str, str] = os.environ) -> Offered:
    """Return the tools of the settings, but for our own; raise ConfigError, which names all problems.

    ``environ`` holds the secrets of MCP servers.
    """
    functions: list[Tool] = []
    allow: dict[str, Places] = {}
    problems: list[str] = []
    servers = {server.name for server in config.llm.mcp}
    for name, places in grants_of(config).items():
        known = name
        if name != RECALL and not name.endswith(ANY) and name.partition("_")[0] not in servers:
            try:
                functions.append(load_tool(name, config.folder))
                known = functions[-1].name
            except ConfigError as error:
                problems += error.problems
        if known in allow:
            problems.append(f"llm.tools.allow names two tools that are called {known}: give one another name.")
        allow[known] = places
    found: list[ToolSource] = [Fixed(functions)]
    try:
        found += _servers(config, environ)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return Offered(found, allow)


def grants_of(config: Config) -> dict[str, Places]:
    """Return where each tool of the settings may be used, by its name there."""
    allow = config.llm.tools.allow
    return {name: None if places is None else frozenset(places) for name, places in allow.items()}


def tools_over(
    config: Config, offered: Offered, reader: Reader, index: Index | None, opted_out: Container[int]
) -> Tools | None:
    """Return the tools of the settings and our own, which read a log; None if none may be used anywhere.

    ``index`` finds words in the log (None: there is none), ``opted_out`` are ids of people.
    """
    if not offered.allow:
        return None
    tools = config.llm.tools
    recall = Recall(reader, index, Scan(reader, 0, limit=SCANNED), opted_out)
    cost = round((tools.cost or 0) * DOLLAR)
    limits = Limits(tools.calls, tools.timeout.total_seconds(), tools.result_bytes, cost)
    return Tools((Fixed([recall.tool()]), *offered.sources), offered.allow, limits, tools.sources)


def _servers(config: Config, environ: Mapping[str, str]) -> Sequence[ToolSource]:
    """Return the MCP servers. The library takes its time to import, so it is imported here."""
    servers = config.llm.mcp
    if not servers:
        return ()
    if len({server.name for server in servers}) < len(servers):
        raise ConfigError("llm.mcp names a server twice: give each a name of its own.")
    if wrong := [server.name for server in servers if bool(server.command) == bool(server.url)]:
        raise ConfigError(f"llm.mcp of {', '.join(wrong)} has to have either a command or a url.")
    try:
        module = importlib.import_module(_MCP)
    except ImportError as error:
        raise ConfigError(
            f"llm.mcp needs a package that is not installed ({error.name or 'fastmcp'}): pip install 'echoless[mcp]'."
        ) from error
    made: Sequence[ToolSource] = module.sources([_server(module, each, config) for each in servers], environ)
    return made


def _server(module: object, server: McpSettings, config: Config) -> object:
    return module.McpServer(  # type: ignore[attr-defined]  # imported when it is used
        server.name, server.command, server.url, server.env, server.token_env, config.folder
    )
