"""One world: people, a network, Discord, the bot's process and its log, and what each of them can do next."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core import commands as c
from bot.core import events as e
from bot.core.addressing import parse_nonce
from bot.core.delivery import Patience
from bot.core.fate import NotYet, Outcome, Refused, Sent, Unknown
from bot.core.reply_record import ReplyRecord
from bot.replies.repair import MOST_GENERATIONS
from tests.simulation.discord_model import BOT, Discord, Memory, Message, Request
from tests.simulation.log_model import Log
from tests.simulation.process_model import Process, Room

CHANNELS = 2
MAX_AGE = 1_000_000
MAX_ATTEMPTS = 5
ROUNDS = 500
"""More than enough for everything to come to rest."""


@dataclass(slots=True)
class Weather:
    """What goes wrong at the moment: deliveries held back, requests stuck, no commits, sends that end otherwise.

    ``sends``: fine, unknown, lost, not yet, forbidden, or None while they hang.
    """

    delivers: bool = True
    lands: bool = True
    sends: str | None = "fine"
    commits: bool = True


class World:
    """Everything there is, and what has been done to it that a judge has to know."""

    def __init__(self, memory: Memory, together: int) -> None:
        self.discord = Discord(CHANNELS, memory)
        self.log = Log()
        self.patience = Patience(max_age_us=MAX_AGE, max_attempts=MAX_ATTEMPTS, together_us=together)
        self.weather = Weather()
        self.process: Process | None = None
        self.texts: dict[int, tuple[str, ...]] = {}
        self.forbidden: set[int] = set()
        self.hid_history = False
        self.waited = False
        self.overtaken: list[tuple[int, int]] = []
        self.discord.witness = self._watch

    # -- people --------------------------------------------------------------------------------------------------------

    def post(self, channel: int, words: list[str], author: int, *, addressed: bool) -> None:
        """Post a message; ``words`` are the parts of its answer."""
        message = self.discord.post(channel, "words", author=author, addressed=addressed)
        self.texts[message.id] = tuple(f" {word}\n" for word in words)

    def delete(self, choice: int) -> None:
        """Delete a message that waits for its answer, or one of the newest, a person's or the bot's."""
        waiting = [entry.message_id for room in self.rooms.values() for entry in room.state.outbox]
        asked = self.discord.messages[waiting[choice % len(waiting)]] if waiting and choice % 2 else None
        message = asked if asked and not asked.deleted else self._recent(choice)
        if message is not None:
            self.discord.delete(message)

    def edit(self, choice: int) -> None:
        """Edit one of the newest messages of a person."""
        message = self._recent(choice)
        if message is not None and message.author != BOT:
            self.discord.edit(message, "other words")

    def retry(self, choice: int) -> None:
        """Ask for an abandoned reply again, as bot/replies/repair.py does."""
        room = self.rooms[choice % CHANNELS]
        abandoned = self._with(room, e.ReplyAbandoned)
        if abandoned and not room.mailbox:
            question = abandoned[choice % len(abandoned)]
            record = ReplyRecord.of(self.log.events(room.id, question))
            if record.request and not record.complete:
                room.mailbox.append((c.Retry(record.asked_again(record.request, "moderator")), None))

    def drop_reply(self, choice: int) -> None:
        """Have a reply given up, wherever it is."""
        waiting = [(room, entry) for room in self.rooms.values() for entry in room.state.outbox]
        if waiting:
            room, entry = waiting[choice % len(waiting)]
            room.mailbox.append((c.Abandon(entry.message_id, e.AbandonReason.CANCELLED), None))

    def again(self, choice: int) -> None:
        """Have an answer composed anew, as bot/replies/repair.py does."""
        room = self.rooms[choice % CHANNELS]
        composed = self._with(room, e.ReplyComposed)
        if composed and not room.mailbox:
            question = composed[choice % len(composed)]
            if self.log.states[room.id].pending(question) is None:
                record = ReplyRecord.of(self.log.events(room.id, question))
                if record.request and record.written and record.generation < MOST_GENERATIONS:
                    room.mailbox.append((c.Retry(record.asked_again(record.request, "moderator", anew=True)), None))

    def _with(self, room: Room, kind: type[e.MessageEvent]) -> list[int]:
        """Return the messages of which a room's log holds a fact of this kind."""
        return [recorded.event.message_id for recorded in self.log.streams[room.id] if isinstance(recorded.event, kind)]

    def write(self, message_id: int, generation: int) -> tuple[str, ...]:
        """Return the parts of an answer; one composed anew says something else, in one to three parts."""
        if generation == 1:
            return self.texts[message_id]
        return tuple(f" {generation}{'abc'[part]}\n" for part in range(1 + (message_id + generation) % 3))

    # -- the network and Discord ---------------------------------------------------------------------------------------

    def answer(self, room: Room, how: str, *, lands: bool) -> None:
        """Let a send end for its sender; ``lands`` says what becomes of a request that nobody waits for any more."""
        assert self.process
        assert room.worker
        request = room.worker.request
        assert request
        request.lands = lands
        if how == "fine" and request in self.discord.on_the_way:
            self.discord.land(request)
        if how in ("lost", "not yet", "forbidden") and request in self.discord.on_the_way:
            self.discord.vanish(request)
        outcome: Outcome = Unknown("timeout")
        if how == "fine" and request.landed:
            gone = Refused(e.AbandonReason.GONE_AFTER_SEND, "")
            outcome = Sent(request.made.id, request.made.text) if request.made else gone
        elif how == "not yet" and not request.landed:
            outcome = NotYet("no connection")
        elif how == "forbidden" and not request.landed:
            self.forbidden.add(request.reply_to)
            outcome = Refused(e.AbandonReason.FORBIDDEN, "")
        self.process.run(room, room.worker, outcome)

    def travel(self, choice: int, *, lands: bool) -> None:
        """Let a request land, or be lost, whoever waits for it."""
        request = self.discord.on_the_way[choice % len(self.discord.on_the_way)]
        (self.discord.land if lands else self.discord.vanish)(request)

    def forget(self, choice: int) -> None:
        """Let Discord forget a nonce, outside of the excluded combination."""
        nonce, message = list(self.discord.nonces.items())[choice % len(self.discord.nonces)]
        underway = any(request.nonce == nonce for request in self.discord.on_the_way)
        if not underway and not self._relied_on(message):
            del self.discord.nonces[nonce]

    def permit(self, channel: int, *, readable: bool) -> None:
        """Show a channel's history, or hide it."""
        self.discord.readable[channel] = readable
        self.hid_history |= not readable

    def wait(self, share: float) -> None:
        """Let a share of the time pass in which a message may be answered."""
        self.discord.now += int(share * MAX_AGE)
        self.waited |= share > 0.5

    def _watch(self, request: Request) -> None:
        """Note which answers should go out before the one that begins with a request, by the order of answers."""
        outbox = self.log.states[request.channel].outbox
        entry = next((entry for entry in outbox if entry.message_id == request.reply_to), None)
        if request.target or entry is None or entry.begun or any(entry.sent_ids):
            return
        for other in outbox:
            begun = other.begun or any(other.sent_ids)
            # Where nonces are remembered, a request may land after the look that would have found it.
            landed = self.discord.memory is Memory.ZERO and bool(self.discord.parts(other.message_id))
            if other is not entry and (begun or landed or other.message_id < entry.message_id):
                self.overtaken.append((other.message_id, entry.message_id))

    # -- the gateway ---------------------------------------------------------------------------------------------------

    def deliver(self, room: Room, *, again: bool = False) -> None:
        """Deliver the next event of a channel, and keep it for a repetition when ``again``."""
        assert self.process
        queue = self.discord.session.queues.get(room.id) if self.discord.session else None
        if queue:
            self.process.take(queue[0] if again else queue.popleft())

    def drop(self, *, valid: bool) -> None:
        """Lose the connection, and with an invalid session what it had not delivered."""
        assert self.process
        if not valid:
            self.process.identify()
        elif self.process.connected:
            self.process.recover()

    # -- the process ---------------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> dict[int, Room]:
        """Return what the process holds of each channel."""
        return self.process.rooms if self.process else {}

    def start(self) -> None:
        """Start a process on the log."""
        self.process = Process(self.discord, self.log, self.patience, self.write)

    def crash(self) -> None:
        """End the process, whatever it was doing."""
        self.process = None
        self.discord.session = None

    def commit(self, room: Room, size: int, end: str) -> None:
        """Record what waits; ``end``: fine, or a crash before or after the commit."""
        assert self.process
        if end != "crash before":
            self.process.commit(room.id, size, answered=end == "fine")
        if end != "fine":
            self.crash()

    def run(self, room: Room, *, catchup: bool) -> None:
        """Let a worker or a catch-up go on to where it next waits."""
        assert self.process
        task = room.catchup if catchup else room.worker
        if task is not None and self.process.can_run(task):
            self.process.run(room, task)

    # -- all together --------------------------------------------------------------------------------------------------

    def go_on(self, rounds: int) -> None:
        """Let everything go on for some rounds, as the weather allows."""
        for _ in range(rounds):
            self._round()

    def come_to_rest(self) -> None:
        """Let everything go well until nothing is left to do."""
        self.weather = Weather()
        self.discord.readable = dict.fromkeys(self.discord.readable, True)
        if self.process is None:
            self.start()
        assert self.process
        self.process.look_fails = False
        for _ in range(ROUNDS):
            self._round()
            if self._at_rest():
                return
        raise AssertionError("it never comes to rest")

    def _round(self) -> None:
        weather = self.weather
        self.discord.now += 1
        if self.process is None:
            self.start()
        assert self.process
        if not self.process.connected:
            self.process.ready()
        for request in self.discord.on_the_way[:1] if weather.lands else ():
            (self.discord.land if request.lands else self.discord.vanish)(request)
        for room in self.rooms.values():
            if weather.delivers:
                self.deliver(room)
            self.run(room, catchup=False)
            self.run(room, catchup=True)
            if weather.sends and room.worker and room.worker.request:
                self.answer(room, weather.sends, lands=weather.lands)
            if weather.commits and room.mailbox:
                self.process.commit(room.id, 4)

    def _at_rest(self) -> bool:
        queues = self.discord.session.queues.values() if self.discord.session else ()
        busy = (room.mailbox or room.worker or room.catchup for room in self.rooms.values())
        return not (any(queues) or self.discord.on_the_way or any(busy))

    # -- looking -------------------------------------------------------------------------------------------------------

    @property
    def sending(self) -> list[Room]:
        """Return the rooms whose worker waits for the end of a send."""
        return [room for room in self.rooms.values() if room.worker and room.worker.request]

    def _recent(self, choice: int) -> Message | None:
        there = [message for message in self.discord.messages.values() if not message.deleted][-8:]
        return there[choice % len(there)] if there else None

    def _relied_on(self, message: Message) -> bool:
        """Tell whether the process believes, from before it landed, that this part is not in Discord."""
        about = parse_nonce(message.nonce)
        room = self.rooms.get(message.channel)
        if room is None or about is None:
            return False
        return room.relies(about[0], message.landed)
