"""No step between versions is passed by: SQL reads no field of an event, but for the few that are listed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.codec import event_models, lifting
from bot.eventlog.log import EventLog
from bot.eventlog.personal import about
from bot.eventlog.words import Words, messages_by, words_of
from tests.newer import newer

PERSON = 900_000_000_000_000_007
ROOT = Path(__file__).parents[2]
READ: tuple[tuple[str, type[e.Event], int, str], ...] = (
    ("migrations/0006_erasing.sql", e.WordsErased, 1, "versions"),
    ("migrations/0006_erasing.sql", e.MessageDeleted, 1, ""),
    ("migrations/0006_erasing.sql", e.ChannelDeleted, 1, ""),
    ("receipts.py", e.ChannelDeleted, 1, ""),
    ("words.py", e.MessageReceived, 2, "author"),
    ("words.py", e.MessageImported, 2, "author"),
)
"""What SQL reads of events all the same: where, of which type, in which version, which field ("": the type's name).

A trigger can't lift an event. In ``words.py`` the value of the field, wherever it stands in the JSON, chooses what is
lifted: reading a million messages of people in order to find those of the bot would take seconds.
"""
SEARCHED = {"query.py": 1, "personal.py": 1, "words.py": 2}
"""How often SQL asks in each module whether an event's JSON holds an id."""
_OF_DATA = re.compile(r"(json_(?!valid)\w+|instr)\(\s*\{?(?:\w+\.)?data\b|\bdata\b\s*->")
_NAMED = re.compile(r"\btype\s*(?:=|<>|!=|IN\s*\()\s*'([a-z_]+\.[a-z_]+)'")
IDS = ("author_id", "user_id", "sent_id", "people", "reply_to", "by")
LOCKED = json.loads((ROOT / "tests" / "core" / "event_schemas.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("where", "model", "v", "field"), READ)
def test_what_sql_reads_is_the_version_that_it_was_written_for(
    where: str, model: type[e.Event], v: int, field: str
) -> None:
    """A new version, or a new name, needs a look at the place that reads the old one."""
    assert v == model.V, f"{model.TYPE} is v{model.V}, and SQL in {where} reads v{v}: see to it, then list it."
    assert lifting().stored_as(model.TYPE) == (model.TYPE,), (
        f"{model.TYPE} had another name, and SQL in {where} has one."
    )
    assert not field or field in model.model_fields


def test_nothing_else_of_an_event_is_read_by_sql() -> None:
    """What is found by an id, anywhere in the JSON, is lifted before anybody believes it."""
    reads: dict[str, int] = {}
    named: set[tuple[str, str]] = set()
    for path in (path for path in (ROOT / "bot").rglob("*") if path.suffix in {".py", ".sql"}):
        name, text = path.as_posix().partition("/bot/eventlog/")[2] or str(path), path.read_text(encoding="utf-8")
        if found := len(_OF_DATA.findall(text)):
            reads[name] = found
        named |= {(name, type_name) for type_name in _NAMED.findall(text)}

    assert reads == {**SEARCHED, "migrations/0006_erasing.sql": 1}, "Lift events, and see bot/eventlog/query.py."
    assert named == {(where, model.TYPE) for where, model, _, field in READ if where != "words.py"}, (
        "A type's name in SQL is that of one release: use codec.stored_as, or list the place above."
    )


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_ids_are_stored_in_decimal(name: str) -> None:
    """So a search for an event that holds one needs to know no field."""
    for field, schema in LOCKED[name].get("properties", {}).items():
        if field in IDS:
            assert re.search(r'"type": "(integer|string)"', json.dumps(schema))
            assert field == "by" or '"string"' not in json.dumps(schema)


def test_every_type_has_ids_under_the_names_that_are_looked_for() -> None:
    """The list of names above is that of the models."""
    assert set(IDS) <= {field for model in event_models() for field in model.model_fields}


async def test_what_can_not_be_read_is_of_whom_it_holds_the_id(log: EventLog) -> None:
    """A newer release may have the id under another name, and what nobody can tell must not keep words from going."""
    theirs, others = (
        newer("message.received", 2, key=e.Key(e.KeyKind.RECEIVED, number), about=number, who=who)
        for number, who in ((5, PERSON), (6, PERSON + 1))
    )
    summary = newer("conversation.summarised", 2, of=[PERSON]), newer("conversation.summarised", 2, of=[PERSON + 1])
    for event in (theirs, others, *summary):
        await log.append("channel:1", [event._replace(body=e.Body(parts=("hi",)))])

    found = await log.reader.connection.run(lambda raw: list(words_of(raw, Words(person_id=PERSON))))
    about_them = [each.position async for page in about(log.reader, PERSON) for each in page]

    assert await log.reader.connection.run(lambda raw: messages_by(raw, PERSON)) == {5}
    assert [version for _, version, _ in found] == [3]
    assert about_them == [1, 3]
