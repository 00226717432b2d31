"""The demo's script: who says what where. Pure: the same seed gives the same chat."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core.parts import split

PEOPLE = ("alice", "bob", "carol", "dave", "erin")
OTHER_BOT = "weather-bot"
LONG_WORD = "manual"
"""The fact whose answer needs more than one message."""

RULES = """
[[rules]]
match = '!(?P<word>[a-z0-9-]+)'
facts = "demo_facts.json"
reply = "{fact}"

[[rules]]
match = 'what (?:is|are) (?:the |an? )?(?P<word>[a-z0-9-]+)\\?'
ignore_case = true
facts = "demo_facts.json"
reply = "{author}, {word}: {fact}"

[[rules]]
match = 'thanks?\\b.*'
ignore_case = true
reply = "You are welcome, {author}."
"""

FIXED = 19
"""The number of posts in even the shortest story: last words, and what the acts add themselves."""

_CHATTER = (
    "morning, everyone",
    "has anybody seen my umbrella?",
    "I think the build is green again",
    "brb",
    "that meeting could have been a message",
    "who broke the coffee machine",
    "it was like that when I came",
    "ok, so this works on my machine",
    "ship it",
    "let's not ship it on a Friday",
    "does anyone have a minute for a review?",
    "looks good to me 👍",
    "I will write that down somewhere",
    "there is cake in the kitchen 🍰",
    "there was cake in the kitchen",
    "can we talk about the naming of things again",
    "no",
    "the tests are flaky, or I am",
    "reading the docs now, wish me luck",
    "found it: it was a comma",
)
_UNKNOWN = ("how will the weather be?", "can you sing?", "tell me a joke", "are you there?")
_STORMS = ("Storm warning until 6 pm.", "12 degrees, light rain.", "!uptime", "Wind from the west.")


class Spot(StrEnum):
    """The places where the demo's people talk."""

    GENERAL = "general"
    HELP = "help"
    RANDOM = "random"
    THREAD = "thread"
    DM = "dm"


@dataclass(frozen=True, slots=True)
class Post:
    """A message to post; ``parts`` is the number of messages in the bot's answer.

    ``addressed`` tells whether it is addressed to the bot, which then answers or records why not.
    """

    place: Spot
    author: str
    content: str
    mention: bool = False
    addressed: bool = False
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """The posts of each act."""

    talk: tuple[Post, ...]
    aside: tuple[Post, ...]
    burst: tuple[Post, ...]
    away: tuple[Post, ...]
    farewell: tuple[Post, ...]

    @property
    def posts(self) -> tuple[Post, ...]:
        """Return every post."""
        return (*self.talk, *self.aside, *self.burst, *self.away, *self.farewell)

    @property
    def busiest(self) -> int:
        """Return the number of messages that the bot has to send to the busiest place."""
        return max(
            Counter({place: sum(post.parts for post in self.posts if post.place is place) for place in Spot}).values()
        )


class ScriptWriter:
    """Writes posts from a seed."""

    def __init__(self, seed: int, facts: Mapping[str, str]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a script, not a secret
        self._facts = facts
        self._words = [word for word in facts if word != LONG_WORD]

    def story(self, messages: int) -> Script:
        """Return a story of about ``messages`` messages."""
        public = (Spot.GENERAL, Spot.HELP, Spot.RANDOM)
        free = max(0, messages - FIXED)
        return Script(
            talk=self._mixed(public, free * 30 // 100),
            aside=self._mixed((Spot.THREAD, Spot.DM), free * 15 // 100),
            burst=self._mixed(public, free * 40 // 100, asking=0.7),
            away=(*self._mixed(tuple(Spot), free * 15 // 100), *self.last_words(Spot)),
            farewell=self.last_words(Spot),
        )

    def ask(self, place: Spot, word: str = "") -> Post:
        """Write a question that the bot answers."""
        author = PEOPLE[0] if place is Spot.DM else self._random.choice(PEOPLE)
        word = word or self._random.choice(self._words)
        if word == LONG_WORD or self._random.random() < 0.5:  # noqa: PLR2004 - a coin
            post = Post(place, author, f"!{word}", parts=len(split(self._facts[word])))
        else:
            post = Post(place, author, f"what is {word}?", parts=1)
        mention = place is not Spot.DM and self._random.random() < 0.5  # noqa: PLR2004 - a coin
        return replace(post, addressed=True, mention=mention)

    def last_words(self, places: Iterable[Spot]) -> tuple[Post, ...]:
        """Write a question for each place. Once it is answered, everything before it in that place is recorded."""
        return tuple(self.ask(place) for place in places)

    def _mixed(self, places: Sequence[Spot], number: int, asking: float = 0.5) -> tuple[Post, ...]:
        return tuple(self._one(self._random.choice(places), asking) for _ in range(number))

    def _one(self, place: Spot, asking: float) -> Post:
        chance = self._random.random()
        if chance < asking:
            return self.ask(place)
        if place is Spot.DM:
            return Post(place, PEOPLE[0], self._random.choice(_UNKNOWN), addressed=True)
        author = self._random.choice(PEOPLE)
        if chance > 0.95:  # noqa: PLR2004 - now and then
            return Post(place, author, self._random.choice(_UNKNOWN), mention=True, addressed=True)
        if chance > 0.9:  # noqa: PLR2004 - now and then
            storm = self._random.choice(_STORMS)
            return Post(place, OTHER_BOT, storm, addressed=storm.startswith("!"))
        return Post(place, author, self._random.choice(_CHATTER))
