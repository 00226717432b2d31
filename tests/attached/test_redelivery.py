from __future__ import annotations

import asyncio
from pathlib import Path

import discord
from discord.ext import commands

from bot import Log
from bot.core.events import MessageReceived, ReplySent
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.attached.conftest import Connect, made
from tests.attached.test_kills import killed
from tests.attached.test_posts import said
from tests.waiting import eventually


async def test_what_a_kill_left_and_what_was_missed_is_given_to_the_handlers(
    connect: Connect, sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """Each once, in their order, as members of their server; what the handlers post by a key is not doubled."""
    before = await control.post("before")
    asked = await killed(sandbox, control, tmp_path / "log", "handled", 0)
    missed = await control.post("missed")
    gone = await control.post("gone")
    await control.delete(gone["id"])
    authors: list[object] = []

    async def begin(message: discord.Message, log: Log) -> None:
        if message.content in ("go", "missed"):
            authors.append(message.author)
            await log.reply(message, "replied", key=f"reply {message.id}")

    running = await connect(begin=begin, redeliver=True)
    await eventually(lambda: running.seen[:2] == ["go", "missed"])
    await running.judge.expect(ReplySent, 3)
    assert all(isinstance(author, discord.Member) for author in authors)
    there = [("posted", None), ("replied", asked["id"]), ("replied", missed["id"])]
    assert sorted(await said(control, asked["channel_id"])) == there
    assert before["content"] not in running.seen
    await running.stop()

    again = await connect(begin=begin, redeliver=True)
    await control.post("new")
    await eventually(lambda: again.seen == ["new"])


async def test_a_handler_that_was_cut_off_is_called_again_and_one_that_raised_is_not(
    connect: Connect, control: ControlClient
) -> None:
    """Whoever closes the client, or does without redelivery, is told of the first."""
    hanging = asyncio.Event()

    async def begin(message: discord.Message, _log: Log) -> None:
        if message.content == "raise":
            raise ValueError
        hanging.set()
        await asyncio.Event().wait()

    running = await connect(made(commands.Bot), begin=begin, redeliver=True)
    await control.post("raise")
    await control.post("hang")
    await eventually(hanging.is_set)
    await running.judge.expect(MessageReceived, 2)
    await running.stop()

    running = await connect(redeliver=True)
    await control.post("next")
    await eventually(lambda: sorted(running.seen) == ["hang", "next"])
    await running.stop()

    await control.post("missed")
    running = await connect()
    await control.post("live")
    await eventually(lambda: running.seen == ["live"])
    await running.stop()
    running = await connect(redeliver=True)
    await control.post("last")
    await eventually(lambda: running.seen == ["last"])
