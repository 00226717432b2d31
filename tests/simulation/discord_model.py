"""Discord in memory: messages, nonces, requests on their way, a gateway session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from bot.core.addressing import parse_nonce
from bot.core.fate import Sighting

BOT = 1


class Memory(Enum):
    """How long nonces are remembered: for good, until something expires them, not at all."""

    OPEN = "open"
    EXPIRING = "expiring"
    ZERO = "zero"


@dataclass(eq=False, slots=True)
class Message:
    """A message; ``landed`` is when it came to be, on Discord's count of landings and looks."""

    id: int
    channel: int
    author: int
    text: str
    landed: int
    sent_at: int
    reply_to: int | None = None
    nonce: str | None = None
    addressed: bool = False
    deleted: bool = False


@dataclass(eq=False, slots=True)
class Request:
    """A request on its way; ``made`` is what it came to once it has landed, None where that is deleted already.

    It posts, or with a ``target`` edits that message, or deletes it where ``text`` is empty. ``lands`` says whether it
    lands at all when nobody waits for it any more.
    """

    channel: int
    text: str
    nonce: str
    reply_to: int
    target: int = 0
    lands: bool = True
    landed: bool = False
    made: Message | None = None


@dataclass(eq=False, slots=True)
class Posted:
    """The gateway tells that a message was posted."""

    message: Message


@dataclass(eq=False, slots=True)
class Deleted:
    """The gateway tells that a message was deleted."""

    message: Message


@dataclass(eq=False, slots=True)
class Edited:
    """The gateway tells that a message was edited, at ``at``."""

    message: Message
    at: int


@dataclass(eq=False, slots=True)
class Session:
    """A gateway session: what it has yet to deliver, in order within each channel."""

    queues: dict[int, deque[Posted | Deleted | Edited]] = field(default_factory=dict)


class Discord:
    """What Discord holds, whatever becomes of the bot."""

    def __init__(self, channels: int, memory: Memory) -> None:
        self.memory = memory
        self.messages: dict[int, Message] = {}
        self.readable = dict.fromkeys(range(channels), True)
        self.on_the_way: list[Request] = []
        self.nonces: dict[str, Message] = {}
        self.session: Session | None = None
        self.doubled: list[str] = []
        self.witness: Callable[[Request], None] = lambda _: None
        self.count = 0
        self.now = 1_000_000

    def post(self, channel: int, text: str, *, addressed: bool, author: int = 7) -> Message:
        """Take a person's message."""
        return self._add(Message(0, channel, author, text, self.count, self.now, addressed=addressed))

    def delete(self, message: Message) -> None:
        """Let a moderator delete a message."""
        message.deleted = True
        self._tell(message.channel, Deleted(message))

    def edit(self, message: Message, text: str) -> None:
        """Let an author edit a message."""
        message.text = text
        self._tell(message.channel, Edited(message, self.now))

    def connect(self) -> None:
        """Begin a session: what the last one had yet to deliver is lost."""
        self.session = Session()

    def begin(self, request: Request) -> Request:
        """Put a request on its way; changes of one message arrive in the order in which they left."""
        self.witness(request)
        self.on_the_way.append(request)
        return request

    def land(self, request: Request) -> None:
        """Let a request take effect, unless its nonce is remembered."""
        self.on_the_way.remove(request)
        request.landed = True
        if request.target:
            self._change(request)
            return
        known = self.nonces.get(request.nonce)
        if known is not None:
            request.made = None if known.deleted else known
            return
        trigger = self.messages[request.reply_to]
        reply_to = None if trigger.deleted else trigger.id
        text = request.text.strip()
        if self.parts(trigger.id, request.nonce):
            self.doubled.append(request.nonce)
        self.count += 1
        made = Message(0, request.channel, BOT, text, self.count, self.now, reply_to=reply_to, nonce=request.nonce)
        request.made = self._add(made)
        if self.memory is not Memory.ZERO:
            self.nonces[request.nonce] = made

    def _change(self, request: Request) -> None:
        """Edit or delete a message; what was to be done to it before, and is still on its way, comes too late."""
        self.on_the_way = [each for each in self.on_the_way if each.target != request.target]
        message = self.messages[request.target]
        request.made = None if message.deleted else message
        if request.made and request.text:
            message.text = request.text.strip()
        elif request.made:
            self.delete(message)

    def vanish(self, request: Request) -> None:
        """Let a request be lost on its way."""
        self.on_the_way.remove(request)

    def history(self, channel: int, after: int) -> list[Message]:
        """Return the messages that are there after an id, oldest first."""
        return [
            message
            for message in self.messages.values()
            if message.channel == channel and message.id > after and not message.deleted
        ]

    def newest(self, channel: int) -> int | None:
        """Return the id that the channel announces as its newest, deleted since or not."""
        return max((message.id for message in self.messages.values() if message.channel == channel), default=None)

    def look(self, channel: int, since: int) -> tuple[Sighting, ...]:
        """Return the bot's own messages from an id on, without their nonces.

        Where nonces are not remembered, what is on its way lands now or never.
        """
        if self.memory is Memory.ZERO:
            for request in [each for each in self.on_the_way if each.channel == channel]:
                if request in self.on_the_way:
                    (self.land if request.lands else self.vanish)(request)
        self.count += 1
        return tuple(
            Sighting(message.id, message.reply_to, message.text)
            for message in self.history(channel, since - 1)
            if message.author == BOT
        )

    def parts(self, trigger: int, nonce: str | None = None) -> list[Message]:
        """Return the messages of the bot that are there for ``trigger``, or for one part of its reply."""
        return [
            message
            for message in self.messages.values()
            if not message.deleted
            and (message.nonce == nonce if nonce else (parse_nonce(message.nonce) or (0,))[0] == trigger)
        ]

    def _add(self, message: Message) -> Message:
        message.id = len(self.messages) + 100
        self.messages[message.id] = message
        self._tell(message.channel, Posted(message))
        return message

    def _tell(self, channel: int, dispatch: Posted | Deleted | Edited) -> None:
        if self.session is not None:
            self.session.queues.setdefault(channel, deque()).append(dispatch)
