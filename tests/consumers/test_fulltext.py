"""The index of words: what is found by what people type, and that nothing they type is an error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.consumers import fulltext
from bot.core.events import Body, MessageDeleted, MessageEdited, MessageReceived, Recorded, Span, WordsErased
from bot.errors import ConfigError
from bot.moderation.command import ModerationError
from bot.moderation.sought import Sought

PLENTY = 2**40


def said(position: int, text: str, *, channel: int = 7, author: int = 5, at: int = 1) -> Recorded:
    """Return the event of a message; its words go beside it."""
    del text
    event = MessageReceived(message_id=100 + position, author_id=author, sent_at=at)
    return Recorded(position, f"channel:{channel}", position, at, event)


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    """Return an empty index."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        fulltext.prepare(connection)
        yield connection


def fill(index: sqlite3.Connection, *texts: str) -> None:
    """Have messages say texts, at positions from 1 on."""
    events = [said(position, text) for position, text in enumerate(texts, 1)]
    words = {position: Body(name="ann", parts=(text,)) for position, text in enumerate(texts, 1)}
    fulltext.apply(events, words, 0, PLENTY, index)


def found(index: sqlite3.Connection, text: str, **more: object) -> list[int]:
    """Return the positions of what is found."""
    return [hit.position for hit in fulltext.find(Sought(text, **more), 100, index)]  # type: ignore[arg-type]


SAID = (
    "The nvidia driver 535 fails",
    "Ünïcode CAFÉ, driver: nvidia!",
    "sudo apt-get install -f",
    "東京タワーに行きました",
    "학교에서 만나요",
    "ภาษาไทย",
    "https://help.ubuntu.com/community/WiFi?x=1",
    "हिन्दी में",
    "a\x00b\x1fc \ud800 d",
)


@pytest.mark.parametrize(
    ("typed", "positions"),
    [
        ("nvidia", [2, 1]),
        ("NVIDIA driver", [2, 1]),
        ('"nvidia driver"', [1]),
        ("“nvidia driver”", [1]),
        ('"driver nvidia"', [2]),
        ("unicode cafe", [2]),
        ("cafe\u0301", [2]),
        ("drive", []),
        ("drive*", [2, 1]),
        ('"nvidia driv"*', [1]),
        ("apt-get", [3]),
        ("apt get", [3]),
        ("-f", [3]),
        ("東京", [4]),
        ("京", [4]),
        ("行きました", [4]),
        ("京東", []),
        ("東京 行き", [4]),
        ("학교", [5]),
        ("ไทย", [6]),
        ("ubuntu.com", [7]),
        ("हिन्दी", [8]),
        ("हि", []),
        ("b c", [9]),
        ("NOT nvidia", []),
        ("nvidia OR sudo", []),
        ("text:nvidia", []),
        ("nvidia)", [2, 1]),
        ("(nvidia", [2, 1]),
        ('"nvidia', [2, 1]),
        ("nvidia'; DROP TABLE words", []),
        ("^nvidia + driver", [2, 1]),
        ("driver 535 * fails", [1]),
    ],
)
def test_what_is_typed_is_found(index: sqlite3.Connection, typed: str, positions: list[int]) -> None:
    """Words, phrases and beginnings; every other sign separates words. The newest comes first."""
    fill(index, *SAID)

    assert found(index, typed) == positions


@pytest.mark.parametrize("typed", ["", " ", '""', "*", "-", '"*"', "\x00", "👍", "()", "\ud800 ?", "x " * 51])
def test_a_text_without_words_is_refused(index: sqlite3.Connection, typed: str) -> None:
    """And one of too many."""
    with pytest.raises(ModerationError, match=r"Give a word|at most 50"):
        found(index, typed)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab东ไ\"*-+:^(){}[]'\\.,;NEAROTD \t\n\x00\x1f\ud800“ー\u0301é\ufe0f"), max_size=30))
