"""What happens while the bot is killed: scenarios, played in full and judged by what Discord and the log hold."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bot.cli.log_verify import check_log
from bot.core.addressing import parse_nonce
from bot.core.events import ReplyComposed
from bot.core.parts import split
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.sandbox.process import SandboxProcess
from tests.crashpoints import clerk
from tests.crashpoints.clerk import Clerk
from tests.crashpoints.lives import LONG, Lives, Place, Touches
from tests.crashpoints.narrator import Narrator
from tests.crashpoints.nursery import Nursery
from tests.crashpoints.presser import Fabulist, Presser, recorded
from tests.waiting import eventually

FACTS = {"long": LONG, "two": LONG[:2500], "short": "Yes."}
PARTS = {word: len(split(text)) for word, text in FACTS.items()}
NO_REFERENCE = {
    "code": 50035,
    "message": "Invalid Form Body",
    "errors": {"message_reference": {"_errors": [{"code": "", "message": "Cannot reply to a system message"}]}},
}


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended: what each life touched, how often it was killed, and what the judge found.

    Requests are counted of every life, commits of those that ended in good order.
    """

    name: str
    places: tuple[Place, ...]
    touches: tuple[Touches, ...]
    kills: int
    verdict: RunVerdict
    nonce_window: float
    trouble: str = ""

    @property
    def problems(self) -> list[str]:
        """Return what is wrong, in words; nothing that people wrote."""
        found = [f"{each.fault}: {each.what}" for each in self.verdict.problems]
        return [self.trouble, *found] if self.trouble else found


@dataclass(slots=True)
class Stage:
    """A world, the bot in it, and what people asked."""

    sandbox: SandboxProcess
    lives: Lives
    asked: dict[int, int] = field(default_factory=dict)

    async def say(self, channel: str, text: str) -> str:
        """Post a message; one that asks (``!word``) is remembered with the number of parts of its answer."""
        message = await self.sandbox.control.post(text, channel=channel)
        if text.startswith("!"):
            self.asked[int(message["id"])] = PARTS[text[1:]]
        return str(message["id"])

    async def answered(self) -> bool:
        """Tell whether every question has all parts of its answer, in Discord and in the log."""
        seen: dict[int, int] = {}
        for message in await self.sandbox.control.messages(author="sandbox-bot"):
            about = parse_nonce(message["nonce"])
            question = about.message_id if about else int(message["reference"] or 0)
            seen[question] = seen.get(question, 0) + 1
        complete = all(seen.get(question, 0) >= parts for question, parts in self.asked.items())
        return complete and self.recorded("reply.sent") >= sum(self.asked.values())

    def recorded(self, kind: str) -> int:
        """Return how many events of a kind the log holds."""
        return recorded(self.lives.folder, kind)

    async def settle(self) -> None:
        """Wait until everything is answered."""
        await eventually(self.answered)

    async def get_acquainted(self, channel: str) -> None:
        """Write in a private chat until the bot knows it: no list names it before its first message was seen."""
        while not self.recorded("dm.opened"):
            await self.sandbox.control.wait_for_ready()
            life = self.lives.life
            await self.say(channel, "hello")
            await eventually(lambda life=life: self.recorded("dm.opened") or self.lives.life > life)  # type: ignore[misc]


async def large(stage: Stage) -> None:
    """Several places, long answers, an edit and a deletion; then what was said while the bot was away."""
    control = stage.sandbox.control
    second = (await control.create_channel("second"))["id"]
    thread = (await control.create_thread("aside"))["id"]
    direct = (await control.open_dm("alice"))["id"]
    await stage.lives.start()
    await stage.get_acquainted(direct)
    first = await stage.say("general", "hello")
    await stage.say("general", "!long")
    gone = await stage.say("general", "never mind")
    await stage.say("general", "!short")
    await stage.say(second, "!short")
    await stage.say(second, "!long")
    await stage.say(direct, "!short")
    await stage.say(thread, "!short")
    await control.edit(first, "hello again")
    await control.delete(gone)
    await stage.settle()
    await stage.lives.stop()
    await stage.say("general", "!short")
    await stage.say("general", "well")
    await stage.say(second, "!long")
    await stage.say(direct, "!short")
    await stage.lives.start()
    await control.wait_for_ready()
    await stage.say(second, "hello")
    await stage.say(thread, "!two")
    await stage.settle()
    await stage.lives.stop()


async def small(stage: Stage) -> None:
    """One channel, one answer of two parts."""
    await stage.lives.start()
    await stage.sandbox.control.wait_for_ready()
    await stage.say("general", "!two")
    await stage.settle()
    await stage.lives.stop()


async def streamed(stage: Stage) -> None:
    """One channel, one answer of two parts that is shown while it is written."""
    await stage.lives.start()
    await stage.sandbox.control.wait_for_ready()
    await stage.sandbox.control.post("tell me", mention="sandbox-bot")
    await eventually(lambda: stage.recorded("reply.completed"))
    await stage.lives.stop()


async def plain(stage: Stage) -> None:
    """One channel, one answer of two parts whose reference Discord refuses."""
    await stage.lives.start()
    await stage.sandbox.control.wait_for_ready()
    await stage.sandbox.control.add_fault(
        "page", status=400, body=json.dumps(NO_REFERENCE), content_type="application/json",
        method="POST", path="/channels/*/messages",
    )  # fmt: skip
    await stage.say("general", "!two")
    await stage.settle()
    await stage.lives.stop()


