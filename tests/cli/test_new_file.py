"""Files that commands write for a person: nobody else can read them, and no symlink leads them elsewhere."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import click
import pytest

from bot.cli.new_file import new_file
from tests.cli.conftest import GENERAL, Run

WRITING = {
    "log": ("log", "export", "--words", "--output"),
    "replay": ("replay", "export", "--channel", GENERAL, "--output"),
    "usage": ("usage", "--svg"),
}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a file of somebody else's that nothing may touch."""
    path = tmp_path / "victim"
    path.write_text("theirs", encoding="utf-8")
    path.chmod(0o644)
    return path


def _untouched(victim: Path) -> bool:
    return victim.read_text(encoding="utf-8") == "theirs" and victim.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("command", WRITING.values(), ids=list(WRITING))
def test_a_symlink_at_the_temporary_name_is_not_followed(
    command: tuple[object, ...], run: Run, folder: Path, tmp_path: Path, victim: Path
) -> None:
    """The file is written, under a name that nobody can foresee until it is whole."""
    (tmp_path / "out.part").symlink_to(victim)

    ran = run(*command, tmp_path / "out", "--log", folder)

    assert ran.code == 0
    assert _untouched(victim)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", WRITING.values(), ids=list(WRITING))
def test_a_symlink_at_the_target_is_not_followed(
    command: tuple[object, ...], run: Run, folder: Path, tmp_path: Path, victim: Path
) -> None:
    """With --force the file takes its place."""
    (tmp_path / "out").symlink_to(victim)

    ran = run(*command, tmp_path / "out", *(() if "--svg" in command else ("--force",)), "--log", folder)

    assert ran.code == 0
    assert _untouched(victim)
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_symlink_that_leads_nowhere_is_a_file_that_is_there(run: Run, folder: Path, tmp_path: Path) -> None:
    """Only --force replaces it."""
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")

    ran = run("log", "export", "--output", tmp_path / "out", "--log", folder)

    assert ran.code == 2
    assert "is there already" in ran.err
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    """Without --force nothing is ever replaced."""

    def written_meanwhile() -> None:
        with new_file(tmp_path / "out", force=False) as file:
            file.write("ours")
            (tmp_path / "out").write_text("theirs", encoding="utf-8")

    with pytest.raises(click.BadParameter, match="is there already"):
        written_meanwhile()

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text(encoding="utf-8") == "theirs"


def test_where_a_disk_has_no_links_a_file_appears_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a memory stick."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with new_file(tmp_path / "out", force=False) as file:
        file.write("ours")

    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_file_is_not_replaced(kind: str, run: Run, folder: Path, tmp_path: Path) -> None:
    """Even with --force: a pipe, a socket or a device is something that others rely on."""
    place = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fspath(place))

    ran = run("log", "export", "--output", place, "--force", "--log", folder)

    assert ran.code == 2
    assert "is no file" in ran.err
    assert place.exists()
    assert not place.is_file()


def test_init_follows_no_symlink(run: Run, tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to where a file of its own would be, nor beside it."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "config.toml").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new" / ".env.part").symlink_to(victim)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    run("init", "new")

    assert _untouched(victim)
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "new" / ".env").stat().st_mode & 0o777 == 0o600
