"""Which message a proxy's copy stands for, as a table over what the log holds."""

from __future__ import annotations

import pytest

from bot.core import events as e
from bot.core.proxying import Original, original_of, originals

ADA, BOB = 7, 8


def received(message_id: int, author_id: int = ADA, **more: object) -> e.MessageReceived:
    """Return a message of a person."""
    return e.MessageReceived(message_id=message_id, author_id=author_id, sent_at=1, **more)  # type: ignore[arg-type]


def requested(message_id: int) -> e.ReplyRequested:
    """Return the decision to answer it."""
    return e.ReplyRequested(message_id=message_id, author_id=ADA, responder="rules", call=e.Call.REPLY)


def found(*said: tuple[e.Event, str | None]) -> list[Original]:
    """Return the originals among events and their words."""
    recorded = [e.Recorded(at, "channel:1", at, 0, event) for at, (event, _) in enumerate(said, 1)]
    bodies = {at: e.Body(parts=(text,)) for at, (_, text) in enumerate(said, 1) if text is not None}
    return originals(recorded, bodies, ids=range(100, 200), others={150})


def composed(message_id: int) -> e.ReplyComposed:
    """Return the answer to it."""
    return e.ReplyComposed(message_id=message_id, parts=1, responder="rules")


def abandoned(message_id: int, reason: e.AbandonReason) -> e.ReplyAbandoned:
    """Return that no answer will come."""
    return e.ReplyAbandoned(message_id=message_id, reason=reason)


FILE = (e.Attachment(id=1, size=12),)
DELETED_TOO = e.MessageDeleted(message_id=102)
DELETED, TRIGGER = e.MessageDeleted(message_id=101), e.AbandonReason.TRIGGER_DELETED


@pytest.mark.parametrize(
    ("said", "text", "sizes", "original"),
    [
        pytest.param([(received(101), "A: hello")], "hello", (), 101, id="without its prefix"),
        pytest.param([(received(101), "[hello  there]")], "hello there", (), 101, id="without what is around it"),
        pytest.param([(received(101), "hello")], "hello", (), 101, id="with its tags"),
        pytest.param([(received(101), "hello")], "hello, all", (), None, id="of something else"),
        pytest.param([(received(99), "hello")], "hello", (), None, id="of something old"),
        pytest.param([(received(150), "hello")], "hello", (), None, id="a copy is no original"),
        pytest.param([(received(101, author=e.Author.BOT), "hello")], "hello", (), None, id="of a bot's"),
        pytest.param(
            [(received(101), "A: hi"), (received(102, BOB), "hi"), (composed(102), None)], "hi", (), 101,
            id="rather one that was not answered",
        ),
        pytest.param([(received(102, BOB), "hi"), (composed(102), None)], "hi", (), 102, id="of one that was answered"),
        pytest.param([(received(101), "A: hi"), (received(102, BOB), "B: hi")], "hi", (), 102, id="the newest"),
        pytest.param([(received(101), "hi" + "x" * 201)], "hi", (), None, id="of far more words"),
        pytest.param([(received(101, attachments=FILE), "A:")], "", (12,), 101, id="of a file"),
        pytest.param([(received(101, attachments=FILE), "A:")], "", (13,), None, id="of another file"),
        pytest.param([(received(101), "A: hi"), (DELETED, None)], "hi", (), 101, id="deleted before"),
        pytest.param([(received(101), None)], "hi", (), 101, id="of one who opted out"),
        pytest.param([(received(101), None), (received(102, BOB), None)], "hi", (), 102, id="of several who did"),
        pytest.param(
            [(received(101), "A: hi"), (received(102, BOB), "B: ho"), (DELETED, None), (DELETED_TOO, None)],
            "hi", (), None, id="one of several that were deleted",
        ),
        pytest.param([(received(101), None), (received(102, BOB), "B: ho"), (DELETED_TOO, None)], "hi", (), 101,
                     id="of one who opted out, rather than deleted"),
        pytest.param([(received(101), None), (received(102, BOB), "B: hi")], "hi", (), 102, id="rather one with words"),
        pytest.param([(received(101), None), (composed(101), None)], "hi", (), None, id="without words, answered"),
    ],
)  # fmt: skip
def test_a_copy_and_its_original(
    said: list[tuple[e.Event, str | None]], text: str, sizes: tuple[int, ...], original: int | None
) -> None:
    """By its text without tags, and where the words are gone, if there is but one."""
    chosen = original_of(text, sizes, found(*said))
    assert (chosen and chosen.message_id) == original


@pytest.mark.parametrize(
    ("events", "call", "waits", "answered"),
    [
        ((), None, False, False),
        ((requested(101),), e.Call.REPLY, True, False),
        ((requested(101), DELETED, abandoned(101, TRIGGER)), e.Call.REPLY, False, False),
        ((requested(101), composed(101)), e.Call.REPLY, False, True),
        ((requested(101), e.ReplyBegun(message_id=101)), e.Call.REPLY, False, True),
        ((requested(101), abandoned(101, e.AbandonReason.POISON)), e.Call.REPLY, False, True),
    ],
)
def test_how_far_an_original_is(
    events: tuple[e.Event, ...], call: e.Call | None, *, waits: bool, answered: bool
) -> None:
    """What was answered, or failed, is not asked anew by its copy."""
    [original] = found((received(101), "hi"), *((event, None) for event in events))
    assert (original.call, original.waits, original.answered) == (call, waits, answered)
