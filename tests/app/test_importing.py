"""A bot on a log into which somebody brought what was said while it was away."""

from __future__ import annotations

import time
from pathlib import Path

from bot.app import bot as app
from bot.core.events import MessageEdited, MessageImported, ReplyRequested, ReplySent
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.verify import verify
from bot.importing.recording import IMPORTED, KNOWN, Importer, Wanted
from bot.importing.sources import Terms, findings_in
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch
from tests.importing.samples import export, message, user


async def test_nothing_imported_is_answered_and_everything_else_is(
    launch: Launch, control: ControlClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The catch-up finds the imported messages in Discord, knows them, and answers the one that nobody imported."""
    general = sandbox.services.general
    bot = await launch()
    await control.post("ask one")
    await bot.judge.expect(ReplySent)
    await bot.judge.settled(general.id)
    watermark = (await bot.judge.state(general.id)).watermark_id
    await bot.stop()
    for text in ("ask two", "only talk", "ask three"):
        await control.post(text)

    there = {each["content"]: each for each in await control.messages()}
    older = message(0, "long ago", id=str(int(there["ask one"]["id"]) - (60_000 << 22)))
    texts = ("ask one", "re: one", "ask two", "only talk")
    known = [message(0, text, id=there[text]["id"], by=user(7, there[text]["author"])) for text in texts]
    file = tmp_path / "general.json"
    about = {"id": str(general.id)}
    file.write_text(export([older, *known], channel=about), encoding="utf-8")
    log = await open_log(Location(tmp_path / "log"), clock=app.clock, full=False)
    importer = Importer(log.reader, log, Wanted(time.time_ns() // 1000), lambda *_: None)
    await importer.run(findings_in([file], Terms()), lambda _: None)
    faults = [finding async for page in verify(log.reader) for finding in page.findings]
    await log.close()
    assert (importer.counts, faults) == ({IMPORTED: 3, KNOWN: 2}, [])

    bot = await launch()
    await control.post("ask four")
    await bot.judge.expect(ReplySent, 3)
    state = await bot.judge.settled(general.id)

    answers = [each["content"] for each in await control.messages(author="sandbox-bot")]
    assert answers == ["re: one", "re: three", "re: four"]
    imported = {event.message_id for event in await bot.judge.of(MessageImported)}
    assert not imported & {event.message_id for event in await bot.judge.of(ReplyRequested)}
    assert await bot.judge.of(MessageEdited) == []
    turns = [turn.message_id for turn in state.window]
    assert turns == sorted(turns)
    assert imported < set(turns)
    assert watermark < int(there["ask three"]["id"]) <= state.watermark_id
