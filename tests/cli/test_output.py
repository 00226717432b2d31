"""What is written is safe for a terminal and keeps ids whole."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from rich.table import Table
from rich.text import Text

from bot.cli.output import ID_FIELDS, console, plain, printable, size_text, to_json
from bot.core import commands as c
from bot.core.conversation import Conversation
from bot.core.events import CatchupStarted, MessageReceived
from bot.core.outbox import Pending
from bot.core.reply_record import ReplyRecord
from bot.core.window import Turn
from bot.eventlog.codec import event_models
from bot.moderation.text import SHOWN_AS
from bot.times import iso_time
from tests.cli.conftest import GENERAL, Run

# What an event holds of numbers whose names do not say that they are a time, a position, a version or an id.
NUMBERS = {
    "at", "attempt", "continues", "cost_micros", "count", "cut", "deleted", "first", "generation", "guilds",
    "incarnation", "kind", "last", "length_ms", "lost", "missing", "model_set", "next_undo", "nth", "number", "part",
    "parts", "persona", "pid", "previous", "size", "summary", "to", "tokens_in", "tokens_out", "turns",
    "undoes", "v",
}  # fmt: skip
COUNTS = {
    "abandoned", "attempt", "attempts", "begun_generation", "bots", "bots_in_a_row", "cost_micros", "foreign",
    "generation", "imported", "part", "received", "room", "sent", "skipped", "tokens_in", "tokens_out", "unreadable",
}  # fmt: skip
STATE = (Conversation, Pending, Turn)
MARK = re.compile(r"(?:.+_)?(?:position|version)|.+_at")
ID = re.compile(r".+_ids?")


def _numbers(annotation: object, name: str) -> Iterator[str]:
    """Yield the names of fields that hold whole numbers, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for inner, field in annotation.model_fields.items():
            yield from _numbers(field.annotation, inner)
    elif isinstance(annotation, type) and hasattr(annotation, "_fields"):
        yield from annotation._fields
    elif annotation is int:
        yield name
    for part in get_args(annotation):
        yield from _numbers(part, name)


def test_every_number_of_an_event_is_an_id_or_not() -> None:
    """A new field that holds a Discord id must be among ID_FIELDS, any other number say what it is."""
    names = {name for model in event_models() for name in _numbers(model, "")} - {"role"}

    assert {name for name in names - ID_FIELDS if not MARK.fullmatch(name)} <= NUMBERS <= names
    assert not {name for name in ID_FIELDS if name in NUMBERS or MARK.fullmatch(name)}
    assert {name for name in names if ID.fullmatch(name)} <= ID_FIELDS


def _numbers_of(model: type[Any]) -> set[str]:
    return {name for name, annotation in get_type_hints(model).items() if name in _numbers(annotation, name)}


@pytest.mark.parametrize("model", [*STATE, ReplyRecord, c.Remembered, c.Spent, *get_args(c.Command)])
def test_every_number_of_the_core_says_what_it_is(model: type[Any]) -> None:
    """By the end of its name, or it counts something."""
    assert {name for name in _numbers_of(model) if not (MARK.fullmatch(name) or ID.fullmatch(name))} <= COUNTS


@pytest.mark.parametrize("model", STATE)
def test_what_a_name_calls_an_id_is_shown_as_one(model: type[Any]) -> None:
    """And nothing else of the state."""
    names = _numbers_of(model)

    assert {name for name in names if SHOWN_AS.get(name, name) in ID_FIELDS} == set(filter(ID.fullmatch, names))


def test_what_is_shown_under_another_name_is_there() -> None:
    """And that name is nobody else's."""
    names = {field.name for model in STATE for field in fields(model)}

    assert set(SHOWN_AS) <= names
    assert not set(SHOWN_AS.values()) & names
    assert len(set(SHOWN_AS.values())) == len(SHOWN_AS)


def test_ids_are_text_and_nothing_is_left_out() -> None:
    """As Discord writes them: many readers of JSON round numbers beyond 2**53."""
    event = MessageReceived(message_id=2**60 + 1, author_id=7, sent_at=3)

    written: dict[str, Any] = json.loads(to_json(plain(event)))

    assert written["message_id"] == str(2**60 + 1)
    assert written["sent_at"] == 3
    assert written["reply_to"] is None
    assert list(written) == list(MessageReceived.model_fields)


def test_no_id_is_null() -> None:
    """Nothing in Discord has the id 0."""
    assert {"after": None} == plain(CatchupStarted(after=0))
    assert ["5", None] == plain(Pending(1, 2, 3, 4, sent_ids=(5, 0)))["sent_ids"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain, with ä and 👩‍🚀", "plain, with ä and 👩‍🚀", id="words stay"),
        pytest.param("\x1b[2Jgone", r"\x1b[2Jgone", id="an escape sequence"),
        pytest.param("\x9b2Jgone", r"\x9b2Jgone", id="the same in one character"),
        pytest.param("a\nb\rc\u2028", r"a\nb\rc\u2028", id="line ends"),
        pytest.param("\u202etxt.exe", r"\u202etxt.exe", id="another direction"),
        pytest.param("half \ud83d", r"half \ud83d", id="half a character"),
    ],
)
def test_words_are_made_printable(text: str, shown: str) -> None:
    """What people write must not drive the operator's terminal."""
    assert shown == printable(text)


@given(st.text())
def test_json_is_one_line_of_plain_characters(text: str) -> None:
    """Whatever is in it, it comes back the same."""
    written = to_json({"text": text})

    assert written.isascii()
    assert written.isprintable()
    assert {"text": text} == json.loads(written)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (5 * 2**30, "5.0 GiB"), (2**52, "4,096.0 TiB")],
)
def test_sizes_have_units(size: int, shown: str) -> None:
    """Powers of 1024."""
    assert shown == size_text(size)


@given(st.integers(0, 2**52))
def test_times_keep_their_microseconds(moment: int) -> None:
    """No float in between."""
    assert iso_time(moment)[-13:-6] == f".{moment % 1_000_000:06}"


BOX = re.compile("[\u2500-\u259f]")
LONG = "much " * 60


def shown(*, terminal: bool) -> str:
    """Return a table as the command line writes it."""
    table = Table("name", "what is said", title="all of it", title_justify="left")
    table.add_row("a", Text(LONG, style="red"))
    table.add_row("b\tc", "d\ne")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setenv("TTY_COMPATIBLE", "1" if terminal else "0")
        patch.setenv("COLUMNS", "60")
        console().table(table)
        console().print(LONG)
    return out.getvalue()


def test_a_table_on_a_pipe_is_lines_with_tabs() -> None:
    """Nothing is drawn, cut, padded or broken."""
    assert shown(terminal=False) == f"all of it\nname\twhat is said\na\t{LONG}\nb c\td e\n{LONG}\n"


def test_a_table_on_a_terminal_is_drawn() -> None:
    """As wide as that is."""
    lines = shown(terminal=True).splitlines()

    assert BOX.search("".join(lines))
    assert len(lines) > 10


@pytest.mark.parametrize(
    "command",
    ["log stats", f"replay --channel {GENERAL}", f"replay --words --channel {GENERAL}", "check"],
)
def test_no_command_draws_on_a_pipe(command: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither boxes nor bars."""
    monkeypatch.setenv("ECHOLESS_DISCORD__API_URL", "http://127.0.0.1:9/api")

    out = run(*command.split(), "--log", folder).out

    assert out.count("\t") > 1
    assert not BOX.search(out)
    assert not any(line.endswith(" ") for line in out.splitlines())
