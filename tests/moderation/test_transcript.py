"""A conversation as it stood at a version, put together from its events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.moderation.transcript import BEING_WRITTEN, Mark, Said, Transcript, transcript

CHANNEL, ALICE = 9, 41
ASKED, SENT, MORE = 10**18, 10**18 + 1, 10**18 + 2


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    """Return an empty log."""
    log = await open_log(Location(tmp_path / "log"), clock=lambda: 10**15, full=False)
    try:
        yield log
    finally:
        await log.close()


def asked(message_id: int = ASKED, call: e.Call | None = e.Call.MENTION) -> c.Receive:
    """Return a question."""
    event = e.MessageReceived(message_id=message_id, author_id=ALICE, sent_at=0)
    return c.Receive(event, e.Body(name="alice", parts=("?",)), call, "echo")


def written(*parts: str, generation: int = 1) -> c.Compose:
    """Return an answer."""
    event = e.ReplyComposed(message_id=ASKED, parts=len(parts), responder="echo", generation=generation)
    return c.Compose(event, e.Body(parts=parts))


def reacted(kind: type[e.ReactionAdded | e.ReactionRemoved], emoji: str, who: int = ALICE) -> c.React:
    """Return a reaction to the answer."""
    return c.React(kind(message_id=SENT, author_id=who, feeling=e.Feeling.OTHER), e.Body(parts=(emoji,)))


def anew() -> c.Retry:
    """Return the wish for another answer."""
    event = e.ReplyRetried(
        message_id=ASKED,
        author_id=ALICE,
        by="7",
        asked_at=1,
        responder="echo",
        sent_ids=(SENT,),
        begun=True,
        generation=2,
    )
    return c.Retry(event)


def posted(reply_to: int) -> c.Post:
    """Have code of the bot's process post a text."""
    event = e.PostRequested(message_id=MORE, author_id=0, reply_to=reply_to, key_digest="a" * 32)
    composed = e.ReplyComposed(message_id=MORE, parts=1, responder="")
    return c.Post(event, c.Compose(composed, e.Body(parts=("posted",))))


SENDING = c.Confirm(ASKED, 0, SENT, e.Proof.ECHO)
Told = Callable[[Transcript], object]


def shown(found: Transcript) -> list[tuple[int, str]]:
    """Return the messages with their words."""
    return [(each.message_id, each.wording.text) for each in found.items if isinstance(each, Said)]


def answer(found: Transcript) -> Said:
    """Return the answer's first message."""
    said = found.find(SENT)
    assert said
    return said


@pytest.mark.parametrize(
    ("script", "told", "expected"),
    [
        pytest.param(
            [written("a", "b"), SENDING],
            shown,
            [(ASKED, "?"), (SENT, "a"), (0, "b")],
            id="a part that is not sent yet stands at the end",
        ),
        pytest.param([c.Begin(ASKED), SENDING], shown, [(ASKED, "?"), (SENT, BEING_WRITTEN)], id="shown while written"),
        pytest.param(
            [c.Begin(ASKED), SENDING, written("done")], shown, [(ASKED, "?"), (SENT, "done")], id="then written"
        ),
        pytest.param(
            [written("a", "b"), SENDING, c.Abandon(ASKED, e.AbandonReason.FORBIDDEN)],
            shown,
            [(ASKED, "?"), (SENT, "a")],
            id="what was given up is not waited for",
        ),
        pytest.param(
            [written("old"), SENDING, anew(), written("new", generation=2)],
            lambda found: ([each.text for each in answer(found).earlier], answer(found).wording.text),
            (["old"], "new"),
            id="composed anew, with what was there before",
        ),
        pytest.param(
            [
                written("a"),
                SENDING,
                *(reacted(e.ReactionAdded, each, who) for each in "xy" for who in (1, 2)),
                reacted(e.ReactionRemoved, "y", 2),
            ],
            lambda found: dict(answer(found).reactions),
            {"x": 2, "y": 1},
            id="reactions, without those taken back",
        ),
        pytest.param(
            [c.Abandon(ASKED, e.AbandonReason.FORBIDDEN, "code 50013")],
            lambda found: [each.outcome for each in found.items if isinstance(each, Said)],
            ["given up: forbidden (code 50013)"],
            id="what became of a question",
        ),
        *(
            pytest.param(
                [posted(reply_to), c.Confirm(MORE, 0, SENT, e.Proof.ECHO)],
                lambda found: (answer(found).reply_to, answer(found).wording.text),
                (reply_to, "posted"),
                id=f"a post is a reply to {reply_to or 'nothing'}",
            )
            for reply_to in (ASKED, 0)
        ),
        pytest.param(
            [c.Reset("7"), asked(MORE, None)],
            lambda found: [each.type if isinstance(each, Mark) else each.message_id for each in found.items],
            [ASKED, "conversation.reset", MORE],
            id="what happened beside stands where it happened",
        ),
    ],
)
async def test_what_isshown(log: EventLog, script: list[c.Command], told: Told, expected: object) -> None:
    """After a question and what follows."""
    conversations = Conversations(log)
    for command in (asked(), *script):
        await conversations.handle(CHANNEL, command)
    await conversations.close()

    head = await log.reader.head(stream_of(CHANNEL))
    assert told(await transcript(log.reader, CHANNEL, head)) == expected


async def test_what_only_the_asker_has_seen_is_marked(log: EventLog) -> None:
    """The question by `/ask`, and the answer to it."""
    conversations = Conversations(log)
    event = e.MessageReceived(message_id=ASKED, author_id=ALICE, sent_at=0, via=e.Via.WHISPER)
    whispered = c.Receive(event, e.Body(name="alice", parts=("?",)), e.Call.ASK, "echo")
    for command in (whispered, written("a"), SENDING, asked(MORE, None)):
        await conversations.handle(CHANNEL, command)
    await conversations.close()

    found = await transcript(log.reader, CHANNEL, await log.reader.head(stream_of(CHANNEL)))
    assert [each.whispered for each in found.items if isinstance(each, Said)] == [True, True, False]


async def test_an_older_window_has_what_came_later(log: EventLog) -> None:
    """Edits and reactions after it, up to the version that is looked at and no further."""
    conversations = Conversations(log)
    edited = e.MessageEdited(message_id=ASKED, author_id=ALICE, edited_at=1)
    for command in (asked(call=None), *(asked(MORE + number, None) for number in range(5))):
        await conversations.handle(CHANNEL, command)
    await conversations.handle(CHANNEL, c.Edit(edited, e.Body(name="alice", parts=("changed",))))
    await conversations.close()

    newest = await transcript(log.reader, CHANNEL, 7, size=3)
    before, after = [await transcript(log.reader, CHANNEL, upto, before=newest.before, size=3) for upto in (6, 7)]

    assert newest.before == 4
    assert [before.find(ASKED).wording.text, after.find(ASKED).wording.text] == ["?", "changed"]  # type: ignore[union-attr]
    assert before.before == 0
