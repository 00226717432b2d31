"""What a message costs on disk, with its share of replies, beside its JSON on Discord's wire and in the recording."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

import aiohttp

from benchmarks.bots import NO_LIMITS
from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench
from benchmarks.compare.chat import Chat, Line
from benchmarks.compare.figures import Row, Samplings, Target
from benchmarks.compare.stores import bytes_on_disk
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.sandbox.process import SandboxProcess, sandbox_process

FACTS = "factoids.json"
_ASKED = re.compile(r"!(?P<word>[a-z0-9-]+)\b.*", re.DOTALL)
_INTENTS = (1 << 0) | (1 << 9) | (1 << 15)
"""Servers, their messages, and what they say."""

AT_ONCE = 500


async def disk(bench: Bench) -> list[Row]:
    """Measure bytes per message: everything that happened to it, snapshots and seals included."""
    wire = await _wire_bytes(bench.chat.lines[: bench.pick(5000, 500)])
    count = bench.pick(len(bench.chat.lines), 3000)
    raw = mean(len(line.raw.encode()) for line in bench.chat.lines[:count])
    seen = Samplings()
    answered = 0
    for _ in bench.rounds("disk"):
        folder = bench.place("disk")
        answered = await _record(folder, bench.chat, count, _facts(bench.text))
        seen.add("ours", bytes_on_disk(folder) / count)
        seen.add("wire", wire)
        seen.add("raw", raw)
    what = f"disk per message, of {count:,}"
    note = f"with {answered} replies"
    return [
        Row(what, "bytes", seen["ours"], "MESSAGE_CREATE on the wire, mean", seen["wire"], Target(3), note),
        Row(what, "bytes", seen["ours"], "the recording's own JSON, mean", seen["raw"], None, note),
    ]


def _facts(text: Path) -> dict[str, str]:
    path = text.with_name(FACTS)
    facts: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return facts


async def _record(folder: Path, chat: Chat, count: int, facts: dict[str, str]) -> int:
    """Record ``count`` lines of chat as the bot would, with the facts that were asked for, and return how many were."""
    channels = {name: number for number, name in enumerate(dict.fromkeys(line.channel for line in chat.lines), 1)}
    answered = 0
    async with echoless.opened(folder) as log:
        conversations = Conversations(log)
        for first in range(0, count, AT_ONCE):
            futures = []
            for number in range(first, min(first + AT_ONCE, count)):
                line = chat.lines[number]
                commands = list(_commands(chat, number, _fact(line, facts)))
                answered += len(commands) > 1
                futures += [conversations.submit(channels[line.channel], command) for command in commands]
            await asyncio.gather(*futures)
        await conversations.close()
    return answered


def _fact(line: Line, facts: dict[str, str]) -> str | None:
    match = None if line.bot else _ASKED.fullmatch(line.content)
    return facts.get(match["word"]) if match else None


def _commands(chat: Chat, number: int, fact: str | None) -> Iterator[c.Command]:
    event, body = chat.received(number)
    yield c.Receive(event, body, e.Call.RULE if fact else None, "rules")
    if fact:
        yield c.Compose(
            e.ReplyComposed(message_id=event.message_id, parts=1, responder="rules", rule="1"), e.Body(parts=(fact,))
        )
        yield c.Confirm(event.message_id, 0, event.message_id + 1, e.Proof.RESPONSE)


async def _wire_bytes(lines: Sequence[Line]) -> float:
    """Return the mean size of what the gateway sends for a message, uncompressed."""
    async with (
        sandbox_process(NO_LIMITS) as sandbox,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10&encoding=json", max_msg_size=0) as websocket,
    ):
        await websocket.receive()
        properties = {"os": "linux", "browser": "benchmark", "device": "benchmark"}
        identify = {"token": sandbox.token, "intents": _INTENTS, "properties": properties}
        await websocket.send_json({"op": 2, "d": identify})
        posting = asyncio.create_task(_post(sandbox, lines))
        sizes = await _sizes(websocket, len(lines))
        await posting
    return mean(sizes)


async def _sizes(websocket: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
    sizes: list[int] = []
    async with asyncio.timeout(300):
        while len(sizes) < count:
            text = await websocket.receive_str()
            if json.loads(text)["t"] == "MESSAGE_CREATE":
                sizes.append(len(text.encode()))
    return sizes


async def _post(sandbox: SandboxProcess, lines: Sequence[Line]) -> None:
    await sandbox.control.wait_for_ready()
    for first in range(0, len(lines), AT_ONCE):
        await sandbox.control.post_many(
            {"author": f"a-{line.author}", "content": line.content} for line in lines[first : first + AT_ONCE]
        )
