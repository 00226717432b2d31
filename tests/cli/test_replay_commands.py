"""``echoless replay``: the moderators' commands on a log at rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.moderation.commands import twins
from tests.cli.conftest import ASKED, BOB, GENERAL, GIVEN_UP, HELP, REPLY, SKIPPED, Ran, Run

LINK = f"https://discord.com/channels/5/{GENERAL}/{ASKED}"
Ask = Callable[..., Ran]


@pytest.fixture
def ask(run: Run, folder: Path) -> Ask:
    """Return what runs a command of ``echoless replay`` on the log."""
    return lambda command, *arguments: run("replay", command, "--log", folder, *arguments)


def answered(ran: Ran) -> dict[str, Any]:
    """Return the one JSON object that a command wrote."""
    assert ran.code == 0, ran.err
    (row,) = ran.rows
    return row


def test_every_command_of_the_moderators_has_its_twin(run: Run) -> None:
    """A preview belongs to its rewind."""
    shown = run("replay", "--help").out

    assert all(f"\n  {name} " in shown for name in twins())


def test_state_is_what_replay_alone_shows(run: Run, folder: Path, ask: Ask) -> None:
    """The options may stand before the command, too."""
    alone = run("replay", "--log", folder, "--channel", GENERAL, "--at", 4, "--words", "--json").out

    assert alone == ask("state", "--channel", GENERAL, "--at", 4, "--json").out
    assert alone == run("replay", "--log", folder, "--channel", GENERAL, "--json", "state", "--at", 4).out
    assert alone == run("replay", "--log", folder, "--channel", GENERAL, "--at", 4, "--json", "state").out
    assert "at version 7" in ask("state", "--at", LINK.replace(str(ASKED), str(SKIPPED))).out


def test_a_time_without_an_offset_is_local(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere on the command line."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    time.tzset()
    try:
        state = answered(ask("state", "--channel", GENERAL, "--at", "2023-11-15 07:13:22", "--json"))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()

    assert state["version"] == 3


def test_the_timeline_in_pages(ask: Ask) -> None:
    """A page names the next one."""
    first = ask("timeline", "--channel", GENERAL, "--limit", 3)
    page = answered(ask("timeline", "--channel", GENERAL, "--limit", 3, "--cursor", 5, "--json"))

    assert "Older ones: add --cursor 5" in first.err
    assert [event["version"] for event in page["events"]] == [5, 4, 3]
    assert "\x1b" not in ask("timeline", "--channel", GENERAL).out
    assert [event["version"] for event in answered(
        ask("timeline", "--channel", GENERAL, "--person", f"<@{BOB}>", "--json")
    )["events"]] == [6, 3]  # fmt: skip


def test_why_takes_a_link_for_the_channel_too(ask: Ask) -> None:
    """Or the id of the answer."""
    by_link = answered(ask("why", LINK, "--json"))
    by_answer = answered(ask("why", REPLY, "--channel", GENERAL, "--json"))
    by_id = answered(ask("why", ASKED, "--json"))
    by_mention = answered(ask("why", ASKED, "--channel", f"<#{GENERAL}>", "--json"))

    assert by_link == by_answer == by_id == by_mention
    assert by_link["parts"][0]["sent_id"] == str(REPLY)
    assert "answered in 1 part" in ask("why", LINK).out


def test_diff(ask: Ask) -> None:
    """Between any two points."""
    changed = answered(ask("diff", "--channel", GENERAL, ASKED, 8, "--json"))

    assert (changed["from"], changed["to"]) == (1, 8)
    assert "+ " in ask("diff", "--channel", GENERAL, 1, 8).out


def test_rewind_undo_reset(ask: Ask) -> None:
    """Recorded by the command line, in a log that no bot owns."""
    unconfirmed = [ask("rewind", "--channel", GENERAL, 3), ask("reset", "--channel", GENERAL)]
    rewound = answered(ask("rewind", "--channel", GENERAL, 3, "--yes", "--json"))
    undone = answered(ask("undo", "--channel", GENERAL, "--json"))
    answered(ask("reset", "--channel", GENERAL, "--yes", "--json"))
    again = answered(ask("reset", "--channel", GENERAL, "--yes", "--json"))
    (event,) = answered(ask("timeline", "--channel", GENERAL, "--type", "conversation.reset", "--json"))["events"]

    assert [ran.code for ran in unconfirmed] == [2, 2]
    assert all("add --yes" in " ".join(ran.err.split()) for ran in unconfirmed)
    assert not again["changed"]
    assert [turn["message_id"] for turn in rewound["left"]] == [str(SKIPPED), str(REPLY)]
    assert [turn["message_id"] for turn in undone["back"]] == [str(SKIPPED), str(REPLY)]
    assert event["data"]["by"] == "command line"


def test_pending_retry_drop(ask: Ask) -> None:
    """What was given up comes back into the outbox, for the bot to find at its next start."""
    before = answered(ask("pending", "--json"))
    retried = ask("retry", "--channel", HELP, GIVEN_UP)
    between = answered(ask("pending", "--json"))
    answered(ask("drop", "--channel", HELP, GIVEN_UP, "--json"))

    assert [(entry["message_id"], entry["reason"]) for entry in before["abandoned"]] == [(str(GIVEN_UP), "forbidden")]
    assert "It is tried once the bot runs." in retried.out
    assert [entry["message_id"] for entry in between["unfinished"]] == [str(GIVEN_UP)]
    assert answered(ask("pending", "--channel", HELP, "--json"))["abandoned"][0]["reason"] == "cancelled"


def test_retry_all_is_about_outages(ask: Ask) -> None:
    """Of one channel or of the whole log; what Discord forbade is none."""
    everywhere = answered(ask("retry", "all", "--json"))
    here = ask("retry", "--channel", HELP, "all")

    assert everywhere == {"retried": 0}
    assert "Nothing was given up because somebody was away." in here.out
    assert ask("drop", "--channel", HELP, "all").code == 2


def test_pause_resume_rebuild_snapshot(ask: Ask) -> None:
    """Each says what it did."""
    said = [ask(command, "--channel", GENERAL).out for command in ("pause", "resume", "rebuild", "snapshot")]

    assert [text.split(" ")[0] for text in said] == ["Replies", "Replies", "Channel", "A"]
    assert "the same state as before" in said[2]
    assert answered(ask("state", "--channel", GENERAL, "--json"))["snapshot"] == 10


def test_verify_and_status(ask: Ask, folder: Path) -> None:
    """With an exit code for scripts."""
    assert answered(ask("verify", "--json"))["ok"] is True
    assert "All is well" in ask("verify", "--channel", GENERAL).out
    assert "no bot runs on this log" in ask("status").out
    assert answered(ask("status", "--json"))["events"] > 10
    (folder / "vault.key").unlink()
    assert answered(ask("verify", "--json"))["words_checked"] is False


def test_rehearse_asks_the_present_rules(run: Run, folder: Path, tmp_path: Path) -> None:
    """And records nothing."""
    config = tmp_path / "config.toml"
    config.write_text('[[rules]]\nmatch = "!coffee"\nreply = "Three spoons."\n', encoding="utf-8")
    before = (folder / "events.db").read_bytes()

    report = answered(run("replay", "rehearse", "--config", config, "--log", folder, "--message", LINK, "--json"))

    assert report["messages"][0]["said"] == ["Two spoons a cup."]
    assert report["messages"][0]["would_say"] == ["Three spoons."]
    assert before == (folder / "events.db").read_bytes()


def test_rehearse_says_how_many_at_a_time(run: Run, ask: Ask) -> None:
    """In its help, and where it refuses more."""
    refused = ask("rehearse", "--channel", GENERAL, "--last", 11)

    assert "1 to 10" in " ".join(run("replay", "rehearse", "--help").out.split())
    assert refused.code == 2
    assert "11 is not in the range 1<=x<=10" in refused.err


def test_export_to_stdout_and_to_a_file(ask: Ask, tmp_path: Path) -> None:
    """A file is not replaced unasked."""
    output = tmp_path / "out.jsonl"

    rows = ask("export", "--channel", GENERAL).rows
    written = ask("export", "--channel", GENERAL, "--output", output, "--since", 3, "--no-words")
    again = ask("export", "--channel", GENERAL, "--output", output)

    assert [row["version"] for row in rows] == list(range(1, 9))
    assert rows[0]["body"]["parts"] == ["!coffee"]
    assert f"6 events of channel {GENERAL} are in {output}." in written.err
    assert [json.loads(line)["body"] for line in output.read_text().splitlines()] == [None] * 6
    assert again.code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["state"], 2, "Missing option '--channel'", id="no channel"),
        pytest.param(["state", "--channel", 5], 1, "There is no channel 5 in this log", id="an unknown channel"),
        pytest.param(["state", "--channel", GENERAL, "--at", "soon"], 2, "That is no point in time", id="no point"),
        pytest.param(["why", "--channel", HELP, LINK], 2, "These name several channels", id="two channels"),
        pytest.param(["why", "--channel", GENERAL, "x"], 2, "is no message", id="no message"),
        pytest.param(
            ["why", "--channel", GENERAL, 77], 1, "Nothing is recorded about message 77", id="unknown message"
        ),
        pytest.param(["why", 77], 1, "Message 77 is not in this log.", id="unknown message of no channel"),
        pytest.param(["diff", ASKED, GIVEN_UP, "--channel", HELP], 1, "was never recorded", id="another channel's"),
        pytest.param(["timeline", "--channel", GENERAL, "--person", "bob"], 2, "'bob' is no person", id="no person"),
        pytest.param(["undo", "--channel", GENERAL], 1, "no rewind or reset to take back", id="nothing to undo"),
        pytest.param(["timeline", "--channel", GENERAL, "--type", "x"], 2, "there is no type 'x'", id="no type"),
        pytest.param(["rehearse", "--message", LINK, "--last", 2], 2, "exclude each other", id="two choices"),
    ],
)
def test_what_can_t_be_done_is_refused(ask: Ask, arguments: list[object], code: int, said: str) -> None:
    """With a sentence."""
    ran = ask(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert said in " ".join(ran.err.split())


@pytest.mark.parametrize("command", ["status", "pause"])
def test_no_log_is_made_by_looking_for_one(run: Run, tmp_path: Path, command: str) -> None:
    """Nor by wanting to change it."""
    ran = run("replay", "--log", tmp_path / "none", "--channel", 5, command)

    assert ran.code == 4
    assert "There is no log in" in ran.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("command", "code"), [("state", 0), ("timeline", 0), ("why", 0), ("rehearse", 2)])
def test_only_what_composes_needs_the_models_key(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    """Whoever looks at a log has none of the bot's secrets, and pays for no library."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = tmp_path / "config.toml"
    config.write_text('[replies]\nresponder = ["rules", "llm"]\n[llm]\nmodel = "openai:tiny"\n', encoding="utf-8")
    about = {"why": [LINK], "rehearse": ["--message", LINK]}.get(command, ["--channel", str(GENERAL)])

    ran = run("replay", command, "--log", folder, "--config", config, *about)

    assert ran.code == code, ran.err
    assert ("OPENAI_API_KEY" in ran.err) == (command == "rehearse")
