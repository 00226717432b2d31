from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.app.responders import responders_of
from bot.cli.starter import starter_files
from bot.config import Config, load
from bot.gateway.invitation import Duties, application_of, invitation
from bot.responders import Question
from tests.cli.conftest import Run

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
"""The example of Discord's reference, which belongs to nobody."""
APPLICATION = 198622483471925248


def answered(config: Config, text: str) -> bool:
    """Tell whether somebody would answer a text."""
    return responders_of(config, {}).choose(Question(1, 2, 3, "Ada", text), addressed=True) is not None


@pytest.fixture
def typed(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs ``echoless`` with a token on stdin."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    return run


def test_a_new_folder_holds_all_that_run_needs(typed: Run, tmp_path: Path) -> None:
    """The settings are valid, their rules answer, the token is there and nobody else can read it."""
    ran = typed("init", "new/bot", "--token-stdin")
    folder = tmp_path / "new" / "bot"
    config = load(folder / "config.toml", {})

    assert (ran.code, ran.err) == (0, "")
    assert {path.name for path in folder.iterdir()} == {"config.toml", "factoids.json", ".env"}
    assert (folder / ".env").read_text() == f"DISCORD_TOKEN={TOKEN}\n"
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert answered(config, "!help")
    assert answered(config, "what is this?\nand that?")
    assert "rule" not in config.replies.answer


def test_it_says_how_to_invite_the_bot_and_what_to_type_next(typed: Run) -> None:
    """The token is not repeated."""
    ran = typed("init", "--token-stdin")

    assert invitation(APPLICATION, Duties()) in ran.out
    assert f"applications/{APPLICATION}/bot" in ran.out
    assert " run " in ran.out
    assert "--config" not in ran.out
    assert TOKEN not in ran.out + ran.err


def test_from_another_folder_the_next_command_names_the_settings(typed: Run) -> None:
    """It can be typed where the first one was."""
    assert "run --config 'my bot/config.toml'" in typed("init", "my bot", "--token-stdin").out


def test_a_second_time_everything_is_kept(typed: Run, tmp_path: Path) -> None:
    """The invitation is shown once more, from the token that is kept."""
    typed("init", "--token-stdin")
    (tmp_path / "config.toml").write_text("[replies]\nanswer = []\n", encoding="utf-8")

    ran = typed("init")

    assert "wrote" not in ran.out
    assert invitation(APPLICATION, Duties(answers=False)) in ran.out
    assert (tmp_path / "config.toml").read_text() == "[replies]\nanswer = []\n"
    assert TOKEN in (tmp_path / ".env").read_text()


@pytest.mark.parametrize("setting", ["open_threads", "ask"])
def test_a_bot_that_opens_threads_is_invited_for_that(typed: Run, tmp_path: Path, setting: str) -> None:
    """For each conversation, or for a question by the command."""
    (tmp_path / "config.toml").write_text(f"[replies]\n{setting} = true\n", encoding="utf-8")

    assert invitation(APPLICATION, Duties(opens_threads=True)) in typed("init", "--token-stdin").out


def test_other_variables_stay_beside_a_new_token(typed: Run, tmp_path: Path) -> None:
    """A token that changed takes the place of the one before."""
    (tmp_path / ".env").write_text("OPENAI_API_KEY=k\nDISCORD_TOKEN=old\n", encoding="utf-8")

    typed("init", "--token-stdin")

    assert (tmp_path / ".env").read_text() == f"OPENAI_API_KEY=k\nDISCORD_TOKEN={TOKEN}\n"


def test_without_a_token_it_says_where_to_put_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to be asked."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = run("init")

    assert ran.code == 0
    assert "1. Put the token behind DISCORD_TOKEN= in .env" in ran.out
    assert (tmp_path / ".env").read_text() == "DISCORD_TOKEN=\n"


@pytest.mark.parametrize("said", ["", "\n", "two words\n", "tökén\n"])
def test_what_is_no_token_makes_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """And is not repeated."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    ran = run("init", "--token-stdin")

    assert ran.code == 3
    assert ran.err.startswith("Error: ")
    assert not said.strip() or said.strip() not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written_is_named(typed: Run, tmp_path: Path) -> None:
    """A file stands where a folder has to be."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    ran = typed("init", "taken/bot", "--token-stdin")

    assert ran.code == 1
    assert "can't be written" in ran.err


def test_on_a_terminal_it_asks_and_does_not_show_the_token(tmp_path: Path) -> None:
    """What is no token is asked for again."""
    parent, child = pty.openpty()
    ours = subprocess.Popen(
        [sys.executable, "-m", "bot", "init", str(tmp_path)],
        stdin=child, stdout=child, stderr=child, cwd=Path(__file__).parents[2], start_new_session=True,
    )  # fmt: skip
    os.close(child)
    seen = _until(parent, b"later): ")
    os.write(parent, b"two words\n")
    seen += _until(parent, b"later): ")
    os.write(parent, TOKEN.encode() + b"\n")
    seen += _until(parent, b"it answers.")

    assert ours.wait() == 0
    os.close(parent)
    assert b"not a bot token" in seen
    assert TOKEN.encode() not in seen
    assert b"two words" not in seen
    assert TOKEN in (tmp_path / ".env").read_text()


def _until(terminal: int, wanted: bytes) -> bytes:
    """Read what a terminal shows until ``wanted`` stands there."""
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 4096)
    return seen


def test_the_settings_work_with_every_line_uncommented(typed: Run, tmp_path: Path) -> None:
    """No file that they name is missing."""
    typed("init", "--token-stdin")
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"(?m)^# (?=[a-z_]+ = )", "", path.read_text()), encoding="utf-8")

    config = load(path, {})

    assert len(tomllib.loads(path.read_text())["limits"]) > 3
    assert answered(config, "!ping")
    assert config.token({"DISCORD_TOKEN": TOKEN})


def test_the_starter_differs_from_the_example_where_it_says() -> None:
    """The example keeps the lines that it is made from."""
    settings = tomllib.loads(starter_files()["config.toml"])

    assert settings["replies"] == {"answer": ["mention", "reply", "dm"]}
    assert [rule["match"] for rule in settings["rules"]] == ["!(?P<word>[a-z0-9-]+)", "(?s).*"]


@pytest.mark.parametrize(
    "token", ["", "sandbox.token.not-a-secret", "!!!.x.y", "YWJj.x.y", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5.x"]
)
def test_a_token_may_not_tell_its_application(token: str) -> None:
    """Then the link has to wait for Discord."""
    assert application_of(token) is None


def test_an_invitation_asks_for_no_more_than_is_needed() -> None:
    """In numbers, as Discord reads it."""
    assert application_of(TOKEN) == APPLICATION
    answering = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 16 | 1 << 38
    asked_for = {Duties(): answering, Duties(opens_threads=True): answering | 1 << 35}
    asked_for |= {Duties(answers=False, opens_threads=opens): 1 << 10 | 1 << 16 for opens in (False, True)}
    assert {duties: duties.asked_for.value for duties in asked_for} == asked_for
    assert "scope=bot+applications.commands" in invitation(1, Duties())


@pytest.mark.parametrize("content", [b"\xff\xfe", TOKEN.encode()])
def test_variables_that_can_not_be_read_are_named_before_anything_is_made(
    typed: Run, tmp_path: Path, content: bytes
) -> None:
    """A token alone on its line is not repeated."""
    (tmp_path / ".env").write_bytes(content)

    ran = typed("init", "--token-stdin")

    assert ran.code == 2
    assert ".env" in ran.err
    assert TOKEN not in ran.err
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
    assert (tmp_path / ".env").read_bytes() == content
