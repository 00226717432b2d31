"""The parts of a moderators' command: parameters, function, report, and the error with which it refuses."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, TypeAlias

from bot.errors import EcholessError

PRIVACY = "privacy"
"""The group of the commands about people's own words: ``/privacy forget-me`` in Discord."""
TERMINAL = "command line"
"""The name in the log of who asks at the machine itself."""
REPLAY = "replay"
"""The group of most commands: ``/replay rewind`` in Discord, ``echoless replay rewind`` in a terminal."""


class ModerationError(EcholessError):
    """The command can't be carried out; the message is a sentence for the person who used it."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file attached to a report."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a command: ``title`` and ``lines`` for people, ``data`` the same for machines (JSON).

    A line states one fact and is at most about 100 columns wide. It may hold people's words, with everything escaped
    that could control a terminal. ``more`` is the cursor of the next page (None: this is the last). ``links`` are the
    addresses of what the lines are about, one for each line from the first on ("": none).
    """

    title: str
    lines: tuple[str, ...] = ()
    data: Any = None
    file: ReportFile | None = None
    more: str | None = None
    links: tuple[str, ...] = ()


Run: TypeAlias = Callable[..., Awaitable[Report]]
"""``(context, **arguments) -> Report``. A function that has the arguments ``by`` (who asks, as the log shows it),
``owner`` (whether that is an owner of the bot), ``asked_in`` (the server where it is asked, None in direct messages),
``progress`` (called with the number of finished events and that of all), ``limit_bytes`` (of a file) or ``server_id``
(of the server, all of which the asker may moderate) gets them filled in."""


class Kind(Enum):
    """The kind of a parameter. It decides which option the parameter becomes in Discord and on the command line."""

    CHANNEL = auto()
    """A channel: the named one, that of a message or a link, or in Discord the one where the command is used."""
    CHANNEL_OR_LOG = auto()
    """A channel or, if none is named, the whole log; in Discord only the bot's owners get the whole log."""
    VISIBLE_CHANNELS = auto()
    """A channel, or all that the asker can see, with their names; only in Discord."""
    READABLE_CHANNELS = auto()
    """The same for people's words: in direct messages it is those alone, whoever asks."""
    PLACE = auto()
    """This channel or thread, or this server; only in Discord."""
    SERVER_OR_ALL = auto()
    """This server, or everywhere the bot is; only in Discord, and in a direct message always everywhere."""
    MESSAGE = auto()
    """A message, by its link or id."""
    MESSAGE_OR_ALL = auto()
    """A message or, with the word ``all``, all that the command may be about."""
    POINT = auto()
    """A point in time: a version, a message's link or id, an age such as ``2h``, or an ISO time."""
    PERSON = auto()
    EVENT_TYPES = auto()
    """Types of events: one in Discord, any number on the command line."""
    TEXT = auto()
    MODEL = auto()
    """One of the models that can be chosen."""
    NUMBER = auto()
    FLAG = auto()
    """On or off; only on the command line."""
    CURSOR = auto()
    """The page; in Discord buttons turn it."""
    PAGE_SIZE = auto()
    """Lines of a page; in Discord as many as fit in a message."""


