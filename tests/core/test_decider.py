"""What follows from each command, as one table: given these events, when this is asked, then these are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, get_args

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.decider import decide
from bot.core.fold import fold
from bot.core.place_settings import MODEL, PERSONA
from bot.core.window import Turn

TURN, LATER_TURN = Turn(100, 7, e.Role.PERSON, 1), Turn(200, 7, e.Role.PERSON, 2)
ROOM = 1000
"""What a channel's outbox holds unless the settings say otherwise."""

WORDS = e.Body(name="Ada", parts=("Is anybody there?",))
ANSWER = e.Body(parts=("Yes.", "Always."))
RECEIVED = e.MessageReceived(message_id=100, author_id=7, sent_at=1, via=e.Via.AHEAD)
REQUESTED = e.ReplyRequested(message_id=100, author_id=7, responder="rules", call=e.Call.MENTION, via=e.Via.AHEAD)
COMPOSED = e.ReplyComposed(message_id=100, parts=2, responder="rules")
SENT_FIRST = e.ReplySent(message_id=100, part=0, sent_id=201, proof=e.Proof.RESPONSE)
SENT_SECOND = e.ReplySent(message_id=100, part=1, sent_id=202, proof=e.Proof.ECHO)
DELAYED = e.ReplyDelayed(message_id=100, part=1, reason="timeout", attempt=2, retry_at=9)
ABANDONED = e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.GAVE_UP)
RETRIED = e.ReplyRetried(message_id=100, author_id=7, by="owner", asked_at=1)
RETRIED_WITH_TEXT = e.ReplyRetried(
    message_id=100, author_id=7, by="owner", asked_at=1, composed_at=3, sent_ids=(201, 0)
)
BEGUN, WHOLE = e.ReplyBegun(message_id=100), e.ReplyCompleted(message_id=100)
BEGUN_ANEW = e.ReplyBegun(message_id=100, generation=2)
ANEW = e.ReplyRetried(
    message_id=100, author_id=7, by="owner", asked_at=1, sent_ids=(201, 202), begun=True, generation=2
)
STOPPED = e.ButtonPressed(message_id=100, button=e.Button.STOP, user_id=7, sent_id=201, press_id=900)
ASKED_ANEW = STOPPED.model_copy(update={"button": e.Button.AGAIN})
SPENT = {"tokens_in": 7, "tokens_out": 3, "cost_micros": 1}
EDITED = e.MessageEdited(message_id=100, author_id=7, edited_at=5)
DELETED = e.MessageDeleted(message_id=100)
CHANNEL_DELETED = e.ChannelDeleted()
FOREIGN = e.ForeignReplySeen(message_id=100, sent_id=300)
PAUSED = e.RepliesPaused(by="moderator")
RESUMED = e.RepliesResumed(by="moderator")
FORBIDDEN = e.HistoryForbidden()
STARTED = e.CatchupStarted(after=90)
COMPLETED = e.CatchupCompleted(after=90, upto=100, count=1)
CALLED = e.ToolCalled(message_id=100, tool="weather", number=1)
RETURNED = e.ToolReturned(message_id=100, tool="weather", number=1, outcome=e.ToolOutcome.RETURNED, size=5)
OTHER_REQUESTED = REQUESTED.model_copy(update={"message_id": 101, "author_id": 8})

ADDRESSED = c.Receive(RECEIVED, WORDS, call=e.Call.MENTION, responder="rules")
STALE = c.Receive(RECEIVED, WORDS, call=e.Call.MENTION, responder="rules", stale=True)
MUTED = c.Receive(RECEIVED, WORDS, call=e.Call.MENTION, refusal=e.SkipReason.MUTED)
MUTED_AND_STALE = c.Receive(RECEIVED, WORDS, call=e.Call.MENTION, refusal=e.SkipReason.MUTED, stale=True)
ANSWERED = replace(ADDRESSED, answer=c.Compose(COMPOSED, ANSWER))
ELSEWHERE = c.Compose(COMPOSED.model_copy(update={"message_id": 101}), ANSWER)
WRITTEN = e.Draft(RECEIVED, WORDS, subject_id=7)


INTENDED = e.ThreadIntended(message_id=100, starter_id=100)
OPENED = e.ThreadOpened(message_id=100, thread_id=100, proof=e.Proof.RESPONSE)
UNOPENED = e.ThreadRefused(message_id=100, reason="rate limit")
MOVED = e.ReplyMoved(message_id=100, thread_id=100)
IN_THREAD = e.ThreadBegun(message_id=100, parent_id=1)


POSTED = e.PostRequested(message_id=500, author_id=7, reply_to=100, key_digest="0" * 31 + "1")
POST_COMPOSED = e.ReplyComposed(message_id=500, parts=2, responder="")


def skipped(reason: e.SkipReason) -> tuple[e.Draft, e.Draft]:
    """Expect the message, and why it gets no reply."""
    return (WRITTEN, e.Draft(e.MessageSkipped(message_id=100, reason=reason)))


