"""Discord fails before or after it has taken a message, and nobody can tell which (docs/discord-facts.md, 1.3).

Every row is a channel of its own, and all rows are under way at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from bot.core.events import Proof, ReplyComposed, ReplyDelayed, ReplyRequested, ReplySent
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from tests.harness import SEND_TIMEOUT, Gated, Launch, RunningBot
from tests.suite.clock import Clock
from tests.waiting import eventually


@dataclass(frozen=True)
class Row:
    """How one channel's sends fail, and how often."""

    name: str
    kind: str
    when: str
    times: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def posts(self) -> int:
        """Return how many requests may leave: none after Discord took the message, where the look finds it."""
        return 1 if self.when == "after" else self.times + 1


def rows() -> Iterator[Row]:
    """Yield the table; a 429 never comes after the effect, and 503 to 522 are what discord.py does not repeat."""
    for when in ("before", "after"):
        for status, times in product((500, 502, 504, 524), (1, 5)):
            yield Row(f"{status} x{times}", "status", when, times, {"status": status})
        for status in (503, 520, 522):
            yield Row(f"{status}", "status", when, 1, {"status": status})
        for kind, times in product(("reset", "fin", "cut"), (1, 2)):
            yield Row(f"{kind} x{times}", kind, when, times)
        for status in (200, 302, 400, 401, 403, 404, 429):
            yield Row(f"a page with {status}", "page", when, 2, {"status": status})
        for name, body in STRANGE.items():
            more = {"status": 404, "body": body, "content_type": "application/json"}
            yield Row(f"404 with {name}", "page", when, 1, more)
    yield Row("429 with Via", "ratelimit", "before", 1, {"retry_after": 0.05})
    yield Row("429 with Via x5", "ratelimit", "before", 5, {"retry_after": 0.05})
    yield Row("429 without Via", "ratelimit", "before", 1, {"retry_after": 0.05, "via": False})


STRANGE = {
    "nothing": "",
    "another's error": '{"message": "no Route matched with those values"}',
    "another's code": '{"code": 404, "message": "not found"}',
    "a word": '"not found"',
    "half a JSON": '{"code": 10003, "message": "Unknown Ch',
}
"""Bodies that are no error of Discord's."""


async def ask(bot: RunningBot, control: ControlClient, table: Sequence[Row]) -> list[tuple[Row, str]]:
    """Ask in a channel for each row, with its fault in place, and return the channels."""
    channels = []
    for row in table:
        channel = (await control.create_channel(f"{row.name} {row.when}"[:100]))["id"]
        path = f"/channels/{channel}/messages"
        await control.add_fault(row.kind, method="POST", path=path, when=row.when, count=row.times, **row.more)
        await control.post(f"ask {row.name}", channel=channel)
        channels.append((row, channel))
    await bot.judge.expect(ReplyRequested, len(table))
    return channels


@dataclass(frozen=True)
class Outcome:
    """What became of one row."""

    messages: int
    posts: int
    proofs: tuple[Proof, ...]
    delayed: bool


async def outcome(bot: RunningBot, control: ControlClient, channel: str) -> Outcome:
    """Return what became of one channel's reply, once nothing more will."""
    await bot.judge.settled(channel)
    return Outcome(
        messages=len(await control.messages(channel=channel, author="sandbox-bot")),
        posts=len(await control.requests(method="POST", path=f"/channels/{channel}/messages")),
        proofs=tuple(event.proof for event in await bot.judge.of(ReplySent, channel)),
        delayed=bool(await bot.judge.of(ReplyDelayed, channel)),
    )


class TestTable:
    """Whether Discord remembers nonces or not, whether the echo comes or not."""

    @pytest.fixture(params=[300.0, 0.0], ids=["nonces remembered", "nonces forgotten"])
    def options(self, request: pytest.FixtureRequest) -> SandboxOptions:
        """Set how long the sandbox remembers a nonce."""
        return SandboxOptions(message_rate=None, global_rate=None, nonce_window=request.param)

    async def test_every_reply_is_there_once_and_known_by_its_echo(
        self, launch: Launch, control: ControlClient
    ) -> None:
        """With the gateway listening, the echo mostly tells first."""
        bot = await launch()
        channels = await ask(bot, control, list(rows()))

        for row, channel in channels:
            found = await outcome(bot, control, channel)
            assert (row, found.messages, found.posts, len(found.proofs)) == (row, 1, row.posts, 1)
            assert row.when == "before" or found.proofs[0] is not Proof.RESPONSE

    async def test_every_reply_is_there_once_and_found_by_a_look(self, launch: Launch, control: ControlClient) -> None:
        """With a gateway that says nothing, only the history can tell."""
        responder = Gated()
        bot = await launch(responder=responder)
        channels = await ask(bot, control, list(rows()))
        await control.gateway("mute")
        responder.open.set()

        for row, channel in channels:
            found = await outcome(bot, control, channel)
            proof = Proof.RESPONSE if row.when == "before" else Proof.HISTORY
            assert (row, found.messages, found.posts, found.proofs) == (row, 1, row.posts, (proof,))
            assert found.delayed == (row.name not in ("429 with Via", "429 without Via"))

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_send_that_hangs_is_given_up_and_looked_for(
        self, launch: Launch, control: ControlClient, clock: Clock, when: str
    ) -> None:
        """Our own timeout: discord.py would wait for five minutes."""
        responder = Gated()
        bot = await launch(responder=responder)
        [(_, channel)] = await ask(bot, control, [Row("hang", "hang", when)])
        await control.gateway("mute")
        responder.open.set()
        await eventually(lambda: control.requests(method="POST", path="/channels/*/messages"))
        clock.go_on(SEND_TIMEOUT)

        found = await outcome(bot, control, channel)

        proof = Proof.RESPONSE if when == "before" else Proof.HISTORY
        assert found == Outcome(1, 2 if when == "before" else 1, (proof,), delayed=True)
        assert [event.reason for event in await bot.judge.of(ReplyDelayed)] == ["TimeoutError"]


async def test_a_slow_answer_is_confirmed_by_the_echo(launch: Launch, control: ControlClient, clock: Clock) -> None:
    """Whichever is recorded first; the response that comes later is no second fact."""
    bot = await launch(replies={"send_timeout": "30m"})
    await control.add_fault("delay", method="POST", path="/channels/*/messages", when="after", seconds=40)
    post = await control.post("ask it")

    [early] = await bot.judge.expect(ReplySent)
    clock.go_on(40)
    await control.wait_for_requests(method="POST", path="/channels/*/messages", status=200)
    await control.post("ask again")
    await bot.judge.expect(ReplySent, 2)

    assert early.proof is Proof.ECHO
    assert len(await bot.judge.of(ReplyComposed)) == 2
    assert len(await control.messages(reference=post["id"])) == 1
