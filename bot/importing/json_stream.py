"""Large JSON files, value by value.

The standard library decodes each value, so an element that is damaged costs that element alone, and a file that is cut
gives what it holds. (The parsers that stream tokens, as ijson, end at the first fault. They hold the path to the
present token as text, so 100 KB of opening brackets take all memory.)
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from enum import Enum
from json import JSONDecodeError, JSONDecoder
from typing import IO, Any

CHUNK = 2**20
"""Bytes that are read at once."""
LARGEST = 2**26
"""Characters of a value. What Discord allows in a message takes some hundred thousand."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NEAR_THE_END = 16
"""Characters from the end within which an error, or a number, may be that of a value that goes on in the next piece."""
_START = 200
"""Characters in which the beginning of an element is recognised."""
_NUMBERS = (int, float)
_decode = JSONDecoder().raw_decode


class Fault(Enum):
    """What stands in the place of an element that can't be read."""

    BROKEN = "it is no JSON"
    CUT = "the file ends here"


class NoJson(ValueError):
    """A value is no JSON, or the file ends within it."""


class JsonStream:
    """Reads a file in UTF-8, with a byte order mark or without; other bytes become replacement characters."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = getincrementaldecoder("utf-8-sig")(errors="replace")
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, character: str) -> bool:
        """Pass the next character that is no space if it is this one; tell whether it was."""
        there = self.peek() == character
        self._at += there
        return there

    def value(self) -> Any:  # noqa: ANN401 - JSON
        """Return the next value; raise NoJson when there is none, or it is longer than any that is believed."""
        self.peek()
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except JSONDecodeError as error:
                if not (self._may_go_on(error) and len(self._text) - self._at < LARGEST and self._fill()):
                    # Its message would quote what people wrote.
                    raise NoJson from None
            except (ValueError, RecursionError):
                raise NoJson from None
            else:
                length = end - self._at
                if type(value) in _NUMBERS and end + _NEAR_THE_END >= len(self._text) and self._fill():
                    continue  # it may go on in the next piece
                self._at += length
                return value

    def members(self) -> Iterator[str]:
        """Yield the names of an object, whose brace was passed. Whoever takes one has to read its value, too."""
        while not self.take("}"):
            name = self.value()
            if not isinstance(name, str) or not self.take(":"):
                raise NoJson
            yield name
            self.take(",")

    def elements(self, start: re.Pattern[str]) -> Iterator[Any]:
        """Yield the elements of a list, whose bracket was passed, with a Fault for what can't be read.

        After a broken element it goes on where ``start`` matches: that is how an element begins.
        """
        while not self.take("]"):
            try:
                yield self.value()
            except NoJson:
                if not self._skip_to(start):
                    yield Fault.CUT
                    return
                yield Fault.BROKEN
            self.take(",")

    def _skip_to(self, start: re.Pattern[str]) -> bool:
        """Go to where ``start`` matches next, beyond the present character; tell whether it does."""
        self._at += 1
        while True:
            if found := start.search(self._text, self._at):
                self._at = found.start()
                return True
            self._at = max(self._at, len(self._text) - _START)
            if not self._fill():
                return False

    def _may_go_on(self, error: JSONDecodeError) -> bool:
        """Tell whether the value may be whole once more of the file is read."""
        return error.msg.startswith("Unterminated string") or error.pos + _NEAR_THE_END >= len(self._text)

    def _fill(self) -> bool:
        """Read more, at least as much as is waiting, so that a long value is decoded few times; False at the end."""
        left = self._text[self._at :]
        data = self._file.read(max(CHUNK, len(left)))
        self._text, self._at = left + self._decoder.decode(data, final=not data), 0
        return bool(data)
