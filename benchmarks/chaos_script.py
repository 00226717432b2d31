"""What a chaos run plays: who says what where, when the bot is killed, when something else goes wrong. From a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice
from pathlib import Path

from benchmarks.chaos_settings import LONG_WORD
from benchmarks.chaos_troubles import OUTAGES, PLACES, TROUBLES, Outage, Place, Trouble
from bot.sandbox.json_codec import Json

CHANNELS = tuple(f"chaos-{number}" for number in range(8))
THREAD = "chaos-thread"
DM = "dm"
DM_PERSON = "dana"

ASKING = 0.1
"""The share of messages that are addressed to the bot."""

_WORDS = ("sudo", "grub", "apt", "wine", "flash", "nvidia", "mp3", "root", "paste", "swap")
_RECORDINGS = Path(__file__).parents[1] / ".." / "shared" / "data" / "ubuntu-irc" / "channels.jsonl"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is made of; ``model``: a model answers what no rule does."""

    messages: int
    kills: int
    troubles: int
    failures: float
    nonce_window: float
    seed: int
    model: bool

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"nonce window {self.nonce_window:g} s, {'rules and a model' if self.model else 'rules'}"


@dataclass(frozen=True, slots=True)
class Line:
    """One message of recorded chat."""

    author: str
    content: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One message to post; ``asks`` tells whether it is addressed to the bot."""

    channel: str
    author: str
    content: str
    mention: bool = False
    asks: bool = False

    def to_json(self, channels: Mapping[str, str], bot_id: str) -> Json:
        """Return it as the sandbox's control API takes it; ``channels`` gives the ids."""
        mention = bot_id if self.mention else None
        return {
            "channel": channels[self.channel],
            "author": self.author,
            "content": self.content,
            "mention": mention,
        }


class Moment(StrEnum):
    """What a life's length counts from."""

    START = "start"
    READY = "ready"
    """The gateway's READY, from which discord.py takes two more seconds to be ready itself."""


@dataclass(frozen=True, slots=True)
class Life:
    """How long one process lives: ``seconds`` from a moment on, or until its ``nth`` request of a kind."""

    since: Moment = Moment.START
    seconds: float = 0.0
    place: Place | None = None
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Incident:
    """A trouble that comes when so much of the run (0 to 1) is over; ``offset``: seconds after it."""

    progress: float
    trouble: Trouble | Outage
    offset: float


def recorded_chat(seed: int) -> list[Line]:
    """Return real chat where it is at hand, else words of about such lengths."""
    if not _RECORDINGS.is_file():
        return _invented(seed)
    with _RECORDINGS.open(encoding="utf-8") as file:
        rows = [json.loads(row) for row in file]
    return [Line(_name(row["author"]), row["content"], row["bot"]) for row in rows if row["content"].strip()]


def posts(seed: int, count: int, chat: Sequence[Line], *, model: bool = True) -> list[Post]:
    """Return what is posted, in order: chat, with questions to the bot strewn in; some of them are a model's."""
    chance = random.Random(f"posts {seed}")  # noqa: S311 - a script, not a secret
    return [_post(chance, chat[number % len(chat)], model=model) for number in range(count)]


def lives(seed: int, kills: int) -> list[Life]:
    """Return how long each process lives that is killed.

    Half of them die inside a request. Of the others, many die while they start and log in; half in the first second
    after they are ready, when they read what they missed and look for what they sent; a few live long enough for
    connections to break and come back.
    """
    chance = random.Random(f"lives {seed}")  # noqa: S311 - a script, not a secret
    places = list(islice(cycle(chance.sample(PLACES, len(PLACES))), (kills + 1) // 2))
    inside = [Life(place=place, nth=chance.randint(1, 2)) for place in places]
    all_of_them = [*inside, *(_life(chance) for _ in range(kills - len(inside)))]
    chance.shuffle(all_of_them)
    return all_of_them


def incidents(seed: int, count: int, *, model: bool = True) -> list[Incident]:
    """Return when something goes wrong, and what; ``model``: with a model, too."""
    chance = random.Random(f"incidents {seed}")  # noqa: S311 - a script, not a secret
    moments = sorted(chance.random() for _ in range(count))
    kinds: tuple[Trouble | Outage, ...] = (*OUTAGES, *TROUBLES) if model else TROUBLES
    troubles = list(islice(cycle(kinds), count))
    chance.shuffle(troubles)
    return [
        Incident(moment, trouble, chance.uniform(0, 2.5)) for moment, trouble in zip(moments, troubles, strict=True)
    ]


def _post(chance: random.Random, line: Line, *, model: bool) -> Post:
    channel = chance.choice((*CHANNELS, THREAD))
    if line.bot or chance.random() >= ASKING:
        return Post(channel, line.author, line.content)
    word = chance.choice(_WORDS)
    kind = chance.random()
    if kind < 0.08:  # noqa: PLR2004 - now and then
        return Post(channel, line.author, f"!{LONG_WORD}", asks=True)
    if kind < 0.5:  # noqa: PLR2004 - half of them
        return Post(channel, line.author, f"!{word}", asks=True)
    if kind < 0.75:  # noqa: PLR2004 - most of the rest
        return Post(channel, line.author, f"what is {word}?", mention=True, asks=True)
    if kind < 0.85:  # noqa: PLR2004 - now and then
        return Post(DM, DM_PERSON, f"what is {word}?", asks=True)
    return Post(channel, line.author, line.content if model else f"what is {word}?", mention=True, asks=True)


def _life(chance: random.Random) -> Life:
    kind = chance.random()
    if kind < 0.4:  # noqa: PLR2004 - many
        return Life(Moment.START, chance.uniform(0.2, 2.5))
    if kind < 0.9:  # noqa: PLR2004 - half
        return Life(Moment.READY, 1.9 + chance.uniform(0, 0.9))
    return Life(Moment.READY, 2.0 + chance.uniform(1, 5))


def _name(author: str) -> str:
    """Return a name that the control API does not take for an id."""
    return f"{author}_" if author.isdecimal() else author


def _invented(seed: int) -> list[Line]:
    chance = random.Random(f"chat {seed}")  # noqa: S311 - a script, not a secret
    return list(_lines(chance))


def _lines(chance: random.Random) -> Iterator[Line]:
    for _ in range(5000):
        words = 1 + int(chance.expovariate(1 / 10))
        content = " ".join("".join(chance.choices("etaoinshrdlu", k=chance.randint(1, 9))) for _ in range(words))
        yield Line(f"person-{chance.randrange(400)}", content)
