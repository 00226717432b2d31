"""A model server that goes away under questions, and comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic_ai.models import override_allow_model_requests

from bot.core.events import AbandonReason, ReplyAbandoned, ReplyComposed, ReplyDelayed, ReplyRequested
from bot.replies import notices, writing
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot
from tests.responders.llm.model_server import Fault, ModelServer, Script
from tests.waiting import eventually

HOURGLASS, OVER = "\N{HOURGLASS WITH FLOWING SAND}", "\N{HOURGLASS}"
REFUSED, WARNING = "\N{NO ENTRY SIGN}", "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"


class Switched:
    """A model server that can be stopped and started at the same address."""

    def __init__(self) -> None:
        self.server = ModelServer()
        self._stack = AsyncExitStack()
        self._port = 0

    @property
    def asked(self) -> int:
        """Return how many requests came since it was started last."""
        return len(self.server.requests)

    async def start(self) -> None:
        """Listen."""
        self.server = ModelServer()
        await self._stack.enter_async_context(self.server.serve(port=self._port))
        self._port = int(self.server.url.rpartition(":")[2].partition("/")[0])

    async def stop(self) -> None:
        """Be gone: connections are refused."""
        await self._stack.aclose()


@pytest.fixture
async def switched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Switched]:
    """Run a server that can be stopped, beside a bot that shows at once that questions wait."""
    monkeypatch.setattr(notices, "SHOWN_AFTER", 0.0)
    with override_allow_model_requests(allow_model_requests=True):
        server = Switched()
        await server.start()
        yield server
        await server.stop()


def llm(server: Switched, **more: object) -> dict[str, Any]:
    """Return the settings of a model that the server has."""
    return {"model": "openai:tiny", "base_url": server.server.url, **more}


async def reactions(control: ControlClient, **chosen: object) -> list[list[str]]:
    """Return which reactions people's messages have, oldest message first."""
    found = await control.messages(**chosen)
    return [
        [str(each["emoji"]) for each in message["reactions"]] for message in found if message["author"] != "sandbox-bot"
    ]


def tries(bot: RunningBot) -> int:
    """Return how often the model was asked in vain since it went away."""
    (condition,) = bot.bot.conditions()
    return condition.tries


async def test_an_outage_costs_nobody_an_answer(launch: Launch, control: ControlClient, switched: Switched) -> None:
    """Ten questions wait, in their order, for longer than attempts would last; each shows so, until it is answered."""
    bot = await launch(replies={"responder": "llm", "max_attempts": 2}, llm=llm(switched))
    await switched.stop()

    for number in range(10):
        await control.post(f"question {number}", mention="sandbox-bot", author=f"person{number % 4}")
    await bot.judge.expect(ReplyRequested, 10)
    await eventually(lambda: tries(bot) > 4)
    waiting = await reactions(control)
    assert waiting == [[HOURGLASS]] * 10
    assert bot.bot.health().model == "openai:tiny: model away (no connection)"
    assert bot.bot.health().reasons == ()
    await switched.start()
    await bot.judge.expect(ReplyComposed, 10)
    said = await control.wait_for_messages(10, author="sandbox-bot")

    assert [message["content"].split()[0] for message in said] == [str(number) for number in range(10)]
    (delayed,) = await bot.judge.of(ReplyDelayed)
    assert (delayed.reason, delayed.attempt) == ("openai:tiny: model away (no connection)", 0)
    assert bot.bot.health().model == ""
    await eventually(lambda: none_left(control))
    assert switched.asked == 10


async def none_left(control: ControlClient) -> bool:
    """Tell whether no message shows a reaction."""
    return not any(await reactions(control))


