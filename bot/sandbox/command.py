"""The sandbox from the command line: its options, and what they mean."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from bot.sandbox.errors import SandboxError
from bot.sandbox.intents import PRIVILEGED_BY_NAME
from bot.sandbox.options import DEFAULT_TOKEN, RateLimit, SandboxOptions
from bot.sandbox.recordings import read_recording
from bot.sandbox.serve import Hint, Job, StartCompanion, serve


class _RateType(click.ParamType[str]):
    """A rate such as 5/5, or off."""

    name = "N/SECONDS|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Check the text; it stays text."""
        try:
            RateLimit.parse(str(value))
        except SandboxError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class _SpeedType(click.ParamType[float | None]):
    """A factor, or max."""

    name = "FACTOR|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:  # noqa: ANN401
        """Read the factor; None means without pauses."""
        if value is None or str(value) == "max":
            return None
        try:
            factor = float(value)
        except ValueError:
            factor = 0.0
        if not 0 < factor < float("inf"):
            self.fail(f"{value!r} is not a speed: write a number above 0, or max.", param, ctx)
        return factor


def options() -> list[click.Parameter]:
    """List the command's options."""
    return [*_addresses(), *_playing(), *_behaviour()]


def _addresses() -> list[click.Parameter]:
    port = click.IntRange(0, 65535)
    return [
        click.Option(["--host"], default="127.0.0.1", show_default=True, help="A loopback address to listen on."),
        click.Option(["--port"], type=port, default=0, help="Port of REST and gateway.  [default: any free one]"),
        click.Option(
            ["--control-port"], type=port, default=0, help="Port of the control API.  [default: any free one]"
        ),
        click.Option(["--token"], default=DEFAULT_TOKEN, show_default=True, help="The bot's token."),
        click.Option(["--bot-name"], default="sandbox-bot", show_default=True, help="The bot's name."),
    ]


def _playing() -> list[click.Parameter]:
    return [
        click.Option(
            ["--play"],
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="Play recorded chat: JSON Lines of channel, at, author, bot, content.",
        ),
        click.Option(
            ["--speed"],
            metavar="FACTOR|max",
            type=_SpeedType(),
            default="1",
            show_default=True,
            help="Divide the recorded pauses; max leaves them out.",
        ),
        click.Option(["--exit-after-play"], is_flag=True, help="Leave when the bot is quiet after playing."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON line when listening, and no chat."),
    ]


def _behaviour() -> list[click.Parameter]:
    seconds = click.FloatRange(min=0)
    return [
        click.Option(
            ["--rate-limit"],
            metavar="N/SECONDS|off",
            type=_RateType(),
            default="5/5",
            show_default=True,
            help="Messages per channel; off switches every limit off.",
        ),
        click.Option(
            ["--global-rate-limit"],
            metavar="N/SECONDS|off",
            type=_RateType(),
            default="50/1",
            show_default=True,
            help="All requests.",
        ),
        click.Option(
            ["--nonce-window"], type=seconds, default=300, show_default=True, help="Seconds a nonce is remembered."
        ),
        click.Option(
            ["--resume-window"],
            type=seconds,
            default=180,
            show_default=True,
            help="Seconds a session without connection can be resumed.",
        ),
        click.Option(
            ["--heartbeat"], type=click.FloatRange(min=0.05), default=41.25, show_default=True, help="Seconds."
        ),
        click.Option(
            ["--deny-intent"],
            type=click.Choice(sorted(PRIVILEGED_BY_NAME)),
            multiple=True,
            help="A privileged intent that is not switched on for the bot.",
        ),
    ]


def command(
    hint: Hint, kind: type[click.Command] = click.Command, companion: StartCompanion | None = None
) -> click.Command:
    """Build the click command.

    ``hint`` writes what to do next from the addresses; ``companion`` is what the option ``--with-bot`` starts.
    """
    beside = [click.Option(["--with-bot"], is_flag=True, help="Bring a bot along, which ends with the sandbox.")]

    def callback(*, with_bot: bool = False, **chosen: Any) -> None:  # noqa: ANN401 - click's values
        run(hint, companion if with_bot else None, **chosen)

    return kind(
        "sandbox",
        callback=callback,
        params=[*(beside if companion is not None else ()), *options()],
        context_settings={"help_option_names": ["-h", "--help"]},
        help=(
            "Start a Discord on loopback, REST and gateway, that any bot can be pointed at: no token, no network.\n\n"
            "On a terminal it is a chat: type, and see the bot answer. With --play it plays recorded chat to the bot "
            "and counts the replies. A control API lets tests and curl build, post, judge and break things."
        ),
    )


def run(hint: Hint, companion: StartCompanion | None, **chosen: Any) -> None:  # noqa: ANN401 - click's values
    """Serve until Ctrl-C, ``/quit`` or the end of a play; raise SandboxError for what can't be."""
    unlimited = RateLimit.parse(chosen["rate_limit"]) is None
    sandbox_options = SandboxOptions(
        host=chosen["host"],
        port=chosen["port"],
        control_port=chosen["control_port"],
        token=chosen["token"],
        bot_name=chosen["bot_name"],
        nonce_window=chosen["nonce_window"],
        message_rate=RateLimit.parse(chosen["rate_limit"]),
        global_rate=None if unlimited else RateLimit.parse(chosen["global_rate_limit"]),
        resume_window=chosen["resume_window"],
        heartbeat_interval=chosen["heartbeat"],
        denied_intents=frozenset(chosen["deny_intent"]),
    )
    if chosen["exit_after_play"] and chosen["play"] is None:
        raise SandboxError("--exit-after-play needs something to play: add --play FILE.")
    lines = None if chosen["play"] is None else read_recording(chosen["play"])
    job = Job(lines, chosen["speed"], chosen["exit_after_play"], chosen["as_json"], companion)
    asyncio.run(serve(sandbox_options, job, hint))
