"""Old backups restored: by what was open when they were taken, by age, by what Discord remembers, by what was there.

A bot answers in a sandbox. A backup is taken at a moment at which one answer is under way, and the bot goes on: it
finishes that answer, and in the older backups' case gives more, one of them in two parts, one as a plain message, one
that a moderator deletes. Then the bot stops, something is asked, and the backup is restored: over the newer log, or
where the whole folder is gone. After the next start nothing is answered twice, nothing that was deleted is back, no
message was changed, and every question is answered or listed as left.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import bot as app
from bot.core.events import ReplyComposed, ReplyRequested, ReplySent
from bot.eventlog import backup
from bot.eventlog.key_file import read_key, write_key
from bot.eventlog.location import Location
from bot.eventlog.master import vault_of
from bot.eventlog.restoring import restore
from bot.responders import Responder
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.harness import Gated, RunningBot, start_bot
from tests.replies.scripted import Spoken
from tests.torture.table import Options, Outcome, with_progress
from tests.waiting import PATIENCE, eventually

BOT = "sandbox-bot"
POST: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
LONG = "\n\n".join(f"Lecture {{what}}, paragraph {number}. " + "All is well. " * 40 for number in range(6))
RULES: list[dict[str, object]] = [
    {"match": "(?s)ask (?P<what>.+)", "reply": "re: {what}"},
    {"match": "lecture (?P<what>.+)", "reply": LONG},
]
HELD = 0.4
"""Seconds for which Discord holds a message while a backup is taken."""


@dataclass(frozen=True, slots=True)
class Variant:
    """When a backup is taken, and what becomes of it."""

    open: str
    older: bool
    forgotten: bool
    vanished: bool

    def __str__(self) -> str:
        """Return it in words."""
        return ", ".join(self.told().values())

    def told(self) -> dict[str, str]:
        """Return it as the columns of a table."""
        return {
            "open": self.open,
            "taken": "long before" if self.older else "just before",
            "nonces": "forgotten" if self.forgotten else "remembered",
            "in place of": "nothing" if self.vanished else "a newer log",
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of the questions: how many, and which went wrong in which way."""

    questions: int
    answered: int
    left: int
    doubled: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    reposted: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()


class Stage:
    """A sandbox, a folder, and the bots that run there one after the other."""

    def __init__(self, sandbox: Sandbox, control: ControlClient, folder: Path) -> None:
        self.control = control
        self.location = Location(folder / "log")
        self.backup = folder / "backup.db"
        self.questions: dict[str, str] = {}
        self.removed: set[str] = set()
        self._sandbox = sandbox

    @asynccontextmanager
    async def bot(self, responder: Responder | None = None) -> AsyncIterator[RunningBot]:
        """Run a bot."""
        sections = {"rules": RULES, "llm": {"edit_every": "10ms"}}
        running = await start_bot(self._sandbox, self.location.folder, sections, responder)
        try:
            await running.ready()
            yield running
        finally:
            await running.stop()

    async def ask(self, words: str) -> str:
        """Ask the bot, and return the question's id."""
        question = (await self.control.post(words, mention=BOT))["id"]
        self.questions[question] = words
        return question

    async def settled(self, bot: RunningBot) -> None:
        """Wait until no answer is under way."""
        await bot.judge.settled(self._sandbox.services.general.id)

    async def take(self) -> None:
        """Take a backup of the log as it is."""
        location = self.location
        await asyncio.to_thread(
            backup.take, location.database, self.backup, vault=vault_of(location), release="", now=app.clock()
        )

    async def says(self, text: str) -> None:
        """Wait until the bot has said something."""

        async def there() -> bool:
            return any(each["content"] == text for each in await self.said())

        await eventually(there)

    async def said(self, *, deleted: bool = False) -> list[Any]:
        """Return the bot's messages, those included that were deleted if asked for."""
        messages = await self.control.messages(author=BOT)
        return [each for each in messages if deleted or not each["deleted"]]


async def nothing(stage: Stage) -> None:
    """Take the backup while the bot has nothing to do."""
    async with stage.bot() as bot:
        await stage.ask("ask early")
        await bot.judge.expect(ReplySent)
        await stage.settled(bot)
        await stage.take()


async def unwritten(stage: Stage) -> None:
    """Take it while an answer is being made."""
    responder = Gated()
    async with stage.bot(responder) as bot:
        await stage.ask("ask slow")
        await bot.judge.expect(ReplyRequested)
        await eventually(lambda: responder.asked)
        await stage.take()
        responder.open.set()
        await bot.judge.expect(ReplySent)
        await stage.settled(bot)


async def unsent(stage: Stage) -> None:
    """Take it while Discord takes its time with an answer."""
    async with stage.bot() as bot:
        await stage.control.add_fault("delay", **POST, seconds=HELD)
        await stage.ask("ask held")
        await bot.judge.expect(ReplyComposed)
        await stage.take()
        await bot.judge.expect(ReplySent)
        await stage.settled(bot)


