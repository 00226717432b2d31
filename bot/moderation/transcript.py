"""A conversation as Discord showed it at a version: messages, edits, answers, reactions, and what happened between.

It is read in windows, the newest first: in the order in which the log has them, and within a window by message id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core import events as e
from bot.core.reply_record import ReplyRecord
from bot.core.seen import seen
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.explain import Story
from bot.moderation.text import WORDS_ERASED, WORDS_UNREADABLE, Line, lines

SIZE = 30
"""Messages of a window."""
MOST = 2000
"""Events that are read for a window; one with more events begins later."""
NO_WORDS = "[no words without the log's key]"
BEING_WRITTEN = "[being written]"

_BEGINS = (*(posted.TYPE for posted in e.POSTED), e.ReplyComposed.TYPE, e.ThreadBegun.TYPE)
_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wording:
    """Words as they stood from a moment on (microseconds); ``missing`` says why there are none.

    ``text`` is all that was seen, without Discord's marks; with them it is in ``body`` (``part``: of a longer answer).
    """

    at: int
    text: str
    missing: bool = False
    body: e.Body | None = None
    part: int | None = None


@dataclass(slots=True)
class Said:
    """A message; ``message_id`` is 0 for a part of an answer that is not in Discord yet.

    ``version`` is that of the event by which it came, ``changed`` and ``deleted`` those of its newest edit and of its
    deletion (0: none). ``earlier`` are the words that it had before, the oldest first. ``question_id`` is the message
    that a part of an answer is for, ``outcome`` says of a question what became of it. ``whispered``: only who asked has
    seen it in Discord.
    """

    message_id: int
    version: int
    at: int
    author: e.Author
    author_id: int
    name: str
    wording: Wording
    reply_to: int = 0
    question_id: int = 0
    changed: int = 0
    deleted: int = 0
    outcome: str = ""
    origin: str = ""
    whispered: bool = False
    earlier: list[Wording] = field(default_factory=list)
    reactions: Counter[str] = field(default_factory=Counter)

    def put(self, wording: Wording, version: int) -> None:
        """Change the words; those that it had are kept as earlier ones."""
        if wording.text != self.wording.text:
            self.earlier.append(self.wording)
            self.wording, self.changed = wording, version


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened in the conversation beside its messages."""

    version: int
    at: int
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A window of a conversation at version ``upto``; ``before`` is where the next older window ends (0: none is).

    ``newest`` is the newest event of the window, None where there is none.
    """

    upto: int
    items: Sequence[Said | Mark]
    before: int
    newest: Line | None

    def find(self, message_id: int) -> Said | None:
        """Return a message of the window by its id."""
        said = (each for each in self.items if isinstance(each, Said))
        return next((each for each in said if each.message_id == message_id), None)


async def transcript(
    reader: Reader, channel_id: int, upto: int, *, before: int | None = None, size: int = SIZE
) -> Transcript:
    """Return a window of a channel as it stood at version ``upto``.

    It ends at that version, or just below version ``before``: what was said there may have changed until ``upto``.
    """
    stream = stream_of(channel_id)
    last = upto if before is None else min(upto, before - 1)
    begins = Query(stream=stream, types=_BEGINS, last_version=last, newest_first=True)
    versions = [each.version async for each in reader.events(begins, limit=size + 1)]
    first = versions[size - 1] if len(versions) > size else 1
    span = Query(stream=stream, first_version=first, last_version=last, newest_first=True)
    within = [each async for each in reader.events(span, limit=MOST)][::-1]
    first = within[0].version if len(within) == MOST else first
    worded = reader.vault is not None
    told = await lines(reader, (*within, *await _later(reader, stream, within, last, upto)), words=worded)
    items = tuple(_Telling(first, last, worded=worded).tell(told))
    return Transcript(upto, items, first if first > 1 else 0, told[len(within) - 1] if within else None)


async def _later(
    reader: Reader, stream: str, found: Sequence[e.Recorded], last: int, upto: int
) -> Sequence[e.Recorded]:
    """Return what was recorded about the messages of an older window after it."""
    ids = {each.event.message_id for each in found if isinstance(each.event, e.MessageEvent)}
    ids |= {each.event.sent_id for each in found if isinstance(each.event, e.ReplySent)}
    if last >= upto or not ids:
        return ()
    query = Query(stream=stream, first_version=last + 1, last_version=upto, about=sorted(ids))
    return [each async for each in reader.events(query, limit=MOST)]


class _Telling:
    """Puts the messages of a window together from its events and from those that were about them later."""

    def __init__(self, first: int, last: int, *, worded: bool) -> None:
        self._first, self._last = first, last
        self._worded = worded
        self._said: dict[int, Said] = {}
        self._marks: list[tuple[tuple[int, int], Mark]] = []
        self._composed: dict[int, Line] = {}
        self._unsent: dict[tuple[int, int], Said] = {}
        self._about: dict[int, list[Line]] = {}
        self._given: dict[tuple[int, int, str], str] = {}
        self._whispered: set[int] = set()
        self._newest = 0

    def tell(self, told: Iterable[Line]) -> Iterable[Said | Mark]:
        """Return what is shown, in order."""
        for line in told:
            self._take(line)
        for (message_id, _, _), emoji in self._given.items():
            if message_id in self._said:
                self._said[message_id].reactions[emoji] += 1
        for message_id, about in self._about.items():
            self._judge(message_id, about)
        for said in (*self._said.values(), *self._unsent.values()):
            said.whispered = not self._whispered.isdisjoint((said.message_id, said.question_id))
        placed: list[tuple[tuple[int, int], Said | Mark]] = [*self._marks]
        placed += [((each.message_id, 0), each) for each in self._said.values()]
        placed += [((_LAST, at), each) for at, (_, each) in enumerate(sorted(self._unsent.items()))]
        return (each for _, each in sorted(placed, key=lambda each: each[0]))

    def _take(self, line: Line) -> None:  # noqa: C901 - one case per event
        event = line.recorded.event
        if isinstance(event, e.MessageEvent):
            self._about.setdefault(event.message_id, []).append(line)
        match event:
            case e.MessagePosted():
                self._posted(line, event)
            case e.MessageEdited() | e.MessagePreviewed():
                self._edited(line, event)
            case e.MessageDeleted():
                if (said := self._said.get(event.message_id)) is not None:
                    said.deleted = line.recorded.version
            case e.ReactionAdded() | e.ReactionRemoved():
                self._reacted(line, event)
            case e.ReplyComposed():
                self._written(line, event)
            case e.ReplySent():
                self._sent(line, event)
            case e.ReplyAbandoned():
                for key in [key for key in self._unsent if key[0] == event.message_id]:
                    del self._unsent[key]
            case e.MessageEvent():
                pass
            case _ if self._first <= line.recorded.version <= self._last:
                self._mark(line)

    def _posted(self, line: Line, event: e.MessagePosted) -> None:
        recorded = line.recorded
        self._newest = max(self._newest, event.message_id)
        if event.message_id in self._said:
            return
        if isinstance(event, e.MessageReceived) and event.via is e.Via.WHISPER:
            self._whispered.add(event.message_id)
        self._said[event.message_id] = Said(
            message_id=event.message_id,
            version=recorded.version,
            at=event.sent_at,
            author=event.author,
            author_id=event.author_id,
            name=line.body.name if line.body else "",
            wording=self._wording(line, event.sent_at),
            reply_to=event.reply_to or 0,
        )

    def _edited(self, line: Line, event: e.MessageEdited | e.MessagePreviewed) -> None:
        said, recorded = self._said.get(event.message_id), line.recorded
        if said is None:
            return
        wording = self._wording(line, recorded.recorded_at)
        if isinstance(event, e.MessageEdited):
            said.put(wording, recorded.version)
        else:
            said.wording = wording

    def _reacted(self, line: Line, event: e.ReactionAdded | e.ReactionRemoved) -> None:
        emoji = line.body.text if line.body and line.body.text else event.feeling.value
        key = (event.message_id, event.author_id, emoji)
        if isinstance(event, e.ReactionAdded):
            self._given[key] = emoji
        else:
            self._given.pop(key, None)

    def _written(self, line: Line, event: e.ReplyComposed) -> None:
        question_id = event.message_id
        self._composed[question_id] = line
        shown = {part: said for (about, part), said in self._parts().items() if about == question_id}
        for part in range(event.parts):
            wording = self._wording(line, line.recorded.recorded_at, part)
            if part in shown:
                shown[part].put(wording, line.recorded.version)
                shown[part].origin = _origin(event)
            elif self._first <= line.recorded.version <= self._last:
                self._unsent[question_id, part] = self._part(line, event, part, wording)

    def _parts(self) -> Mapping[tuple[int, int], Said]:
        """Return the parts of answers that are in Discord, by question and number."""
        return {
            (event.message_id, event.part): self._said[event.sent_id]
            for about in self._about.values()
            for line in about
            if isinstance(event := line.recorded.event, e.ReplySent) and event.sent_id in self._said
        }

    def _sent(self, line: Line, event: e.ReplySent) -> None:
        composed, recorded = self._composed.get(event.message_id), line.recorded
        said = self._unsent.pop((event.message_id, event.part), None)
        if said is None and not self._first <= recorded.version <= self._last:
            return
        self._newest = max(self._newest, event.sent_id)
        wording = Wording(recorded.recorded_at, BEING_WRITTEN, missing=True)
        if composed is not None:
            wording = self._wording(composed, recorded.recorded_at, event.part)
        said = said or self._part(line, event, event.part, wording)
        said.message_id, said.version, said.at = event.sent_id, recorded.version, recorded.recorded_at
        self._said[event.sent_id] = said

    def _answered(self, message_id: int) -> int:
        """Return the message that a reply is a reply to: for a post it may be another one, or none."""
        events = (line.recorded.event for line in self._about.get(message_id, ()))
        return next((each.reply_to for each in events if isinstance(each, e.PostRequested)), message_id)

    def _part(self, line: Line, event: e.ReplyComposed | e.ReplySent, part: int, wording: Wording) -> Said:
        return Said(
            message_id=0,
            version=line.recorded.version,
            at=line.recorded.recorded_at,
            author=e.Author.SELF,
            author_id=0,
            name="",
            wording=wording,
            reply_to=0 if part else self._answered(event.message_id),
            question_id=event.message_id,
            origin=_origin(event) if isinstance(event, e.ReplyComposed) else "",
        )

    def _mark(self, line: Line) -> None:
        recorded = line.recorded
        mark = Mark(recorded.version, recorded.recorded_at, recorded.event.form.type, line.told())
        self._marks.append(((self._newest, recorded.version), mark))

    def _judge(self, message_id: int, about: Sequence[Line]) -> None:
        """Say of a question what became of it until then."""
        said = self._said.get(message_id)
        record = ReplyRecord.of(line.recorded for line in about)
        if said is not None and record.newest is not None:
            said.outcome = Story(message_id, tuple(about), record, None).outcome()

    def _wording(self, line: Line, at: int, part: int | None = None) -> Wording:
        if line.body is not None:
            return Wording(at, seen(line.body, part), body=line.body, part=part)
        if not self._worded:
            return Wording(at, NO_WORDS, missing=True)
        return Wording(at, WORDS_UNREADABLE if line.sealed else WORDS_ERASED, missing=True)


def _origin(event: e.ReplyComposed) -> str:
    """Return what wrote an answer: its responder, and the rule or the model."""
    return ", ".join(filter(None, (event.responder, event.rule, event.model)))
