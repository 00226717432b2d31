"""The forms of an answer, whole or streamed. ``docs/howto/http-answerer.md`` describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bot.responders.protocol import BETWEEN
from bot.responders.text import MAX_UNITS, UNWANTED, beginning, units_of

LONGEST_ANSWER = 4 * 2**20
"""Bytes of an answer, with all that is around its text."""
LONGEST_LINE = 2**20
"""Bytes of a line of a stream."""
MOST_MESSAGES = 20
PAGE = "docs/howto/http-answerer.md"


class Unreadable(Exception):
    """What came is no answer; the message is a clause that says why, without words of it."""


class Piece(NamedTuple):
    """What an answer grows by: ``text``, of a message that it ``begins`` or of the one before.

    ``done``: the answer is complete, and there is ``more`` of it for whoever asks.
    """

    text: str = ""
    begins: bool = False
    done: bool = False
    more: bool = False


def whole(data: bytes) -> Iterator[Piece]:
    """Yield the pieces of a whole answer: ``{"text": ...}`` or ``{"messages": [...]}``; raise Unreadable."""
    found = _object(data)
    if "messages" in found:
        messages = found["messages"]
        if not isinstance(messages, list):
            raise Unreadable(f'its "messages" are no list: {PAGE} shows one')
    elif "text" in found:
        messages = [found["text"]] if found["text"] is not None else []
    else:
        raise Unreadable(f'it has neither "text" nor "messages": {PAGE} shows both')
    for message in messages:
        yield Piece(begins=True)
        yield Piece(_text(message))
    yield Piece(done=True, more=_flag(found, "more"))


def streamed(data: bytes) -> Piece:
    """Return the piece that an object of a stream is; raise Unreadable."""
    found = _object(data)
    if not found.keys() & {"text", "next", "done"}:
        raise Unreadable(f'a part of the stream has none of "text", "next" and "done": {PAGE} shows them')
    text = _text(found["text"]) if "text" in found else ""
    return Piece(text, _flag(found, "next"), _flag(found, "done"), _flag(found, "more"))


def rasa(data: bytes) -> Iterator[Piece]:
    """Yield the pieces of an answer of Rasa's REST channel, a message for each; raise Unreadable.

    Buttons become lines, pictures and files their addresses. Source: rasa.com/docs/reference/channels/your-own-website.
    """
    found = _json(data)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unreadable("it is no list of messages as Rasa's REST channel has it: correct responders.http.url")
    for each in found:
        yield Piece(begins=True)
        yield Piece("\n".join(_lines(each)))
    yield Piece(done=True)


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(message.get("text"), str):
        yield message["text"]
    buttons = message.get("buttons")
    for button in buttons if isinstance(buttons, list) else ():
        if isinstance(button, dict) and isinstance(button.get("title"), str):
            yield f"- {button['title']}"
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    source = payload.get("src") if isinstance(payload, dict) else attachment
    yield from (address for address in (message.get("image"), source) if isinstance(address, str))


def _json(data: bytes) -> Any:  # noqa: ANN401 - anything that a server sent
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        # The words of this error may quote the answer.
        raise Unreadable(f"it is no JSON: {PAGE} shows what it has to be") from None


def _object(data: bytes) -> Mapping[str, Any]:
    found = _json(data)
    if not isinstance(found, dict):
        raise Unreadable(f"it is no JSON object: {PAGE} shows one")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"it has something in the place of a text that is none: {PAGE} shows one")
    return value


def _flag(found: Mapping[str, Any], name: str) -> bool:
    value = found.get(name, False)
    if not isinstance(value, bool):
        raise Unreadable(f'its "{name}" has to be true or false')
    return value


class Growing:
    """An answer that grows by pieces. ``full``: it is as long as an answer may be, and takes no more.

    What is shown never changes: blanks before a message are dropped, and a half of a character waits for the other.
    """

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._half = ""
        self._begins = True
        self._left = MAX_UNITS
        self.full = False

    @property
    def messages(self) -> tuple[str, ...]:
        """Return its messages so far."""
        return tuple(self._messages)

    def take(self, piece: Piece) -> str:
        """Return what a piece adds to the text."""
        if piece.begins:
            self._begins, self._half = True, ""
        text = self._clean(piece.text)
        if not self._begins:
            return self._add(text)
        text = text.lstrip()
        if not text or self.full:
            return ""
        if len(self._messages) == MOST_MESSAGES:
            self.full = True
            return ""
        gap = BETWEEN if self._messages else ""
        self._messages.append("")
        self._begins = False
        return gap + self._add(text)

    def _clean(self, text: str) -> str:
        """Return a text with its halves of characters joined: somebody may cut it between two of UTF-16."""
        joined = (self._half + text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        self._half = joined[-1:] if "\ud800" <= joined[-1:] <= "\udbff" else ""
        return str(UNWANTED.sub("", joined))

    def _add(self, text: str) -> str:
        units = units_of(text)
        if units > self._left:
            text, self.full = beginning(text, self._left), True
        self._left -= min(units, self._left)
        if self._messages:
            self._messages[-1] += text
        return text
