"""``echoless search`` over a log without a bot: it reads the log itself, with the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ASKED, BOB, CHATTER, GENERAL, HELP, REPLY, SKIPPED, Run

ALL = ("--since", "2023-11-01T00:00Z")


def test_messages_and_answers_are_found(run: Run, folder: Path) -> None:
    """As they are now, with their links; on a terminal with nothing that could control it."""
    answered = run("search", "coffee", "--log", folder, "--json", *ALL)
    shown = run("search", "SPOONS", "cup", "--log", folder, *ALL)
    before, edited = [run("search", word, "--log", folder, "--json", *ALL) for word in ("there", "hello")]

    (row,) = answered.rows
    assert row == {
        "position": 2,
        "at": "2023-11-14T22:13:20.000000+00:00",
        "channel_id": str(GENERAL),
        "message_id": str(ASKED),
        "author_id": "41",
        "name": "alice",
        "excerpt": "!coffee",
        "link": f"https://discord.com/channels/5/{GENERAL}/{ASKED}",
    }
    assert shown.out == (
        f"2023-11-14 22:13Z  #{GENERAL}  bot: Two spoons a cup.\n    https://discord.com/channels/5/{GENERAL}/{REPLY}\n"
    )
    assert before.rows == []
    assert [row["message_id"] for row in edited.rows] == [str(CHATTER)]


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        pytest.param(("*",), None, id="no word"),
        pytest.param(("coffee sing hello",), [], id="all of them have to be there"),
        pytest.param(("sing", "--channel", GENERAL), [SKIPPED], id="in a channel"),
        pytest.param(("sing", "--channel", HELP), [], id="in another channel"),
        pytest.param(("hello", "--person", BOB), [CHATTER], id="of a person"),
        pytest.param(("coffee", "--person", f"<@{BOB}>"), [], id="of another person"),
        pytest.param(("tea",), [], id="deleted"),
        pytest.param(("sin*", "--limit", "1"), [SKIPPED], id="a beginning"),
    ],
)
def test_options_choose(run: Run, folder: Path, options: tuple[object, ...], messages: list[int] | None) -> None:
    """Each by itself."""
    ran = run("search", *options, "--log", folder, "--json", *ALL)

    assert (ran.code == 0) == (messages is not None)
    assert [row["message_id"] for row in ran.rows] == [str(each) for each in messages or ()]
    assert messages is not None or "Give a word to look for" in ran.err


def test_where_nothing_is_found_it_says_since_when(run: Run, folder: Path) -> None:
    """By default as many days as an index holds; a page that is full says how to get more."""
    nothing = run("search", "coffee", "--log", folder)
    some = run("search", "coffee spoons", "--log", folder, *ALL, "--limit", 1)
    more = run("search", "s*", "--log", folder, *ALL, "--limit", 1)

    assert nothing.out.startswith("Nothing holds these words since 20")
    assert some.out == "Nothing holds these words since 2023-11-01 00:00Z.\n"
    assert "raise --limit" in more.err


def test_without_the_key_it_says_so(run: Run, folder: Path) -> None:
    """And what to do."""
    (folder / "vault.key").unlink()

    ran = run("search", "coffee", "--log", folder, *ALL)

    assert ran.code == 4
    assert "ECHOLESS_VAULT_KEY" in ran.err
