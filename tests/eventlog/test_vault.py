"""People's words: sealed, bound to their event, erasable, and opened by one key alone."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import KeyMismatch
from bot.eventlog.log import EventLog, Location, open_reader
from bot.eventlog.vault import Vault, parse_key
from bot.eventlog.verify import verify
from tests.erasing import ERASE

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
KEY = bytes(range(32))
OTHER_KEY = bytes(reversed(range(32)))


def said(message_id: int, text: str = "hello") -> e.Draft:
    """Somebody posts a message."""
    body = e.Body(name="Xanthippe", parts=(text,), files=("diary-page.png",))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


def contents(folder: Path) -> dict[str, bytes]:
    """Read everything that lies in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sql(path: Path, script: str) -> None:
    """Change a database behind the log's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


async def problems(log: EventLog) -> list[tuple[int, str]]:
    """Verify a log and return what is wrong, by version."""
    streams = await log.reader.streams()
    return [
        (finding.version, finding.problem)
        async for progress in verify(log.reader, streams)
        for finding in progress.findings
    ]


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of three messages."""
    async with opened(location) as log:
        await log.append_units(STREAM, [[said(1, "first")], [said(2, "second")], [said(3, "third")]])
    return location


@pytest.mark.parametrize("body", [b"", b"\x00", "ünïcödé".encode(), bytes(1_000_000)], ids=len)
def test_what_was_sealed_opens(body: bytes) -> None:
    """With the same key, at the same position."""
    vault = Vault(KEY)

    assert vault.open(7, vault.seal(7, body)) == body
    assert vault.seal(7, body) != vault.seal(7, body)


@pytest.mark.parametrize("cut", [0, 1, 12, 27, -1])
def test_a_seal_cut_short_does_not_open(cut: int) -> None:
    """Down to nothing."""
    vault = Vault(KEY)
    sealed = vault.seal(7, b"hello")[:cut]

    with pytest.raises(KeyMismatch, match="words of event 7"):
        vault.open(7, sealed)


def test_a_seal_opens_with_its_key_at_its_position_unchanged() -> None:
    """And not otherwise."""
    sealed = Vault(KEY).seal(7, b"hello")
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])

    for vault, position, stored in ((Vault(OTHER_KEY), 7, sealed), (Vault(KEY), 8, sealed), (Vault(KEY), 7, changed)):
        with pytest.raises(KeyMismatch):
            vault.open(position, stored)


def test_a_vault_recognizes_its_key() -> None:
    """By the proof that the log keeps."""
    proof = Vault(KEY).proof()

    Vault(KEY).check(proof)
    for vault, stored in ((Vault(OTHER_KEY), proof), (Vault(KEY), proof[:-1]), (Vault(KEY), b"")):
        with pytest.raises(KeyMismatch, match="Nothing was changed"):
            vault.check(stored)


@pytest.mark.parametrize("text", [base64.b64encode(KEY).decode(), f"\n  {base64.b64encode(KEY).decode()}\t\n"])
def test_a_key_is_spelled_in_base64(text: str) -> None:
    """With space around it or not."""
    assert parse_key(text, "ECHOLESS_VAULT_KEY") == KEY


