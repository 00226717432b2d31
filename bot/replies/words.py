"""The words of the bot's own that stand below an answer, on its buttons, and in what it says to whoever presses one.

This is the one list of them; the settings replace any (``replies.words``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Word: TypeAlias = Literal[
    "length",
    "time",
    "filter",
    "lost",
    "stopped",
    "stop",
    "go_on",
    "again",
    "why",
    "writing_on",
    "writing_anew",
    "stopping",
    "not_yours",
    "complete",
    "busy",
    "pressed",
    "gone",
    "rewound",
    "erased",
    "paused",
    "limit",
    "failed",
]

WORDS: Mapping[Word, str] = {
    # Below a cut answer.
    "length": "This is as long as an answer may be.",
    "time": "This is as far as I came in the time I have.",
    "filter": "A filter ended this answer.",
    "lost": "This answer broke off: the model could not be reached any more.",
    "stopped": "This answer was stopped.",
    # On a button.
    "stop": "Stop",
    "go_on": "Go on",
    "again": "Again",
    "why": "Why?",
    # To whoever presses one, and nobody else.
    "writing_on": "I go on with that answer: the rest will stand below it.",
    "writing_anew": "I answer that anew, in the same place: it will take a moment.",
    "stopping": "I stop there.",
    "not_yours": "Only whoever asked that, or a moderator, may press this.",
    "complete": "That answer is complete: there is nothing left to stop.",
    "busy": "I am still at work on that answer: press this once it is done.",
    "pressed": "That was asked for already: this button belongs to an earlier answer.",
    "gone": "I know of no such answer here: ask your question again.",
    "rewound": "That answer is no part of this conversation any more: ask your question again.",
    "erased": "The words of that question or answer are erased: ask your question again.",
    "paused": "I answer nothing here for now: ask your question again later.",
    "limit": "You have asked for more than I can answer just now: try it again later.",
    "failed": "I could not take that down: press it again in a minute.",
}
