"""People's words: sealed, bound to their event, erasable, and opened by one key alone."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.core import events as e
from bot.errors import KeyMismatch
from bot.eventlog import database, keys
from bot.eventlog.key_file import parse_key, read_key
from bot.eventlog.keys import FIRST_RELEASES, LogKeys
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from bot.eventlog.vault import Vault
from bot.eventlog.verify import verify
from tests.erasing import erase_at
from tests.tampering import tampering

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


def sql(path: Path, *statements: str) -> None:
    """Change a database behind the log's back."""
    with tampering(path) as connection:
        for statement in statements:
            connection.execute(statement)


async def problems(log: EventLog) -> list[tuple[int, str]]:
    """Verify a log and return what is wrong, by version."""
    return [
        (finding.version, finding.problem) async for progress in verify(log.reader) for finding in progress.findings
    ]


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of three messages."""
    async with opened(location) as log:
        await log.append_units(STREAM, [[said(1, "first")], [said(2, "second")], [said(3, "third")]])
    return location


LOG_ID = bytes(16)
NONCE = bytes(12)


def vault(*numbered: bytes, log_id: bytes = LOG_ID) -> Vault:
    """Return the vault of a log with these keys, from number 1 on."""
    return Vault(LogKeys(log_id, dict(enumerate(numbered, 1))))


@pytest.mark.parametrize("body", [b"{}", b"\x00", "ünïcödé".encode(), bytes(1_000_000)], ids=len)
def test_what_was_sealed_opens(body: bytes) -> None:
    """With the same key, in the same log, stream and position."""
    sealed = vault(KEY).seal(STREAM, 7, body, NONCE)

    assert vault(KEY).open(STREAM, 7, sealed) == body
    assert vault(KEY).seal(STREAM, 7, body, bytes(range(12))) != sealed


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 12, 15, 30, -1])
def test_a_seal_cut_short_does_not_open(cut: int) -> None:
    """Down to nothing."""
    sealed = vault(KEY).seal(STREAM, 7, b"hello", NONCE)[:cut]

    with pytest.raises(KeyMismatch, match="words of event 7"):
        vault(KEY).open(STREAM, 7, sealed)


ELSEWHERE = {
    "another key": (vault(OTHER_KEY), STREAM, 7),
    "another log": (vault(KEY, log_id=bytes(15) + b"1"), STREAM, 7),
    "another stream": (vault(KEY), "channel:2", 7),
    "another position": (vault(KEY), STREAM, 8),
    "the key by another number": (vault(OTHER_KEY, KEY), STREAM, 7),
}


@pytest.mark.parametrize(("opening", "stream", "position"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_seal_does_not_open_elsewhere(opening: Vault, stream: str, position: int) -> None:
    """It is bound to its key, its log, its stream and its position."""
    with pytest.raises(KeyMismatch):
        opening.open(stream, position, vault(KEY).seal(STREAM, 7, b"hello", NONCE))


def test_a_seal_of_which_one_bit_was_changed_does_not_open() -> None:
    """Whichever it is: the form and the key's number count too."""
    sealed = vault(KEY).seal(STREAM, 7, b"hello", NONCE)

    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeyMismatch):
            vault(KEY).open(STREAM, 7, bytes(changed))


def test_words_under_an_older_key_open_and_new_ones_are_sealed_under_the_newest() -> None:
    """A log may have several keys."""
    old = vault(KEY).seal(STREAM, 7, b"hello", NONCE)
    both = vault(KEY, OTHER_KEY)
    new = both.seal(STREAM, 8, b"hello", NONCE)

    assert both.open(STREAM, 7, old) == both.open(STREAM, 8, new) == b"hello"
    assert (both.is_newest(old), both.is_newest(new)) == (False, True)
    with pytest.raises(KeyMismatch):
        vault(KEY).open(STREAM, 8, new)


def test_a_seal_of_the_first_releases_opens_at_its_position() -> None:
    """With the master key of then."""
    sealed = b"\x01" + NONCE + AESGCM(KEY).encrypt(NONCE, b"hello", (7).to_bytes(8, "big"))
    first = Vault(LogKeys(LOG_ID, {FIRST_RELEASES: KEY, 1: OTHER_KEY}))

    assert first.open(STREAM, 7, sealed) == b"hello"
    for opening, position in ((first, 8), (vault(KEY), 7)):
        with pytest.raises(KeyMismatch):
            opening.open(STREAM, position, sealed)


