"""What models may take in a day, before and after a restart."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.app import bot as app
from bot.core.events import MessageReceived, MessageSkipped, ReplyCompleted, ReplySent, SkipReason
from bot.sandbox.control_client import ControlClient
from bot.times import DAY
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch, RunningBot
from tests.model import dear


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"tokens_per_person": 150}, SkipReason.PERSON_BUDGET),
        ({"tokens_per_channel": 150}, SkipReason.CHANNEL_BUDGET),
        ({"tokens_per_server": 150}, SkipReason.SERVER_BUDGET),
        ({"cost_per_day": 0.75}, SkipReason.DAY_BUDGET),
    ],
)
async def test_a_limit_of_the_day_holds_over_a_restart(
    launch: Launch, control: ControlClient, limits: dict[str, object], reason: SkipReason
) -> None:
    """Two answers pass it; then one sentence, once, whatever process is asked."""
    bot = await launch(responder=dear(), limits=limits)
    for number in range(4):
        await control.post(f"number {number}", mention=["sandbox-bot"])
        await bot.judge.expect(ReplySent, min(number + 1, 3))
    await bot.judge.expect(MessageSkipped, 2)
    await bot.stop()

    again = await launch(responder=dear(), limits=limits)
    await control.post("and now", mention=["sandbox-bot"])
    skipped = await again.judge.expect(MessageSkipped, 3)
    await again.judge.settled((await control.messages(author="alice"))[0]["channel_id"])

    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert {event.reason for event in skipped} == {reason}
    assert len(said) == 3
    assert said[2].endswith("ask me again tomorrow.")


async def test_others_and_what_no_model_answers_go_on(launch: Launch, control: ControlClient) -> None:
    """One person's limit is nobody else's."""
    bot = await launch(responder=dear(), limits={"tokens_per_person": 100})
    await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 1)
    await control.post("two", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 2)
    await control.post("three", mention=["sandbox-bot"], author="bob")
    await bot.judge.expect(ReplySent, 3)

    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert said[2] == "re: three"


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "restarted"])
async def test_what_moderators_have_answered_has_a_limit(
    launch: Launch, control: ControlClient, *, restarted: bool
) -> None:
    """Answers composed anew and rehearsed alike; it holds over a restart, is shown, and stops nobody who asks."""
    limits = {"tokens_for_moderators": 150}
    bot = await launch(responder=dear(), limits=limits)
    asked = await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent)
    moderator, message = Moderator(control), {"message": asked["id"]}
    first = await moderator.ask("rehearse", message)
    anew = await moderator.ask("again", message)
    await bot.judge.expect(ReplyCompleted)
    if restarted:
        await bot.stop()
        bot = await launch(responder=dear(), limits=limits)

    refused = [await moderator.ask(name, message) for name in ("again", "rehearse")]
    shown = text_of(await moderator.use("usage"))
    await control.post("two", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 2)

    assert "nothing is sent" in first
    assert "composed anew" in anew
    assert [TOO_MUCH in each for each in refused] == [True, True]
    assert "moderators (again, rehearse): 1 reply, 1 rehearsed, 200 tokens" in shown
    assert "2 replies, 1 rehearsed, 300 tokens" in shown


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "restarted"])
async def test_what_a_person_has_composed_anew_is_no_moderators(
    launch: Launch, control: ControlClient, *, restarted: bool
) -> None:
    """It counts for the person alone: by a button, people could use up what moderators may take."""
    limits = {"tokens_for_moderators": 100, "tokens_per_person": 1000}
    bot = await launch(responder=dear(), limits=limits)
    asked = await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent)
    await bot.moderation.again(int(asked["channel_id"]), int(asked["id"]), by=asked["author_id"])
    await bot.judge.expect(ReplyCompleted)
    if restarted:
        await bot.stop()
        bot = await launch(responder=dear(), limits=limits)
        await bot.ready()

    assert bot.bot.budget.forbids(int(asked["channel_id"])) == ""


@pytest.mark.parametrize("limit", [{"tokens_per_channel": 200}, {"tokens_per_server": 200}, {"cost_per_day": 1.0}])
async def test_what_moderators_have_answered_counts_for_everybody(
    launch: Launch, control: ControlClient, limit: dict[str, object]
) -> None:
    """A rehearsal takes from the day of the channel, of the server and of all, and is refused when that is over."""
    bot = await launch(responder=dear(), limits=limit)
    asked = await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent)
    moderator, message = Moderator(control), {"message": asked["id"]}

    said = [await moderator.ask("rehearse", message) for _ in range(2)]
    await control.post("two", mention=["sandbox-bot"])
    await bot.judge.expect(MessageSkipped)

    assert "nothing is sent" in said[0]
    assert "Models may use no more here today" in said[1]


async def test_what_costs_nothing_is_never_refused(launch: Launch, control: ControlClient) -> None:
    """Rules have no budget."""
    bot = await launch(limits={"tokens_for_moderators": 1})
    asked = await control.post("ask one")
    await bot.judge.expect(ReplySent)

    said = [await Moderator(control).ask("rehearse", {"message": asked["id"]}) for _ in range(2)]

    assert ["nothing is sent" in each for each in said] == [True, True]


TOO_MUCH = "has taken 200 tokens, and they may take 150 a day (limits.tokens_for_moderators)"
MINUTE = 60_000_000
MIDNIGHT = 20_000 * DAY
TOMORROW = "I have said all that I may for today: please ask me again tomorrow."


@dataclass(slots=True)
class Clock:
    """A clock that is set by hand."""

    now: int

    def __call__(self) -> int:
        """Return the time that it was set to."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the bots that are started: a minute before midnight."""
    clock = Clock(MIDNIGHT - MINUTE)
    monkeypatch.setattr(app, "clock", clock)
    return clock