@example("NEAR(a b, 2)")
@example('a" OR "b')
def test_nothing_that_is_typed_is_an_error(typed: str) -> None:
    """It is looked for or refused in a sentence; and a text is found by itself."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as index:
        fulltext.prepare(index)
        fill(index, "something else", typed)
        try:
            positions = found(index, typed.replace("*", " "))
        except ModerationError:
            return
        assert 2 in positions


def test_places_people_and_times_are_chosen(index: sqlite3.Connection) -> None:
    """Each by itself, and a page goes on below the position of the one before."""
    events = [said(1, "", channel=7), said(2, "", channel=8), said(3, "", author=6), said(4, "", at=50)]
    fulltext.apply(events, {number: Body(parts=("word",)) for number in range(1, 5)}, 0, PLENTY, index)

    assert found(index, "word") == [4, 3, 2, 1]
    assert found(index, "word", channels=(8, 9)) == [2]
    assert found(index, "word", channels=()) == []
    assert found(index, "word", author_id=6) == [3]
    assert found(index, "word", since=50) == [4]
    assert found(index, "word", before=3) == [2, 1]


def test_an_excerpt_shows_where_it_was_found(index: sqlite3.Connection) -> None:
    """On one line, with as much before it as one needs, and as it was written."""
    fill(index, f"{'x ' * 200}東京\n **Tower** {'y ' * 200}", "short")

    (long,) = fulltext.find(Sought("tower"), 9, index)
    (short,) = fulltext.find(Sought("short"), 9, index)

    assert long.excerpt.startswith("…x ")
    assert "x 東京 **Tower** y" in long.excerpt
    assert long.excerpt.endswith("…")
    assert len(long.excerpt) <= fulltext.WIDTH + 2
    assert short.excerpt == "short"


def test_of_what_is_erased_nothing_is_left(index: sqlite3.Connection) -> None:
    """Not in any byte of the index."""
    fill(index, *(f"kept{number} zyxwvutsrq{number} {'wordy ' * 30}" for number in range(300)))
    assert b"zyxwvutsrq" in index.serialize()

    erased = WordsErased(reason="asked by the person", versions=(Span(1, 299), Span(300, 10**6)))  # type: ignore[arg-type]
    fulltext.apply([Recorded(301, "channel:7", 301, 1, erased)], {}, 0, PLENTY, index)

    assert found(index, "wordy") == []
    assert index.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    assert b"zyxwvutsrq" not in index.serialize()


def test_of_what_an_edit_replaced_nothing_is_left_after_an_erasure(index: sqlite3.Connection) -> None:
    """Even where nothing was left to be erased: the edit had no words."""
    fill(index, "kept", *(f"zyxwvutsrq{number}" for number in range(100)))
    edits = [
        Recorded(200 + number, "channel:7", 200 + number, 1, MessageEdited(message_id=number, author_id=5, edited_at=1))
        for number in range(102, 202)
    ]
    fulltext.apply(edits, {}, 0, PLENTY, index)
    assert found(index, "zyx*") == []

    deleted = MessageDeleted(message_id=102)
    fulltext.apply([Recorded(500, "channel:7", 500, 1, deleted)], {}, 0, PLENTY, index)

    assert found(index, "kept") == [1]
    assert b"zyxwvutsrq" not in index.serialize()


def test_what_is_too_old_or_too_much_leaves(index: sqlite3.Connection) -> None:
    """The oldest first, and it is known since when all words are there."""
    events = [said(number, "", at=number) for number in range(1, 2001)]
    words = {number: Body(parts=(f"word{number} thing",)) for number in range(1, 2001)}
    fulltext.apply(events, words, 0, PLENTY, index)
    assert fulltext.cut_at(index) == 0

    fulltext.apply([], {}, 101, PLENTY, index)
    assert found(index, "word100") == []
    assert found(index, "word101") == [101]
    fulltext.apply([], {}, 101, 100_000, index)

    (oldest,) = index.execute("SELECT min(at) FROM messages").fetchone()
    assert fulltext.cut_at(index) == oldest == 292
    assert found(index, "word2000") == [2000]


def test_a_python_without_fts5_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a sentence that says what to do."""
    monkeypatch.setattr(fulltext, "_TABLES", fulltext._TABLES.replace("fts5", "fts99"))

    with pytest.raises(ConfigError, match="use another Python"):
        fulltext.require_fts5()
