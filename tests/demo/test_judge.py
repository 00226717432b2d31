"""The judge: what Discord's side holds against what the log says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from bot.cli.log_verify import VerifyReport
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.demo.judge import Fault, RunVerdict, judge
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.verify_events import Finding
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.models import MessageFlag

OWN, PERSON = 900, 41
CHANNEL = 111
FIRST, SECOND, CHATTER, SKIPPED = 10, 20, 30, 40
LOADING = int(MessageFlag.LOADING)


def posted(message_id: int, *, author: int = PERSON, reference: int | None = None, **more: object) -> MessageRecord:
    """Return a message as the sandbox's control API tells it."""
    record: dict[str, Any] = {
        "id": str(message_id),
        "channel_id": str(CHANNEL),
        "channel": "general",
        "author_id": str(author),
        "reference": None if reference is None else str(reference),
        "interaction": None,
        "nonce": None,
        "flags": 0,
        "deleted": False,
        "ephemeral": False,
    }
    return cast("MessageRecord", record | more)


def reply(message_id: int, trigger: int, part: int = 0, **more: object) -> MessageRecord:
    """Return a message of the bot that answers another."""
    return posted(message_id, author=OWN, reference=trigger, **{"nonce": f"{trigger}.{part}", **more})


DISCORD = [
    posted(FIRST),
    posted(SECOND),
    posted(CHATTER),
    posted(SKIPPED),
    reply(50, FIRST),
    reply(51, SECOND, 0),
    reply(52, SECOND, 1),
]
"""A right run: one reply of one part, one of two, in the order of the questions."""


def received(message_id: int, via: e.Via = e.Via.LIVE, **more: Any) -> c.Receive:  # noqa: ANN401 - what Receive takes
    """Return the command that records a message."""
    event = e.MessageReceived(message_id=message_id, author_id=PERSON, sent_at=1, via=via)
    return c.Receive(event, e.Body(parts=("hello",)), responder="rules", **more)


def composed(message_id: int, parts: int) -> c.Compose:
    """Return the command that records a reply's text."""
    event = e.ReplyComposed(message_id=message_id, parts=parts, responder="rules")
    return c.Compose(event, e.Body(parts=("answer",) * parts))


LOG: Sequence[c.Command] = (
    received(FIRST, call=e.Call.DM),
    received(SECOND, call=e.Call.DM),
    received(CHATTER),
    received(SKIPPED, call=e.Call.DM, refusal=e.SkipReason.MUTED),
    composed(FIRST, 1),
    c.Confirm(FIRST, 0, 50, e.Proof.RESPONSE),
    composed(SECOND, 2),
    c.Confirm(SECOND, 0, 51, e.Proof.RESPONSE),
    c.Confirm(SECOND, 1, 52, e.Proof.HISTORY),
)


async def judged(
    folder: Path,
    messages: Sequence[MessageRecord],
    commands: Sequence[c.Command] = LOG,
    addressed: Sequence[int] = (),
    verified: VerifyReport | None = None,
) -> RunVerdict:
    """Write a log and judge it."""
    log = await open_log(Location(folder), clock=lambda: 1, full=False)
    try:
        conversations = Conversations(log)
        for command in commands:
            await conversations.handle(CHANNEL, command)
        return await judge(log.reader, messages, OWN, addressed=addressed, verified=verified)
    finally:
        await log.close()


async def test_a_right_run_is_right(tmp_path: Path) -> None:
    """And counted."""
    verdict = await judged(tmp_path, DISCORD, addressed=(FIRST, SECOND, SKIPPED))

    assert verdict.problems == ()
    assert verdict.ok
    assert (verdict.posted, verdict.recorded, verdict.addressed) == (4, 4, 3)
    assert (verdict.answered, verdict.replies, verdict.skipped) == (2, 3, {"muted": 1})


async def test_partitions_are_judged_together(tmp_path: Path) -> None:
    """What is wrong in one of them is wrong in the whole."""
    right = await judged(tmp_path / "0", DISCORD, addressed=(FIRST, SECOND, SKIPPED))
    wrong = await judged(tmp_path / "1", without(51), addressed=(FIRST, SECOND, SKIPPED))

    verdict = right + wrong

    assert not verdict.ok
    assert verdict.problems == wrong.problems
    assert (verdict.posted, verdict.recorded, verdict.vanished, verdict.addressed) == (8, 8, 0, 6)
    assert (verdict.answered, verdict.replies, verdict.skipped) == (4, 5, {"muted": 2})


def without(*ids: int) -> list[MessageRecord]:
    """Return the right run's messages without some."""
    return [message for message in DISCORD if int(message["id"]) not in ids]