async def test_one_question_asks_for_all_channels(launch: Launch, control: ControlClient, switched: Switched) -> None:
    """A server that answers nothing but errors gets one request at a time, with pauses between."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched, concurrency=1))
    switched.server.script = Script(fault=Fault.SERVER_ERROR)
    rooms = [await control.create_channel(f"room{number}") for number in range(5)]

    for room in rooms:
        await control.post("question", mention="sandbox-bot", channel=room["id"])
    await bot.judge.expect(ReplyDelayed, 5)
    await eventually(lambda: tries(bot) > 2)

    assert tries(bot) <= switched.asked <= tries(bot) + 1
    switched.server.script = Script()
    await bot.judge.expect(ReplyComposed, 5)
    assert len(await bot.judge.of(ReplyDelayed)) == 5


async def test_who_waited_too_long_is_told(launch: Launch, control: ControlClient, switched: Switched) -> None:
    """The log says for whom it waited; the reaction that it waits makes room for the one that it is over."""
    bot = await launch(replies={"responder": "llm", "max_age": "1s"}, llm=llm(switched))
    await switched.stop()

    await control.post("question", mention="sandbox-bot")

    (abandoned,) = await bot.judge.expect(ReplyAbandoned)
    assert (abandoned.reason, abandoned.detail) == (AbandonReason.EXPIRED, "openai:tiny: model away (no connection)")
    await eventually(lambda: shows(control, [[OVER]]))

    await switched.start()
    answer = await bot.moderation.retry(None, None, by="owner")
    assert answer.lines == ("They are tried now.",)
    await bot.judge.expect(ReplyComposed)


async def shows(control: ControlClient, expected: list[list[str]], **chosen: object) -> bool:
    """Tell whether people's messages show these reactions."""
    return await reactions(control, **chosen) == expected