NO_KEYS = {
    "nothing": b"",
    "space": b" \n",
    "too short": base64.b64encode(KEY[:31]),
    "too long": base64.b64encode(KEY + b"x"),
    "cut off": base64.b64encode(KEY)[:-2],
    "a passphrase": b"correct horse battery staple",
    "hexadecimal": KEY.hex().encode(),
    "raw bytes": os.urandom(32) + b"\xff",
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_refused(text: bytes) -> None:
    """By the name of where it came from, and without showing it."""
    with pytest.raises(KeyMismatch) as caught:
        parse_key(text.decode("latin-1"), "ECHOLESS_VAULT_KEY")

    assert str(caught.value) == "ECHOLESS_VAULT_KEY does not hold a key: it must be the base64 of 32 bytes."


async def refused(location: Location, opened: Opener) -> str:
    """Return the refusal to open a log, and hold it to have touched nothing."""
    before = contents(location.folder)
    with pytest.raises(KeyMismatch) as caught:
        async with opened(location):
            pass

    assert contents(location.folder) == before
    return str(caught.value)


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
async def test_a_malformed_key_file_is_refused(made: Location, opened: Opener, text: bytes) -> None:
    """Before anything is touched; with the right key in place again the log opens."""
    right = made.key_path.read_bytes()
    made.key_path.write_bytes(text)

    assert f"The key file {made.key_path}" in await refused(made, opened)
    made.key_path.write_bytes(right)
    async with opened(made) as log:
        assert (await log.reader.bodies([1]))[1].text == "first"


async def test_a_missing_key_file_is_refused(made: Location, opened: Opener) -> None:
    """And no other key is made in its place, which would lose everything."""
    made.key_path.unlink()

    assert "is missing" in await refused(made, opened)


async def test_a_key_file_that_is_a_folder_is_refused(made: Location, opened: Opener) -> None:
    """With the advice to look at it."""
    folder = Location(made.folder, key_file=made.folder.parent)

    assert "can't be read: check its owner and its contents" in await refused(folder, opened)


async def test_an_unreadable_key_file_is_refused(made: Location, opened: Opener) -> None:
    """With the advice to look at its owner."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    made.key_path.chmod(0)
    with pytest.raises(KeyMismatch, match="check its owner"):
        async with opened(made):
            pass


async def test_a_wrong_key_is_refused(made: Location, opened: Opener) -> None:
    """Before anything is touched, be it given or in a file."""
    other = made.folder.parent / "other.key"
    other.write_bytes(base64.b64encode(OTHER_KEY))

    for location in (Location(made.folder, key=OTHER_KEY), Location(made.folder, key_file=other)):
        assert "is not the one the log was made with" in await refused(location, opened)


async def test_a_wrong_key_given_is_not_mended_by_a_key_file(made: Location, opened: Opener) -> None:
    """Whoever gives a key means it."""
    with pytest.raises(KeyMismatch):
        async with opened(Location(made.folder, key=OTHER_KEY, key_file=made.key_path)):
            pass


async def test_a_reader_is_refused_with_a_wrong_key_or_none(made: Location, tmp_path: Path) -> None:
    """And leaves no file behind."""
    before = contents(made.folder)

    for location in (Location(made.folder, key=OTHER_KEY), Location(made.folder, key_file=tmp_path / "none")):
        with pytest.raises(KeyMismatch):
            await open_reader(location)
        assert contents(made.folder) == before


async def test_events_are_read_without_a_key(made: Location) -> None:
    """Where nobody asks for the words."""
    made.key_path.unlink()
    reader = await open_reader(made, words=False)
    try:
        assert (await reader.load(STREAM)).state.received == 3
        assert await reader.bodies([1, 2, 3]) == {}
        assert [progress.findings async for progress in verify(reader, await reader.streams())] == [()]
    finally:
        await reader.close()


async def test_bodies_are_read_by_position(made: Location, opened: Opener) -> None:
    """What has no body is left out."""
    async with opened(made) as log:
        await log.append(STREAM, [e.Draft(e.ChannelDeleted())])
        bodies = await log.reader.bodies([3, 1, 4, 99, 1])

        assert {position: body.text for position, body in bodies.items()} == {1: "first", 3: "third"}
        assert await log.reader.bodies([]) == {}
        assert len(await log.reader.bodies(range(300_000))) == 3


async def test_a_swapped_body_is_found(made: Location, opened: Opener) -> None:
    """A body opens at its own position alone."""
    sql(
        made.database,
        "DROP TRIGGER events_refuse_update;"
        "CREATE TEMP TABLE words AS SELECT position, salt, sealed FROM events;"
        "UPDATE events SET (salt, sealed) = (SELECT salt, sealed FROM words WHERE words.position = 3 - events.position)"
        "WHERE position IN (1, 2);",
    )

    async with opened(made) as log:
        assert await problems(log) == [(number, "its words do not open with this key") for number in (1, 2)]
        with pytest.raises(KeyMismatch):
            await log.reader.bodies([1])
        assert (await log.reader.bodies([3]))[3].text == "third"


async def test_a_body_sealed_anew_is_found(made: Location, opened: Opener) -> None:
    """Even by somebody who has the key: the event remembers its digest."""
    vault = Vault(parse_key(made.key_path.read_text(), "test"))
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        connection.execute("UPDATE events SET sealed = ? WHERE position = 2", (vault.seal(2, b'{"parts":["forged"]}'),))

    async with opened(made) as log:
        assert await problems(log) == [(2, "its words were changed")]


async def test_an_erased_body_leaves_a_whole_chain(made: Location, opened: Opener) -> None:
    """The event stays with the digest, the words are gone."""
    sql(made.database, f"{ERASE} WHERE position = 2")

    async with opened(made) as log:
        assert await problems(log) == []
        assert sorted(await log.reader.bodies([1, 2, 3])) == [1, 3]
        assert (await log.reader.load(STREAM)).state.received == 3
        assert len((await log.append(STREAM, [said(4)])).new) == 1
        assert await problems(log) == []


async def test_no_word_lies_open_in_the_folder(made: Location, opened: Opener) -> None:
    """Neither in the database nor beside it, be the log open or closed."""
    words = [b"Xanthippe", b"confidential", b"diary-page", b"whisper"]
    async with opened(made) as log:
        await log.append(STREAM, [said(4, "strictly confidential: a whisper")])
        composed = e.ReplyComposed(message_id=4, parts=1, responder="rules")
        await log.append(STREAM, [e.Draft(composed, e.Body(parts=("a whisper back",)), subject_id=7)])
        await log.save_snapshot(STREAM, (await log.reader.load(STREAM)).state)
        while_open = contents(made.folder)
        assert (await log.reader.bodies([5]))[5].text == "a whisper back"
    closed = contents(made.folder)

    assert {"events.db", "events.db-wal", "events.db-shm", "owner.json", "vault.key"} <= set(while_open)
    assert b'{"message_id":4,' in while_open["events.db-wal"] + closed["events.db"]
    for name, data in [*while_open.items(), *closed.items()]:
        assert [word for word in words if word in data] == [], name
