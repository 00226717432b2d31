"""The records of a log in an engine: what they are made of is for ever, and what is no record is told."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import LogDamaged, LogForeign, LogUnwritable
from bot.eventlog.batch import COLUMNS, WIDTH
from bot.eventlog.remote.port import NOTHING, Entry
from bot.eventlog.remote.record import (
    Kind,
    Rows,
    facts_of_claim,
    facts_of_rows,
    read_record,
    split,
    unpack_words,
    words_of_rows,
)

OWNER, PREV = bytes(range(16)), bytes(range(32))
FIRST = (
    7, 3, 2, "message.received", 1, 1_700_000_000_000_000, 1, 42, None, 42, None, '{"n":"ä"}', b"d" * 32, b"h" * 32,
    99, b"s" * 16, b"sealed", "channel:1", 0,
)  # fmt: skip
SECOND = (
    8, 3, 3, "reply.requested", 1, 1_700_000_000_000_001, None, None, None, None, 7, "{}", None, b"i" * 32,
    None, None, None, None, 1,
)  # fmt: skip
ROWS = Rows([*FIRST, *SECOND], (5,))

FACTS = "454348314231000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
BODY = (
    '{"position":7,"finished":[5],"digest":[1,0],"stream_id":[3,3],"version":[2,3],"type":["message.received",'
    '"reply.requested"],"v":[1,1],"recorded_at":[1700000000000000,1700000000000001],"key_kind":[1,null],'
    '"key_id":[42,null],"key_part":[null,null],"correlation":[42,null],"causation":[null,7],'
    '"data":["{\\"n\\":\\"ä\\"}","{}"],"made":["channel:1",null],"effect":[0,1]}'
)
WORDS = "4543573100000000010000000000000063100000000673737373737373737373737373737373" + b"sealed".hex()


def packed(body: str, tail: bytes) -> bytes:
    """Return facts with the golden head and a body, which other builds of zlib compress otherwise."""
    compressed = zlib.compress(body.encode(), 1)
    return bytes.fromhex(FACTS) + len(compressed).to_bytes(4, "big") + compressed + tail


TAIL = b"h" * 32 + b"i" * 32 + b"d" * 32


def test_the_bytes_of_format_1_stay_what_they_are() -> None:
    """What is in an engine is read for years: a change needs another format."""
    assert COLUMNS[:3] == ("position", "stream_id", "version")
    assert facts_of_rows(Kind.ROWS, OWNER, PREV, ROWS) == packed(BODY, TAIL)
    words = words_of_rows(ROWS)
    assert words is not None
    assert words.hex() == WORDS

    record = read_record(Entry(1, "", packed(BODY, TAIL), bytes.fromhex(WORDS)))
    assert (record.kind, record.owner, record.prev) == (Kind.ROWS, OWNER, PREV)
    assert record.rows == Rows([*FIRST, *SECOND], [5])
    assert (ROWS.first, ROWS.last) == (7, 8)


def test_a_claim_is_read_as_it_was_written() -> None:
    """Whatever JSON can hold."""
    claim = {"host": "ä", "keys": [[1, 2, "ab"]]}
    record = read_record(Entry(1, "", facts_of_claim(OWNER, NOTHING, claim), None))

    assert (record.kind, record.claim, record.rows) == (Kind.CLAIM, claim, None)


def test_rows_whose_words_are_erased_have_none() -> None:
    """The digest stays."""
    record = read_record(Entry(1, "", packed(BODY, TAIL), None))

    assert record.rows is not None
    assert record.rows.values[:WIDTH] == [*FIRST[:14], None, None, None, *FIRST[17:]]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(b"ECH2" + packed(BODY, TAIL)[4:], id="another format"),
        pytest.param(b"ECH1Z" + packed(BODY, TAIL)[5:], id="another kind"),
        pytest.param(b"ECH1B2" + packed(BODY, TAIL)[6:], id="another codec"),
    ],
)
def test_what_a_newer_release_wrote_is_told(facts: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(LogForeign, match="newer release"):
        read_record(Entry(9, "", facts, None))


def changed(**columns: object) -> bytes:
    """Return facts with other columns."""
    return packed(json.dumps({**json.loads(BODY), **columns}), TAIL)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(packed(BODY, TAIL)[:90], None, id="cut within the body"),
        pytest.param(packed(BODY, TAIL[:-1]), None, id="cut within the hashes"),
        pytest.param(packed(BODY, TAIL + b"x"), None, id="more hashes"),
        pytest.param(packed("[]", TAIL), None, id="no table"),
        pytest.param(packed("{", TAIL), None, id="no JSON"),
        pytest.param(changed(version=[1]), None, id="a shorter column"),
        pytest.param(changed(version=[], digest=[]), None, id="no rows"),
        pytest.param(changed(digest=[1, 1]), None, id="a digest too few"),
        pytest.param(packed(BODY, TAIL), b"x", id="no words"),
        pytest.param(packed(BODY, TAIL), bytes.fromhex(WORDS)[:-1], id="words cut"),
        pytest.param(packed(BODY, TAIL), bytes.fromhex(WORDS) + b"x", id="more than words"),
        pytest.param(packed(BODY, TAIL), bytes.fromhex(WORDS).replace(b"ECW1\0", b"ECW1\1", 1), id="words of no event"),
    ],
)
def test_what_is_no_record_is_told(facts: bytes, words: bytes | None) -> None:
    """With its number, and without its contents."""
    with pytest.raises(LogDamaged, match="Record 9"):
        read_record(Entry(9, "", facts, words))


@given(st.data())
def test_damage_raises_nothing_else(data: st.DataObject) -> None:
    """Whatever stands in the engine."""
    facts = bytearray(packed(BODY, TAIL))
    at = data.draw(st.integers(0, len(facts) - 1))
    facts[at] ^= data.draw(st.integers(1, 255))
    words = data.draw(st.none() | st.binary(max_size=60) | st.just(bytes.fromhex(WORDS)[: at % 60]))
    try:
        read_record(Entry(9, "", bytes(facts), words))
        unpack_words(9, words)
    except (LogDamaged, LogForeign):
        pass


def rows_of(sizes: list[int]) -> Rows:
    """Return rows with data of those sizes."""
    values: list[Any] = []
    for position, size in enumerate(sizes, 1):
        values += (position, *SECOND[1:11], "x" * size, *SECOND[12:])
    return Rows(values, (5,))


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_pieces_are_the_rows(sizes: list[int]) -> None:
    """In their order, none too large, and what was finished stands in the first."""
    rows = rows_of(sizes)
    pieces = list(split(rows, 8000))

    assert rows.values == [value for piece in pieces for value in piece.values]
    assert [(5,), *[()] * (len(pieces) - 1)] == [piece.finished for piece in pieces]
    assert all(len(facts_of_rows(Kind.PART, OWNER, PREV, piece)) <= 8000 for piece in pieces)


def test_an_event_that_is_too_large_is_refused() -> None:
    """Before anything is appended."""
    with pytest.raises(LogUnwritable, match="more than the engine keeps"):
        list(split(rows_of([1, 5000]), 8000))
