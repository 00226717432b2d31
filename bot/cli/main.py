"""The command ``echoless``: finds the subcommand and turns errors into a sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass

import click

from bot import __version__
from bot.errors import EcholessError

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Subcommand:
    """Where a command lives, and its line in ``--help``, which is printed without importing it."""

    path: str
    help: str


SUBCOMMANDS = {
    "init": Subcommand("bot.cli.init:init", "Make the files of a new bot, and say how to invite it."),
    "run": Subcommand("bot.cli.run:run", "Connect to Discord and answer."),
    "demo": Subcommand("bot.cli.demo:demo", "Try it all: a Discord on loopback, the bot and a scripted chat."),
    "sandbox": Subcommand(
        "bot.cli.sandbox:sandbox", "Start a Discord on loopback to chat with the bot, no token needed."
    ),
    "log": Subcommand("bot.cli.log:log", "Look into the event log: show, stats, verify, export."),
    "replay": Subcommand("bot.cli.replay:replay", "Show what the bot knew of a channel, now or at any time."),
    "usage": Subcommand("bot.cli.usage:usage", "Show what answers took: tokens and cost by day, person and channel."),
    "check": Subcommand("bot.cli.check:check", "Check token, intents, permissions, log and clock."),
}


class LazyGroup(click.Group):
    """Import a subcommand only when it is called.

    The pattern of click's documentation, "Lazily Loading Subcommands": start-up costs what a command needs.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order of use, not of the alphabet."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command called ``cmd_name``."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name].path.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

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


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = echoless.main(prog_name="echoless", standalone_mode=False)
        sys.stdout.flush()
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
    except BrokenPipeError:
        # The reader left (`| head`). Python flushes stdout once more at exit and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