async def threaded(stage: Stage) -> None:
    """One channel, one answer of two parts in a thread of its own."""
    await stage.lives.start()
    await stage.sandbox.control.wait_for_ready()
    question = await stage.sandbox.control.post("!two", mention="sandbox-bot")
    stage.asked[int(question["id"])] = PARTS["two"]
    await stage.settle()
    await stage.lives.stop()


async def pressed(stage: Stage) -> None:
    """One channel, one answer: it is stopped while it is written, and gone on with, which is shown as well."""
    await _stopped_and(stage, "Go on")


async def rewritten(stage: Stage) -> None:
    """One channel, one answer: it is stopped, and written anew in two parts, which is shown as well."""
    await _stopped_and(stage, "Again")


async def _stopped_and(stage: Stage, label: str) -> None:
    presser = Presser(stage.sandbox.control, stage.lives.folder, lambda: stage.lives.life)
    await stage.lives.start()
    await stage.sandbox.control.wait_for_ready()
    await stage.sandbox.control.post("tell me", mention="sandbox-bot")
    await presser.stands("Stop")
    await presser.press("Stop", 1)
    await presser.stands(label)
    await presser.press(label, 2)
    await eventually(lambda: stage.recorded("reply.completed") >= 2)
    await stage.lives.stop()


CROWDED = "crowded"
"""The large scenario once more, with a batch queued behind another however few callers there are."""

PLAYED = {
    "large": large,
    CROWDED: large,
    "small": small,
    "streamed": streamed,
    "plain": plain,
    "tools": streamed,
    "threaded": threaded,
    "pressed": pressed,
    "rewritten": rewritten,
}


async def play(nursery: Nursery, name: str, places: Sequence[Place], *, nonce_window: float) -> Result:
    """Play a scenario in a world of its own, killing the bot at ``places``, and judge it."""
    scenario = PLAYED[name]
    with tempfile.TemporaryDirectory(prefix="echoless-") as made:
        folder = Path(made)
        (folder / "facts.json").write_text(json.dumps(FACTS), encoding="utf-8")
        async with AsyncExitStack() as stack:
            options = ("--rate-limit", "off", "--nonce-window", str(nonce_window))
            sandbox = await stack.enter_async_context(nursery.sandbox(folder, *options))
            model = _model(name, sandbox, folder)
            url = (await stack.enter_async_context(model.serve())).url if model else ""
            more = clerk.SETTINGS if name == "tools" else ""
            crowded, threads = name == CROWDED, name == "threaded"
            lives = Lives(folder, nursery, sandbox, places, url, crowded=crowded, more=more, threads=threads)
            stage = Stage(sandbox, lives)
            stack.push_async_callback(stage.lives.stop)
            trouble = ""
            try:
                await scenario(stage)
            except TimeoutError:
                trouble = "given up waiting"
                await stage.lives.stop()
            verdict = await _judged(stage)
            if name == "threaded":
                trouble = trouble or await _astray(stage)
            if model is not None:
                trouble = (
                    trouble
                    or model.trouble
                    or await _misread(stage, answers=2 if name in ("pressed", "rewritten") else 1)
                )
    return Result(name, tuple(places), tuple(stage.lives.touches), stage.lives.kills, verdict, nonce_window, trouble)


def _model(name: str, sandbox: SandboxProcess, folder: Path) -> Narrator | Clerk | Fabulist | None:
    """Return the language model of a scenario, None where there is none."""
    match name:
        case "streamed":
            return Narrator(sandbox.control, folder)
        case "tools":
            return Clerk(folder)
        case "pressed" | "rewritten":
            return Fabulist(folder)
    return None


async def _misread(stage: Stage, answers: int) -> str:
    """Say what is wrong with the answer that was shown while it was written, "" where nothing is.

    It was composed as often as ``answers`` says; the last time counts.
    """
    messages = await stage.sandbox.control.messages(author="sandbox-bot")
    shown = [each["content"].strip() for each in messages if not (each["deleted"] or each["ephemeral"])]
    reader = await open_reader(Location(stage.lives.folder / "data"))
    try:
        events = reader.events(Query(types=(ReplyComposed.TYPE,)))
        positions = [recorded.position async for recorded in events]
        bodies = await reader.bodies(positions)
    finally:
        await reader.close()
    if len(positions) != answers or stage.recorded("reply.retried") != answers - 1:
        return f"composed {len(positions)} times"
    composed = [part.strip() for part in bodies[positions[-1]].parts]
    return "" if shown == composed else f"{len(shown)} messages do not show the {len(composed)} parts composed"


async def _astray(stage: Stage) -> str:
    """Say how many messages of answers stand elsewhere than in their threads, "" for none."""
    messages = await stage.sandbox.control.messages(author="sandbox-bot")
    elsewhere = [message for message in messages if int(message["channel_id"]) not in stage.asked]
    return f"{len(elsewhere)} messages are not in their threads" if elsewhere else ""


async def _judged(stage: Stage) -> RunVerdict:
    messages = await stage.sandbox.control.messages()
    reader = await open_reader(Location(stage.lives.folder / "data"))
    try:
        verified = await check_log(reader, None)
        own_id = int(stage.sandbox.application_id)
        return await judge(reader, messages, own_id, addressed=stage.asked, verified=verified)
    finally:
        await reader.close()
