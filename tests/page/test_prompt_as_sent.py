"""The prompt on the page, beside the one that a model was really sent."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.cli.page import contexts_of
from bot.core import events as e
from bot.moderation.context import CommandContext
from bot.page.serving import serve
from bot.page.site import Site
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch, settings
from tests.page.conftest import Served
from tests.responders.llm.made_files import picture
from tests.responders.llm.model_server import ModelServer, Script

TOOLS = """
from bot.responders import Asking, tool


@tool(idempotent=True)
async def dice(sides: int, asking: Asking) -> str:
    '''Throw a die.'''
    return f"{asking.author} throws a {sides}."
"""
CHEESE = "the moon is made of cheese"
PICTURE = picture()
FILES = [
    {"filename": "notes.txt", "content_type": "text/plain", "content": CHEESE},
    {"filename": "moon.png", "content_type": "image/png", "base64": b64encode(PICTURE).decode()},
    {"filename": "song.mp3", "content_type": "audio/mpeg", "content": "la la la"},
]
LABELS = {"system": "Instructions", "user": "People", "assistant": "The bot", "tool": "Tool dice"}
Told = list[tuple[str, list[str]]]
"""Who says it, and each paragraph, of each message."""


def sent(messages: Sequence[dict[str, Any]]) -> Told:
    """Return what a model was sent, as the page is to show it: what the log does not keep by what is known of it."""
    return [_sent(message) for message in messages]


def _sent(message: dict[str, Any]) -> tuple[str, list[str]]:
    content, calls = message.get("content") or [], [each["function"] for each in message.get("tool_calls") or ()]
    pieces = [{"type": "text", "text": content}] if isinstance(content, str) else content
    paragraphs = [
        piece["text"].replace(CHEESE, "[text/plain, 26 bytes, not kept in the log]")
        if piece["type"] == "text"
        else f"Picture moon.png: image/png, {len(PICTURE)} bytes, not kept in the log"
        for piece in pieces
    ]
    label = LABELS[message["role"]] + "".join(f", calling {call['name']}" for call in calls)
    return label, [*paragraphs, *(call["arguments"] for call in calls)]


def shown(page: str) -> Told:
    """Return the messages of a prompt on the page."""
    messages = re.findall(r'<details class="prompt"[^>]*><summary>(.*?)</summary>(.*?)</details>', page, re.DOTALL)
    paragraphs = re.compile(r"<p class=[^>]*>(.*?)</p>", re.DOTALL)
    return [(unescape(label), [unescape(each) for each in paragraphs.findall(rest)]) for label, rest in messages]


async def why(stack: AsyncExitStack, context: CommandContext, channel_id: str, message_id: str) -> str:
    """Return the page that tells why."""
    site = Site(lambda: (context,))
    served = Served(site, await stack.enter_async_context(serve(site, "127.0.0.1", 0)), stack)
    return (await (await served.signed_in()).get(f"/channel/{channel_id}/why/{message_id}")).text


async def test_it_is_what_the_model_was_sent(
    launch: Launch,
    sandbox: Sandbox,
    control: ControlClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a quote, a turn that was edited later, calls of tools and files; what came later changes nothing."""
    (tmp_path / "games.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ModelServer().serve())
        sections: dict[str, object] = {
            "replies": {"responder": "llm", "window": 2},
            "llm": {
                "model": "openai:tiny",
                "base_url": server.url,
                "images": True,
                "context_tokens": 20_000,
                "tools": {"allow": {"games:dice": "*"}},
            },
        }
        bot = await launch(**sections)
        server.scripts += (Script(["Hm."], calls=[("dice", '{"sides":6}')]), Script(["Blue, and six."]))
        quoted = await control.post("the plums are blue")
        await control.post("something", author="bob")
        turn = await control.post("something else", author="bob")
        await control.post("and more", author="bob")
        asked = await control.post("which colour?", mention="sandbox-bot", reply_to=quoted["id"], attachments=FILES)
        await bot.judge.expect(e.ReplyCompleted)
        for each in (quoted, turn):
            await control.edit(each["id"], "plums are green")
        await bot.judge.expect(e.MessageEdited, 2)

        pages = [await why(stack, bot.bot.context, asked["channel_id"], asked["id"])]
        config = settings(sandbox, tmp_path / "log", sections)
        contexts = await stack.enter_async_context(contexts_of(config))
        pages.append(await why(stack, contexts[0], asked["channel_id"], asked["id"]))

    running, at_rest = map(shown, pages)
    expected = sent(server.requests[-1].body["messages"])
    assert running == expected
    assert at_rest[1:] == expected[1:]
