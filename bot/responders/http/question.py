"""What an answerer is sent: the question with its history as JSON. ``docs/howto/http-answerer.md`` describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bot.core.seen import with_names
from bot.responders.protocol import Attached, Context, Question, Utterance
from bot.times import iso_time

VERSION = 1
"""The version of the form. It is raised when a field goes or means something else, and not when one comes."""

Json: TypeAlias = dict[str, Any]


def question_body(question: Question, context: Context, limit: int) -> tuple[bytes, int]:
    """Return a question with its context, and how many of the oldest turns were left out to stay within ``limit``."""
    names = {**context.names, **question.names}
    turns = [_turn(turn, names) for turn in context.history]
    whole = _question(question, context, names)
    left = limit - len(_bytes(whole))
    kept = _newest(turns, left)
    return _bytes({**whole, "history": kept}), len(turns) - len(kept)


def check_body() -> bytes:
    """Return what asks an answerer whether it is there."""
    return _bytes({"version": VERSION, "type": "check"})


def rasa_body(question: Question, context: Context) -> bytes:
    """Return a question as Rasa's REST channel takes it: one dialogue for each person in each channel.

    Source: rasa.com/docs/reference/channels/your-own-website, "Request and Response Format", "Message Metadata".
    """
    said = with_names("\n".join(filter(None, (question.text, question.shown))), {**context.names, **question.names})
    about = {
        "key": context.key,
        "generation": context.generation,
        "rehearsal": context.rehearsal,
        "channel_id": str(question.channel_id),
        "message_id": str(question.message_id),
        "author": {"id": str(question.author_id), "name": question.author},
    }
    return _bytes({"sender": f"{question.channel_id}-{question.author_id}", "message": said, "metadata": about})


def _question(question: Question, context: Context, names: Mapping[str, str]) -> Json:
    return {
        "version": VERSION,
        "type": "question",
        "key": context.key,
        "generation": context.generation,
        "rehearsal": context.rehearsal,
        "now": iso_time(context.now) if context.now else None,
        "bot": context.bot_name,
        "persona": context.persona,
        "channel": {"id": str(question.channel_id), "topic": context.topic, "thread": context.thread},
        "question": {
            "id": str(question.message_id),
            "author": {"id": str(question.author_id), "name": question.author},
            "text": with_names(question.text, names),
            "raw": question.text,
            "shown": with_names(question.shown, names),
            "reply_to": _id(question.reply_to),
            "files": [_file(file) for file in question.files],
        },
        "so_far": context.so_far,
        "summary": context.summary,
        "quoted": [_turn(turn, names) for turn in context.quoted],
        "history": [],
    }


def _turn(turn: Utterance, names: Mapping[str, str]) -> Json:
    return {
        "id": str(turn.message_id),
        "author": {"id": _id(turn.author_id), "name": turn.author},
        "by_bot": turn.by_bot,
        "text": with_names(turn.text, {**turn.names, **names}),
        "reply_to": _id(turn.reply_to),
    }


def _file(file: Attached) -> Json:
    return {"id": str(file.id), "name": file.name, "type": file.content_type, "bytes": file.size}


def _id(number: int | None) -> str | None:
    """Return an id as a text: as a number, JavaScript would round it."""
    return str(number) if number else None


def _newest(turns: Sequence[Json], left: int) -> Sequence[Json]:
    """Return the newest turns whose JSON fits into so many bytes, with a comma behind each."""
    kept = len(turns)
    while kept and (left := left - len(_bytes(turns[kept - 1])) - 1) >= 0:
        kept -= 1
    return turns[kept:]


def _bytes(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
