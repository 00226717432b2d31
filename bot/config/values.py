"""The types of settings: durations, rates, ids, addresses.

Each refuses a value with a plain ``ValueError``. The sentence that people read is built from the setting's description.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from bot import times
from bot.core.buttons import LONGEST_LABEL
from bot.core.ending import LONGEST_MARK
from bot.core.events import Button
from bot.replies.notices import Reason, emoji_of
from bot.replies.words import WORDS

RATE = re.compile(r"(?P<count>[0-9]{1,9})/(?P<per>.+)")
EXTENSION = re.compile(r"[a-z][a-z0-9_-]{0,31}|\w+(\.\w+)*:\w+(\.\w+)*")
SNOWFLAKE_END = 2**63
LONGEST_NAME = 32
"""Characters of the longest name that Discord takes (docs: user, usernames and nicknames)."""
LARGEST = 10**15
"""The largest number of a setting that is no id. What is larger is a slip, and may fit into no other program."""

NOTICES: Mapping[Reason, str] = {
    "waiting": "\N{HOURGLASS WITH FLOWING SAND}",
    "expired": "\N{HOURGLASS}",
    "refused": "\N{NO ENTRY SIGN}",
    "failed": "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
    "no_answer": "\N{WHITE QUESTION MARK ORNAMENT}",
    "paused": "\N{DOUBLE VERTICAL BAR}\N{VARIATION SELECTOR-16}",
}
"""The default notices for a question that waits or gets no answer."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` in any stretch of ``per``."""

    count: int
    per: timedelta


def parse_duration(value: object) -> timedelta:
    """Read ``1h30m``, ``20s`` or ``250ms``: numbers with units, the largest first."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - pydantic makes a finding of this alone
    return times.parse_duration(value)


def parse_rate(value: object) -> Rate | None:
    """Read ``30/1m``; ``off`` is no limit (None)."""
    if value is None or value == "off":
        return None
    if isinstance(value, Rate):
        return value
    found = RATE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError
    rate = Rate(int(found["count"]), parse_duration(found["per"]))
    if not rate.count or not rate.per:
        raise ValueError
    return rate


def parse_or_off(value: object) -> object:
    """Read ``off`` as no limit (None)."""
    return None if value == "off" else value


def parse_every(value: object) -> timedelta | None:
    """Read how often; ``off`` is never (None)."""
    return None if value in (None, "off") else _positive(parse_duration(value))


def parse_age(value: object) -> timedelta | None:
    """Read how long something is kept; ``forever`` is without an end (None)."""
    return None if value in (None, "forever") else _positive(parse_duration(value))


def parse_snowflake(value: object) -> int:
    """Read a Discord id, a number or a string. JSON needs strings, because large numbers lose digits there."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < SNOWFLAKE_END:
        raise ValueError
    return value


def parse_snowflake_or_none(value: object) -> int | None:
    """Read a Discord id; an empty text is None."""
    return parse_snowflake(value) if value not in (None, "") else None


def parse_path(value: object) -> Path:
    """Read a path, ``~`` included."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError
    return Path(os.path.expanduser(value))  # noqa: PTH111 - Path.expanduser raises where there is no home


def parse_path_or_none(value: object) -> Path | None:
    """Read a path; an empty text is None."""
    return parse_path(value) if value not in (None, "") else None


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError
    return value


def _address(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise ValueError
        return value.rstrip("/")

    return check


def _without_query(value: object) -> object:
    """Remove the version and the encoding from an address as Discord documents it; discord.py adds its own."""
    return value.partition("?")[0] if isinstance(value, str) else value


def _or_empty(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda value: check(value) if value else value)


def parse_names(value: object) -> object:
    """Read one name as a list of one; refuse a list that is empty or has a name twice."""
    names = (value,) if isinstance(value, str) else value
    if isinstance(names, list | tuple) and (not names or len(set(map(str, names))) != len(names)):
        raise ValueError
    return names


def beside_defaults(value: object) -> object:
    """Read a table of notices; reasons that are not in it keep their default."""
    if not isinstance(value, Mapping):
        return value
    waiting = value.get("waiting", "")
    if isinstance(waiting, str) and waiting and not emoji_of(waiting):
        raise ValueError
    return {**NOTICES, **value}


def parse_words(value: object) -> object:
    """Read a table of the bot's own words; those that are not in it keep their default."""
    if not isinstance(value, Mapping):
        return value
    for word, text in value.items():
        longest = LONGEST_LABEL if word in set(Button) else LONGEST_MARK
        if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > longest:
            raise ValueError
    return {**WORDS, **value}


def parse_name(value: str) -> str:
    """Read a name by which people call the bot."""
    name = value.strip().removeprefix("@")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or not any(map(str.isalnum, name)):
        raise ValueError
    return name


def parse_extension(value: str) -> str:
    """Read the name of a responder or a consumer, or ``module:Class``."""
    if not EXTENSION.fullmatch(value):
        raise ValueError
    return value


def parse_model(value: str) -> str:
    """Read ``provider:model``."""
    provider, _, model = value.partition(":")
    if not provider.strip() or not model.strip() or not value.isprintable():
        raise ValueError
    return value


def without_huge_numbers(value: Mapping[str, object]) -> Mapping[str, object]:
    """Refuse a table that holds a whole number of more than 64 bits, at any depth."""
    within: list[object] = [value]
    while within:
        inner = within.pop()
        if isinstance(inner, int) and not -SNOWFLAKE_END <= inner < SNOWFLAKE_END:
            raise ValueError
        within += inner.values() if isinstance(inner, Mapping) else inner if isinstance(inner, list | tuple) else ()
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Every = Annotated[timedelta | None, BeforeValidator(parse_every)]
Age = Annotated[timedelta | None, BeforeValidator(parse_age)]
Tokens = Annotated[Annotated[int, Strict(), Field(ge=1, le=LARGEST)] | None, BeforeValidator(parse_or_off)]
Dollars = Annotated[Annotated[float, Field(gt=0, le=LARGEST)] | None, BeforeValidator(parse_or_off)]
Limit = Annotated[Rate | None, BeforeValidator(parse_rate)]
Snowflake = Annotated[int, BeforeValidator(parse_snowflake)]
SnowflakeOrNone = Annotated[int | None, BeforeValidator(parse_snowflake_or_none)]
FilePath = Annotated[Path, BeforeValidator(parse_path)]
FilePathOrNone = Annotated[Path | None, BeforeValidator(parse_path_or_none)]
HttpAddress = Annotated[str, AfterValidator(_address("http", "https"))]
WebsocketAddress = Annotated[str, BeforeValidator(_without_query), AfterValidator(_address("ws", "wss"))]
HttpAddressOrNone = Annotated[str, _or_empty(_address("http", "https"))]
ModelName = Annotated[str, AfterValidator(parse_model)]
ModelNameOrNone = Annotated[str, _or_empty(parse_model)]
Name = Annotated[str, AfterValidator(parse_name)]
ExtensionName = Annotated[str, AfterValidator(parse_extension)]
Switch = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(le=LARGEST)]
Positive = Annotated[Whole, Field(ge=1)]
Price = Annotated[float, Field(ge=0, le=LARGEST)]
Made = Annotated[Mapping[str, object], AfterValidator(without_huge_numbers)]
Text = Annotated[str, Field(min_length=1)]
NoticeText = Annotated[str, Field(max_length=1000)]
