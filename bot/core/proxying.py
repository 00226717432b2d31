"""People whose messages a proxy bot posts anew by a webhook: which message a copy stands for. Pure.

PluralKit posts the copy first and deletes the original a second later (its ProxyService); a copy has the text of the
original without the tags around it, and replies to nothing, because a webhook can't.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from bot.core import events as e

MOST_TAGS = 200
"""Characters that a prefix and a suffix have together at most; PluralKit takes 100 for each."""


class Original(NamedTuple):
    """A person's message that a copy may stand for.

    ``text`` is None if its words were not recorded, or are gone with it (``deleted``). ``call`` is what addressed it to
    the bot. ``waits``: its answer is not written yet; ``answered``: it is, or will not come.
    """

    message_id: int
    author_id: int
    text: str | None = None
    deleted: bool = False
    sizes: tuple[int, ...] = ()
    reply_to: int | None = None
    call: e.Call | None = None
    waits: bool = False
    answered: bool = False


def originals(
    recorded: Iterable[e.Recorded], bodies: Mapping[int, e.Body], *, ids: range, others: Container[int]
) -> list[Original]:
    """Return the messages of people among a channel's events, oldest first, whose ids are in ``ids``.

    ``others`` are no originals: copies, and what another copy stands for.
    """
    found: dict[int, Original] = {}
    for one in recorded:
        event, body = one.event, bodies.get(one.position)
        if isinstance(event, e.MessageReceived):
            if event.author is e.Author.PERSON and event.message_id in ids and event.message_id not in others:
                sizes, text = tuple(file.size for file in event.attachments), body.text if body else None
                found[event.message_id] = Original(
                    event.message_id, event.author_id, text, sizes=sizes, reply_to=event.reply_to
                )
        elif isinstance(event, e.MessageEvent) and (original := found.get(event.message_id)) is not None:
            found[event.message_id] = _after(original, event, body)
    return list(found.values())


def _after(original: Original, event: e.MessageEvent, body: e.Body | None) -> Original:
    match event:
        case e.MessageEdited():
            return original._replace(text=body.text if body else None)
        case e.MessageDeleted():
            return original._replace(text=None, deleted=True)
        case e.ReplyRequested(call=call):
            return original._replace(call=call, waits=True)
        case e.ReplyAbandoned(reason=e.AbandonReason.TRIGGER_DELETED):
            return original._replace(waits=False)
        case e.ReplyBegun() | e.ReplyComposed() | e.ReplyAbandoned() | e.ForeignReplySeen():
            return original._replace(waits=False, answered=True)
        case _:
            return original


def original_of(text: str, sizes: Sequence[int], among: Sequence[Original]) -> Original | None:
    """Return the message that a copy with this text and files of these sizes stands for, None if nobody can tell.

    The newest that holds the text, because a copy follows at once. If there is none, the newest message without words
    of one who opted out, or else the newest that was deleted, if all of those are one person's. What was answered
    counts last: somebody else may have asked the same.
    """
    newest_first = sorted(among, key=lambda original: (original.answered, -original.message_id))
    matching = [original for original in newest_first if _holds(original, text, sizes)]
    wordless = [original for original in newest_first if original.text is None and not original.answered]
    withheld = [original for original in wordless if not original.deleted]
    deleted = wordless if len({original.author_id for original in wordless}) == 1 else []
    waiting = [original for original in matching if not original.answered]
    return next(iter((*waiting, *withheld, *deleted, *matching)), None)


def _holds(original: Original, text: str, sizes: Sequence[int]) -> bool:
    """Tell whether a message may be a copy's text with tags around it."""
    copied, whole = " ".join(text.split()), " ".join((original.text or "").split())
    if original.text is None or tuple(sizes) != original.sizes or not (copied or sizes):
        return False
    return copied in whole and len(whole) - len(copied) <= MOST_TAGS
