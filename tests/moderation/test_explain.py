from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.named_keys import digest_of
from bot.core.streams import EFFECTS_STREAM
from bot.effects import AddReaction
from bot.effects.declared import body_of, event_of
from bot.moderation.command import ModerationError
from tests.moderating import Moderation
from tests.moderation.conftest import BY, CHANNEL, Room


@pytest.mark.parametrize("asked_about", [20, 21])
async def test_why_an_answer_was_given(room: Room, asked_about: int) -> None:
    """From the message or from the answer: who, what, on which state, by which settings, how it was confirmed."""
    await room.says(10)
    await room.says(20, "how?", asks=True)
    await room.do(c.Delay(20, 0, "timeout", 1, 5))
    await room.answers(20, "so")

    report = await room.moderation.why(CHANNEL, asked_about)

    assert report.title == f"Message 20 in channel {CHANNEL}: answered in 1 part"
    assert report.data["answer"]["rule"] == "7"
    assert report.data["settings_are_present"] is True
    assert report.data["composed_on"] == {"version": 4, "snapshot": 0}
    assert report.data["window"] == {"known": 1, "read": 1}
    assert [part["proof"] for part in report.data["parts"]] == ["response"]
    assert [event["type"] for event in report.data["events"]] == [
        "message.received", "reply.requested", "reply.delayed", "reply.composed", "reply.sent",
    ]  # fmt: skip
    assert 'ada: "how?"' in "\n".join(report.lines)
    assert "failed attempts: 1, the last one: timeout" in report.lines
    assert "part 1: message 21, known by response" in report.lines
    assert any("+1.000 s" in line and "reply.delayed" in line for line in report.lines)


async def test_why_tells_of_effects_at_the_message(room: Room) -> None:
    """What each is, with its words, and what became of it."""
    await room.says(20)
    for key, end in (
        ("a", e.EffectDone(key_digest=digest_of("a"), found=True)),
        ("b", e.EffectFailed(key_digest=digest_of("b"), reason=e.EffectEnd.FORBIDDEN, detail="code 50013")),
        ("c", None),
    ):
        reaction = AddReaction(channel_id=CHANNEL, message_id=20, emoji="👍")
        intended = e.Draft(event_of(reaction, digest_of(key), 1), body_of(reaction, key))
        await room.log.append(EFFECTS_STREAM, [intended, *([] if end is None else [e.Draft(end)])])

    told = (await room.moderation.why(CHANNEL, 20)).lines

    start = told.index('effect add reaction: "a" | "👍"')
    assert told[start : start + 6] == (
        'effect add reaction: "a" | "👍"',
        "  done; a look found it",
        'effect add reaction: "b" | "👍"',
        "  given up: forbidden (code 50013)",
        'effect add reaction: "c" | "👍"',
        "  not made yet",
    )


async def outcome(room: Room, message_id: int = 20) -> str:
    """Return what became of a message."""
    said: str = (await room.moderation.why(CHANNEL, message_id)).data["outcome"]
    return said


async def test_why_no_answer_was_given(room: Room) -> None:
    """Each end has its words."""
    await room.says(10)
    await room.says(20, asks=True, refusal=e.SkipReason.CHANNEL_LIMIT)
    await room.says(30, asks=True)
    await room.says(40, asks=True)
    await room.composes(40, "one", "two")
    await room.sends(40, 41)
    await room.says(50, asks=True)
    await room.do(c.Abandon(50, e.AbandonReason.FORBIDDEN, "code 50013"))
    await room.says(60, asks=True)
    await room.do(c.NoteForeign(60, 61))

    assert [await outcome(room, each) for each in (10, 20, 30, 40, 50, 60)] == [
        "not addressed to the bot",
        "not answered: channel limit",
        "unfinished: not written yet",
        "unfinished: 1 of 2 parts sent",
        "given up: forbidden (code 50013)",
        "given up: answered elsewhere",
    ]