def altered(message_id: int, **changes: object) -> list[MessageRecord]:
    """Return the right run's messages with one changed."""
    return [
        cast("MessageRecord", {**message, **changes}) if int(message["id"]) == message_id else message
        for message in DISCORD
    ]


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        pytest.param([*DISCORD, posted(60)], {(Fault.LOST, 60)}, id="a message the log does not have"),
        pytest.param([*DISCORD, posted(60, deleted=True)], set(), id="gone before anybody could read it"),
        pytest.param([*DISCORD, posted(60, ephemeral=True)], set(), id="not for everybody's eyes"),
        pytest.param([*DISCORD, reply(60, FIRST)], {(Fault.DOUBLED, FIRST)}, id="a part twice"),
        pytest.param(
            [*DISCORD, reply(60, FIRST, deleted=True)], {(Fault.DOUBLED, FIRST)}, id="a part twice, one deleted"
        ),
        pytest.param([*DISCORD, reply(60, FIRST, nonce=None)], {(Fault.DOUBLED, FIRST)}, id="one more without a nonce"),
        pytest.param(altered(50, nonce=None), set(), id="a reply known by its reference alone"),
        pytest.param(
            without(52), {(Fault.UNANSWERED, SECOND), (Fault.PHANTOM, SECOND)}, id="a part that only the log knows"
        ),
        pytest.param([*DISCORD, reply(60, CHATTER)], {(Fault.UNASKED, CHATTER)}, id="a reply nobody asked for"),
        pytest.param([*DISCORD, reply(60, SKIPPED)], {(Fault.UNASKED, SKIPPED)}, id="a reply to what was skipped"),
        pytest.param(
            altered(50, reference=str(CHATTER)), {(Fault.WRONG_REFERENCE, FIRST)}, id="a reply to another message"
        ),
        pytest.param(altered(50, reference=None), {(Fault.WRONG_REFERENCE, FIRST)}, id="a reply to nothing"),
        pytest.param(
            [*without(50), reply(70, FIRST)],
            {(Fault.OUT_OF_ORDER, FIRST), (Fault.PHANTOM, FIRST)},
            id="a reply after a later one",
        ),
        pytest.param(
            [*without(51, 52), reply(51, SECOND, 1), reply(52, SECOND, 0)],
            {(Fault.OUT_OF_ORDER, SECOND)},
            id="parts in the wrong order",
        ),
    ],
)
async def test_what_discord_holds_is_judged(
    tmp_path: Path, messages: Sequence[MessageRecord], faults: set[tuple[Fault, int]]
) -> None:
    """Each fault is named, and nothing else."""
    verdict = await judged(tmp_path, messages)

    assert faults == {(problem.fault, problem.message_id) for problem in verdict.problems}


@pytest.mark.parametrize(
    ("commands", "messages", "faults"),
    [
        pytest.param(LOG[:-1], DISCORD, {(Fault.UNCONFIRMED, SECOND)}, id="in Discord, and the log does not know"),
        pytest.param(LOG[:-1], without(52), {(Fault.UNANSWERED, SECOND)}, id="a part never sent"),
        pytest.param(LOG[:6], without(51, 52), {(Fault.UNANSWERED, SECOND)}, id="a reply never written"),
        pytest.param(
            [*LOG[:-1], c.Abandon(SECOND, e.AbandonReason.FORBIDDEN)], without(52), set(), id="given up, with a reason"
        ),
        pytest.param(
            [*LOG[:-1], c.Abandon(SECOND, e.AbandonReason.UNKNOWN_FATE)],
            DISCORD,
            set(),
            id="given up, and there after all",
        ),
        pytest.param(
            [
                *LOG[:-1],
                c.Abandon(SECOND, e.AbandonReason.GAVE_UP),
                c.Retry(
                    e.ReplyRetried(
                        message_id=SECOND, author_id=PERSON, by="1", asked_at=3, composed_at=9, sent_ids=(51, 0)
                    )
                ),
            ],
            without(52),
            {(Fault.UNANSWERED, SECOND)},
            id="asked for again, and still not there",
        ),
    ],
)
async def test_what_the_log_says_is_judged(
    tmp_path: Path,
    commands: Sequence[c.Command],
    messages: Sequence[MessageRecord],
    faults: set[tuple[Fault, int]],
) -> None:
    """A reply may be missing only where an event says why."""
    verdict = await judged(tmp_path, messages, commands)

    assert faults == {(problem.fault, problem.message_id) for problem in verdict.problems}


ASKED = 60
RESPONSE = posted(61, author=OWN, interaction=str(ASKED))
ASKING: Sequence[c.Command] = (*LOG, received(ASKED, call=e.Call.ASK, via=e.Via.ASK), composed(ASKED, 1))
SHOWN = c.Confirm(ASKED, 0, 61, e.Proof.RESPONSE)
GIVEN_UP = c.Abandon(ASKED, e.AbandonReason.POISON)


