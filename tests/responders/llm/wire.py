"""A server that answers with given bytes: what real servers send, and what no server should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request: its method, its path, and the JSON it brought."""

    method: str
    path: str
    body: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Return about how many tokens the prompt has."""
        return len(json.dumps(self.body.get("messages", ""))) // 3


Answering = Callable[[Asked], bytes]


@dataclass
class Wire:
    """Answers each request as it is told, with a whole HTTP response, and hangs up."""

    answering: Answering
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def prompts(self) -> list[Asked]:
        """Return the requests for answers."""
        return [asked for asked in self.asked if asked.path.endswith("/chat/completions")]

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Wire]:
        """Listen while the context lasts."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self
        finally:
            server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lengths = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
            data = await reader.readexactly(int(lengths[0].partition(":")[2])) if lengths else b""
            method, path, _ = head.split(" ", 2)
            asked = Asked(method, path, json.loads(data) if data else {})
            self.asked.append(asked)
            writer.write(self.answering(asked))
            await writer.drain()
        writer.close()


def response(body: bytes | str | object, status: int = 200, kind: str = "application/json") -> bytes:
    """Return a whole response; what is neither bytes nor text becomes JSON."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def events(*pieces: bytes | str | object) -> bytes:
    """Return a stream of events whose end is that of the connection; pieces that are no bytes become events."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    data = [
        piece
        if isinstance(piece, bytes)
        else b"data: " + (piece if isinstance(piece, str) else json.dumps(piece)).encode() + b"\n\n"
        for piece in pieces
    ]
    return head.encode() + b"".join(data)


def chunk(delta: object, finish: object = None, **more: object) -> dict[str, Any]:
    """Return one piece of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice], **more}


USAGE = {"prompt_tokens": 50, "completion_tokens": 3, "total_tokens": 53}
TEXT = "All is well."


def well(asked: Asked) -> bytes:
    """Return a right answer, streamed where it was asked for so."""
    if not asked.body.get("stream"):
        message = {"role": "assistant", "content": TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]}
        return response(whole | {"usage": USAGE})
    counted = chunk({}, usage=USAGE) | {"choices": []}
    return events(
        chunk({"role": "assistant", "content": "All "}),
        chunk({"content": "is well."}),
        chunk({}, "stop"),
        counted,
        "[DONE]",
    )
