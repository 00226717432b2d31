"""The slow audit: compare the newest history with the log, record missing messages and edits, notice deleted ones.

A gap that no start of a session explains is reported to the operator. The audit looks at channels with traffic since
the last audit, one after the other, so that replies never wait for it long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import discord
import structlog

from bot.conversations import Conversations
from bot.core.conversation import Conversation
from bot.core.events import Author, Draft, GapFound, KeyKind, MessageReceived, Recorded, Via
from bot.core.outbox import ASKED
from bot.core.streams import BOT_STREAM, stream_of
from bot.errors import EcholessError
from bot.eventlog.log import EventLog
from bot.gateway.history import page_of
from bot.gateway.incoming import Unreadable, from_payload
from bot.gateway.intake import Intake
from bot.gateway.places import Place, place_in
from bot.gateway.requests import UNREADABLE

PAGES = 3
"""Pages of history to read at most. The turns of a window rarely reach further back."""

_log = structlog.get_logger()


class Audit:
    """Compares at intervals what Discord holds with what the log holds."""

    def __init__(self, log: EventLog, conversations: Conversations, intake: Intake, every: timedelta) -> None:
        self._log = log
        self._conversations = conversations
        self._intake = intake
        self._every = every.total_seconds()
        self._busy: set[int] = set()

    async def run(self, client: discord.Client) -> None:
        """Audit until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            if not client.is_ready():
                continue
            channels, self._busy = self._busy, set()
            for channel_id in sorted(channels):
                await self._audit(client, channel_id)

    async def _audit(self, client: discord.Client, channel_id: int) -> None:
        try:
            state = await self._conversations.state(channel_id)
            if state.window and not state.deleted:
                await self._compare(client, channel_id, state)
        except (*UNREADABLE, EcholessError) as error:
            _log.warning("audit.failed", channel=channel_id, error=type(error).__name__)

    async def _compare(self, client: discord.Client, channel_id: int, state: Conversation) -> None:
        """Compare the window with the history as far as both reach.

        Messages newer than the window's end are left out: the gateway is still bringing them.
        """
        newest = state.window[-1].message_id
        history = await _history(client, channel_id, state.window[0].message_id - 1, newest)
        if not history:
            return
        there = {int(data["id"]) for data in history}
        reach = max(there)
        gone = [turn.message_id for turn in state.window if turn.message_id <= reach and turn.message_id not in there]
        gone = [message_id for message_id in gone if not await self._asked(channel_id, message_id)]
        place = place_in(client, channel_id)
        missing = await self._heal(client, place, [data for data in history if state.turn(int(data["id"])) is None])
        edited = await self._edited(client, place, [data for data in history if state.turn(int(data["id"]))])
        if edited:
            _log.warning("edits.found", channel=channel_id, edited=edited)
        for message_id in gone:
            recording = self._intake.delete(message_id, place, Via.AUDIT)
            if recording is not None:
                await recording
        if missing or gone:
            _log.error("gap.found", channel=channel_id, missing=missing, deleted=len(gone))
            event = GapFound(channel_id=channel_id, missing=missing, deleted=len(gone))
            await self._log.append(BOT_STREAM, (Draft(event),))

    async def _asked(self, channel_id: int, message_id: int) -> bool:
        """Tell whether a turn was asked by a command, which does not show in the history."""
        found = await self._log.reader.find(stream_of(channel_id), KeyKind.RECEIVED, message_id)
        return any(isinstance(each.event, MessageReceived) and each.event.via in ASKED for each in found)

    async def _heal(self, client: discord.Client, place: Place, unknown: Sequence[Any]) -> int:
        """Record messages that are not in the window; return how many were missing from the log."""
        own_id = client.user.id if client.user else 0
        missing = 0
        for data in unknown:
            try:
                incoming = from_payload(data, own_id, guild_id=place.guild_id, client=client)
            except Unreadable:
                _log.error("message.unreadable", channel=place.channel_id, message=int(data["id"]))
                continue
            if incoming.author is Author.SELF:
                await self._intake.own(incoming, place, Via.AUDIT)
                continue
            recording = self._intake.message(incoming, place, Via.AUDIT, own_id)
            missing += bool(recording is not None and await recording)
        return missing

    async def _edited(self, client: discord.Client, place: Place, known: Sequence[Any]) -> int:
        """Record edits of messages in the window that nothing reported; return how many there were."""
        own_id = client.user.id if client.user else 0
        edited = 0
        for data in known:
            with suppress(Unreadable):
                incoming = from_payload(data, own_id, guild_id=place.guild_id, client=client)
                edited += await self._intake.edited_unseen(incoming, place, own_id)
        return edited

    def observe(self, channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Remember a channel with traffic; events that the audit itself recorded do not count."""
        if channel_id in self._busy:
            return
        if any(getattr(recorded.event, "via", None) is not Via.AUDIT for recorded in new):
            self._busy.add(channel_id)


async def _history(client: discord.Client, channel_id: int, after_id: int, upto_id: int) -> list[Any]:
    """Return Discord's JSON of the messages from after one id up to another, oldest first, a few pages at most."""
    messages: list[Any] = []
    for _ in range(PAGES):
        page = await page_of(client, channel_id, after_id)
        messages += [data for data in page.messages if int(data["id"]) <= upto_id]
        if not page.full or int(page.messages[-1]["id"]) >= upto_id:
            break
        after_id = int(page.messages[-1]["id"])
    return messages
