"""Streams of lines: server-sent events, and JSON lines, cut out of bytes as they come."""

from __future__ import annotations

from collections.abc import Iterator

from bot.responders.http.forms import LONGEST_LINE, PAGE, Unreadable

_MARK = b"\xef\xbb\xbf"


class Lines:
    """Cuts bytes into lines, which end with CR, LF or both."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._length = 0
        self._first = True
        self._after_cr = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that are complete; raise Unreadable if one does not end."""
        if self._after_cr:
            data, self._after_cr = data.removeprefix(b"\n"), not data
        *lines, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._after_cr = self._after_cr or data.endswith(b"\r")
        for line in lines:
            yield self._whole(line)
        self._begun.append(rest)
        self._length += len(rest)
        if self._length > LONGEST_LINE:
            raise Unreadable(f"a line of its stream has more than {LONGEST_LINE} bytes: {PAGE} shows lines")

    def _whole(self, end: bytes) -> bytes:
        line = b"".join((*self._begun, end))
        self._begun.clear()
        self._length = 0
        if self._first:
            line, self._first = line.removeprefix(_MARK), False
        return line


class Events:
    """Takes the data of server-sent events out of lines.

    Source: html.spec.whatwg.org, server-sent events, "Interpreting an event stream". Names, ids and comments are
    passed over; an event that no blank line ends is none.
    """

    def __init__(self) -> None:
        self._data: list[bytes] = []

    def feed(self, line: bytes) -> bytes | None:
        """Take a line; return the data of the event that it ends, if it ends one that has any."""
        if not line:
            data, self._data = b"\n".join(self._data), []
            return data or None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        return None


class JsonLines:
    """Takes objects out of lines, one in each; blank lines are signs of life."""

    def feed(self, line: bytes) -> bytes | None:
        """Return the line, if it holds anything."""
        return line.strip() or None
