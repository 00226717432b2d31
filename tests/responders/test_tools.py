"""Functions as tools, and how they are found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from bot.app.tools import tools_of
from bot.config import load
from bot.errors import ConfigError
from bot.responders import Asking, FunctionTool, Misfit, Result, tool
from bot.responders.load_tool import load_tool

ASKING = Asking(1, 100, 5, 7, "Ada")


async def add(one: int, other: Annotated[int, Field(description="what is added", ge=0)] = 1) -> dict[str, int]:
    """Add numbers."""
    return {"sum": one + other}


async def test_a_function_is_a_tool_by_its_types() -> None:
    """What is no text becomes JSON."""
    made = FunctionTool(add)

    assert (made.name, made.description, made.idempotent) == ("add", "Add numbers.", False)
    assert made.parameters == {
        "additionalProperties": False,
        "properties": {
            "one": {"title": "One", "type": "integer"},
            "other": {"default": 1, "description": "what is added", "minimum": 0, "title": "Other", "type": "integer"},
        },
        "required": ["one"],
        "type": "object",
    }
    assert await made.call({"one": 2}, ASKING) == Result('{"sum":3}')
    with pytest.raises(Misfit, match="other: Input should be greater than or equal to 0"):
        made.check({"one": 2, "other": -1})


async def test_it_may_ask_on_whose_behalf_it_is_called() -> None:
    """The model is not told of that parameter."""

    @tool(name="who", idempotent=True)
    async def asks(asking: Asking) -> str:
        return asking.author

    assert (asks.name, asks.idempotent, asks.parameters["properties"]) == ("who", True, {})
    assert await asks.call({}, ASKING) == Result("Ada")


MODULE = """
import socket

from bot.responders import tool


def plain(town: str) -> str: ...
async def untyped(town): ...
async def many(*towns: str): ...
async def strange(socket: socket.socket): ...
async def fine(town: str) -> str: return town
five = 5


@tool(name="fine")
async def other(town: str) -> str: return town
"""
WRONG = {
    "plain": "it is no `async def`: make it one, and have what blocks run by asyncio.to_thread",
    "untyped": "its parameter town has no type, or is no plain one: give it a type",
    "many": "its parameter towns has no type, or is no plain one: give it a type",
    "strange": "its parameters have types of which no model can be told (",
    "five": "it is no function: name an `async def`",
    "lacking": " has no lacking: correct the name, or write the class there",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a module of tools."""
    (tmp_path / "errands_here.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_what_is_no_tool_is_told(folder: Path) -> None:
    """With what to do."""
    assert load_tool("errands_here:fine", folder).name == "fine"
    for name, said in WRONG.items():
        with pytest.raises(ConfigError) as refused:
            load_tool(f"errands_here:{name}", folder)
        assert f'llm.tools.allow names "errands_here:{name}", which can\'t be used; ' in str(refused.value)
        assert said in str(refused.value)


def test_a_name_that_is_none_is_not_repeated(folder: Path) -> None:
    """What is meant is."""
    with pytest.raises(ConfigError, match=r'there are "recall" \(did you mean "recall"\?\)'):
        load_tool("recal", folder)


SETTINGS = {
    "allow = { 'errands_here:fine' = '*', 'errands_here:other' = [5] }": "names two tools that are called fine",
    "allow = { recall = 'everywhere' }": "llm.tools.allow.recall has to be a table of tools and where each may be used",
    "allow = { recall = ['here'] }": "llm.tools.allow.recall has to be a table of tools and where each may be used",
    "allow = { 'no name' = '*' }": "has to be a table of tools and where each may be used",
    "calls = 0": "llm.tools.calls has to be a whole number from 1 to 999, not 0",
    "call = 3": "[llm.tools] has no setting 'call': did you mean 'calls'?",
    "timeout = 'soon'": "llm.tools.timeout has to be a duration",
    "[[llm.mcp]]\nname = 'Wiki'": "llm.mcp.name has to be a name of at most 20 lower-case letters",
    "[[llm.mcp]]\nurl = 'https://wiki'": "llm.mcp.name is missing",
    "[[llm.mcp]]\nname = 'wiki'": "llm.mcp of wiki has to have either a command or a url",
    "[[llm.mcp]]\nname = 'a'\nurl = 'http://a'\n[[llm.mcp]]\nname = 'a'\nurl = 'http://a'": "names a server twice",
}


def test_settings_that_are_wrong_are_told(folder: Path) -> None:
    """Each by its place, and before anything is started."""
    for text, said in SETTINGS.items():
        (folder / "config.toml").write_text(f"[llm.tools]\n{text}", encoding="utf-8")
        with pytest.raises(ConfigError) as refused:
            tools_of(load(folder / "config.toml", {}), {})
        assert said in str(refused.value)


def test_where_tools_may_be_used_goes_by_the_names_that_models_know(folder: Path) -> None:
    """Ids, or everywhere."""
    allow = "allow = { 'errands_here:fine' = [5, '6'], recall = '*', 'wiki_*' = '*' }"
    (folder / "config.toml").write_text(f"[llm.tools]\n{allow}", encoding="utf-8")

    offered = tools_of(load(folder / "config.toml", {}), {})

    assert offered.allow == {"fine": frozenset({5, 6}), "recall": None, "wiki_*": None}
