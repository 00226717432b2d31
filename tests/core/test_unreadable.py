"""A reply about which an event can't be read: it is not sent again, and it does not hold up those behind it."""

from __future__ import annotations

import pytest

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.delivery import GiveUp, Patience, next_step
from bot.core.fold import fold

ASKED = e.ReplyRequested(message_id=1, author_id=7, responder="rules", call=e.Call.DM)
WRITTEN = e.ReplyComposed(message_id=1, parts=1, responder="rules")
SENT = e.ReplySent(message_id=1, part=0, sent_id=50, proof=e.Proof.ECHO)
DROPPED = e.ReplyAbandoned(message_id=1, reason=e.AbandonReason.EXPIRED)
ANOTHER = ASKED.model_copy(update={"message_id": 2})
ODD = e.Unreadable(stored=e.Form("reply.composed", 2), why=e.Unread.VERSION)


def after(*events: e.Event, about: int = 1) -> Conversation:
    """Return the state after events of a channel; those that can't be read are noted ``about`` a message."""
    return fold(
        e.Recorded(at, "channel:5", at, at, event, event.about() or about) for at, event in enumerate(events, 1)
    )


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((ASKED, ODD), id="asked, and then?"),
        pytest.param((ASKED, WRITTEN, ODD), id="written, and then?"),
    ],
)
@pytest.mark.parametrize("certain", [True, False])
def test_a_reply_of_which_nobody_knows_how_it_went_on_is_given_up(
    events: tuple[e.Event, ...], *, certain: bool
) -> None:
    """Once, with its reason, whatever else is known; nothing is sent, and no model is asked."""
    [entry] = after(*events).outbox

    step = next_step(entry, certain=certain, now=3, patience=Patience(10**9, 5))

    assert step == GiveUp(e.AbandonReason.UNKNOWN_FATE, e.EVENT_UNREADABLE)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((ASKED, ODD, SENT), id="written by what can't be read"),
        pytest.param((ASKED, WRITTEN, ODD, SENT), id="something in between"),
        pytest.param((ASKED, ODD, WRITTEN, SENT), id="something before"),
        pytest.param((ASKED, ODD, DROPPED), id="given up since"),
        pytest.param((ODD, SENT), id="never known"),
    ],
)
def test_a_reply_that_is_over_stays_over(events: tuple[e.Event, ...]) -> None:
    """What follows tells more than what is missing hides."""
    state = after(*events)

    assert (state.outbox, state.unreadable) == ((), 1)


def test_other_replies_are_none_of_its_business() -> None:
    """Neither those of other messages, nor those where it is about none."""
    for about in (3, 0):
        assert not any(entry.unreadable for entry in after(ASKED, ANOTHER, ODD, about=about).outbox)
    assert [entry.unreadable for entry in after(ASKED, ANOTHER, ODD, about=2).outbox] == [False, True]
