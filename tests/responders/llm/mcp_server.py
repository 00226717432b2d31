"""An MCP server with a few tools, over standard input and output; what it is called for it writes into a file.

python -m tests.responders.llm.mcp_server FILE
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("wiki")


def note(line: str) -> None:
    """Write a line, so that a test sees what was called."""
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def search(words: str) -> str:
    """Search the wiki."""
    note(f"search {words}")
    return f"{words}: see {os.environ.get('WIKI_KEY', 'no key')} and {os.environ.get('DISCORD_TOKEN', 'no token')}"


@server.tool()
def write(text: str) -> str:
    """Write a page, unless that is refused."""
    note(f"write {text}")
    if text == "refuse":
        raise ValueError("the wiki is closed")
    return "written"


if __name__ == "__main__":
    server.run()
