"""A bot on a log with events and words that can't be read: its channels go on recording and answering."""

from __future__ import annotations

from pathlib import Path

from bot.app import bot as app
from bot.core.events import (
    EVENT_UNREADABLE,
    WORDS_UNREADABLE,
    AbandonReason,
    Key,
    KeyKind,
    MessageReceived,
    ReplyAbandoned,
    ReplyRequested,
    ReplySent,
)
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch
from tests.newer import newer, spoil_words
from tests.waiting import eventually


async def test_a_channel_with_what_can_not_be_read_goes_on_recording_and_answering(
    launch: Launch, control: ControlClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The replies that need it are given up with their reasons; it shows in health, metrics and pending."""
    general = sandbox.services.general.id
    bot = await launch(responder=Gated())
    for text in ("ask one", "ask two"):
        await control.post(text)
    one, two = [each.message_id for each in await bot.judge.expect(ReplyRequested, 2)]
    asked = [each for each in await bot.judge.all(stream_of(general)) if isinstance(each.event, MessageReceived)]
    await bot.stop()
    log = await open_log(Location(tmp_path / "log"), clock=app.clock, full=False)
    composed = newer("reply.composed", 2, key=Key(KeyKind.COMPOSED, one, 1), about=one)
    await log.append(stream_of(general), [newer("reply.dreamt"), composed])
    await log.close()
    spoil_words(tmp_path / "log" / "events.db", [each.position for each in asked if each.correlation == two])

    bot = await launch()
    await control.post("ask three")
    await bot.judge.expect(ReplySent)
    given_up = {each.message_id: (each.reason, each.detail) for each in await bot.judge.expect(ReplyAbandoned, 2)}
    await eventually(lambda: bot.bot.health().unreadable == 2)
    health, metrics = bot.bot.health(), bot.bot.metrics.render()[0].decode()
    pending = await bot.moderation.pending()

    assert given_up == {
        one: (AbandonReason.UNKNOWN_FATE, EVENT_UNREADABLE),
        two: (AbandonReason.GAVE_UP, WORDS_UNREADABLE),
    }
    assert [message["content"] for message in await control.messages(author="sandbox-bot")] == ["re: three"]
    assert (health.status, health.reasons) == ("degraded", ())
    assert "echoless_unreadable_events 2.0" in metrics
    assert f"unreadable: 2 events can't be read and are skipped: channel:{general} (2)" in pending.lines


async def test_an_answer_that_the_log_holds_and_can_not_be_read_is_not_asked_for_again_and_again(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Its key is taken, so no other answer can be recorded: the reply is given up, and the responder was asked once."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.post("ask one")
    [request] = await bot.judge.expect(ReplyRequested)
    composed = newer("reply.composed", 2, key=Key(KeyKind.COMPOSED, request.message_id, 1))
    await bot.bot.log.append(stream_of(sandbox.services.general.id), [composed])

    responder.open.set()
    [given_up] = await bot.judge.expect(ReplyAbandoned)

    assert (given_up.reason, given_up.detail) == (AbandonReason.GAVE_UP, EVENT_UNREADABLE)
    assert len(responder.asked) == 1
    assert await control.messages(author="sandbox-bot") == []
