"""Tools of a real MCP server, in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.app.bot import clock
from bot.app.process import Process
from bot.app.responders import responders_of
from bot.cli.check_tools import check_tools
from bot.config import Config, load
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.replies.place_settings import Surroundings
from bot.responders import Asking, ToolFailed
from bot.responders.tools import FateUnknown

Module = Any
"""What is imported only where a test needs it."""
ROOT = Path(__file__).parents[3]
ASKING = Asking(1, 100, 5, 7, "Ada")
SETTINGS = """
[llm.tools]
allow = {{ recall = "*", "wiki_*" = [5], gone_search = "*" }}
[[llm.mcp]]
name = "wiki"
command = {command}
env = ["WIKI_KEY"]
[[llm.mcp]]
name = "gone"
command = ["/nowhere/at/all"]
"""


@pytest.fixture
def mcp() -> Module:
    """Return what asks servers. Importing it takes seconds, which only these tests are to spend."""
    return pytest.importorskip("bot.responders.llm.mcp", reason="needs the extra mcp", exc_type=ImportError)


async def test_a_server_is_asked(mcp: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what may be called again, and sees no secret that it is not given."""
    monkeypatch.setenv("WIKI_KEY", "key")
    monkeypatch.setenv("DISCORD_TOKEN", "SECRET")
    notes = tmp_path / "notes"
    command = [sys.executable, "-m", "tests.responders.llm.mcp_server", str(notes)]
    (source,) = mcp.sources([mcp.McpServer("wiki", command, env=("WIKI_KEY",), folder=ROOT)], os.environ)
    try:
        tools = {tool.name: tool for tool in await source.tools()}
        search, write = tools["wiki_search"], tools["wiki_write"]
        assert {name: tool.idempotent for name, tool in tools.items()} == {"wiki_search": True, "wiki_write": False}
        assert {name: tool.read_only for name, tool in tools.items()} == {"wiki_search": True, "wiki_write": False}
        assert (search.description, search.parameters["required"]) == ("Search the wiki.", ["words"])
        assert (await search.call({"words": "a"}, ASKING)).text == "a: see key and no token"
        assert (await write.call({"text": "on"}, ASKING)).text == "written"
        for wrong in ({"text": "refuse"}, {}):
            with pytest.raises(ToolFailed):
                await write.call(wrong, ASKING)
    finally:
        await source.close()

    assert notes.read_text(encoding="utf-8").split("\n")[:-1] == ["search a", "write on", "write refuse"]


async def test_where_a_server_ends_in_the_middle_nobody_knows(mcp: Module) -> None:
    """And it is started again for the next call."""
    (source,) = mcp.sources([mcp.McpServer("wiki", [sys.executable, "-c", SMALL])], {})
    try:
        (search,) = await source.tools()
        with pytest.raises(FateUnknown):
            await search.call({"words": "die"}, ASKING)
        assert (await search.call({"words": "on"}, ASKING)).text == "on"
    finally:
        await source.close()


@pytest.mark.usefixtures("mcp")
async def test_the_bots_of_a_process_share_a_server(tmp_path: Path) -> None:
    """It is started once, whatever the number of partitions."""
    notes = tmp_path / "notes"
    program = f"open({str(notes)!r}, 'a').write('begun. ')\n{SMALL}"
    config = Config.model_validate(
        {
            "shards": {"partitions": 2},
            "llm": {
                "tools": {"allow": {"wiki_*": "*"}},
                "mcp": [{"name": "wiki", "command": [sys.executable, "-c", program]}],
            },
        }
    )
    locations = {number: Location(tmp_path / "log").of(number, 2) for number in range(2)}
    process = Process(config, "token", responders_of(config), locations)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.close)
        logs = {}
        for number, location in locations.items():
            logs[number] = log = await open_log(location, clock=clock, full=False)
            stack.push_async_callback(log.close)
        offered = [bot.context.tools for bot in process.shard(0, logs).bots.values()]
        there = [await tools.at(5, Surroundings()) for tools in offered if tools is not None]

    assert [[tool.name for tool in tools or ()] for tools in there] == [["wiki_search"]] * 2
    assert notes.read_text(encoding="utf-8") == "begun. "


@pytest.mark.usefixtures("mcp")
async def test_check_says_which_servers_are_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And which tools may be called all the same."""
    monkeypatch.setenv("WIKI_KEY", "key")
    command = json.dumps([sys.executable, "-c", SMALL])
    (tmp_path / "config.toml").write_text(SETTINGS.format(command=command), encoding="utf-8")

    wiki, gone, tools = await check_tools(load(tmp_path / "config.toml", {}))

    assert (wiki.status, wiki.name, gone.status, gone.name) == ("ok", "mcp wiki", "fail", "mcp gone")
    assert (gone.found, "llm.mcp" in gone.todo) == ("can't be reached: No such file or directory", True)
    assert (tools.status, tools.found) == ("ok", "2 tools may be called: recall, wiki_search")


async def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    """Before the bot starts."""
    (tmp_path / "config.toml").write_text(SETTINGS.format(command="['wiki']"), encoding="utf-8")

    with pytest.raises(ConfigError, match="wiki names WIKI_KEY, which is not set"):
        await check_tools(load(tmp_path / "config.toml", {}))


SMALL = """
import json, os, sys

for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    given = asked.get("params", {}).get("arguments", {}).get("words", "")
    if given == "die":
        os._exit(1)
    results = {
        "initialize": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "small", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "search", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": given}]},
    }
    known = asked["method"] in results
    said = {"result": results[asked["method"]]} if known else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **said}), flush=True)
"""
"""A server with one tool, without a library that takes its time to be imported."""
