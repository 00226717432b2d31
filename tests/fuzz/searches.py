"""What people may look for, and what may have been said: nothing is an error, and a text is found by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hypothesis import strategies as st

from bot.consumers import fulltext
from bot.core.events import Body, MessageReceived, Recorded
from bot.moderation.command import ModerationError
from bot.moderation.sought import Sought
from tests.fuzz.harness import Target
from tests.fuzz.odd import TEXTS

_SIGNS = st.text(st.sampled_from("ab東ไ한\"*-+:^(){}[]'NEAROT \t\n\x00\x1f\ud800“é\u0301\ufe0f"), max_size=20)


@contextmanager
def search_target() -> Iterator[Target]:
    """Yield what puts a text into an index, and looks for it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as index:
        fulltext.prepare(index)

        def search(text: str) -> None:
            event = MessageReceived(message_id=1, author_id=1, sent_at=1)
            fulltext.apply([Recorded(1, "channel:1", 1, 1, event)], {1: Body(parts=(text,))}, 0, 2**40, index)
            try:
                hits = fulltext.find(Sought(text), 9, index)
                if not hits and "*" not in text:
                    raise AssertionError("it is not found by itself")
            finally:
                index.execute("DELETE FROM messages")
                index.execute("INSERT INTO words (words) VALUES ('rebuild')")

        yield Target("search", st.one_of(TEXTS, _SIGNS), search, (ModerationError,), fit=str)
