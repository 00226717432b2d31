"""The text that every contender stores: real chat where it is at hand, else words of the same lengths."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bot.core import events as e

RECORDING = Path(__file__).parents[2] / ".." / "shared" / "data" / "ubuntu-irc" / "channels.jsonl"
FIRST_ID = 1_300_000_000_000_000_000
_FIRST_AUTHOR = 200_000_000_000_000_000
_LENGTHS = (1, 4, 9, 13, 17, 21, 25, 30, 34, 39, 44, 49, 55, 62, 70, 80, 93, 108, 135, 186, 457)
"""The recording's lengths in characters, at each twentieth."""

_INVENTED = 11_057
_WORD = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the recording; ``raw`` is its own JSON."""

    channel: str
    author: str
    content: str
    bot: bool
    raw: str


@dataclass(frozen=True, slots=True, eq=False)
class Chat:
    """Lines and an id for each author; it begins again at its end."""

    lines: tuple[Line, ...]
    ids: dict[str, int]
    real: bool

    def received(self, number: int) -> tuple[e.MessageReceived, e.Body]:
        """Return the event and the words of the message with this number."""
        line = self.lines[number % len(self.lines)]
        event = e.MessageReceived(
            message_id=FIRST_ID + number * 1000,
            author_id=self.ids[line.author],
            author=e.Author.BOT if line.bot else e.Author.PERSON,
            sent_at=1_700_000_000_000_000 + number * 250_000,
            guild_id=7,
        )
        return event, e.Body(name=line.author, parts=(line.content,))


@cache
def chat_at(path: Path) -> Chat:
    """Return the recorded chat at ``path``, or an invented one where there is none."""
    real = path.is_file()
    # A seed repeats the invention.
    lines = tuple(_recorded(path) if real else _invented(random.Random(1)))  # noqa: S311
    names = dict.fromkeys(line.author for line in lines)
    return Chat(lines, {name: _FIRST_AUTHOR + number for number, name in enumerate(names)}, real)


def _recorded(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8") as file:
        for raw in file:
            row = json.loads(raw)
            if row["content"].strip():
                yield Line(row["channel"], row["author"], row["content"], row["bot"], raw.rstrip("\n"))


def _invented(chance: random.Random) -> Iterator[Line]:
    for number in range(_INVENTED):
        at = chance.random() * (len(_LENGTHS) - 1)
        low, high = _LENGTHS[int(at)], _LENGTHS[int(at) + 1]
        letters = chance.choices("etaoinshrdlu", k=round(low + (high - low) * (at % 1)))
        content = "".join(" " if place % _WORD == _WORD - 1 else letter for place, letter in enumerate(letters))
        author = f"person-{chance.randrange(1289)}"
        row = {"channel": "invented", "at": f"{number}", "author": author, "bot": False, "content": content}
        yield Line("invented", author, content, bot=False, raw=json.dumps(row))
