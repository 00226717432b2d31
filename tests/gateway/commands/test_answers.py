from __future__ import annotations

import pytest

from bot.core.events import CommandUsed, RepliesPaused, ReplySent
from bot.gateway.commands.dispatcher import NEUTRAL
from bot.moderation import checks, history
from bot.moderation.command import Report
from bot.moderation.context import CommandContext
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, caught_up, text_of
from tests.harness import Launch, RunningBot
from tests.moderating import put
from tests.waiting import eventually

WORDS = "the secret of the moderator"


async def _started(launch: Launch, control: ControlClient) -> RunningBot:
    running = await launch()
    await Moderator(control).registered()
    await caught_up(running)
    await control.post("ask one @everyone ```")
    await running.judge.expect(ReplySent)
    return running


async def _outcome(running: RunningBot) -> str:
    (use,) = await running.judge.expect(CommandUsed)
    return use.outcome


async def test_people_s_words_mention_nobody_and_break_no_frame(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """An answer quotes them in a code block, and parses no mention."""
    await _started(launch, control)

    answer = await moderator.use("replay state")

    assert "@everyone" in text_of(answer)
    assert (answer["original"]["mentions"], text_of(answer).count("```")) == ([], 2)


async def test_an_answer_later_than_the_token_is_dropped_and_noted(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """By our own count, nothing is sent any more."""
    running = await _started(launch, control)
    running.bot.dispatcher._token_seconds = 0.0
    used = await control.use_command("replay state", user=moderator.user)

    assert await _outcome(running) == "expired"
    assert (await control.interaction(used["id"]))["waiting"]
    assert await control.requests(method="PATCH", path="/webhooks/*") == []


async def test_a_token_that_discord_says_is_dead_is_noted_too(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """50027, once: it is not tried again."""
    running = await _started(launch, control)
    await control.change_settings(interaction_token_life=0.000001)
    await control.use_command("replay state", user=moderator.user)

    assert await _outcome(running) == "expired"
    assert len(await control.requests(method="PATCH", path="/webhooks/*")) == 1


async def test_a_command_that_can_not_be_acknowledged_is_not_carried_out(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Whoever asked sees that it failed, and asks again: done in secret it would be done twice."""
    running = await _started(launch, control)
    await control.change_settings(interaction_deadline=0.000001)
    await control.use_command("replay pause", user=moderator.user)

    assert await _outcome(running) == "expired"
    assert await running.judge.of(RepliesPaused) == []


@pytest.mark.parametrize("kind", ["reset", "fin", "cut"])
@pytest.mark.parametrize("path", ["/interactions/*", "/webhooks/*"])
async def test_a_connection_that_breaks_after_discord_took_it_harms_nothing(
    launch: Launch, control: ControlClient, moderator: Moderator, path: str, kind: str
) -> None:
    """The acknowledgement and the answer are repeated; what was asked for is done once."""
    running = await _started(launch, control)
    await control.add_fault(kind, when="after", path=path)

    assert "paused" in await moderator.ask("pause")

    assert await _outcome(running) == "done"
    assert len(await running.judge.of(RepliesPaused)) == 1
    assert (await control.counts(bot=True, contains="paused"))["total"] == 1


async def test_an_acknowledgement_that_hangs_is_repeated_in_time(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Within Discord's three seconds."""
    running = await _started(launch, control)
    await control.add_fault("hang", when="before", path="/interactions/*", seconds=10)

    assert "paused" in await moderator.ask("pause")

    assert await _outcome(running) == "done"


@pytest.mark.parametrize("path", ["/interactions/*", "/webhooks/*"])
async def test_a_5xx_after_discord_took_it_harms_nothing(
    launch: Launch, control: ControlClient, moderator: Moderator, path: str
) -> None:
    """discord.py repeats by itself: the acknowledgement is refused then (40060), the answer is the same edit."""
    running = await _started(launch, control)
    await control.add_fault("status", status=502, when="after", path=path)

    answer = await moderator.use("replay pause")
    await moderator.sees(answer, "paused")

    assert await _outcome(running) == "done"
    assert len(await running.judge.of(RepliesPaused)) == 1
    assert (await control.interaction(answer["id"]))["followups"] == []


async def test_an_interaction_that_the_gateway_repeats_is_served_once(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Every event twice."""
    running = await _started(launch, control)
    await control.gateway("repeat", probability=1)

    await moderator.ask("pause")
    await moderator.ask("status")

    assert [use.command for use in await running.judge.expect(CommandUsed, 2)] == ["pause", "status"]
    assert len(await running.judge.of(RepliesPaused)) == 1


async def test_a_mistake_of_ours_is_told_without_its_words(
    launch: Launch,
    control: ControlClient,
    moderator: Moderator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A neutral sentence for the asker, the error's kind for the operator."""

    async def broken(*_: object, **__: object) -> Report:
        raise ValueError(WORDS)

    put(monkeypatch, "state", broken)
    running = await _started(launch, control)

    assert await moderator.ask("state") == NEUTRAL
    assert await _outcome(running) == "failed"
    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert WORDS not in said.out + said.err


async def test_a_log_that_can_not_be_written_still_answers(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """What only reads goes on; what changes something says why not."""
    running = await _started(launch, control)
    await running.make_log_unwritable()

    assert "at version 4" in await moderator.ask("state")
    refused = await moderator.ask("pause")
    assert "paused" not in refused
    assert refused != NEUTRAL

    await running.make_log_unwritable(unwritable=False)
    await eventually(lambda: not running.bot.healer.trouble)


async def test_progress_is_told_until_the_answer_comes(
    launch: Launch, control: ControlClient, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By editing the answer, which the report then replaces."""
    monkeypatch.setattr("bot.gateway.commands.command_answers.PROGRESS_SECONDS", 0.01)

    async def slow(context: CommandContext, channel_id: int | None, progress: object) -> Report:
        assert callable(progress)
        progress(1, 4)
        await control.wait_for_messages(contains="Checked 1 of 4 events (25 %)")
        progress(2, 4)
        await control.wait_for_messages(contains="Checked 2 of 4 events (50 %)")
        return await checks.verify(context, channel_id)

    put(monkeypatch, "verify", slow)
    running = await _started(launch, control)
    answer = await moderator.use("replay verify")

    assert "All is well" in text_of(await moderator.sees(answer, "All is well"))
    assert await _outcome(running) == "done"


async def test_a_stopping_bot_lets_an_answer_go_out(
    launch: Launch, control: ControlClient, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way ends before the connection does."""

    async def stopping(context: CommandContext, channel_id: int, at: str | None = None) -> Report:
        running.stopping.set()
        return await history.state(context, channel_id, at)

    put(monkeypatch, "state", stopping)
    running = await _started(launch, control)

    assert "at version 4" in await moderator.ask("state")
    await running.stop()