async def test_messages_answered_together_name_each_other(room: Room) -> None:
    """The answer stands at the first of them."""
    await room.says(20, asks=True)
    await room.says(30, asks=True)
    await room.composes(20, "both", together=(30,))

    assert "answered together with message 20" == await outcome(room, 30)


async def test_retries_edits_and_deletions_are_told(room: Room) -> None:
    """Who asked for it again, and what became of the message since."""
    await room.says(20, asks=True)
    await room.do(c.Abandon(20, e.AbandonReason.GAVE_UP))
    await room.moderation.retry(CHANNEL, 20, by=BY)
    await room.answers(20, "so")
    await room.do(c.Edit(e.MessageEdited(message_id=20, author_id=41, edited_at=1), e.Body(parts=("new",))))
    await room.do(c.Delete(20))

    report = await room.moderation.why(CHANNEL, 20)

    assert {f"asked for again by {BY}", "edited: 1 time", "deleted since"} <= set(report.lines)
    assert report.data["outcome"] == "answered in 1 part"


async def test_a_long_window_is_cut(room: Room) -> None:
    """What a responder could not read any more is counted."""
    await room.says(1, asks=True)
    await room.answers(1, "so")
    for number in range(10, 80):
        await room.says(number)
    await room.says(100, asks=True)
    await room.answers(100, "so")

    report = await Moderation(replace(room.context, window=10)).why(CHANNEL, 100)

    assert report.data["window"] == {"known": 63, "read": 10}
    assert "window: 10 earlier turns of 63 read; 53 older ones cut" in report.lines


async def test_nobody_claims_that_a_responder_who_is_gone_has_read_the_window(room: Room) -> None:
    """Whether it wanted to, nobody can say."""
    await room.says(1)
    await room.says(2, asks=True)
    await room.answers(2, "so")

    report = await Moderation(replace(room.context, responders=())).why(CHANNEL, 2)

    assert [line for line in report.lines if line.startswith("window")] == [
        "window: 1 earlier turn; whether they were read is not known here"
    ]


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        pytest.param(
            {"cost_micros": 1500, "finish": "stop"},
            ["tokens: 1,200 in, 30 out; cost: $0.001500", "ended: stop", "window: 3 earlier turns of 3 read"],
            id="whole",
        ),
        pytest.param(
            {"cut": 2, "finish": "length", "estimated": True, "priced": False},
            [
                "tokens: 1,200 in, 30 out (estimated); cost: unknown, no price in llm.prices",
                "ended: length",
                "window: 1 earlier turn of 3 read; 2 older ones cut, 2 of them to stay within llm.context_tokens",
            ],
            id="at its limits",
        ),
        pytest.param(
            {"priced": True},
            ["tokens: 1,200 in, 30 out; cost: $0.000000", "window: 3 earlier turns of 3 read"],
            id="for nothing",
        ),
    ],
)
async def test_what_an_answer_of_a_model_took(room: Room, answer: dict[str, Any], lines: list[str]) -> None:
    """Tokens and cost, and what is not certain of them; why it ended; what it did not read."""
    for number in (10, 20, 30):
        await room.says(number)
    await room.says(40, asks=True)
    composed = e.ReplyComposed(
        message_id=40, parts=1, responder="echo", model="test:model", tokens_in=1200, tokens_out=30, **answer
    )
    await room.do(c.Compose(composed, e.Body(parts=("so",))))

    report = await room.moderation.why(CHANNEL, 40)

    assert [line for line in report.lines if line.startswith(("tokens", "ended", "window"))] == lines
    assert report.data["window"] == {"known": 3, "read": 3 - composed.cut}
    assert answer.items() <= report.data["answer"].items()


async def test_nothing_is_known_of_a_message_never_seen(room: Room) -> None:
    """In a channel that there is."""
    await room.says(10)

    with pytest.raises(ModerationError, match="Nothing is recorded about message 77"):
        await room.moderation.why(CHANNEL, 77)