async def half_sent(stage: Stage) -> None:
    """Take it between two parts of an answer."""
    async with stage.bot() as bot:
        await stage.control.add_fault("delay", **POST, nth=2, seconds=HELD)
        await stage.ask("lecture one")
        await bot.judge.expect(ReplySent)
        await stage.take()
        await bot.judge.expect(ReplySent, 2)
        await stage.settled(bot)


async def streamed(stage: Stage) -> None:
    """Take it while an answer is shown that a model is still writing."""
    responder = Spoken()
    async with stage.bot(responder) as bot:
        await stage.ask("tell me")
        speech = await responder.asked()
        speech.say("Once")
        await bot.judge.expect(ReplySent)
        await stage.take()
        speech.end(" upon a time.")
        await stage.settled(bot)


OPEN: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "nothing open": nothing,
    "an answer not written": unwritten,
    "an answer not sent": unsent,
    "an answer half sent": half_sent,
    "an answer streamed": streamed,
}
VARIANTS = tuple(Variant(*each) for each in itertools.product(OPEN, (False, True), (False, True), (False, True)))


async def go_on(stage: Stage) -> None:
    """Answer more: in two parts, as a plain message, and with an answer that a moderator deletes."""
    async with stage.bot() as bot:
        await stage.ask("ask late")
        await stage.ask("lecture two")
        await stage.settled(bot)
        unloved = await stage.ask("ask unloved")
        await eventually(lambda: _answer_to(stage, unloved))
        answer = await _answer_to(stage, unloved)
        await stage.control.delete(answer)
        stage.removed.add(answer)
        await stage.control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
        await stage.ask("ask plainly")
        await stage.says("re: plainly")
        await stage.settled(bot)
        await stage.control.set_permissions("general", allow=["READ_MESSAGE_HISTORY"])


async def _answer_to(stage: Stage, question: str) -> str:
    return next((str(each["id"]) for each in await stage.said() if each["reference"] == question), "")


async def tried(variant: Variant, folder: Path) -> Judged:
    """Play a variant to its end."""
    window = 0.0 if variant.forgotten else SandboxOptions().nonce_window
    options = SandboxOptions(message_rate=None, global_rate=None, nonce_window=window)
    async with (
        Sandbox(options) as sandbox,
        ControlClient(sandbox.services.addresses.control, patience=PATIENCE) as control,
    ):
        stage = Stage(sandbox, control, folder)
        await OPEN[variant.open](stage)
        if variant.older:
            await go_on(stage)
        before = await stage.said(deleted=True)
        await stage.ask("ask while away")
        master = read_key(stage.location.key_path)
        if variant.vanished:
            shutil.rmtree(stage.location.folder)
        await restore(stage.backup, stage.location, master, clock=app.clock, force=not variant.vanished)
        if variant.vanished:
            write_key(stage.location.key_path, master)
        await stage.ask("ask after")
        async with stage.bot() as bot:
            await stage.settled(bot)
            await stage.ask("ask live")
            await stage.says("re: live")
            await stage.settled(bot)
            pending = await bot.moderation.pending()
        return _judged(stage, before, await stage.said(deleted=True), pending.data)


def _judged(stage: Stage, before: list[Any], after: list[Any], pending: dict[str, Any]) -> Judged:
    """Hold what the bot said, before and after, to what was asked."""
    answers = Counter(each["content"].strip() for each in after)
    new = after[len(before) :]
    listed = {each["message_id"] for each in (*pending["abandoned"], *pending["unfinished"])}
    answered = {question for question, words in stage.questions.items() if _answered(words, question, after)}
    old = {each["content"].strip() for each in before}
    return Judged(
        len(stage.questions),
        len(answered),
        len(stage.questions.keys() - answered),
        doubled=tuple(text[:30] for text, count in answers.items() if count > 1),
        lost=tuple(stage.questions[each] for each in stage.questions.keys() - answered - listed),
        reposted=tuple(each["content"][:30] for each in new if each["content"].strip() in old),
        rewritten=tuple(
            was["content"][:30] for was, now in zip(before, after, strict=False) if was["content"] != now["content"]
        ),
    )


def _answered(words: str, question: str, said: list[Any]) -> bool:
    """Tell whether a question has ever been answered, as a reply or as a plain message."""
    plain = f"re: {words.removeprefix('ask ')}"
    return any(each["reference"] == question or each["content"].strip() == plain for each in said)


def run(options: Options) -> Outcome:
    """Play every variant."""
    del options
    rows: list[dict[str, object]] = []
    problems: list[str] = []
    for variant in with_progress("restore", VARIANTS, len(VARIANTS)):
        with tempfile.TemporaryDirectory() as made:
            judged = asyncio.run(tried(variant, Path(made)))
        wrong = {name: getattr(judged, name) for name in ("doubled", "lost", "reposted", "rewritten")}
        counted = {name: len(found) for name, found in wrong.items()}
        rows.append({**variant.told(), "asked": judged.questions, "answered": judged.answered, **counted})
        problems += [f"{variant}: {name} {', '.join(found)}" for name, found in wrong.items() if found]
    return Outcome(f"{len(VARIANTS)} backups restored", tuple(rows), tuple(problems))
