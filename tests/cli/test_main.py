"""The command ``echoless``: finds commands late, ends with a sentence and an exit code."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from bot import __version__
from bot.cli import main as cli
from bot.errors import ConfigError, LogLocked, TokenError


def echoless(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line the way a user does."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def leave(monkeypatch: pytest.MonkeyPatch, *outcome: BaseException | int | None) -> int | str | None:
    """Run ``main()`` with a command that raises or returns ``outcome``, and return the exit code."""

    @click.command
    def command() -> int | None:
        (what,) = outcome
        if isinstance(what, BaseException):
            raise what
        return what

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)
    monkeypatch.setattr(sys, "argv", ["echoless", "run"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_help_lists_every_command() -> None:
    """Without a token, a file or the network."""
    ran = echoless("--help")

    assert ran.returncode == 0
    assert all(f"\n  {name} " in ran.stdout for name in cli.SUBCOMMANDS)


def test_version_is_the_package_s() -> None:
    """As in ``bot/__init__.py``, which is where the distribution takes it from."""
    assert echoless("--version").stdout == f"echoless {__version__}\n"


@pytest.mark.parametrize("arguments", ["['--help']", "['--version']"])
def test_help_and_version_import_no_command(arguments: str) -> None:
    """They answer before discord.py, pydantic and the database are even looked for."""
    program = (
        f"import sys; from bot.cli.main import echoless; echoless.main({arguments}, standalone_mode=False);"
        "print(sorted({'discord', 'aiohttp', 'aiosqlite', 'pydantic', 'structlog', 'rich'} & set(sys.modules)))"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("chekc", "No such command 'chekc'. Did you mean 'check'?"),
        ("log shwo", "No such command 'shwo'. Did you mean 'show'?"),
        ("replay rewnd", "No such command 'rewnd'. Did you mean 'rewind'?"),
        ("show", "No such command 'show'. Did you mean 'log show'?"),
        ("rewindd", "No such command 'rewindd'. Did you mean 'replay rewind'?"),
        ("log show --chanel 5", "No such option '--chanel'. (Did you mean one of: '--channel', '--help'?)"),
        ("usage --josn", "No such option '--josn'. (Did you mean one of: '--json', '--since'?)"),
        ("qqq", "No such command 'qqq'."),
    ],
)
def test_unknown_command_is_refused_with_the_one_that_was_meant(typed: str, said: str) -> None:
    """With where to look, and click's exit code for a wrong usage."""
    ran = echoless(*typed.split())

    assert ran.returncode == 2
    assert ran.stderr.endswith(f"Error: {said}\n")
    assert "echoless" in ran.stderr.partition("--help")[0]


def test_no_command_shows_the_help() -> None:
    """Somebody who types just the name wants to know what there is."""
    assert "Commands:" in echoless().stderr


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        pytest.param(ConfigError("Wrong."), 2, "Error: Wrong.\n", id="settings"),
        pytest.param(TokenError("No token."), 3, "Error: No token.\n", id="token"),
        pytest.param(LogLocked("Held."), 4, "Error: Held.\n", id="log"),
        pytest.param(click.UsageError("Odd."), 2, "Error: Odd.\n", id="usage"),
        pytest.param(KeyboardInterrupt(), 130, "\n", id="interrupted"),
        pytest.param(7, 7, "", id="a code of its own"),
        pytest.param(None, 0, "", id="all well"),
    ],
)
def test_every_end_has_its_code_and_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: BaseException | int | None,
    code: int,
    said: str,
) -> None:
    """And none has a traceback."""
    assert code == leave(monkeypatch, outcome)
    assert capsys.readouterr().err.endswith(said)


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no one foresaw is not hidden behind a sentence."""
    with pytest.raises(ZeroDivisionError):
        leave(monkeypatch, ZeroDivisionError())


@pytest.mark.parametrize("say", ["click.echo('x')", "print('x')"], ids=["at once", "only when flushed at the end"])
def test_a_reader_that_leaves_early_is_no_error(say: str) -> None:
    """``echoless log show | head``: nothing on stderr, whenever the line is written."""
    program = (
        "import click, sys; from bot.cli import main as cli; sys.argv = ['echoless', 'run'];"
        f"cli.LazyGroup.get_command = lambda *_: click.Command('run', callback=lambda: [sys.stdin.read(), {say}]);"
        "cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        process.stdout.close()
        process.stdin.close()  # the command goes on from here

        assert process.stderr.read() == b""
        assert process.wait() == 0
