"""``echoless init``: the files of a new bot, and the next steps until it answers."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from dotenv import dotenv_values

from bot.app import from_settings
from bot.cli.new_file import new_file
from bot.cli.options import DOTENV, program, read_dotenv, settings
from bot.cli.starter import CONFIG, starter_files
from bot.config.model import TOKEN_VARIABLE, parse_token
from bot.errors import ConfigError, TokenError
from bot.gateway.invitation import application_of, invitation

PORTAL = "https://discord.com/developers/applications"
_QUESTION = "Token, not shown as you type (Enter: later)"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--token-stdin", is_flag=True, help="Read the bot's token from stdin instead of asking for it.")
def init(*, folder: Path, token_stdin: bool) -> None:
    """Make the files of a new bot in FOLDER (default: here), and say how to invite it.

    They are config.toml with every setting, factoids.json with what the first rules answer, and .env with the token,
    readable by you alone. Files that are there already stay as they are.
    """
    if problem := read_dotenv(folder / DOTENV):
        raise ConfigError(problem)
    token = _token_from_stdin() if token_stdin else _token_of(folder / DOTENV) or _asked_token()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in starter_files().items():
            _say(folder / name, new=_written(folder / name, content))
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be written ({error.strerror}).") from error
    _say(folder / DOTENV, new=_keep_token(folder / DOTENV, token))
    click.echo("\n" + "\n".join(_next_steps(folder, token)))


def _token_from_stdin() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise TokenError("There is no token on stdin: write it there as one line.")
    return parse_token(token, "stdin").get_secret_value()


def _token_of(dotenv: Path) -> str:
    """Return the token that ``.env`` already holds, "" if there is none."""
    return (dotenv_values(dotenv, interpolate=False).get(TOKEN_VARIABLE) or "") if dotenv.is_file() else ""


def _asked_token() -> str:
    """Ask for the token without showing it; return "" when it is not given or when nobody can be asked."""
    if not sys.stdin.isatty():
        return ""
    click.echo(f"Copy the bot's token from {PORTAL} (your application, Bot, Reset Token).")
    while True:
        token = click.prompt(_QUESTION, default="", hide_input=True, show_default=False)
        try:
            return parse_token(token.strip(), "that").get_secret_value()
        except TokenError as error:
            click.echo(f"Error: {error}", err=True)


def _written(path: Path, content: str) -> bool:
    """Write a file unless it exists; tell whether it was written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _keep_token(path: Path, token: str) -> bool:
    """Put the token's line into ``.env`` and keep its other lines; tell whether the file was written."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    others = [line for line in lines if not line.startswith(f"{TOKEN_VARIABLE}=")]
    if lines and token == _token_of(path):
        return False
    with new_file(path, force=True) as file:
        file.write("\n".join([*others, f"{TOKEN_VARIABLE}={token}"]) + "\n")
    return True


def _say(path: Path, *, new: bool) -> None:
    click.echo(f"{'wrote' if new else 'kept '} {path}")


def _next_steps(folder: Path, token: str) -> list[str]:
    """Return the steps that are left until the bot answers."""
    application = application_of(token)
    config = settings(folder / CONFIG)
    page = f"{PORTAL}/{application}" if application else PORTAL
    steps = [] if token else [f"Put the token behind {TOKEN_VARIABLE}= in {folder / DOTENV}, or run init once more."]
    if config.discord.message_content:
        steps.append(f"Switch on the Message Content Intent: {page}{'/bot' if application else ' (Bot)'}")
    link = invitation(application, from_settings.endpoint(config).duties) if application else ""
    steps.append(f"Invite the bot: {link}" if link else "Invite the bot: `run` shows the link when it starts.")
    steps.append(f"Start it: {_command('run', folder)}   ({_command('check', folder)} says what is wrong)")
    steps.append("Mention the bot in a channel, and it answers.")
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def _command(name: str, folder: Path) -> str:
    """Return a command as a person can type it in the same place as this one."""
    where = "" if folder.resolve() == Path.cwd() else f" --config {shlex.quote(str(folder / CONFIG))}"
    return f"{program()} {name}{where}"
