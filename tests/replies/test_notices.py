"""What people see of questions that nobody answers, beside a real sandbox."""

from __future__ import annotations

import pytest

from bot.core.events import MessageSkipped, RepliesPaused
from bot.replies.notices import emoji_of
from bot.sandbox.control_client import ControlClient
from tests.harness import Gated, Launch
from tests.waiting import eventually

QUESTION, PAUSED = "\N{WHITE QUESTION MARK ORNAMENT}", "\N{DOUBLE VERTICAL BAR}\N{VARIATION SELECTOR-16}"


async def reactions(control: ControlClient) -> list[list[str]]:
    """Return which reactions each message has, oldest message first."""
    return [[str(each["emoji"]) for each in message["reactions"]] for message in await control.messages()]


@pytest.mark.parametrize(
    ("words", "emoji"),
    [
        ("⏳", True),
        ("⚠️", True),
        ("👨‍👩‍👧‍👦", True),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", True),
        ("<:wait:123456789012345678>", True),
        ("<a:wait:123456789012345678>", True),
        ("", False),
        ("No.", False),
        ("Sorry, not now ⏳", False),
        ("<@123> no", False),
    ],
)
def test_an_emoji_is_told_from_a_sentence(words: str, *, emoji: bool) -> None:
    """Of Discord's own, or of a server."""
    assert bool(emoji_of(words)) is emoji


async def test_a_mention_that_nothing_answers_is_marked_once_an_hour(launch: Launch, control: ControlClient) -> None:
    """A word that addresses nobody is none of it, and neither is what somebody else's bot says."""
    bot = await launch(replies={"answer_bots": True})
    await control.create_user("robot", bot=True)

    for author, text in (("alice", "hm"), ("alice", "well"), ("bob", "so"), ("robot", "beep")):
        await control.post(text, author=author, mention="sandbox-bot")
    await control.post("just talk")

    await bot.judge.expect(MessageSkipped, 4)
    await eventually(lambda: marked(control, [[QUESTION], [], [QUESTION], [], []]))


async def marked(control: ControlClient, expected: list[list[str]]) -> bool:
    """Tell whether messages show these reactions."""
    return await reactions(control) == expected


async def test_a_pause_is_shown_and_silence_can_be_had(launch: Launch, control: ControlClient) -> None:
    """By reason, as the settings say."""
    bot = await launch(replies={"notices": {"no_answer": ""}})
    general = int((await control.post("just talk"))["channel_id"])

    await control.post("hm", mention="sandbox-bot")
    await bot.judge.expect(MessageSkipped)
    await bot.moderation.pause(general, by="owner")
    await bot.judge.expect(RepliesPaused)
    await control.post("ask it")

    await eventually(lambda: marked(control, [[], [], [PAUSED]]))


async def test_an_answer_that_comes_is_not_remarked(launch: Launch, control: ControlClient) -> None:
    """However long it takes: nobody is away."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.post("ask it")
    await eventually(lambda: responder.asked)
    responder.open.set()

    (post,) = await control.wait_for_messages(author="sandbox-bot")
    await bot.judge.settled(post["channel_id"])

    assert await control.requests(path="*/reactions/*") == []