@pytest.mark.parametrize(
    ("commands", "responses", "faults"),
    [
        pytest.param([*ASKING, SHOWN], [RESPONSE], set(), id="answered"),
        pytest.param([*ASKING, GIVEN_UP], [RESPONSE], set(), id="given up, and told so"),
        pytest.param(
            [*LOG, received(ASKED, call=e.Call.ASK, via=e.Via.ASK, refusal=e.SkipReason.MUTED)],
            [RESPONSE],
            set(),
            id="skipped, and told so",
        ),
        pytest.param(LOG, [RESPONSE], set(), id="another command"),
        pytest.param(ASKING, [RESPONSE], {Fault.UNCONFIRMED}, id="shown, and the log does not know"),
        pytest.param(ASKING, [{**RESPONSE, "flags": LOADING}], {Fault.UNANSWERED}, id="never shown"),
        pytest.param(
            [*ASKING, SHOWN],
            [{**RESPONSE, "flags": LOADING}],
            {Fault.UNANSWERED, Fault.PHANTOM},
            id="shown in the log alone",
        ),
        pytest.param([*ASKING, SHOWN], [RESPONSE, {**RESPONSE, "id": "62"}], {Fault.DOUBLED}, id="answered twice"),
    ],
)
async def test_questions_by_a_command_are_judged_by_their_responses(
    tmp_path: Path, commands: Sequence[c.Command], responses: Sequence[MessageRecord], faults: set[Fault]
) -> None:
    """These have neither nonce nor reference, and say so where no answer comes."""
    verdict = await judged(tmp_path, [*DISCORD, *responses], commands)

    assert faults == {problem.fault for problem in verdict.problems}
    assert {problem.message_id for problem in verdict.problems} <= {ASKED}
    assert verdict.answered == 2 + (SHOWN in commands)


async def test_a_response_may_stand_before_answers_to_earlier_questions(tmp_path: Path) -> None:
    """It is there from the moment the command was used."""
    response = cast("MessageRecord", {**RESPONSE, "id": "49"})

    verdict = await judged(tmp_path, [*DISCORD, response], [*ASKING, c.Confirm(ASKED, 0, 49, e.Proof.RESPONSE)])

    assert verdict.ok


async def test_a_reply_to_a_deleted_message_may_reference_nothing(tmp_path: Path) -> None:
    """Discord drops the reference when the message is gone."""
    gone = [
        {**message, "deleted": True} if int(message["id"]) == FIRST else message
        for message in altered(50, reference=None)
    ]

    assert (await judged(tmp_path, cast("list[MessageRecord]", gone))).ok


async def test_whoever_posts_knows_what_was_addressed(tmp_path: Path) -> None:
    """A bot that takes a question for chatter is found out."""
    verdict = await judged(tmp_path, DISCORD, addressed=(CHATTER,))

    assert [(Fault.UNANSWERED, CHATTER)] == [(problem.fault, problem.message_id) for problem in verdict.problems]
    assert (verdict.lost, verdict.doubled, verdict.out_of_order) == (1, 0, 0)


async def test_a_message_in_two_streams_is_recorded_twice(tmp_path: Path) -> None:
    """Once, and in the channel where it was posted."""
    log = await open_log(Location(tmp_path), clock=lambda: 1, full=False)
    try:
        for channel in (CHANNEL, CHANNEL + 1):
            await log.append(f"channel:{channel}", (e.Draft(e.MessageReceived(message_id=5, author_id=1, sent_at=1)),))
        verdict = await judge(log.reader, [posted(5)], OWN)
    finally:
        await log.close()

    assert [Fault.RECORDED_TWICE] == [problem.fault for problem in verdict.problems]
    assert verdict.doubled == 1


async def test_a_damaged_log_is_no_right_run(tmp_path: Path) -> None:
    """What the verification found counts."""
    changed, gone = Finding("bot", 3, "its hash does not fit"), Finding("bot", 0, "there is no such stream")
    found = VerifyReport(events=1, streams=1, seconds=1.0, findings=(changed, gone))

    verdict = await judged(tmp_path, DISCORD, verified=found)

    assert not verdict.ok
    assert [Fault.DAMAGED] * 2 == [problem.fault for problem in verdict.problems]
    assert verdict.to_json()["problems"] == [
        {"fault": "damaged log", "message_id": None, "channel": "bot", "what": "v3: its hash does not fit"},
        {"fault": "damaged log", "message_id": None, "channel": "bot", "what": "there is no such stream"},
    ]
    assert list(map(str, verdict.problems)) == [
        "damaged log: bot v3: its hash does not fit",
        "damaged log: bot there is no such stream",
    ]


async def test_a_fault_is_told_with_its_message(tmp_path: Path) -> None:
    """And where it was posted."""
    verdict = await judged(tmp_path, [*DISCORD, posted(9000)])

    assert list(map(str, verdict.problems)) == ["lost: message 9000 in general"]