def test_a_nonce_that_repeats_shows_only_that_two_texts_are_the_same() -> None:
    """With AES-GCM the two texts would lie open, one XORed with the other."""
    first, again, other = (
        vault(KEY).seal(STREAM, 7, body, NONCE)[15:] for body in (b"same " * 9, b"same " * 9, b"else " * 9)
    )

    assert first == again
    assert bytes(a ^ b for a, b in zip(first, other, strict=True))[:45] != bytes(
        a ^ b for a, b in zip(b"same " * 9, b"else " * 9, strict=True)
    )


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


@pytest.mark.parametrize("byte", [0, 1, 255])
def test_a_key_of_equal_bytes_is_refused(byte: int) -> None:
    """Somebody planted it, or made it up."""
    with pytest.raises(KeyMismatch, match="ECHOLESS_VAULT_KEY holds a key that anybody would try"):
        parse_key(base64.b64encode(bytes([byte] * 32)).decode(), "ECHOLESS_VAULT_KEY")


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
        assert [finding async for progress in verify(reader) for finding in progress.findings] == []
    finally:
        await reader.close()


async def test_bodies_are_read_by_position(made: Location, opened: Opener) -> None:
    """What has no body is left out."""
    async with opened(made) as log:
        await log.append(STREAM, [e.Draft(e.RepliesPaused(by="me"))])
        bodies = await log.reader.bodies([3, 1, 4, 99, 1])

        assert {position: body.text for position, body in bodies.items()} == {1: "first", 3: "third"}
        assert await log.reader.bodies([]) == {}
        assert len(await log.reader.bodies(range(300_000))) == 3


async def test_a_swapped_body_is_found(made: Location, opened: Opener) -> None:
    """A body opens at its own position alone."""
    sql(
        made.database,
        "CREATE TEMP TABLE taken AS SELECT * FROM events",
        "UPDATE events SET (subject_id, salt, sealed) = (SELECT subject_id, salt, sealed FROM taken "
        "WHERE taken.position = 3 - events.position) WHERE position IN (1, 2)",
    )

    async with opened(made) as log:
        assert await problems(log) == [(number, "its words do not open with this key") for number in (1, 2)]
        found = await log.reader.bodies([1, 3])
        assert (found[3].text, set(found), found.unreadable) == ("third", {3}, frozenset({1}))


async def test_a_body_sealed_anew_is_found(made: Location, opened: Opener) -> None:
    """Even by somebody who has the key: the event remembers its digest."""
    forging = Vault(database.look(made.database, partial(keys.read, master=read_key(made.key_path))))
    sealed = forging.seal(STREAM, 2, b'{"parts":["forged"]}', NONCE)
    with tampering(made.database) as connection:
        connection.execute("UPDATE events SET sealed = ? WHERE position = 2", (sealed,))

    async with opened(made) as log:
        assert await problems(log) == [(2, "its words, or whose they are, were changed")]


async def test_words_ascribed_to_another_person_are_found(made: Location, opened: Opener) -> None:
    """Else what erases a person's words would pass them over."""
    sql(made.database, "UPDATE events SET subject_id = 8 WHERE position = 2")

    async with opened(made) as log:
        assert await problems(log) == [(2, "its words, or whose they are, were changed")]


IN_PART = ["subject_id = NULL", "salt = NULL", "sealed = NULL", "salt = NULL, sealed = NULL"]


@pytest.mark.parametrize("change", IN_PART)
async def test_words_of_which_a_part_is_gone_are_found(made: Location, opened: Opener, change: str) -> None:
    """Erasing takes all of them."""
    sql(made.database, f"UPDATE events SET {change} WHERE position = 2")  # noqa: S608 - constants

    async with opened(made) as log:
        assert [version for version, _ in await problems(log)] == [2]


async def test_an_erased_body_leaves_a_whole_chain(made: Location, opened: Opener) -> None:
    """The event stays with the digest, the words are gone."""
    async with opened(made) as log:
        await erase_at(log, 2)
        assert await problems(log) == []
        assert sum([progress.erased async for progress in verify(log.reader)]) == 1
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