def abandoned(
    reason: e.AbandonReason, *, cause: int, message_id: int = 100, detail: str = "", together_with: int = 0
) -> e.Draft:
    """Expect a reply to be let go because of the event at position ``cause``."""
    event = e.ReplyAbandoned(message_id=message_id, reason=reason, detail=detail, together_with=together_with)
    return e.Draft(event, causation=cause)


def requests(count: int) -> list[e.Event]:
    """Fill the outbox."""
    return [REQUESTED.model_copy(update={"message_id": 1000 + number}) for number in range(count)]


def recorded(events: Sequence[e.Event]) -> list[e.Recorded]:
    """Record events at positions and versions 1, 2, 3..."""
    return [e.Recorded(place, "channel:1", place, 1000 + place, event) for place, event in enumerate(events, 1)]


FROM_BOT_EVENT = RECEIVED.model_copy(update={"author": e.Author.BOT})
FROM_BOT = replace(ADDRESSED, event=FROM_BOT_EVENT)
FROM_BOT_DRAFT = e.Draft(FROM_BOT_EVENT, WORDS, subject_id=7)
COPY = replace(ADDRESSED, original_id=101)


def talk(answers: int) -> list[e.Event]:
    """Have a bot say something and be answered, some times in a row."""
    said: list[e.Event] = []
    for number in range(10, 10 + answers):
        changed = {"message_id": number}
        said += [FROM_BOT_EVENT.model_copy(update=changed), REQUESTED.model_copy(update=changed)]
        said.append(ABANDONED.model_copy(update=changed))
    return said


class Case(NamedTuple):
    """Given events at positions 1, 2, 3..., when a command comes, then these drafts follow."""

    given: Sequence[e.Event]
    when: c.Command
    then: tuple[e.Draft, ...]


LATER = RECEIVED.model_copy(update={"message_id": 200})
SUMMARISED = e.ConversationSummarised(upto=100, turns=1)
ERASED = e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(1, 1),))
LATEST = RECEIVED.model_copy(update={"message_id": 300})


def rewound(to: int, *window: Turn, undoes: int = 0, **more: int) -> e.ConversationRewound:
    """Return a rewind by the owner, or the undo of one."""
    stored = tuple(
        e.StoredTurn(turn.message_id, turn.author_id, turn.role, turn.position, turn.part) for turn in window
    )
    next_undo = more.pop("next_undo", 0 if undoes else None)
    return e.ConversationRewound(by="owner", to=to, window=stored, undoes=undoes, next_undo=next_undo, **more)


def undo(*events: e.Event) -> c.Undo:
    """Ask to take back what an undo would, given these events."""
    undoes = fold(recorded(events)).rewound_version
    before, after = fold(recorded(events[: undoes - 1])), fold(recorded(events[:undoes]))
    return c.Undo("owner", undoes, remembered(before), remembered(after), before.rewound_version)


def remembered(state: Conversation) -> c.Remembered:
    """Return what a rewind brings back of a state."""
    return c.Remembered(
        tuple(state.window),
        state.persona_position,
        state.summary_position,
        state.summary_upto_id,
        state.model_position,
    )


def undone(*events: e.Event, then: tuple[e.Draft, ...]) -> Case:
    """Expect what an undo gives after these events."""
    return Case(events, undo(*events), then)


