"""The parts that replies are made with, and what a process knows about a channel's replies beyond the log.

This knowledge is lost with the process, on purpose. After a restart, every reply of unknown fate is looked for in
Discord, and every part of an answer that was shown while it was written is written once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from bot.conversations import Conversations
from bot.core.addressing import Own, nonce_of
from bot.core.beginning import ALWAYS, Beginning
from bot.core.buttons import Row
from bot.core.commands import Command, Compose
from bot.core.conversation import Conversation
from bot.core.delivery import EditPart, Patience, SendPart, Step, next_in_line, next_step
from bot.core.events import Recorded
from bot.core.fate import Outcome, same
from bot.core.outbox import Outbox, Pending
from bot.replies.composer import Composer
from bot.replies.endings import Endings
from bot.replies.notices import Notices
from bot.replies.pace import Pace
from bot.replies.sender import Responses, Sender, StillNext


@dataclass(slots=True)
class Knowledge:
    """What the process knows about a channel's replies.

    ``certain`` are the replies of which Discord holds nothing that the log does not know. ``texts`` are the parts of
    the last composed reply. ``head_id`` is the question whose reply is worked on. About that reply: ``failures`` counts
    failures of the responder, ``waits_for`` is why it waits for the responder ("": it does not), ``others`` is how many
    others the responder had answered at its last failure, ``cuts`` counts how often the answer broke off, ``edits`` how
    often it was begun anew because its question was edited, ``written`` is the answer while it is not recorded, and
    ``shown`` holds the texts of its messages, ``rows`` the buttons of those that have any. ``due`` is when a delayed
    reply is tried again, ``quiet_until`` when the channel may be edited next, both on the loop's clock. ``sending``: a
    request is under way.
    """

    certain: set[int] = field(default_factory=set)
    texts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    head_id: int = 0
    failures: int = 0
    waits_for: str = ""
    others: int = 0
    cuts: int = 0
    written: Compose | None = None
    shown: dict[int, str] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    edits: int = 0
    due: dict[int, float] = field(default_factory=dict)
    quiet_until: float = -inf
    sending: bool = False

    def forget_words(self) -> None:
        """Forget all words, because some were erased: those that are needed are read from the log again."""
        self.texts = {}
        self.written = None
        self.shown.clear()

    def see(self, shown: Mapping[int, str], rows: Mapping[int, Row]) -> None:
        """Note what messages show now."""
        self.shown.update(shown)
        for message_id in shown:
            self.rows[message_id] = rows.get(message_id, ())

    def shows(self, message_id: int, text: str, row: Row = ()) -> bool:
        """Tell whether a message is known to show a text and a row of buttons."""
        known = message_id in self.shown and same(text, self.shown[message_id])
        return known and self.rows.get(message_id, ()) == row

    def step(self, entry: Pending, texts: Sequence[str], now: int, patience: Patience, row: Row = ()) -> Step:
        """Return the next step of a reply.

        ``texts`` are the parts of an answer that was shown while it was written, ``row`` the buttons under the last.
        """
        if entry.awaited:
            # A look would have to read everything since the question.
            self.certain.add(entry.message_id)
        certain = entry.message_id in self.certain
        return next_step(entry, certain=certain, now=now, patience=patience, settled=self._settled(entry, texts, row))

    def _settled(self, entry: Pending, texts: Sequence[str], row: Row) -> set[int]:
        """Return the ids of the messages that show what was composed, or that had to go and are deleted."""
        gone = {sent_id for sent_id in (*entry.sent_ids, *entry.surplus_ids) if self.shown.get(sent_id) == ""}
        if entry.trigger_deleted:
            return gone
        last = len(texts) - 1
        shown = enumerate(zip(entry.sent_ids, texts, strict=False))
        return gone.difference(entry.sent_ids) | {
            sent_id
            for part, (sent_id, text) in shown
            if sent_id and self.shows(sent_id, text, row if part == last else ())
        }

    def piece(self, entry: Pending, parts: Sequence[str]) -> SendPart | EditPart | None:
        """Return the next step in showing an answer that is being written, None if there is none now.

        Only the last part has buttons meanwhile, and it is not edited for their sake alone.
        """
        for part, text in enumerate(parts):
            sent_id = entry.sent_ids[part] if part < len(entry.sent_ids) else 0
            if not sent_id:
                # If its fate is unknown, its echo may tell. Otherwise a look finds it when the answer is complete.
                return SendPart(part) if entry.message_id in self.certain else None
            row = self.rows.get(sent_id, ()) if part == len(parts) - 1 else ()
            if not self.shows(sent_id, text, row):
                return EditPart(part, sent_id)
        return None

    def next_of(self, outbox: Outbox) -> Pending:
        """Return the reply to go on with: first one with an answer that is not recorded, because it was paid for."""
        about = self.written.event.message_id if self.written else 0
        kept = next((entry for entry in outbox if entry.message_id == about), None)
        return kept or next_in_line(outbox, self.certain)

    def turn_to(self, entry: Pending) -> None:
        """Begin with a reply, and forget the knowledge about the one before."""
        if entry.message_id != self.head_id:
            self.head_id = entry.message_id
            self.failures = self.others = self.cuts = self.edits = 0
            self.waits_for = ""
            self.written = None
            self.shown.clear()
            self.rows.clear()


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """The parts that all replies are made with; ``clock`` returns microseconds since the epoch.

    ``beginning`` is when the log began: what was answered before, only Discord knows. ``called`` returns what calls the
    bot in a channel, ``endings`` says what stands below an answer, ``withheld`` for how many microseconds an answer in
    a channel is not to be written yet.
    """

    conversations: Conversations
    composer: Composer
    sender: Sender
    responses: Responses
    patience: Patience
    pace: Pace
    clock: Callable[[], int]
    notices: Notices
    called: Callable[[int], Own]
    withheld: Callable[[int, Pending], int] = lambda _channel_id, _entry: 0
    beginning: Beginning = ALWAYS
    endings: Endings = field(default_factory=Endings)


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """What the replies of one channel are made with; ``shared`` is the same for all channels."""

    id: int
    shared: ReplyContext
    known: Knowledge = field(default_factory=Knowledge)

    async def state(self) -> Conversation:
        """Return the channel's state now."""
        return await self.shared.conversations.state(self.id)

    async def pending(self, message_id: int) -> Pending | None:
        """Return the unfinished reply to a message, None if there is none."""
        return (await self.state()).pending(message_id)

    async def handle(self, command: Command) -> tuple[Recorded, ...]:
        """Decide and record a command; return the events it newly appended."""
        return await self.shared.conversations.handle(self.id, command)

    async def send(self, entry: Pending, part: int, text: str, still_next: StillNext, row: Row = ()) -> Outcome:
        """Send one part of a reply, as a message with a row of buttons or into the response of the command."""
        if entry.asked:
            return await self.shared.responses.answer(entry.message_id, text)
        nonce = nonce_of(entry.message_id, part, entry.generation)
        return await self.shared.sender.send(
            self.id, text, still_next, nonce=nonce, reply_to=entry.reference_id, plain=entry.plain, row=row
        )
