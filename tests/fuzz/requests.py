"""Requests to the control socket of a bot, whose log is real."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hypothesis import strategies as st

from bot.consumers.activity.reading import count_activity
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.command import ModerationError
from bot.moderation.commands import calls
from bot.moderation.context import CommandContext, WritableLog
from bot.moderation.control_socket import Requests, read_request
from tests.fuzz.harness import Target
from tests.fuzz.odd import DIGITS, TEXTS, WHOLE, Strategy, damaged, instead, written
from tests.model import actor

CHANNEL, MESSAGE = 5000, 1_300_000_000_000_000_001
_VALUE: Strategy = st.one_of(
    st.sampled_from([CHANNEL, MESSAGE, "2", "1h", None, [], ["message.received"], *DIGITS]), WHOLE, TEXTS
)
_GOOD = {
    "channel_id": st.just(CHANNEL),
    "message_id": st.just(MESSAGE),
    "by": st.just("user 1"),
    "to": st.sampled_from(["1", "2"]),
    "last": st.integers(1, 10),
    "limit_bytes": st.sampled_from([100, 10_000]),
}
_MORE: Strategy = st.dictionaries(
    st.sampled_from(["progress", "context", "size", "cursor", "types", "person"]), _VALUE, max_size=1
)


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    name = draw(st.sampled_from(sorted(calls())))
    taken = [each for each in inspect.signature(calls()[name].run).parameters if each not in ("context", "progress")]
    arguments = {each: draw(instead(_GOOD.get(each, _VALUE))) for each in taken if draw(st.integers(0, 5))}
    more = draw(_MORE) if not draw(st.integers(0, 5)) else {}
    return written({"command": name, "arguments": arguments | more})


def _clock() -> int:
    return 1_700_000_000_000_000


@contextmanager
def control_target(folder: Path) -> Iterator[Target]:
    """Return the target; a log with one question lies in ``folder``."""
    with asyncio.Runner() as runner:
        log = runner.run(open_log(Location(folder), clock=_clock, full=False))
        conversations = Conversations(log)
        event = e.MessageReceived(message_id=MESSAGE, author_id=41, sent_at=0, guild_id=9)
        asked = c.Receive(event, e.Body(name="ada", parts=("Hm?",)), e.Call.MENTION, "echo")
        runner.run(conversations.handle(CHANNEL, asked))
        activity = partial(count_activity, log.aside, folder)
        owner = WritableLog(log, conversations)
        context = CommandContext(folder, log.aside, (actor(),), 64, "abc", _clock, activity, owner=owner)
        requests = Requests(context)

        async def take(data: bytes) -> None:
            await requests.carry_out(*read_request(data), lambda _done, _total: None)

        try:
            yield Target("control", damaged(_requests()), lambda data: runner.run(take(data)), (ModerationError,))
        finally:
            runner.run(conversations.close())
            runner.run(log.close())