CASES = {
    "a message that addresses nobody is recorded": Case([], c.Receive(RECEIVED, WORDS), (WRITTEN,)),
    "a message that addresses nobody is recorded without a reason while replies are paused": Case(
        [PAUSED], c.Receive(RECEIVED, WORDS, refusal=e.SkipReason.MUTED, stale=True), (WRITTEN,)
    ),
    "a message that addresses the bot is recorded and its reply requested": Case(
        [], ADDRESSED, (WRITTEN, e.Draft(REQUESTED))
    ),
    "an answer that was there at once is recorded along with its question": Case(
        [], ANSWERED, (WRITTEN, e.Draft(REQUESTED), e.Draft(COMPOSED, ANSWER, subject_id=7))
    ),
    "an answer behind other replies is written when its turn comes": Case(
        [OTHER_REQUESTED], ANSWERED, (WRITTEN, e.Draft(REQUESTED))
    ),
    "an answer begins to be shown": Case([REQUESTED, OTHER_REQUESTED], c.Begin(100), (e.Draft(BEGUN, causation=1),)),
    "an answer does not begin to be shown before one to an older message": Case(
        [REQUESTED, REQUESTED.model_copy(update={"message_id": 99})], c.Begin(100), ()
    ),
    "an answer does not begin to be shown before one that is under way": Case(
        [REQUESTED, OTHER_REQUESTED, BEGUN.model_copy(update={"message_id": 101})], c.Begin(100), ()
    ),
    "an answer to a command holds none up": Case(
        [REQUESTED.model_copy(update={"message_id": 99, "via": e.Via.ASK}), REQUESTED],
        c.Begin(100),
        (e.Draft(BEGUN, causation=2),),
    ),
    "an answer to something else is none": Case([], replace(ANSWERED, answer=ELSEWHERE), (WRITTEN, e.Draft(REQUESTED))),
    "an answer that was there at once is not recorded where there may be none": Case(
        [PAUSED], ANSWERED, skipped(e.SkipReason.PAUSED)
    ),
    "a message of the window is known, whatever else has changed": Case([RECEIVED, PAUSED], ADDRESSED, ()),
    "a message that was deleted is left to the log to recognize": Case(
        [RECEIVED, DELETED], c.Receive(RECEIVED, WORDS), (WRITTEN,)
    ),
    "a forbidden answer is skipped for the reason given": Case([], MUTED, skipped(e.SkipReason.MUTED)),
    "a message is skipped while replies are paused": Case([PAUSED], ADDRESSED, skipped(e.SkipReason.PAUSED)),
    "a message is answered again once replies are resumed": Case(
        [PAUSED, RESUMED], ADDRESSED, (WRITTEN, e.Draft(REQUESTED))
    ),
    "a message that is too old is skipped": Case([], STALE, skipped(e.SkipReason.TOO_OLD)),
    "what the settings forbid is named before a pause and before age": Case(
        [PAUSED], MUTED_AND_STALE, skipped(e.SkipReason.MUTED)
    ),
    "a pause is named before age": Case([PAUSED], STALE, skipped(e.SkipReason.PAUSED)),
    "a message is skipped when the outbox is full": Case(requests(ROOM), ADDRESSED, skipped(e.SkipReason.QUEUE_FULL)),
    "the last place of the outbox is given": Case(requests(ROOM - 1), ADDRESSED, (WRITTEN, e.Draft(REQUESTED))),
    "a place of the outbox is free again once a reply is finished": Case(
        [*requests(ROOM - 1), REQUESTED, ABANDONED], ADDRESSED, (WRITTEN, e.Draft(REQUESTED))
    ),
    "age is named before a full outbox": Case(requests(ROOM), STALE, skipped(e.SkipReason.TOO_OLD)),
    "an edit is recorded with its words and asks for nothing": Case(
        [RECEIVED, REQUESTED], c.Edit(EDITED, WORDS), (e.Draft(EDITED, WORDS, subject_id=7),)
    ),
    "an edit that calls the bot is recorded with its question": Case(
        [RECEIVED], c.Edit(EDITED, WORDS, ADDRESSED), (e.Draft(EDITED, WORDS, subject_id=7), e.Draft(REQUESTED))
    ),
    "an edit that calls the bot where it is silent is skipped": Case(
        [RECEIVED, PAUSED],
        c.Edit(EDITED, WORDS, ADDRESSED),
        (e.Draft(EDITED, WORDS, subject_id=7), skipped(e.SkipReason.PAUSED)[1]),
    ),
    "a bot is answered": Case(talk(2), FROM_BOT, (FROM_BOT_DRAFT, e.Draft(REQUESTED))),
    "bots are answered a few times in a row": Case(
        talk(3), FROM_BOT, (FROM_BOT_DRAFT, skipped(e.SkipReason.BOTS_IN_A_ROW)[1])
    ),
    "bots are answered again when a person wrote": Case(
        [*talk(3), RECEIVED.model_copy(update={"message_id": 50})], FROM_BOT, (FROM_BOT_DRAFT, e.Draft(REQUESTED))
    ),
    "a person is answered whatever bots said": Case(talk(3), ADDRESSED, (WRITTEN, e.Draft(REQUESTED))),
    "a proxy's copy takes the place of its original": Case(
        [OTHER_REQUESTED],
        COPY,
        (WRITTEN, abandoned(e.AbandonReason.TOGETHER, cause=1, message_id=101, together_with=100), e.Draft(REQUESTED)),
    ),
    "a proxy's copy of what is being answered asks nothing": Case(
        [OTHER_REQUESTED, COMPOSED.model_copy(update={"message_id": 101})], COPY, (WRITTEN,)
    ),
    "a proxy's copy of what was answered asks nothing": Case([], COPY, (WRITTEN,)),
    "a deletion is recorded": Case(
        [RECEIVED], c.Delete(100, e.Via.AUDIT), (e.Draft(e.MessageDeleted(message_id=100, via=e.Via.AUDIT)),)
    ),
    "a deletion lets go of a reply that is not written yet": Case(
        [RECEIVED, REQUESTED],
        c.Delete(100),
        (e.Draft(DELETED), abandoned(e.AbandonReason.TRIGGER_DELETED, cause=2)),
    ),
    "a deletion leaves a written reply to its sender": Case(
        [RECEIVED, REQUESTED, COMPOSED], c.Delete(100), (e.Draft(DELETED),)
    ),
    "a deletion leaves other replies alone": Case([OTHER_REQUESTED], c.Delete(100), (e.Draft(DELETED),)),
    "a channel's deletion is recorded": Case([RECEIVED], c.DeleteChannel(), (e.Draft(CHANNEL_DELETED),)),
    "a channel's deletion lets go of every reply, written or not": Case(
        [REQUESTED, OTHER_REQUESTED, COMPOSED],
        c.DeleteChannel(),
        (
            e.Draft(CHANNEL_DELETED),
            abandoned(e.AbandonReason.CHANNEL_DELETED, cause=3),
            abandoned(e.AbandonReason.CHANNEL_DELETED, cause=2, message_id=101),
        ),
    ),
    "a channel is deleted once": Case([CHANNEL_DELETED], c.DeleteChannel(), ()),
    "a channel that came back can be deleted again": Case(
        [CHANNEL_DELETED, RECEIVED], c.DeleteChannel(), (e.Draft(CHANNEL_DELETED),)
    ),
    "a text is recorded for a requested reply": Case(
        [RECEIVED, REQUESTED],
        c.Compose(COMPOSED, ANSWER),
        (e.Draft(COMPOSED, ANSWER, subject_id=7, causation=2),),
    ),
    "a text is recorded after a failed attempt, which caused it": Case(
        [REQUESTED, DELAYED], c.Compose(COMPOSED, ANSWER), (e.Draft(COMPOSED, ANSWER, subject_id=7, causation=2),)
    ),
    "a text for a reply nobody asked for is dropped": Case([RECEIVED], c.Compose(COMPOSED, ANSWER), ()),
    "a second text for the same reply is dropped": Case([REQUESTED, COMPOSED], c.Compose(COMPOSED, ANSWER), ()),
    "a text for an abandoned reply is dropped": Case([REQUESTED, ABANDONED], c.Compose(COMPOSED, ANSWER), ()),
    "a retried reply without a text gets one": Case(
        [REQUESTED, ABANDONED, RETRIED],
        c.Compose(COMPOSED, ANSWER),
        (e.Draft(COMPOSED, ANSWER, subject_id=7, causation=3),),
    ),
    "a retried reply keeps the text it has": Case(
        [REQUESTED, COMPOSED, ABANDONED, RETRIED_WITH_TEXT], c.Compose(COMPOSED, ANSWER), ()
    ),
    "a part's arrival is recorded": Case(
        [REQUESTED, COMPOSED],
        c.Confirm(100, 0, 201, e.Proof.RESPONSE),
        (e.Draft(SENT_FIRST, causation=2),),
    ),
    "a part's arrival follows from the part before it": Case(
        [REQUESTED, COMPOSED, SENT_FIRST],
        c.Confirm(100, 1, 202, e.Proof.ECHO),
        (e.Draft(SENT_SECOND, causation=3),),
    ),
    "a part's arrival is recorded once, by response or by echo": Case(
        [REQUESTED, COMPOSED, SENT_FIRST], c.Confirm(100, 0, 201, e.Proof.ECHO), ()
    ),
    "a part that arrives after its reply was let go is recorded nevertheless": Case(
        [REQUESTED, COMPOSED, ABANDONED], c.Confirm(100, 0, 201, e.Proof.RESPONSE), (e.Draft(SENT_FIRST),)
    ),
    "an answer of another process ends a reply that is not written yet": Case(
        [REQUESTED],
        c.NoteForeign(100, 300),
        (e.Draft(FOREIGN, causation=1), abandoned(e.AbandonReason.ANSWERED_ELSEWHERE, cause=1)),
    ),
    "an answer of another process leaves a written reply alone": Case(
        [REQUESTED, COMPOSED], c.NoteForeign(100, 300), (e.Draft(FOREIGN, causation=2),)
    ),
    "an answer of another process to anything else is recorded": Case([], c.NoteForeign(100, 300), (e.Draft(FOREIGN),)),
    "a failed attempt is recorded": Case(
        [REQUESTED, COMPOSED], c.Delay(100, 1, "timeout", 2, 9), (e.Draft(DELAYED, causation=2),)
    ),
    "a failed attempt at a finished reply is dropped": Case(
        [REQUESTED, ABANDONED], c.Delay(100, 1, "timeout", 2, 9), ()
    ),
    "a reply is let go": Case(
        [REQUESTED, DELAYED],
        c.Abandon(100, e.AbandonReason.GAVE_UP, "after 5 attempts"),
        (abandoned(e.AbandonReason.GAVE_UP, cause=2, detail="after 5 attempts"),),
    ),
    "a finished reply can't be let go": Case(
        [REQUESTED, COMPOSED, SENT_FIRST, SENT_SECOND], c.Abandon(100, e.AbandonReason.EXPIRED), ()
    ),
    "a reply is let go once": Case([REQUESTED, ABANDONED], c.Abandon(100, e.AbandonReason.EXPIRED), ()),
    "an abandoned reply is asked for again": Case([REQUESTED, ABANDONED], c.Retry(RETRIED), (e.Draft(RETRIED),)),
    "a reply that is still to come is not asked for again": Case([REQUESTED], c.Retry(RETRIED), ()),
    "a retried reply is not asked for twice": Case([REQUESTED, ABANDONED, RETRIED], c.Retry(RETRIED), ()),
    "an answer that is being written is stopped": Case(
        [REQUESTED, BEGUN], c.Press(STOPPED), (e.Draft(STOPPED, causation=2),)
    ),
    "an answer is stopped once": Case([REQUESTED, BEGUN, STOPPED], c.Press(STOPPED), ()),
    "a written answer is not stopped": Case([REQUESTED, BEGUN, COMPOSED], c.Press(STOPPED), ()),
    "a finished answer is not stopped": Case([REQUESTED, BEGUN, COMPOSED, WHOLE], c.Press(STOPPED), ()),
    "another answer than the button's is not stopped": Case([REQUESTED, BEGUN, WHOLE, ANEW], c.Press(STOPPED), ()),
    "a button has an answer composed anew": Case(
        [REQUESTED, COMPOSED, SENT_FIRST, SENT_SECOND],
        c.Press(ASKED_ANEW, ANEW),
        (e.Draft(ASKED_ANEW), e.Draft(ANEW)),
    ),
    "a button does not ask for what is still to come": Case([REQUESTED], c.Press(ASKED_ANEW, ANEW), ()),
    "the beginning of a catch-up is recorded": Case([], c.Record(STARTED), (e.Draft(STARTED),)),
    "the end of a catch-up is recorded": Case([STARTED], c.Record(COMPLETED), (e.Draft(COMPLETED),)),
    "a repeated catch-up is recorded again": Case([STARTED, COMPLETED], c.Record(COMPLETED), (e.Draft(COMPLETED),)),
    "a forbidden history is recorded": Case([], c.Record(FORBIDDEN), (e.Draft(FORBIDDEN),)),
    "a forbidden history is recorded once": Case([FORBIDDEN], c.Record(FORBIDDEN), ()),
    "a history forbidden anew after a catch-up is recorded again": Case(
        [FORBIDDEN, COMPLETED], c.Record(FORBIDDEN), (e.Draft(FORBIDDEN),)
    ),
    "a pause is recorded": Case([], c.Record(PAUSED), (e.Draft(PAUSED),)),
    "a pause is recorded once": Case([PAUSED], c.Record(PAUSED), ()),
    "a pause after a resumption is recorded": Case([PAUSED, RESUMED], c.Record(PAUSED), (e.Draft(PAUSED),)),
    "a resumption is recorded": Case([PAUSED], c.Record(RESUMED), (e.Draft(RESUMED),)),
    "a resumption without a pause is dropped": Case([], c.Record(RESUMED), ()),
    "a resumption is recorded once": Case([PAUSED, RESUMED], c.Record(RESUMED), ()),
    "a rewind brings the window with it": Case(
        [RECEIVED, LATER], c.Rewind("owner", 1, c.Remembered((TURN,))), (e.Draft(rewound(1, TURN)),)
    ),
    "a rewind to the present changes nothing": Case([RECEIVED, LATER], c.Rewind("owner", 2, c.Remembered((TURN,))), ()),
    "a rewind to what is known already changes nothing": Case(
        [RECEIVED, PAUSED], c.Rewind("owner", 1, c.Remembered((TURN,))), ()
    ),
    "a rewind that takes nothing but a summary back is recorded": Case(
        [RECEIVED, SUMMARISED], c.Rewind("owner", 1, c.Remembered((TURN,))), (e.Draft(rewound(1, TURN)),)
    ),
    "a rewind may leave it to an older one to be undone": Case(
        [RECEIVED, LATER, e.ConversationReset(by="owner"), LATEST],
        c.Rewind("owner", 1, c.Remembered((TURN,)), next_undo_version=3),
        (e.Draft(rewound(1, TURN, next_undo=3)),),
    ),
    "an undo brings back what the rewind took away and leaves what came since": undone(
        RECEIVED,
        LATER,
        rewound(1, TURN),
        LATEST,
        then=(e.Draft(rewound(2, TURN, LATER_TURN, Turn(300, 7, e.Role.PERSON, 4), undoes=3)),),
    ),
    "an undo takes away what the rewind brought": undone(
        RECEIVED,
        e.ConversationReset(by="owner"),
        LATER,
        rewound(1, TURN),
        then=(e.Draft(rewound(3, Turn(200, 7, e.Role.PERSON, 3), undoes=4, next_undo=2)),),
    ),
    "an undo brings the words back that an edit had given": undone(
        RECEIVED, EDITED, rewound(1, TURN), then=(e.Draft(rewound(2, replace(TURN, position=2), undoes=3)),)
    ),
    "an undo leaves the words that an edit has given since": undone(
        RECEIVED,
        LATER,
        rewound(1, TURN),
        EDITED,
        then=(e.Draft(rewound(2, replace(TURN, position=4), LATER_TURN, undoes=3)),),
    ),
    "an undo without a rewind changes nothing": Case(
        [RECEIVED], c.Undo("owner", 0, c.Remembered((TURN,)), c.Remembered()), ()
    ),
    "an undo of another than the newest rewind changes nothing": Case(
        [RECEIVED, rewound(0), LATER, rewound(0)], undo(RECEIVED, rewound(0)), ()
    ),
    "a rewind is undone once": Case(
        [RECEIVED, LATER, rewound(1, TURN), rewound(2, TURN, LATER_TURN, undoes=3)],
        undo(RECEIVED, LATER, rewound(1, TURN)),
        (),
    ),
    "the rewind before comes next": undone(
        RECEIVED,
        LATER,
        rewound(1, TURN),
        rewound(0),
        rewound(3, TURN, undoes=4, next_undo=3),
        then=(e.Draft(rewound(2, TURN, LATER_TURN, undoes=3)),),
    ),
    "a reset empties the window": Case([RECEIVED], c.Reset("owner"), (e.Draft(e.ConversationReset(by="owner")),)),
    "a reset of an empty window changes nothing": Case([], c.Reset("owner"), ()),
    "a rewind brings the persona back": Case(
        [e.PersonaSet(by="7"), RECEIVED, e.PersonaSet(by="7")],
        c.Rewind("owner", 2, c.Remembered((TURN,), persona_position=1)),
        (e.Draft(rewound(2, TURN)), e.Draft(e.PersonaRestored(by="owner", at=1))),
    ),
    "an undo of a rewind brings the persona back": undone(
        e.PersonaSet(by="7"),
        RECEIVED,
        rewound(0),
        e.PersonaRestored(by="owner", at=0),
        then=(
            e.Draft(rewound(2, replace(TURN, position=2), undoes=3)),
            e.Draft(e.PersonaRestored(by="owner", at=1)),
        ),
    ),
    "an undo leaves a persona that was chosen since": undone(
        e.PersonaSet(by="7"),
        RECEIVED,
        rewound(0),
        e.PersonaCleared(by="7"),
        then=(e.Draft(rewound(2, replace(TURN, position=2), undoes=3)),),
    ),
    "a persona is set with its words": Case(
        [],
        c.Choose(PERSONA, "7", "a pirate", 7),
        (e.Draft(e.PersonaSet(by="7"), e.Body(parts=("a pirate",)), subject_id=7),),
    ),
    "a reaction is recorded with its emoji": Case(
        [],
        c.React(e.ReactionAdded(message_id=1, author_id=7, feeling=e.Feeling.UP), e.Body(parts=("+1",))),
        (e.Draft(e.ReactionAdded(message_id=1, author_id=7, feeling=e.Feeling.UP), e.Body(parts=("+1",)), 7),),
    ),
    "a persona is cleared": Case(
        [e.PersonaSet(by="7")], c.Choose(PERSONA, "7", ""), (e.Draft(e.PersonaCleared(by="7")),)
    ),
    "a model is chosen, and is nobody's words": Case(
        [RECEIVED], c.Choose(MODEL, "7", "openai:tiny", 7), (e.Draft(e.ModelSet(by="7", model="openai:tiny")),)
    ),
    "a choice of a model is cleared": Case(
        [e.ModelSet(by="7", model="a:b")], c.Choose(MODEL, "7", ""), (e.Draft(e.ModelCleared(by="7")),)
    ),
    "no choice of a model is not cleared": Case([e.PersonaSet(by="7")], c.Choose(MODEL, "7", ""), ()),
    "a rewind brings persona and model back, each by an event": Case(
        [e.ModelSet(by="7", model="a:b"), RECEIVED, e.PersonaSet(by="7"), e.ModelCleared(by="7")],
        c.Rewind("owner", 2, c.Remembered((TURN,), model_position=1)),
        (
            e.Draft(rewound(2, TURN)),
            e.Draft(e.PersonaRestored(by="owner", at=0)),
            e.Draft(e.ModelRestored(by="owner", at=1)),
        ),
    ),
    "an undo brings the model back, and leaves a persona that was chosen since": undone(
        e.ModelSet(by="7", model="a:b"),
        RECEIVED,
        rewound(1),
        e.ModelRestored(by="owner", at=0),
        e.PersonaSet(by="7"),
        then=(
            e.Draft(rewound(2, replace(TURN, position=2), undoes=3)),
            e.Draft(e.ModelRestored(by="owner", at=1)),
        ),
    ),
    "a persona that is not there is not cleared": Case([RECEIVED], c.Choose(PERSONA, "7", ""), ()),
    "a limit is told to the person and skips the message": Case(
        [],
        replace(ADDRESSED, refusal=e.SkipReason.PERSON_LIMIT, notice="notice"),
        (
            *skipped(e.SkipReason.PERSON_LIMIT),
            e.Draft(REQUESTED.model_copy(update={"responder": "notice"})),
        ),
    ),
    "a limit is not told about a message too old to answer": Case(
        [],
        replace(STALE, refusal=e.SkipReason.PERSON_LIMIT, notice="notice"),
        skipped(e.SkipReason.PERSON_LIMIT),
    ),
    "a reply that will be shown while it is written has begun": Case(
        [REQUESTED], c.Begin(100), (e.Draft(BEGUN, causation=1),)
    ),
    "a thread is intended along with the request, and nothing is written before it is there": Case(
        [], replace(ANSWERED, thread=True), (WRITTEN, e.Draft(REQUESTED), e.Draft(INTENDED))
    ),
    "a thread for a command is started from its response, which is not known yet": Case(
        [],
        replace(ADDRESSED, event=RECEIVED.model_copy(update={"via": e.Via.ASK}), thread=True),
        (
            WRITTEN._replace(event=RECEIVED.model_copy(update={"via": e.Via.ASK})),
            e.Draft(REQUESTED.model_copy(update={"via": e.Via.ASK})),
            e.Draft(INTENDED.model_copy(update={"starter_id": 0})),
        ),
    ),
    "a thread is opened once": Case([REQUESTED, INTENDED, OPENED], c.NoteThread(OPENED), ()),
    "a thread that was intended is opened": Case(
        [REQUESTED, INTENDED], c.NoteThread(OPENED), (e.Draft(OPENED, causation=2),)
    ),
    "a thread that is there is not refused any more": Case([REQUESTED, INTENDED, OPENED], c.NoteThread(UNOPENED), ()),
    "a reply is moved to a thread that is there": Case(
        [REQUESTED, INTENDED, OPENED], c.NoteThread(MOVED), (e.Draft(MOVED, causation=3),)
    ),
    "a reply is not moved to a thread that was refused": Case([REQUESTED, INTENDED, UNOPENED], c.NoteThread(MOVED), ()),
    "a reply that was let go needs no thread": Case([REQUESTED, INTENDED, ABANDONED], c.NoteThread(OPENED), ()),
    "a thread begins with the request for its first answer": Case(
        [], c.BeginThread(REQUESTED, IN_THREAD, 5), (e.Draft(REQUESTED, causation=5), e.Draft(IN_THREAD, causation=5))
    ),
    "a reply begins once": Case([REQUESTED, BEGUN], c.Begin(100), ()),
    "an answer composed anew begins to be shown": Case([ANEW], c.Begin(100), (e.Draft(BEGUN_ANEW, causation=1),)),
    "it begins once": Case([ANEW, BEGUN_ANEW], c.Begin(100), ()),
    "a reply that is written does not begin": Case([REQUESTED, COMPOSED], c.Begin(100), ()),
    "a reply that was let go does not begin": Case([REQUESTED, ABANDONED], c.Begin(100), ()),
    "a reply that had begun is composed all the same": Case(
        [REQUESTED, BEGUN, SENT_FIRST],
        c.Compose(COMPOSED, ANSWER),
        (e.Draft(COMPOSED, ANSWER, subject_id=7, causation=3),),
    ),
    "a part of a reply that had begun is known from the echo": Case(
        [REQUESTED, BEGUN, SENT_FIRST], c.Confirm(100, 0, 201, e.Proof.RESPONSE), ()
    ),
    "a part of a reply that had begun needs no text": Case(
        [REQUESTED, BEGUN], c.Confirm(100, 0, 201, e.Proof.RESPONSE), (e.Draft(SENT_FIRST, causation=2),)
    ),
    "a reply that had begun is complete when all of it is there": Case(
        [REQUESTED, BEGUN, SENT_FIRST, COMPOSED, SENT_SECOND], c.Complete(100), (e.Draft(WHOLE, causation=5),)
    ),
    "a reply is not complete while a part is missing": Case([REQUESTED, BEGUN, COMPOSED], c.Complete(100), ()),
    "a reply is not complete while it is written": Case([REQUESTED, BEGUN, SENT_FIRST], c.Complete(100), ()),
    "a reply that is finished is not completed": Case([REQUESTED, COMPOSED, ABANDONED], c.Complete(100), ()),
    "a deletion leaves a reply that had begun to its sender": Case(
        [RECEIVED, REQUESTED, BEGUN], c.Delete(100), (e.Draft(DELETED),)
    ),
    "an answer of another process leaves a reply that had begun alone": Case(
        [REQUESTED, BEGUN], c.NoteForeign(100, 300), (e.Draft(FOREIGN, causation=2),)
    ),
    "an answer of an older generation comes too late": Case([ANEW], c.Compose(COMPOSED, ANSWER), ()),
    "an answer is composed anew": Case(
        [ANEW],
        c.Compose(COMPOSED.model_copy(update={"generation": 2}), ANSWER),
        (e.Draft(COMPOSED.model_copy(update={"generation": 2}), ANSWER, subject_id=7, causation=1),),
    ),
    "what a failed attempt took is recorded": Case(
        [REQUESTED],
        c.Delay(100, 1, "timeout", 2, 9, c.Spent(7, 3, 1)),
        (e.Draft(DELAYED.model_copy(update=SPENT), causation=1),),
    ),
    "what the last attempt took is recorded for whoever asked": Case(
        [REQUESTED],
        c.Abandon(100, e.AbandonReason.GAVE_UP, spent=c.Spent(7, 3, 1)),
        (e.Draft(ABANDONED.model_copy(update={**SPENT, "author_id": 7}), causation=1),),
    ),
    "a summary of what is in the window is recorded": Case(
        [RECEIVED, LATER], c.Summarise(SUMMARISED, WORDS), (e.Draft(SUMMARISED, WORDS),)
    ),
    "a summary that was written twice is recorded once": Case(
        [RECEIVED, LATER, SUMMARISED], c.Summarise(SUMMARISED, WORDS), ()
    ),
    "a summary of what was rewound meanwhile is not recorded": Case(
        [RECEIVED, e.ConversationReset(by="owner")], c.Summarise(SUMMARISED, WORDS), ()
    ),
    "a summary of a message that was deleted meanwhile is not recorded": Case(
        [RECEIVED, LATER, e.MessageDeleted(message_id=200)], c.Summarise(SUMMARISED, WORDS, version=2), ()
    ),
    "a summary of words that were erased meanwhile is not recorded": Case(
        [RECEIVED, LATER, ERASED], c.Summarise(SUMMARISED, WORDS, version=2), ()
    ),
    "a summary that was begun after words were erased is recorded": Case(
        [RECEIVED, LATER, ERASED], c.Summarise(SUMMARISED, WORDS, version=3), (e.Draft(SUMMARISED, WORDS),)
    ),
    "what a person who opted out writes to the bot is recorded without words and not answered": Case(
        [],
        c.Receive(RECEIVED, None, call=e.Call.MENTION, refusal=e.SkipReason.OPTED_OUT),
        (
            e.Draft(RECEIVED, None, subject_id=7),
            e.Draft(e.MessageSkipped(message_id=100, reason=e.SkipReason.OPTED_OUT)),
        ),
    ),
    "a summary goes with the window": Case(
        [RECEIVED, LATER, SUMMARISED],
        c.Rewind("owner", 2, c.Remembered((TURN, LATER_TURN))),
        (e.Draft(rewound(2, TURN, LATER_TURN)),),
    ),
    "an undo brings a summary back": undone(
        RECEIVED,
        LATER,
        SUMMARISED,
        e.ConversationReset(by="owner"),
        then=(e.Draft(rewound(3, TURN, LATER_TURN, undoes=4, summary_at=3, summary_upto=100)),),
    ),
    "an undo takes away a summary that the rewind brought": undone(
        RECEIVED,
        SUMMARISED,
        e.ConversationReset(by="owner"),
        rewound(2, TURN, summary_at=2, summary_upto=100),
        then=(e.Draft(rewound(3, undoes=4, next_undo=3)),),
    ),
    "an undo leaves a summary that goes further": undone(
        RECEIVED,
        e.ConversationReset(by="owner"),
        LATER,
        SUMMARISED.model_copy(update={"upto": 200}),
        then=(e.Draft(rewound(1, TURN, Turn(200, 7, e.Role.PERSON, 3), undoes=2, summary_at=4, summary_upto=200)),),
    ),
    "a text for several messages lets go of the others": Case(
        [REQUESTED, OTHER_REQUESTED],
        c.Compose(COMPOSED, ANSWER, together_ids=(101,)),
        (
            e.Draft(COMPOSED, ANSWER, subject_id=7, causation=1),
            e.Draft(e.ReplyAbandoned(message_id=101, reason=e.AbandonReason.TOGETHER, together_with=100), causation=2),
        ),
    ),
    "a post is recorded with its words, which are a reply's to the person": Case(
        [RECEIVED],
        c.Post(POSTED, c.Compose(POST_COMPOSED, ANSWER)),
        (e.Draft(POSTED), e.Draft(POST_COMPOSED, ANSWER, subject_id=7)),
    ),
    "a post comes behind all that wait": Case(
        [REQUESTED.model_copy(update={"message_id": 700})],
        c.Post(POSTED.model_copy(update={"author_id": 0}), c.Compose(POST_COMPOSED, ANSWER)),
        (
            e.Draft(POSTED.model_copy(update={"author_id": 0, "message_id": 701})),
            e.Draft(POST_COMPOSED.model_copy(update={"message_id": 701}), ANSWER),
        ),
    ),
    "a call of a tool is recorded for the person who asks": Case(
        [RECEIVED, REQUESTED], c.UseTool(CALLED, WORDS), (e.Draft(CALLED, WORDS, subject_id=7, causation=2),)
    ),
    "what a call returned follows from the call": Case(
        [RECEIVED, REQUESTED, CALLED],
        c.UseTool(RETURNED, WORDS, cause_position=3),
        (e.Draft(RETURNED, WORDS, subject_id=7, causation=3),),
    ),
    "no tool is called for an answer that is given up": Case([RECEIVED], c.UseTool(CALLED, WORDS), ()),
    "no tool is called for an answer that is written": Case(
        [RECEIVED, REQUESTED, COMPOSED], c.UseTool(CALLED, WORDS), ()
    ),
    "no tool is called for an answer that is written anew": Case(
        [RECEIVED, REQUESTED, COMPOSED, ANEW], c.UseTool(CALLED, WORDS), ()
    ),
    "no tool is called for a message that is gone": Case(
        [RECEIVED, REQUESTED, BEGUN, DELETED], c.UseTool(CALLED, WORDS), ()
    ),
    "what a call returned for a message that is gone is not kept": Case(
        [RECEIVED, REQUESTED, BEGUN, CALLED, DELETED],
        c.UseTool(RETURNED, WORDS, cause_position=4),
        (e.Draft(RETURNED, causation=4),),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_decision(case: Case) -> None:
    """Each command, each branch."""
    state = fold(recorded(case.given))

    assert decide(state, case.when) == case.then


def test_every_command_is_in_the_table() -> None:
    """A new command needs its rows."""
    assert {type(case.when) for case in CASES.values()} == set(get_args(c.Command))
