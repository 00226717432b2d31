"""One reply, finished or not, rebuilt from its events. Pure.

The state forgets a finished reply. So asking for a reply again, explaining it and judging it read its events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from bot.core import events as e
from bot.core.addressing import Nonce
from bot.core.commands import Confirm, NoteForeign
from bot.core.outbox import ASKED


@dataclass(slots=True)
class ReplyRecord:
    """The record of the reply to one message.

    ``post`` is the event with which other code than a responder asked for it. ``asked_position`` is that of the
    question's words. ``generation`` counts the answers that were asked for, from 1.
    ``begun_position`` is where the reply began to be shown while it was written (0: it did not), and
    ``begun_generation`` the answer of which that was. ``composed`` is the
    newest written answer of any generation, ``sent`` all messages of the reply. ``completed`` and ``abandoned`` hold
    until somebody asks again. ``thread_id`` is the thread that has the reply (0: it is in this channel). ``newest`` is
    the newest event that says in which state the reply is.
    """

    request: e.ReplyRequested | None = None
    post: e.PostRequested | None = None
    asked_position: int = 0
    generation: int = 1
    begun_position: int = 0
    begun_generation: int = 0
    composed: e.ReplyComposed | None = None
    composed_position: int = 0
    sent: list[e.ReplySent] = field(default_factory=list)
    plain: bool = False
    completed: bool = False
    abandoned: e.ReplyAbandoned | None = None
    skipped: e.SkipReason | None = None
    thread_id: int = 0
    newest: e.Event | None = None

    @classmethod
    def of(cls, recorded: Iterable[e.Recorded]) -> ReplyRecord:
        """Return the record from the events about one message, in their order; it knows only of these events."""
        record = cls()
        for one in recorded:
            record.follow(one)
        return record

    def follow(self, recorded: e.Recorded) -> None:  # noqa: C901, PLR0912 - one case per event
        """Take one more event about the message."""
        event = recorded.event
        match event:
            case e.MessageEdited() | e.MessagePreviewed():
                self.asked_position = recorded.position
            case e.ReplyBegun():
                self.begun_position, self.begun_generation = recorded.position, event.generation
            case e.ReplyComposed():
                self.composed, self.composed_position = event, recorded.position
            case e.ReplyDelayed():
                self.plain = self.plain or event.plain
            case e.ReplyRequested():
                self.request, self.asked_position = event, recorded.causation or 0
            case e.PostRequested():
                self.post = event
            case e.ReplyRetried():
                self.completed, self.abandoned = False, None
            case e.ReplySent():
                self.sent.append(event)
            case e.ReplyCompleted():
                self.completed = True
            case e.ReplyAbandoned():
                self.abandoned = event
            case e.ThreadBegun():
                self.plain = True
            case e.ReplyMoved():
                self.thread_id = event.thread_id
            case e.MessageSkipped():
                self.skipped = event.reason
        if isinstance(event, e.ReplyRetried | e.ReplyComposed | e.ReplySent):
            self.generation = max(self.generation, event.generation)
        if isinstance(event, _STANDS):
            self.newest = event

    @property
    def asked(self) -> bool:
        """Tell whether it answers a command."""
        return self.request is not None and self.request.via in ASKED

    @property
    def begun(self) -> bool:
        """Tell whether parts may have been shown before it was composed, as always when it is composed anew."""
        return self.begun_position > 0 or self.generation > 1

    @property
    def written(self) -> bool:
        """Tell whether the answer that was last asked for is composed."""
        return self.composed is not None and self.composed.generation == self.generation

    @property
    def parts(self) -> int:
        """Return the number of parts of the newest composed answer (0: there is none)."""
        return self.composed.parts if self.composed else 0

    @property
    def messages(self) -> dict[int, int]:
        """Return the id of the newest message of each part."""
        return {each.part: each.sent_id for each in self.sent}

    @property
    def whole(self) -> bool:
        """Tell whether each part of the newest composed answer has a message."""
        return self.parts > 0 and self.messages.keys() >= set(range(self.parts))

    @property
    def complete(self) -> bool:
        """Tell whether Discord shows all of the answer that was last asked for."""
        return self.written and self.whole and (self.completed or not self.begun)

    @property
    def together_with(self) -> int:
        """Return the message together with which this one was answered, 0 for none."""
        return self.abandoned.together_with if self.abandoned else 0

    def take(self, message_id: int, sent_id: int, about: Nonce | None) -> Confirm | NoteForeign | None:
        """Return what to record of the bot's message ``sent_id``, which belongs to this reply that is not pending.

        Returns None when the message is known. Without its nonce (``about``) it counts as the first unknown part,
        because parts are sent in order. An answer that was shown while it was written may have any number of parts.
        """
        if any(each.sent_id == sent_id for each in self.sent):
            return None
        known = self.messages
        found = about or Nonce(message_id, next(part for part in count() if part not in known))
        if self.begun or found.generation > 1 or (found.part < self.parts and found.part not in known):
            # The part was given up, but it is in Discord.
            proof = e.Proof.ECHO if about else e.Proof.HISTORY
            return Confirm(message_id, found.part, sent_id, proof, found.generation)
        return NoteForeign(message_id, sent_id)

    def asked_again(
        self, request: e.ReplyRequested, by: str, *, anew: bool = False, goes_on: bool = False
    ) -> e.ReplyRetried:
        """Return the event that asks for the answer again, or (``anew``) for a new one, which may go on with it."""
        messages, parts = self.messages, self.parts
        if not self.written:
            # An answer that was given up while it was written has the parts that it showed, and those of the answer
            # before it. Surplus messages of that answer are deleted.
            parts = max(parts, *(each.part + 1 for each in self.sent if each.generation == self.generation), 0)
        # Of an answer composed anew and shown, a further part may be in Discord (see Pending.awaited).
        shown = not self.written and self.begun_generation == self.generation > 1
        return e.ReplyRetried(
            message_id=request.message_id,
            author_id=request.author_id,
            by=by,
            responder=request.responder,
            asked_at=self.asked_position,
            composed_at=self.composed_position if self.written and not anew else 0,
            sent_ids=(*(messages.get(part, 0) for part in range(parts)), *((0,) if shown else ())),
            begun=anew or self.begun,
            surplus=tuple(sent_id for part, sent_id in sorted(messages.items()) if part >= parts),
            generation=self.generation + anew,
            finish=self.composed.finish if self.composed and self.written and not anew else "",
            continues=self.composed_position if goes_on else 0,
            plain=self.plain,
        )


_STANDS = (
    e.ReplyRequested, e.PostRequested, e.ReplyRetried, e.ReplySent, e.ReplyCompleted,
    e.ReplyAbandoned, e.ReplyMoved, e.ForeignReplySeen, e.MessageSkipped,
)  # fmt: skip
