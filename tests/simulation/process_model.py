"""The bot's process in memory: mailboxes, workers, catch-ups, echoes, each able to stop for good between two steps.

Coroutines of the real thing are generators here. They yield a command to have it recorded (and get what was newly
appended), a request to have it answered (and get the outcome), or nothing to let others go first. What a crash takes
is this whole object; Discord and the log stay.

Decisions, folds, steps, verdicts, what a process knows and what is on record are the shipped code's. Mirrored is who
waits for what: bot/conversations, of bot/replies worker.py, records.py and screen.py, and of bot/gateway intake.py,
echoes.py, client.py, catchup.py and sync.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.core import commands as c
from bot.core import events as e
from bot.core.addressing import Address, call_of, nonce_of, parse_nonce, refusal_of
from bot.core.conversation import Conversation
from bot.core.decider import decide_all
from bot.core.delivery import (
    EditPart,
    Finish,
    GiveUp,
    LookFirst,
    Patience,
    RemovePart,
    SendPart,
    WriteText,
    collecting,
    in_a_row,
    still_next,
)
from bot.core.fate import (
    Look,
    NotYet,
    Outcome,
    Refused,
    Sent,
    Unknown,
    Verdict,
    doubtful,
    judge_echo,
    judge_edit,
    judge_look,
    judge_send,
    judge_shown,
    judge_unrecorded,
)
from bot.core.fold import evolve
from bot.core.outbox import Pending
from bot.core.reply_record import ReplyRecord
from bot.replies.context import Knowledge
from tests.simulation.discord_model import BOT, Deleted, Discord, Edited, Message, Posted, Request
from tests.simulation.log_model import Log

PAGE = 2
MAX_AGE = 1_000_000

Recording: TypeAlias = tuple[e.Recorded, ...]
Asked: TypeAlias = "c.Command | list[c.Command] | Request | None"
Work: TypeAlias = Generator[Asked, "Recording | Outcome | None", None]
Asking: TypeAlias = Generator[Asked, "Recording | Outcome | None", Outcome]
Judge: TypeAlias = Callable[[Pending, int, str, Outcome], Verdict]
OUTCOMES = (Sent, Refused, NotYet, Unknown)


@dataclass(eq=False, slots=True)
class Task:
    """A coroutine; it waits for ``open`` commands, for ``request``, or for its turn."""

    work: Work
    open: int = 0
    request: Request | None = None
    new: list[e.Recorded] = field(default_factory=list)
    begun: bool = False
    done: bool = False


@dataclass(eq=False, slots=True)
class Room:
    """What the process holds of one channel.

    ``since`` says for each certain reply from when on nothing unknown can be in Discord, and ``judging`` the same of
    those that a look is about.
    """

    id: int
    state: Conversation
    mailbox: deque[tuple[c.Command, Task | None]] = field(default_factory=deque)
    known: Knowledge = field(default_factory=Knowledge)
    since: dict[int, int] = field(default_factory=dict)
    judging: dict[int, int] = field(default_factory=dict)
    worker: Task | None = None
    catchup: Task | None = None
    doubts: int = 0
    again: tuple[int | None, int] | None = None

    def trust(self, message_id: int, since: int) -> None:
        """Note that nothing unknown of a reply is in Discord."""
        self.known.certain.add(message_id)
        self.since[message_id] = since

    def relies(self, message_id: int, landed: int) -> bool:
        """Tell whether something is believed of a reply from before a part of it landed."""
        certain = self.since.get(message_id, landed) if message_id in self.known.certain else landed
        return min(certain, self.judging.get(message_id, landed)) < landed


class Process:
    """One life of the bot."""

    def __init__(
        self, discord: Discord, log: Log, patience: Patience, write: Callable[[int, int], Sequence[str]]
    ) -> None:
        self.discord = discord
        self.log = log
        self.patience = patience
        self.write = write
        self.rooms = {channel: Room(channel, log.load(channel)) for channel in discord.readable}
        self.complete: set[int] = set()
        self.doubts = 0
        self.connected = False
        self.look_fails = False
        self.identify()

    # -- the gateway's side ------------------------------------------------------------------------------------------

    def identify(self) -> None:
        """Begin a session: every channel is in doubt from its first event on."""
        self.discord.connect()
        self.connected = False
        self.complete.clear()
        self.doubts += 1

    def ready(self) -> None:
        """Take up unfinished replies, and complete every channel."""
        self.recover()
        for channel in self.rooms:
            self.catch_up(channel, self.discord.newest(channel))

    def recover(self) -> None:
        """Doubt every unfinished reply, and see that each has a worker."""
        self.connected = True
        for room in self.rooms.values():
            if room.state.outbox:
                self._employ(room)

    def take(self, dispatch: Posted | Deleted | Edited) -> None:
        """Handle one gateway event: nothing is awaited before its command is queued."""
        message = dispatch.message
        room = self.rooms[message.channel]
        match dispatch:
            case Deleted():
                room.mailbox.append((c.Delete(message.id), None))
            case Edited(at=at):
                event = e.MessageEdited(message_id=message.id, author_id=message.author, edited_at=at)
                room.mailbox.append((c.Edit(event, e.Body(parts=(message.text,))), None))
            case Posted() if message.author == BOT and (message.nonce or message.reply_to):
                self._own(room, message, message.nonce)
            case Posted():
                via = e.Via.LIVE if room.id in self.complete else e.Via.AHEAD
                room.mailbox.append((self._receive(message, via), None))
                if via is e.Via.AHEAD:
                    self.catch_up(room.id, message.id)

    def _receive(self, message: Message, via: e.Via) -> c.Receive:
        author = e.Author.SELF if message.author == BOT else e.Author.PERSON
        asks = message.addressed
        address = Address(author, kind=0, direct=False, replies_to_bot=False, mentions_bot=asks, claimed=asks)
        call = call_of(address, tuple(e.Call))
        return c.Receive(
            e.MessageReceived(
                message_id=message.id, author_id=message.author, author=author, sent_at=message.sent_at, via=via
            ),
            e.Body(parts=(message.text,)),
            call=call,
            responder="rules",
            refusal=refusal_of(address, answers_here=True, answers_bots=False) if call else None,
            stale=via is e.Via.CATCHUP and self.discord.now - message.sent_at > self.patience.max_age_us,
            answer=self._at_once(message) if call and via in (e.Via.LIVE, e.Via.AHEAD) else None,
        )

    def _at_once(self, message: Message) -> c.Compose | None:
        """Answer a third of the questions along with their recording."""
        if self.patience.together_us or message.id % 3 != 1:
            return None
        parts = tuple(self.write(message.id, 1))
        composed = e.ReplyComposed(message_id=message.id, parts=len(parts), responder="rules")
        return c.Compose(composed, e.Body(parts=parts))

    def _own(self, room: Room, message: Message, nonce: str | None) -> None:
        about = parse_nonce(nonce)
        trigger = about[0] if about else message.reply_to
        if trigger is None or room.state.turn(message.id) is not None:
            return
        entry = room.state.pending(trigger)
        if entry is not None and entry.may_be_sent:
            if (echo := judge_echo(entry, message.id, about)) is not None:
                room.mailbox.append((echo, None))
            return
        record = ReplyRecord.of(self.log.events(room.id, trigger))
        command = record.take(trigger, message.id, about)
        if command is None:
            return
        room.mailbox.append((command, None))
        if isinstance(command, c.Confirm) and 0 < record.parts <= command.part and record.complete and entry is None:
            assert record.request
            asked = record.asked_again(record.request, "the bot")
            room.mailbox.append((c.Retry(asked.model_copy(update={"surplus": (*asked.surplus, message.id)})), None))

    # -- the mailbox -------------------------------------------------------------------------------------------------

    def commit(self, channel: int, count: int, *, answered: bool = True) -> None:
        """Decide and append up to ``count`` commands as one batch; unless ``answered``, nobody here learns of it."""
        room = self.rooms[channel]
        taken = [room.mailbox[at] for at in range(min(count, len(room.mailbox)))]
        decided = decide_all(room.state, [command for command, _ in taken])
        units = [drafts for drafts in decided if drafts]
        appended = iter(self.log.append(channel, units, expected=room.state.version, now=self.discord.now))
        if not answered:
            return
        outcomes: list[Recording] = []
        for drafts in decided:
            outcome = next(appended, None) if drafts else ()
            if outcome is None:
                break
            outcomes.append(outcome)
        new = tuple(recorded for outcome in outcomes for recorded in outcome)
        for recorded in new:
            room.state = evolve(room.state, recorded)
        if new:
            self._react(room, new)
        for outcome in outcomes:
            _, task = room.mailbox.popleft()
            if task is not None:
                task.open -= 1
                task.new += outcome

    def _react(self, room: Room, new: Recording) -> None:
        if room.state.outbox:
            self._employ(room)
        for recorded in new:
            event = recorded.event
            if isinstance(event, e.ReplyRequested) and event.via in (e.Via.LIVE, e.Via.AHEAD):
                room.trust(event.message_id, self.discord.count)

    # -- tasks -------------------------------------------------------------------------------------------------------

    def can_run(self, task: Task | None) -> bool:
        """Tell whether a task waits for nothing but its turn."""
        return task is not None and not task.done and not task.open and task.request is None

    def run(self, room: Room, task: Task, outcome: Outcome | None = None) -> None:
        """Let a task go on to where it next waits."""
        task.request = None
        answer: Recording | Outcome = tuple(task.new) if outcome is None else outcome
        task.new = []
        begun, task.begun = task.begun, True
        try:
            asked = task.work.send(answer if begun else None)
        except StopIteration:
            task.done = True
            if task is room.worker:
                room.worker = None
                if room.state.outbox:
                    self._employ(room)
            else:
                room.catchup, again, room.again = None, room.again, None
                if again is not None:
                    self._begin(room, *again)
            return
        if isinstance(asked, Request):
            task.request = asked
        elif asked is not None:
            commands = asked if isinstance(asked, list) else [asked]
            task.open = len(commands)
            room.mailbox.extend((command, task) for command in commands)

    # -- the worker --------------------------------------------------------------------------------------------------

    def _employ(self, room: Room) -> None:
        if room.worker is None:
            room.known = Knowledge()
            room.worker = Task(self._work(room))

    def _work(self, room: Room) -> Work:
        while room.state.outbox:
            entry = room.known.next_of(room.state.outbox)
            yield None
            if not (self.connected and room.state.outbox and room.known.next_of(room.state.outbox) == entry):
                # Much may be recorded until there is a connection.
                continue
            room.known.turn_to(entry)
            if entry.message_id not in room.known.certain:
                room.since[entry.message_id] = self.discord.count
            texts = self.log.bodies[entry.composed_position].parts if entry.composed else ()
            match room.known.step(entry, texts if entry.begun else (), self.discord.now, self.patience):
                case LookFirst():
                    yield from self._look(room, entry)
                case GiveUp(reason):
                    yield c.Abandon(entry.message_id, reason)
                case WriteText():
                    yield from self._compose(room, room.state, entry)
                case SendPart(part):
                    yield None
                    if still_next(room.state.outbox, entry, room.known.certain):
                        yield from self._send(room, entry, part, texts[part], judge_send)
                case EditPart(part, sent_id):
                    outcome = yield from self._change(room, entry, sent_id, texts[part])
                    yield from self._conclude(room, entry, judge_edit(entry, sent_id, texts[part], outcome))
                case RemovePart(sent_id):
                    outcome = yield from self._change(room, entry, sent_id, "")
                    yield from self._conclude(room, entry, judge_edit(entry, sent_id, "", outcome))
                case Finish():
                    yield c.Complete(entry.message_id)

    def _look(self, room: Room, entry: Pending) -> Work:
        doubted = doubtful(room.state.outbox, room.known.certain)
        yield None
        if self.look_fails:
            yield self._delay(entry)
            return
        readable = self.discord.readable[room.id]
        seen = self.discord.look(room.id, min(each.message_id for each in doubted))
        present = frozenset(message.id for message in self.discord.history(room.id, 0))
        look = Look(seen, present) if readable else Look((), readable=False)
        room.judging = dict.fromkeys((each.message_id for each in doubted), self.discord.count)
        yield None
        for each in doubted:
            since = room.judging.pop(each.message_id)
            texts = self.log.bodies[each.composed_position].parts if each.composed and readable else ()
            yield from self._conclude(room, each, judge_look(room.state, each, texts, look, self.discord.now), since)

    def _conclude(self, room: Room, entry: Pending, verdict: Verdict, since: int | None = None) -> Work:
        """Record what follows from a verdict, as bot/replies/records.py does."""
        room.known.shown.update(verdict.shown)
        for finding in verdict.findings:
            recorded = yield self._delay(entry) if isinstance(finding, NotYet | Unknown) else finding
            if isinstance(finding, c.Confirm) and not recorded:
                lost = judge_unrecorded(room.state.pending(entry.message_id), finding)
                if lost is not None:
                    yield lost
        if verdict.certain:
            room.trust(entry.message_id, self.discord.count if since is None else since)

    def _compose(self, room: Room, state: Conversation, entry: Pending) -> Work:
        entries = in_a_row(state, entry) if self.patience.together_us else (entry,)
        if collecting(entries, self.discord.now, self.patience) > 0:
            yield None
            return
        yield None
        parts = tuple(self.write(entry.message_id, entry.generation))
        if entry.message_id % 3 == 0:
            yield from self._show(room, entry.message_id, parts)
        composed = e.ReplyComposed(
            message_id=entry.message_id, parts=len(parts), responder="rules", generation=entry.generation
        )
        yield c.Compose(composed, e.Body(parts=parts), tuple(other.message_id for other in entries[1:]))

    def _show(self, room: Room, message_id: int, parts: Sequence[str]) -> Work:
        """Show an answer while it is written; now and then it has a part more than in the end."""
        growing = [("…",), parts[:1], (*parts[:1], "…"), parts, (*parts, "…")]
        for texts in growing[: 2 + self.discord.count % 4]:
            while True:
                entry = room.state.pending(message_id)
                if entry is not None and (entry.awaited or not entry.begun):
                    yield c.Begin(message_id)
                    entry = room.state.pending(message_id)
                if entry is None or entry.awaited or not entry.begun:
                    return
                outcome: Outcome | None = None
                match room.known.piece(entry, texts):
                    case SendPart(part):
                        outcome = yield from self._send(room, entry, part, texts[part], judge_shown)
                        if isinstance(outcome, Refused) or (
                            isinstance(outcome, Sent) and outcome.message_id in entry.sent_ids
                        ):
                            return
                    case EditPart(part, sent_id):
                        room.known.shown.pop(sent_id, None)
                        outcome = yield from self._change(room, entry, sent_id, texts[part])
                        room.known.shown |= {sent_id: texts[part]} if isinstance(outcome, Sent) else {}
                        if isinstance(outcome, Refused):
                            return
                if not isinstance(outcome, Sent):
                    break

    def _send(self, room: Room, entry: Pending, part: int, text: str, judge: Judge) -> Asking:
        room.known.certain.discard(entry.message_id)
        nonce = nonce_of(entry.message_id, part, entry.generation)
        outcome = yield self.discord.begin(Request(room.id, text, nonce, entry.message_id))
        assert isinstance(outcome, OUTCOMES)
        since = room.since[entry.message_id] if isinstance(outcome, NotYet) else None
        yield from self._conclude(room, entry, judge(entry, part, text, outcome), since)
        return outcome

    def _change(self, room: Room, entry: Pending, sent_id: int, text: str) -> Asking:
        outcome = yield self.discord.begin(
            Request(room.id, text, nonce_of(entry.message_id, 0), entry.message_id, target=sent_id)
        )
        assert isinstance(outcome, OUTCOMES)
        gone = isinstance(outcome, Refused) and outcome.reason is e.AbandonReason.GONE_AFTER_SEND
        return Sent(sent_id) if gone and not text else outcome

    def _delay(self, entry: Pending) -> c.Delay:
        return c.Delay(entry.message_id, entry.next_part or 0, "trouble", entry.attempts + 1, self.discord.now)

    # -- the catch-up ------------------------------------------------------------------------------------------------

    def catch_up(self, channel: int, newest: int | None) -> None:
        """Complete a channel, unless that is under way already and no older than the newest doubt."""
        room = self.rooms[channel]
        if room.catchup is None:
            self._begin(room, newest, self.doubts)
        elif room.doubts != self.doubts:
            room.again = (newest, self.doubts)

    def _begin(self, room: Room, newest: int | None, doubts: int) -> None:
        room.doubts = doubts
        room.catchup = Task(self._catch_up(room, newest, doubts))

    def _catch_up(self, room: Room, newest: int | None, doubts: int) -> Work:
        yield None
        watermark = room.state.watermark_id
        if newest is not None and not newest <= watermark > 0:
            yield from self._read(room, watermark, newest)
        if self.doubts == doubts:
            self.complete.add(room.id)

    def _read(self, room: Room, after: int, newest: int) -> Work:
        yield c.Record(e.CatchupStarted(after=after))
        began, upto, count = after, max(after, newest), 0
        while True:
            yield None
            page = self.discord.history(room.id, after)[:PAGE]
            if page:
                after = page[-1].id
                upto = max(upto, after)
                own = [message for message in page if message.author == BOT and message.reply_to is not None]
                if others := [self._receive(message, e.Via.CATCHUP) for message in page if message not in own]:
                    recorded = yield list(others)
                    count += len(recorded) if isinstance(recorded, tuple) else 0
                for message in own:
                    yield None
                    self._own(room, message, None)
            if len(page) < PAGE:
                break
        yield c.Record(e.CatchupCompleted(after=began, upto=upto, count=count))
