"""Whether an echo has to be looked at, after what the response to its request has told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.conversations import Conversations
from bot.core.commands import Compose, Confirm, Receive
from bot.core.events import Author, Body, Call, MessageReceived, Proof, ReplyComposed
from bot.errors import LogError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.gateway.echoes import Echoes
from bot.gateway.incoming import Incoming

CHANNEL, QUESTION, ANSWER, BOT = 7, 10, 11, 99


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    """Return an empty log."""
    log = await open_log(Location(tmp_path), clock=lambda: 0, full=False)
    yield log
    await log.close()


@pytest.fixture
async def conversations(log: EventLog) -> Conversations:
    """Return conversations with one question, and its answer on its way."""
    conversations = Conversations(log)
    asked = MessageReceived(message_id=QUESTION, author_id=1, sent_at=0)
    answer = Compose(ReplyComposed(message_id=QUESTION, parts=1, responder="rules"), Body(parts=("re: it",)))
    question = Receive(event=asked, body=Body(parts=("ask it",)), call=Call.DM, room=9, answer=answer)
    await conversations.handle(CHANNEL, question)
    return conversations


def echo(message_id: int) -> Incoming:
    """Return a message of the bot."""
    return Incoming(CHANNEL, message_id, BOT, Author.SELF, "bot", "re: it", 1, reply_to=QUESTION)


def confirm() -> Confirm:
    """Return what the response to the request tells."""
    return Confirm(QUESTION, 0, ANSWER, Proof.RESPONSE)


async def test_one_that_nobody_told_of_is_looked_at(log: EventLog, conversations: Conversations) -> None:
    """In a channel that is in memory, and in one that is not."""
    assert not Echoes(conversations, log.reader, 0).known(echo(ANSWER))
    assert not Echoes(Conversations(log), log.reader, 0).known(echo(ANSWER))


async def test_one_whose_confirmation_waits_or_is_recorded_is_known(
    log: EventLog, conversations: Conversations
) -> None:
    """And no other one."""
    echoes = Echoes(conversations, log.reader, 0)

    recording = conversations.submit(CHANNEL, confirm())
    waits = [echoes.known(echo(ANSWER)), echoes.known(echo(ANSWER + 1))]
    await recording

    assert waits == [True, False]
    assert [echoes.known(echo(ANSWER)), echoes.known(echo(ANSWER + 1))] == [True, False]


async def test_one_whose_confirmation_failed_is_looked_at(log: EventLog, conversations: Conversations) -> None:
    """An echo that comes then is all that tells of the part."""
    echoes = Echoes(conversations, log.reader, 0)
    await log._writer.connection.run(lambda connection: connection.execute("PRAGMA query_only = 1"))

    with pytest.raises(LogError):
        await conversations.handle(CHANNEL, confirm())

    assert not echoes.known(echo(ANSWER))
