"""An index of words in memory: SQLite's FTS5 over what messages and answers say now.

Letters count, capital or small, with or without accents; a word is what stands between other characters. Chinese,
Japanese and Thai put nothing between words, and Korean words have endings: there every character is a word, and what
people type of them is a phrase. So any stretch of such a text is found, also one of a single character.

These functions run on the thread of the database.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import regex

from bot.core.events import Body, ChannelDeleted, Event, MessageDeleted, Recorded, WordsErased
from bot.core.seen import words_of
from bot.core.streams import channel_of
from bot.errors import ConfigError
from bot.moderation.command import ModerationError
from bot.moderation.sought import SAID, Hit, Sought, said_by

TYPES: tuple[type[Event], ...] = (*SAID, MessageDeleted, ChannelDeleted, WordsErased)
"""The events that say words, and those that take words away."""
MOST_WORDS = 50
"""Words of one search."""
BEFORE, WIDTH = 40, 120
"""Characters of an excerpt in front of what was found, and of all of it."""

_TABLES = """
CREATE TABLE messages (
    position   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    answer     INTEGER NOT NULL,
    author_id  INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    text       TEXT    NOT NULL,
    replaced   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX messages_by_id ON messages (message_id, answer);
CREATE INDEX messages_by_version ON messages (channel_id, version);
CREATE TABLE bounds (since INTEGER NOT NULL, cut_at INTEGER NOT NULL) STRICT;
INSERT INTO bounds VALUES (0, 0);
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = messages, content_rowid = position,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);
"""
_MESSAGE = "INSERT INTO messages (position, channel_id, version, message_id, answer, author_id, at, text)"
_OF_MESSAGE = "message_id = ? AND answer = ? AND +channel_id = ?"
"""The plus has SQLite look the message up by its id."""
_FOUND = """
SELECT m.position, highlight(words, 0, ?, ?) FROM words CROSS JOIN messages m ON m.position = words.rowid
WHERE words MATCH ? AND words.rowid < ? AND m.at >= ?
"""
_LISTED = "SELECT value FROM json_each(?)"
_OPEN, _CLOSE, _APART = "\x02", "\x03", "\x1f"
"""Around what was found; between characters that are words by themselves. No text that is kept holds them."""
_CONTROLS = {**dict.fromkeys(range(32), " "), 10: "\n"}
_ALONE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_QUOTES = regex.compile("[\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02]")
_TERM = regex.compile(r'"([^"]*)"(\*?)|([^\s"]+)')
_COUNTING = ("L", "M", "N")


def require_fts5() -> None:
    """Raise ConfigError where this Python's SQLite can't index words."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            prepare(connection)
        except sqlite3.OperationalError as error:
            raise ConfigError(
                "[consumers.search] needs SQLite's FTS5, which the SQLite of this Python was built without: "
                "use another Python, or take the table out of the settings."
            ) from error


def prepare(connection: sqlite3.Connection) -> None:
    """Make an empty index in an empty database."""
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)


def apply(
    events: Sequence[Recorded], words: Mapping[int, Body], since: int, most_bytes: int, connection: sqlite3.Connection
) -> None:
    """Take in what events say, and take out what they replace or erase, what is older than ``since``, what is too much.

    After an erasure the index is written anew, so that nothing of the words is left in it: until then SQLite keeps them
    beside a note that they are gone.
    """
    erased = sum(_applied(recorded, words.get(recorded.position), since, connection) for recorded in events)
    if since > connection.execute("SELECT since FROM bounds").fetchone()[0]:
        erased += _erase(connection, "at < ?", (since,))
        connection.execute("UPDATE bounds SET since = ?", (since,))
    if size(connection) > most_bytes:
        erased += _shrink(connection)
    if erased:
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")


