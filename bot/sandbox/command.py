"""The sandbox's command and its options."""

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


class _RateType(click.ParamType[RateLimit | None]):
    """A rate such as 5/5; off is None."""

    name = "N/SECONDS|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RateLimit | None:  # noqa: ANN401
        """Read the rate."""
        try:
            return RateLimit.parse(str(value))
        except SandboxError as error:
            self.fail(str(error), param, ctx)


class _SpeedType(click.ParamType[float | None]):
    """A factor; max is None."""

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


def _sandbox_options() -> list[click.Parameter]:
    """List the options for the fields of SandboxOptions; each has the name of its field."""
    port, seconds = click.IntRange(0, 65535), click.FloatRange(min=0)
    shown: dict[str, Any] = {"show_default": True}
    rate: dict[str, Any] = {"metavar": _RateType.name, "type": _RateType(), **shown}
    return [
        click.Option(["--host"], default="127.0.0.1", **shown, help="A loopback address to listen on."),
        click.Option(["--port"], type=port, default=0, help="Port of REST and gateway.  [default: any free one]"),
        click.Option(
            ["--control-port"], type=port, default=0, help="Port of the control API.  [default: any free one]"
        ),
        click.Option(["--token"], default=DEFAULT_TOKEN, **shown, help="The bot's token."),
        click.Option(["--bot-name"], default="sandbox-bot", **shown, help="The bot's name."),
        click.Option(
            ["--rate-limit", "message_rate"],
            default="5/5",
            **rate,
            help="Messages per channel; off switches every limit off.",
        ),
        click.Option(["--global-rate-limit", "global_rate"], default="50/1", **rate, help="All requests."),
        click.Option(["--nonce-window"], type=seconds, default=300, **shown, help="Seconds a nonce is remembered."),
        click.Option(
            ["--resume-window"],
            type=seconds,
            default=180,
            **shown,
            help="Seconds a session without connection can be resumed.",
        ),
        click.Option(
            ["--heartbeat", "heartbeat_interval"],
            type=click.FloatRange(min=0.05),
            default=41.25,
            **shown,
            help="Seconds.",
        ),
        click.Option(
            ["--deny-intent", "denied_intents"],
            type=click.Choice(sorted(PRIVILEGED_BY_NAME)),
            multiple=True,
            help="A privileged intent that is not switched on for the bot.",
        ),
    ]


def _job_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--play"],
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="Play recorded chat: JSON Lines of channel, at, author, bot, content.",
        ),
        click.Option(
            ["--speed"],
            metavar=_SpeedType.name,
            type=_SpeedType(),
            default="1",
            show_default=True,
            help="Divide the recorded pauses; max leaves them out.",
        ),
        click.Option(["--exit-after-play"], is_flag=True, help="Leave when the bot is quiet after playing."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON line when listening, and no chat."),
    ]


def command(
    hint: Hint, kind: type[click.Command] = click.Command, companion: StartCompanion | None = None
) -> click.Command:
    """Build the click command.

    ``hint`` writes what to do next from the addresses; ``companion`` is what the option ``--with-bot`` starts.
    """
    beside = [click.Option(["--with-bot"], is_flag=True, help="Bring a bot along, which ends with the sandbox.")]

    def callback(*, with_bot: bool = False, **chosen: Any) -> None:  # noqa: ANN401 - click's values
        _run(hint, companion if with_bot else None, **chosen)

    return kind(
        "sandbox",
        callback=callback,
        params=[*(beside if companion is not None else ()), *_sandbox_options(), *_job_options()],
        context_settings={"help_option_names": ["-h", "--help"]},
        help=(
            "Start a Discord on loopback, REST and gateway, that any bot can be pointed at: no token, no network.\n\n"
            "On a terminal it is a chat: type, and see the bot answer. With --play it plays recorded chat to the bot "
            "and counts the replies. A control API lets tests and curl build, post, judge and break things."
        ),
    )


def _run(
    hint: Hint,
    companion: StartCompanion | None,
    *,
    play: Path | None,
    speed: float | None,
    exit_after_play: bool,
    as_json: bool,
    **chosen: Any,  # noqa: ANN401 - the fields of SandboxOptions
) -> None:
    """Serve until Ctrl-C, ``/quit`` or the end of a play; raise SandboxError for options that can't work."""
    if chosen["message_rate"] is None:
        chosen["global_rate"] = None
    options = SandboxOptions(**chosen | {"denied_intents": frozenset(chosen["denied_intents"])})
    if exit_after_play and play is None:
        raise SandboxError("--exit-after-play needs something to play: add --play FILE.")
    lines = None if play is None else read_recording(play)
    asyncio.run(serve(options, Job(lines, speed, exit_after_play, as_json, companion), hint))
