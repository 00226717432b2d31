"""Run a sandbox as its own process: ``python -m bot.sandbox --port 0 --json``."""

from __future__ import annotations

import sys

import click

from bot.sandbox.command import command
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

_EXIT = 5


def hint(description: Json) -> str:
    """List the addresses and the token."""
    names = ("api_url", "gateway_url", "control_url", "token")
    return "\n".join(f"{name}: {description[name]}" for name in names)


def main() -> int:
    """Run the command; return its exit code."""
    try:
        command(hint).main(prog_name="python -m bot.sandbox", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SandboxError as error:
        click.echo(f"Error: {error}", err=True)
        return _EXIT
    except click.Abort:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
