"""Records the logs of a release for the corpus: ``python -m tests.corpus.record [REF]``.

Without REF they are recorded by the code that is here, and with it by the code of that commit or tag, which is checked
out beside; that is how the log of a release is recorded from its tag.

Two logs are recorded: ``types`` holds every event type there is, with words, snapshots, erased words and a stream with
work left; ``chat`` is the demo's, in which a bot was killed and started again. Beside each, ``facts.json`` holds what
the release itself reads there. The keys lie beside the logs: the words are made up.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from bot import __version__
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fold import evolve
from bot.eventlog.codec import decode
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from tests.corpus.facts import told
from tests.erasing import erase_at
from tests.releases import check_out

HERE = Path(__file__).parent
EVERY_TYPE = HERE.parent / "core" / "golden_log.jsonl"
_SNAPSHOT_EVERY, _ERASED_EVERY = 16, 5
_KEPT = ("events.db", "vault.key")


def main(ref: str = "") -> None:
    """Record both logs into a folder named after the release; end with an error where there is one already."""
    if ref:
        _by_code_of(ref)
        return
    folder = HERE / __version__
    if folder.exists():
        sys.exit(f"{folder} is there: what a release recorded stays. Raise bot.__version__ first.")
    with tempfile.TemporaryDirectory() as made:
        types, chat = Path(made, "types"), Path(made, "chat")
        asyncio.run(record_types(Location(types), erased_every=_ERASED_EVERY))
        subprocess.run((sys.executable, "-m", "bot", "demo", "--messages", "60", "--keep", chat), check=True)
        for name, log in (("types", types), ("chat", chat / "data")):
            _keep(log, folder / name)


def _by_code_of(ref: str) -> None:
    """Have the code of a commit record its logs, and take them over."""
    with tempfile.TemporaryDirectory() as made:
        there = Path(made, "code")
        check_out(ref, there)
        corpus = there / "tests" / "corpus"
        for release in {facts.parents[1] for facts in corpus.glob("*/*/facts.json")}:
            shutil.rmtree(release)
        environment = {**os.environ, "PYTHONPATH": str(there)}
        subprocess.run((sys.executable, "-m", "tests.corpus.record"), cwd=there, env=environment, check=True)
        (recorded,) = {facts.parents[1] for facts in corpus.glob("*/*/facts.json")}
        if (HERE / recorded.name).exists():
            sys.exit(f"{HERE / recorded.name} is there: what a release recorded stays.")
        shutil.copytree(recorded, HERE / recorded.name)


async def record_types(location: Location, *, erased_every: int = 0) -> None:
    """Append every event type there is, most to one stream, with words and snapshots, and leave a stream with work."""
    log = await open_log(location, clock=_clock())
    try:
        state = Conversation()
        lines = [json.loads(line) for line in EVERY_TYPE.read_text(encoding="utf-8").splitlines()]
        gone = [line for line in lines if line["type"] == e.ChannelDeleted.TYPE]
        for line in (line for line in lines if line not in gone):
            state = await _append(log, line, state)
            if state.version % _SNAPSHOT_EVERY == 0:
                await log.save_snapshot("channel:1", state)
        # A second stream, which a message leaves with work.
        await log.append("channel:2", _asked())
        # A third one, of a channel that is gone: there are no words in it.
        await log.append("channel:3", [e.Draft(e.ChannelDeleted()) for _ in gone])
        await log.append("bot", [e.Draft(e.BotStarted(release=__version__, host="host", pid=1))])
        if erased_every:
            await erase_at(log, *range(erased_every, await log.reader.newest(), erased_every))
    finally:
        await log.close()


async def _append(log: EventLog, line: dict[str, Any], state: Conversation) -> Conversation:
    event = decode(line["type"], line["v"], json.dumps(line["data"]))
    author_id = getattr(event, "author_id", None)
    words = e.Body(
        name=f"person {author_id}", parts=(f"words of {line['version']}", "ünïcödé 👩‍👩‍👧"), files=("a file.png",)
    )
    draft = e.Draft(event, words if event.WORDED else None, author_id, line["causation"])
    (recorded,) = (await log.append("channel:1", [draft])).new
    return evolve(state, recorded)


def _asked() -> list[e.Draft]:
    received = e.MessageReceived(message_id=1_100_000_000_000_000_100, author_id=7, sent_at=1_700_000_000_000_000)
    requested = e.ReplyRequested(message_id=received.message_id, author_id=7, responder="rules", call=e.Call.MENTION)
    return [e.Draft(received, e.Body(name="person 7", parts=("a question",)), 7), e.Draft(requested)]


def _keep(log: Path, folder: Path) -> None:
    """Copy a log that nobody has open into the corpus, with what this release reads there."""
    with closing(sqlite3.connect(log / "events.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder.mkdir(parents=True)
    for name in _KEPT:
        shutil.copy(log / name, folder / name)
    facts = json.dumps(asyncio.run(_facts(Location(log))), ensure_ascii=False, indent=1)
    (folder / "facts.json").write_text(facts + "\n", encoding="utf-8")


async def _facts(location: Location) -> object:
    reader = await open_reader(location)
    try:
        return await told(reader)
    finally:
        await reader.close()


def _clock() -> Callable[[], int]:
    moments: Iterator[int] = count(1_700_000_000_000_000, 1_000_000)
    return lambda: next(moments)


if __name__ == "__main__":
    main(*sys.argv[1:])
