"""``echoless import``: what was said before, and whole logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.eventlog.owner import Ownership
from tests.cli.conftest import ALICE, CHATTER, GENERAL, Run
from tests.importing.samples import CHANNEL, FIRST, PACKAGE, THREAD, export, message, unpacked, zipped


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Return a folder with an export in two parts, pictures and something else."""
    folder = tmp_path / "exports"
    (folder / "general.json_Files").mkdir(parents=True)
    (folder / "general [part 10].json").write_text(export([message(3, "three")]), encoding="utf-8")
    (folder / "general [part 2].json").write_text(export([message(2, "two"), None]), encoding="utf-8")
    (folder / "general.json").write_text(export([message(1, "one")]), encoding="utf-8")
    (folder / "general.json_Files" / "x.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_folder_of_exports_joins_a_log(run: Run, folder: Path, exported: Path) -> None:
    """In the order of its parts; what can't be imported is listed without words; the log stays whole."""
    ran = run("import", exported, "--log", folder, "--json")

    assert (ran.code, ran.err) == (1, "")
    assert ran.rows == [
        {
            "dry_run": False,
            "imported": 3,
            "known": 0,
            "not_imported": {},
            "set_aside": 1,
            "set_aside_file": str(exported.parent / "exports.set-aside.jsonl"),
            "channels": {str(CHANNEL): 3},
        }
    ]
    (aside,) = (exported.parent / "exports.set-aside.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(aside) == {
        "file": str(exported / "general [part 2].json"),
        "number": 2,
        "message_id": None,
        "why": "it has not the form of a message",
    }
    shown = run("log", "show", "--log", folder, "--json", "--type", "message.imported").rows
    assert [(row["position"], row["body"]["parts"]) for row in shown] == [(15, ["one"]), (16, ["two"]), (17, ["three"])]
    assert run("log", "verify", "--log", folder).code == 0


def test_what_was_imported_is_visible_as_such(run: Run, folder: Path, exported: Path) -> None:
    """In the state, the timeline and the reasons."""
    run("import", exported / "general.json", "--log", folder)

    state = run("replay", "state", "--channel", CHANNEL, "--log", folder)
    timeline = run("replay", "timeline", "--channel", CHANNEL, "--log", folder)
    why = run("replay", "why", FIRST + 1, "--log", folder)

    assert "imported 1" in state.out
    assert "message.imported" in timeline.out
    assert "source=DiscordChatExporter" in timeline.out
    assert f"message: from person {41}, imported from DiscordChatExporter at 20" in why.out
    assert "outcome: imported, so not answered" in why.out


@pytest.mark.parametrize("is_zip", [False, True])
def test_a_data_package_makes_a_log_where_there_is_none(run: Run, tmp_path: Path, *, is_zip: bool) -> None:
    """And a dry run changes nothing."""
    package = zipped(tmp_path / "package.zip") if is_zip else unpacked(tmp_path / "package")

    dry = run("import", package, "--log", tmp_path / "new", "--dry-run")
    assert dry.out == "Would import 3 messages into 2 channels.\n"
    assert not (tmp_path / "new").exists()

    assert run("import", package, "--log", tmp_path / "new").out == "Imported 3 messages into 2 channels.\n"
    again = run("import", package, "--log", tmp_path / "new", "--channel", THREAD)
    assert again.out.splitlines() == [
        "Imported 0 messages into 0 channels.",
        "1 known already.",
        "2 not imported: left out by --channel or --since.",
    ]
    assert again.code == 0


def test_a_package_that_does_not_say_whose_it_is_asks(run: Run, tmp_path: Path) -> None:
    """By the option that tells it."""
    package = unpacked(tmp_path / "package", {name: PACKAGE[name] for name in PACKAGE if "Account" not in name})

    asked = run("import", package, "--log", tmp_path / "new")
    told = run("import", package, "--log", tmp_path / "new", "--author", ALICE)

    assert (asked.code, "add --author ID" in asked.err) == (2, True)
    assert (told.code, "Imported 3" in told.out) == (0, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", "hello", "is nothing to import: give a JSON file of DiscordChatExporter"),
        ("empty", None, "There is nothing to import in"),
        ("other.json", '{"a": 1}', "is nothing to import"),
    ],
)
def test_what_is_nothing_to_import_is_refused(
    run: Run, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    """Before there is a log."""
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_text(content, encoding="utf-8")

    ran = run("import", path, "--log", tmp_path / "new")

    assert (ran.code, said in ran.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_a_running_bot_has_to_be_stopped(run: Run, folder: Path, exported: Path) -> None:
    """The sentence says so; a dry run works beside it."""
    ownership = Ownership(folder)
    ownership.acquire(0)
    try:
        ran = run("import", exported, "--log", folder)
        dry = run("import", exported, "--log", folder, "--dry-run")
    finally:
        ownership.release()

    assert (ran.code, "stop it first" in ran.err) == (4, True)
    assert "Would import 3 messages" in dry.out


def test_an_export_of_a_log_becomes_a_new_log(run: Run, folder: Path, tmp_path: Path) -> None:
    """With the same places, times, words and erasures, under a key of its own; and it says where it came from."""
    run("log", "export", "--log", folder, "--words", "--output", tmp_path / "log.jsonl")

    ran = run("import", tmp_path / "log.jsonl", "--log", tmp_path / "new", "--json")

    assert ran.rows[0] | {"folder": ""} == {
        "dry_run": False, "folder": "", "events": 14, "known": 0, "erased": 1, "words_lost": 0, "cut_at_line": None
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["events.db", "owner.lock", "vault.key"]
    *moved, imported, restored = run("log", "show", "--log", tmp_path / "new", "--json").rows
    assert moved == run("log", "show", "--log", folder, "--json").rows
    assert (imported["type"], imported["data"]["position"], restored["type"]) == ("log.imported", 14, "log.restored")
    assert (folder / "vault.key").read_bytes() != (tmp_path / "new" / "vault.key").read_bytes()
    assert run("log", "verify", "--log", tmp_path / "new").code == 0
    assert run("replay", "state", "--channel", GENERAL, "--log", tmp_path / "new", "--json").rows == (
        run("replay", "state", "--channel", GENERAL, "--log", folder, "--json").rows
    )

    # Whose words they are is known, too: a person's go with the answers to them.
    counts = [
        run("erase", "--person", ALICE, "--log", each, "--dry-run", "--json").rows
        for each in (folder, tmp_path / "new")
    ]
    assert counts[0] == counts[1]

    again = run("import", tmp_path / "log.jsonl", "--log", tmp_path / "new")
    assert (again.code, "are there already" in again.out) == (0, True)
    assert len(run("log", "show", "--log", tmp_path / "new", "--json").rows) == 16


@pytest.mark.parametrize(("line", "message_id"), [(7, str(CHATTER)), (1, "9" * 25)])
def test_an_export_that_was_changed_makes_no_log(
    run: Run, folder: Path, tmp_path: Path, line: int, message_id: str
) -> None:
    """Where an event is there twice, or holds what no log can hold."""
    rows = run("log", "export", "--log", folder, "--words").rows
    rows[line]["data"]["message_id"] = message_id
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    ran = run("import", tmp_path / "log.jsonl", "--log", tmp_path / "new")

    assert (ran.code, "no log was made" in ran.err) == (4, True)
    assert not (tmp_path / "new" / "events.db").exists()
    assert not (tmp_path / "new" / "importing").exists()


def test_an_export_goes_into_no_other_log(run: Run, folder: Path, tmp_path: Path) -> None:
    """Nor together with other files, nor in part."""
    run("log", "export", "--log", folder, "--words", "--output", tmp_path / "log.jsonl")

    there = run("import", tmp_path / "log.jsonl", "--log", folder)
    part = run("import", tmp_path / "log.jsonl", "--channel", GENERAL, "--log", tmp_path / "new")

    assert (there.code, "name a new folder by --log" in there.err) == (2, True)
    assert (part.code, "alone and whole" in part.err) == (2, True)
    assert not (tmp_path / "new").exists()
