"""A language model that has two errands run before it answers: one that must not be run twice, and one that may."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tests.responders.llm.model_server import ModelServer, Script

ERRANDS = """
import os
import signal
from pathlib import Path

from bot.responders import tool

DONE, DOOM = Path(__file__).with_name("errands"), Path(__file__).with_name("doom")


def die(when: str) -> None:
    if DOOM.exists() and DOOM.read_text(encoding="ascii") == when:
        DOOM.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def note(what: str) -> str:
    with DONE.open("a", encoding="utf-8") as file:
        file.write(f"{what}\\n")
    return f"{what}: done"


@tool()
async def book() -> str:
    die("before")
    said = note("book")
    die("after")
    return said


@tool(idempotent=True)
async def look() -> str:
    return note("look")
"""
SETTINGS = '[llm.tools]\nallow = {"errands:book" = "*", "errands:look" = "*"}\n'


class Clerk(ModelServer):
    """Asks for ``book``, then for ``look``, then answers; what it is told does not change that."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        (folder / "errands.py").write_text(ERRANDS, encoding="utf-8")

    async def _completions(self, http: web.Request) -> web.StreamResponse:
        told = sum(message["role"] == "tool" for message in (await http.json())["messages"])
        name = ("book", "look")[told] if told < 2 else ""
        self.script = Script(["One moment."], calls=[(name, "{}")]) if name else Script(["That is all."])
        return await super()._completions(http)

    @property
    def trouble(self) -> str:
        """Say what was run too often, or not at all; "" where nothing was."""
        done = self._folder / "errands"
        ran = done.read_text(encoding="utf-8").split() if done.exists() else []
        if ran.count("book") > 1:
            return f"book was run {ran.count('book')} times"
        return "" if "look" in ran else "look was not run"
