"""``echoless log export``: the log as JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import GENERAL, Run


def test_everything_goes_to_stdout_without_words(run: Run, folder: Path) -> None:
    """One object a line, oldest first."""
    ran = run("log", "export", "--log", folder)

    assert list(range(1, 15)) == [row["position"] for row in ran.rows]
    assert all(row["body"] is None for row in ran.rows)
    assert ran.err == ""


def test_words_go_along_when_asked_for(run: Run, folder: Path) -> None:
    """As show gives them."""
    exported = run("log", "export", "--log", folder, "--words", "--channel", GENERAL)

    assert exported.rows == run("log", "show", "--log", folder, "--json", "--channel", GENERAL).rows


def test_a_file_is_its_owners_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    """It may hold people's words."""
    ran = run("log", "export", "--log", folder, "--output", tmp_path / "out.jsonl")

    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == run("log", "export", "--log", folder).out
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_is_not_overwritten(run: Run, folder: Path, tmp_path: Path) -> None:
    """Unless --force says so."""
    (tmp_path / "out.jsonl").write_text("mine", encoding="utf-8")

    refused = run("log", "export", "--log", folder, "--output", tmp_path / "out.jsonl")

    assert refused.code == 2
    assert "is there already: name another file, or add --force" in " ".join(refused.err.split())
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == "mine"
    assert run("log", "export", "--log", folder, "--output", tmp_path / "out.jsonl", "--force").code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])["type"] == "bot.started"


def test_what_fails_leaves_no_file(run: Run, folder: Path, tmp_path: Path) -> None:
    """And the one that was there stays."""
    (folder / "vault.key").unlink()
    (tmp_path / "old.jsonl").write_text("mine", encoding="utf-8")

    for name in ("new.jsonl", "old.jsonl"):
        assert run("log", "export", "--log", folder, "--words", "--force", "--output", tmp_path / name).code == 4

    assert ["log", "old.jsonl"] == sorted(path.name for path in tmp_path.iterdir())
    assert (tmp_path / "old.jsonl").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["none/out.jsonl", "log/vault.key/out.jsonl"])
def test_a_place_that_can_t_be_written_is_an_error(run: Run, folder: Path, tmp_path: Path, name: str) -> None:
    """In a sentence."""
    ran = run("log", "export", "--log", folder, "--output", tmp_path / name)

    assert ran.code == 1
    assert f"{tmp_path / name} can't be written:" in ran.err
