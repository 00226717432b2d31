"""The settings of the tools that language models may call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.config.engines import Variable
from bot.config.section import COUNT, POSITIVE_DURATION, SWITCH, Section
from bot.config.values import EXTENSION, Dollars, HttpAddressOrNone, Positive, PositiveDuration, Snowflake, Switch, Text
from bot.core.events import MOST_CALLS

ALLOW = (
    'a table of tools and where each may be used, such as {recall = "*", weather = [123456789012345678]}: ids of '
    'servers or channels, or "*" for everywhere'
)
TOOLS = 'a table such as {allow = {recall = "*"}, calls = 5}'
SERVERS = 'a list of tables such as {name = "wiki", command = ["wiki-mcp"]} or {name = "wiki", url = "https://..."}'
CALLS = f"a whole number from 1 to {MOST_CALLS}"
SERVER = "a name of at most 20 lower-case letters and digits that begins with a letter"
COST = 'an amount of dollars, more than 0, or "off"'
VARIABLES = "a list of names of environment variables"

_GRANTED = re.compile(r"[a-zA-Z0-9_-]{1,63}\*?")


def _tool_name(name: str) -> str:
    if not (EXTENSION.fullmatch(name) or _GRANTED.fullmatch(name)):
        raise ValueError  # the sentence is built from the setting's description
    return name


def _places(value: object) -> object:
    return None if value == "*" else value


Places = Annotated[tuple[Snowflake, ...] | None, BeforeValidator(_places)]
"""Ids of servers and channels; None: everywhere."""

ToolName = Annotated[str, AfterValidator(_tool_name)]


class ToolSettings(Section):
    """Which tools may be called and where, and the limits of their calls."""

    allow: Mapping[ToolName, Places] = Field({}, description=ALLOW)
    calls: Annotated[Positive, Field(le=MOST_CALLS)] = Field(5, description=CALLS)
    timeout: PositiveDuration = Field(timedelta(seconds=20), description=POSITIVE_DURATION)
    result_bytes: Positive = Field(8000, description=COUNT)
    cost: Dollars = Field(None, description=COST)
    sources: Switch = Field(default=True, description=SWITCH)


class McpSettings(Section):
    """An MCP server: a command that the bot runs, or an address.

    ``env`` are variables of the environment that the command is given; ``token_env`` is the one that holds the bearer
    token for the address.
    """

    name: str = Field(description=SERVER, pattern=r"^[a-z][a-z0-9]{0,19}$")
    command: tuple[Text, ...] = Field((), description='a command and its arguments such as ["wiki-mcp", "--quiet"]')
    url: HttpAddressOrNone = Field("", description="an http:// or https:// address")
    env: tuple[Variable, ...] = Field((), description=VARIABLES)
    token_env: Variable | Literal[""] = Field("", description="the name of an environment variable")