async def test_a_question_that_is_refused_is_told_so_once_an_hour(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """The next question of the same person goes unremarked, that of another one does not; a bot is told nothing."""
    bot = await launch(replies={"responder": "llm", "answer_bots": True}, llm=llm(switched))
    switched.server.script = Script(fault=Fault.FILTERED)
    await control.create_user("robot", bot=True)

    for author in ("alice", "alice", "robot", "bob"):
        await control.post("question", mention="sandbox-bot", author=author)

    refused = await bot.judge.expect(ReplyAbandoned, 4)
    assert {event.detail for event in refused} == {"openai:tiny: question refused (HTTP 400)"}
    await eventually(lambda: shows(control, [[REFUSED], [], [], [REFUSED]]))


async def test_a_sentence_is_said_where_the_settings_have_one(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """It names the person, pings nobody, and is no answer."""
    words = {"refused": "I may not talk about that."}
    bot = await launch(replies={"responder": "llm", "notices": words}, llm=llm(switched))
    switched.server.script = Script(fault=Fault.FILTERED)

    post = await control.post("question", mention="sandbox-bot")

    (said,) = await control.wait_for_messages(author="sandbox-bot")
    assert said["content"] == f"<@{post['author_id']}> I may not talk about that."
    await bot.judge.settled(post["channel_id"])
    assert await reactions(control) == [[]]


async def test_a_key_that_is_refused_is_not_the_questions_fault(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """It waits for somebody who corrects the key; ``pending`` says so."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    switched.server.script = Script(fault=Fault.UNAUTHORIZED)

    post = await control.post("question", mention="sandbox-bot")

    (delayed,) = await bot.judge.expect(ReplyDelayed)
    assert delayed.reason == "openai:tiny: key refused (HTTP 401)"
    data = (await bot.moderation.pending()).data
    assert isinstance(data, dict)
    (unfinished,) = data["unfinished"]
    assert (unfinished["reason"], unfinished["detail"]) == ("not written yet, waiting", delayed.reason)
    switched.server.script = Script()
    await bot.judge.expect(ReplyComposed)
    why = await bot.moderation.why(int(post["channel_id"]), delayed.message_id)
    assert f"waited: {delayed.reason}" in why.lines


async def test_a_server_that_dies_in_its_answer_uses_up_no_attempt(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """More often than a question may fail: the message that showed a part shows all of it in the end."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    switched.server.scripts.extend([Script(fault=Fault.CUT)] * (writing.POISON_ATTEMPTS + 1))

    post = await control.post("question", mention="sandbox-bot")

    (composed,) = await bot.judge.expect(ReplyComposed)
    delayed = await bot.judge.of(ReplyDelayed)
    assert {(each.reason, each.attempt) for each in delayed} == {("openai:tiny: model away (the stream was cut)", 0)}
    assert len(delayed) == writing.POISON_ATTEMPTS + 1
    assert all(each.tokens_in > 0 for each in delayed)
    await bot.judge.settled(post["channel_id"])
    (said,) = await control.wait_for_messages(author="sandbox-bot")
    assert str(said["content"]).startswith("question word0")
    assert str(said["content"]).endswith("end.")
    assert composed.finish == "stop"


async def test_a_half_answer_shows_that_the_rest_is_waited_for(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """Whoever reads it can't tell otherwise that there will be more."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    switched.server.script = Script(fault=Fault.CUT)

    await control.post("question", mention="sandbox-bot")

    await control.wait_for_messages(author="sandbox-bot")
    await eventually(lambda: shows(control, [[HOURGLASS]]))
    switched.server.script = Script()
    await bot.judge.expect(ReplyComposed)
    await eventually(lambda: none_left(control))


async def test_a_question_whose_every_answer_kills_the_server_ends(
    launch: Launch, control: ControlClient, switched: Switched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else asks meanwhile, so that nothing but their number tells that it is the question."""
    monkeypatch.setattr(writing, "MOST_CUTS", 1)
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    switched.server.script = Script(fault=Fault.CUT)

    await control.post("question", mention="sandbox-bot")

    (composed,) = await bot.judge.expect(ReplyComposed)
    failed = (await bot.judge.of(ReplyDelayed))[-1]
    assert (composed.finish, failed.reason) == ("lost", "openai:tiny: model away (the stream was cut)")
    assert switched.asked == 1 + writing.POISON_ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "said"), [(Fault.SERVER_ERROR, "HTTP 500"), (Fault.CUT, "the stream was cut")], ids=["error", "death"]
)
async def test_a_question_that_a_server_can_not_bear_ends(
    launch: Launch, control: ControlClient, switched: Switched, fault: Fault, said: str
) -> None:
    """It fails each time while others are answered: it does not wait for ever."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    other = await control.create_channel("other")
    switched.server.broken, switched.server.breaks_by = "poison", fault

    await control.post("this is poison", mention="sandbox-bot")
    answered = 0
    while not (await bot.judge.of(ReplyAbandoned) or await lost(bot)):
        await control.post("fine", mention="sandbox-bot", channel=other["id"])
        answered += 1
        await bot.judge.expect(ReplyComposed, answered)

    if fault is Fault.CUT:
        # A part of it was shown, which stays and says that the rest is missing.
        assert (await bot.judge.of(ReplyDelayed))[-1].reason == f"openai:tiny: model away ({said})"
        return
    (abandoned,) = await bot.judge.of(ReplyAbandoned)
    assert (abandoned.reason, abandoned.detail) == (AbandonReason.POISON, f"openai:tiny: model away ({said})")
    await eventually(lambda: shows(control, [[WARNING]], channel="general"))


async def lost(bot: RunningBot) -> bool:
    """Tell whether an answer ended because the model was lost."""
    return any(composed.finish == "lost" for composed in await bot.judge.of(ReplyComposed))


async def test_where_reactions_are_forbidden_nothing_is_shown(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """And nothing else suffers."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    await control.set_permissions("general", deny=["ADD_REACTIONS"])
    await switched.stop()
    await control.post("question", mention="sandbox-bot")
    await control.wait_for_requests(1, method="PUT")
    await switched.start()

    await bot.judge.expect(ReplyComposed)
    assert await none_left(control)


async def test_another_process_takes_off_what_this_one_showed(
    launch: Launch, control: ControlClient, switched: Switched
) -> None:
    """A restart in the middle of an outage leaves nothing behind."""
    bot = await launch(replies={"responder": "llm"}, llm=llm(switched))
    await switched.stop()
    await control.post("question", mention="sandbox-bot")
    await eventually(lambda: shows(control, [[HOURGLASS]]))
    await bot.stop()
    await switched.start()

    after = await launch(replies={"responder": "llm"}, llm=llm(switched))

    await after.judge.expect(ReplyComposed)
    await eventually(lambda: none_left(control))
