"""Notices about a question that waits or gets no answer: a reaction to it, or a sentence.

Adding a reaction again changes nothing, so a crash can't double it; a sentence is said at most once. Notices are not
recorded. If one can't be shown, no answer is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cachetools import TTLCache

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import (
    AbandonReason,
    Author,
    MessageReceived,
    MessageSkipped,
    Recorded,
    ReplyAbandoned,
    ReplyBegun,
    ReplyComposed,
    ReplyRequested,
    Role,
    SkipReason,
    Via,
)
from bot.core.outbox import Pending
from bot.replies.sender import Sender
from bot.times import SECOND

Reason: TypeAlias = Literal["waiting", "expired", "refused", "failed", "no_answer", "paused"]

SHOWN_AFTER = 3.0
"""Seconds of waiting after which a notice is shown."""
TOLD_AGAIN = 3600.0
"""Seconds for which a person is not told again that a question gets no answer."""
MOST_WAITING = 200
"""The most notices of one channel that may wait to be shown; further ones are dropped."""
LONGEST_EMOJI = 16
"""Code points of an emoji. Some, such as families and flags, have many."""
STOP_SECONDS = 1.0
REMEMBERED = 20_000
_NEW = (Via.LIVE, Via.AHEAD)

_GIVEN_UP: Mapping[AbandonReason, Reason] = {
    AbandonReason.EXPIRED: "expired",
    AbandonReason.POISON: "failed",
    AbandonReason.GAVE_UP: "failed",
    AbandonReason.FORBIDDEN: "failed",
    AbandonReason.REFUSED: "failed",
    AbandonReason.UNKNOWN_FATE: "failed",
    AbandonReason.NO_ANSWER: "no_answer",
}
_SKIPPED: Mapping[SkipReason, Reason] = {
    SkipReason.NO_ANSWER: "no_answer",
    SkipReason.PAUSED: "paused",
    SkipReason.QUEUE_FULL: "failed",
}


@dataclass(slots=True)
class Notices:
    """Shows notices; ``words`` holds for each reason an emoji, a sentence, or "" for no notice.

    ``clock`` returns microseconds since the epoch; ``bots``: bots get answers, too.
    """

    sender: Sender
    words: Mapping[Reason, str]
    clock: Callable[[], int]
    bots: bool = False
    _waiting: dict[int, str] = field(default_factory=dict)
    _left: set[int] = field(default_factory=set)
    _closing: set[int] = field(default_factory=set)
    _told: TTLCache[tuple[int, str], None] = field(default_factory=lambda: TTLCache(REMEMBERED, TOLD_AGAIN))
    _queues: dict[int, deque[Coroutine[None, None, None]]] = field(default_factory=dict)
    _background: Background = field(default_factory=Background)

    def waiting(self, channel_id: int, state: Conversation) -> None:
        """Show a notice on questions in a channel that have waited for a while."""
        emoji = emoji_of(self.words.get("waiting", ""))
        before = self.clock() - SHOWN_AFTER * SECOND
        for entry in state.outbox if emoji else ():
            late = entry.requested_at <= before and not (entry.asked or entry.composed)
            if late and entry.message_id not in self._waiting and self._person(state, entry.message_id):
                self._waiting[entry.message_id] = emoji
                self._queue(channel_id, self.sender.react(channel_id, entry.message_id, emoji))

    def left(self, state: Conversation) -> None:
        """Note that another process may have shown notices on a channel's waiting questions."""
        if any(entry.retry_at for entry in state.outbox):
            self._left.update(entry.message_id for entry in state.outbox if not (entry.asked or entry.composed))

    def given_up(
        self, channel_id: int, state: Conversation, entry: Pending, reason: AbandonReason, *, refused: bool = False
    ) -> None:
        """Tell the asker that a question gets no answer; ``refused``: because of its content."""
        told = "refused" if refused else _GIVEN_UP.get(reason)
        shown = entry.message_id in self._closing
        self._closing.discard(entry.message_id)
        if told is not None and not (entry.asked or entry.posted) and self._person(state, entry.message_id):
            self._tell(channel_id, entry.message_id, entry.author_id, told, shown=shown)

    def react(self, channel_id: int, new: tuple[Recorded, ...]) -> None:
        """React to new events: questions that no longer wait, and questions that get no answer."""
        for recorded in new:
            match recorded.event:
                case ReplyBegun(message_id=message_id) | ReplyComposed(message_id=message_id):
                    self._settled(channel_id, message_id)
                case ReplyAbandoned(message_id=message_id, reason=given_up):
                    if self._settled(channel_id, message_id) and given_up in _GIVEN_UP:
                        self._closing.add(message_id)
                case MessageSkipped(message_id=message_id, reason=reason):
                    told, author_id = _SKIPPED.get(reason), _asked_just_now(new, message_id)
                    if told is not None and author_id:
                        self._tell(channel_id, message_id, author_id, told)

    async def stop(self) -> None:
        """Show what can be shown within a second, and drop the rest."""
        await self._background.end(within=STOP_SECONDS)

    def _settled(self, channel_id: int, message_id: int) -> bool:
        """Remove the notice that a question waits, and tell whether it was shown."""
        emoji = self._waiting.pop(message_id, "")
        if message_id in self._left:
            self._left.discard(message_id)
            emoji = emoji_of(self.words.get("waiting", ""))
        if emoji:
            self._queue(channel_id, self.sender.unreact(channel_id, message_id, emoji))
        return bool(emoji)

    def _tell(self, channel_id: int, message_id: int, author_id: int, reason: Reason, *, shown: bool = False) -> None:
        """Tell a person, unless they were told the same within the hour; ``shown``: the question has a waiting notice.

        Replacing that reaction by another is always allowed, because it adds nothing to read.
        """
        words = self.words.get(reason, "")
        emoji = emoji_of(words)
        first = self._first(author_id, reason) if words else False
        if emoji and (first or shown):
            self._queue(channel_id, self.sender.react(channel_id, message_id, emoji))
        elif words and first:
            hint = self.sender.say(channel_id, f"<@{author_id}> {words}", nonce=f"told{message_id}")
            self._queue(channel_id, hint)

    def _first(self, author_id: int, reason: Reason) -> bool:
        """Tell whether this is the first notice of its kind to a person within the hour, and remember it."""
        first = (author_id, reason) not in self._told
        if first:
            self._told[author_id, reason] = None
        return first

    def _person(self, state: Conversation, message_id: int) -> bool:
        """Tell whether a person wrote a message. Bots get no notices: two bots could answer each other for ever."""
        turn = state.turn(message_id)
        return turn.role is Role.PERSON if turn is not None else not self.bots

    def _queue(self, channel_id: int, hint: Coroutine[None, None, None]) -> None:
        """Show the notices of a channel one after the other, in the background."""
        queue = self._queues.get(channel_id)
        if queue is not None:
            if len(queue) < MOST_WAITING:
                queue.append(hint)
            else:
                hint.close()
            return
        self._queues[channel_id] = deque((hint,))
        self._background.start(self._show(channel_id), f"notices {channel_id}")

    async def _show(self, channel_id: int) -> None:
        queue = self._queues[channel_id]
        try:
            while queue:
                await queue.popleft()
        finally:
            for hint in self._queues.pop(channel_id):
                hint.close()


def emoji_of(words: str) -> str:
    """Return ``words`` if they are a single emoji, standard or of a server (``<:name:id>``), otherwise ""."""
    text = words.strip()
    custom = text.startswith(("<:", "<a:")) and text.endswith(">") and " " not in text
    plain = 0 < len(text) <= LONGEST_EMOJI and not any(char.isalnum() or char.isspace() for char in text)
    return text if custom or plain else ""


def _asked_just_now(new: tuple[Recorded, ...], message_id: int) -> int:
    """Return the person who posted a message just now; 0 for a bot, an older message, or a message that is answered."""
    author_id = 0
    for event in (recorded.event for recorded in new):
        if isinstance(event, MessageReceived) and event.message_id == message_id:
            author_id = event.author_id if event.author is Author.PERSON and event.via in _NEW else 0
        if isinstance(event, ReplyRequested) and event.message_id == message_id:
            return 0
    return author_id
