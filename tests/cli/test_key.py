"""``echoless key``, ``log rekey`` and ``log anchor``: another key, and a line to keep elsewhere."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.cli.conftest import Run
from tests.tampering import tampering


def words(run: Run, folder: Path) -> list[str]:
    """Return the words of the log's messages, as `log show` shows them."""
    rows = run("log", "show", "--log", folder, "--type", "message.received", "--json").rows
    return [json.dumps(row.get("words") or row.get("text") or row) for row in rows]


def test_rotate_says_where_the_keys_are(run: Run, folder: Path) -> None:
    """The new one and the one before."""
    before = words(run, folder)
    ran = run("key", "rotate", "--log", folder)

    assert ran.code == 0
    assert ran.out == (
        f"The new key is in {folder}/vault.key. Keep a copy apart from the log.\n"
        f"Backups that were made until now need the old one: {folder}/vault.key.old\n"
    )
    assert words(run, folder) == before
    assert run("key", "rotate", "--log", folder, "--json").rows == [
        {"key_file": f"{folder}/vault.key", "set_variable": None}
    ]


def test_rotate_with_the_key_in_the_environment_says_what_to_do(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key itself is never printed."""
    old = (folder / "vault.key").read_text().strip()
    (folder / "vault.key").unlink()
    monkeypatch.setenv("ECHOLESS_VAULT_KEY", old)

    ran = run("key", "rotate", "--log", folder)

    assert ran.code == 0
    assert f"The new key is in {folder}/vault.key.new: put it into ECHOLESS_VAULT_KEY, and delete the file." in ran.out
    assert run("log", "show", "--log", folder).code == 4
    new = (folder / "vault.key.new").read_text().strip()
    assert new not in ran.out
    monkeypatch.setenv("ECHOLESS_VAULT_KEY", new)
    assert run("log", "verify", "--log", folder).code == 0


def test_renew_and_rekey_count_events(run: Run, folder: Path) -> None:
    """Words of some, hashes of all."""
    before = words(run, folder)

    assert run("key", "renew", "--log", folder).out == "The words of 5 events are sealed anew.\n"
    assert run("key", "renew", "--log", folder, "--json").rows == [{"events": 5}]
    assert run("log", "rekey", "--log", folder).out == "14 events bound anew. Take a new anchor: echoless log anchor\n"
    assert run("log", "rekey", "--log", folder, "--json").rows == [{"events": 14}]
    assert words(run, folder) == before
    assert run("log", "verify", "--log", folder).code == 0


def test_rekey_refuses_a_log_with_a_fault(run: Run, folder: Path) -> None:
    """And says how to see it."""
    with tampering(folder / "events.db") as connection:
        connection.execute("UPDATE events SET recorded_at = 5 WHERE position = 3")

    ran = run("log", "rekey", "--log", folder)

    assert ran.code == 4
    assert "see `echoless log verify`. Nothing was changed." in ran.err


@pytest.mark.parametrize("command", ["key rotate", "key renew", "log rekey"])
async def test_a_bot_that_runs_is_in_the_way(run: Run, folder: Path, command: str) -> None:
    """One sentence names its process."""
    log = await open_log(Location(folder), clock=lambda: 1_800_000_000_000_000)
    try:
        ran = await asyncio.to_thread(run, *command.split(), "--log", folder)
    finally:
        await log.close()

    assert ran.code == 4
    assert "belongs to process" in ran.err
    assert "stop it first" in ran.err


def test_an_anchor_is_exactly_one_line_and_verify_takes_it(run: Run, folder: Path) -> None:
    """No key is needed for it, and it may be printed again and again."""
    (folder / "vault.key").rename(folder / "elsewhere")
    ran = run("log", "anchor", "--log", folder)
    (folder / "elsewhere").rename(folder / "vault.key")

    assert (ran.code, ran.out.count("\n"), ran.err) == (0, 1, "")
    assert ran.out == run("log", "anchor", "--log", folder).out
    assert run("log", "verify", "--log", folder, "--anchor", ran.out.strip()).code == 0


def test_verify_with_an_anchor_finds_that_the_end_is_gone(run: Run, folder: Path) -> None:
    """Without one it can't know."""
    whole = (folder / "events.db").read_bytes()
    asyncio.run(_go_on(folder))
    line = run("log", "anchor", "--log", folder).out.strip()
    (folder / "events.db").write_bytes(whole)

    assert run("log", "verify", "--log", folder).code == 0
    ran = run("log", "verify", "--log", folder, "--anchor", line)
    assert ran.code == 1
    assert "WRONG  the log: it ends at position 14, and the anchor is at 15: its end was taken away" in ran.out


async def _go_on(folder: Path) -> None:
    log = await open_log(Location(folder), clock=lambda: 1_800_000_000_000_000)
    await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
    await log.close()


def test_what_is_no_anchor_is_a_wrong_usage(run: Run, folder: Path) -> None:
    """As is one of a single channel."""
    line = run("log", "anchor", "--log", folder).out.strip()

    for arguments in (("--anchor", line[:-3]), ("--anchor", line, "--stream", "bot")):
        ran = run("log", "verify", "--log", folder, *arguments)
        assert ran.code == 2
        assert "nchor" in ran.err


@pytest.mark.parametrize("command", ["key", "key rotate", "key renew", "log anchor", "log rekey"])
def test_help_says_what_it_is_for(run: Run, command: str) -> None:
    """In words, not in a list of flags alone."""
    out = run(*command.split(), "--help").out

    assert len(out.split("Options:")[0]) > 200


def test_a_key_that_anybody_would_try_is_refused(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the log is looked at."""
    monkeypatch.setenv("ECHOLESS_VAULT_KEY", base64.b64encode(bytes(32)).decode())

    ran = run("log", "verify", "--log", folder)

    assert "holds a key that anybody would try" in ran.err
    assert "Traceback" not in ran.err