def _applied(recorded: Recorded, body: Body | None, since: int, connection: sqlite3.Connection) -> int:
    """Apply one event; return how many rows were erased."""
    channel_id, version = channel_of(recorded.stream), recorded.version
    match recorded.event:
        case _ if channel_id is None:
            return 0
        case MessageDeleted(message_id=message_id):
            return _erase(connection, _OF_MESSAGE, (message_id, 0, channel_id))
        case ChannelDeleted():
            return _erase(connection, "channel_id = ? AND version < ?", (channel_id, version))
        case WordsErased(versions=versions):
            spans = ((channel_id, first, min(last, version - 1)) for first, last in versions)
            return sum(_erase(connection, "channel_id = ? AND version BETWEEN ? AND ?", span) for span in spans)
    said = said_by(recorded)
    if said is not None:
        _replace(connection, (said.message_id, said.answer, channel_id))
        text = "" if body is None else kept_text(body)
        if text and said.at >= since:
            row = (recorded.position, channel_id, version, *said, text)
            connection.execute(f"{_MESSAGE} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (recorded.position, text))
    return 0


def _replace(connection: sqlite3.Connection, message: Sequence[int]) -> None:
    """Have a message not be found any more by what it says. Its row stays until that is erased."""
    for position in _unsaid(connection, _OF_MESSAGE, message):
        connection.execute("UPDATE messages SET text = '', replaced = 1 WHERE position = ?", (position,))


def _erase(connection: sqlite3.Connection, where: str, values: Sequence[int]) -> int:
    """Take messages out, also what replaced ones said before; return how many."""
    positions = _unsaid(connection, where, values)
    connection.executemany("DELETE FROM messages WHERE position = ?", [(position,) for position in positions])
    return len(positions)


def _unsaid(connection: sqlite3.Connection, where: str, values: Sequence[int]) -> list[int]:
    """Take the words of messages out of the index; return the positions of the messages."""
    rows = connection.execute(f"SELECT position, text, replaced FROM messages WHERE {where}", values).fetchall()  # noqa: S608 - constants
    said = [(position, text) for position, text, replaced in rows if not replaced]
    connection.executemany("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", said)
    return [position for position, _, _ in rows]


def size(connection: sqlite3.Connection) -> int:
    """Return the bytes of memory that the index takes."""
    count, free, page = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * page)


def _shrink(connection: sqlite3.Connection) -> int:
    """Take the oldest tenth out, and note since when all words are there."""
    (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    (last,) = connection.execute(
        "SELECT coalesce(max(position), 0) FROM (SELECT position FROM messages ORDER BY position LIMIT ?)",
        (count // 10 + 1,),
    ).fetchone()
    newest = "SELECT coalesce(max(at), 0) + 1 FROM messages WHERE position <= ?"
    connection.execute(f"UPDATE bounds SET cut_at = max(cut_at, ({newest}))", (last,))  # noqa: S608 - a constant
    return _erase(connection, "position <= ?", (last,))


def cut_at(connection: sqlite3.Connection) -> int:
    """Return the moment since which nothing was left out for want of room, 0 where nothing was."""
    return int(connection.execute("SELECT cut_at FROM bounds").fetchone()[0])


def find(sought: Sought, limit: int, connection: sqlite3.Connection) -> list[Hit]:
    """Return what is found, the newest first; raise ModerationError for a text without any word."""
    sql, values = _FOUND, [_OPEN, _CLOSE, expression(sought.text), sought.before, sought.since]
    if sought.channels is not None:
        sql += f" AND m.channel_id IN ({_LISTED})"
        values.append(json.dumps(list(sought.channels)))
    if sought.author_id is not None:
        sql += " AND m.author_id = ?"
        values.append(sought.author_id)
    rows = connection.execute(f"{sql} ORDER BY words.rowid DESC LIMIT ?", (*values, limit))
    return [Hit(position, _excerpt(marked)) for position, marked in rows]


def expression(text: str) -> str:
    """Return what people typed as FTS5 reads it: words that all have to be there, ``"a phrase"``, ``beginning*``.

    Every other sign separates words. Raises ModerationError for a text without any word, and for one of too many.
    """
    terms = [f'"{term}"{"*" if prefix else ""}' for term, prefix in _terms(_QUOTES.sub('"', text))]
    if not terms:
        raise ModerationError("Give a word to look for: some letters or digits.")
    if len(terms) > MOST_WORDS:
        raise ModerationError(f"These are {len(terms)} words: give at most {MOST_WORDS}.")
    return " ".join(terms)


def _terms(text: str) -> Iterator[tuple[str, bool]]:
    for phrase, behind, word in _TERM.findall(text):
        term = _plain(phrase or word)
        if any(unicodedata.category(sign)[0] in _COUNTING for sign in term):
            yield term.rstrip("*" + _APART), bool(behind) or word.endswith("*")


def kept_text(body: Body) -> str:
    """Return the words of a message as the index keeps them: all that people see of it."""
    return _plain(words_of(body))


def _plain(text: str) -> str:
    if text.isascii():
        return text.translate(_CONTROLS)
    whole = unicodedata.normalize("NFC", text.encode(errors="replace").decode())
    return str(_ALONE.sub(rf"{_APART}\g<0>{_APART}", whole.translate(_CONTROLS)))


def _excerpt(marked: str) -> str:
    """Return a piece of a text around the first place of what was found, on one line."""
    shown = marked.replace(_APART, "")
    start = max(0, shown.find(_OPEN) - BEFORE)
    text = shown.replace(_OPEN, "").replace(_CLOSE, "")
    piece = " ".join(text[start : start + WIDTH].split())
    return f"{'…' if start else ''}{piece}{'…' if start + WIDTH < len(text) else ''}"
