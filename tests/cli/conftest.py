"""A log in a real file with a bit of everything in it, and the command line in this process."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cli.main import main
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log

ALICE, BOB = 41, 42
GENERAL, HELP = 111, 222
ASKED, CHATTER, SKIPPED, GIVEN_UP = 1_300_000_000_000_000_001, 1_300_000_000_000_000_002, 1_300_000_000_000_000_003, 9
REPLY = 1_300_000_000_000_000_099
FIRST_SECOND = 1_700_000_000
"""2023-11-14T22:13:20Z: the first event; each command comes a second later."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return what it wrote as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return what runs ``echoless`` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["echoless", *map(str, arguments)])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        return Ran(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())

    return run


def _received(message_id: int, text: str, *, author: int = ALICE, name: str = "alice", **more: Any) -> c.Receive:  # noqa: ANN401
    event = e.MessageReceived(message_id=message_id, author_id=author, sent_at=FIRST_SECOND * 1_000_000, guild_id=5)
    return c.Receive(event, e.Body(name=name, parts=(text,)), responder="rules", **more)


def _script() -> Iterator[tuple[int, c.Command]]:
    yield GENERAL, _received(ASKED, "!coffee", call=e.Call.RULE)
    yield GENERAL, _received(CHATTER, "hi\x1b[2J\nthere \u202e👍", author=BOB, name="bob")
    composed = e.ReplyComposed(message_id=ASKED, parts=1, responder="rules")
    yield GENERAL, c.Compose(composed, e.Body(parts=("Two spoons a cup.",)))
    yield GENERAL, c.Confirm(ASKED, 0, REPLY, e.Proof.ECHO)
    edited = e.MessageEdited(message_id=CHATTER, author_id=BOB, edited_at=FIRST_SECOND * 1_000_000)
    yield GENERAL, c.Edit(edited, e.Body(name="bob", parts=("hello",)))
    yield GENERAL, _received(SKIPPED, "@bot sing", call=e.Call.MENTION, refusal=e.SkipReason.NO_ANSWER)
    yield HELP, c.Record(e.HistoryForbidden())
    yield HELP, _received(GIVEN_UP, "!tea", call=e.Call.RULE)
    yield HELP, c.Abandon(GIVEN_UP, e.AbandonReason.FORBIDDEN, "code 50013")
    yield HELP, c.Delete(GIVEN_UP)


async def _write(folder: Path) -> None:
    second = FIRST_SECOND
    log = await open_log(Location(folder), clock=lambda: second * 1_000_000, full=False)
    conversations = Conversations(log)
    await log.append("bot", (e.Draft(e.BotStarted(release="0", host="here", pid=7)),))
    for channel, command in _script():
        second += 1
        await conversations.handle(channel, command)
    await log.close()


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "log"
    asyncio.run(_write(folder))
    return folder


@pytest.fixture
def folder(_written: Path, tmp_path: Path) -> Path:
    """Return the folder of a log of its own for this test; no bot runs."""
    return Path(shutil.copytree(_written, tmp_path / "log"))
