"""The checks of tools: which may be called, and whether the MCP servers that bring some can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.app.tools import RECALL, tools_of
from bot.cli.check_result import Result, failed, fine, warned
from bot.config import Config
from bot.moderation.text import count_text, printable
from bot.replies.toolkit import fits
from bot.responders.tools import ToolSource


async def check_tools(config: Config) -> list[Result]:
    """Look for every tool that the settings allow; MCP servers are asked which they have, and nothing is called."""
    if not (config.llm.tools.allow or config.llm.mcp):
        return []
    offered = tools_of(config)
    try:
        troubles = await asyncio.gather(*(source.trouble() for source in offered.sources))
        there = [tool.name for source in offered.sources for tool in await source.tools()]
    finally:
        await offered.close()
    results = [
        _server(source, trouble) for source, trouble in zip(offered.sources, troubles, strict=True) if source.name
    ]
    away = tuple(source.prefix for source, trouble in zip(offered.sources, troubles, strict=True) if trouble)
    return [*results, _allowed(offered.allow, [RECALL, *there], away)]


def _server(source: ToolSource, trouble: str) -> Result:
    name = f"mcp {source.name}"
    if trouble:
        todo = "Start it, or correct its command or url in llm.mcp: until then answers are written without its tools."
        return failed(name, f"can't be reached: {printable(trouble)}", todo)
    return fine(name, "is there")


def _allowed(grants: Iterable[str], there: list[str], away: tuple[str, ...]) -> Result:
    """Say which tools may be called somewhere, and which are allowed and not there."""
    found = sorted({name for name in there if any(fits(name, grant) for grant in grants)})
    lacking = [grant for grant in grants if not any(fits(name, grant) for name in there)]
    unknown = [grant for grant in lacking if not grant.startswith(away)] if away else lacking
    if unknown:
        others = ", ".join(name for name in there if name not in found) or "no others"
        todo = f"Correct the name in llm.tools.allow; there are {printable(others)}."
        return warned("tools", f"allowed and not there: {', '.join(unknown)}", todo)
    if not found:
        return warned("tools", "none may be called anywhere", "Name some in llm.tools.allow.")
    return fine("tools", f"{count_text(len(found), 'tool')} may be called: {', '.join(found)}")
