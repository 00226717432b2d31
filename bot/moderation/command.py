"""What a moderators' command is: what it takes, what it does, what it answers with, and how it refuses."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, TypeAlias

from bot.errors import EcholessError

REPLAY = "replay"
"""The group of most commands: ``/replay rewind`` in Discord, ``echoless replay rewind`` in a terminal."""


class ModerationError(EcholessError):
    """What was asked can't be done; the sentence is for whoever asked."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file that goes with a report."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """An answer: ``title`` and ``lines`` for eyes, ``data`` the same for machines (JSON).

    A line states one fact and is about 100 columns wide at most; it may hold people's words, with everything escaped
    that could drive a terminal. ``more`` is the cursor of the next page, None at the end.
    """

    title: str
    lines: tuple[str, ...] = ()
    data: Any = None
    file: ReportFile | None = None
    more: str | None = None


Run: TypeAlias = Callable[..., Awaitable[Report]]
"""``(context, **arguments) -> Report``. Of the arguments, ``by`` (who asks, as the log shows it), ``progress`` (is told
how many events of how many are done) and ``limit_bytes`` (of a file) are filled in, for a function that has them."""


class Kind(Enum):
    """What a parameter is: Discord's options and the command line's are each made from it."""

    CHANNEL = auto()
    """A channel: named, or the one that a message or a link is in, or in Discord the one where the command is used."""
    CHANNEL_OR_LOG = auto()
    """A channel, or where none is named the whole log: in Discord for the bot's owner alone."""
    VISIBLE_CHANNELS = auto()
    """A channel, or all that the asker sees, with their names; in Discord alone."""
    PLACE = auto()
    """This channel or thread, or this server; in Discord alone."""
    MESSAGE = auto()
    """A message, by its link or id."""
    MESSAGE_OR_ALL = auto()
    """A message, or with the word ``all`` every one that a command may be about."""
    POINT = auto()
    """A point in time: a version, a message's link or id, an age such as ``2h``, or an ISO time."""
    PERSON = auto()
    EVENT_TYPES = auto()
    """Types of events: one in Discord, any number on the command line."""
    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    """On or off; on the command line alone."""
    CURSOR = auto()
    """Which page; in Discord it is leafed through with buttons."""
    PAGE_SIZE = auto()
    """How many lines a page has; in Discord as many as fit in a message."""


WHOLE_CHANNELS = frozenset({Kind.CHANNEL, Kind.CHANNEL_OR_LOG})
MESSAGES = frozenset({Kind.MESSAGE, Kind.MESSAGE_OR_ALL})
PLACES = WHOLE_CHANNELS | {Kind.VISIBLE_CHANNELS, Kind.PLACE}
_DISCORD_ALONE = PLACES - WHOLE_CHANNELS
_TERMINAL_ALONE = frozenset({Kind.FLAG, Kind.CURSOR, Kind.PAGE_SIZE})
_ARGUMENTS = MappingProxyType(
    {
        Kind.CHANNEL: "channel_id",
        Kind.CHANNEL_OR_LOG: "channel_id",
        Kind.VISIBLE_CHANNELS: "channels",
        Kind.MESSAGE: "message_id",
        Kind.MESSAGE_OR_ALL: "message_id",
        Kind.EVENT_TYPES: "types",
        Kind.PAGE_SIZE: "size",
    }
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a command takes.

    ``text`` describes it in Discord, ``help`` on the command line where it says something else there. ``least`` and
    ``most`` bound a number, or the characters of a text. ``called`` is the function's name for it, where that does not
    follow from its kind or its name. ``in_discord``: whether it is an option there.
    """

    name: str
    kind: Kind
    text: str = ""
    help: str = ""
    required: bool = False
    default: Any = None
    least: int = 1
    most: int | None = None
    called: str = ""
    in_discord: bool = True

    @property
    def argument(self) -> str:
        """Return what the command's function calls it."""
        return self.called or _ARGUMENTS.get(self.kind, self.name)

    @property
    def is_option(self) -> bool:
        """Tell whether it is one of the command's options in Discord."""
        return self.in_discord and self.kind not in _TERMINAL_ALONE

    @property
    def terminal_help(self) -> str:
        """Return what describes it on the command line."""
        return self.help or self.text


@dataclass(frozen=True, slots=True)
class Either:
    """Parameters that exclude each other; ``missing`` is said in Discord, where one of them has to be given."""

    names: tuple[str, ...]
    missing: str


class Topic(Enum):
    """What commands are about; the value is what the README says of them."""

    KNOWN = "what the bot knew, now or then; what happened; what changed between two points"
    WHY = (
        "the events from a message to its reply with their times, the rule or the model, how the sending was confirmed"
    )
    MEMORY = "take the bot's memory of a channel back, after a preview; nothing is sent again, and undo brings it back"
    ANEW = "have an answer composed anew; show what the present settings would answer, and send nothing"
    UNSENT = "replies that are not sent, with reasons; try again, let go, hold, go on"
    LOG = "check the log, fold it anew, write it out, see how it is"
    MODEL = "who a language model is in a channel, thread or server; tokens and cost"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, from which Discord's, the command line's and the control socket's are made.

    ``text`` describes it in Discord (100 characters), ``help`` on the command line where it says something else there.
    ``writes``: it needs the log's writing side. ``long``: it reads for long, and is done beside a running bot rather
    than in it. ``composes``: it asks a responder, and so may need a model's key. ``preview``: tells what it would
    change, and as ``changed`` in its data whether anything, before it is asked whether to. ``exports``: its answer is a
    file in pieces, each with where the next begins. ``menu``: the entry for it in the menu of a message. ``group``: ""
    stands alone.
    """

    name: str
    topic: Topic
    text: str
    run: Run
    parameters: tuple[Parameter, ...] = ()
    help: str = ""
    writes: bool = False
    long: bool = False
    composes: bool = False
    preview: Run | None = None
    exports: bool = False
    either: Either | None = None
    menu: str = ""
    group: str = REPLAY

    @property
    def setting(self) -> str:
        """Return what the settings' ``[moderation.commands]`` call it: of a group beside ``/replay``, the group."""
        return self.name if self.group in ("", REPLAY) else self.group

    @property
    def has_twin(self) -> bool:
        """Tell whether there is such a command outside of Discord, too."""
        return _DISCORD_ALONE.isdisjoint(parameter.kind for parameter in self.parameters)

    @property
    def previewing(self) -> Command | None:
        """Return the command that tells what this one would change; None where it does not ask."""
        return self.preview and replace(self, name=f"preview_{self.name}", run=self.preview, preview=None, writes=False)

    @property
    def choices(self) -> tuple[Parameter, ...]:
        """Return its parameters that exclude each other."""
        return tuple(each for each in self.parameters if self.either and each.name in self.either.names)

    def takes(self, argument: str) -> bool:
        """Tell whether the function has an argument."""
        return argument in inspect.signature(self.run).parameters

    def of_kind(self, *kinds: Kind) -> tuple[Parameter, ...]:
        """Return its parameters of some kinds."""
        return tuple(parameter for parameter in self.parameters if parameter.kind in kinds)
