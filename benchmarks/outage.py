"""A model's server, killed under questions and started again: who is answered, in what order, how soon, told what.

    .venv/bin/python -m benchmarks.outage [--seconds 15] [--questions 10]

The server is a process of its own. It gets SIGKILL as soon as the first answer is seen in Discord, in the middle of it,
and comes back on the same port. Exit code 1 where a question is not answered once, out of order, or nobody was told,
or where the first answer takes more than 3 seconds from the moment when the server listens again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bots import running_bot
from benchmarks.models import ModelProcess, model_process
from bot.sandbox.control_client import ControlClient
from bot.sandbox.process import SandboxProcess, sandbox_process

FIRST_WITHIN = 3.0
"""Seconds from the server's return to the first answer."""

PATIENCE = 60.0
"""Seconds for the bot to start, and for the last answer once the server is back."""

SLOW, QUICK = 20.0, 200.0
"""Tokens a second before the kill, which is to meet an answer that is being written, and after it."""

LENGTH = 40
PEOPLE = 4
BOT = "sandbox-bot"
CONFIG = """
[replies]
responder = "llm"
[llm]
model = "openai:tiny"
base_url = "{url}"
[telemetry]
port = 0
log_level = "error"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an outage came to; ``first`` and ``last`` are in seconds after the server's return, None for never.

    ``told`` counts the questions that showed a reaction when the server came back, ``order`` the answers in the order
    of their questions, ``messages`` what the bot posted.
    """

    told: int
    answered: int
    order: int
    messages: int
    first: float | None
    last: float | None

    def fine(self, questions: int) -> bool:
        """Tell whether everybody got one answer, in order, soon enough, and was told meanwhile."""
        counts = {self.told, self.answered, self.order, self.messages}
        return counts == {questions} and self.first is not None and self.first <= FIRST_WITHIN


async def main() -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15, help="how long the server is away (default 15)")
    parser.add_argument("--questions", type=int, default=10, help="how many wait for it (default 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        async with (
            model_process(rate=SLOW, length=LENGTH) as model,
            sandbox_process(("--rate-limit", "off")) as sandbox,
            running_bot(Path(name), sandbox, CONFIG.format(url=model.url)),
        ):
            outcome = await _outage(model, sandbox, options.seconds, options.questions)
    _print(outcome, options.seconds, options.questions)
    return int(not outcome.fine(options.questions))


async def _outage(model: ModelProcess, sandbox: SandboxProcess, seconds: float, questions: int) -> Outcome:
    control = sandbox.control
    await control.wait_for_ready(within=PATIENCE)
    posts = [
        await control.post(f"question {number}", author=f"person-{number % PEOPLE}", mention=BOT)
        for number in range(questions)
    ]
    await control.wait_for_messages(author=BOT, within=PATIENCE)
    await model.kill()
    await asyncio.sleep(seconds)
    told = sum(bool(message["reactions"]) for message in await _asked(control))
    await model.start(rate=QUICK, length=LENGTH)
    first, last = await _answers(control, questions)
    said = [message for message in await control.messages(author=BOT) if _whole(message)]
    order = [_about(message) for message in said]
    return Outcome(
        told=told,
        answered=len({*order} & {post["id"] for post in posts}),
        order=sum(one == post["id"] for one, post in zip(order, posts, strict=False)),
        messages=len(await control.messages(author=BOT)),
        first=first,
        last=last,
    )


async def _asked(control: ControlClient) -> Sequence[Mapping[str, Any]]:
    return [message for message in await control.messages() if message["author"] != BOT]


async def _answers(control: ControlClient, questions: int) -> tuple[float | None, float | None]:
    """Return when the first answer was whole and when the last, in seconds from now."""
    began = time.monotonic()
    first = None
    while (passed := time.monotonic() - began) < PATIENCE:
        whole = sum(map(_whole, await control.messages(author=BOT)))
        if whole and first is None:
            first = passed
        if whole == questions:
            return first, passed
        await asyncio.sleep(0.02)
    return first, None


def _whole(message: Mapping[str, Any]) -> bool:
    """Tell whether a message shows a whole answer."""
    return str(message["content"]).endswith("end.")


def _about(message: Mapping[str, Any]) -> str:
    """Return the id of the question that a message answers."""
    return str(message["reference"])


def _print(outcome: Outcome, seconds: float, questions: int) -> None:
    table = Table("outage", "", title=f"A model's server, killed for {seconds:g} s under {questions} questions")
    table.columns[0].min_width = 40
    table.columns[1].justify = "right"
    table.add_row("told that they wait", f"{outcome.told} of {questions}")
    table.add_row("answered", f"{outcome.answered} of {questions}")
    table.add_row("in the order of the questions", f"{outcome.order} of {questions}")
    table.add_row("messages of the bot", f"{outcome.messages}")
    table.add_row("first answer after the return", _seconds(outcome.first))
    table.add_row("last answer after the return", _seconds(outcome.last))
    table.add_row("", "ok" if outcome.fine(questions) else "[red]no[/]")
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