async def ask(bot: RunningBot, control: ControlClient, text: str) -> str:
    """Ask and return what was said to it, "" for nothing."""
    asked = await control.post(text, mention=["sandbox-bot"])
    await bot.judge.expect(MessageReceived, len(await control.messages(author="alice")), asked["channel_id"])
    await bot.judge.settled(asked["channel_id"])
    answers = await control.messages(author="sandbox-bot")
    return next((each["content"] for each in answers if each["reference"] == asked["id"]), "")


async def test_midnight_gives_everybody_a_new_day(launch: Launch, control: ControlClient, clock: Clock) -> None:
    """Also whoever was told that the day's share is used up, and is told so once more tomorrow."""
    bot = await launch(responder=dear(), limits={"tokens_per_person": 100})
    before = [await ask(bot, control, text) for text in ("one", "two", "three")]

    clock.now = MIDNIGHT + MINUTE
    after = [await ask(bot, control, text) for text in ("four", "five", "six")]

    assert before == ["re: one", TOMORROW, ""]
    assert after == ["re: four", TOMORROW, ""]


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "restarted"])
async def test_a_clock_set_back_begins_no_new_day(
    launch: Launch, control: ControlClient, clock: Clock, *, restarted: bool
) -> None:
    """What was spent after midnight is spent before it, too, and what is spent meanwhile counts."""
    limits = {"tokens_per_person": 150}
    bot = await launch(responder=dear(), limits=limits)
    clock.now = MIDNIGHT + MINUTE
    said = [await ask(bot, control, "one")]

    clock.now = MIDNIGHT - MINUTE
    if restarted:
        await bot.stop()
        bot = await launch(responder=dear(), limits=limits)
    said += [await ask(bot, control, text) for text in ("two", "three", "four")]

    assert said == ["re: one", "re: two", TOMORROW, ""]


async def test_a_restart_finds_the_days_answers_behind_a_clock_that_was_set_back(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """The newest events are of yesterday by their time; those of today stand before them."""
    limits = {"tokens_per_person": 100}
    bot = await launch(responder=dear(), limits=limits)
    clock.now = MIDNIGHT + MINUTE
    await ask(bot, control, "one")
    clock.now = MIDNIGHT - MINUTE
    await control.post("nobody is asked")
    await bot.judge.expect(MessageReceived, 2)
    await bot.stop()

    clock.now = MIDNIGHT + 2 * MINUTE
    again = await launch(responder=dear(), limits=limits)

    assert await ask(again, control, "two") == TOMORROW
