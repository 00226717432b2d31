"""``echoless sandbox``: a Discord on loopback to try the bot against."""

from __future__ import annotations

import shlex
from typing import Any

import click

from bot.sandbox.command import command
from bot.sandbox.errors import SandboxError


class _Translated(click.Command):
    """Turn the sandbox's own error into one that the command line knows."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SandboxError as exc:
            raise click.ClickException(str(exc)) from exc


def hint(description: dict[str, Any]) -> str:
    """Write the command that runs the bot against this sandbox."""
    environment = {
        "DISCORD_TOKEN": description["token"],
        "ECHOLESS_DISCORD__API_URL": description["api_url"],
        "ECHOLESS_DISCORD__GATEWAY_URL": description["gateway_url"],
    }
    lines = [f"  {name}={shlex.quote(value)} \\" for name, value in environment.items()]
    return "\n".join(
        [
            "A Discord on loopback is ready. Run the bot against it in another terminal:",
            "",
            *lines,
            "  echoless run",
            "",
            f"Control it (curl): {description['control_url']}",
        ]
    )


sandbox = command(hint, _Translated)
