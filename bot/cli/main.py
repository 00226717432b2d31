"""The command ``echoless``: finds the subcommand and turns errors into a sentence and an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import click

from bot import __version__
from bot.errors import EcholessError
from bot.interpreter import collector_paused

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Subcommand:
    """The module of a command and its line in ``--help``, which is printed without importing the module."""

    path: str
    help: str


GROUPS = ("log", "key", "replay", "consumers")
"""The subcommands that have subcommands themselves."""

SUBCOMMANDS = {
    "init": Subcommand("bot.cli.init:init", "Make the files of a new bot, and say how to invite it."),
    "run": Subcommand("bot.cli.run:run", "Connect to Discord and answer."),
    "demo": Subcommand("bot.demo.command:demo", "Try it all: a Discord on loopback, the bot and a scripted chat."),
    "sandbox": Subcommand(
        "bot.cli.sandbox:sandbox", "Start a Discord on loopback to chat with the bot, no token needed."
    ),
    "log": Subcommand("bot.cli.log:log", "Look into the event log: show, follow, verify, export, rekey."),
    "key": Subcommand("bot.cli.key:key", "Give the log another key: rotate, renew."),
    "backup": Subcommand("bot.cli.backup:backup", "Copy the log into one file, while the bot runs or not."),
    "restore": Subcommand("bot.cli.restore:restore", "Put a backup in the place of the log."),
    "archive": Subcommand("bot.cli.archive:archive", "Put one channel's events and words into a sealed file."),
    "import": Subcommand(
        "bot.cli.import_:import_", "Bring in what was said before: an exporter's files, a data package, a log's export."
    ),
    "erase": Subcommand("bot.cli.erase:erase", "Erase words: of a person, a message, a channel, a server, a time."),
    "replay": Subcommand("bot.cli.replay:replay", "Show what the bot knew of a channel, now or at any time."),
    "stats": Subcommand("bot.cli.stats:stats", "Show messages, people, replies and how soon these came."),
    "usage": Subcommand("bot.cli.usage:usage", "Show what answers took: tokens and cost by day, person and channel."),
    "search": Subcommand("bot.cli.search:search", "Find messages and answers of the last days by their words."),
    "page": Subcommand("bot.cli.page:page", "Look at the conversations in a browser, as they were at any time."),
    "consumers": Subcommand("bot.cli.consumers:consumers", "List and steer what follows the log: pause, reset, retry."),
    "check": Subcommand("bot.cli.check:check", "Check token, intents, permissions, log and clock."),
}


class ReaderLeft(Exception):
    """Nobody reads our output any more, as after ``| head``."""


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is called, so that others start fast.

    This is the pattern "Lazily Loading Subcommands" of click's documentation.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order in which people use them."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command called ``cmd_name``."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name].path.partition(":")
        # Nothing of what an import makes is garbage, and the collector took a tenth of the start to find that out.
        with collector_paused():
            command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; refuse an unknown one, with the one that was probably meant (``log show`` for ``show``)."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            name = error.command_name
            refusal = click.NoSuchCommand(name, possibilities=SUBCOMMANDS, ctx=ctx)
            if not refusal.possibilities and (inner := self._inner(ctx, name)):
                refusal = click.NoSuchCommand(name, f"{refusal.message} Did you mean {inner!r}?", ctx=ctx)
            raise refusal from None

    def _inner(self, ctx: click.Context, name: str) -> str | None:
        """Return the command of a group that was probably meant. The groups are imported for it."""
        for group_name in GROUPS:
            group = self.get_command(ctx, group_name)
            near = get_close_matches(name, group.list_commands(ctx)) if isinstance(group, click.Group) else []
            if near:
                return f"{group_name} {near[0]}"
        return None

    def make_context(self, *args: Any, **more: Any) -> click.Context:  # noqa: ANN401 - click's
        """Read the arguments, and answer ``--help``."""
        with _noticing_who_left():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command."""
        with _noticing_who_left():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in SUBCOMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="echoless", message="%(prog)s %(version)s")
def echoless() -> None:
    """Run Echoless, a Discord chat bot with event sourcing built in.

    Try it without a token: echoless demo
    """


@contextmanager
def _noticing_who_left() -> Iterator[None]:
    """Raise ReaderLeft when nobody reads stdout any more, before click and rich exit with a code of their own."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeft from error
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):
            raise ReaderLeft from error
        raise


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = _run()
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except EcholessError as exc:
        click.echo(f"Error: {exc}", err=True)
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ReaderLeft:
        _let_go_of_stdout()
        sys.exit(0)
    except OSError as exc:
        if exc.errno != errno.ENOSPC:
            raise
        _let_go_of_stdout()
        click.echo(
            "Error: There is no space left for what is written here: free some, or write it elsewhere.", err=True
        )
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _run() -> object:
    code = echoless.main(prog_name="echoless", standalone_mode=False)
    if sys.stdout is not None:
        with _noticing_who_left():
            sys.stdout.flush()
    return code


def _let_go_of_stdout() -> None:
    """Discard the rest of the output. Python flushes stdout at exit and would report an error."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
