"""The events about a message as bars."""

from __future__ import annotations

from bot.core import events as e
from bot.core.reply_record import ReplyRecord
from bot.moderation.explain import Story
from bot.moderation.text import Line
from bot.page.why import waterfall
from tests.page.conftest import ASKED, BOB, composed


def test_what_comes_long_after_an_answer_has_a_bar_at_the_end() -> None:
    """And makes the others no smaller."""
    posted = e.MessageReceived(message_id=ASKED, author_id=BOB, sent_at=0)
    edited = e.MessageEdited(message_id=ASKED, author_id=BOB, edited_at=1)
    deleted = e.MessageDeleted(message_id=ASKED)
    happened = ((posted, 0), (composed(ASKED, "tea").event, 10), (edited, 1000), (deleted, 2000))
    lines = [
        Line(e.Recorded(at, "channel:1", at, moment, event, None, None), None)
        for at, (event, moment) in enumerate(happened, 1)
    ]

    steps = waterfall(Story(ASKED, tuple(lines), ReplyRecord(), None))

    assert [(step.begins, step.lasts) for step in steps] == [(0, 0.6), (0, 100), (99.4, 0.6), (99.4, 0.6)]