WHOLE_CHANNELS = frozenset({Kind.CHANNEL, Kind.CHANNEL_OR_LOG})
MESSAGES = frozenset({Kind.MESSAGE, Kind.MESSAGE_OR_ALL})
SEEN_CHANNELS = frozenset({Kind.VISIBLE_CHANNELS, Kind.READABLE_CHANNELS})
PLACES = WHOLE_CHANNELS | SEEN_CHANNELS | {Kind.PLACE}
_DISCORD_ALONE = (PLACES - WHOLE_CHANNELS) | {Kind.SERVER_OR_ALL}
_TERMINAL_ALONE = frozenset({Kind.FLAG, Kind.CURSOR, Kind.PAGE_SIZE})
_ARGUMENTS = MappingProxyType(
    {
        Kind.CHANNEL: "channel_id",
        Kind.CHANNEL_OR_LOG: "channel_id",
        Kind.VISIBLE_CHANNELS: "channels",
        Kind.READABLE_CHANNELS: "channels",
        Kind.SERVER_OR_ALL: "guild_id",
        Kind.MESSAGE: "message_id",
        Kind.MESSAGE_OR_ALL: "message_id",
        Kind.EVENT_TYPES: "types",
        Kind.PAGE_SIZE: "size",
    }
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a command.

    ``text`` describes it in Discord, ``help`` on the command line ("": as in Discord). ``least`` and ``most`` are the
    limits of a number, or of the characters of a text. ``called`` is the name of the function's argument, if that does
    not follow from the kind or the name. ``in_discord``: it is an option there.
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
        """Return the name of the argument of the command's function."""
        return self.called or _ARGUMENTS.get(self.kind, self.name)

    @property
    def is_option(self) -> bool:
        """Tell whether it is an option in Discord."""
        return self.in_discord and self.kind not in _TERMINAL_ALONE

    @property
    def terminal_help(self) -> str:
        """Return its description on the command line."""
        return self.help or self.text


@dataclass(frozen=True, slots=True)
class Either:
    """Parameters of which exactly one has to be given; ``missing`` is the sentence in Discord if it is not so."""

    names: tuple[str, ...]
    missing: str


class Topic(Enum):
    """The subjects of commands; the value is the text in the README."""

    KNOWN = "what the bot knew, now or then; what happened; what changed between two points"
    WHY = (
        "the events from a message to its reply with their times, the rule or the model, how the sending was confirmed"
    )
    MEMORY = "take the bot's memory of a channel back, after a preview; nothing is sent again, and undo brings it back"
    ANEW = "have an answer composed anew; show what the present settings would answer, and send nothing"
    UNSENT = "replies that are not sent, with reasons; try again, let go, hold, go on"
    LOG = "check the log, fold it anew, write it out, see how it is"
    PRIVACY = (
        "for everybody: what is kept of one's words, as a file; have it erased; have none recorded from now on; "
        "`forget` is for moderators"
    )
    PAGE = "a link to the page of conversations, as they were at any time, with the channels that one can see"
    ACTIVITY = "messages, people, replies, how soon these came, what got none; as text and as a picture"
    WORDS = "what people and the bot wrote in the last days, by words, in the channels that one can see"
    MODEL = "who a language model is, and which one answers, in a channel, thread or server; tokens and cost"


@dataclass(frozen=True, slots=True)
class Command:
    """A command. Discord's, the command line's and the control socket's form are made from it.

    ``text`` describes it in Discord (100 characters), ``help`` on the command line ("": as in Discord). ``writes``: it
    needs the log's writing side. ``long``: it reads for a long time, so the command line carries it out itself beside a
    running bot. ``composes``: it asks a responder, so it may need a model's key. ``preview`` reports what the command
    would change, and with ``changed`` in its data whether it would change anything; the person confirms it after that.
    ``undo`` takes back what it did, which a button under the report offers: it has the same arguments and, as ``of``,
    the version in the report's data.
    ``for_all``: everybody may use it, and it is about the asker. ``twin``: it may exist outside of Discord, too.
    ``exports``: its answer is a file in pieces; each says where the next begins. ``menu`` is its entry in the menu of a
    message ("": none). ``group`` is the group that it is in ("": none).
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
    undo: Run | None = None
    for_all: bool = False
    twin: bool = True
    exports: bool = False
    either: Either | None = None
    menu: str = ""
    group: str = REPLAY

    @property
    def setting(self) -> str:
        """Return its name in the settings' ``[moderation.commands]``: its group's, or its own in ``/replay``."""
        return self.name if self.group in ("", REPLAY) else self.group

    @property
    def has_twin(self) -> bool:
        """Tell whether the command also exists outside of Discord."""
        here_alone = self.for_all or not self.twin
        return not here_alone and _DISCORD_ALONE.isdisjoint(parameter.kind for parameter in self.parameters)

    @property
    def label(self) -> str:
        """Return the text of the button that confirms it."""
        return self.name.replace("-", " ").capitalize()

    @property
    def full_name(self) -> str:
        """Return its name in the settings and in the log, with its group unless that is ``/replay``."""
        return self.name if self.group in ("", REPLAY) else f"{self.group} {self.name}"

    @property
    def previewing(self) -> Command | None:
        """Return the command that previews this one, or None if it has no preview."""
        return self.preview and replace(self, name=f"preview_{self.name}", run=self.preview, preview=None, writes=False)

    @property
    def undoing(self) -> Command | None:
        """Return the command that takes this one back, or None if there is none."""
        return self.undo and replace(self, name=f"undo_{self.name}", run=self.undo, preview=None, undo=None)

    @property
    def choices(self) -> tuple[Parameter, ...]:
        """Return its parameters that exclude each other."""
        return tuple(each for each in self.parameters if self.either and each.name in self.either.names)

    def takes(self, argument: str) -> bool:
        """Tell whether the function has an argument of this name."""
        return argument in inspect.signature(self.run).parameters

    def of_kind(self, *kinds: Kind) -> tuple[Parameter, ...]:
        """Return its parameters of these kinds."""
        return tuple(parameter for parameter in self.parameters if parameter.kind in kinds)
