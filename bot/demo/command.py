"""``echoless demo``: a Discord on loopback, the bot, a scripted chat, a kill -9, and a table of the results."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from bot.cli.output import console, say_json
from bot.demo.acts import Act, Stage
from bot.demo.looking import look
from bot.demo.model_chat import run_llm
from bot.demo.model_report import ModelReport, print_model_report
from bot.demo.playground import STANDBY, VARIABLES, demo_facts, open_playground
from bot.demo.report import DemoReport, print_report, timeline
from bot.demo.script import ScriptWriter
from bot.page.rendering import templates

MESSAGES = 120
FEWEST, MOST = 40, 5000
TERMINATED = 143
"""The exit code of a process ended by SIGTERM."""

DISCORDS_RATE = "5/5"
"""The rate that Discord seems to allow in a channel: 5 messages in 5 seconds (docs/discord-facts.md, 1.3)."""

PATIENT_REPLIES = 30
"""The most replies in one channel for which the sandbox uses Discord's rate; with more, a demo takes too long."""


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, another chat.")
@click.option(
    "--messages",
    type=click.IntRange(FEWEST, MOST),
    default=MESSAGES,
    show_default=True,
    help="About how many messages people post; with many the sandbox sets no rate limit.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option(
    "--keep",
    "kept",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep settings, log and the bot's output in this folder, which must be empty or new.",
)
@click.option(
    "--llm",
    "llm_url",
    metavar="URL",
    help="Have a language model answer, by a server in OpenAI's protocol such as Ollama: http://127.0.0.1:11434/v1.",
)
@click.option(
    "--engine",
    type=click.Choice(list(VARIABLES)),
    help="Keep the log in this engine, which is started; a standby goes on where the bot is killed.",
)
@click.option("--page", "paged", is_flag=True, help="At the end show the demo's log as a page in the browser.")
@click.option("--model", help="With --llm: this model; by default the first that the server lists.")
def demo(
    *,
    seed: int,
    messages: int,
    as_json: bool,
    kept: Path | None,
    llm_url: str | None,
    engine: str | None,
    paged: bool,
    model: str | None,
) -> None:
    """Try it all without a token: a Discord on loopback, the bot and a scripted chat.

    People talk in channels, a thread and a private chat. In the middle of a burst the bot is killed with SIGKILL, at
    the moment at which Discord has taken a reply that the bot has not recorded. It is started again, and at the end
    Discord's side is compared with the log. Exit code 0 only if nothing was lost or doubled.

    With --llm it is a short chat instead, in which people ask a language model; nobody is killed, and exit code 0 also
    means that every question was answered.

    With --engine the log is in a server of its own, and two bots run: where the first is killed, the second, a standby,
    goes on in its place.

    With --page the log is shown as a page at the end, until Enter or Ctrl-C; without a terminal until it has answered.
    """
    if model is not None and not llm_url:
        raise click.UsageError("--model goes with --llm.")
    if engine and llm_url:
        raise click.UsageError("--engine does not go with --llm.")
    if paged:
        # A missing package is told before the demo and not after it.
        templates()
    with _folder(kept) as folder:
        try:
            report: DemoReport | ModelReport = (
                asyncio.run(_ask(folder, llm_url, model))
                if llm_url
                else asyncio.run(_run(folder, seed, messages, engine or ""))
            )
        except asyncio.CancelledError:
            click.get_current_context().exit(TERMINATED)
        if as_json:
            say_json(report.to_json())
        else:
            _print(report)
        last = folder / STANDBY if engine else folder
        if kept and not as_json:
            click.echo(f"Look further: echoless log show --log {kept / last.relative_to(folder) / 'data'}")
        if paged:
            asyncio.run(look(last / "data"))
    click.get_current_context().exit(0 if report.ok else 1)


def _print(report: DemoReport | ModelReport) -> None:
    if isinstance(report, ModelReport):
        print_model_report(report)
    else:
        print_report(report)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="echoless-demo-") as name:
            yield Path(name)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        full = any(kept.iterdir())
    except OSError as error:
        raise click.FileError(str(kept), error.strerror) from error
    if full:
        raise click.BadParameter(f"{kept} is not empty: name a new folder.", param_hint="'--keep'")
    yield kept.absolute()


def _end_by_signals() -> None:
    task = asyncio.current_task()
    if task is not None:
        # asyncio handles Ctrl-C. After a closed terminal or a stop by a supervisor, no process may be left either.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _ask(folder: Path, url: str, model: str | None) -> ModelReport:
    _end_by_signals()
    screen = console(stderr=True)
    with screen.status("starting") as status:

        def announce(what: str) -> None:
            status.update(f"{what} ...")
            screen.print(what)

        return await run_llm(folder, url, model, announce)


async def _run(folder: Path, seed: int, messages: int, engine: str) -> DemoReport:
    _end_by_signals()
    facts = demo_facts()
    writer = ScriptWriter(seed, json.loads(facts))
    story = writer.story(messages)
    rate = DISCORDS_RATE if story.busiest <= PATIENT_REPLIES else "off"
    screen = console(stderr=True)
    with screen.status("starting") as status:
        async with open_playground(folder, facts, ["--rate-limit", rate], engine=engine) as playground:
            stage = Stage(
                sandbox=playground.sandbox,
                bot=playground.bot,
                standby=playground.standby,
                story=story,
                writer=writer,
                announce=lambda name: status.update(f"{name} ..."),
                finish=lambda act: _tell(screen, act),
            )
            trouble = await playground.played(stage.play())
            async with playground.judged(stage.addressed) as (reader, verdict, verified):
                return DemoReport(
                    seed=seed,
                    rate=rate,
                    acts=stage.acts,
                    kills=sum(bot.kills for bot in playground.bots),
                    engine=engine,
                    verdict=verdict,
                    verified=verified,
                    timeline=await timeline(reader),
                    trouble=trouble,
                )


def _tell(screen: Console, act: Act) -> None:
    screen.print(f"{act.seconds:6.1f} s  {act.name}")
