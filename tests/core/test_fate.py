"""What the end of a send, an echo and a look say of a reply."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.addressing import Nonce
from bot.core.beginning import FROM_BEFORE, Beginning
from bot.core.commands import Abandon, Command, Confirm, Delay, Delete, NoteForeign
from bot.core.conversation import Conversation
from bot.core.events import AbandonReason, Proof, Role, Via
from bot.core.fate import (
    Look,
    NotYet,
    Outcome,
    Overtaken,
    Refused,
    Sent,
    Sighting,
    Unknown,
    Unreferenced,
    Verdict,
    doubtful,
    judge_echo,
    judge_edit,
    judge_look,
    judge_send,
    judge_shown,
    judge_unrecorded,
)
from bot.core.outbox import Pending

NOW = 1_000_000
WAITING = Pending(100, 7, requested_at=NOW, cause_position=2, responder="llm", asked_position=1)
COMPOSED = replace(WAITING, composed_position=3, sent_ids=(201, 0))
BEGUN = replace(WAITING, begun=True, sent_ids=(201,))
TEXTS = ("one", "two")
H = Proof.HISTORY

FIRST = Sighting(201, 100, "one")
SECOND = Sighting(202, 100, "two")
THERE = frozenset({100, 201, 202})
GONE = Delete(100, Via.AUDIT)
LOST = Abandon(100, AbandonReason.GONE_AFTER_SEND, "taken for another part")


def confirmed(part: int, sent_id: int, proof: Proof = Proof.RESPONSE) -> Confirm:
    """Return what records a part."""
    return Confirm(100, part, sent_id, proof)


PLAIN = Delay(100, 1, "no reference", 0, 0, plain=True)
ENDS = [
    pytest.param(
        Sent(202, "two!"),
        Verdict((confirmed(1, 202),), certain=True, shown={202: "two!"}),
        Verdict((confirmed(1, 202),), certain=True, shown={202: "two!"}),
        id="sent",
    ),
    pytest.param(
        Sent(202),
        Verdict((confirmed(1, 202),), certain=True, shown={202: "two"}),
        Verdict((confirmed(1, 202),), certain=True, shown={202: "two"}),
        id="sent, and Discord does not say what it shows",
    ),
    pytest.param(Sent(201), Verdict((LOST,)), Verdict(), id="its nonce is that of another part"),
    pytest.param(
        Refused(AbandonReason.FORBIDDEN, "code 50013"),
        Verdict((Abandon(100, AbandonReason.FORBIDDEN, "code 50013"),)),
        Verdict(certain=True),
        id="refused",
    ),
    pytest.param(
        Unreferenced("no reference"),
        Verdict((PLAIN,), certain=True),
        Verdict((PLAIN,), certain=True),
        id="its reference is refused",
    ),
    pytest.param(NotYet("busy", 3.0), Verdict((NotYet("busy", 3.0),), certain=True), Verdict(certain=True), id="later"),
    pytest.param(Overtaken(), Verdict(certain=True), Verdict(certain=True), id="another one goes first"),
    pytest.param(Unknown("reset"), Verdict((Unknown("reset"),)), Verdict(), id="nobody knows"),
]


@pytest.mark.parametrize(("outcome", "whole", "written"), ENDS)
def test_the_end_of_a_send(outcome: Outcome, whole: Verdict, written: Verdict) -> None:
    """While an answer is written, only what is there is recorded: the rest is found out once it is whole."""
    assert judge_send(COMPOSED, 1, "two", outcome) == whole
    assert judge_shown(COMPOSED, 1, "two", outcome) == written


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Sent(201), Verdict(shown={201: "one"})),
        (Unknown("reset", 2.0), Verdict((Unknown("reset", 2.0),))),
        (Refused(AbandonReason.FORBIDDEN, ""), Verdict((Abandon(100, AbandonReason.FORBIDDEN),))),
    ],
)
def test_the_end_of_an_edit(outcome: Outcome, verdict: Verdict) -> None:
    """Made, it is no news for the log."""
    assert judge_edit(COMPOSED, 201, "one", outcome) == verdict


@pytest.mark.parametrize(
    ("entry", "part", "found"),
    [(None, 1, None), (COMPOSED, 0, None), (COMPOSED, 1, LOST), (COMPOSED, 2, None)],
    ids=["finished meanwhile", "known", "still missing", "no part of it"],
)
def test_a_part_of_which_nothing_was_recorded(entry: Pending | None, part: int, found: Abandon | None) -> None:
    """It would be sent again and again where the log takes its message for another part."""
    assert judge_unrecorded(entry, confirmed(part, 202)) == found


@pytest.mark.parametrize(
    ("entry", "about", "found"),
    [
        pytest.param(COMPOSED, Nonce(100, 1), confirmed(1, 202, Proof.ECHO), id="a part of it"),
        pytest.param(COMPOSED, Nonce(100, 2), None, id="no part of it"),
        pytest.param(COMPOSED, None, None, id="without its nonce"),
        pytest.param(BEGUN, Nonce(100, 2), confirmed(2, 202, Proof.ECHO), id="it may have any number of parts"),
    ],
)
def test_an_echo(entry: Pending, about: Nonce | None, found: Confirm | None) -> None:
    """Its nonce says which part it is."""
    assert judge_echo(entry, 202, about) == found


@pytest.mark.parametrize(
    ("entry", "look", "findings", "certain"),
    [
        pytest.param(WAITING, Look((), THERE), (), True, id="nothing can be there"),
        pytest.param(WAITING, Look(()), (GONE,), True, id="nothing can be there, not even the question"),
        pytest.param(WAITING, Look((), readable=False), (), True, id="the question can't be seen"),
        pytest.param(replace(WAITING, plain=True), Look(()), (), True, id="the question stands in another channel"),
        pytest.param(COMPOSED, Look((FIRST,)), (GONE,), True, id="the rest is not there, nor is the question"),
        pytest.param(
            COMPOSED,
            Look((FIRST, SECOND)),
            (confirmed(1, 202, Proof.HISTORY), GONE),
            True,
            id="only the question is gone",
        ),
        pytest.param(
            WAITING, Look((FIRST, SECOND)), (NoteForeign(100, 201),), True, id="another process answered, told once"
        ),
        pytest.param(COMPOSED, Look((FIRST,), THERE), (), True, id="the rest is not there"),
        pytest.param(
            COMPOSED, Look((FIRST, SECOND), THERE), (confirmed(1, 202, Proof.HISTORY),), True, id="the rest is there"
        ),
        pytest.param(
            COMPOSED, Look((), readable=False), (Abandon(100, AbandonReason.UNKNOWN_FATE),), False, id="nobody can look"
        ),
        pytest.param(
            replace(COMPOSED, plain=True), Look((), readable=False), (), True, id="nobody can look, and its nonce holds"
        ),
        pytest.param(
            replace(COMPOSED, sent_ids=(201, 202), begun=True), Look((), readable=False), (), True, id="all is known"
        ),
        pytest.param(
            BEGUN,
            Look((FIRST,)),
            (GONE,),
            True,
            id="nobody knows how far it came: its question is gone",
        ),
        pytest.param(replace(BEGUN, trigger_deleted=True), Look((FIRST,)), (), True, id="what is known has to go"),
        pytest.param(BEGUN, Look((FIRST, SECOND), THERE), (confirmed(1, 202, Proof.HISTORY),), True, id="a part more"),
    ],
)
def test_a_look(entry: Pending, look: Look, findings: tuple[Command, ...], *, certain: bool) -> None:
    """What it finds is recorded, and what it does not find is not there."""
    verdict = judge_look(Conversation(), entry, TEXTS if entry.composed else (), look, NOW)

    assert (verdict.findings, verdict.certain) == (findings, certain)
    assert verdict.shown == ({seen.message_id: seen.text for seen in look.sightings} if certain and entry.begun else {})


FIRST_ID = 150
"""The first message id of the time at which the log began."""
LEFT = Abandon(100, AbandonReason.UNKNOWN_FATE, FROM_BEFORE)
RESTORED = Beginning(at=NOW + 1, first_id=FIRST_ID, restored=True)
NEW = replace(RESTORED, restored=False)
NOBODY = Look((), THERE)
BY_CATCHUP = replace(WAITING, via=Via.CATCHUP, requested_at=NOW + 2)
OWN_BEFORE = Look((Sighting(120, 99, "to another"),), THERE)
OWN_SINCE = Look((Sighting(160, 99, "to another"),), THERE)


@pytest.mark.parametrize(
    ("entry", "look", "beginning", "findings", "certain"),
    [
        pytest.param(WAITING, NOBODY, RESTORED, (LEFT,), False, id="waited then"),
        pytest.param(WAITING, Look((FIRST,)), RESTORED, (NoteForeign(100, 201),), False, id="waited, answered since"),
        pytest.param(BY_CATCHUP, NOBODY, RESTORED, (LEFT,), False, id="missed then"),
        pytest.param(
            replace(BY_CATCHUP, message_id=151), Look((), frozenset((151,))), RESTORED, (), True, id="missed since"
        ),
        pytest.param(replace(WAITING, requested_at=NOW + 2), NOBODY, RESTORED, (), True, id="asked for again since"),
        pytest.param(WAITING, Look((), readable=False), RESTORED, (LEFT,), False, id="waited, unreadable"),
        pytest.param(COMPOSED, NOBODY, RESTORED, (LEFT,), False, id="sent in part then"),
        pytest.param(COMPOSED, Look((FIRST, SECOND), THERE), RESTORED, (confirmed(1, 202, H),), False, id="sent since"),
        pytest.param(
            replace(COMPOSED, sent_ids=(0, 0)),
            Look((FIRST,), THERE),
            RESTORED,
            (confirmed(0, 201, H), LEFT),
            False,
            id="sent since, and a part deleted",
        ),
        pytest.param(
            replace(COMPOSED, plain=True, requested_at=NOW),
            Look((), readable=False),
            RESTORED,
            (Abandon(100, AbandonReason.UNKNOWN_FATE),),
            False,
            id="plain, unreadable",
        ),
        pytest.param(BEGUN, Look((FIRST,), THERE), RESTORED, (LEFT,), False, id="being shown then"),
        pytest.param(WAITING, NOBODY, NEW, (), True, id="a new log where the bot never was"),
        pytest.param(WAITING, OWN_SINCE, NEW, (), True, id="a new log where it has answered since"),
        pytest.param(WAITING, OWN_BEFORE, NEW, (LEFT,), False, id="a new log where it was before"),
    ],
)
def test_what_was_asked_before_the_log_began(
    entry: Pending, look: Look, beginning: Beginning, findings: tuple[Command, ...], *, certain: bool
) -> None:
    """An answer that is found counts; without one the question is left, and never sent again."""
    verdict = judge_look(Conversation(), entry, TEXTS if entry.composed else (), look, NOW, beginning)

    assert (verdict.findings, verdict.certain) == (findings, certain)


def test_a_turn_of_the_bot_shows_that_it_was_there() -> None:
    """A plain message of its own, which no look finds by the question."""
    state = Conversation()
    state.window.put(140, 5, Role.BOT, 1)

    assert judge_look(state, WAITING, (), NOBODY, NOW, NEW).findings == (LEFT,)
    assert judge_look(Conversation(), WAITING, (), NOBODY, NOW, NEW).findings == ()


def test_what_one_look_is_for() -> None:
    """Neither what is certain, nor what is known to be there until it is composed anew."""
    anew = replace(WAITING, message_id=102, generation=2, begun=True, sent_ids=(203,))
    outbox = (WAITING, replace(COMPOSED, message_id=101), anew)

    assert [entry.message_id for entry in doubtful(outbox, {101})] == [100]
