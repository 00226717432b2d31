from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.cli.options import exposed_dotenv, settings
from bot.errors import ConfigError

SECRET = "MTk4NjIyNDgz.nobody.knows"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with settings that is not the working directory, in an environment of its own."""
    monkeypatch.setattr(os, "environ", {})
    folder = tmp_path / "bot"
    folder.mkdir()
    (folder / "config.toml").write_text("", encoding="utf-8")
    return folder


def test_variables_come_from_the_file_beside_the_settings(folder: Path) -> None:
    """The token, settings, and what models' libraries want."""
    (folder / ".env").write_text(
        f"# secrets\nDISCORD_TOKEN={SECRET}\nexport ECHOLESS_TELEMETRY__PORT=1\nOPENAI_API_KEY='k'\n", encoding="utf-8"
    )

    config = settings(folder / "config.toml")

    assert config.telemetry.port == 1
    assert config.token(os.environ).get_secret_value() == SECRET
    assert os.environ["OPENAI_API_KEY"] == "k"


def test_without_a_settings_file_it_is_looked_for_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the settings file is."""
    (folder / ".env").write_text("ECHOLESS_TELEMETRY__PORT=1\n", encoding="utf-8")
    monkeypatch.chdir(folder)

    assert settings(None).telemetry.port == 1


def test_the_environment_goes_before_the_file(folder: Path) -> None:
    """As everywhere."""
    os.environ["ECHOLESS_TELEMETRY__PORT"] = "2"
    (folder / ".env").write_text("ECHOLESS_TELEMETRY__PORT=1\n", encoding="utf-8")

    assert settings(folder / "config.toml").telemetry.port == 2


@pytest.mark.parametrize("content", [SECRET.encode(), b"\xff\xfe", f"A=1\n{SECRET}\n".encode()])
def test_what_is_no_list_of_variables_is_refused_without_being_repeated(folder: Path, content: bytes) -> None:
    """A token alone on its line is the likeliest mistake."""
    (folder / ".env").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        settings(folder / "config.toml")

    assert str(folder / ".env") in str(caught.value)
    assert "NAME=value" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_may_read_is_noticed(folder: Path, mode: int, *, exposed: bool) -> None:
    """It holds the token."""
    (folder / ".env").write_text("", encoding="utf-8")
    (folder / ".env").chmod(mode)

    assert (exposed_dotenv(folder / "config.toml") is not None) == exposed
    assert exposed_dotenv(folder / "elsewhere" / "config.toml") is None
